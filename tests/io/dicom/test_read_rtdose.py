"""One dose file alone comes back with its plan named."""

from datetime import datetime

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_rtdose import read_rtdose
from tumorboard.io.dicom.write_dose import DoseType, PlanKind, write_rtdose
from tumorboard.provenance import Record

STUDY = StudyIdentity(
    patient=PatientIdentity(patient_id="P01", patient_name="Phantom^Ada"),
    start=datetime(2024, 5, 17, 9),
    description="Test",
    seed="test",
)
PLAN = make_uid("plan", seed="test")


@pytest.fixture
def written(tmp_path):
    grid = Grid((3, 4, 5), (3.0, 2.0, 2.5), (1, 2, 3), AXIAL, frame_of_reference="1.2.3")
    values = np.random.default_rng(0).random(grid.shape)
    dose = Image(values, grid, Quantity.DOSE, Record("test"))
    path = tmp_path / "rd.dcm"
    write_rtdose(
        dose,
        path,
        study=STUDY,
        dose_type=DoseType.EFFECTIVE,
        plan_kind=PlanKind.RT_ION_PLAN,
        plan_sop_instance_uid=PLAN,
        description="RBE 1.1",
        series_number=3,
        created=datetime(2024, 5, 17, 10),
    )
    return path, dose


def test_read_rtdose__reads_back_what_was_written(written):
    path, dose = written
    back = read_rtdose(path)
    assert back.quantity is Quantity.DOSE
    assert grid_difference(back.grid, dose.grid) is None
    np.testing.assert_allclose(back.values, dose.values, rtol=1e-6)
    notes = " ".join(back.provenance.parameters["notes"])
    assert PLAN in notes
    assert "EFFECTIVE" in notes


def test_read_rtdose__refuses_other_files(written, tmp_path, make_slices):
    path, _ = written
    (tmp_path / "half.dcm").write_bytes(path.read_bytes()[:700])
    with pytest.raises(UnreadableFile, match=r"half\.dcm"):
        read_rtdose(tmp_path / "half.dcm")
    (tmp_path / "text.dcm").write_text("dose")
    with pytest.raises(UnreadableFile, match="DICOM"):
        read_rtdose(tmp_path / "text.dcm")
    slice_ = make_slices("CT", [0.0])[0]
    slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
    slice_.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match="RTDOSE; got CT"):
        read_rtdose(tmp_path / "ct.dcm")
