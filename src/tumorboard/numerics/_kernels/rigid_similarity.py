"""Loops of :func:`tumorboard.numerics.register_rigid`: values and slopes through a motion, and their sums.

``slopes`` (n, 6) are derivatives of the moving value at each place by three turns and three shifts. Sums run
over the places in order, on one thread, so that they do not depend on the number of threads.
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

__all__ = ["joint_histogram", "look_up", "plain_sums", "scores"]

#: Places that share a thread.
_BLOCK = 1024


@njit(cache=True, nogil=True)
def _cubic(f: float, w: NDArray[Any], d: NDArray[Any]) -> None:
    """Write weights of four cubic B-splines, the second one's centre at distance ``f``, and derivatives."""
    g = 1.0 - f
    w[0] = g * g * g / 6.0
    w[1] = 2.0 / 3.0 - 0.5 * f * f * (2.0 - f)
    w[2] = 2.0 / 3.0 - 0.5 * g * g * (2.0 - g)
    w[3] = f * f * f / 6.0
    d[0] = -0.5 * g * g
    d[1] = f * (1.5 * f - 2.0)
    d[2] = -g * (1.5 * g - 2.0)
    d[3] = 0.5 * f * f


@njit(cache=True, nogil=True)
def _mirrored(i: int, n: int) -> int:
    """Return an index within reach of the array, mirrored at the outermost centres as the spline's filter."""
    if i < 0:
        i = -i
    if i >= n:
        i = 2 * n - 2 - i
    return i


@njit(cache=True, nogil=True, parallel=True)
def look_up(
    spline: NDArray[Any],
    index: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    to_world: NDArray[Any],
    arms: NDArray[Any],
    pivot: NDArray[Any],
    inside: NDArray[Any],
    values: NDArray[Any],
    slopes: NDArray[Any],
) -> None:
    """Write values and slopes of a cubic spline at places of the fixed image.

    ``index`` (n, 3) are indices of the fixed image, ``matrix`` and ``shift`` take them to the moving image's,
    ``to_world`` takes derivatives by moving indices to those by patient coordinates, ``arms`` (3, 3) and
    ``pivot`` (3,) take fixed indices to where the place is, from the point that turns are about.
    """
    nz, ny, nx = spline.shape
    n = index.shape[0]
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        w, d = np.empty((3, 4)), np.empty((3, 4))
        for k in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            a, b, c = index[k, 0], index[k, 1], index[k, 2]
            pz = matrix[0, 0] * a + matrix[0, 1] * b + matrix[0, 2] * c + shift[0]
            py = matrix[1, 0] * a + matrix[1, 1] * b + matrix[1, 2] * c + shift[1]
            px = matrix[2, 0] * a + matrix[2, 1] * b + matrix[2, 2] * c + shift[2]
            inside[k] = (
                pz >= -0.5
                and pz <= nz - 0.5
                and py >= -0.5
                and py <= ny - 0.5
                and px >= -0.5
                and px <= nx - 0.5
            )
            if not inside[k]:
                continue
            iz, iy, ix = int(np.floor(pz)), int(np.floor(py)), int(np.floor(px))
            _cubic(pz - iz, w[0], d[0])
            _cubic(py - iy, w[1], d[1])
            _cubic(px - ix, w[2], d[2])
            value = gz = gy = gx = 0.0
            for p in range(4):
                jz = _mirrored(iz + p - 1, nz)
                for q in range(4):
                    jy = _mirrored(iy + q - 1, ny)
                    line = dline = 0.0
                    for r in range(4):
                        one = spline[jz, jy, _mirrored(ix + r - 1, nx)]
                        line += w[2, r] * one
                        dline += d[2, r] * one
                    value += w[0, p] * w[1, q] * line
                    gz += d[0, p] * w[1, q] * line
                    gy += w[0, p] * d[1, q] * line
                    gx += w[0, p] * w[1, q] * dline
            values[k] = value
            sx = to_world[0, 0] * gz + to_world[0, 1] * gy + to_world[0, 2] * gx
            sy = to_world[1, 0] * gz + to_world[1, 1] * gy + to_world[1, 2] * gx
            sz = to_world[2, 0] * gz + to_world[2, 1] * gy + to_world[2, 2] * gx
            ux = arms[0, 0] * a + arms[0, 1] * b + arms[0, 2] * c + pivot[0]
            uy = arms[1, 0] * a + arms[1, 1] * b + arms[1, 2] * c + pivot[1]
            uz = arms[2, 0] * a + arms[2, 1] * b + arms[2, 2] * c + pivot[2]
            slopes[k, 0] = uy * sz - uz * sy
            slopes[k, 1] = uz * sx - ux * sz
            slopes[k, 2] = ux * sy - uy * sx
            slopes[k, 3] = sx
            slopes[k, 4] = sy
            slopes[k, 5] = sz


@njit(cache=True, nogil=True)
def plain_sums(
    fixed: NDArray[Any], values: NDArray[Any], slopes: NDArray[Any], inside: NDArray[Any]
) -> tuple[int, NDArray[Any]]:
    """Return the number of places inside and the products, summed, of (1, fixed, value, six slopes)."""
    out, row, n = np.zeros((9, 9)), np.empty(9), 0
    row[0] = 1.0
    for k in range(fixed.shape[0]):
        if not inside[k]:
            continue
        n += 1
        row[1], row[2] = fixed[k], values[k]
        row[3:] = slopes[k]
        for i in range(9):
            for j in range(i + 1):
                out[i, j] += row[i] * row[j]
    for i in range(9):
        for j in range(i):
            out[j, i] = out[i, j]
    return n, out


@njit(cache=True, nogil=True)
def joint_histogram(
    bin_fixed: NDArray[Any], place: NDArray[Any], inside: NDArray[Any], bins: int
) -> tuple[int, NDArray[Any]]:
    """Return the number of places inside and their joint histogram, spread over cubic B-splines of values.

    ``bin_fixed`` are bins of the fixed values, ``place`` those of the moving ones, with their fractions, in
    (1, bins - 3).
    """
    joint, w, d, n = np.zeros((bins, bins)), np.empty(4), np.empty(4), 0
    for k in range(bin_fixed.shape[0]):
        if not inside[k]:
            continue
        n += 1
        low = int(place[k])
        _cubic(place[k] - low, w, d)
        for r in range(4):
            joint[bin_fixed[k], low + r - 1] += w[r]
    return n, joint


@njit(cache=True, nogil=True)
def scores(
    bin_fixed: NDArray[Any],
    place: NDArray[Any],
    slopes: NDArray[Any],
    inside: NDArray[Any],
    told: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the sum of each place's derivative of mutual information, and of the products of these.

    ``told`` (bins, bins) is the logarithm of the joint histogram over that of the moving values.
    """
    first, second = np.zeros(6), np.zeros((6, 6))
    w, d, one = np.empty(4), np.empty(4), np.empty(6)
    for k in range(bin_fixed.shape[0]):
        if not inside[k]:
            continue
        low = int(place[k])
        _cubic(place[k] - low, w, d)
        by_value = 0.0
        for r in range(4):
            by_value += d[r] * told[bin_fixed[k], low + r - 1]
        for i in range(6):
            one[i] = by_value * slopes[k, i]
        for i in range(6):
            first[i] += one[i]
            for j in range(6):
                second[i, j] += one[i] * one[j]
    return first, second
