"""Means of piecewise-constant voxels over a ball, and the search for the highest."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tumorboard.pet._kernels.sphere_overlap import fill_sphere_weights

__all__ = ["climb", "scan_cells", "scan_lattice", "sphere_moments"]


@njit(cache=True)
def _weighted(
    values: NDArray[Any], i0: int, j0: int, k0: int, weights: NDArray[Any]
) -> tuple[float, float, float]:
    """Mean and second moment about ``values[i0, j0, k0]``, and the weight inside the image."""
    h0, h1, h2 = weights.shape[0] // 2, weights.shape[1] // 2, weights.shape[2] // 2
    n0, n1, n2 = values.shape
    # Differences to the middle voxel keep a uniform field exact; numba's float() would keep float32.
    middle = np.float64(values[i0, j0, k0])
    total, first, second = 0.0, 0.0, 0.0
    for i in range(max(-h0, -i0), min(h0, n0 - 1 - i0) + 1):
        for j in range(max(-h1, -j0), min(h1, n1 - 1 - j0) + 1):
            for k in range(max(-h2, -k0), min(h2, n2 - 1 - k0) + 1):
                weight = weights[i + h0, j + h1, k + h2]
                if weight > 0.0:
                    difference = np.float64(values[i0 + i, j0 + j, k0 + k]) - middle
                    total += weight
                    first += weight * difference
                    second += weight * difference * difference
    return first, second, total


@njit(cache=True)
def sphere_moments(
    values: NDArray[Any],
    centre: NDArray[Any],
    spacing: NDArray[Any],
    radius: float,
    corners: NDArray[Any],
    weights: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Write mean, standard deviation and inside volume of a ball about index ``centre`` into ``out``."""
    n0, n1, n2 = values.shape
    i = min(n0 - 1, max(0, math.floor(centre[0] + 0.5)))
    j = min(n1 - 1, max(0, math.floor(centre[1] + 0.5)))
    k = min(n2 - 1, max(0, math.floor(centre[2] + 0.5)))
    offset = np.empty(3)
    offset[0] = (centre[0] - i) * spacing[0]
    offset[1] = (centre[1] - j) * spacing[1]
    offset[2] = (centre[2] - k) * spacing[2]
    fill_sphere_weights(radius, spacing, offset, corners, weights)
    first, second, total = _weighted(values, i, j, k, weights)
    mean = first / total
    out[0] = np.float64(values[i, j, k]) + mean
    out[1] = math.sqrt(max(0.0, second / total - mean * mean))
    out[2] = total


@njit(cache=True)
def scan_cells(
    values: NDArray[Any],
    cells: NDArray[Any],
    weights: NDArray[Any],
    reach: float,
    mean: NDArray[Any],
    bound: NDArray[Any],
) -> None:
    """Write each voxel's mean over the ball about its centre, and a bound on every ball centred in it.

    ``cells`` (n, 3) are the voxels' indices. Moving a ball by d changes its mean by at most
    (high - low) d 3 / (4 R); ``reach`` is d 3 / (4 R) for half the voxel's diagonal, high and low
    the extremes around.
    """
    h0, h1, h2 = weights.shape[0] // 2, weights.shape[1] // 2, weights.shape[2] // 2
    n0, n1, n2 = values.shape
    for c in range(len(cells)):
        i0, j0, k0 = cells[c, 0], cells[c, 1], cells[c, 2]
        middle = np.float64(values[i0, j0, k0])
        total, first, low, high = 0.0, 0.0, 0.0, 0.0
        for i in range(max(-h0, -i0), min(h0, n0 - 1 - i0) + 1):
            for j in range(max(-h1, -j0), min(h1, n1 - 1 - j0) + 1):
                for k in range(max(-h2, -k0), min(h2, n2 - 1 - k0) + 1):
                    difference = np.float64(values[i0 + i, j0 + j, k0 + k]) - middle
                    weight = weights[i + h0, j + h1, k + h2]
                    total += weight
                    first += weight * difference
                    low = min(low, difference)
                    high = max(high, difference)
        mean[c] = middle + first / total
        bound[c] = min(mean[c] + (high - low) * reach, middle + high)


