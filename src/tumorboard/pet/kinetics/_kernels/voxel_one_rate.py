"""Models with one rate that is not linear, in every voxel: best among basis functions, then between them."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block

__all__ = ["fit_rates"]

#: Steps from the best of the coarse grid to the interval of the fine one where the sum of squares turns.
_MOST_STEPS: Final = 6


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _weigh(
    y: NDArray[np.float64],
    root: NDArray[np.float64],
    fixed: NDArray[np.float64],
    along: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> None:
    """Weigh the curves; ``along`` is their part along the fixed column, ``squares`` what is left of them."""
    for v in range(LANES):
        along[v] = 0.0
        squares[v] = 0.0
    for f in range(y.shape[0]):
        for v in range(LANES):
            y[f, v] *= root[f]
        for v in range(LANES):
            along[v] += fixed[f] * y[f, v]
    for f in range(y.shape[0]):
        for v in range(LANES):
            y[f, v] -= along[v] * fixed[f]
            squares[v] += y[f, v] * y[f, v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _best_of_grid(
    y: NDArray[np.float64],
    table: NDArray[np.float64],
    stride: int,
    positive: bool,
    part: NDArray[np.float64],
    best: NDArray[np.float64],
    at: NDArray[np.int64],
) -> None:
    """Fill ``at`` with the row of table (rates, frames), of every ``stride``-th, that explains most."""
    n = y.shape[0]
    best[:] = -1.0
    at[:] = 0
    for m in range(0, table.shape[0], stride):
        part[:] = 0.0
        for f in range(0, n - 3, 4):
            a, b, c, d = table[m, f], table[m, f + 1], table[m, f + 2], table[m, f + 3]
            for v in range(LANES):
                part[v] += a * y[f, v] + b * y[f + 1, v] + c * y[f + 2, v] + d * y[f + 3, v]
        for f in range(n - n % 4, n):
            for v in range(LANES):
                part[v] += table[m, f] * y[f, v]
        if positive:
            for v in range(LANES):
                part[v] = max(part[v], 0.0)
        for v in range(LANES):
            s = part[v] * part[v]
            at[v] = m if s > best[v] else at[v]
            best[v] = s if s > best[v] else best[v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _turn(low: float, high: float, low_slope: float, high_slope: float) -> float:
    """Return where, from 0 to 1, the cubic of two values and slopes turns; below 0 where it does not."""
    rise = high - low
    # Its slope is low_slope + 2 b t + 3 a t^2.
    a = low_slope + high_slope - 2.0 * rise
    b = 3.0 * rise - 2.0 * low_slope - high_slope
    inside = b * b - 3.0 * a * low_slope
    if not inside >= 0.0:
        return -1.0
    # Of the two forms of a root, that without cancellation; the one between 0 and 1 is wanted.
    s = -(b + np.copysign(np.sqrt(inside), b))
    for t in (s / (3.0 * a) if a != 0.0 else -1.0, low_slope / s if s != 0.0 else -1.0):
        if 0.0 <= t <= 1.0:
            return t
    return -1.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _at(
    y: NDArray[np.float64], v: int, row: NDArray[np.float64], slope: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the curve's parts along a row of the table and along how it changes to the next."""
    p = d = 0.0
    for f in range(y.shape[0]):
        p += row[f] * y[f, v]
        d += slope[f] * y[f, v]
    return p, d


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _between(
    y: NDArray[np.float64], v: int, table: NDArray[np.float64], slopes: NDArray[np.float64], start: int
) -> tuple[float, float, bool]:
    """Return where in the table, in rows, most is explained, the part there, and whether it is inside.

    Between two rows the part along them is a cubic, which their values and slopes determine.
    """
    last = table.shape[0] - 1
    k = start
    p, d = _at(y, v, table[k], slopes[k])
    way = 1 if p * d > 0.0 else -1
    for _ in range(_MOST_STEPS):
        if not 0 <= k + way <= last:
            return float(k), p, False
        next_p, next_d = _at(y, v, table[k + way], slopes[k + way])
        if way * next_p * next_d <= 0.0:
            if way > 0:
                t = _turn(p, next_p, d, next_d)
                low, p0, d0, p1, d1 = k, p, d, next_p, next_d
            else:
                t = _turn(next_p, p, next_d, d)
                low, p0, d0, p1, d1 = k - 1, next_p, next_d, p, d
            if t < 0.0:
                return (float(k), p, True) if abs(p) >= abs(next_p) else (float(k + way), next_p, True)
            rise = p1 - p0
            at = p0 + t * (d0 + t * (3.0 * rise - 2.0 * d0 - d1 + t * (d0 + d1 - 2.0 * rise)))
            return low + t, at, True
        k, p, d = k + way, next_p, next_d
    return float(k), p, True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _interpolated(numbers: NDArray[np.float64], place: float, out: NDArray[np.float64]) -> None:
    """Fill out with cubics through four rows of numbers about a place in rows."""
    k = min(max(int(place) - 1, 0), numbers.shape[0] - 4)
    t = place - k
    a = -(t - 1.0) * (t - 2.0) * (t - 3.0) / 6.0
    b = t * (t - 2.0) * (t - 3.0) / 2.0
    c = -t * (t - 1.0) * (t - 3.0) / 2.0
    d = t * (t - 1.0) * (t - 2.0) / 6.0
    for n in range(numbers.shape[1]):
        out[n] = a * numbers[k, n] + b * numbers[k + 1, n] + c * numbers[k + 2, n] + d * numbers[k + 3, n]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _covariance(
    numbers: NDArray[np.float64],
    fixed_length: float,
    theta: float,
    unit: float,
    k: int,
    out: NDArray[np.float64],
) -> None:
    """Fill column k of out with covariances of (fixed coefficient, theta, rate), an upper triangle.

    The Jacobian is R times orthonormal columns, R being upper triangular of the numbers, so that its inverse
    is written out.
    """
    g, nu, gamma, kappa, eta = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    a = 1.0 / fixed_length if fixed_length > 0.0 else 0.0
    b, c = 1.0 / nu, 1.0 / (eta * theta)
    ab = -a * g * b
    bc = -b * kappa * theta * c
    ac = -a * (g * bc + gamma * theta * c)
    out[0, k] = unit * (a * a + ab * ab + ac * ac)
    out[1, k] = unit * (ab * b + ac * bc)
    out[2, k] = unit * ac * c
    out[3, k] = unit * (b * b + bc * bc)
    out[4, k] = unit * bc * c
    out[5, k] = unit * c * c


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_rates(
    data: NDArray[Any],
    index: NDArray[np.int64],
    scale: float,
    shift: NDArray[np.float64],
    root: NDArray[np.float64],
    fixed: NDArray[np.float64],
    fixed_length: float,
    table: NDArray[np.float64],
    slopes: NDArray[np.float64],
    numbers: NDArray[np.float64],
    error_numbers: NDArray[np.float64],
    error_length: float,
    log_rates: NDArray[np.float64],
    stride: int,
    positive: bool,
    freedom: int,
    found: NDArray[np.float64],
    covariance: NDArray[np.float64],
    left: NDArray[np.float64],
    at_end: NDArray[np.bool_],
) -> None:
    """Fill coefficients of the fixed and the other column and the rate (3, voxels), and what goes with them.

    ``table`` (rates, frames) has weighted columns of length 1 without their part along ``fixed`` (frames,),
    of length 1 too or all 0; ``slopes`` is its derivative by the row. ``numbers`` (rates, 5): part of each
    column along the fixed one, its length without that; parts of its derivative by the rate along the fixed
    one, along the table's row, and its length without these; ``error_numbers`` those for errors, which may
    count a fixed column that is held.
    """
    n = data.shape[0]
    y, part, best, at = np.empty((n, LANES)), np.empty(LANES), np.empty(LANES), np.empty(LANES, np.int64)
    along, squares, here = np.empty(LANES), np.empty(LANES), np.empty(numbers.shape[1])
    step = log_rates[1] - log_rates[0]
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, scale, shift, y)
        _weigh(y, root, fixed, along, squares)
        _best_of_grid(y, table, stride, positive, part, best, at)
        for v in range(count):
            k = start + v
            place, p, inside = _between(y, v, table, slopes, at[v])
            if positive and p < 0.0:
                place, p, inside = 0.0, 0.0, False
            _interpolated(numbers, place, here)
            theta = p / here[1]
            found[0, k] = (along[v] - theta * here[0]) / fixed_length if fixed_length > 0.0 else 0.0
            found[1, k] = theta
            found[2, k] = np.exp(log_rates[0] + step * place)
            left[k] = max(squares[v] - p * p, 0.0) if squares[v] == squares[v] else np.nan
            at_end[k] = not inside
            _interpolated(error_numbers, place, here)
            _covariance(here, error_length, theta, left[k] / freedom, k, covariance)
