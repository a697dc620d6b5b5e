from datetime import datetime

import highdicom
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage
from scipy.spatial.transform import Rotation

from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Contour, Structure, StructureKind, StructureSet
from tumorboard.errors import GridMismatch, InputError
from tumorboard.io.dicom.headers import header_of
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_structures import read_structures
from tumorboard.io.dicom.study import Series
from tumorboard.io.dicom.write_segmentation import (
    AlgorithmFamily,
    SegmentationAlgorithm,
    SegmentationKind,
    SegmentationMethod,
    write_segmentation,
)
from tumorboard.io.dicom.written import ReferencedSeries
from tumorboard.provenance import Record

MADE = Record("test")
FRAME = make_uid("frame", seed="test")
TEN = datetime(2024, 5, 17, 10)
ADA = PatientIdentity(patient_id="P01", patient_name="Phantom^Ada")
STUDY = StudyIdentity(patient=ADA, start=datetime(2024, 5, 17, 9), description="Test", seed="test")
BY_HAND = SegmentationAlgorithm(SegmentationMethod.MANUAL)


@st.composite
def grids(draw, handedness=(1.0,)):
    rotation = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True)
    direction = rotation.as_matrix() @ np.array(AXIAL)
    direction[:, 0] *= draw(st.sampled_from(handedness))
    return Grid(
        [draw(st.integers(2, 5)) for _ in range(3)],
        [draw(st.floats(0.3, 8.0)) for _ in range(3)],
        [draw(st.floats(-800.0, 800.0)) for _ in range(3)],
        direction,
        frame_of_reference=FRAME,
    )


def reference_of(grid):
    uids = tuple(make_uid("image", str(i), seed="test") for i in range(grid.shape[0]))
    return ReferencedSeries(make_uid("series", seed="test"), CTImageStorage, uids, grid, "CT")


