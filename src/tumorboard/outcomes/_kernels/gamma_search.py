"""Least distance in space and dose from a point to a trilinear dose: branch and bound over cells."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["STACK_ROWS", "cell_extremes", "search_points"]

#: Boxes that may wait at once in one cell. Splitting in two keeps one more than the depth, and after 60
#: halvings a box is as small as the numbers are exact.
STACK_ROWS = 64

#: Steps of the descent that makes the first guess.
_DESCENT_STEPS = 4


@njit(cache=True, nogil=True)
def cell_extremes(
    values: NDArray[Any], start: int, stop: int, lows: NDArray[Any], highs: NDArray[Any]
) -> None:
    """Write the lowest and highest corner of each cell of layers ``start`` to ``stop``.

    ``lows`` and ``highs`` have one element less than ``values`` along each axis (z, y, x).
    """
    for i in range(start, stop):
        for j in range(values.shape[1] - 1):
            for k in range(values.shape[2] - 1):
                low = values[i, j, k]
                high = low
                for a in range(2):
                    for b in range(2):
                        for c in range(2):
                            corner = values[i + a, j + b, k + c]
                            low = min(low, corner)
                            high = max(high, corner)
                lows[i, j, k] = low
                highs[i, j, k] = high


@njit(cache=True, nogil=True, inline="always")
def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@njit(cache=True, nogil=True)
def _interpolate(values: NDArray[Any], x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Dose and its derivatives along the three axes at an index (clipped into the grid)."""
    n0, n1, n2 = values.shape
    i = min(max(int(np.floor(x)), 0), n0 - 2)
    j = min(max(int(np.floor(y)), 0), n1 - 2)
    k = min(max(int(np.floor(z)), 0), n2 - 2)
    u, v, w = x - i, y - j, z - k
    d000, d001 = np.float64(values[i, j, k]), np.float64(values[i, j, k + 1])
    d010, d011 = np.float64(values[i, j + 1, k]), np.float64(values[i, j + 1, k + 1])
    d100, d101 = np.float64(values[i + 1, j, k]), np.float64(values[i + 1, j, k + 1])
    d110, d111 = np.float64(values[i + 1, j + 1, k]), np.float64(values[i + 1, j + 1, k + 1])
    d00, d01 = d000 + w * (d001 - d000), d010 + w * (d011 - d010)
    d10, d11 = d100 + w * (d101 - d100), d110 + w * (d111 - d110)
    d0, d1 = d00 + v * (d01 - d00), d10 + v * (d11 - d10)
    along_y = (d01 - d00) + u * ((d11 - d10) - (d01 - d00))
    low_z = (d001 - d000) + v * ((d011 - d010) - (d001 - d000))
    high_z = (d101 - d100) + v * ((d111 - d110) - (d101 - d100))
    return d0 + u * (d1 - d0), d1 - d0, along_y, low_z + u * (high_z - low_z)


@njit(cache=True, nogil=True)
def _descend(
    values: NDArray[Any], point: NDArray[Any], dose: float, per_dose: float, step: NDArray[Any], best: float
) -> float:
    """Lower the square of gamma by Gauss-Newton steps from the point; whatever it finds is a valid bound."""
    x, y, z = point[0], point[1], point[2]
    for _ in range(_DESCENT_STEPS):
        here, gx, gy, gz = _interpolate(values, x, y, z)
        difference = (here - dose) * per_dose
        ux, uy, uz = (x - point[0]) * step[0], (y - point[1]) * step[1], (z - point[2]) * step[2]
        found = ux * ux + uy * uy + uz * uz + difference * difference
        if found < best:
            best = found
        # Slopes per unit of gamma's distance; the linearised problem has a closed solution.
        gx, gy, gz = gx * per_dose / step[0], gy * per_dose / step[1], gz * per_dose / step[2]
        residual = difference - (gx * ux + gy * uy + gz * uz)
        scale = -residual / (1.0 + gx * gx + gy * gy + gz * gz)
        x = _clip(point[0] + scale * gx / step[0], 0.0, values.shape[0] - 1.0)
        y = _clip(point[1] + scale * gy / step[1], 0.0, values.shape[1] - 1.0)
        z = _clip(point[2] + scale * gz / step[2], 0.0, values.shape[2] - 1.0)
    return best


