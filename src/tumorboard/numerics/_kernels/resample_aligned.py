"""Loop of :func:`tumorboard.numerics.resample` for grids whose axes are parallel."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["blend_axes"]


@njit(cache=True, nogil=True)
def blend_axes(
    source: NDArray[Any],
    z_first: NDArray[Any],
    z_count: NDArray[Any],
    z_weight: NDArray[Any],
    z_covered: NDArray[Any],
    y_first: NDArray[Any],
    y_count: NDArray[Any],
    y_weight: NDArray[Any],
    y_covered: NDArray[Any],
    x_first: NDArray[Any],
    x_count: NDArray[Any],
    x_weight: NDArray[Any],
    x_covered: NDArray[Any],
    outside: float,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write target slices ``start`` to ``stop``: the weighted sum of source voxels, axis by axis.

    What the source does not cover of a voxel has the value ``outside``. Sums run in double precision
    and in the order of the indices.
    """
    ny, nx = source.shape[1], source.shape[2]
    y_low, y_high = _reach(y_first, y_count, ny)
    x_low, x_high = _reach(x_first, x_count, nx)
    plane = np.empty((ny, nx))
    row = np.empty(nx)
    for z in range(start, stop):
        if z_count[z] == 0:
            out[z] = outside
            continue
        for k in range(z_count[z]):
            weight = z_weight[z, k]
            for y in range(y_low, y_high):
                line = source[z_first[z] + k, y]
                if k == 0:
                    for x in range(x_low, x_high):
                        plane[y, x] = weight * line[x]
                else:
                    for x in range(x_low, x_high):
                        plane[y, x] += weight * line[x]
        for y in range(out.shape[1]):
            if y_count[y] == 0:
                out[z, y] = outside
                continue
            for k in range(y_count[y]):
                weight = y_weight[y, k]
                line = plane[y_first[y] + k]
                if k == 0:
                    for x in range(x_low, x_high):
                        row[x] = weight * line[x]
                else:
                    for x in range(x_low, x_high):
                        row[x] += weight * line[x]
            covered_zy = z_covered[z] * y_covered[y]
            for x in range(out.shape[2]):
                total = 0.0
                for k in range(x_count[x]):
                    total += x_weight[x, k] * row[x_first[x] + k]
                missing = 1.0 - covered_zy * x_covered[x]
                if missing > 1e-12:
                    total += missing * outside
                out[z, y, x] = total


@njit(cache=True, nogil=True)
def _reach(first: NDArray[Any], count: NDArray[Any], n: int) -> tuple[int, int]:
    low, high = n, 0
    for i in range(first.size):
        if count[i] > 0:
            low = min(low, first[i])
            high = max(high, first[i] + count[i])
    return low, high
