"""One collision of many photons: what it leaves, and where they go."""

import itertools
import math

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.physics.materials import material
from tumorboard.physics.photon_attenuation import (
    ELECTRON_MASS_MEV,
    form_factor_squared_mol_g,
    mass_attenuation_cm2_g,
    mass_energy_transfer_cm2_g,
    photon_interactions_cm2_g,
    scattering_function_mol_g,
)
from tumorboard.physics.transport._kernels.photon_collision import collide
from tumorboard.physics.transport._kernels.photon_data import (
    DEPOSITED,
    ENERGY,
    HANDED_ON,
    NODE,
    NUMBERS,
    PART,
    WAITING,
    WANTED,
    WHOLES,
    Flights,
    Secondaries,
    U,
    V,
    W,
)
from tumorboard.physics.transport._kernels.photon_sampling import (
    energy_node,
    lepton_cosine,
    photoelectron_cosine,
)
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import PhotonSteps, new_tallies, photon_arguments

#: Planck's constant times the speed of light [MeV angstrom].
HC = 0.01239841984


def collided(name, energy, count, electron_cut_mev=None):
    """Return photons after one collision, and what they set free; all flew along z."""
    grid = Grid((1, 1, 1), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    medium = TransportMedium.homogeneous(grid, material(name))
    steps = PhotonSteps(cut_mev=0.001, electron_cut_mev=electron_cut_mev)
    arguments = photon_arguments(medium, steps, seed=1)
    rng = np.random.default_rng(11)
    number, whole = np.zeros((count, NUMBERS)), np.zeros((count, WHOLES), np.int64)
    scratch = np.zeros(1)
    number[:, ENERGY], number[:, W], number[:, WANTED] = energy, 1.0, -1.0
    whole[:, NODE], number[:, PART] = energy_node(energy, scratch, scratch.view(np.int64))
    streams = rng.integers(0, 2**63, (count, 2)).astype(np.uint64) | np.uint64(1)
    flights = Flights(
        number,
        whole,
        streams,
        np.zeros(1, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros(2, np.uint64),
        scratch,
        scratch.view(np.int64),
    )
    rows = 2 * count if electron_cut_mev else 0
    free = Secondaries(np.zeros((rows, 7)), np.zeros((rows, 2), np.int64), np.zeros(1, np.int64))
    collide(flights, arguments.voxels, arguments.tables, arguments.settings, new_tallies(1), free)
    return flights, free


@pytest.mark.parametrize("name", ["water, liquid", "bone, cortical, ICRP", "lung, ICRP", "lead"])
@pytest.mark.parametrize("energy", [0.02, 0.06, 0.14, 0.511, 2.0, 8.0])
def test_collide__leaves_the_energy_transferred(name, energy):
    flights, _ = collided(name, energy, 300_000)
    own = material(name)
    expected = float(mass_energy_transfer_cm2_g(own, energy) / mass_attenuation_cm2_g(own, energy))
    left = flights.number[:, DEPOSITED] / energy
    noise = left.std() / math.sqrt(left.size) / expected
    assert left.mean() / expected == pytest.approx(1.0, abs=0.0005 + 3.5 * noise)
    assert 0.0005 + 3.5 * noise < 0.0125


@pytest.mark.parametrize("name", ["water, liquid", "lead"])
@pytest.mark.parametrize("energy", [0.1, 1.5, 12.0])
def test_collide__interactions_come_as_often_as_their_cross_sections(name, energy):
    flights, _ = collided(name, energy, 200_000)
    parts = photon_interactions_cm2_g(material(name), energy)
    after = flights.number[:, ENERGY]
    pair = flights.whole[:, WAITING] == 1
    found = np.array(
        [
            ((after > 0) & (after < energy) & ~pair).mean(),
            ((after == 0) & ~pair).mean(),
            (after == energy).mean(),
            pair.mean(),
        ]
    )
    expected = np.array([parts.incoherent, parts.photoelectric, parts.coherent, parts.pair]) / parts.total
    assert found == pytest.approx(expected, abs=4.5 * 0.5 / math.sqrt(200_000))


def compton_spectrum(name, energy):
    """Return edges of half of one minus the cosine, and the part of Compton scattering in each bin."""
    edges = np.linspace(0.0, 1.0, 41)
    half = ((np.arange(40 * 400) + 0.5) / 400 / 40).reshape(40, 400)
    left = 1 / (1 + 2 * energy / ELECTRON_MASS_MEV * half)
    density = left**2 * (left + 1 / left - 4 * half * (1 - half))
    density *= scattering_function_mol_g(material(name), energy / HC * np.sqrt(half))
    return edges, density.sum(axis=1) / density.sum()


@pytest.mark.parametrize(
    ("name", "energy"),
    [
        ("water, liquid", 0.01),
        ("water, liquid", 0.06),
        ("water, liquid", 0.511),
        ("lead", 0.06),
        ("lead", 5.0),
    ],
)
def test_collide__compton_angles_are_klein_and_nishinas_with_binding(name, energy):
    flights, _ = collided(name, energy, 300_000)
    after, cosine = flights.number[:, ENERGY], flights.number[:, W]
    compton = (after > 0) & (after < energy) & (flights.whole[:, WAITING] == 0)
    edges, expected = compton_spectrum(name, energy)
    half = 0.5 * (1 - cosine[compton])
    counts = np.histogram(half, edges)[0]
    expected = expected * compton.sum()
    few = expected < 10
    chi2 = ((counts - expected)[~few] ** 2 / expected[~few]).sum()
    free = (~few).sum()
    assert chi2 < free + 4.5 * math.sqrt(2 * free)
    # Energy and angle belong together.
    kept = energy / (1 + 2 * energy / ELECTRON_MASS_MEV * half)
    np.testing.assert_allclose(after[compton], kept, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["water, liquid", "lead"])
@pytest.mark.parametrize("energy", [0.01, 0.06, 0.3])
def test_collide__rayleigh_angles_follow_form_factors(name, energy):
    flights, _ = collided(name, energy, 2_000_000 if energy > 0.1 else 500_000)
    elastic = flights.number[:, ENERGY] == energy
    x2 = 0.5 * (1 - flights.number[elastic, W]) * (energy / HC) ** 2
    edges = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 31)]) * (energy / HC) ** 2
    fine = np.concatenate([np.linspace(a, b, 201)[1:] - (b - a) / 400 for a, b in itertools.pairwise(edges)])
    cosine = 1 - 2 * fine / (energy / HC) ** 2
    density = (1 + cosine**2) * form_factor_squared_mol_g(material(name), np.sqrt(fine))
    expected = (density.reshape(31, 200).sum(axis=1)) * np.diff(edges)
    expected *= elastic.sum() / expected.sum()
    counts = np.histogram(x2, edges)[0]
    few = expected < 10
    chi2 = ((counts - expected)[~few] ** 2 / expected[~few]).sum()
    free = (~few).sum()
    assert elastic.sum() > 5000
    assert chi2 < free + 4.5 * math.sqrt(2 * free)


