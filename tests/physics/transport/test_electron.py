from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.physics.electron_stopping import radiation_yield
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.electron import transport_electrons
from tumorboard.physics.transport.electron_source import ElectronSource
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind, Particles

WATER = material("water, liquid")
BONE = material("bone, cortical, ICRP")
EVERYWHERE = ElectronSteps(transfer_mev=0.01, share_of_range=0.1, stop_within_voxel=False)


def grid(n, spacing, origin=None):
    start = -0.5 * (n - 1) * spacing if origin is None else origin
    return Grid((n, n, n), (spacing,) * 3, (start,) * 3, AXIAL, frame_of_reference="1.2.3")


def box(n=11, spacing=1.0, of=WATER):
    return TransportMedium.homogeneous(grid(n, spacing), of)


def centre(energy, direction=None, kind=ParticleKind.ELECTRON):
    return ElectronSource(energy_mev=energy, position_mm=(0.0, 0.0, 0.0), direction=direction, kind=kind)


def energies(found, medium):
    return found.dose.values.astype(float) * medium.mass_g / 1.602176634e-10


@pytest.mark.parametrize("kind", [ParticleKind.ELECTRON, ParticleKind.POSITRON])
@pytest.mark.parametrize("energy", [0.005, 0.1, 1.0, 8.0])
def test_transport_electrons__closes_every_history(energy, kind):
    medium = box(7)
    found = transport_electrons(medium, centre(energy, kind=kind), BatchPlan(300, 1, 1))
    balance = found.balance
    assert balance.largest_error_mev < 1e-9
    assert balance.stuck == 0
    mass = 1.0219979 if kind == ParticleKind.POSITRON else 0.0
    assert balance.brought_mev == pytest.approx(energy + mass)
    out = balance.deposited_mev + balance.escaped_mev + balance.handed_on_mev
    assert out == pytest.approx(balance.brought_mev, abs=1e-9)
    assert energies(found, medium).sum() == pytest.approx(balance.deposited_mev, rel=1e-5)
    assert found.dose.quantity == Quantity.DOSE
    assert (found.dose.values >= 0).all()


def test_transport_electrons__is_the_same_for_any_number_of_threads_and_batches_resume(tmp_path):
    medium, source = box(9), centre(0.7)
    one = transport_electrons(medium, source, BatchPlan(400, 5, 1))
    two = transport_electrons(medium, source, BatchPlan(400, 5, 2))
    assert (one.dose.values == two.dose.values).all()

    class Stop(Exception):
        pass

    def interrupt(what, done, total):
        if done >= total // 2:
            raise Stop

    file = tmp_path / "run.npz"
    with pytest.raises(Stop):
        transport_electrons(medium, source, BatchPlan(400, 5, 1), progress=interrupt, checkpoint=file)
    again = transport_electrons(medium, source, BatchPlan(400, 5, 2), checkpoint=file)
    assert (again.dose.values == one.dose.values).all()


def test_transport_electrons__scales_with_density_to_the_last_bit():
    plan = BatchPlan(300, 2, 1)
    dense = box(9, 1.0)
    thin = TransportMedium(
        grid(9, 2.0), np.full((9, 9, 9), 0.5, np.float32), np.zeros((9, 9, 9), np.uint16), (WATER,)
    )
    a = transport_electrons(dense, centre(0.8), plan, steps=EVERYWHERE)
    b = transport_electrons(thin, centre(0.8), plan, steps=EVERYWHERE)
    # Twice the volume times half the density: four times the mass.
    assert (a.dose.values == 4 * b.dose.values).all()


def test_transport_electrons__does_not_depend_on_voxels():
    plan = BatchPlan(4000, 3, 1)
    coarse, fine = box(5, 1.2), box(15, 0.4)
    a = energies(transport_electrons(coarse, centre(0.8), plan, steps=EVERYWHERE), coarse)
    b = energies(transport_electrons(fine, centre(0.8), plan, steps=EVERYWHERE), fine)
    b = b.reshape(5, 3, 5, 3, 5, 3).sum(axis=(1, 3, 5))
    # Same random numbers, same ways: voxels only cut them into pieces.
    assert b == pytest.approx(a, rel=1e-4, abs=1e-7)


