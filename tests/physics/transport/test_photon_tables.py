import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.physics.materials import material
from tumorboard.physics.photon_attenuation import (
    ELECTRON_MASS_MEV,
    mass_attenuation_cm2_g,
    mass_energy_transfer_cm2_g,
    photon_interactions_cm2_g,
)
from tumorboard.physics.transport._kernels.photon_data import NODES_PER_OCTAVE
from tumorboard.physics.transport._kernels.photon_sampling import COMPTON_EVERY, PAIR_EVERY, PAIR_FIRST_NODE
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_tables import (
    energy_nodes_mev,
    pair_energy_distribution,
    photon_tables,
)

NAMES = ("water, liquid", "bone, cortical, ICRP", "lead")


@pytest.fixture(scope="module")
def medium():
    grid = Grid((2, 2, 3), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    index = np.tile([0, 1, 2], (2, 2, 1))
    density = np.tile([1.0, 1.9, 0.0], (2, 2, 1))
    return TransportMedium(grid, density, index, tuple(material(name) for name in NAMES))


@pytest.fixture(scope="module")
def tables(medium):
    return photon_tables(medium)


def between(column, energies):
    return np.interp(energies, energy_nodes_mev(), column.astype(float))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_photon_tables__follow_the_coefficients_between_nodes(tables, n):
    energies = np.geomspace(0.005, 19.9, 3000)
    if n == 2:
        # But for lead's edges, which become ramps.
        energies = energies[(energies > 0.017) & (abs(energies - 0.088) > 0.001)]
    own = material(NAMES[n])
    attenuation = mass_attenuation_cm2_g(own, energies)
    transfer = mass_energy_transfer_cm2_g(own, energies)
    assert between(tables.attenuation[:, n], energies) == pytest.approx(0.1 * attenuation, rel=3e-4)
    assert between(tables.transfer[:, n], energies) == pytest.approx(0.1 * transfer, rel=3e-4)
    found = photon_interactions_cm2_g(own, energies)
    assert between(tables.shares[:, n, 0], energies) == pytest.approx(
        found.incoherent / found.total, abs=3e-4
    )


def test_photon_tables__majorant_is_the_largest_attenuation_present(tables):
    each = tables.attenuation * np.array([1.0, 1.9, 0.0])
    assert (tables.majorant >= each.max(axis=1)).all()
    assert tables.majorant == pytest.approx(each.max(axis=1), rel=1e-5)


@pytest.mark.parametrize("energy", [0.001, 0.0625, 0.5, 4.0, 16.0])
def test_photon_tables__compton_quantiles_give_klein_and_nishinas_mean_transfer(tables, energy):
    node = round((np.log2(energy) + 10) * NODES_PER_OCTAVE / COMPTON_EVERY)
    near = energy_nodes_mev()[node * COMPTON_EVERY]
    quantiles = tables.compton[node]
    mean = (0.5 * (quantiles[1:] + quantiles[:-1])).mean()
    given = (np.arange(200000) + 0.5) / 200000
    twice = 2 * near / ELECTRON_MASS_MEV
    left = 1 - given * twice / (1 + twice)
    half = given / (1 + twice * (1 - given))
    density = left + 1 / left - 4 * half * (1 - half)
    assert mean == pytest.approx((given * density).sum() / density.sum(), rel=2e-4)


def test_pair_energy_distribution__integrates_to_the_cross_section_of_light_atoms():
    part = (np.arange(4000) + 0.5) / 4000
    alpha_r2 = 0.0794078 / 137.036
    water = material("water, liquid")
    for energy in (1.2, 1.5, 2.0):
        k = energy / ELECTRON_MASS_MEV
        barn = alpha_r2 * (k - 2) * pair_energy_distribution(energy, part).mean()
        per_gram = 0.602214 * sum(
            f / w * z**2 * barn for z, f, w in ((1, 0.111894, 1.008), (8, 0.888106, 15.999))
        )
        # Pairs in the field of electrons come on top from 2 MeV on.
        assert photon_interactions_cm2_g(water, energy).pair == pytest.approx(per_gram, rel=0.05)


def test_pair_energy_distribution__is_the_same_for_both():
    part = np.linspace(0.01, 0.99, 99)
    for energy in (1.1, 2.0, 10.0, 20.0):
        values = pair_energy_distribution(energy, part)
        assert values == pytest.approx(values[::-1], rel=1e-9)
        assert (values > 0).all()


def test_photon_tables__pair_quantiles_are_even_about_the_middle(tables):
    assert tables.pair == pytest.approx(1 - tables.pair[:, ::-1], abs=2e-3)
    energies = energy_nodes_mev()[PAIR_FIRST_NODE::PAIR_EVERY]
    assert tables.pair.shape[0] == energies.size
    assert energies[0] == 1.0


def test_photon_tables__scattering_and_rayleigh_rise_to_one(tables):
    for table in (tables.scattering, tables.rayleigh):
        assert (np.diff(table, axis=1) >= -1e-7).all()
        assert table[:, -1] == pytest.approx(1.0, rel=1e-6)
        assert (table[:, 0] > 0).all()


def test_photon_tables__of_vacuum_attenuate_nothing():
    grid = Grid((2, 2, 2), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    nothing = TransportMedium(grid, np.zeros(grid.shape), np.zeros(grid.shape, int), (material(NAMES[0]),))
    assert (photon_tables(nothing).majorant == 0).all()