@njit(cache=True, nogil=True)
def _balance(
    offset: float,
    slope: NDArray[Any],
    centre: NDArray[Any],
    half: NDArray[Any],
    at: NDArray[Any],
) -> float:
    """Solve min u.u + r(u)**2 with r = offset + slope.(u - centre) over the box; write u, return r.

    The optimum has u = clip(-r slope): r is the root of a decreasing function that is linear between
    the at most six r at which a coordinate meets its bound.
    """
    low, high = 0.0, 0.0
    value = offset
    for a in range(3):
        value += slope[a] * (_clip(0.0, centre[a] - half[a], centre[a] + half[a]) - centre[a])
    if value > 0.0:
        high = value
    else:
        low = value
    at_low, at_high = value, value
    if value > 0.0:
        at_high = _excess(offset, slope, centre, half, high)
    else:
        at_low = _excess(offset, slope, centre, half, low)
    for a in range(3):
        if slope[a] != 0.0:
            for side in range(2):
                bound = centre[a] + half[a] if side else centre[a] - half[a]
                knot = -bound / slope[a]
                if low < knot < high:
                    excess = _excess(offset, slope, centre, half, knot)
                    if excess > 0.0:
                        low, at_low = knot, excess
                    else:
                        high, at_high = knot, excess
    drop = at_low - at_high
    residual = low if drop <= 0.0 else low + (high - low) * at_low / drop
    for a in range(3):
        at[a] = _clip(-residual * slope[a], centre[a] - half[a], centre[a] + half[a])
    return residual


@njit(cache=True, nogil=True)
def _excess(
    offset: float, slope: NDArray[Any], centre: NDArray[Any], half: NDArray[Any], residual: float
) -> float:
    total = offset - residual
    for a in range(3):
        low, high = centre[a] - half[a], centre[a] + half[a]
        total += slope[a] * (_clip(-residual * slope[a], low, high) - centre[a])
    return total


@njit(cache=True, nogil=True)
def _search_cell(stack: NDArray[Any], best: float, tolerance: float, scratch: NDArray[Any]) -> float:
    """Lower ``best`` (gamma squared) by what the box in ``stack[0]`` holds.

    A row is centre (3) and half width (3) in units of the distance criterion, relative to the point, then
    the eight corner differences (z slowest, x fastest) in units of the dose criterion. A box's trilinear
    difference is a linear one plus mixed terms of known size: the linear problem gives a point to try and,
    with that size taken off, a bound below which nothing in the box lies. What stays open is halved.
    """
    slope, at = scratch[0], scratch[1]
    waiting = 1
    while waiting > 0:
        waiting -= 1
        box = stack[waiting]
        centre, half, d = box[0:3], box[3:6], box[6:14]
        middle = (d[0] + d[1] + d[2] + d[3] + d[4] + d[5] + d[6] + d[7]) * 0.125
        g0 = (d[4] + d[5] + d[6] + d[7] - d[0] - d[1] - d[2] - d[3]) * 0.125
        g1 = (d[2] + d[3] + d[6] + d[7] - d[0] - d[1] - d[4] - d[5]) * 0.125
        g2 = (d[1] + d[3] + d[5] + d[7] - d[0] - d[2] - d[4] - d[6]) * 0.125
        g01 = (d[0] + d[1] + d[6] + d[7] - d[2] - d[3] - d[4] - d[5]) * 0.125
        g02 = (d[0] + d[2] + d[5] + d[7] - d[1] - d[3] - d[4] - d[6]) * 0.125
        g12 = (d[0] + d[3] + d[4] + d[7] - d[1] - d[2] - d[5] - d[6]) * 0.125
        g012 = (d[1] + d[2] + d[4] + d[7] - d[0] - d[3] - d[5] - d[6]) * 0.125
        mixed = abs(g01) + abs(g02) + abs(g12) + abs(g012)
        slope[0], slope[1], slope[2] = g0 / half[0], g1 / half[1], g2 / half[2]
        root = math.sqrt(best)
        # The bound first: most boxes go by it.
        nearest = middle
        for a in range(3):
            at[a] = _clip(0.0, centre[a] - half[a], centre[a] + half[a])
            nearest += slope[a] * (at[a] - centre[a])
        residual = 0.0
        if abs(nearest) > mixed:
            shift = mixed if nearest > 0.0 else -mixed
            residual = _balance(middle - shift, slope, centre, half, at)
        bound = at[0] * at[0] + at[1] * at[1] + at[2] * at[2] + residual * residual
        if bound >= max(0.0, root - tolerance) ** 2:
            continue
        if mixed > 0.0:
            _balance(middle, slope, centre, half, at)
        s0, s1 = (at[0] - centre[0]) / half[0], (at[1] - centre[1]) / half[1]
        s2 = (at[2] - centre[2]) / half[2]
        true = middle + g0 * s0 + g1 * s1 + g2 * s2
        true += g01 * s0 * s1 + g02 * s0 * s2 + g12 * s1 * s2 + g012 * s0 * s1 * s2
        best = min(best, at[0] * at[0] + at[1] * at[1] + at[2] * at[2] + true * true)
        if bound >= max(0.0, math.sqrt(best) - tolerance) ** 2 or waiting + 2 > stack.shape[0]:
            continue
        _halve(stack, waiting, g01, g02, g12)
        waiting += 2
    return best


