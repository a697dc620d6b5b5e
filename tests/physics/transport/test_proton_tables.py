import numpy as np
import pytest

from tumorboard.core.material import Material
from tumorboard.physics.materials import material
from tumorboard.physics.nuclear import hydrogen_elastic_cm2_g, inelastic_cm2_g, nuclear_elastic_cm2_g
from tumorboard.physics.proton_kinematics import beta_squared, largest_transfer_mev, momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2
from tumorboard.physics.scattering import scattering_power_rad2_mm
from tumorboard.physics.stopping_power import (
    electronic_mass_stopping_power_mev_cm2_g,
    mass_stopping_power_mev_cm2_g,
)
from tumorboard.physics.straggling import energy_straggling_mev2_cm2_g
from tumorboard.physics.transport.proton_tables import HIGHEST_PROTON_MEV, TABULATED_NUCLEI, proton_tables
from tumorboard.physics.transport.straggling_tables import vavilov_skewness

WATER, BONE, LUNG = (material(n) for n in ("water, liquid", "bone, cortical, ICRP", "lung, ICRP"))
MATERIALS = (WATER, BONE, LUNG)
ENERGIES = np.array([5.0, 20.0, 70.0, 150.0, 230.0, 290.0])


@pytest.fixture(scope="module")
def tables():
    return proton_tables(MATERIALS)


def rates_at(tables, number, energy_mev):
    """Rates of one material at energies, between the middles of the intervals."""
    n = tables.rates.shape[1]
    at = tables.node_of(energy_mev) * n - 0.5
    every = np.concatenate([tables.rates[number], tables.straggling[number]], axis=1)
    return np.stack([np.interp(at, np.arange(n), column) for column in every.T], axis=-1)


def test_proton_tables__energy_and_range_are_each_others_inverse(tables):
    n = tables.energy_mev.size - 1
    at = np.arange(50, n + 1, 37)
    ranges = tables.range_g_cm2 * (at / n) ** 2
    assert csda_range_g_cm2(WATER, tables.energy_mev[at]) == pytest.approx(ranges, rel=1e-5)
    assert (tables.energy_mev[0], tables.energy_mev[-1]) == (0.0, pytest.approx(HIGHEST_PROTON_MEV))
    assert (np.diff(tables.energy_mev) > 0).all()


def test_proton_tables__nodes_are_dense_enough_to_interpolate(tables):
    n = tables.energy_mev.size - 1
    middle = np.arange(20, n) + 0.5
    linear = 0.5 * (tables.energy_mev[20:-1] + tables.energy_mev[21:])
    assert csda_range_g_cm2(WATER, linear) == pytest.approx(tables.range_g_cm2 * (middle / n) ** 2, rel=2e-4)
    # Between 0.5 mm of water and 300 MeV two neighbours of the coarse tables differ by little.
    coarse = tables.rates.shape[1]
    first = int(np.sqrt(0.05 / tables.range_g_cm2) * coarse)
    assert np.abs(np.diff(np.log(tables.rates[:, first:, 0]), axis=1)).max() < 0.08
    assert np.abs(np.diff(tables.rates[:, first:, 2], axis=1)).max() < 1e-3


def test_node_of__is_the_root_of_the_residual_range(tables):
    found = tables.node_of(ENERGIES)
    assert found == pytest.approx(np.sqrt(csda_range_g_cm2(WATER, ENERGIES) / tables.range_g_cm2), rel=1e-4)
    assert tables.node_of(1000.0) == 1.0


def test_proton_tables__let_integral_rises_with_the_electronic_stopping_power_of_water(tables):
    rise = np.diff(np.interp([0.999 * ENERGIES, 1.001 * ENERGIES], tables.energy_mev,
                             tables.let_energy_mev_kev_um), axis=0)[0] / (0.002 * ENERGIES)  # fmt: skip
    assert rise == pytest.approx(0.1 * electronic_mass_stopping_power_mev_cm2_g(WATER, ENERGIES), rel=0.01)
    assert rise[np.searchsorted(ENERGIES, 150.0)] == pytest.approx(0.544, abs=0.006)


