import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io import nifti
from tumorboard.provenance import Record

FRAME = "2.25.1"
MADE = Record("test")
DTYPES = ("u1", "i2", "u2", "i4", "f4", "f8")


@st.composite
def grids(draw):
    rotation = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True)
    direction = rotation.as_matrix() @ np.array(AXIAL)
    direction[:, 0] *= draw(st.sampled_from((1.0, -1.0)))
    return Grid(
        [draw(st.integers(1, 6)) for _ in range(3)],
        [draw(st.floats(0.3, 8.0)) for _ in range(3)],
        [draw(st.floats(-800.0, 800.0)) for _ in range(3)],
        direction,
        frame_of_reference=FRAME,
    )


def grid_of(shape=(3, 4, 5), **changes):
    return Grid(shape, (3.0, 1.0, 2.0), (-10.0, 20.0, 30.0), AXIAL, frame_of_reference=FRAME)


def image_of(values, quantity=Quantity.CT_NUMBER):
    return Image(values, grid_of(np.shape(values)), quantity, MADE)


@settings(deadline=None, max_examples=60)
@given(grid=grids(), dtype=st.sampled_from(DTYPES), suffix=st.sampled_from((".nii", ".nii.gz")))
def test_write_then_read__keeps_grid_and_values(tmp_path_factory, grid, dtype, suffix):
    values = (np.random.default_rng(0).random(grid.shape) * 200).astype(dtype)
    image = Image(values, grid, Quantity.CT_NUMBER, MADE)
    path = tmp_path_factory.getbasetemp() / f"law{suffix}"
    nifti.write(image, path)
    back = nifti.read(path, quantity=Quantity.CT_NUMBER, frame_of_reference=FRAME)
    assert grid_difference(image.grid, back.grid) is None
    assert back.values.dtype == values.dtype
    np.testing.assert_array_equal(back.values, values)


@settings(deadline=None, max_examples=40)
@given(grid=grids())
def test_write__nibabel_and_simpleitk_find_each_value_at_its_patient_point(tmp_path_factory, grid):
    values = np.random.default_rng(1).random(grid.shape).astype(np.float32)
    path = tmp_path_factory.getbasetemp() / "peers.nii"
    nifti.write(Image(values, grid, Quantity.DOSE, MADE), path)
    index = np.argwhere(np.ones(grid.shape, bool))
    points_mm = grid.index_to_patient(index)

    theirs = nibabel.load(path)
    # A quaternion of 32-bit floats turns by up to 3e-4 rad beside a rotation by 180 degrees: 0.025 mm here.
    for affine, close_mm in ((theirs.get_qform(), 0.03), (theirs.get_sform(), 0.001)):
        ras = np.column_stack((index[:, ::-1], np.ones(len(index)))) @ affine.T
        np.testing.assert_allclose(ras[:, :3] * (-1, -1, 1), points_mm, atol=close_mm, rtol=0)
    np.testing.assert_array_equal(np.asarray(theirs.dataobj).T, values)

    itk = SimpleITK.ReadImage(str(path))
    found = [
        itk.TransformContinuousIndexToPhysicalPoint(one) for one in index[:, ::-1].astype(float).tolist()
    ]
    np.testing.assert_allclose(found, points_mm, atol=0.03, rtol=0)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(itk), values)


@settings(deadline=None, max_examples=25)
@given(grid=grids())
def test_read__agrees_with_what_simpleitk_writes(tmp_path_factory, grid):
    path = tmp_path_factory.getbasetemp() / "itk.nii.gz"
    values = np.random.default_rng(2).integers(-1000, 1000, grid.shape).astype(np.int16)
    itk = SimpleITK.GetImageFromArray(values)
    itk.SetSpacing(grid.spacing_mm[::-1].tolist())
    itk.SetOrigin(grid.origin_mm.tolist())
    itk.SetDirection(grid.direction[:, ::-1].ravel().tolist())
    SimpleITK.WriteImage(itk, str(path))
    back = nifti.read(path, quantity=Quantity.CT_NUMBER, frame_of_reference=FRAME)
    assert grid_difference(grid, back.grid) is None
    np.testing.assert_array_equal(back.values, values)


def test_read__label_of_zeros_and_ones_is_boolean(tmp_path):
    mask = np.zeros((2, 3, 4), bool)
    mask[1, 2, 3] = True
    nifti.write(image_of(mask, Quantity.LABEL), tmp_path / "m.nii.gz")
    back = nifti.read(tmp_path / "m.nii.gz", quantity=Quantity.LABEL, frame_of_reference=FRAME)
    assert back.values.dtype == bool
    np.testing.assert_array_equal(back.values, mask)


