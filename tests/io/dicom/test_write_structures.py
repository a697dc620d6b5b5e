from datetime import datetime

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path
from pydicom.uid import CTImageStorage
from scipy.spatial.transform import Rotation

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Contour, Structure, StructureKind, StructureSet
from tumorboard.errors import GridMismatch, InputError
from tumorboard.io.dicom.headers import header_of
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.mask_contours import mask_contours
from tumorboard.io.dicom.read_structures import read_structures
from tumorboard.io.dicom.study import Series
from tumorboard.io.dicom.write_structures import write_rtstruct
from tumorboard.io.dicom.written import ReferencedSeries
from tumorboard.numerics.voxelise import voxelise
from tumorboard.provenance import Record

MADE = Record("test")
FRAME = make_uid("frame", seed="test")
TEN = datetime(2024, 5, 17, 10)
ADA = PatientIdentity(patient_id="P01", patient_name="Phantom^Ada")
STUDY = StudyIdentity(patient=ADA, start=datetime(2024, 5, 17, 9), description="Test", seed="test")
TILTED = Rotation.from_euler("xyz", (20.0, -35.0, 110.0), degrees=True).as_matrix() @ np.array(AXIAL)


def grid_of(shape, direction=TILTED):
    return Grid(shape, (3.0, 1.2, 0.9), (-10.0, 20.0, 30.0), direction, frame_of_reference=FRAME)


def reference_of(grid):
    uids = tuple(make_uid("image", str(i), seed="test") for i in range(grid.shape[0]))
    return ReferencedSeries(make_uid("series", seed="test"), CTImageStorage, uids, grid, "CT")


def write(structures, path, reference):
    return write_rtstruct(
        structures, path, study=STUDY, reference=reference, description="test", series_number=4, created=TEN
    )


def read_back(path):
    header = header_of(pydicom.dcmread(path), path, path.stat().st_size)
    uid = header.series_instance_uid
    series = Series(uid, header.study_instance_uid, "RTSTRUCT", header.sop_class_uid, "", (header,))
    return read_structures(series, frames_of_reference=[FRAME])


def area_of(contour):
    """Area enclosed by a planar polygon in space [mm2], by the cross products of its edges."""
    p = contour.points_mm - contour.points_mm.mean(axis=0)
    return 0.5 * np.linalg.norm(np.cross(p, np.roll(p, -1, axis=0)).sum(axis=0))


def square(z, low, high):
    return Contour([[low, low, z], [high, low, z], [high, high, z], [low, high, z]])


@settings(deadline=None, max_examples=60)
@given(mask=arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))))
def test_mask_contours__hold_exactly_the_centres_of_the_voxels(mask):
    grid = grid_of(mask.shape)
    contours = mask_contours(Image(mask, grid, Quantity.LABEL, MADE))
    centres = np.argwhere(np.ones(mask.shape[1:], bool))
    found = np.zeros(mask.shape, bool)
    for contour in contours:
        index = grid.patient_to_index(contour.points_mm)
        plane = round(index[0, 0])
        np.testing.assert_allclose(index[:, 0], plane, atol=1e-9)
        found[plane] ^= Path(index[:, 1:]).contains_points(centres).reshape(mask.shape[1:])
    np.testing.assert_array_equal(found, mask)


@settings(deadline=None, max_examples=40)
@given(mask=arrays(bool, (1, 6, 7)))
def test_mask_contours__even_odd_area_is_that_of_the_voxels(mask):
    grid = grid_of(mask.shape)
    contours = mask_contours(Image(mask, grid, Quantity.LABEL, MADE))
    # Outlines of holes run the other way round.
    normal = np.cross(grid.direction[:, 2], grid.direction[:, 1])
    signed = sum(
        0.5
        * np.cross(c.points_mm - grid.origin_mm, np.roll(c.points_mm - grid.origin_mm, -1, axis=0)).sum(0)
        @ normal
        for c in contours
    )
    assert signed == pytest.approx(mask.sum() * 1.2 * 0.9, abs=1e-9)


def test_mask_contours__fraction_is_outlined_between_voxels():
    radius_mm, grid = 6.3, Grid((1, 41, 41), (1, 0.5, 0.5), (-10, -10, 0), AXIAL, frame_of_reference=FRAME)
    index = np.argwhere(np.ones(grid.shape, bool))
    distance = np.linalg.norm(
        grid.index_to_patient(index)[:, :2] - grid.index_to_patient((0, 20, 20))[:2], axis=1
    )
    fraction = np.clip(0.5 + (radius_mm - distance) / 0.5, 0, 1).reshape(grid.shape)
    (contour,) = mask_contours(Image(fraction, grid, Quantity.FRACTION, MADE))
    assert area_of(contour) == pytest.approx(np.pi * radius_mm**2, rel=2e-3)


