"""Reactions, sampled as the kernel does, against the tables they come from."""

import math

import numpy as np
import pytest
from numba import njit

from tumorboard.core.material import Material
from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.elements import element
from tumorboard.physics.nuclear import elastic_by_angle, nucleus_tables, secondary_energy
from tumorboard.physics.transport._kernels.proton_data import Nuclei
from tumorboard.physics.transport._kernels.proton_reactions import react, scatter_hydrogen, scatter_nucleus
from tumorboard.physics.transport.nuclear_tables import nuclear_tables
from tumorboard.physics.transport.proton_tables import TABULATED_NUCLEI

PROTON_MEV = 938.27208816
NUCLEONS = (1, 2, 4)
CASES = [(z, energy) for z in TABULATED_NUCLEI for energy in (30.0, 70.0, 150.0, 225.0)]


def kernel_nuclei():
    t = nuclear_tables()
    return Nuclei(
        t.n_inelastic, t.inelastic_mev, t.multiplicity, t.recoil, t.energy_quantile, t.table_energy,
        t.cosine_quantile, t.n_elastic, t.elastic_mev, t.elastic_angle_quantile, t.mass_mev,
    )  # fmt: skip


@njit(nogil=True)
def sampled_reactions(n, energy, nuclei, slow, count, numbers, energies, cosines, worst):
    """Numbers, energies and cosines of what ``count`` reactions emit along z; worst: least energy left."""
    rng, stack = np.empty(2, np.uint64), np.empty((64, 9))
    local_sum = gone_sum = 0.0
    for history in range(count):
        start_stream(rng, 1, history)
        local, gone, height = react(rng, n, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, energy, nuclei, stack, 0, slow)
        local_sum += local
        gone_sum += gone
        spent = local + gone
        worst[0] = min(worst[0], gone)
        for i in range(height):
            kind = int(stack[i, 8])
            own = stack[i, 6] * (1, 2, 4)[kind]
            numbers[kind] += 1
            energies[kind] += own
            cosines[kind] += stack[i, 5]
            spent += own
        worst[1] = max(worst[1], abs(spent - energy))
    return local_sum / count, gone_sum / count


def react_often(z, energy, *, slow=0.0, count=40_000):
    numbers, energies, cosines = np.zeros(3), np.zeros(3), np.zeros(3)
    worst = np.array([np.inf, 0.0])
    local, gone = sampled_reactions(
        TABULATED_NUCLEI.index(z), energy, kernel_nuclei(), slow, count, numbers, energies, cosines, worst
    )
    return numbers / count, energies / count, cosines, local, gone, worst


@pytest.fixture(scope="module")
def sampled():
    return {case: react_often(*case) for case in CASES}


def table_multiplicity(z, energy):
    t = nucleus_tables(z)
    return np.array([np.interp(energy, t.inelastic_energy_mev, t.multiplicity[:, k]) for k in range(3)])


def table_shares(z, energy):
    shares = secondary_energy(Material("own", 1.0, ((z, 1.0),)), energy)
    return np.array([float(shares.protons), float(shares.deuterons), float(shares.alphas)]), float(
        shares.recoils
    )


@pytest.mark.parametrize(("z", "energy"), CASES)
def test_react__numbers_of_particles_are_the_tables(sampled, z, energy):
    numbers = sampled[z, energy][0]
    expected = table_multiplicity(z, energy)
    noise = 4.0 * np.sqrt(np.maximum(expected, 0.01) / 40_000)
    # Of alphas, which come last, up to 6 % find no energy left.
    assert (np.abs(numbers - expected) < np.array([0.01, 0.01, 0.06]) * expected + noise).all()


@pytest.mark.parametrize(("z", "energy"), CASES)
def test_react__energies_are_those_of_the_tables(sampled, z, energy):
    _, energies, _, local, gone, _ = sampled[z, energy]
    expected, recoil = table_shares(z, energy)
    # 4 % of each kind's energy, or 1 % of the proton's for kinds that matter little; together 2 % of it.
    assert (np.abs(energies / energy - expected) < np.maximum(0.04 * expected, 0.01)).all()
    assert local / energy == pytest.approx(recoil, rel=0.02, abs=1e-3)
    assert gone / energy == pytest.approx(1.0 - expected.sum() - recoil, abs=0.02)


@pytest.mark.parametrize(("z", "energy"), CASES)
def test_react__never_gives_more_energy_than_there_is(sampled, z, energy):
    least_left, largest_error = sampled[z, energy][5]
    assert least_left >= 0.0
    assert largest_error < 1e-9 * energy


@pytest.mark.parametrize(("z", "energy"), CASES)
def test_react__mean_cosines_are_those_of_the_spectra(sampled, z, energy):
    numbers, _, cosines, *_ = sampled[z, energy]
    t = nucleus_tables(z)
    i = int(np.abs(t.inelastic_energy_mev - energy).argmin())
    fine = np.deg2rad(np.arange(0.25, 180.0, 0.5))
    for kind in range(3):
        by_angle = np.stack(
            [np.interp(fine, np.deg2rad(t.angle_deg), row) for row in t.out_b_mev_sr[i, kind]]
        ) * np.sin(fine)
        if not by_angle.sum() > 0 or numbers[kind] < 0.02:
            continue
        each = by_angle.sum(axis=1)
        # Where a spectrum is empty, directions are those of all energies.
        mean = np.full(each.size, (by_angle @ np.cos(fine)).sum() / each.sum())
        np.divide(by_angle @ np.cos(fine), each, out=mean, where=each > 0)
        energy_out, spectrum = t.out_energy_mev[i, kind], t.out_b_mev[i, kind] / t.inelastic_b[i]
        lacking = max(t.multiplicity[i, kind] - np.trapezoid(spectrum, energy_out), 0.0)
        # What spectra lack lies between the first two energies.
        expected = np.trapezoid(spectrum * mean, energy_out) + lacking * 0.5 * (mean[0] + mean[1])
        expected /= np.trapezoid(spectrum, energy_out) + lacking
        # Evaporated alphas of heavy nuclei go backward a little more than what is sampled.
        bound = 0.05 if kind == 2 else 0.025
        assert cosines[kind] / (numbers[kind] * 40_000) == pytest.approx(expected, abs=bound)