def test_read__honours_slope_and_intercept(tmp_path):
    header = nibabel.Nifti1Header()
    codes = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    theirs = nibabel.Nifti1Image(codes, np.eye(4), header)
    theirs.header.set_xyzt_units("mm", "sec")
    theirs.header.set_slope_inter(0.5, -3.0)
    nibabel.save(theirs, tmp_path / "s.nii")
    back = nifti.read(tmp_path / "s.nii", quantity=Quantity.DOSE, frame_of_reference=FRAME)
    assert back.values.dtype == np.float32
    np.testing.assert_allclose(back.values, np.asarray(nibabel.load(tmp_path / "s.nii").dataobj).T)


@pytest.mark.parametrize(("code", "factor"), [(1, 1000.0), (2, 1.0), (3, 0.001)])
def test_read__converts_lengths_to_mm(tmp_path, code, factor):
    save_with(tmp_path / "u.nii", xyzt_units=code)
    back = nifti.read(tmp_path / "u.nii", quantity=Quantity.DOSE, frame_of_reference=FRAME)
    np.testing.assert_allclose(back.grid.spacing_mm, np.array([4.0, 3.0, 2.0]) * factor)
    np.testing.assert_allclose(back.grid.origin_mm, np.array([-5.0, -6.0, 7.0]) * factor)


def test_read__unknown_unit_must_be_told(tmp_path):
    save_with(tmp_path / "u.nii", xyzt_units=0)
    kinds = {"quantity": Quantity.DOSE, "frame_of_reference": FRAME}
    with pytest.raises(MissingAttribute, match=r"spatial_unit=SpatialUnit\.MILLIMETRE"):
        nifti.read(tmp_path / "u.nii", **kinds)
    told = nifti.read(tmp_path / "u.nii", spatial_unit=nifti.SpatialUnit.MILLIMETRE, **kinds)
    np.testing.assert_allclose(told.grid.spacing_mm, [4.0, 3.0, 2.0])


def test_read__file_without_transform_is_an_error(tmp_path):
    save_with(tmp_path / "n.nii", qform_code=0, sform_code=0)
    with pytest.raises(GeometryError, match="must say where its voxels are"):
        nifti.read(tmp_path / "n.nii", quantity=Quantity.DOSE, frame_of_reference=FRAME)


def test_read__two_transforms_that_differ_must_be_chosen_from(tmp_path):
    theirs = made_by_nibabel()
    shifted = theirs.affine.copy()
    shifted[0, 3] += 1.0
    theirs.header.set_sform(shifted, code="mni")
    save_as_it_is(theirs, tmp_path / "d.nii")
    kinds = {"quantity": Quantity.DOSE, "frame_of_reference": FRAME}
    with pytest.raises(GeometryError, match="must agree; a corner differs by 1 mm"):
        nifti.read(tmp_path / "d.nii", **kinds)
    origins = [
        nifti.read(tmp_path / "d.nii", transform=kind, **kinds).grid.origin_mm[0]
        for kind in (nifti.NiftiTransform.QFORM, nifti.NiftiTransform.SFORM)
    ]
    np.testing.assert_allclose(origins, [-5.0, -6.0])


def test_read__sheared_sform_is_an_error(tmp_path):
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[1, 2] = 0.1
    theirs = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.float32), affine)
    theirs.header.set_xyzt_units("mm", "sec")
    nibabel.save(theirs, tmp_path / "sheared.nii")
    with pytest.raises(GeometryError, match="must be orthogonal"):
        nifti.read(tmp_path / "sheared.nii", quantity=Quantity.DOSE, frame_of_reference=FRAME)


def test_write_then_read__dynamic_keeps_frames_and_times(tmp_path):
    values = np.random.default_rng(3).random((4, 2, 3, 5)).astype(np.float32)
    start_s = 60.0 + 30.0 * np.arange(4)
    quantity = Quantity.ACTIVITY_CONCENTRATION
    dynamic = DynamicImage(values, grid_of((2, 3, 5)), quantity, start_s, np.full(4, 30.0), "injection", MADE)
    nifti.write(dynamic, tmp_path / "d.nii.gz")
    kinds = {"quantity": quantity, "frame_of_reference": FRAME}
    with pytest.raises(MissingAttribute, match="time_zero"):
        nifti.read(tmp_path / "d.nii.gz", **kinds)
    back = nifti.read(tmp_path / "d.nii.gz", time_zero="injection", **kinds)
    np.testing.assert_array_equal(back.values, values)
    np.testing.assert_allclose(back.frame_start_s, start_s)
    np.testing.assert_allclose(back.frame_duration_s, 30.0)
    assert grid_difference(back.grid, dynamic.grid) is None