def axial(shape=(4, 6, 5)):
    return Grid(shape, (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)


def masks_of(grid, n=2, seed=0):
    rng = np.random.default_rng(seed)
    masks = rng.random((n, *grid.shape)) < 0.4
    masks[:, 0, 0, 0] = masks[:, -1, -1, -1] = True  # so that the box of each is the whole grid
    return tuple(Structure(f"s{i}", mask=Image(m, grid, Quantity.LABEL, MADE)) for i, m in enumerate(masks))


def write(structures, path, grid, kind=SegmentationKind.BINARY, algorithm=BY_HAND, **more):
    structures = StructureSet(structures, FRAME, MADE)
    return write_segmentation(
        structures,
        path,
        study=STUDY,
        reference=reference_of(grid),
        kind=kind,
        algorithm=algorithm,
        description="test",
        series_number=5,
        created=TEN,
        **more,
    )


def read_back(path):
    header = header_of(pydicom.dcmread(path), path, path.stat().st_size)
    uid = header.series_instance_uid
    series = Series(uid, header.study_instance_uid, "SEG", header.sop_class_uid, "", (header,))
    return read_structures(series, frames_of_reference=[FRAME])


@settings(deadline=None, max_examples=15)
@given(grid=grids(), seed=st.integers(0, 9), omit=st.booleans())
def test_write_segmentation__binary_comes_back_through_our_reader(tmp_path_factory, grid, seed, omit):
    path = tmp_path_factory.getbasetemp() / "seg.dcm"
    structures = masks_of(grid, seed=seed)
    write(structures, path, grid, omit_empty_frames=omit)
    back = read_back(path)
    assert back.names == ("s0", "s1")
    for before, after in zip(structures, back.structures, strict=True):
        assert grid_difference(before.mask.grid, after.mask.grid) is None
        np.testing.assert_array_equal(before.mask.values, after.mask.values)


@settings(deadline=None, max_examples=15)
@given(grid=grids(), seed=st.integers(0, 9))
def test_write_segmentation__fractions_come_back_to_half_a_step(tmp_path_factory, grid, seed):
    path = tmp_path_factory.getbasetemp() / "fractions.dcm"
    fraction = np.random.default_rng(seed).random(grid.shape).astype(np.float32)
    fraction[0, 0, 0] = fraction[-1, -1, -1] = 1
    structure = Structure("liver", mask=Image(fraction, grid, Quantity.FRACTION, MADE))
    write((structure,), path, grid, SegmentationKind.FRACTIONAL)
    after = read_back(path)["liver"].mask
    assert after.quantity is Quantity.FRACTION
    assert grid_difference(grid, after.grid) is None
    np.testing.assert_allclose(after.values, fraction, atol=0.5 / 255 + 1e-6)


@settings(deadline=None, max_examples=10)
@given(grid=grids(handedness=(1.0, -1.0)))
def test_write_segmentation__highdicom_finds_each_voxel_in_its_place(tmp_path_factory, grid):
    path = tmp_path_factory.getbasetemp() / "peer.dcm"
    (structure,) = masks_of(grid, n=1)
    write((structure,), path, grid)
    volume = highdicom.seg.segread(path).get_volume(segment_numbers=[1])
    index = np.argwhere(np.ones(grid.shape, bool))
    theirs = np.rint(volume.map_reference_to_indices(grid.index_to_patient(index))).astype(int)
    found = volume.array[..., 0][tuple(theirs.T)].astype(bool)
    np.testing.assert_array_equal(found, structure.mask.values[tuple(index.T)])


def test_write_segmentation__binary_holds_fractions_of_a_half_or_more(tmp_path):
    grid = axial((1, 1, 3))
    mask = Image(np.array([[[0.49, 0.5, 1.0]]]), grid, Quantity.FRACTION, MADE)
    write((Structure("a", mask=mask),), tmp_path / "seg.dcm", grid)
    assert pydicom.dcmread(tmp_path / "seg.dcm").pixel_array.ravel()[:3].tolist() == [0, 1, 1]


def test_write_segmentation__says_what_and_who_was_segmented(tmp_path):
    grid = axial()
    (one, other) = masks_of(grid)
    structures = (
        Structure("Tumør", mask=one.mask, kind=StructureKind.GTV, colour_rgb=(255, 0, 0)),
        Structure("Leber", mask=other.mask, kind=StructureKind.ORGAN),
    )
    program = SegmentationAlgorithm(
        SegmentationMethod.AUTOMATIC, "threshold", "1.0", AlgorithmFamily.HISTOGRAM_ANALYSIS
    )
    written = write(structures, tmp_path / "seg.dcm", grid, algorithm=program)
    ds = pydicom.dcmread(written.path)
    assert (ds.SOPInstanceUID, ds.SeriesInstanceUID) == (
        written.sop_instance_uid,
        written.series_instance_uid,
    )
    assert (ds.PatientID, ds.StudyInstanceUID) == ("P01", STUDY.study_instance_uid)
    assert (ds.ContentDate, ds.ContentTime, ds.SeriesDescription) == ("20240517", "100000", "test")
    first = ds.SegmentSequence[0]
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    assert first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "threshold"
    assert ds.ReferencedSeriesSequence[0].SeriesInstanceUID == reference_of(grid).series_instance_uid
    back = read_back(written.path)
    assert [s.kind for s in back.structures] == [StructureKind.GTV, StructureKind.ORGAN]
    assert back.names == ("Tumør", "Leber")
    np.testing.assert_allclose(back["Tumør"].colour_rgb, (255, 0, 0), atol=8)  # by way of CIELab


def test_write_segmentation__masks_need_not_be_on_the_images_grid(tmp_path):
    finer = Grid((3, 8, 7), (1.0, 0.5, 0.5), (1, 1, 2), AXIAL, frame_of_reference=FRAME)
    (structure,) = masks_of(finer, n=1)
    write((structure,), tmp_path / "seg.dcm", axial())
    after = read_back(tmp_path / "seg.dcm")["s0"].mask
    assert grid_difference(finer, after.grid) is None
    np.testing.assert_array_equal(after.values, structure.mask.values)


def test_write_segmentation__seeded_files_repeat(tmp_path):
    for name in ("a", "b"):
        write(masks_of(axial()), tmp_path / name, axial())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_write_segmentation__says_what_is_wrong(tmp_path):
    grid = axial()
    contour = Contour([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    with pytest.raises(InputError, match="must have a mask"):
        write((Structure("a", (contour,)),), tmp_path / "x", grid)
    with pytest.raises(InputError, match="at least one"):
        write((), tmp_path / "x", grid)
    elsewhere = Structure("b", mask=masks_of(axial((2, 6, 5)), n=1)[0].mask)
    with pytest.raises(GridMismatch, match="masks of a segmentation"):
        write((*masks_of(grid, n=1), elsewhere), tmp_path / "x", grid)
    two = Structure("c", mask=Image(np.full(grid.shape, 2.0), grid, Quantity.FRACTION, MADE))
    with pytest.raises(InputError, match="0 to 1"):
        write((two,), tmp_path / "x", grid, SegmentationKind.FRACTIONAL)
    with pytest.raises(InputError, match="must state name, version and family"):
        SegmentationAlgorithm(SegmentationMethod.AUTOMATIC)
    assert list(tmp_path.iterdir()) == []