def test_collide__azimuths_are_even_and_directions_are_unit_vectors():
    flights, _ = collided("water, liquid", 0.3, 100_000)
    alive = flights.number[:, ENERGY] > 0
    directions = flights.number[alive][:, [U, V, W]]
    np.testing.assert_allclose((directions**2).sum(axis=1), 1.0, atol=1e-12)
    around = np.arctan2(directions[:, 1], directions[:, 0])
    counts = np.histogram(around, 16, (-np.pi, np.pi))[0]
    assert counts == pytest.approx(np.full(16, counts.mean()), abs=4.5 * math.sqrt(counts.mean()))


def test_collide__annihilation_photons_fly_apart():
    flights, _ = collided("lead", 10.0, 20_000)
    pair = flights.whole[:, WAITING] == 1
    one = flights.number[pair][:, [U, V, W]]
    other = flights.number[pair][:, 17:20]
    assert pair.mean() > 0.5
    np.testing.assert_allclose(one, -other, atol=1e-14)
    np.testing.assert_allclose(flights.number[pair, ENERGY], 0.51099895)
    assert one.mean(axis=0) == pytest.approx([0, 0, 0], abs=0.03)


def test_collide__electrons_of_pairs_share_what_is_left():
    flights, free = collided("lead", 6.0, 20_000, electron_cut_mev=1e-9)
    n = free.count[0]
    kind, energy = free.label[:n, 0], free.state[:n, 6]
    positive = energy[kind == 2]
    assert positive.mean() == pytest.approx(0.5 * (6.0 - 2 * ELECTRON_MASS_MEV), rel=0.01)
    assert positive.max() < 6.0 - 2 * ELECTRON_MASS_MEV
    handed = energy.sum() + 2 * ELECTRON_MASS_MEV * positive.size
    assert handed == pytest.approx(flights.number[:, HANDED_ON].sum(), rel=1e-12)
    # Fast leptons go ahead.
    assert free.state[:n, 5][kind == 2].mean() > 0.9


@pytest.mark.parametrize("kinetic", [0.01, 0.1, 0.5, 2.0])
def test_photoelectron_cosine__is_sauters(kinetic):
    rng = np.array([5, 0x9E3779B97F4A7C15], np.uint64)
    found = np.array([photoelectron_cosine(rng, kinetic) for _ in range(20_000)])
    gamma = 1 + kinetic / ELECTRON_MASS_MEV
    beta = math.sqrt(1 - 1 / gamma**2)
    cosine = np.linspace(-1, 1, 200_001)[1:] - 5e-6
    density = (1 - cosine**2) / (1 - beta * cosine) ** 4
    density *= 1 + 0.5 * gamma * (gamma - 1) * (gamma - 2) * (1 - beta * cosine)
    expected = (cosine * density).sum() / density.sum()
    assert found.mean() == pytest.approx(expected, abs=4.5 * found.std() / math.sqrt(found.size))


def test_lepton_cosine__of_slow_ones_is_even_and_of_fast_ones_ahead():
    rng = np.array([5, 0x9E3779B97F4A7C15], np.uint64)
    slow = np.array([lepton_cosine(rng, 1e-6) for _ in range(20_000)])
    fast = np.array([lepton_cosine(rng, 10.0) for _ in range(20_000)])
    assert slow.mean() == pytest.approx(0.0, abs=0.02)
    assert 1 - np.median(fast) == pytest.approx((ELECTRON_MASS_MEV / 10.5) ** 2 / 2, rel=0.1)
