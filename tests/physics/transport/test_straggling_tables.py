import math

import numpy as np
import pytest

from tumorboard.physics.transport.straggling_tables import (
    STRAGGLING_SKEWNESS,
    straggling_table,
    vavilov_skewness,
)

#: Largest energy transfer of a free electron, in these tests' units.
BETA2 = 0.25


@pytest.fixture(scope="module")
def table():
    return straggling_table()


def collisions(kappa, steps, rng):
    """Losses of ``steps`` steps by single collisions; those of a small share of the largest by Gauss."""
    # kappa (1 - b e) / e^2 de per step: drawn from 1 / e^2, kept with probability 1 - b e.
    least = 1e-3 if kappa < 0.1 else 1e-2
    number = rng.poisson(kappa * (1.0 / least - 1.0), steps)
    owner = np.repeat(np.arange(steps), number)
    e = least / (1.0 - rng.random(owner.size) * (1.0 - least))
    kept = rng.random(e.size) < 1.0 - BETA2 * e
    loss = np.bincount(owner[kept], e[kept], steps)
    mean = kappa * (-math.log(least) - BETA2 * (1.0 - least))
    small = math.sqrt(kappa * (least - 0.5 * BETA2 * least**2))
    return loss - mean + small * rng.standard_normal(steps)


def quantile_of(row, p):
    """Quantile of a row's distribution, as the kernel samples it."""
    return np.interp(p, (np.arange(row.size) + 0.5) / row.size, row)


def nearest_row(skewness):
    return int(np.abs(np.log(STRAGGLING_SKEWNESS[1:] / skewness)).argmin()) + 1


def test_straggling_table__has_mean_0_and_variance_1(table):
    assert table.quantile.mean(axis=1) == pytest.approx(np.zeros(32), abs=1e-12)
    assert (table.quantile**2).mean(axis=1) == pytest.approx(np.ones(32), abs=1e-12)
    assert (np.diff(table.quantile, axis=1) >= 0).all()


def test_straggling_table__rows_have_their_skewness(table):
    skewness = (table.quantile**3).mean(axis=1)
    assert skewness[0] == pytest.approx(0.0, abs=1e-12)
    # Parts of equal probability are averages: the tail's third moment falls a little short.
    assert skewness[1:] == pytest.approx(table.skewness[1:], rel=0.04, abs=0.003)


def test_straggling_table__the_first_row_is_gauss(table):
    from scipy.special import ndtri

    assert quantile_of(table.quantile[0], [0.1, 0.5, 0.9]) == pytest.approx(ndtri([0.1, 0.5, 0.9]), abs=3e-3)
    # The next differs from it by its skewness alone (Cornish-Fisher).
    z = ndtri(np.array([0.05, 0.5, 0.95]))
    expected = z + STRAGGLING_SKEWNESS[1] / 6.0 * (z**2 - 1.0)
    assert quantile_of(table.quantile[1], [0.05, 0.5, 0.95]) == pytest.approx(expected, abs=5e-3)


def test_vavilov_skewness__is_the_ratio_of_moments():
    # Moments of collisions kappa (1 - b e) / e^2 de, integrated here by numbers.
    e = np.linspace(1e-9, 1.0, 200_001)
    second, third = (np.trapezoid(2.5 * (1.0 - 0.3 * e) * e**k, e) for k in (0, 1))
    assert vavilov_skewness(2.5, 0.3) == pytest.approx(third / second**1.5, rel=1e-6)


@pytest.mark.parametrize(("row", "steps"), [(31, 100_000), (24, 40_000), (16, 40_000), (10, 5_000)])
def test_straggling_table__agrees_with_single_collisions(table, row, steps):
    kappa = ((0.5 - BETA2 / 3.0) / table.skewness[row]) ** 2 / (1.0 - 0.5 * BETA2) ** 3
    losses = collisions(kappa, steps, np.random.default_rng(5))
    sigma = math.sqrt(kappa * (1.0 - 0.5 * BETA2))
    p = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
    found = np.quantile(losses / sigma, p)
    # The standard error of a quantile, from the density around it.
    density = 0.04 / (np.quantile(losses / sigma, p + 0.02) - np.quantile(losses / sigma, p - 0.02))
    error = np.sqrt(p * (1.0 - p) / steps) / density
    off = quantile_of(table.quantile[row], p) - found
    assert (np.abs(off) < 4.0 * error + 0.005).all()


def test_straggling_table__thin_steps_are_landaus(table):
    # Skewness 3.8, kappa 0.016. Landau: most probable loss at -0.223 of lambda; the mean of Vavilov is at
    # -0.42278 - beta^2 - ln kappa; the peak is 0.1806 high and 4.018 wide at half height.
    kappa = (0.5 - BETA2 / 3.0) ** 2 / (3.8**2 * (1.0 - 0.5 * BETA2) ** 3)
    sigma = math.sqrt(kappa * (1.0 - 0.5 * BETA2)) / kappa  # in units of xi
    edges = np.linspace(-3.0, 12.0, 61)
    lam = table.quantile[-1] * sigma - 0.42278 - BETA2 - math.log(kappa)
    # Density from the quantiles: parts of equal probability.
    density = np.interp(
        0.5 * (edges[1:] + edges[:-1]), 0.5 * (lam[1:] + lam[:-1]), 1.0 / np.diff(lam) / lam.size
    )
    smooth = np.convolve(density, np.ones(3) / 3.0, "same")
    at = 0.5 * (edges[1:] + edges[:-1])
    assert at[smooth.argmax()] == pytest.approx(-0.223, abs=0.3)
    assert smooth.max() == pytest.approx(0.1806, rel=0.04)
    above = at[smooth > 0.5 * smooth.max()]
    assert np.ptp(above) == pytest.approx(4.018, abs=0.4)


@pytest.mark.parametrize(("row", "parts"), [(31, 4), (31, 16), (24, 4), (16, 4)])
def test_straggling_table__thin_steps_add_up_to_a_thick_one(table, row, parts):
    rng = np.random.default_rng(7)
    thin = table.quantile[row]
    summed = thin[rng.integers(0, thin.size, (100_000, parts))].sum(axis=1) / math.sqrt(parts)
    thick = table.quantile[nearest_row(table.skewness[row] / math.sqrt(parts))]
    p = np.array([0.02, 0.1, 0.5, 0.9, 0.98])
    assert np.quantile(summed, p) == pytest.approx(quantile_of(thick, p), abs=0.05)


def test_straggling_table__is_made_once():
    assert straggling_table() is straggling_table()
