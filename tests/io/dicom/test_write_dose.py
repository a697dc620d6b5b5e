from datetime import datetime

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.io.dicom.headers import header_of
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_image import read_image
from tumorboard.io.dicom.study import Series
from tumorboard.io.dicom.write_dose import DoseType, PlanKind, write_rtdose
from tumorboard.provenance import Record

MADE = Record("test")
FRAME = make_uid("frame", seed="test")
ADA = PatientIdentity(patient_id="P01", patient_name="Phantom^Ada")
STUDY = StudyIdentity(patient=ADA, start=datetime(2024, 5, 17, 9), description="Test", seed="test")
PLAN = make_uid("plan", seed="test")


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


def write(dose, path, **changes):
    facts = {"dose_type": DoseType.PHYSICAL, "plan_kind": PlanKind.RT_PLAN, "plan_sop_instance_uid": PLAN}
    created = datetime(2024, 5, 17, 10)
    return write_rtdose(
        dose, path, study=STUDY, description="test", series_number=6, created=created, **facts | changes
    )


def read_back(path):
    header = header_of(pydicom.dcmread(path), path, path.stat().st_size)
    uid = header.series_instance_uid
    return read_image(Series(uid, header.study_instance_uid, "RTDOSE", header.sop_class_uid, "", (header,)))


@settings(deadline=None, max_examples=25)
@given(grid=grids(), peak_gy=st.floats(1e-3, 1e3))
def test_write_rtdose__comes_back_through_our_reader(tmp_path_factory, grid, peak_gy):
    path = tmp_path_factory.getbasetemp() / "rd.dcm"
    values = peak_gy * np.random.default_rng(0).random(grid.shape)
    write(Image(values, grid, Quantity.DOSE, MADE), path)
    back = read_back(path)
    assert back.quantity is Quantity.DOSE
    assert grid_difference(grid, back.grid) is None
    ds = pydicom.dcmread(path)
    scaling = float(ds.DoseGridScaling)
    assert np.abs(ds.pixel_array * scaling - values).max() <= scaling * (0.5 + 1e-5)
    np.testing.assert_allclose(back.values, values, rtol=1e-6, atol=scaling)


@settings(deadline=None, max_examples=10)
@given(grid=grids(handedness=(1.0, -1.0)))
def test_write_rtdose__simpleitk_finds_each_value_in_its_place(tmp_path_factory, grid):
    path = tmp_path_factory.getbasetemp() / "peer.dcm"
    values = 60 * np.random.default_rng(1).random(grid.shape)
    write(Image(values, grid, Quantity.DOSE, MADE), path)
    itk = SimpleITK.ReadImage(str(path))
    index = np.argwhere(np.ones(grid.shape, bool))
    theirs = np.array(
        [itk.TransformPhysicalPointToContinuousIndex(p) for p in grid.index_to_patient(index).tolist()]
    )
    np.testing.assert_allclose(theirs, np.rint(theirs), atol=0.01)
    x, y, z = np.rint(theirs).astype(int).T
    # GDCM leaves out the scaling of doses, or applies it, depending on its version.
    found = SimpleITK.GetArrayFromImage(itk)[z, y, x].astype(float)
    if found.max() > 1e3:
        found *= float(pydicom.dcmread(path).DoseGridScaling)
    np.testing.assert_allclose(found, values[tuple(index.T)], rtol=1e-6, atol=1e-6)


def test_write_rtdose__says_of_what_the_dose_is(tmp_path):
    grid = Grid((2, 3, 4), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)
    dose = Image(np.zeros(grid.shape), grid, Quantity.DOSE, MADE)
    changes = {"dose_type": DoseType.EFFECTIVE, "plan_kind": PlanKind.RT_ION_PLAN}
    ds = pydicom.dcmread(write(dose, tmp_path / "rd.dcm", **changes).path)
    assert (ds.DoseUnits, ds.DoseType, ds.DoseSummationType) == ("GY", "EFFECTIVE", "PLAN")
    assert ds.ReferencedRTPlanSequence[0].ReferencedSOPClassUID.name == "RT Ion Plan Storage"
    assert ds.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == PLAN
    assert list(ds.GridFrameOffsetVector) == [0, 3]
    assert (ds.BitsAllocated, float(ds.DoseGridScaling)) == (32, 1.0)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_write_rtdose__refuses_what_is_not_a_dose(tmp_path, bad):
    grid = Grid((1, 1, 2), (3.0, 1.0, 1.0), (0, 0, 0), AXIAL, frame_of_reference=FRAME)
    with pytest.raises(InputError, match=r"finite and >= 0 \[Gy\]"):
        write(Image(np.array([[[1.0, bad]]]), grid, Quantity.DOSE, MADE), tmp_path / "rd.dcm")
    with pytest.raises(InputError, match="must be DOSE"):
        write(Image(np.ones((1, 1, 2)), grid, Quantity.DENSITY, MADE), tmp_path / "rd.dcm")
    with pytest.raises(InputError, match="plan_sop_instance_uid"):
        write(
            Image(np.ones((1, 1, 2)), grid, Quantity.DOSE, MADE),
            tmp_path / "rd.dcm",
            plan_sop_instance_uid="x",
        )
    assert list(tmp_path.iterdir()) == []
