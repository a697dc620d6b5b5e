import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._sternheimer import density_effect
from tumorboard.physics.electron_stopping import (
    collision_mass_stopping_power_mev_cm2_g,
    electron_csda_range_g_cm2,
    radiation_yield,
    radiative_mass_stopping_power_mev_cm2_g,
)
from tumorboard.physics.materials import material, material_names

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "electrons"
WATER = material("water, liquid")
#: CSDA range in liquid water and radiation yield as NIST's ESTAR prints them.
ESTAR_WATER = {0.1: (1.431e-2, 5.842e-4), 1.0: (4.367e-1, 3.579e-3), 10.0: (4.975, 4.072e-2)}


def estar():
    with (VALIDATION / "estar.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield material(row["material"]), {k: float(v) for k, v in row.items() if k != "material"}


def test_stopping_powers__equal_estar():
    for m, row in estar():
        energy = row["energy_mev"]
        collision = float(collision_mass_stopping_power_mev_cm2_g(m, energy))
        radiative = float(radiative_mass_stopping_power_mev_cm2_g(m, energy))
        assert collision == pytest.approx(row["collision_mev_cm2_g"], rel=2e-4), (m.name, energy)
        assert radiative == pytest.approx(row["radiative_mev_cm2_g"], rel=2e-4), (m.name, energy)
        assert float(density_effect(m, np.array(energy))) == pytest.approx(row["density_effect"], abs=2e-4)


@pytest.mark.parametrize("energy", ESTAR_WATER)
def test_csda_range__in_water_equals_estar(energy):
    reach, radiated = ESTAR_WATER[energy]
    assert float(electron_csda_range_g_cm2(WATER, energy)) == pytest.approx(reach, rel=5e-4)
    assert float(radiation_yield(WATER, energy)) == pytest.approx(radiated, rel=2e-3)


@given(name=st.sampled_from(material_names()), energy=st.floats(0.002, 29.0), positrons=st.booleans())
def test_csda_range__its_slope_is_the_inverse_stopping_power(name, energy, positrons):
    m = material(name)
    step = 1e-3 * energy
    low, high = electron_csda_range_g_cm2(m, [energy - step, energy + step], positrons=positrons)
    total = collision_mass_stopping_power_mev_cm2_g(m, energy, positrons=positrons)
    total = total + radiative_mass_stopping_power_mev_cm2_g(m, energy, positrons=positrons)
    assert (high - low) / (2 * step) == pytest.approx(1 / float(total), rel=2e-3)


def test_collision__positrons_lose_more_when_slow_and_less_when_fast():
    # ICRU 37: the ratio in water crosses 1 near 0.3 MeV and is 0.98 at 2 MeV.
    energies = np.array([0.02, 0.1, 1.0, 5.0])
    ratio = collision_mass_stopping_power_mev_cm2_g(WATER, energies, positrons=True)
    ratio = ratio / collision_mass_stopping_power_mev_cm2_g(WATER, energies)
    assert (np.diff(ratio) < 0).all()
    assert ratio[0] > 1.05
    assert ratio[-1] < 0.99


def test_radiative__positrons_radiate_less():
    energies = np.array([0.01, 0.1, 1.0, 10.0])
    ratio = radiative_mass_stopping_power_mev_cm2_g(WATER, energies, positrons=True)
    ratio = ratio / radiative_mass_stopping_power_mev_cm2_g(WATER, energies)
    assert (np.diff(ratio) > 0).all()
    assert ((ratio > 0) & (ratio < 1)).all()


def test_density_effect__vanishes_in_a_gas_and_reaches_its_limit():
    assert float(density_effect(material("air, dry"), np.array(1.0))) == 0.0  # starts at 20 MeV
    energies = np.array([20.0, 29.0])
    # Far above the shells it is ln((plasma energy times beta gamma / I)^2) - 1.
    tau = energies / 0.51099895
    plasma_ev = 28.8159 * np.sqrt(0.555087)
    limit = np.log(plasma_ev**2 / 75.0**2 * tau * (tau + 2)) - 1.0
    above = density_effect(WATER, energies) - limit
    assert (above > 0).all()
    assert above[1] < above[0] < 0.25


@pytest.mark.parametrize("energy", [0.0, 9e-4, 31.0, np.nan])
def test_energies__beyond_the_tables_are_refused(energy):
    with pytest.raises(InputError, match=r"energy_mev must be 0.001 to 30"):
        collision_mass_stopping_power_mev_cm2_g(WATER, energy)
    with pytest.raises(InputError, match=r"energy_mev must be 0.001 to 30"):
        radiation_yield(WATER, energy)


def test_materials__beyond_uranium_are_refused():
    heavy = Material("plutonium", 19.8, ((94, 1.0),), 966.0)
    for function in (collision_mass_stopping_power_mev_cm2_g, radiative_mass_stopping_power_mev_cm2_g):
        with pytest.raises(InputError, match="1 to 92"):
            function(heavy, 1.0)


def test_density_effect__refuses_a_density_that_cannot_be():
    dense = Material("water", 200.0, ((1, 0.111894), (8, 0.888106)), 75.0)
    with pytest.raises(InputError, match="density_g_cm3"):
        density_effect(dense, np.array(1.0))
