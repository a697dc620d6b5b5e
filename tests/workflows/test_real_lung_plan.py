"""A real lung CT, planned against errors of the range alone: all nine scenarios are a matter of minutes."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from tumorboard.io import dicom
from tumorboard.workflows.proton_plan.prescription import parse_prescription
from tumorboard.workflows.proton_plan.run import run

pytestmark = pytest.mark.slow

SHOWN = Path(__file__).parents[2] / "docs/prescriptions/lung_three_fields.toml"
FEWER = (
    ("setup_mm = 5.0", "setup_mm = 0.0"),
    ("max_iterations = 200", "max_iterations = 80"),
)


def test_run__plans_a_real_lung_tumour_and_spares_the_cord(data_dir):
    study = dicom.scan(data_dir / "lung_ct_rtstruct")
    series = {s.modality: s for s in study.series}
    text = SHOWN.read_text()
    for old, new in FEWER:
        assert old in text
        text = text.replace(old, new)
    config = parse_prescription(tomllib.loads(text), folder=Path())
    ct = dicom.read_image(series["CT"])
    drawn = dicom.read_structures(series["RTSTRUCT"], frames_of_reference={ct.grid.frame_of_reference})
    result = run(config, ct, drawn)
    target, cord = result.histograms["GTV-1"], result.histograms["Spinal-Cord"]
    assert len(target) == 3
    assert target[0].dose_at_volume_gy(percent=95) > 54.0
    assert target[0].dose_at_volume_gy(percent=2) < 70.0
    assert max(h.max_gy for h in cord) < 45.0
    for band in (target, cord):
        falls = np.diff([h.cumulative_percent(np.linspace(0, 80, 161)) for h in band], axis=1)
        assert (falls <= 1e-9).all()
    # The right lung lies behind the tumour, where protons do not go.
    assert result.histograms["Lung-Right"][0].mean_gy < 1.0
    assert result.deposited_energy_j == pytest.approx(result.brought_energy_j, rel=0.05)
