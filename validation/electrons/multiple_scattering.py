"""Write ``multiple_scattering.npz``: quantiles of the angle of multiple scattering.

Needs numpy and scipy::

    python multiple_scattering.py OUT.npz

Goudsmit and Saunderson's distribution for the screened Rutherford cross section. Strength is the path over
the first transport mean free path. Quantiles are of v, where 1 - cos = 2 a v / (1 + a - v) and the scale a is
such that the mean cosine of the table, linear between quantiles, is exact. The least angle is kept for those
that do not scatter at all.
"""

import sys

import numpy as np
from scipy.optimize import brentq

STRENGTHS = np.append((2.0 ** np.arange(-8, 2)[:, None] * np.array([1.0, 1.25, 1.5, 1.75])).ravel(), 4.0)
SCREENINGS = np.geomspace(1e-8, 0.1, 11)
QUANTILES = 65
WAVES = 2500


def first_moment(eta):
    """Return 1 - <cos> of one collision."""
    return 2.0 * eta * ((1.0 + eta) * np.log1p(1.0 / eta) - 1.0)


def losses(eta):
    """Return 1 - <P_l> of one collision, for each l."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    edges = np.concatenate(([0.0], np.geomspace(eta * 1e-3, 2.0, 140)))
    half = 0.5 * np.diff(edges)[:, None]
    less = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel()  # 1 - cos
    weight = (half * weights).ravel() * 2.0 * eta * (1.0 + eta) / (less + 2.0 * eta) ** 2
    found = np.zeros(WAVES + 1)
    before, here = np.zeros_like(less), less.copy()
    found[1] = weight @ here
    for n in range(1, WAVES):
        # Legendre's recurrence for 1 - P_l, which does not cancel at small angles.
        new = ((2 * n + 1) * (less + (1.0 - less) * here) - n * before) / (n + 1)
        before, here = here, new
        found[n + 1] = weight @ here
    return found


def below(strength, eta, loss, less):
    """Return the probability of an angle at most as large, and that of none."""
    collisions = strength / first_moment(eta)
    none = np.exp(-collisions)
    terms = np.exp(-collisions * loss) - none
    last = min(int(np.flatnonzero(terms > 1e-9)[-1]) + 1, WAVES)
    before, here = np.ones_like(less), 1.0 - less
    found = none + 0.5 * terms[0] * less
    for n in range(1, last + 1):
        new = ((2 * n + 1) * (1.0 - less) * here - n * before) / (n + 1)
        found += 0.5 * terms[n] * (before - new)
        before, here = here, new
    return found, none


def mean_of(scale, quantiles):
    """Return 1 - <cos> of quantiles."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    v = 0.5 * (quantiles[1:] + quantiles[:-1])[:, None] + 0.5 * np.diff(quantiles)[:, None] * nodes
    return float(((2.0 * scale * v / (1.0 + scale - v)) @ weights).mean() / 2.0)


def row(strength, eta, loss):
    """Return quantiles and scale."""
    mean = -np.expm1(-strength)
    guess = 30.0 if mean >= 0.95 else float(np.exp(brentq(lambda x: first_moment(np.exp(x)) - mean, -30, 3)))
    v = np.linspace(0.0, 1.0, 4001)
    found, none = below(strength, eta, loss, np.minimum(2.0 * guess * v / (1.0 + guess - v), 2.0))
    found = np.maximum.accumulate(np.clip(found, 0.0, 1.0))
    found[-1] = 1.0
    at = np.linspace(0.0, 1.0, QUANTILES)
    quantiles = np.interp(at, found, v)
    quantiles[at <= none] = 0.0
    quantiles[0], quantiles[-1] = 0.0, 1.0
    low, high = np.log(guess) - 3.0, np.log(guess) + 3.0

    def excess(log_scale):
        return mean_of(np.exp(log_scale), quantiles) - mean

    # Two corners of the table, where nearly none scatter, have no such scale; no material has them.
    scale = np.exp(brentq(excess, low, high)) if excess(low) * excess(high) < 0 else guess
    return quantiles, scale


def main(path):
    """Write the table."""
    quantiles = np.empty((STRENGTHS.size, SCREENINGS.size, QUANTILES), np.float32)
    scale = np.empty((STRENGTHS.size, SCREENINGS.size))
    for j, eta in enumerate(SCREENINGS):
        loss = losses(eta)
        for i, strength in enumerate(STRENGTHS):
            quantiles[i, j], scale[i, j] = row(strength, eta, loss)
    np.savez_compressed(path, strength=STRENGTHS, screening=SCREENINGS, quantiles=quantiles, scale=scale)


if __name__ == "__main__":
    main(sys.argv[1])