@njit(cache=True, nogil=True)
def _halve(stack: NDArray[Any], row: int, g01: float, g02: float, g12: float) -> None:
    """Split a box across the axis that carries most of its mixed terms, the nearer half on top."""
    over0, over1, over2 = abs(g01) + abs(g02), abs(g01) + abs(g12), abs(g02) + abs(g12)
    axis = 0 if over0 >= over1 and over0 >= over2 else (1 if over1 >= over2 else 2)
    stride = 4 >> axis
    lower, upper = stack[row], stack[row + 1]
    half = 0.5 * lower[3 + axis]
    for a in range(14):
        upper[a] = lower[a]
    for corner in range(8):
        if corner & stride == 0:
            value = 0.5 * (lower[6 + corner] + lower[6 + corner + stride])
            lower[6 + corner + stride] = value
            upper[6 + corner] = value
    lower[3 + axis] = half
    upper[3 + axis] = half
    lower[axis] -= half
    upper[axis] += half
    if abs(lower[axis]) < abs(upper[axis]):
        for a in range(14):
            lower[a], upper[a] = upper[a], lower[a]


@njit(cache=True, nogil=True)
def _try_cell(
    values: NDArray[Any],
    lows: NDArray[Any],
    highs: NDArray[Any],
    i: int,
    j: int,
    k: int,
    point: NDArray[Any],
    dose: float,
    per_dose: float,
    step: NDArray[Any],
    best: float,
    tolerance: float,
    stack: NDArray[Any],
    scratch: NDArray[Any],
) -> float:
    """Search one cell unless its distance and its range of dose rule it out."""
    lacking = max(0.0, lows[i, j, k] - dose, dose - highs[i, j, k]) * per_dose
    d0 = max(0.0, i - point[0], point[0] - i - 1.0) * step[0]
    d1 = max(0.0, j - point[1], point[1] - j - 1.0) * step[1]
    d2 = max(0.0, k - point[2], point[2] - k - 1.0) * step[2]
    if d0 * d0 + d1 * d1 + d2 * d2 + lacking * lacking >= max(0.0, math.sqrt(best) - tolerance) ** 2:
        return best
    box = stack[0]
    box[0], box[1], box[2] = i + 0.5 - point[0], j + 0.5 - point[1], k + 0.5 - point[2]
    for a in range(3):
        box[a] *= step[a]
        box[3 + a] = 0.5 * step[a]
    for a in range(2):
        for b in range(2):
            for c in range(2):
                box[6 + 4 * a + 2 * b + c] = (np.float64(values[i + a, j + b, k + c]) - dose) * per_dose
    return _search_cell(stack, best, tolerance, scratch)