@njit(cache=True)
def scan_lattice(
    values: NDArray[Any],
    cells: NDArray[Any],
    bound: NDArray[Any],
    order: NDArray[Any],
    offsets: NDArray[Any],
    tables: NDArray[Any],
    limits: NDArray[Any],
    centres: NDArray[Any],
    best: NDArray[Any],
) -> int:
    """Keep the best ball of each voxel for the ``len(best)`` best voxels; return how many there are.

    Voxels come in ``order`` of falling bound, so the first whose bound is below the best found
    ends the search. ``offsets`` (m, 3) [voxels] and ``tables`` (m, ...) are the centres tried in a
    voxel and their weights; a centre outside ``limits`` (2, 3) [index] is left out.
    """
    kept = 0
    for position in range(len(order)):
        c = order[position]
        if kept > 0 and bound[c] < best[0]:
            break
        i0, j0, k0 = cells[c, 0], cells[c, 1], cells[c, 2]
        top, winner = -math.inf, -1
        for m in range(len(offsets)):
            z, y, x = i0 + offsets[m, 0], j0 + offsets[m, 1], k0 + offsets[m, 2]
            if (
                z < limits[0, 0]
                or z > limits[1, 0]
                or y < limits[0, 1]
                or y > limits[1, 1]
                or x < limits[0, 2]
                or x > limits[1, 2]
            ):
                continue
            first, _, total = _weighted(values, i0, j0, k0, tables[m])
            mean = np.float64(values[i0, j0, k0]) + first / total
            if mean > top:
                top, winner = mean, m
        if winner < 0 or (kept == len(best) and top <= best[kept - 1]):
            continue
        place = kept if kept < len(best) else kept - 1
        while place > 0 and best[place - 1] < top:
            best[place] = best[place - 1]
            centres[place] = centres[place - 1]
            place -= 1
        best[place] = top
        centres[place, 0] = i0 + offsets[winner, 0]
        centres[place, 1] = j0 + offsets[winner, 1]
        centres[place, 2] = k0 + offsets[winner, 2]
        kept = min(kept + 1, len(best))
    return kept


@njit(cache=True)
def climb(
    values: NDArray[Any],
    mask: NDArray[Any],
    start: NDArray[Any],
    limits: NDArray[Any],
    spacing: NDArray[Any],
    radius: float,
    step: float,
    last_step: float,
    corners: NDArray[Any],
    weights: NDArray[Any],
    centre: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Move ``centre`` [index] uphill by compass steps from ``step`` down to ``last_step``.

    The centre stays inside ``limits`` and inside voxels of ``mask``, which begins at index ``start``.
    ``out`` receives the moments of :func:`sphere_moments` at the end.
    """
    trial = centre.copy()
    moments = np.empty(3)
    sphere_moments(values, centre, spacing, radius, corners, weights, out)
    while step >= last_step:
        moved = False
        for axis in range(3):
            for sign in (-1.0, 1.0):
                trial[:] = centre
                trial[axis] += sign * step / spacing[axis]
                if trial[axis] < limits[0, axis] or trial[axis] > limits[1, axis]:
                    continue
                i = math.floor(trial[0] + 0.5) - start[0]
                j = math.floor(trial[1] + 0.5) - start[1]
                k = math.floor(trial[2] + 0.5) - start[2]
                if i < 0 or j < 0 or k < 0 or i >= mask.shape[0] or j >= mask.shape[1] or k >= mask.shape[2]:
                    continue
                if not mask[i, j, k]:
                    continue
                sphere_moments(values, trial, spacing, radius, corners, weights, moments)
                if moments[0] > out[0]:
                    centre[:] = trial
                    out[:] = moments
                    moved = True
                    break
        if not moved:
            step *= 0.5
