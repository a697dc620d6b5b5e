"""The loop over voxels of two tissue compartments, and what their rates' errors are."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics._kernels.voxel_block import LANES, load_block
from tumorboard.pet.kinetics._kernels.voxel_two_tissue import best_pair, coordinates, refine, solve, start_of

__all__ = ["fit_two_tissue"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _covariance(
    jacobian: NDArray[np.float64],
    first: int,
    blood_length: float,
    held: NDArray[np.bool_],
    work: NDArray[np.float64],
    inverse: NDArray[np.float64],
) -> None:
    """Fill inverse (5, 5) with covariances of K1 to k4 and blood's share, for residuals of variance 1.

    Blood's column was projected out: its share is what is left along it, so that the rates' errors go into
    its.
    """
    normal, low, gradient, step, size = work[:4], work[4:8], work[8], work[9], work[10]
    inverse[:] = 0.0
    for a in range(4):
        s = 0.0
        for c in range(first, jacobian.shape[1]):
            s += jacobian[a, c] * jacobian[a, c]
        size[a] = math.sqrt(s)
    for a in range(4):
        for b in range(4):
            s = 0.0
            for c in range(first, jacobian.shape[1]):
                s += jacobian[a, c] * jacobian[b, c]
            normal[a, b] = s / (size[a] * size[b])
    for b in range(4):
        if held[b]:
            continue
        gradient[:] = 0.0
        gradient[b] = -1.0
        if not solve(normal, gradient, held, 1e-12, low, step):
            inverse[:] = np.nan
            return
        for a in range(4):
            inverse[a, b] = step[a] / (size[a] * size[b]) if not held[a] else 0.0
    if first == 0:
        return
    for a in range(4):
        for b in range(4):
            inverse[a, 4] -= inverse[a, b] * jacobian[b, 0] / blood_length if not held[b] else 0.0
        inverse[4, a] = inverse[a, 4]
    inverse[4, 4] = 1.0 / blood_length**2
    for a in range(4):
        inverse[4, 4] -= inverse[4, a] * jacobian[a, 0] / blood_length if not held[a] else 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_two_tissue(
    data: NDArray[Any],
    index: NDArray[np.int64],
    shift: NDArray[np.float64],
    root: NDArray[np.float64],
    basis: NDArray[np.float64],
    first: int,
    blood_length: float,
    table: NDArray[np.float64],
    change: NDArray[np.float64],
    offset: float,
    span: float,
    rows: NDArray[np.float32],
    lengths: NDArray[np.float64],
    rates: NDArray[np.float64],
    cross: NDArray[np.float32],
    inverse: NDArray[np.float32],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    enough: float,
    freedom: int,
    errors_from: int,
    errors: bool,
    found: NDArray[np.float64],
    covariance: NDArray[np.float64],
    left: NDArray[np.float64],
    at_bound: NDArray[np.bool_],
    converged: NDArray[np.bool_],
) -> None:
    """Fill K1 to k4 and blood's share (5, voxels), covariances (15, voxels), residual sums, two flags.

    ``basis`` (coordinates, frames) is orthonormal; its first vector is blood where ``first`` is 1, and then
    the share is found too; ``errors_from`` is 1 where its error counts, though it be held. ``table`` and
    ``change`` (rates, coordinates) hold the response and its derivative by the row; ``rows`` those of some
    ``rates``, from ``first`` on, divided by their ``lengths``.
    """
    n, m = data.shape[0], table.shape[1]
    y, z, outside = np.empty((n, LANES)), np.empty((m, LANES)), np.empty(LANES)
    b, best = np.empty((rows.shape[0], LANES), np.float32), np.empty(LANES, np.float32)
    pair, x, small = np.empty(LANES, np.int32), np.empty(4), np.zeros((5, 4))
    responses, residual, jacobian = np.empty((4, m)), np.empty(m), np.empty((4, m))
    work, held, spread = np.empty((11, 4)), np.empty(4, np.bool_), np.empty((5, 5))
    irreversible = upper[3] == 0.0
    single, other = np.empty(LANES, np.int32), np.empty(4)
    for start in range(0, index.size, LANES):
        count = load_block(data, index, start, 1.0, shift, y)
        coordinates(y, root, basis, z, outside)
        best_pair(z, rows, first, cross, inverse, irreversible, b, best, pair, single)
        for v in range(count):
            k = start + v
            sum_of_other = np.inf
            if errors_from == 1:
                # With blood free, valleys of one exponential and of two lie apart: both are gone down.
                start_of(z, v, first, rows, lengths, rates, cross, inverse, single[v], other)
                sum_of_other, _ = refine(
                    other, z, v, first, max(outside[v], 0.0), table, change, offset, span, lower, upper,
                    enough, small, responses, residual, jacobian, work, held,
                )  # fmt: skip
            start_of(z, v, first, rows, lengths, rates, cross, inverse, pair[v], x)
            total, done = refine(
                x, z, v, first, max(outside[v], 0.0), table, change, offset, span, lower, upper, enough,
                small, responses, residual, jacobian, work, held,
            )  # fmt: skip
            if sum_of_other < total:
                x[:] = other
                total, done = refine(
                    x, z, v, first, max(outside[v], 0.0), table, change, offset, span, lower, upper, enough,
                    small, responses, residual, jacobian, work, held,
                )  # fmt: skip
            found[:4, k] = x
            found[4, k] = -residual[0] / blood_length if first == 1 else 0.0
            left[k], converged[k] = total + max(outside[v], 0.0), done
            at_bound[k] = False
            for p in range(4):
                at_bound[k] |= (x[p] <= lower[p] or x[p] >= upper[p]) and upper[p] > lower[p]
                held[p] = upper[p] == lower[p]
            if not errors:
                continue
            _covariance(jacobian, errors_from, blood_length, held, work, spread)
            at = 0
            for p in range(5):
                for q in range(p, 5):
                    covariance[at, k] = spread[p, q] * left[k] / freedom
                    at += 1