@njit(cache=True, nogil=True)
def _search_point(
    values: NDArray[Any],
    lows: NDArray[Any],
    highs: NDArray[Any],
    point: NDArray[Any],
    dose: float,
    per_dose: float,
    step: NDArray[Any],
    maximum: float,
    tolerance: float,
    stack: NDArray[Any],
    scratch: NDArray[Any],
) -> float:
    """Gamma of one reference point at an index of the evaluation grid, at most ``maximum``."""
    n0, n1, n2 = lows.shape
    best = maximum * maximum
    if 0 <= point[0] <= n0 and 0 <= point[1] <= n1 and 0 <= point[2] <= n2:
        best = _descend(values, point, dose, per_dose, step, best)
    c0, c1, c2 = int(np.floor(point[0])), int(np.floor(point[1])), int(np.floor(point[2]))
    shell = 0
    while True:
        # Cells outside this reach are farther away than the best found.
        reach = math.sqrt(best)
        a0, b0 = math.floor(point[0] - reach / step[0]), math.floor(point[0] + reach / step[0])
        a1, b1 = math.floor(point[1] - reach / step[1]), math.floor(point[1] + reach / step[1])
        a2, b2 = math.floor(point[2] - reach / step[2]), math.floor(point[2] + reach / step[2])
        if shell > max(c0 - a0, b0 - c0, c1 - a1, b1 - c1, c2 - a2, b2 - c2):
            return math.sqrt(best)
        for i in range(max(0, a0, c0 - shell), min(n0 - 1, b0, c0 + shell) + 1):
            for j in range(max(0, a1, c1 - shell), min(n1 - 1, b1, c1 + shell) + 1):
                edge = abs(i - c0) == shell or abs(j - c1) == shell
                first, last = max(0, a2, c2 - shell), min(n2 - 1, b2, c2 + shell)
                for k in range(first, last + 1):
                    if edge or abs(k - c2) == shell:
                        best = _try_cell(
                            values, lows, highs, i, j, k, point, dose, per_dose, step, best, tolerance,
                            stack, scratch,
                        )  # fmt: skip
        shell += 1


@njit(cache=True, nogil=True)
def search_points(
    values: NDArray[Any],
    lows: NDArray[Any],
    highs: NDArray[Any],
    reference: NDArray[Any],
    chosen: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    criterion: NDArray[Any],
    step: NDArray[Any],
    maximum: float,
    tolerance: float,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write gamma of the chosen points ``start`` to ``stop``.

    ``values`` is the evaluation dose (z, y, x) with its cells' ``lows`` and ``highs``; ``chosen`` (n,)
    are flat indices into ``reference`` (z, y, x); ``matrix`` (3, 3) and ``shift`` (3,) take an index of
    the reference grid to one of the evaluation grid. ``criterion`` holds the dose criterion: an absolute
    part and a part of the point's own dose (2,). ``step`` (3,) is the evaluation's spacing in units of the
    distance criterion. ``out`` (n,).
    """
    stack, scratch, point = np.empty((STACK_ROWS, 14)), np.empty((2, 3)), np.empty(3)
    n1, n2 = reference.shape[1], reference.shape[2]
    for n in range(start, stop):
        flat = chosen[n]
        i, j, k = flat // (n1 * n2), flat // n2 % n1, flat % n2
        for a in range(3):
            point[a] = matrix[a, 0] * i + matrix[a, 1] * j + matrix[a, 2] * k + shift[a]
        dose = np.float64(reference[i, j, k])
        per_dose = 1.0 / (criterion[0] + criterion[1] * dose)
        out[n] = _search_point(
            values, lows, highs, point, dose, per_dose, step, maximum, tolerance, stack, scratch
        )
