from datetime import datetime

import highdicom
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import PositronEmissionTomographyImageStorage
from scipy.spatial.transform import Rotation

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.write_parametric_map import write_parametric_map
from tumorboard.io.dicom.written import ReferencedSeries
from tumorboard.provenance import Record

MADE = Record("test")
FRAME = make_uid("frame", seed="test")
ADA = PatientIdentity(patient_id="P01", patient_name="single name")
STUDY = StudyIdentity(patient=ADA, start=datetime(2024, 5, 17, 9), description="Test", seed="test")


@st.composite
def grids(draw):
    rotation = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True)
    direction = rotation.as_matrix() @ np.array(AXIAL)
    direction[:, 0] *= draw(st.sampled_from((1.0, -1.0)))
    return Grid(
        [draw(st.integers(2, 5)) for _ in range(3)],
        [draw(st.floats(0.3, 8.0)) for _ in range(3)],
        [draw(st.floats(-800.0, 800.0)) for _ in range(3)],
        direction,
        frame_of_reference=FRAME,
    )


def axial(frame_of_reference=FRAME):
    return Grid((2, 3, 4), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=frame_of_reference)


def write(image, path):
    grid = axial()
    uids = tuple(make_uid("image", str(i), seed="test") for i in range(grid.shape[0]))
    kind = PositronEmissionTomographyImageStorage
    return write_parametric_map(
        image,
        path,
        study=STUDY,
        reference=ReferencedSeries(make_uid("series", seed="test"), kind, uids, grid, "PT"),
        description="test",
        series_number=7,
        created=datetime(2024, 5, 17, 10),
    )


@settings(deadline=None, max_examples=20)
@given(grid=grids(), dtype=st.sampled_from(("f4", "f8", "i2", "i4", "u1", "?")))
def test_write_parametric_map__highdicom_finds_each_value_exactly_in_its_place(tmp_path_factory, grid, dtype):
    path = tmp_path_factory.getbasetemp() / "pm.dcm"
    values = (200 * np.random.default_rng(0).random(grid.shape) - 100 * (dtype not in "u1?")).astype(dtype)
    write(Image(values, grid, Quantity.UNCALIBRATED, MADE), path)
    volume = highdicom.pm.ParametricMap.from_dataset(pydicom.dcmread(path)).get_volume(dtype=np.float64)
    index = np.argwhere(np.ones(grid.shape, bool))
    theirs = volume.map_reference_to_indices(grid.index_to_patient(index))
    np.testing.assert_allclose(theirs, np.rint(theirs), atol=0.01)
    found = volume.array[tuple(np.rint(theirs).astype(int).T)]
    np.testing.assert_array_equal(found, values[tuple(index.T)])


@pytest.mark.parametrize("quantity", list(Quantity))
def test_write_parametric_map__every_quantity_states_its_unit(tmp_path, quantity):
    image = Image(np.ones(axial().shape, np.float32), axial(), quantity, MADE)
    ds = pydicom.dcmread(write(image, tmp_path / "pm.dcm").path)
    (mapping,) = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.LUTExplanation == quantity.value
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1.0, 0.0)
    (unit,) = mapping.MeasurementUnitsCodeSequence
    assert unit.CodingSchemeDesignator == "UCUM"
    # UCUM is case-sensitive and writes the litre of compound units small.
    assert unit.CodeValue == {"HU": "[hnsf'U]"}.get(quantity.unit, quantity.unit.replace("mL", "ml"))


def test_write_parametric_map__belongs_to_patient_and_study(tmp_path):
    image = Image(np.ones(axial().shape, np.float32), axial(), Quantity.SUV_BODY_WEIGHT, MADE)
    written = write(image, tmp_path / "pm.dcm")
    ds = pydicom.dcmread(written.path)
    assert (ds.PatientName, ds.PatientID, ds.StudyInstanceUID) == (
        "single name",
        "P01",
        STUDY.study_instance_uid,
    )
    assert (ds.SOPInstanceUID, ds.SeriesInstanceUID) == (
        written.sop_instance_uid,
        written.series_instance_uid,
    )
    assert (ds.ContentQualification, ds.ContentTime) == ("RESEARCH", "100000")
    write(image, tmp_path / "again.dcm")
    assert (tmp_path / "again.dcm").read_bytes() == (tmp_path / "pm.dcm").read_bytes()


def test_write_parametric_map__says_what_is_wrong(tmp_path):
    bad = Image(np.full(axial().shape, np.nan), axial(), Quantity.DOSE, MADE)
    with pytest.raises(InputError, match="must be finite"):
        write(bad, tmp_path / "pm.dcm")
    other = axial("2.25.9")
    with pytest.raises(GridMismatch, match="frame of reference"):
        write(Image(np.ones(other.shape), other, Quantity.DOSE, MADE), tmp_path / "pm.dcm")
    assert list(tmp_path.iterdir()) == []
