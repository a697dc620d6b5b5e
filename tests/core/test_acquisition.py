from datetime import UTC, datetime

import pytest

from tumorboard.core.acquisition import PetAcquisition, PetSlice
from tumorboard.errors import InputError, UnitError


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"weight_kg": 70_000.0}, r"weight_kg, Patient's Weight \(0010,1030\), must be .* \[kg\]; got 70000"),
        ({"height_m": 175.0}, r"height_m, .* \[m\]; got 175.0; it looks like centimetres"),
        ({"injected_bq": 368.08}, r"injected_bq, .* \[Bq\]; got 368.08; it looks like MBq"),
        ({"half_life_s": 0.0}, r"half_life_s, .* \[s\]; got 0.0"),
        ({"half_life_s": float("nan")}, r"half_life_s"),
        ({"weight_kg": -70.0}, r"weight_kg"),
        ({"slices": (PetSlice(frame_duration_s=-1.0),)}, r"Actual Frame Duration \(0018,1242\)"),
    ],
)
def test_pet_acquisition__refuses_impossible_magnitudes(wrong, says):
    with pytest.raises(UnitError, match=says):
        PetAcquisition(**wrong)


def test_pet_acquisition__takes_the_bounds_of_real_patients_and_tracers():
    PetAcquisition(weight_kg=2.5, height_m=0.45, injected_bq=14e6, half_life_s=75.4)  # a newborn, Rb-82
    PetAcquisition(weight_kg=250.0, height_m=2.1, injected_bq=2e9, half_life_s=282_280.0)  # Zr-89


def test_pet_acquisition__keeps_one_clock():
    zoned, naive = datetime(2025, 1, 1, 10, tzinfo=UTC), datetime(2025, 1, 1, 11)
    with pytest.raises(InputError, match=r"all have a time zone or all have none"):
        PetAcquisition(injection=zoned, series_start=naive)
    PetAcquisition(injection=zoned, series_start=zoned)


def test_pet_acquisition__earliest_start_ignores_silent_slices():
    parts = tuple(
        PetSlice(acquisition_start=t) for t in (None, datetime(2025, 1, 1, 12), datetime(2025, 1, 1, 11))
    )
    assert PetAcquisition(slices=parts).earliest_acquisition_start == datetime(2025, 1, 1, 11)
    assert PetAcquisition().earliest_acquisition_start is None
