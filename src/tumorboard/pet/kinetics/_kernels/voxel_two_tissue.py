"""Two tissue compartments in a voxel: the best of all pairs of exponentials, then rates between bounds."""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.response_table import cubic
from tumorboard.pet.kinetics._kernels.two_tissue import two_exponentials
from tumorboard.pet.kinetics._kernels.voxel_block import LANES

__all__ = ["best_pair", "coordinates", "refine", "solve", "start_of"]

_MOST_STEPS: Final = 60
_LARGEST_DAMPING: Final = 1e8


@numba.njit(cache=True, nogil=True, error_model="numpy")
def coordinates(
    y: NDArray[np.float64],
    root: NDArray[np.float64],
    basis: NDArray[np.float64],
    z: NDArray[np.float64],
    outside: NDArray[np.float64],
) -> None:
    """Fill z (coordinates, LANES) with weighted curves in an orthonormal basis, and what is outside it."""
    n = y.shape[0]
    outside[:] = 0.0
    for f in range(n):
        for v in range(LANES):
            y[f, v] *= root[f]
            outside[v] += y[f, v] * y[f, v]
    for c in range(basis.shape[0]):
        z[c] = 0.0
        for f in range(n):
            for v in range(LANES):
                z[c, v] += basis[c, f] * y[f, v]
    for c in range(basis.shape[0]):
        for v in range(LANES):
            outside[v] -= z[c, v] * z[c, v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def best_pair(
    z: NDArray[np.float64],
    rows: NDArray[np.float32],
    first: int,
    cross: NDArray[np.float32],
    inverse: NDArray[np.float32],
    slowest_only: bool,
    b: NDArray[np.float32],
    best: NDArray[np.float32],
    pair: NDArray[np.int32],
    single: NDArray[np.int32],
) -> None:
    """Fill ``pair`` with the place, rows times i plus j, of the two rows of length 1 that explain most.

    ``single`` gets that of the best row alone.

    With both amplitudes above 0; j is i for one row alone. ``cross`` has products of rows, ``inverse`` one
    over what is left of 1 without their squares.
    """
    n = rows.shape[0]
    for i in range(n):
        b[i] = np.float32(0.0)
        for c in range(rows.shape[1]):
            for v in range(LANES):
                b[i, v] += rows[i, c] * np.float32(z[first + c, v])
    best[:] = np.float32(0.0)
    pair[:] = 0
    for i in range(n):
        for v in range(LANES):
            p = max(b[i, v], np.float32(0.0))
            s = p * p
            pair[v] = np.int32(i * n + i) if s > best[v] else pair[v]
            best[v] = max(s, best[v])
    single[:] = pair
    for i in range(1, n):
        for j in range(1 if slowest_only else i):
            r, w, place = cross[i, j], inverse[i, j], np.int32(i * n + j)
            for v in range(LANES):
                p, q = b[i, v], b[j, v]
                x, t = p - r * q, q - r * p
                s = (x * p + t * q) * w
                s = s if min(x, t) > np.float32(0.0) else np.float32(0.0)
                pair[v] = place if s > best[v] else pair[v]
                best[v] = max(s, best[v])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def start_of(
    z: NDArray[np.float64],
    v: int,
    first: int,
    rows: NDArray[np.float32],
    lengths: NDArray[np.float64],
    rates: NDArray[np.float64],
    cross: NDArray[np.float32],
    inverse: NDArray[np.float32],
    pair: int,
    x: NDArray[np.float64],
) -> None:
    """Fill x with K1 to k4 that make the pair's exponentials, as ``rates_of`` does."""
    i, j = pair // rows.shape[0], pair % rows.shape[0]
    p = q = 0.0
    for c in range(rows.shape[1]):
        p += rows[i, c] * z[first + c, v]
        q += rows[j, c] * z[first + c, v]
    if i == j:
        x[0], x[1], x[2], x[3] = p / lengths[i], rates[i], 0.0, 0.1 * rates[i]
        return
    fast = (p - cross[i, j] * q) * inverse[i, j] / lengths[i]
    slow = (q - cross[i, j] * p) * inverse[i, j] / lengths[j]
    x[0] = fast + slow
    x[1] = (fast * rates[i] + slow * rates[j]) / x[0]
    x[3] = rates[i] * rates[j] / x[1]
    x[2] = max(rates[i] + rates[j] - x[1] - x[3], 0.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row(
    table: NDArray[np.float64],
    change: NDArray[np.float64],
    offset: float,
    span: float,
    rate: float,
    out: NDArray[np.float64],
) -> None:
    """Fill out (2, coordinates) with a rate's response and its derivative, as ``interpolate`` does."""
    n = table.shape[0]
    step = span / (n - 1)
    place = min(max(math.log1p(rate / offset), 0.0), span) / step
    k = min(int(place), n - 2)
    t = place - k
    to_rate = 1.0 / ((rate + offset) * step)
    for c in range(table.shape[1]):
        low, rise = table[k, c], table[k + 1, c] - table[k, c]
        a, b = change[k, c] - rise, rise - change[k + 1, c]
        out[0, c], along = cubic(low, rise, a, b, t)
        out[1, c] = along * to_rate


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _model(
    x: NDArray[np.float64],
    z: NDArray[np.float64],
    v: int,
    first: int,
    table: NDArray[np.float64],
    change: NDArray[np.float64],
    offset: float,
    span: float,
    small: NDArray[np.float64],
    rows: NDArray[np.float64],
    residual: NDArray[np.float64],
    jacobian: NDArray[np.float64],
) -> float:
    """Fill residual and jacobian (4, coordinates); return the sum of squares from ``first`` on."""
    amplitudes, exponents, d_amplitudes, d_exponents = small[0, :2], small[0, 2:], small[1:3], small[3:5]
    two_exponentials(x, amplitudes, exponents, d_amplitudes, d_exponents)
    _row(table, change, offset, span, exponents[0], rows[:2])
    _row(table, change, offset, span, exponents[1], rows[2:])
    total, a, b = 0.0, amplitudes[0], amplitudes[1]
    for c in range(table.shape[1]):
        residual[c] = a * rows[0, c] + b * rows[2, c] - z[c, v]
        if c >= first:
            total += residual[c] * residual[c]
    for p in range(4):
        da, db = d_amplitudes[0, p], d_amplitudes[1, p]
        ea, eb = a * d_exponents[0, p], b * d_exponents[1, p]
        for c in range(table.shape[1]):
            jacobian[p, c] = da * rows[0, c] + db * rows[2, c] + ea * rows[1, c] + eb * rows[3, c]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def solve(
    normal: NDArray[np.float64],
    gradient: NDArray[np.float64],
    held: NDArray[np.bool_],
    damping: float,
    low: NDArray[np.float64],
    step: NDArray[np.float64],
) -> bool:
    """Fill step with minus the damped normal matrix's inverse times the gradient, 0 where held (Cholesky)."""
    for a in range(4):
        for b in range(a + 1):
            s = normal[a, b] * (1.0 + damping) if a == b else normal[a, b]
            if held[a] or held[b]:
                s = 1.0 if a == b else 0.0
            for c in range(b):
                s -= low[a, c] * low[b, c]
            if a == b:
                if not s > 0.0:
                    return False
                low[a, a] = math.sqrt(s)
            else:
                low[a, b] = s / low[b, b]
    for a in range(4):
        s = 0.0 if held[a] else -gradient[a]
        for c in range(a):
            s -= low[a, c] * step[c]
        step[a] = s / low[a, a]
    for a in range(3, -1, -1):
        s = step[a]
        for c in range(a + 1, 4):
            s -= low[c, a] * step[c]
        step[a] = s / low[a, a]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _normal(
    residual: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    first: int,
    normal: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> None:
    for a in range(4):
        g = 0.0
        for c in range(first, residual.size):
            g += jacobian[a, c] * residual[c]
        gradient[a] = g
        for b in range(a + 1):
            s = 0.0
            for c in range(first, residual.size):
                s += jacobian[a, c] * jacobian[b, c]
            normal[a, b] = s
            normal[b, a] = s


@numba.njit(cache=True, nogil=True, error_model="numpy")
def refine(
    x: NDArray[np.float64],
    z: NDArray[np.float64],
    v: int,
    first: int,
    outside: float,
    table: NDArray[np.float64],
    change: NDArray[np.float64],
    offset: float,
    span: float,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    enough: float,
    small: NDArray[np.float64],
    rows: NDArray[np.float64],
    residual: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    work: NDArray[np.float64],
    held: NDArray[np.bool_],
) -> tuple[float, bool]:
    """Lower the sum of squares by damped steps cut at the bounds; return it and whether it has converged."""
    normal, low, gradient, step, moved = work[:4], work[4:8], work[8], work[9], work[10]
    for p in range(4):
        x[p] = min(max(x[p], lower[p]), upper[p])
    total = _model(x, z, v, first, table, change, offset, span, small, rows, residual, jacobian)
    damping, quiet = 1e-3, 0
    for _ in range(_MOST_STEPS):
        _normal(residual, jacobian, first, normal, gradient)
        for p in range(4):
            held[p] = (x[p] <= lower[p] and gradient[p] >= 0.0) or (x[p] >= upper[p] and gradient[p] <= 0.0)
            held[p] |= normal[p, p] == 0.0
        lowered = total
        while damping < _LARGEST_DAMPING:
            if solve(normal, gradient, held, damping, low, step):
                for p in range(4):
                    moved[p] = min(max(x[p] + step[p], lower[p]), upper[p])
                lowered = _model(
                    moved, z, v, first, table, change, offset, span, small, rows, residual, jacobian
                )
                if lowered < total:
                    break
            damping *= 10.0
        if not lowered < total:
            # No step lowers it: the place is as low as rounding lets it be.
            total = _model(x, z, v, first, table, change, offset, span, small, rows, residual, jacobian)
            return total, total == total
        x[:] = moved
        quiet = quiet + 1 if total - lowered <= enough * (total + outside) else 0
        total, damping = lowered, max(0.1 * damping, 1e-7)
        if quiet == 2:
            return total, True
    return total, False
