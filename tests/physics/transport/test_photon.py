"""Photons: what is known without simulation, laws, and published build-up factors."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.photon_attenuation import (
    mass_attenuation_cm2_g,
    mass_energy_transfer_cm2_g,
    photon_interactions_cm2_g,
)
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind, Particles
from tumorboard.physics.transport.photon import transport_photons
from tumorboard.physics.transport.photon_arguments import (
    PhotonScoring,
    PhotonSteps,
    new_tallies,
    photon_arguments,
)
from tumorboard.physics.transport.photon_source import PhotonSource
from tumorboard.physics.transport.photon_tables import energy_nodes_mev

VALIDATION = Path(__file__).resolve().parents[3] / "validation" / "photons"
LENGTHS = PhotonSteps(scoring=PhotonScoring.TRACK_LENGTH)


def cube(n, size_mm, name="water, liquid", density=None):
    """Return a cube of voxels about the origin."""
    grid = Grid(
        (n, n, n), [size_mm / n] * 3, [-size_mm / 2 * (1 - 1 / n)] * 3, AXIAL, frame_of_reference="1.2.3"
    )
    own = material(name)
    return TransportMedium.homogeneous(grid, own if density is None else replace(own, density_g_cm3=density))


def layers(shape=(24, 24, 24), size_mm=10.0, seed=4):
    """Return water, lung, bone and vacuum side by side, of uneven density."""
    rng = np.random.default_rng(seed)
    index = np.zeros(shape, np.uint16)
    index[8:16], index[:, 5:9] = 1, 2
    density = np.choose(index, [1.0, 0.3, 1.9]) * rng.uniform(0.8, 1.2, shape)
    density[:, :, 20:22] = 0.0
    grid = Grid(shape, [size_mm] * 3, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    names = ("water, liquid", "lung, ICRP", "bone, cortical, ICRP")
    return TransportMedium(grid, density, index, tuple(material(name) for name in names))


@pytest.mark.parametrize("name", ["water, liquid", "bone, cortical, ICRP", "lead"])
@pytest.mark.parametrize("energy", [0.03, 0.511, 2.0])
def test_transport__recovers_attenuation_within_half_a_percent(name, energy):
    # A slab of one free path, and nothing but absorption: what stays are those that collide at all.
    path = 10.0 / float(mass_attenuation_cm2_g(material(name), energy)) / material(name).density_g_cm3
    slab = cube(11, path, name)
    arguments = photon_arguments(slab, PhotonSteps(), seed=3)
    shares = np.ones_like(arguments.tables.shares)
    shares[:, :, 0] = 0.0
    count, tallies = 500_000, new_tallies(11**3)
    beam = PhotonSource((energy,), (0.0, 0.0, -path), (0.0, 0.0, 1.0)).particles(0, count, seed=1)
    points, ahead = slab.to_grid_axes(beam.position_mm, beam.direction)
    absorbing = replace(arguments, tables=arguments.tables._replace(shares=shares))
    absorbing.follow((points, ahead, beam.energy_mev, beam.history), tallies)
    through = 1.0 - tallies.deposit.sum() / (count * energy)
    assert -math.log(through) == pytest.approx(1.0, rel=0.005)
    along = tallies.deposit.reshape(11, 11, 11)[:, 5, 5] / energy
    expected = count * -np.diff(np.exp(-np.arange(12) / 11))
    assert along == pytest.approx(expected, abs=4.5 * math.sqrt(expected.max()))


def test_transport__build_up_in_water_is_the_published_one():
    with (VALIDATION / "buildup_water.csv").open(encoding="utf-8") as file:
        table = list(csv.reader(line for line in file if not line.startswith("#")))
    depths = [float(row[0]) for row in table[1:]]
    for energy in (0.1, 0.5, 1.0):
        published = dict(
            zip(depths, (float(row[table[0].index(f"{energy:g}")]) for row in table[1:]), strict=True)
        )
        found = build_up(energy, (1.0, 2.0, 3.0))
        assert found == pytest.approx([published[d] for d in (1.0, 2.0, 3.0)], rel=0.03)


def build_up(energy, depths, histories=40_000, n=61):
    """Return exposure over that of photons that met nothing, at depths in free paths without Rayleigh."""
    water, air = material("water, liquid"), material("air, dry")
    parts = photon_interactions_cm2_g(water, energy)
    path = 10.0 / float(parts.total - parts.coherent)
    medium = cube(n, 10.0 * path)
    arguments = photon_arguments(medium, replace(LENGTHS, cut_mev=0.01), seed=3)
    # Exposure is energy transferred to air, not to water.
    to_air = 0.1 * mass_energy_transfer_cm2_g(air, np.clip(energy_nodes_mev(), 1e-3, 20.0))
    tables = arguments.tables._replace(transfer=to_air.astype(np.float32)[:, None])
    tallies = new_tallies(n**3)
    some = PhotonSource((energy,), (0.0, 0.0, 0.0)).particles(0, histories, seed=1)
    points, directions = medium.to_grid_axes(some.position_mm, some.direction)
    replace(arguments, tables=tables).follow((points, directions, some.energy_mev, some.history), tallies)
    size = 10.0 * path / n
    axis = (np.arange(n) - (n - 1) / 2) * size
    r = np.sqrt(sum(x**2 for x in np.meshgrid(axis, axis, axis, indexing="ij"))).ravel()
    transfer = energy * 0.1 * float(mass_energy_transfer_cm2_g(air, energy))
    with np.errstate(divide="ignore"):
        unhurt = histories * transfer * np.exp(-r / path) / (4 * np.pi * r**2) * size**3
    near = [abs(r - depth * path) < 0.12 * path for depth in depths]
    return [float(tallies.deposit[here].sum() / unhurt[here].sum()) for here in near]


def test_transport__closes_every_history_in_mixed_matter():
    medium = layers()
    for energy in (0.03, 0.2, 6.0):
        source = PhotonSource((energy,), (115.0, 115.0, 115.0))
        found = transport_photons(medium, source, BatchPlan(5000, 1, 1))
        balance = found.balance
        assert balance.stuck == 0
        assert balance.largest_error_mev < 1e-9
        assert balance.brought_mev == pytest.approx(energy)
        assert balance.deposited_mev + balance.escaped_mev == pytest.approx(energy, rel=1e-12)
        assert balance.handed_on_mev == 0
        assert found.energy_mev.sum() == pytest.approx(balance.deposited_mev, rel=1e-12)
        assert found.dose.values[:, :, 20:22].max() == 0


def test_transport__track_lengths_and_collisions_agree():
    medium = layers(shape=(12, 12, 12), size_mm=20.0)
    source = PhotonSource((0.3,), (110.0, 110.0, 110.0))
    collisions = transport_photons(medium, source, BatchPlan(100_000, 1, 1))
    lengths = transport_photons(medium, source, BatchPlan(60_000, 2, 1), steps=LENGTHS)
    total = collisions.energy_mev.sum()
    assert lengths.energy_mev.sum() == pytest.approx(total, rel=0.005)
    # Each voxel by itself, by both uncertainties.
    a, b = collisions.energy_mev, lengths.energy_mev
    sigma = np.hypot(a * collisions.relative_uncertainty.values, b * lengths.relative_uncertainty.values)
    many = collisions.relative_uncertainty.values < 0.1
    pull = ((a - b) / np.where(sigma > 0, sigma, 1))[many]
    assert many.sum() > 300
    assert pull.std() == pytest.approx(1.0, abs=0.15)
    assert abs(pull.mean()) < 0.2
    assert lengths.mean_uncertainty < 0.8 * collisions.mean_uncertainty


def test_transport__does_not_depend_on_the_voxels():
    coarse, fine = cube(5, 200.0), cube(40, 200.0)
    source = PhotonSource((0.2,), (3.0, 3.0, 3.0))
    by_coarse = transport_photons(coarse, source, BatchPlan(60_000, 1, 1))
    by_fine = transport_photons(fine, source, BatchPlan(60_000, 1, 1))
    together = by_fine.energy_mev.reshape(5, 8, 5, 8, 5, 8).sum(axis=(1, 3, 5))
    sigma = by_coarse.energy_mev * by_coarse.relative_uncertainty.values
    assert (abs(together - by_coarse.energy_mev) < 5 * math.sqrt(2) * sigma + 1e-12).all()
    assert by_fine.balance.deposited_mev == pytest.approx(by_coarse.balance.deposited_mev, rel=0.01)


def test_transport__is_reciprocal():
    # Water with bone beside the way, from A to B as from B to A; near one of them, far from the other.
    grid = Grid((5, 5, 9), (40.0, 40.0, 40.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    index = np.zeros(grid.shape, np.uint16)
    index[:, 3:, 3] = 1
    names = ("water, liquid", "bone, cortical, ICRP")
    medium = TransportMedium(grid, np.choose(index, [1.0, 1.9]), index, tuple(material(n) for n in names))
    a, b = (2, 2, 3), (2, 2, 5)
    found = []
    for here, there in ((a, b), (b, a)):
        source = Boxes(0.3, grid, here)
        result = transport_photons(medium, source, BatchPlan(150_000, 1, 1), steps=LENGTHS)
        found.append((result.energy_mev[there], float(result.relative_uncertainty.values[there])))
    (one, sigma_one), (other, sigma_other) = found
    assert max(sigma_one, sigma_other) < 0.02
    # Exact but for photons that lose energy on the way, and meet matter at another energy on the way back.
    assert one == pytest.approx(other, rel=3 * math.hypot(sigma_one, sigma_other) + 0.01)


class Boxes:
    """Photons from everywhere in one voxel."""

    def __init__(self, energy, grid, voxel):
        self.energy, self.grid, self.voxel = energy, grid, voxel

    def __repr__(self):
        return f"Boxes({self.energy}, {self.voxel})"

    def particles(self, first, count, *, seed):
        rng = np.random.default_rng((seed, first))
        some = PhotonSource((self.energy,), (0.0, 0.0, 0.0)).particles(first, count, seed=seed)
        points = self.grid.index_to_patient(np.array(self.voxel) + rng.uniform(-0.5, 0.5, (count, 3)))
        return Particles(some.kind, points, some.direction, some.energy_mev, some.history)


def test_transport__gives_the_same_bits_for_any_number_of_threads():
    medium = layers(shape=(12, 12, 12), size_mm=20.0)
    source = PhotonSource((1.3, 0.1), (110.0, 110.0, 110.0), weights=(1.0, 3.0))
    one = transport_photons(medium, source, BatchPlan(20_000, 7, 1), escaped_edges_mev=(0.0, 0.2, 2.0))
    two = transport_photons(medium, source, BatchPlan(20_000, 7, 2), escaped_edges_mev=(0.0, 0.2, 2.0))
    assert (one.energy_mev == two.energy_mev).all()
    assert (one.escaped == two.escaped).all()
    assert one.balance == two.balance
    assert one.provenance.digest == two.provenance.digest


def test_transport__goes_on_after_an_interruption(tmp_path):
    medium = layers(shape=(12, 12, 12), size_mm=20.0)
    source = PhotonSource((0.3,), (110.0, 110.0, 110.0))
    plan = BatchPlan(20_000, 7, 1)
    whole = transport_photons(medium, source, plan)
    file = tmp_path / "run.npz"

    def stop(what, done, total):
        if done >= total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transport_photons(medium, source, plan, progress=stop, checkpoint=file)
    assert file.exists()
    rest = transport_photons(medium, source, plan, checkpoint=file)
    assert (rest.energy_mev == whole.energy_mev).all()
    assert rest.balance == whole.balance


def test_transport__photons_of_no_energy_and_vacuum_leave_nothing():
    source = PhotonSource((0.0,), (0.0, 0.0, 0.0))
    found = transport_photons(cube(3, 30.0), source, BatchPlan(100, 1, 1))
    assert found.balance.brought_mev == 0
    assert (found.energy_mev == 0).all()
    empty = TransportMedium(
        cube(3, 30.0).grid, np.zeros((3, 3, 3)), np.zeros((3, 3, 3), int), (material("lead"),)
    )
    for steps in (PhotonSteps(), LENGTHS):
        found = transport_photons(
            empty, PhotonSource((0.1,), (0.0, 0.0, 0.0)), BatchPlan(100, 1, 1), steps=steps
        )
        assert found.balance.escaped_mev == pytest.approx(0.1)
        assert (found.dose.values == 0).all()


def test_transport__photons_below_the_cut_stay_where_they_are():
    box = cube(3, 30.0)
    found = transport_photons(box, PhotonSource((0.004,), (0.0, 0.0, 0.0)), BatchPlan(100, 1, 1))
    assert found.energy_mev[1, 1, 1] == pytest.approx(0.004)
    assert found.balance.cut_mev == pytest.approx(0.004)


def test_transport__photons_enter_from_outside_or_miss():
    box = cube(3, 30.0)
    beam = PhotonSource((0.1,), (0.0, 0.0, -500.0), direction=(0.0, 0.0, 1.0))
    assert transport_photons(box, beam, BatchPlan(100, 1, 1)).balance.brought_mev == pytest.approx(0.1)
    past = PhotonSource((0.1,), (0.0, 100.0, -500.0), direction=(0.0, 0.0, 1.0))
    with pytest.raises(InputError, match="source must meet the medium"):
        transport_photons(box, past, BatchPlan(100, 1, 1))


@given(
    x=st.sampled_from([-15.0, -5.0, 0.0, 5.0, 14.999999999999998, 15.0]),
    u=st.sampled_from([-1.0, 0.0, 1e-300, 1.0]),
    v=st.sampled_from([-1.0, 0.0, 1e-15, 1.0]),
    w=st.sampled_from([-1.0, 0.0, 1.0]),
    scoring=st.sampled_from(list(PhotonScoring)),
)
@settings(max_examples=60, deadline=None)
def test_transport__photons_on_faces_and_along_them_do_not_get_stuck(x, u, v, w, scoring):
    box = cube(3, 30.0)
    try:
        source = PhotonSource((0.05,), (x, x, x), direction=(u, v, w))
        found = transport_photons(box, source, BatchPlan(50, 1, 1), steps=PhotonSteps(scoring=scoring))
    except InputError:
        return
    assert found.balance.stuck == 0
    assert found.balance.brought_mev + found.balance.missed_mev == pytest.approx(0.05)


def test_transport__annihilation_photons_are_followed():
    # In a lead sphere's worth of matter pairs are common, and their photons escape with 0.511 MeV.
    box = cube(5, 60.0, density=1.0)
    edges = (0.5109, 0.511001)
    source = PhotonSource((10.0,), (0.0, 0.0, 0.0))
    found = transport_photons(box, source, BatchPlan(200_000, 1, 1), escaped_edges_mev=edges)
    parts = photon_interactions_cm2_g(material("water, liquid"), 10.0)
    # Two for each pair; most leave unhurt.
    pairs = float(parts.pair) * 3.0 * 1.2
    assert 0.5 * 2 * pairs < found.escaped[0] < 2 * pairs
    assert found.balance.largest_error_mev < 1e-9


def test_transport__refuses_other_particles_and_settings():
    box = cube(3, 30.0)
    good = PhotonSource((0.1,), (0.0, 0.0, 0.0))

    class Electrons:
        def particles(self, first, count, *, seed):
            some = good.particles(first, count, seed=seed)
            kind = np.full(count, int(ParticleKind.ELECTRON), np.int8)
            return Particles(kind, some.position_mm, some.direction, some.energy_mev, some.history)

    with pytest.raises(InputError, match="must hand out photons; got ELECTRON"):
        transport_photons(box, Electrons(), BatchPlan(100, 1, 1))
    with pytest.raises(InputError, match="electron_cut_mev must be None here"):
        transport_photons(box, good, BatchPlan(100, 1, 1), steps=PhotonSteps(electron_cut_mev=0.1))
    with pytest.raises(InputError, match="escaped_edges_mev must ascend"):
        transport_photons(box, good, BatchPlan(100, 1, 1), escaped_edges_mev=(0.2, 0.1))
