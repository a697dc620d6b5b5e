"""Least squares with the same design in every voxel."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block

__all__ = ["fit_fixed"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_fixed(
    data: NDArray[Any],
    index: NDArray[np.int64],
    scale: float,
    shift: NDArray[np.float64],
    root: NDArray[np.float64],
    columns: NDArray[np.float64],
    solution: NDArray[np.float64],
    scatter: NDArray[np.float64],
    found: NDArray[np.float64],
    left: NDArray[np.float64],
    scattered: NDArray[np.float64],
) -> None:
    """Fill coefficients (p, voxels), ``solution`` (p, frames) times the weighted curve, and two sums.

    ``columns`` (frames, p) are what the coefficients are multiplied by; the second sum has weights
    ``scatter`` (frames,) besides.
    """
    n, p = columns.shape
    y, c, r = np.empty((n, LANES)), np.empty((p, LANES)), np.empty(LANES)
    sums = np.empty((2, LANES))
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, scale, shift, y)
        c[:] = 0.0
        sums[:] = 0.0
        for f in range(n):
            if root[f] == 0.0:
                continue
            for a in range(p):
                for v in range(LANES):
                    c[a, v] += solution[a, f] * (root[f] * y[f, v])
        for f in range(n):
            if root[f] == 0.0:
                continue
            for v in range(LANES):
                r[v] = root[f] * y[f, v]
            for a in range(p):
                for v in range(LANES):
                    r[v] -= columns[f, a] * c[a, v]
            for v in range(LANES):
                sums[0, v] += r[v] * r[v]
                sums[1, v] += scatter[f] * r[v] * r[v]
        for v in range(count):
            for a in range(p):
                found[a, start + v] = c[a, v]
            left[start + v] = sums[0, v]
            scattered[start + v] = sums[1, v]
