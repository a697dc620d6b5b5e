import math

import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.phantoms import RadioligandPatientConfig, simulate_radioligand
from tumorboard.physics.decay import DecayLibrary, decay_data

COARSE = RadioligandPatientConfig(true_spacing_mm=4.8, drawn_inside_mm=8.0, counts_per_bq=1.0)
PHYSICAL_H = decay_data("Lu-177", library=DecayLibrary.ENDF_B_VIII_1).half_life_s / 3600


@pytest.fixture(scope="module")
def patient():
    return simulate_radioligand(COARSE, frame_of_reference="1.2.3")


@pytest.mark.parametrize(
    ("name", "bq_ml", "hours"),
    [
        ("Liver metastasis", COARSE.lesion_bq_ml, COARSE.lesion_half_life_h),
        ("Left kidney", COARSE.kidney_bq_ml, COARSE.kidney_half_life_h),
    ],
)
def test_radioligand__scans_hold_the_activity_that_was_put_in(patient, name, bq_ml, hours):
    inside = patient.structures[name].mask.values > 0
    assert inside.sum() > 50
    assert np.unique(patient.time_integrated_bq_s_ml[inside]) == pytest.approx(
        [bq_ml * hours * 3600 / math.log(2)], rel=1e-12
    )
    for start_h, scan in zip(COARSE.times_h, patient.scans, strict=True):
        middle_h = start_h + COARSE.frame_s / 7200
        # Stored corrected to administration: only what washes out is missing.
        expected = bq_ml * 2.0 ** (middle_h / PHYSICAL_H - middle_h / hours)
        assert scan.image.values[inside].mean() == pytest.approx(expected, rel=0.03)


def test_radioligand__same_seed_same_scans():
    coarse = RadioligandPatientConfig(true_spacing_mm=9.6, scan_spacing_mm=9.6)
    one, other = (simulate_radioligand(coarse, frame_of_reference="1.2.3") for _ in range(2))
    assert all(
        np.array_equal(a.image.values, b.image.values) for a, b in zip(one.scans, other.scans, strict=True)
    )


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"times_h": (24.0, 4.0)}, "times_h must be > 0 and rise"),
        ({"kidney_bq_ml": 0.0}, "kidney_bq_ml must be > 0"),
        ({"lesion_half_life_h": 200.0}, "lesion_half_life_h must be > 0 and <= 159.5"),
    ],
)
def test_config__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        RadioligandPatientConfig(**choice)