def test_react__slow_particles_stay_where_they_are():
    every = react_often(8, 150.0)
    kept = react_often(8, 150.0, slow=3.0)
    assert (kept[0] < every[0]).all()
    assert kept[3] > every[3] + 1.0
    assert kept[3] + kept[1].sum() == pytest.approx(every[3] + every[1].sum(), rel=0.01)


def test_react__below_and_above_the_tables_energies_are_in_proportion():
    for energy in (4.0, 290.0):
        *_, worst = react_often(8, energy, count=5_000)
        assert worst[0] >= 0.0
        assert worst[1] < 1e-9 * energy


def test_nuclear_tables__quantiles_ascend_and_stay_within_bounds():
    t = nuclear_tables()
    for n in range(5):
        size = t.n_inelastic[n]
        energy = t.energy_quantile[n, :size]
        assert (np.diff(energy, axis=-1) >= -1e-12).all()
        assert (energy >= 0).all()
        assert energy.max() < 1.3
        cosine = t.cosine_quantile[n, :size]
        assert (np.diff(cosine, axis=-1) >= -1e-12).all()
        assert (np.abs(cosine) <= 1 + 1e-12).all()
        angle = t.elastic_angle_quantile[n, : t.n_elastic[n]]
        assert (np.diff(angle, axis=-1) >= -1e-12).all()
        assert angle.min() > np.deg2rad(4.7)
        assert angle.max() <= np.pi + 1e-9


@njit(nogil=True)
def sampled_elastic(n, energy, nuclei, count, cosines, recoils):
    rng = np.empty(2, np.uint64)
    for history in range(count):
        start_stream(rng, 4, history)
        cosines[history], recoils[history] = scatter_nucleus(rng, n, energy, nuclei)


@pytest.mark.parametrize(("z", "energy"), [(8, 150.0), (20, 50.0), (6, 200.0)])
def test_scatter_nucleus__conserves_energy_and_momentum(z, energy):
    cosines, recoils = np.empty(20_000), np.empty(20_000)
    sampled_elastic(TABULATED_NUCLEI.index(z), energy, kernel_nuclei(), 20_000, cosines, recoils)
    mass = element(z).atomic_weight_g_mol * 931.49410242

    def momentum(kinetic, rest):
        return np.sqrt(kinetic * (kinetic + 2.0 * rest))

    before, after = momentum(energy, PROTON_MEV), momentum(energy - recoils, PROTON_MEV)
    # The recoil's momentum closes the triangle.
    square = before**2 + after**2 - 2.0 * before * after * cosines
    np.testing.assert_allclose(square, momentum(recoils, mass) ** 2, rtol=1e-9, atol=1e-6)
    # Angles are the tables'.
    t = nucleus_tables(z)
    angle, each, _ = elastic_by_angle(t)
    weight = np.array([np.interp(energy, t.elastic_energy_mev, column) for column in each.T])
    e_total = energy + PROTON_MEV + mass
    beta2 = energy * (energy + 2 * PROTON_MEV) / e_total**2
    mean = (weight * (1 - np.cos(angle))).sum() / weight.sum() * beta2 / (1 - beta2) * mass
    assert recoils.mean() == pytest.approx(
        mean, rel=4.0 * recoils.std() / recoils.mean() / math.sqrt(20_000) + 0.02
    )


@njit(nogil=True)
def sampled_hydrogen(energy, count, out):
    rng, stack = np.empty(2, np.uint64), np.empty((8, 9))
    for history in range(count):
        start_stream(rng, 4, history)
        scatter_hydrogen(rng, 1.0, 2.0, 3.0, 0.0, 0.6, 0.8, energy, stack, 0)
        for i in range(2):
            for k in range(9):
                out[history, i, k] = stack[i, k]


@pytest.mark.parametrize("energy", [10.0, 150.0, 300.0])
def test_scatter_hydrogen__conserves_energy_and_momentum(energy):
    out = np.empty((20_000, 2, 9))
    sampled_hydrogen(energy, 20_000, out)
    kinetic = out[:, :, 6]
    np.testing.assert_allclose(kinetic.sum(axis=1), energy, rtol=1e-9)
    momenta = np.sqrt(kinetic * (kinetic + 2.0 * PROTON_MEV))[:, :, None] * out[:, :, 3:6]
    whole = math.sqrt(energy * (energy + 2.0 * PROTON_MEV)) * np.array([0.0, 0.6, 0.8])
    np.testing.assert_allclose(momenta.sum(axis=1) - whole, 0.0, atol=1e-6 * whole[2])
    assert out[0, :, :3].tolist() == [[1.0, 2.0, 3.0]] * 2
    # Isotropic in the centre of mass: energies are even from 0 to the whole, azimuths too.
    assert np.histogram(kinetic[:, 0] / energy, 10, (0, 1))[0] == pytest.approx(np.full(10, 2000), abs=5 * 43)
    across = np.arctan2(out[:, 0, 3], out[:, 0, 4] * 0.8 - out[:, 0, 5] * 0.6)
    assert np.histogram(across, 10, (-np.pi, np.pi))[0] == pytest.approx(np.full(10, 2000), abs=5 * 43)
