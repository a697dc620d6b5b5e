import csv
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.io import dicom
from tumorboard.numerics import voxelise
from tumorboard.outcomes.dose_volume import dose_volume_histogram
from tumorboard.provenance import Record

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "outcomes"


def invented_dose(frame):
    """Return the dose that validation/outcomes/dicompyler_lung.csv is about: a ball and a broad band."""
    corner_mm, centre_mm = (-160.0, -320.0, -621.5), (81.0, -200.0, -456.0)
    grid = Grid((95, 100, 140), (3.0, 2.5, 2.5), corner_mm, AXIAL, frame_of_reference=frame)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    points_mm = grid.index_to_patient(index) - centre_mm
    ball = 66.0 / (1.0 + np.exp((np.linalg.norm(points_mm, axis=-1) - 45.0) / 8.0))
    band = 12.0 * np.exp(-((points_mm[..., 0] / 60.0) ** 2)) * (points_mm[..., 1] > 0)
    return Image((ball + band).astype(np.float32), grid, Quantity.DOSE, Record("test.invented"))


@pytest.mark.slow
def test_dose_volume_histogram__of_a_lung_patient_is_near_dicompylers(data_dir):
    (series,) = dicom.scan(data_dir / "lung_ct_rtstruct" / "rtstruct").series
    structures = dicom.read_structures(series, frames_of_reference=None)
    dose = invented_dose(structures.frame_of_reference)
    with (VALIDATION / "dicompyler_lung.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["structure"] for row in rows} == set(structures.names)
    for row in rows:
        peer = {key: float(value) for key, value in row.items() if key != "structure"}
        fraction = voxelise(structures[row["structure"]], dose.grid)
        ours = dose_volume_histogram(dose, fraction, name=row["structure"])
        # The peer takes voxels whole or not at all, which a thin structure's volume shows most.
        assert ours.total_ml == pytest.approx(peer.pop("volume_ml"), rel=0.01)
        assert ours.mean_gy == pytest.approx(peer.pop("mean_gy"), abs=0.04)
        for column, percent in peer.items():
            dose_gy = float(column.removeprefix("v").removesuffix("gy_percent"))
            assert ours.volume_at_dose_percent(dose_gy) == pytest.approx(percent, abs=0.6)
