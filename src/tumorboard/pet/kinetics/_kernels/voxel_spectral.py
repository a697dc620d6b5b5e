"""Non-negative spectra of every voxel, with the jackknife's errors."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block

__all__ = ["fit_spectra"]

#: Most components at once: spectra of tissue have a few.
_MOST: Final = 24
#: A column comes in when it lowers the sum of squares by more than this part of what the curve's has.
_TOLERANCE: Final = 1e-11


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _amplitudes(
    gram: NDArray[np.float64],
    b: NDArray[np.float64],
    chosen: NDArray[np.int64],
    n: int,
    low: NDArray[np.float64],
    s: NDArray[np.float64],
) -> bool:
    """Fill s[:n] with amplitudes of the chosen columns (Cholesky); False where columns are the same."""
    for i in range(n):
        for j in range(i + 1):
            t = gram[chosen[i], chosen[j]]
            for k in range(j):
                t -= low[i, k] * low[j, k]
            if i == j:
                if not t > 1e-14 * gram[chosen[i], chosen[i]]:
                    return False
                low[i, i] = np.sqrt(t)
            else:
                low[i, j] = t / low[j, j]
        t = b[chosen[i]]
        for k in range(i):
            t -= low[i, k] * s[k]
        s[i] = t / low[i, i]
    for i in range(n - 1, -1, -1):
        t = s[i]
        for k in range(i + 1, n):
            t -= low[k, i] * s[k]
        s[i] = t / low[i, i]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _inward(
    gram: NDArray[np.float64],
    b: NDArray[np.float64],
    x: NDArray[np.float64],
    chosen: NDArray[np.int64],
    n: int,
    low: NDArray[np.float64],
    s: NDArray[np.float64],
) -> int:
    """Go to the chosen columns' solution, dropping those that reach 0; return how many are left."""
    while n > 0:
        if not _amplitudes(gram, b, chosen, n, low, s):
            n -= 1
            x[chosen[n]] = 0.0
            continue
        step = 1.0
        for i in range(n):
            if s[i] <= 0.0:
                step = min(step, x[chosen[i]] / (x[chosen[i]] - s[i])) if x[chosen[i]] > 0.0 else 0.0
        kept = 0
        for i in range(n):
            column = chosen[i]
            moved = x[column] + step * (s[i] - x[column])
            # The one that set the step is at 0 but for rounding.
            if s[i] <= 0.0 and moved <= 1e-14 * x[column]:
                x[column] = 0.0
            else:
                x[column] = moved
                chosen[kept] = column
                kept += 1
        if kept == n:
            return n
        n = kept
    return 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve(
    gram: NDArray[np.float64],
    b: NDArray[np.float64],
    columns: int,
    x: NDArray[np.float64],
    chosen: NDArray[np.int64],
    n: int,
    low: NDArray[np.float64],
    s: NDArray[np.float64],
    barred: NDArray[np.bool_],
) -> int:
    """Non-negative least squares by Lawson and Hanson from chosen columns on; return how many are chosen."""
    n = _inward(gram, b, x, chosen, n, low, s)
    barred[:] = False
    largest = 0.0
    for c in range(columns):
        largest = max(largest, b[c] / np.sqrt(gram[c, c]))
    for _ in range(3 * columns):
        best, gain = -1, _TOLERANCE * largest
        for c in range(columns):
            if x[c] > 0.0 or barred[c]:
                continue
            w = b[c]
            for i in range(n):
                w -= gram[c, chosen[i]] * x[chosen[i]]
            w /= np.sqrt(gram[c, c])
            if w > gain:
                best, gain = c, w
        if best < 0 or n == _MOST:
            return n
        chosen[n] = best
        if not _amplitudes(gram, b, chosen, n + 1, low, s) or s[n] <= 0.0:
            # Rounding called it in.
            barred[best] = True
            continue
        x[best] = 1e-300
        n = _inward(gram, b, x, chosen, n + 1, low, s)
        barred[:] = False
    return n


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _numbers(
    gram: NDArray[np.float64],
    b: NDArray[np.float64],
    shifted: NDArray[np.float64],
    fitted: bool,
    room: float,
    lowest: float,
    rates: NDArray[np.float64],
    x: NDArray[np.float64],
    chosen: NDArray[np.int64],
    n: int,
    low: NDArray[np.float64],
    s: NDArray[np.float64],
    barred: NDArray[np.bool_],
    out: NDArray[np.float64],
) -> int:
    """Fill out with K1, blood's share and VT; ``b`` is for its lowest share, the last column adds."""
    m = rates.size
    n = _solve(gram, b, m + 1 if fitted else m, x, chosen, n, low, s, barred)
    share = lowest + x[m]
    if fitted and x[m] > room:
        for c in range(m):
            shifted[c] = b[c] - room * gram[c, m]
        kept = 0
        for i in range(n):
            if chosen[i] != m:
                chosen[kept] = chosen[i]
                kept += 1
        x[m] = 0.0
        n = _solve(gram, shifted, m, x, chosen, kept, low, s, barred)
        share = lowest + room
    out[0], out[1], out[2] = 0.0, share, 0.0
    for c in range(m):
        out[0] += x[c] / (1.0 - share)
        out[2] += x[c] / (1.0 - share) / rates[c]
    return n


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_spectra(
    data: NDArray[Any],
    index: NDArray[np.int64],
    shift: NDArray[np.float64],
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    grams: NDArray[np.float64],
    rates: NDArray[np.float64],
    fitted: bool,
    lowest: float,
    room: float,
    errors: bool,
    found: NDArray[np.float64],
    spread: NDArray[np.float64],
    left: NDArray[np.float64],
    at_end: NDArray[np.bool_],
) -> None:
    """Fill K1, blood's share and VT (3, voxels), their errors, residual sums, where the grid's ends are used.

    ``columns`` (frames, rates + 1) has blood last; ``grams`` (frames + 1, rates + 1, rates + 1) their
    weighted products, first of all frames, then without each in turn. ``room`` is how far the share may go
    above its lowest.
    """
    n, m = data.shape[0], rates.size
    y, b, lean = np.empty((n, LANES)), np.empty(m + 1), np.empty(m + 1)
    x, chosen, low, s = (
        np.empty(m + 1),
        np.empty(_MOST + 1, np.int64),
        np.empty((_MOST + 1, _MOST + 1)),
        np.empty(_MOST + 1),
    )
    barred, out, shifted = np.empty(m + 1, np.bool_), np.empty((n + 1, 3)), np.empty(m + 1)
    start_x, start_chosen = np.empty(m + 1), np.empty(_MOST + 1, np.int64)
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, 1.0, shift, y)
        for v in range(count):
            k = start + v
            b[:] = 0.0
            for f in range(n):
                for c in range(m + 1):
                    b[c] += weights[f] * columns[f, c] * y[f, v]
            x[:] = 0.0
            size = _numbers(
                grams[0], b, shifted, fitted, room, lowest, rates, x, chosen, 0, low, s, barred, out[0]
            )
            at_share = fitted and (out[0, 1] <= lowest or out[0, 1] >= lowest + room)
            found[:, k], at_end[k] = out[0], x[0] > 0.0 or x[m - 1] > 0.0 or at_share
            total = 0.0
            for f in range(n):
                r = y[f, v] - (out[0, 1] - lowest) * columns[f, m]
                for i in range(size):
                    if chosen[i] < m:
                        r -= columns[f, chosen[i]] * x[chosen[i]]
                total += weights[f] * r * r
            left[k] = total
            if not errors:
                continue
            start_x[:], start_chosen[:], used = x, chosen, 0
            for f in range(n):
                if weights[f] == 0.0:
                    continue
                used += 1
                for c in range(m + 1):
                    lean[c] = b[c] - weights[f] * columns[f, c] * y[f, v]
                x[:], chosen[:] = start_x, start_chosen
                _numbers(
                    grams[f + 1], lean, shifted, fitted, room, lowest, rates, x, chosen, size,
                    low, s, barred, out[used],
                )  # fmt: skip
            for q in range(3):
                mean = variance = 0.0
                for f in range(1, used + 1):
                    mean += out[f, q] / used
                for f in range(1, used + 1):
                    variance += (out[f, q] - mean) ** 2
                spread[q, k] = np.sqrt((used - 1) / used * variance)