@pytest.mark.slow
def test_transport_electrons__stopping_within_voxels_changes_no_energy_in_voxels():
    medium = box(5, 2.0)
    plan = BatchPlan(15_000, 4, 1)
    near = ElectronSource(energy_mev=0.4, position_mm=(0.6, 0.0, 0.3))
    a = transport_electrons(medium, near, plan, steps=EVERYWHERE)
    b = transport_electrons(medium, near, plan, steps=replace(EVERYWHERE, stop_within_voxel=True))
    c = transport_electrons(medium, near, plan)
    for other in (b, c):
        for voxel in ((2, 2, 2), (2, 2, 3)):
            one, two = a.dose.values[voxel], other.dose.values[voxel]
            spread = np.hypot(a.relative_uncertainty.values[voxel], other.relative_uncertainty.values[voxel])
            assert abs(two / one - 1) < 4 * spread
    assert b.balance.handed_on_mev == pytest.approx(a.balance.handed_on_mev, rel=0.15)


@pytest.mark.parametrize("of", [WATER, BONE])
def test_transport_electrons__radiates_the_yield(of):
    steps = ElectronSteps(cut_mev=0.01, transfer_mev=0.05, photon_cut_mev=0.001)
    medium = box(5, 20.0, of)
    for within in (True, False):
        found = transport_electrons(
            medium, centre(2.0), BatchPlan(8000, 1, 1), steps=replace(steps, stop_within_voxel=within)
        )
        expected = 2.0 * float(radiation_yield(of, 2.0))
        # Photons below 1 keV, 1 % of it, stay; 8000 electrons radiate about 1000 photons.
        assert found.balance.handed_on_mev == pytest.approx(expected, rel=0.15)


def test_transport_electrons__crosses_vacuum_without_loss():
    density = np.ones((9, 9, 9), np.float32)
    density[:, :, 5:8] = 0.0
    medium = TransportMedium(grid(9, 1.0), density, np.zeros((9, 9, 9), np.uint16), (WATER,))
    source = ElectronSource(energy_mev=1.0, position_mm=(0.9, 0.0, 0.0), direction=(1.0, 0.0, 0.0))
    found = transport_electrons(medium, source, BatchPlan(300, 1, 1))
    assert (found.dose.values[:, :, 5:8] == 0).all()
    assert found.dose.values[:, :, 8].sum() > 0
    assert found.balance.largest_error_mev < 1e-9
    nothing = TransportMedium(
        grid(3, 1.0), np.zeros((3, 3, 3), np.float32), np.zeros((3, 3, 3), np.uint16), (WATER,)
    )
    empty = transport_electrons(nothing, centre(1.0), BatchPlan(100, 1, 1))
    assert empty.balance.escaped_mev == pytest.approx(1.0)
    assert (empty.dose.values == 0).all()


def test_transport_electrons__of_no_energy_leaves_none():
    found = transport_electrons(box(3), centre(0.0), BatchPlan(100, 1, 1))
    assert found.balance.brought_mev == 0.0
    assert (found.dose.values == 0).all()


def test_transport_electrons__crosses_into_other_materials():
    index = np.zeros((9, 9, 9), np.uint16)
    index[:, :, 5:] = 1
    density = np.where(index == 1, BONE.density_g_cm3, 0.26).astype(np.float32)
    medium = TransportMedium(grid(9, 0.5), density, index, (WATER, BONE))
    source = ElectronSource(energy_mev=0.6, position_mm=(-1.0, 0.0, 0.0), direction=(1.0, 0.0, 0.0))
    found = transport_electrons(medium, source, BatchPlan(2000, 1, 1))
    assert found.balance.largest_error_mev < 1e-9
    assert found.balance.stuck == 0
    profile = energies(found, medium).sum(axis=(0, 1))
    # 2.2 mm of lung cost little, bone stops them within 1.2 mm.
    assert profile[5:].sum() > 0.6 * profile.sum()
    assert profile[8] < 0.01 * profile.sum()


