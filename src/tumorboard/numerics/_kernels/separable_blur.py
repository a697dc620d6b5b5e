"""Loops of :func:`tumorboard.numerics.gaussian_blur`."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["blur_along_z", "blur_planes"]


@njit(cache=True, nogil=True)
def blur_along_z(source: NDArray[Any], taps: NDArray[Any], start: int, stop: int, out: NDArray[Any]) -> None:
    """Write rows y of ``start`` to ``stop`` of all slices; ``taps`` is the half from the centre on.

    Whole rows are added at a time, so that the inner loop runs along memory; sums are in the order of the
    taps, whatever the threads.
    """
    nz, _, nx = source.shape
    for y in range(start, stop):
        for z in range(nz):
            for x in range(nx):
                out[z, y, x] = taps[0] * source[z, y, x]
            for k in range(1, taps.size):
                below, above = max(z - k, 0), min(z + k, nz - 1)
                weight = taps[k]
                for x in range(nx):
                    out[z, y, x] += weight * (source[below, y, x] + source[above, y, x])


@njit(cache=True, nogil=True)
def blur_planes(
    values: NDArray[Any], y_taps: NDArray[Any], x_taps: NDArray[Any], start: int, stop: int
) -> None:
    """Blur slices ``start`` to ``stop`` along y and x, in place."""
    _, ny, nx = values.shape
    reach = x_taps.size - 1
    plane = np.empty((ny, nx), values.dtype)
    row = np.empty(nx + 2 * reach, values.dtype)
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                plane[y, x] = y_taps[0] * values[z, y, x]
            for k in range(1, y_taps.size):
                below, above = max(y - k, 0), min(y + k, ny - 1)
                weight = y_taps[k]
                for x in range(nx):
                    plane[y, x] += weight * (values[z, below, x] + values[z, above, x])
        for y in range(ny):
            for x in range(reach):
                row[x] = plane[y, 0]
                row[reach + nx + x] = plane[y, nx - 1]
            for x in range(nx):
                row[reach + x] = plane[y, x]
            for x in range(nx):
                values[z, y, x] = x_taps[0] * row[reach + x]
            for k in range(1, x_taps.size):
                weight = x_taps[k]
                for x in range(nx):
                    values[z, y, x] += weight * (row[reach + x - k] + row[reach + x + k])
