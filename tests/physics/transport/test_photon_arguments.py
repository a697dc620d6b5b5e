from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import schneider2000
from tumorboard.physics.materials import material
from tumorboard.physics.transport._kernels.photon_data import (
    ALL_BROUGHT,
    ALL_DEPOSITED,
    ALL_ESCAPED,
    ALL_HANDED_ON,
    BLOCK,
    LARGEST_ERROR,
    NODES_PER_BAND,
    Secondaries,
)
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import (
    PhotonScoring,
    PhotonSteps,
    new_tallies,
    photon_arguments,
)
from tumorboard.physics.transport.photon_source import PhotonSource

SHAPE = (11, 17, 9)


@pytest.fixture(scope="module")
def medium():
    rng = np.random.default_rng(3)
    tissues = schneider2000().tissues
    grid = Grid(SHAPE, (7.0, 5.0, 6.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    index = rng.integers(0, len(tissues), SHAPE)
    density = rng.uniform(0.2, 2.0, SHAPE)
    density[:2] = 0
    return TransportMedium(grid, density, index, tissues)


def photons(medium, energy, count, direction=None):
    middle = tuple(medium.grid.index_to_patient((np.array(medium.grid.shape) - 1) / 2))
    some = PhotonSource((energy,), middle, direction).particles(0, count, seed=1)
    points, directions = medium.to_grid_axes(some.position_mm, some.direction)
    return points, directions, some.energy_mev, some.history


def room(n):
    return Secondaries(np.zeros((n, 7)), np.zeros((n, 2), np.int64), np.zeros(1, np.int64))


def all_secondaries(medium, source, rows, cut_mev=0.02):
    """Return what is handed on, in the order of histories, and the tallies, with room for some at a time."""
    arguments = photon_arguments(medium, PhotonSteps(electron_cut_mev=cut_mev), seed=5)
    tallies, kept, flights = new_tallies(medium.density_g_cm3.size), [], None
    while True:
        secondaries = room(rows)
        flights = arguments.follow(source, tallies, secondaries=secondaries, flights=flights)
        n = secondaries.count[0]
        kept.append(np.column_stack([secondaries.label[:n], secondaries.state[:n]]))
        if flights is None:
            found = np.concatenate(kept)
            return found[np.argsort(found[:, 1], kind="stable")], tallies


def test_codes__name_material_and_hold_density(medium):
    voxels = photon_arguments(medium, PhotonSteps(), seed=1).voxels
    m = voxels.codes >> voxels.bits
    assert (m == medium.material_index.ravel()).all()
    low = voxels.cells[m, 0] + voxels.cells[m, 1] * (voxels.codes & ((1 << voxels.bits) - 1))
    assert (low <= voxels.density).all()
    assert (voxels.density <= low + voxels.cells[m, 1]).all()
    assert voxels.cells[:, 1].max() < 2e-3


def test_ceilings__are_above_every_voxel_of_the_block(medium):
    arguments = photon_arguments(medium, PhotonSteps(), seed=1)
    tables, voxels = arguments.tables, arguments.voxels
    by_axis = [np.arange(n) // BLOCK for n in SHAPE]
    blocks = [axis[-1] + 1 for axis in by_axis]
    z, y, x = np.meshgrid(*by_axis, indexing="ij")
    block = (z * blocks[1] + y) * blocks[2] + x
    nodes = np.arange(5, tables.majorant.size - 1, 37)
    for part in (0.0, 0.4, 1.0):
        for node in nodes:
            own = tables.attenuation[node] * (1 - part) + tables.attenuation[node + 1] * part
            most = tables.majorant[node] * (1 - part) + tables.majorant[node + 1] * part
            here = own[medium.material_index] * medium.density_g_cm3
            ceiling = voxels.ceiling[node // NODES_PER_BAND][block] / 255.0
            assert (here <= most * ceiling * (1 + 1e-12)).all()


@pytest.mark.parametrize("energy", [0.03, 0.5, 6.0])
def test_follow__hands_on_what_closes_each_history(medium, energy):
    found, tallies = all_secondaries(medium, photons(medium, energy, 3000), 100_000)
    account = tallies.account
    assert account[LARGEST_ERROR] < 1e-12
    assert account[ALL_BROUGHT] == pytest.approx(
        account[ALL_DEPOSITED] + account[ALL_ESCAPED] + account[ALL_HANDED_ON], rel=1e-12
    )
    assert tallies.deposit.sum() == pytest.approx(account[ALL_DEPOSITED], rel=1e-12)
    kind, energies = found[:, 0], found[:, 8]
    assert energies.min() >= 0.02
    # A positron brings the energy of its annihilation too.
    assert energies.sum() + 2 * 0.51099895 * (kind == 2).sum() == pytest.approx(account[ALL_HANDED_ON])
    assert (kind == 2).any() == (energy > 1.022)
    assert (found[:, 5:8] ** 2).sum(axis=1) == pytest.approx(1.0, abs=1e-9)


def test_follow__goes_on_where_secondaries_were_full(medium):
    source = photons(medium, 2.0, 2000)
    whole, one = all_secondaries(medium, source, 100_000)
    pieces, many = all_secondaries(medium, source, 600)
    assert (whole == pieces).all()
    assert (one.account == many.account).all()
    assert (one.deposit == many.deposit).all()


def test_follow__compton_electrons_take_the_momentum():
    # Hydrogen: no absorption to speak of, so that all electrons are Compton's.
    grid = Grid((3, 3, 3), (500.0, 500.0, 500.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    hydrogen = replace(material("water, liquid"), mass_fractions=((1, 1.0),))
    box = TransportMedium.homogeneous(grid, hydrogen)
    found, _ = all_secondaries(box, photons(box, 0.5, 3000, direction=(0.0, 0.0, 1.0)), 200_000, 1e-9)
    first = found[np.unique(found[:, 1], return_index=True)[1]]
    energy, cosine = first[:, 8], first[:, 7]
    alpha, t = 0.5 / 0.51099895, energy / 0.5
    # Energy and angle of the electron belong together.
    half = t / (1 - t) / (2 * alpha)
    photon = 1 - 2 * half
    momentum = np.sqrt(energy * (energy + 2 * 0.51099895))
    assert cosine == pytest.approx((0.5 - (0.5 - energy) * photon) / momentum, abs=1e-5)


def test_photon_arguments__refuse_what_cannot_be(medium):
    with pytest.raises(InputError, match=r"cut_mev must be 0\.001 to 1"):
        PhotonSteps(cut_mev=5.0)
    with pytest.raises(InputError, match="electron_cut_mev must be > 0"):
        PhotonSteps(electron_cut_mev=0.0)
    with pytest.raises(InputError, match="score collisions"):
        PhotonSteps(electron_cut_mev=0.1, scoring=PhotonScoring.TRACK_LENGTH)
    with pytest.raises(InputError, match="512 rows at least; got 100"):
        all_secondaries(medium, photons(medium, 2.0, 10), 100)
    with pytest.raises(InputError, match="scoring must be a PhotonScoring"):
        PhotonSteps(scoring="collisions")
