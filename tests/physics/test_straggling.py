import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.ranges import csda_range_g_cm2
from tumorboard.physics.stopping_power import mass_stopping_power_mev_cm2_g
from tumorboard.physics.straggling import (
    energy_straggling_mev2_cm2_g,
    energy_straggling_sigma_mev,
    range_straggling_sigma_mm,
)

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "stopping_power"
WATER = material("water, liquid")


def catima():
    with (VALIDATION / "catima.csv").open(encoding="utf-8") as file:
        return [
            {k: v if k == "material" else float(v) for k, v in row.items()} for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("row", catima(), ids=lambda row: f"{row['material']} {row['energy_mev']:g}")
def test_straggling__equals_catima(row):
    matter = material(row["material"])
    sigma = 0.1 * matter.density_g_cm3 * float(range_straggling_sigma_mm(matter, row["energy_mev"]))
    assert sigma == pytest.approx(row["range_sigma_g_cm2"], rel=0.01)
    half_mm = 5 * row["csda_range_g_cm2"] / matter.density_g_cm3
    after = float(energy_straggling_sigma_mev(matter, row["energy_mev"], half_mm))
    assert after == pytest.approx(row["energy_sigma_mev_after_half"], rel=0.01)


def test_range_straggling__is_bortfelds_but_for_relativity():
    # Bortfeld 1997: sigma = 0.012 R^0.935 cm, from Bohr's 0.087 MeV2/cm without relativity.
    for top in (50.0, 100.0, 150.0, 200.0):
        nodes, weights = np.polynomial.legendre.leggauss(200)
        energies = 0.5 * top * (nodes + 1)
        at_rest = 0.5 * top * weights @ (0.087 / mass_stopping_power_mev_cm2_g(WATER, energies) ** 3)
        assert np.sqrt(at_rest) == pytest.approx(
            0.012 * float(csda_range_g_cm2(WATER, top)) ** 0.935, rel=0.03
        )
        gamma = top / 938.272 + 1
        own = 0.1 * float(range_straggling_sigma_mm(WATER, top))
        assert 1 < own / np.sqrt(at_rest) < np.sqrt(gamma**2 * (0.5 + 0.5 / gamma**2))


def test_energy_straggling__solves_the_equation_of_thick_slabs():
    # d(sigma2)/dx = kappa - 2 (dS/dE) sigma2, integrated step by step.
    def rates(_, state):
        energy, variance = state
        step = 1e-3 * energy
        low, middle, high = mass_stopping_power_mev_cm2_g(WATER, [energy - step, energy, energy + step])
        slope = (high - low) / (2 * step)
        return [-middle, float(energy_straggling_mev2_cm2_g(WATER, energy)) - 2 * slope * variance]

    solved = solve_ivp(rates, (0.0, 14.0), [150.0, 0.0], rtol=1e-7, atol=1e-9)
    assert float(energy_straggling_sigma_mev(WATER, 150.0, 140.0)) == pytest.approx(
        np.sqrt(solved.y[1, -1]), rel=1e-3
    )


def test_energy_straggling__in_a_thin_slab_is_bohrs():
    # 4 pi N_A r_e^2 (m_e c^2)^2 Z/A = 0.1569 * 0.5551 MeV2 cm2/g, times gamma^2 (1 - beta^2/2) for protons.
    at = np.array([1.0, 10.0, 100.0])
    gamma = at / 938.272 + 1
    expected = 0.15692 * 0.55509 * gamma**2 * (1 - 0.5 * (1 - 1 / gamma**2))
    assert energy_straggling_mev2_cm2_g(WATER, at) == pytest.approx(expected, rel=2e-3)
    thin = energy_straggling_sigma_mev(WATER, 100.0, 0.01)
    assert float(thin) ** 2 == pytest.approx(expected[2] * 1e-3, rel=2e-3)


def test_energy_straggling__is_zero_without_matter_and_where_protons_stop():
    assert energy_straggling_sigma_mev(WATER, 100.0, [0.0, 1000.0]).tolist() == [0.0, 0.0]


def test_straggling__refuses_energies_beyond_the_tables():
    with pytest.raises(InputError, match=r"0 to 1000 \[MeV\]; got 2000"):
        range_straggling_sigma_mm(WATER, 2000.0)
