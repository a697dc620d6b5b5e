"""Logan's plot in every voxel: a weighted line and its errors."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block
from tumorboard.units import S_PER_MIN

__all__ = ["fit_lines"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _points(
    y: NDArray[np.float64],
    first: int,
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    drive: NDArray[np.float64],
    weights: NDArray[np.float64],
    px: NDArray[np.float64],
    py: NDArray[np.float64],
    run: NDArray[np.float64],
) -> None:
    """Fill px, py with points from ``first`` on, 0 without weight; ``run`` becomes the integral."""
    for v in range(LANES):
        run[v] = 0.0
    for f in range(first):
        for v in range(LANES):
            run[v] += later[f] * y[f, v]
    for f in range(first, y.shape[0]):
        if weights[f] == 0.0:
            for v in range(LANES):
                px[f, v] = 0.0
                run[v] += later[f] * y[f, v]
            py[f] = 0.0
            continue
        for v in range(LANES):
            c = y[f, v]
            q = 1.0 / c
            px[f, v] = drive[f] * q
            py[f, v] = (run[v] + own[f] * c) * q
            run[v] += later[f] * c


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _weights(
    y: NDArray[np.float64],
    first: int,
    weights: NDArray[np.float64],
    propagated: bool,
    half: NDArray[np.float64],
    variance: NDArray[np.float64],
    earlier: NDArray[np.float64],
    py: NDArray[np.float64],
    w: NDArray[np.float64],
) -> None:
    """Fill w with points' weights as ``logan_point_weights`` does; ``half`` is half a frame's duration."""
    for f in range(first, y.shape[0]):
        if not propagated or weights[f] == 0.0:
            for v in range(LANES):
                w[f, v] = weights[f]
            continue
        for v in range(LANES):
            c = y[f, v]
            # The integral before is what remains of the ordinate without half of this frame.
            before = S_PER_MIN * py[f, v] * c - half[f] * c
            spread = (earlier[f] + variance[f] * (before / c) ** 2) / (c * c)
            w[f, v] = 1.0 / spread if spread > 0.0 else 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _line(
    first: int,
    px: NDArray[np.float64],
    py: NDArray[np.float64],
    w: NDArray[np.float64],
    s: NDArray[np.float64],
) -> None:
    """Fill s, rows: sum of weights, mean x, mean y, Sxx, Sxy, residual sum; slope and intercept follow."""
    s0, sx, sy, sxx, sxy, left = s[0], s[1], s[2], s[3], s[4], s[5]
    s[:6] = 0.0
    for f in range(first, px.shape[0]):
        for v in range(LANES):
            s0[v] += w[f, v]
            sx[v] += w[f, v] * px[f, v]
        for v in range(LANES):
            sy[v] += w[f, v] * py[f, v]
    for v in range(LANES):
        sx[v] /= s0[v]
        sy[v] /= s0[v]
    for f in range(first, px.shape[0]):
        for v in range(LANES):
            d = px[f, v] - sx[v]
            sxx[v] += w[f, v] * d * d
        for v in range(LANES):
            sxy[v] += w[f, v] * (px[f, v] - sx[v]) * (py[f, v] - sy[v])
    slope, intercept = s[6], s[7]
    for v in range(LANES):
        slope[v] = sxy[v] / sxx[v]
        intercept[v] = sy[v] - slope[v] * sx[v]
    for f in range(first, px.shape[0]):
        for v in range(LANES):
            r = py[f, v] - intercept[v] - slope[v] * px[f, v]
            left[v] += w[f, v] * r * r


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(
    first: int,
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    px: NDArray[np.float64],
    w: NDArray[np.float64],
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    variance: NDArray[np.float64],
    s: NDArray[np.float64],
    e: NDArray[np.float64],
) -> None:
    """Fill e, rows 0 to 3: noise along the constant, along the abscissa, across both, and in all.

    Noise of a frame is in its own point and, through the integral, in all later ones: sums of what is later,
    rows 4 and 5, take the place of a matrix.
    """
    along0, along1, cross, total, later0, later1 = e[0], e[1], e[2], e[3], e[4], e[5]
    mean, intercept, u0, u1 = s[1], s[7], e[6], e[7]
    e[:6] = 0.0
    before = 0.0
    for f in range(first):
        before += variance[f] * later[f] ** 2
    each = before
    for f in range(first, y.shape[0]):
        for v in range(LANES if weights[f] > 0.0 else 0):
            q = own[f] - intercept[v]
            total[v] += w[f, v] / (y[f, v] * y[f, v]) * (each + variance[f] * q * q)
        each += variance[f] * later[f] ** 2
    for f in range(y.shape[0] - 1, first - 1, -1):
        if weights[f] == 0.0:
            e[6:8] = 0.0
        for v in range(LANES if weights[f] > 0.0 else 0):
            u0[v] = w[f, v] / y[f, v]
            u1[v] = u0[v] * (px[f, v] - mean[v])
        for v in range(LANES):
            r0 = later[f] * later0[v] + (own[f] - intercept[v]) * u0[v]
            along0[v] += variance[f] * r0 * r0
            later0[v] += u0[v]
            # Next frame's r1 needs its own; the product across is taken with what r0 was.
            u0[v] = r0
        for v in range(LANES):
            r1 = later[f] * later1[v] + (own[f] - intercept[v]) * u1[v]
            along1[v] += variance[f] * r1 * r1
            cross[v] += variance[f] * r1 * u0[v]
            later1[v] += u1[v]
    for v in range(LANES):
        along0[v] += before * later0[v] * later0[v]
        along1[v] += before * later1[v] * later1[v]
        cross[v] += before * later0[v] * later1[v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_lines(
    data: NDArray[Any],
    index: NDArray[np.int64],
    scale: float,
    shift: NDArray[np.float64],
    first: int,
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    half: NDArray[np.float64],
    drive: NDArray[np.float64],
    weights: NDArray[np.float64],
    propagated: bool,
    variance: NDArray[np.float64],
    earlier: NDArray[np.float64],
    errors: bool,
    found: NDArray[np.float64],
    covariance: NDArray[np.float64],
    left: NDArray[np.float64],
    pointless: NDArray[np.bool_],
) -> None:
    """Fill slope and intercept (2, voxels), covariances (3, voxels), residual sums, where no points are.

    ``own`` and ``later`` (frames,) are what a frame's concentration adds to the integral at itself and at all
    later frames [min]; ``drive`` (frames,) is the integral of what drives the tissue.
    """
    n = data.shape[0]
    y, px, py = np.empty((n, LANES)), np.empty((n, LANES)), np.empty((n, LANES))
    w, s, e = np.empty((n, LANES)), np.empty((8, LANES)), np.empty((8, LANES))
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, scale, shift, y)
        _points(y, first, own, later, drive, weights, px, py, s[0])
        _weights(y, first, weights, propagated, half, variance, earlier, py, w)
        _line(first, px, py, w, s)
        if errors:
            _spread(first, y, weights, px, w, own, later, variance, s, e)
        for v in range(count):
            k = start + v
            bad = False
            for f in range(first, n):
                bad |= weights[f] > 0.0 and not y[f, v] > 0.0
            pointless[k] = bad
            found[0, k], found[1, k], left[k] = s[6, v], s[7, v], s[5, v]
            if errors:
                a, b, c = e[0, v] / s[0, v], e[1, v] / s[3, v], e[2, v] / np.sqrt(s[0, v] * s[3, v])
                unit = s[5, v] / (e[3, v] - a - b)
                slope = b / s[3, v]
                both = c / np.sqrt(s[0, v] * s[3, v])
                covariance[0, k] = unit * slope
                covariance[1, k] = unit * (both - s[1, v] * slope)
                covariance[2, k] = unit * (a / s[0, v] + s[1, v] ** 2 * slope - 2.0 * s[1, v] * both)