def reflected_number(z, energy):
    """Tabata, Ito and Okabe's fit to measured numbers of reflected electrons (1971)."""
    tau = energy / 0.511
    a1 = 1.15 * np.exp(-8.35 * z**-0.525)
    return a1 / (1 + (0.0185 + 15.7 * z**-1.59) * tau ** (1.56 - 4.42 / z))


def test_transport_electrons__reflects_as_much_as_is_measured():
    for name, z in (("graphite", 6), ("aluminium", 13), ("copper", 29), ("lead", 82)):
        medium = TransportMedium.homogeneous(grid(3, 0.4), material(name))
        source = ElectronSource(energy_mev=0.1, position_mm=(0.0, 0.0, -0.7), direction=(0.0, 0.0, 1.0))
        found = transport_electrons(medium, source, BatchPlan(4000, 1, 1), steps=EVERYWHERE)
        # Reflected electrons keep 0.6 (light) to 0.8 (heavy elements) of their energy.
        kept = found.balance.escaped_mev / 0.1 / reflected_number(z, 0.1)
        assert 0.55 < kept < 0.9, name


def test_transport_electrons__enters_from_outside_and_says_what_misses():
    medium = box(5)
    beam = ElectronSource(energy_mev=2.0, position_mm=(0.0, 0.0, -50.0), direction=(0.0, 0.0, 1.0))
    found = transport_electrons(medium, beam, BatchPlan(200, 1, 1))
    assert found.balance.brought_mev == pytest.approx(2.0)
    away = replace(beam, direction=(0.0, 0.0, -1.0))
    with pytest.raises(InputError, match="pass it by"):
        transport_electrons(medium, away, BatchPlan(200, 1, 1))


def test_transport_electrons__follows_a_turned_grid():
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    turned = Grid((9, 9, 9), (1.0,) * 3, (0.0,) * 3, turn, frame_of_reference="1.2.3")
    middle = turned.index_to_patient([4, 4, 4])
    medium = TransportMedium.homogeneous(turned, WATER)
    along = turned.index_to_patient([4, 4, 5]) - middle
    source = ElectronSource(energy_mev=1.5, position_mm=tuple(middle), direction=tuple(along))
    found = transport_electrons(medium, source, BatchPlan(500, 1, 1))
    profile = found.dose.values.sum(axis=(0, 1))
    assert profile[5] > 5 * profile[3]


def test_transport_electrons__takes_particles_of_any_source():
    class Pairs:
        """An electron and a positron in each history."""

        def particles(self, first, count, *, seed):
            n = 2 * count
            along = np.tile([0.0, 0.0, 1.0], (n, 1))
            kind = np.tile([ParticleKind.ELECTRON, ParticleKind.POSITRON], count).astype(np.int8)
            history = np.repeat(np.arange(first, first + count), 2)
            return Particles(kind, np.zeros((n, 3)), along, np.full(n, 0.2), history)

    found = transport_electrons(box(5), Pairs(), BatchPlan(200, 1, 1))
    assert found.balance.brought_mev == pytest.approx(0.4 + 1.022, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cut_mev": 0.0}, "cut_mev"),
        ({"transfer_mev": 0.005}, "transfer_mev"),
        ({"photon_cut_mev": 0.0}, "photon_cut_mev"),
        ({"share_of_range": 0.9}, "share_of_range"),
    ],
)
def test_electron_steps__refuses_what_it_cannot(change, message):
    with pytest.raises(InputError, match=message):
        ElectronSteps(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"energy_mev": 500.0}, "keV"),
        ({"position_mm": (0.0, np.nan, 0.0)}, "position_mm"),
        ({"direction": (0.0, 0.0, 0.0)}, "direction"),
        ({"kind": ParticleKind.PHOTON}, "kind"),
    ],
)
def test_electron_source__refuses_what_it_cannot(change, message):
    with pytest.raises(InputError, match=message):
        replace(centre(1.0), **change)
