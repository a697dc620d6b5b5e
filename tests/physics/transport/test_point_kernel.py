import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.errors import InputError
from tumorboard.physics.electron_stopping import electron_csda_range_g_cm2
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.physics.transport.point_kernel import point_kernel

VALIDATION = Path(__file__).resolve().parents[3] / "validation" / "electrons"
WATER = material("water, liquid")
ELECTRON = ParticleKind.ELECTRON


def of_energy(energy, kind=ELECTRON):
    return DecayEmissions("one", lines=(EmissionLines(kind, np.array([energy]), np.ones(1)),))


def penred_shells(energy):
    with (VALIDATION / "penred_shells.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["energy_mev"]) == energy]
    return float(rows[0]["shell_mm"]), np.array([float(row["fraction"]) for row in rows])


def within_95_percent(fractions):
    return slice(0, int(np.searchsorted(np.cumsum(fractions), 0.95)) + 1)


@pytest.mark.parametrize(
    "energy", [0.1, 0.5, pytest.param(1.0, marks=pytest.mark.slow), pytest.param(2.0, marks=pytest.mark.slow)]
)
def test_point_kernel__of_one_energy_equals_penreds(energy):
    shell, expected = penred_shells(energy)
    # PENELOPE's water has 78 eV.
    water = replace(WATER, mean_excitation_energy_ev=78.0)
    plan = BatchPlan(30_000 if energy < 1 else 100_000, 1, 1)
    found = point_kernel(
        water, of_energy(energy), plan, shell_mm=shell, shells=expected.size, follow_photons=False
    )
    total = found.energy_mev.sum() + found.beyond_mev
    inside = within_95_percent(expected)
    ratio = found.energy_mev[inside] / total / expected[inside]
    # Both scatter by about 1 % in a shell; a hundredth remains.
    assert abs(ratio - 1).mean() < 0.02
    edges = shell * np.arange(expected.size + 1)
    for fraction in (0.25, 0.5, 0.75, 0.9, 0.95):
        radius = np.interp(fraction, np.concatenate(([0.0], np.cumsum(expected))), edges)
        assert found.radius_mm(fraction) == pytest.approx(radius, rel=0.015), fraction


@pytest.mark.slow
def test_point_kernel__of_y90_equals_penreds():
    expected = np.loadtxt(VALIDATION / "penred_y90.csv", delimiter=",", skiprows=1)[:, 1]
    found = point_kernel(
        WATER,
        emissions_of("Y-90", [ELECTRON]),
        BatchPlan(100_000, 1, 1),
        shell_mm=0.1,
        shells=110,
        follow_photons=False,
    )
    inside = within_95_percent(expected / 0.9343)
    ratio = found.energy_mev[inside] / expected[inside]
    assert abs(ratio - 1).mean() < 0.02
    assert abs(ratio.mean() - 1) < 0.01


@pytest.mark.slow
def test_point_kernel__of_i131_equals_penreds():
    expected = np.loadtxt(VALIDATION / "penred_i131.csv", delimiter=",", skiprows=1)[:, 1]
    found = point_kernel(
        WATER,
        emissions_of("I-131", [ELECTRON]),
        BatchPlan(100_000, 1, 1),
        shell_mm=0.1,
        shells=60,
        follow_photons=False,
    )
    # Photons give every shell as much near the source; beyond electrons' reach that is all there is.
    photons = expected[25:].mean()
    inside = within_95_percent((expected - photons)[:25] / (expected - photons)[:25].sum())
    ratio = (found.energy_mev + photons)[inside] / expected[inside]
    assert abs(ratio - 1).mean() < 0.02
    assert abs(ratio.mean() - 1) < 0.01


@pytest.mark.slow
def test_point_kernel__keeps_its_shape_for_shorter_steps():
    plan = BatchPlan(8_000, 5, 1)
    radii = []
    for share in (0.05, 0.1, 0.2):
        steps = ElectronSteps(transfer_mev=0.01, share_of_range=share)
        kernel = point_kernel(
            WATER, of_energy(0.3), plan, shell_mm=0.01, shells=120, follow_photons=False, steps=steps
        )
        radii.append([kernel.radius_mm(f) for f in (0.25, 0.5, 0.75, 0.9)])
    assert radii[1] == pytest.approx(radii[0], rel=0.01)
    assert radii[2] == pytest.approx(radii[0], rel=0.02)


def test_point_kernel__ends_at_the_range():
    reach = 10 * float(electron_csda_range_g_cm2(WATER, 0.2))
    kernel = point_kernel(
        WATER, of_energy(0.2), BatchPlan(5000, 1, 1), shell_mm=0.02, shells=40, follow_photons=False
    )
    assert kernel.beyond_mev == 0.0
    far = kernel.edges_mm[:-1] > 1.1 * reach
    assert kernel.energy_mev[far].sum() < 1e-4 * 0.2
    assert kernel.balance.largest_error_mev < 1e-9
    assert kernel.balance.stuck == 0


def test_point_kernel__of_positrons_hands_their_annihilation_on():
    kernel = point_kernel(
        WATER,
        of_energy(0.25, ParticleKind.POSITRON),
        BatchPlan(2000, 1, 1),
        shell_mm=0.1,
        shells=20,
        follow_photons=False,
    )
    assert kernel.balance.handed_on_mev == pytest.approx(1.022, abs=0.002)
    assert kernel.balance.brought_mev == pytest.approx(1.272, abs=1e-5)


def test_point_kernel__is_the_same_for_any_number_of_threads():
    one, two = (
        point_kernel(
            WATER, of_energy(0.5), BatchPlan(500, 7, n), shell_mm=0.1, shells=30, follow_photons=False
        )
        for n in (1, 2)
    )
    assert (one.energy_mev == two.energy_mev).all()


def test_point_kernel__with_photons_closes_and_fills_far_shells():
    gamma = DecayEmissions(
        "gamma", lines=(EmissionLines(ParticleKind.PHOTON, np.array([0.364]), np.ones(1)),)
    )
    kernel = point_kernel(WATER, gamma, BatchPlan(8_000, 1, 1), shell_mm=10.0, shells=15, follow_photons=True)
    balance = kernel.balance
    assert abs(balance.handed_on_mev) < 1e-9
    everything = kernel.energy_mev.sum() + kernel.beyond_mev
    assert everything == pytest.approx(balance.deposited_mev, rel=1e-9)
    # Near the source 364 keV photons leave 0.00325 of their energy per mm, the energy absorption coefficient.
    assert kernel.energy_mev[0] / 10 / 0.364 == pytest.approx(0.00325, rel=0.05)


@pytest.mark.slow
def test_point_kernel__of_whole_i131_decays_equals_penreds():
    table = np.loadtxt(VALIDATION / "penred_i131_cm.csv", delimiter=",", skiprows=1)
    found = point_kernel(
        WATER,
        emissions_of("I-131"),
        BatchPlan(150_000, 1, 1),
        shell_mm=10.0,
        shells=15,
        follow_photons=True,
        ball_mm=150.0,
    )
    # 95 % of the energy is within 13 cm; at the surface photons' voxels are cut.
    deviations = abs(found.energy_mev / table[:, 1] - 1)[:14]
    assert deviations.mean() < 0.012
    assert deviations.max() < 0.03
    assert found.energy_mev.sum() == pytest.approx(table[:, 1].sum(), rel=0.01)


def test_point_kernel__gives_balls_their_own_energy():
    kernel = point_kernel(
        WATER, of_energy(0.5), BatchPlan(5000, 1, 1), shell_mm=0.05, shells=40, follow_photons=False
    )
    small, large = kernel.self_energy_mev(0.001), kernel.self_energy_mev(1000.0)
    # In a small ball electrons leave stopping power times the mean way out, 3/4 of its radius.
    assert small == pytest.approx(0.75 * 0.001 * kernel.energy_mev[0] / 0.05, rel=1e-6)
    assert large == pytest.approx(kernel.energy_mev.sum(), rel=2e-3)
    with pytest.raises(InputError, match="radius_mm"):
        kernel.self_energy_mev(0.0)


def test_point_kernel__refuses_what_it_cannot():
    plan = BatchPlan(100, 1, 1)
    with pytest.raises(InputError, match="shell_mm"):
        point_kernel(WATER, of_energy(0.5), plan, shell_mm=0.0, shells=3, follow_photons=False)
    with pytest.raises(InputError, match="shells"):
        point_kernel(WATER, of_energy(0.5), plan, shell_mm=1.0, shells=0, follow_photons=False)
    short = point_kernel(WATER, of_energy(0.5), plan, shell_mm=0.1, shells=3, follow_photons=False)
    with pytest.raises(InputError, match="more shells"):
        short.radius_mm(0.99)
    with pytest.raises(InputError, match="fraction"):
        short.radius_mm(1.5)