@pytest.mark.parametrize("number", range(3), ids=["water", "bone", "lung"])
def test_proton_tables__rates_are_those_of_the_material(tables, number):
    m = MATERIALS[number]
    power, nuclear, stopping, to_water, straggling, _ = rates_at(tables, number, ENERGIES).T
    own = mass_stopping_power_mev_cm2_g(m, ENERGIES)
    assert stopping == pytest.approx(own / mass_stopping_power_mev_cm2_g(WATER, ENERGIES), rel=1e-3)
    assert to_water == pytest.approx(
        electronic_mass_stopping_power_mev_cm2_g(WATER, ENERGIES)
        / electronic_mass_stopping_power_mev_cm2_g(m, ENERGIES),
        rel=1e-3,
    )
    cross_section = inelastic_cm2_g(m, ENERGIES) + nuclear_elastic_cm2_g(m, ENERGIES)
    cross_section += hydrogen_elastic_cm2_g(m, ENERGIES)
    # Tables of nuclei begin with steep steps; above 5 MeV nodes see them all.
    assert nuclear[1:] == pytest.approx(cross_section[1:], rel=5e-3)
    assert straggling == pytest.approx(energy_straggling_mev2_cm2_g(m, ENERGIES) / own**2, rel=5e-3)
    # The scattering power is this, and the tables' single-scattering factor.
    pv = momentum_speed_mev(ENERGIES)
    first = momentum_speed_mev(np.array(300.0))
    a, b = (np.interp(pv, tables.speed[:, 0], tables.speed[:, k]) for k in (1, 2))
    factor = a + b * np.log10(1.0 - (pv / first) ** 2)
    per_mm = 0.1 * m.density_g_cm3
    expected = scattering_power_rad2_mm(m, ENERGIES, initial_energy_mev=300.0)
    assert power * factor * per_mm == pytest.approx(expected, rel=5e-3)


def test_proton_tables__skewness_is_vavilovs(tables):
    # For free electrons; those bound add 1 to 2 % to the variance.
    energy, thickness = 145.0, 0.5
    beta2 = float(beta_squared(np.array(energy)))
    kappa = 0.153537 * 0.55508 / beta2 * thickness / float(largest_transfer_mev(np.array(energy)))
    found = rates_at(tables, 0, energy)[5] / np.sqrt(thickness)
    assert found == pytest.approx(vavilov_skewness(kappa, beta2), rel=0.015)


def test_proton_tables__water_over_water_is_1(tables):
    assert tables.rates[0, :, [2, 3]] == pytest.approx(np.ones((2, tables.rates.shape[1])))


def test_proton_tables__channels_are_cumulative_shares(tables):
    assert (np.diff(tables.channels, axis=2) >= 0).all()
    assert tables.channels[:, :, -1] == pytest.approx(np.ones(tables.channels.shape[:2]))
    n = tables.rates.shape[1]
    at = int(tables.node_of(150.0) * n)
    for number, m in enumerate(MATERIALS):
        shares = np.diff(tables.channels[number, at], prepend=0.0)
        total = tables.rates[number, at, 1]
        assert shares[:5].sum() * total == pytest.approx(float(inelastic_cm2_g(m, 150.0)), rel=2e-3)
        assert shares[5:10].sum() * total == pytest.approx(float(nuclear_elastic_cm2_g(m, 150.0)), rel=2e-3)
        assert shares[10] * total == pytest.approx(float(hydrogen_elastic_cm2_g(m, 150.0)), rel=2e-3)
    # Water: nothing but oxygen; bone: calcium and phosphorus too.
    water = np.diff(tables.channels[0, at], prepend=0.0)
    assert water[[0, 1, 3, 4]] == pytest.approx(np.zeros(4))
    bone = np.diff(tables.channels[1, at], prepend=0.0)
    assert bone[TABULATED_NUCLEI.index(20)] > 0.05


def test_proton_tables__slow_protons_meet_no_nucleus(tables):
    n = tables.rates.shape[1]
    middle = csda_range_g_cm2(WATER, 2.9) / tables.range_g_cm2
    assert (tables.rates[:, : int(np.sqrt(middle) * n), 1] == 0).all()


@pytest.mark.parametrize(
    "elements",
    [((1, 1.0),), ((26, 1.0),), ((1, 0.143716), (6, 0.856284)), ((92, 1.0),)],
    ids=["hydrogen", "iron", "polyethylene", "uranium"],
)
def test_proton_tables__take_any_material(elements):
    found = proton_tables((Material("own", 1.0, elements),))
    assert np.isfinite(found.rates).all()
    assert (found.rates[:, :, [0, 2, 3]] > 0).all()
    assert (found.straggling > 0).all()
    assert found.channels[:, :, -1] == pytest.approx(np.ones((1, found.rates.shape[1])))
