"""Loops of :func:`tumorboard.numerics.resample` for grids at an angle.

``matrix`` (3, 3) and ``shift`` (3,) take a target index (z, y, x) to a source index. Positions within
half a voxel beyond the outermost centres are clamped to these; farther ones are outside.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["linear_oblique", "mean_oblique", "nearest_oblique", "spread_oblique"]

_SNAP = 1e-7


@njit(cache=True, nogil=True)
def _inside(at: float, n: int) -> bool:
    return at >= -0.5 - _SNAP and at <= n - 0.5 + _SNAP


@njit(cache=True, nogil=True)
def _cell(at: float, n: int) -> tuple[int, float]:
    """Return the lower of the two voxels around a position and the weight of the upper one."""
    at = min(max(at, 0.0), n - 1.0)
    low = int(at)
    far = at - low
    if far > 1.0 - _SNAP and low < n - 1:
        return low + 1, 0.0
    return low, far if far > _SNAP else 0.0


@njit(cache=True, nogil=True)
def _nearest(at: float, n: int) -> int:
    return min(max(math.floor(at + 0.5 + _SNAP), 0), n - 1)


@njit(cache=True, nogil=True)
def linear_oblique(
    source: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    outside: float,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write target slices ``start`` to ``stop`` by trilinear interpolation."""
    nz, ny, nx = source.shape
    for z in range(start, stop):
        for y in range(out.shape[1]):
            az = matrix[0, 0] * z + matrix[0, 1] * y + shift[0]
            ay = matrix[1, 0] * z + matrix[1, 1] * y + shift[1]
            ax = matrix[2, 0] * z + matrix[2, 1] * y + shift[2]
            for x in range(out.shape[2]):
                pz, py, px = az + matrix[0, 2] * x, ay + matrix[1, 2] * x, ax + matrix[2, 2] * x
                if not (_inside(pz, nz) and _inside(py, ny) and _inside(px, nx)):
                    out[z, y, x] = outside
                    continue
                iz, fz = _cell(pz, nz)
                iy, fy = _cell(py, ny)
                ix, fx = _cell(px, nx)
                total = 0.0
                # A weight of zero leaves its voxel out, so that NaN spreads only where it counts.
                for dz in range(1 if fz == 0.0 else 2):
                    wz = fz if dz else 1.0 - fz
                    for dy in range(1 if fy == 0.0 else 2):
                        wzy = wz * (fy if dy else 1.0 - fy)
                        line = source[iz + dz, iy + dy]
                        part = line[ix] * (1.0 - fx)
                        if fx > 0.0:
                            part += line[ix + 1] * fx
                        total += wzy * part
                out[z, y, x] = total


@njit(cache=True, nogil=True)
def nearest_oblique(
    source: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    outside: Any,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write target slices ``start`` to ``stop`` from the nearest source voxel."""
    nz, ny, nx = source.shape
    for z in range(start, stop):
        for y in range(out.shape[1]):
            az = matrix[0, 0] * z + matrix[0, 1] * y + shift[0]
            ay = matrix[1, 0] * z + matrix[1, 1] * y + shift[1]
            ax = matrix[2, 0] * z + matrix[2, 1] * y + shift[2]
            for x in range(out.shape[2]):
                pz, py, px = az + matrix[0, 2] * x, ay + matrix[1, 2] * x, ax + matrix[2, 2] * x
                if _inside(pz, nz) and _inside(py, ny) and _inside(px, nx):
                    out[z, y, x] = source[_nearest(pz, nz), _nearest(py, ny), _nearest(px, nx)]
                else:
                    out[z, y, x] = outside


@njit(cache=True, nogil=True)
def mean_oblique(
    source: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    points: NDArray[Any],
    outside: float,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write the mean of a target voxel over a lattice of ``points`` (z, y, x).

    The source is constant in each of its voxels; points beyond it have the value ``outside``.
    """
    nz, ny, nx = source.shape
    n = points[0] * points[1] * points[2]
    offset = np.empty((n, 3))
    i = 0
    for a in range(points[0]):
        for b in range(points[1]):
            for c in range(points[2]):
                dz, dy, dx = (
                    (a + 0.5) / points[0] - 0.5,
                    (b + 0.5) / points[1] - 0.5,
                    (c + 0.5) / points[2] - 0.5,
                )
                for j in range(3):
                    offset[i, j] = matrix[j, 0] * dz + matrix[j, 1] * dy + matrix[j, 2] * dx + shift[j]
                i += 1
    reach = np.array([np.abs(offset[:, j] - shift[j]).max() for j in range(3)])
    for z in range(start, stop):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                pz = matrix[0, 0] * z + matrix[0, 1] * y + matrix[0, 2] * x
                py = matrix[1, 0] * z + matrix[1, 1] * y + matrix[1, 2] * x
                px = matrix[2, 0] * z + matrix[2, 1] * y + matrix[2, 2] * x
                cz, cy, cx = pz + shift[0], py + shift[1], px + shift[2]
                if (
                    cz + reach[0] < -0.5
                    or cy + reach[1] < -0.5
                    or cx + reach[2] < -0.5
                    or cz - reach[0] > nz - 0.5
                    or cy - reach[1] > ny - 0.5
                    or cx - reach[2] > nx - 0.5
                ):
                    out[z, y, x] = outside
                    continue
                total = 0.0
                missed = 0
                for i in range(n):
                    qz, qy, qx = pz + offset[i, 0], py + offset[i, 1], px + offset[i, 2]
                    if _inside(qz, nz) and _inside(qy, ny) and _inside(qx, nx):
                        total += source[_nearest(qz, nz), _nearest(qy, ny), _nearest(qx, nx)]
                    else:
                        missed += 1
                total /= n
                if missed > 0:
                    total += outside * missed / n
                out[z, y, x] = total


@njit(cache=True, nogil=True)
def spread_oblique(
    source: NDArray[Any], matrix: NDArray[Any], shift: NDArray[Any], points: NDArray[Any], out: NDArray[Any]
) -> None:
    """Add every source voxel to ``out``, in equal parts at a lattice of ``points`` (z, y, x).

    Here ``matrix`` and ``shift`` take a *source* index to a target index. What falls beside the target
    is lost. One thread: parts of many voxels meet in one.
    """
    nz, ny, nx = out.shape
    part = 1.0 / (points[0] * points[1] * points[2])
    for z in range(source.shape[0]):
        for y in range(source.shape[1]):
            for x in range(source.shape[2]):
                value = source[z, y, x] * part
                if value == 0.0:
                    continue
                for a in range(points[0]):
                    sz = z + (a + 0.5) / points[0] - 0.5
                    for b in range(points[1]):
                        sy = y + (b + 0.5) / points[1] - 0.5
                        for c in range(points[2]):
                            sx = x + (c + 0.5) / points[2] - 0.5
                            qz = matrix[0, 0] * sz + matrix[0, 1] * sy + matrix[0, 2] * sx + shift[0]
                            qy = matrix[1, 0] * sz + matrix[1, 1] * sy + matrix[1, 2] * sx + shift[1]
                            qx = matrix[2, 0] * sz + matrix[2, 1] * sy + matrix[2, 2] * sx + shift[2]
                            if _inside(qz, nz) and _inside(qy, ny) and _inside(qx, nx):
                                out[_nearest(qz, nz), _nearest(qy, ny), _nearest(qx, nx)] += value