def test_write__unequal_frames_are_refused(tmp_path):
    values, grid = np.zeros((2, 1, 1, 1), np.float32), grid_of((1, 1, 1))
    dynamic = DynamicImage(values, grid, Quantity.COUNTS, [0.0, 10.0], [10.0, 20.0], "injection", MADE)
    with pytest.raises(InputError, match="equally long"):
        nifti.write(dynamic, tmp_path / "d.nii")


def test_to_bytes__equal_images_give_equal_bytes():
    image = image_of(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    assert nifti.to_bytes(image) == nifti.to_bytes(image)
    assert gzip.decompress(nifti.to_bytes(image)) == nifti.to_bytes(image, compressed=False)


@pytest.mark.parametrize("keep", [0, 100, 348, 360, -5])
@pytest.mark.parametrize("name", ["cut.nii", "cut.nii.gz"])
def test_read__file_cut_off_is_unreadable(tmp_path, keep, name):
    whole = nifti.to_bytes(
        image_of(np.random.default_rng(4).random((4, 8, 8))), compressed=name.endswith("gz")
    )
    (tmp_path / name).write_bytes(whole[:keep])
    with pytest.raises(UnreadableFile, match="cut"):
        nifti.read(tmp_path / name, quantity=Quantity.DOSE, frame_of_reference=FRAME)


def test_read__header_that_claims_more_than_the_file_can_hold_is_unreadable(tmp_path):
    content = bytearray(nifti.to_bytes(image_of(np.zeros((2, 2, 2), np.float32)), compressed=False))
    content[42:48] = np.array([32767] * 3, "<i2").tobytes()
    (tmp_path / "huge.nii").write_bytes(content)
    with pytest.raises(UnreadableFile, match="too short"):
        nifti.read(tmp_path / "huge.nii", quantity=Quantity.DOSE, frame_of_reference=FRAME)


def test_write__says_what_is_wrong(tmp_path):
    image = image_of(np.full((1, 1, 1), 2**40))
    with pytest.raises(InputError, match="must fit 32 bits"):
        nifti.write(image, tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"must end in \.nii"):
        nifti.write(image, tmp_path / "a.img")
    assert list(tmp_path.iterdir()) == []


def made_by_nibabel():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 5.0, 6.0, 7.0
    theirs = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.float32), affine)
    theirs.header.set_qform(affine, code="scanner")
    theirs.header.set_sform(affine, code="scanner")
    theirs.header.set_xyzt_units("mm", "sec")
    return theirs


def save_with(path, **fields):
    theirs = made_by_nibabel()
    for name, value in fields.items():
        theirs.header[name] = value
    save_as_it_is(theirs, path)


def save_as_it_is(theirs, path):
    """Not nibabel.save, which would put into the header what it thinks right."""
    theirs.header["vox_offset"] = 352
    theirs.header["magic"] = b"n+1"
    path.write_bytes(theirs.header.binaryblock + bytes(4) + np.asarray(theirs.dataobj).tobytes(order="F"))


def test_write__unequal_frames_keep_their_times_elsewhere(tmp_path):
    grid = Grid((2, 3, 4), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    values = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    frames = DynamicImage(
        values, grid, Quantity.COUNTS, [0.0, 10.0], [10.0, 60.0], "injection", Record("test")
    )
    with pytest.raises(InputError, match="times_elsewhere"):
        nifti.write(frames, tmp_path / "a.nii")
    nifti.write(frames, tmp_path / "a.nii", times_elsewhere=True)
    told = {"quantity": Quantity.COUNTS, "frame_of_reference": "1.2.3", "time_zero": "injection"}
    with pytest.raises(MissingAttribute, match="unit of time"):
        nifti.read(tmp_path / "a.nii", **told)
    again = nifti.read(tmp_path / "a.nii", frame_start_s=[0.0, 10.0], frame_duration_s=[10.0, 60.0], **told)
    np.testing.assert_array_equal(again.values, values)
    np.testing.assert_array_equal(again.frame_duration_s, [10.0, 60.0])
