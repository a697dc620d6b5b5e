"""A patient of one CT series, small enough for a process of its own."""

from datetime import datetime

import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.io.dicom import ImageModality, PatientIdentity, StudyIdentity, write_image_series
from tumorboard.provenance import Record


def _write_small_patient(folder):
    grid = Grid((8, 32, 32), (4.0, 3.0, 3.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    identity = PatientIdentity(patient_id="P01", patient_name="Test^One")
    write_image_series(
        Image(np.zeros(grid.shape, np.int16), grid, Quantity.CT_NUMBER, Record("test.made")),
        folder,
        study=StudyIdentity(patient=identity, start=datetime(2026, 1, 15, 10), description="", seed="cli"),
        modality=ImageModality.CT,
        description="CT",
        series_number=1,
        acquired=datetime(2026, 1, 15, 10),
    )
    return folder


@pytest.fixture
def write_small_patient():
    return _write_small_patient
