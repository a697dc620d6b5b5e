import numpy as np
import pytest

from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.electron_stopping import ELECTRON_MASS_MEV, electron_csda_range_g_cm2
from tumorboard.physics.materials import material
from tumorboard.physics.transport._kernels import electron_collisions as collisions
from tumorboard.physics.transport._kernels import electron_steps as kernels
from tumorboard.physics.transport._kernels.electron_data import COLUMNS, ENERGY, REACH, STRENGTH
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables

WATER = material("water, liquid")
TABLES = electron_tables((WATER, material("bone, cortical, ICRP")), ElectronSteps())


@pytest.fixture
def rng():
    stream = np.empty(2, np.uint64)
    start_stream(stream, 1, 1)
    return stream


def test_range_of__is_the_inverse_of_energy_of():
    table = TABLES.by_range[0, 1]
    for energy in np.geomspace(0.0011, 25.0, 200):
        reach = kernels.range_of(table, energy)
        assert kernels.energy_of(table, reach) == pytest.approx(energy, rel=1e-12)
        assert kernels.range_of.py_func(table, energy) == reach
    ranges = np.geomspace(1e-5, 10.0, 100)
    every = np.empty(COLUMNS)
    for reach in ranges:
        kernels.all_of(table, reach, every)
        assert every[ENERGY] == kernels.energy_of(table, reach)


def test_tables__hold_the_range_with_all_losses():
    every = np.empty(COLUMNS)
    for energy in (0.02, 0.2, 2.0, 10.0):
        kernels.all_of(TABLES.by_range[0, 0], kernels.range_of(TABLES.by_range[0, 0], energy), every)
        expected = float(electron_csda_range_g_cm2(WATER, energy))
        assert every[REACH] == pytest.approx(expected, rel=2e-3)


def test_tables__columns_rise_with_range():
    for table in TABLES.by_range.reshape(4, -1, COLUMNS):
        assert (np.diff(table[:, ENERGY]) > 0).all()
        inside = table[:, ENERGY] < 30.0
        for column in (STRENGTH, REACH):
            assert (np.diff(table[inside, column]) > 0).all()


@pytest.mark.parametrize("strength", [0.02, 0.1, 0.37, 1.5])
@pytest.mark.parametrize("shape", [2.5, 6.0])
def test_deflection__has_the_mean_of_goudsmit_and_saunderson(rng, strength, shape):
    less = np.array([kernels.deflection(rng, strength, shape, TABLES) for _ in range(40_000)])
    assert ((less >= 0) & (less <= 2)).all()
    spread = less.std() / np.sqrt(less.size)
    assert less.mean() == pytest.approx(-np.expm1(-strength), abs=4 * spread + 2e-3 * strength)


def test_turn__turns_by_the_angle_and_keeps_the_length(rng):
    for along in ([0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.6, 0.0, 0.8], [0.0, -1.0, 0.0]):
        for less in (0.0, 1e-6, 0.3, 1.0, 2.0):
            s = np.array([0.0, 0.0, 0.0, *along])
            kernels.turn(rng, s, less)
            assert s[3:] @ s[3:] == pytest.approx(1.0, abs=1e-12)
            assert s[3:] @ along == pytest.approx(1.0 - less, abs=1e-9)


@pytest.mark.parametrize(("energy", "transfer"), [(0.5, 0.2), (3.0, 0.01), (0.1, 0.05)])
def test_knock_on__keeps_energy_and_momentum(rng, energy, transfer):
    s, out = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.8, energy]), np.zeros(7)
    before = s[3:6].copy()
    collisions.knock_on(rng, s, energy, transfer, out)

    def momentum(kinetic):
        return np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MASS_MEV))

    after = momentum(energy - transfer) * s[3:6] + momentum(transfer) * out[3:6]
    assert after == pytest.approx(momentum(energy) * before, abs=1e-9)
    assert out[6] == transfer


def test_transfers__stay_in_their_limits_and_have_their_mean(rng):
    electrons = np.array([collisions.moller_transfer(rng, 1.0, 0.05) for _ in range(20_000)])
    positrons = np.array([collisions.bhabha_transfer(rng, 1.0, 0.05) for _ in range(20_000)])
    assert 0.05 <= electrons.min() < electrons.max() <= 0.5
    assert 0.05 <= positrons.min() < positrons.max() <= 1.0
    w = np.geomspace(0.05, 0.5, 20_001)
    a, rest = (1.0 / 1.51099895) ** 2, w / (1.0 - w)
    section = (1 + rest**2 - rest + a * (rest + w**2)) / w**2
    mean = np.trapezoid(section * w, w) / np.trapezoid(section, w)
    assert electrons.mean() == pytest.approx(mean, rel=0.03)


def test_radiated__photons_stay_in_their_limits(rng):
    spectrum = TABLES.spectrum[0]
    photons = np.array([collisions.radiated(rng, 1.0, 0.01, spectrum) for _ in range(5_000)])
    assert photons.min() >= 0.01
    assert photons.max() <= 1.0
    logs = np.histogram(np.log(photons), bins=[np.log(0.01), np.log(0.1), 0.0])[0]
    # 1/k makes both decades alike; the spectrum bends down beyond a tenth of the energy.
    assert logs[0] > logs[1]
