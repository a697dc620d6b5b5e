"""Analyses in which tissue is a sum of integrals of itself and of known curves, in every voxel."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block

__all__ = ["fit_columns"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _integrals(
    y: NDArray[np.float64],
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    bend: NDArray[np.float64],
    q: NDArray[np.float64],
    n_known: int,
    run: NDArray[np.float64],
) -> None:
    """Fill q after its known columns with the integral and, where it has room, the double integral.

    ``own`` and ``later`` (2, frames) are what a frame adds to both integrals at itself and at all later
    frames; to the double one it adds later[0] times the later frame's time, ``bend``, besides.
    """
    run[:] = 0.0
    single, double, slope = run[0], run[1], run[2]
    twice = q.shape[0] > n_known + 1
    for f in range(y.shape[0]):
        for v in range(LANES):
            c = y[f, v]
            q[n_known, f, v] = single[v] + own[0, f] * c
            single[v] += later[0, f] * c
        if twice:
            for v in range(LANES):
                c = y[f, v]
                q[n_known + 1, f, v] = double[v] + bend[f] * slope[v] + own[1, f] * c
                double[v] += later[1, f] * c
                slope[v] += later[2, f] * c


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _project(
    a: NDArray[np.float64], b: NDArray[np.float64], share: NDArray[np.float64], norm: NDArray[np.float64]
) -> None:
    """Take from b (frames, LANES) its part along a of length 1; ``share`` becomes that part."""
    for v in range(LANES):
        share[v] = 0.0
    for f in range(a.shape[0]):
        for v in range(LANES):
            share[v] += a[f, v] * b[f, v]
    for f in range(a.shape[0]):
        for v in range(LANES):
            b[f, v] -= share[v] * a[f, v]
    for v in range(LANES):
        norm[v] = 0.0
    for f in range(a.shape[0]):
        for v in range(LANES):
            norm[v] += b[f, v] * b[f, v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _orthonormal(
    root: NDArray[np.float64],
    y: NDArray[np.float64],
    q: NDArray[np.float64],
    n_known: int,
    r: NDArray[np.float64],
    z: NDArray[np.float64],
    along: NDArray[np.float64],
    left: NDArray[np.float64],
) -> None:
    """Orthonormalise the voxels' own columns of q; r (p, p, LANES) and the parts of y along all of them."""
    p = q.shape[0]
    for f in range(y.shape[0]):
        for v in range(LANES):
            z[f, v] = root[f] * y[f, v]
        for k in range(n_known, p):
            for v in range(LANES):
                q[k, f, v] *= root[f]
    for k in range(n_known, p):
        for m in range(k):
            _project(q[m], q[k], r[m, k], r[k, k])
        for v in range(LANES):
            r[k, k, v] = np.sqrt(r[k, k, v])
        for f in range(y.shape[0]):
            for v in range(LANES):
                q[k, f, v] /= r[k, k, v]
    for m in range(p):
        _project(q[m], z, along[m], left)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _noise(
    root: NDArray[np.float64],
    q: NDArray[np.float64],
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    bend: NDArray[np.float64],
    variance: NDArray[np.float64],
    c1: NDArray[np.float64],
    c2: NDArray[np.float64],
    r: NDArray[np.float64],
    sums: NDArray[np.float64],
    gram: NDArray[np.float64],
) -> None:
    """Fill gram (p, p, LANES) with the noise along the columns, by running sums over later frames."""
    p = q.shape[0]
    sums[:] = 0.0
    gram[:] = 0.0
    for f in range(root.size - 1, -1, -1):
        for k in range(p):
            for v in range(LANES):
                u = q[k, f, v] * root[f]
                r[k, v] = (
                    u * (1.0 - c1[v] * own[0, f] - c2[v] * own[1, f])
                    - sums[k, v] * (c1[v] * later[0, f] + c2[v] * later[1, f])
                    - sums[p + k, v] * c2[v] * later[2, f]
                )
            for v in range(LANES):
                u = q[k, f, v] * root[f]
                sums[k, v] += u
                sums[p + k, v] += u * bend[f]
        for k in range(p):
            for m in range(k + 1):
                for v in range(LANES):
                    gram[k, m, v] += variance[f] * r[k, v] * r[m, v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve(
    upper: NDArray[np.float64],
    along: NDArray[np.float64],
    v: int,
    gain: NDArray[np.float64],
    x: NDArray[np.float64],
) -> None:
    """Fill x (p,) with the solution of U x = along in lane v, and gain (p, p) with the inverse of U."""
    p = x.size
    for c in range(p):
        for a in range(p - 1, -1, -1):
            rest = 1.0 if a == c else 0.0
            for b in range(a + 1, c + 1):
                rest -= upper[a, b, v] * gain[b, c]
            gain[a, c] = rest / upper[a, a, v] if a <= c else 0.0
    for a in range(p):
        x[a] = 0.0
        for b in range(a, p):
            x[a] += gain[a, b] * along[b, v]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve_pulled(
    upper: NDArray[np.float64],
    along: NDArray[np.float64],
    v: int,
    ridge: NDArray[np.float64],
    prior: NDArray[np.float64],
    gain: NDArray[np.float64],
    x: NDArray[np.float64],
) -> float:
    """Do as _solve, pulled to a prior by its ridge; return by how much the residual sum rises."""
    p = x.size
    u = upper[:, :, v].copy()
    # Scaled by the ridge's own size, for columns differ by orders of magnitude.
    normal = u.T.copy() @ u
    size = np.empty(p)
    for a in range(p):
        normal[a, a] += ridge[a]
        size[a] = 1.0 / np.sqrt(normal[a, a])
    if not np.isfinite(normal).all() or not np.isfinite(size).all():
        gain[:] = np.nan
        x[:] = np.nan
        return np.nan
    scaled = normal * size.reshape(p, 1) * size.reshape(1, p) + 1e-14 * np.eye(p)
    inverse = np.linalg.inv(scaled) * size.reshape(p, 1) * size.reshape(1, p)
    gain[:] = inverse @ u.T.copy()
    x[:] = gain @ along[:, v].copy() + inverse @ (ridge * prior)
    off = u @ x - along[:, v]
    return float(off @ off)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _store(
    k: int,
    v: int,
    gain: NDArray[np.float64],
    gram: NDArray[np.float64],
    unit: float,
    covariance: NDArray[np.float64],
) -> None:
    """Fill column k of covariance from what noise is along each column."""
    p, at = gain.shape[0], 0
    for a in range(p):
        for b in range(a, p):
            total = 0.0
            for c in range(p):
                for d in range(p):
                    total += gain[a, c, v] * gram[max(c, d), min(c, d), v] * gain[b, d, v]
            covariance[at, k] = unit * total
            at += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_columns(
    data: NDArray[Any],
    index: NDArray[np.int64],
    scale: float,
    shift: NDArray[np.float64],
    root: NDArray[np.float64],
    known: NDArray[np.float64],
    known_upper: NDArray[np.float64],
    n_own: int,
    own: NDArray[np.float64],
    later: NDArray[np.float64],
    bend: NDArray[np.float64],
    variance: NDArray[np.float64],
    spread: NDArray[np.float64],
    errors: bool,
    ridge: NDArray[np.float64],
    prior: NDArray[np.float64],
    found: NDArray[np.float64],
    covariance: NDArray[np.float64],
    left: NDArray[np.float64],
) -> None:
    """Fill coefficients (p, voxels), covariances (p (p + 1) / 2, voxels), residual sums; known columns first.

    ``root`` (frames,) is the root of the weights, 0 where a frame is left out; ``known`` (frames, n_known)
    has weighted columns made orthonormal, of which ``known_upper`` makes the columns again. ``spread`` (3, 3)
    is what noise gives in all for products of (1, c1, c2), the coefficients of both integrals. ``ridge`` and
    ``prior`` (p, voxels) pull coefficients; no voxels: nothing does.
    """
    n, n_known = known.shape
    p, pulled = n_known + n_own, ridge.shape[1] > 0
    y, z, q = np.empty((n, LANES)), np.empty((n, LANES)), np.empty((p, n, LANES))
    r, gram = np.zeros((p, p, LANES)), np.zeros((p, p, LANES))
    along, sums, part = np.empty((p, LANES)), np.empty((2 * p, LANES)), np.empty((p, LANES))
    run, c, gains = np.empty((4, LANES)), np.zeros((2, LANES)), np.empty((p, p, LANES))
    x, gain = np.empty(p), np.empty((p, p))
    for a in range(n_known):
        for b in range(n_known):
            r[a, b] = known_upper[a, b]
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, scale, shift, y)
        _integrals(y, own, later, bend, q, n_known, run)
        for a in range(n_known):
            for f in range(n):
                q[a, f] = known[f, a]
        _orthonormal(root, y, q, n_known, r, z, along, run[3])
        for v in range(count):
            k = start + v
            left[k] = run[3, v]
            if pulled:
                left[k] += _solve_pulled(r, along, v, ridge[:, k].copy(), prior[:, k].copy(), gain, x)
            else:
                _solve(r, along, v, gain, x)
            gains[:, :, v] = gain
            c[:, v] = 0.0
            for m in range(n_own):
                c[m, v] = x[n_known + m]
            found[:, k] = x
        if not errors:
            continue
        _noise(root, q, own, later, bend, variance, c[0], c[1], part, sums, gram)
        for v in range(count):
            k = start + v
            expected = spread[0, 0] - 2.0 * (c[0, v] * spread[0, 1] + c[1, v] * spread[0, 2])
            expected += c[0, v] ** 2 * spread[1, 1] + 2.0 * c[0, v] * c[1, v] * spread[1, 2]
            expected += c[1, v] ** 2 * spread[2, 2]
            for a in range(p):
                expected -= gram[a, a, v]
            _store(k, v, gains, gram, left[k] / expected, covariance)
