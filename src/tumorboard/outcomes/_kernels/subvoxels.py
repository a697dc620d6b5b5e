"""Dose inside voxels, by trilinear interpolation between voxel centres."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["gather_subvoxels"]


@njit(cache=True, nogil=True)
def _tap(index: int, part: int, parts: int, size: int) -> tuple[int, float]:
    """Lower of the two voxels that part of a voxel lies between, and the weight of the upper one."""
    position = index + (part + 0.5) / parts - 0.5
    if size == 1 or position <= 0.0:
        return 0, 0.0
    if position >= size - 1:
        return size - 2, 1.0
    low = int(position)
    return low, position - low


@njit(cache=True, nogil=True)
def gather_subvoxels(values: NDArray[Any], inside: NDArray[Any], parts: int, out: NDArray[Any]) -> None:
    """Write the values at the centres of ``parts``**3 pieces of each voxel.

    ``inside`` (n,) are flat indices into ``values`` (z, y, x); ``out`` is (n * parts**3,).
    """
    n0, n1, n2 = values.shape
    at = 0
    for flat in inside:
        i, j, k = flat // (n1 * n2), flat // n2 % n1, flat % n2
        for a in range(parts):
            i0, u = _tap(i, a, parts, n0)
            i1 = min(i0 + 1, n0 - 1)
            for b in range(parts):
                j0, v = _tap(j, b, parts, n1)
                j1 = min(j0 + 1, n1 - 1)
                for c in range(parts):
                    k0, w = _tap(k, c, parts, n2)
                    k1 = min(k0 + 1, n2 - 1)
                    # Differences keep a uniform dose exact.
                    d00 = values[i0, j0, k0] + w * (np.float64(values[i0, j0, k1]) - values[i0, j0, k0])
                    d01 = values[i0, j1, k0] + w * (np.float64(values[i0, j1, k1]) - values[i0, j1, k0])
                    d10 = values[i1, j0, k0] + w * (np.float64(values[i1, j0, k1]) - values[i1, j0, k0])
                    d11 = values[i1, j1, k0] + w * (np.float64(values[i1, j1, k1]) - values[i1, j1, k0])
                    d0 = d00 + v * (d01 - d00)
                    d1 = d10 + v * (d11 - d10)
                    out[at] = d0 + u * (d1 - d0)
                    at += 1
