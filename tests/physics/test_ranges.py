import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.physics.materials import material, material_names
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev, residual_energy_mev
from tumorboard.physics.stopping_power import mass_stopping_power_mev_cm2_g

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "stopping_power"
WATER = material("water, liquid")
NAMES = st.sampled_from(material_names())


def test_csda_range__in_water_equals_pstar():
    table = np.loadtxt(VALIDATION / "pstar_water_range.csv", delimiter=",", skiprows=1)
    got = csda_range_g_cm2(WATER, table[:, 0])
    error = abs(got / table[:, 1] - 1)
    # PSTAR has four digits: half of the last one is 0.05 % at most.
    assert error.max() < 6e-4


def test_csda_range__equals_catima():
    with (VALIDATION / "catima.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            got = float(csda_range_g_cm2(material(row["material"]), float(row["energy_mev"])))
            assert got == pytest.approx(float(row["csda_range_g_cm2"]), rel=5e-3), row


@given(name=NAMES, energy=st.floats(0.0, 1000.0))
def test_energy_from_range__is_the_inverse(name, energy):
    there = csda_range_g_cm2(material(name), energy)
    assert float(energy_from_range_mev(material(name), there)) == pytest.approx(energy, rel=1e-6, abs=1e-12)


@given(name=NAMES, energy=st.floats(0.01, 900.0))
def test_csda_range__its_slope_is_the_inverse_stopping_power(name, energy):
    step = 1e-4 * energy
    low, high = csda_range_g_cm2(material(name), [energy - step, energy + step])
    slope = (high - low) / (2 * step)
    assert slope == pytest.approx(1 / float(mass_stopping_power_mev_cm2_g(material(name), energy)), rel=2e-3)


def test_csda_range__rises_from_zero():
    ranges = csda_range_g_cm2(
        WATER, np.concatenate(([0.0], np.geomspace(1e-6, 1000.0, 5000).clip(max=1000.0)))
    )
    assert ranges[0] == 0
    assert (np.diff(ranges) > 0).all()


@given(energy=st.floats(1.0, 400.0), first=st.floats(0.0, 300.0), second=st.floats(0.0, 300.0))
def test_residual_energy__two_slabs_are_one(energy, first, second):
    between = residual_energy_mev(WATER, energy, first)
    after = float(residual_energy_mev(WATER, between, second))
    # Near the end of the range a rounding of the range is a large one of the energy.
    assert after == pytest.approx(
        float(residual_energy_mev(WATER, energy, first + second)), rel=1e-5, abs=1e-3
    )


def test_residual_energy__is_zero_where_protons_stop_and_all_without_matter():
    reach = 10 * float(csda_range_g_cm2(WATER, 100.0))
    left = residual_energy_mev(WATER, 100.0, [0.0, reach - 0.01, reach + 0.01, 1e6])
    assert left[0] == 100.0
    assert 0 < left[1] < 1.5
    assert (left[2:] == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: csda_range_g_cm2(WATER, -1.0), r"0 to 1000 \[MeV\]; got -1"),
        (lambda: csda_range_g_cm2(WATER, [1.0, float("nan")]), r"0 to 1000 \[MeV\]; got nan"),
        (lambda: energy_from_range_mev(WATER, 1e4), r"the range at 1000 MeV; got 10000"),
        (lambda: energy_from_range_mev(WATER, -0.1), "got -0.1"),
        (
            lambda: residual_energy_mev(WATER, 100.0, -1.0),
            r"thickness_mm must be finite and >= 0 \[mm\]; got -1",
        ),
    ],
)
def test_ranges__refuse_what_is_out_of_range(call, message):
    with pytest.raises(InputError, match=message):
        call()
