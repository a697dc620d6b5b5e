"""Curves of 26 frames that ours and each peer fit: one or two tissue compartments, an input, 5 % noise.

Minutes and kBq/mL. Each peer has its own environment: this file needs numpy alone.
"""

import numpy as np

DURATION_MIN = np.array(
    [1 / 6] * 6 + [1 / 3] * 3 + [0.5] * 2 + [1.0] * 3 + [2.0] * 2 + [3.0] * 2 + [5.0] * 4 + [10.0] * 4
)
END_MIN = np.cumsum(DURATION_MIN)
START_MIN = END_MIN - DURATION_MIN
MID_MIN = START_MIN + DURATION_MIN / 2
REFERENCE = (0.1, 0.1)


def plasma(t):
    """Linear rise to 60 kBq/mL at 0.7 min, then three exponentials."""
    u = np.maximum(t - 0.7, 0)
    return np.where(
        t < 0.7, 60 * t / 0.7, 45 * np.exp(-2.5 * u) + 10 * np.exp(-0.15 * u) + 5 * np.exp(-0.012 * u)
    )


def frame_mean(grid, curve):
    """Averages over the frames of a curve that is straight between points of a grid."""
    c = np.concatenate([[0], np.cumsum(np.diff(grid) * 0.5 * (curve[1:] + curve[:-1]))])
    return (np.interp(END_MIN, grid, c) - np.interp(START_MIN, grid, c)) / DURATION_MIN


def response(rates, grid):
    """Frame means of the plasma convolved with exp(-rate t), one row for each rate."""
    h, c = grid[1], plasma(grid)
    rows = []
    for rate in rates:
        out, e = np.zeros_like(grid), np.exp(-rate * h)
        for i in range(1, len(grid)):
            out[i] = out[i - 1] * e + 0.5 * h * (c[i] + c[i - 1] * e)
        rows.append(frame_mean(grid, out))
    return np.stack(rows)


def curves(n, model, seed=0, noise=0.05):
    """Return noisy curves (n, 26), the reference (26,), plasma's frame means (26,), and true VT or BP (n,).

    The noise of a frame goes with the root of its counts, and is ``noise`` times 0.3 of the curve's largest
    value in the longest frame at that value.
    """
    rng, grid = np.random.default_rng(seed), np.linspace(0, END_MIN[-1], 8001)
    rates = np.geomspace(0.008, 0.3, 24)
    basis, ref = response(rates, grid), REFERENCE[0] * response([REFERENCE[1]], grid)[0]
    i, j = rng.integers(8, 16, n), rng.integers(0, 4, n)
    a, b = rng.uniform(0.04, 0.06, n), rng.uniform(0.01, 0.03, n)
    if model == "2tcm":
        y, truth = a[:, None] * basis[i + 8] + b[:, None] * basis[j], a / rates[i + 8] + b / rates[j]
    else:
        y, truth = 0.1 * basis[i], 0.1 / rates[i] / (REFERENCE[0] / REFERENCE[1]) - 1.0
    top = y.max(1, keepdims=True)
    share = np.maximum(y / top, 0.05) / (DURATION_MIN / DURATION_MIN.max())
    noisy = y + rng.normal(size=y.shape) * noise * 0.3 * top * np.sqrt(share)
    return np.maximum(noisy, 1e-3), ref, frame_mean(grid, plasma(grid)), truth