def test_write_rtstruct__comes_back_through_our_reader(tmp_path):
    grid = grid_of((4, 8, 9))
    mask = np.zeros(grid.shape, bool)
    mask[1:3, 2:7, 2:8] = True
    mask[1, 4, 4] = False
    contour = Contour(grid.index_to_patient([[2, 1.25, 1], [2, 6, 2], [2, 3, 6.5]]))
    structures = StructureSet(
        (
            Structure("GTV-1", mask=Image(mask, grid, Quantity.LABEL, MADE), kind=StructureKind.GTV),
            Structure("Rückenmark", (contour,), kind=StructureKind.ORGAN, colour_rgb=(1, 2, 255)),
        ),
        FRAME,
        MADE,
        label="plan",
        empty_names=("nothing",),
    )
    reference = reference_of(grid)
    written = write(structures, tmp_path / "rs.dcm", reference)
    back = read_back(written.path)
    assert back.names == ("GTV-1", "Rückenmark")
    assert back.empty_names == ("nothing",)
    assert (back.label, back.frame_of_reference) == ("plan", FRAME)
    assert back.referenced_series == reference.series_instance_uid
    assert [s.kind for s in back.structures] == [StructureKind.GTV, StructureKind.ORGAN]
    assert back["Rückenmark"].colour_rgb == (1, 2, 255)
    np.testing.assert_allclose(back["Rückenmark"].contours[0].points_mm, contour.points_mm, atol=6e-7)
    again = voxelise(back["GTV-1"], grid, contour_spacing_mm=3.0, frame_of_reference=FRAME)
    np.testing.assert_array_equal(again.values >= 0.5, mask)


def test_write_rtstruct__contours_refer_to_the_image_they_lie_on(tmp_path):
    grid = Grid((3, 4, 4), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)
    contours = (square(3.0, 0, 2), square(4.5, 0, 2), square(6.0, 0, 2), square(-3.0, 0, 2))
    reference = reference_of(grid)
    write(StructureSet((Structure("a", contours),), FRAME, MADE), tmp_path / "rs.dcm", reference)
    (region,) = pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence
    found = [
        [i.ReferencedSOPInstanceUID for i in c.get("ContourImageSequence", [])]
        for c in region.ContourSequence
    ]
    uids = reference.sop_instance_uids
    assert found == [[uids[1]], [], [uids[2]], []]


@pytest.mark.parametrize(
    ("contours", "kind"),
    [
        ((square(0, 0, 10), square(0, 2, 4)), "CLOSEDPLANAR_XOR"),
        ((square(0, 0, 10), square(0, 11, 14)), "CLOSED_PLANAR"),
        ((square(0, 0, 10), square(3, 2, 4)), "CLOSED_PLANAR"),
    ],
)
def test_write_rtstruct__holes_are_said_to_be_holes(tmp_path, contours, kind):
    grid = Grid((3, 4, 4), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)
    structures = StructureSet((Structure("a", contours),), FRAME, MADE)
    write(structures, tmp_path / "rs.dcm", reference_of(grid))
    (region,) = pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence
    assert {c.ContourGeometricType for c in region.ContourSequence} == {kind}


def test_write_rtstruct__long_contours_survive(tmp_path):
    angle = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    circle = Contour(np.column_stack((300 * np.cos(angle), 300 * np.sin(angle), np.full(5000, 1.5))))
    grid = Grid((1, 4, 4), (3.0, 1.0, 1.0), (0, 0, 1.5), AXIAL, frame_of_reference=FRAME)
    structures = StructureSet((Structure("circle", (circle,)),), FRAME, MADE)
    write(structures, tmp_path / "rs.dcm", reference_of(grid))
    back = read_back(tmp_path / "rs.dcm")["circle"].contours[0]
    np.testing.assert_allclose(back.points_mm, circle.points_mm, atol=6e-7)


def test_write_rtstruct__says_what_is_wrong(tmp_path):
    grid = Grid((1, 4, 4), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)
    elsewhere = StructureSet((Structure("a", (square(0, 0, 1),)),), "2.25.99", MADE)
    with pytest.raises(GridMismatch, match="frame of reference"):
        write(elsewhere, tmp_path / "rs.dcm", reference_of(grid))
    for name in ("x" * 65, "a\\b", "a\nb"):
        structures = StructureSet((Structure(name, (square(0, 0, 1),)),), FRAME, MADE)
        with pytest.raises(InputError, match="name of a structure"):
            write(structures, tmp_path / "rs.dcm", reference_of(grid))
    assert list(tmp_path.iterdir()) == []
