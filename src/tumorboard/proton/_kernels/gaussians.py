"""Values of pencil beams: sums of Gaussians from tables, and what to do with columns of them.

Loops are kept short and over few arrays, so that the compiler makes vectors of them. Tables and optics are
those of :mod:`tumorboard.proton._kernels.pencil_beam`.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "add_columns",
    "add_product",
    "evaluate",
    "exp_minus",
    "exponents",
    "prune",
    "tabulated",
]

_F0, _F1, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
_LEAST_VARIANCE = np.float32(1e-4)
_ONE_BY_TWO_PI = np.float32(0.5 / np.pi)
#: exp(-x) is zero to float32 beyond.
_MOST_EXPONENT = np.float32(80)
_LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts, so that the remainder of a large exponent keeps its digits.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1.0 / n) for n in (2, 6, 24, 120, 720))
_BIAS = np.int32(127)
_MANTISSA_BITS = np.int32(23)


@njit(cache=True, nogil=True)
def tabulated(
    table: NDArray[Any],
    column: int,
    bins: NDArray[Any],
    parts: NDArray[Any],
    along: NDArray[Any],
    o: NDArray[Any],
    slot: int,
    amplitude: NDArray[Any],
    variance_a: NDArray[Any],
    variance_b: NDArray[Any],
    is_round: bool,
) -> None:
    """Write amplitude and variances of one Gaussian at each entry."""
    weight = o[0, slot] * _ONE_BY_TWO_PI
    a0, a1, a2, b0, b1, b2 = o[1, slot], o[2, slot], o[3, slot], o[4, slot], o[5, slot], o[6, slot]
    for h in range(amplitude.size):
        bin_, part, s = bins[h], parts[h], along[h]
        amplitude[h] = weight * (table[bin_, column] + part * (table[bin_ + 1, column] - table[bin_, column]))
        spread = table[bin_, column + 1]
        spread += part * (table[bin_ + 1, column + 1] - spread)
        variance_a[h] = max(spread + a0 + s * (a1 + s * a2), _LEAST_VARIANCE)
        if not is_round:
            variance_b[h] = max(spread + b0 + s * (b1 + s * b2), _LEAST_VARIANCE)


# Python's error model would test every divisor, one entry at a time.
@njit(cache=True, nogil=True, error_model="numpy")
def exponents(
    variance_a: NDArray[Any],
    variance_b: NDArray[Any],
    a2: NDArray[Any],
    b2: NDArray[Any],
    is_round: bool,
    amplitude: NDArray[Any],
    exponent: NDArray[Any],
) -> None:
    """Divide the amplitude by the widths and write the exponent of each entry's Gaussian."""
    if is_round:
        for h in range(exponent.size):
            inverse = _F1 / variance_a[h]
            amplitude[h] *= inverse
            exponent[h] = min(_HALF * a2[h] * inverse, _MOST_EXPONENT)
        return
    for h in range(exponent.size):
        inverse_a, inverse_b = _F1 / variance_a[h], _F1 / variance_b[h]
        amplitude[h] *= np.sqrt(inverse_a * inverse_b)
        exponent[h] = min(_HALF * (a2[h] * inverse_a + b2[h] * inverse_b), _MOST_EXPONENT)


@njit(cache=True, nogil=True)
def exp_minus(exponent: NDArray[Any], power: NDArray[Any]) -> None:
    """Turn exponents x, 0 to 80, into exp(-x) over 2 to the ``power``, which is written as a float's bits."""
    for h in range(exponent.size):
        x = exponent[h]
        n = np.int32(-x * _LOG2_E - _HALF)
        t = -x - np.float32(n) * _LN2_HIGH - np.float32(n) * _LN2_LOW
        exponent[h] = _F1 + t * (_F1 + t * (_C2 + t * (_C3 + t * (_C4 + t * (_C5 + t * _C6)))))
        power[h] = (n + _BIAS) << _MANTISSA_BITS


@njit(cache=True, nogil=True)
def add_product(first: NDArray[Any], second: NDArray[Any], third: NDArray[Any], out: NDArray[Any]) -> None:
    for h in range(out.size):
        out[h] += first[h] * second[h] * third[h]


@njit(cache=True, nogil=True)
def evaluate(
    table: NDArray[Any],
    fine: Any,
    optics: NDArray[Any],
    slot: int,
    is_round: bool,
    voxels: NDArray[Any],
    abs_: NDArray[Any],
    depths: NDArray[Any],
    scratch: NDArray[Any],
    bits: NDArray[Any],
    which: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
) -> None:
    """Write the dose of one spot at a few entries.

    ``which`` are the places of their voxels in the ray's list, and become the voxels themselves.
    """
    m = which.size
    bins, power = bits[0, :m], bits[1, :m]
    scale = power.view(np.float32)
    parts, along, a2, b2 = scratch[0, :m], scratch[1, :m], scratch[2, :m], scratch[3, :m]
    amplitude, variance_a, variance_b = scratch[4, :m], scratch[5, :m], scratch[6, :m]
    exponent = scratch[7, :m]
    for h in range(m):
        v = which[h]
        at = depths[v] * fine
        bins[h] = np.int32(at)
        parts[h] = at - np.float32(bins[h])
        along[h] = abs_[2, v]
        a2[h], b2[h] = abs_[0, v] * abs_[0, v], abs_[1, v] * abs_[1, v]
        if is_round:
            a2[h] += b2[h]
        which[h] = voxels[v]
        dose[h] = _F0
    for column in range(1, table.shape[1], 2):
        for p in range(len(optics)):
            tabulated(
                table,
                column,
                bins,
                parts,
                along,
                optics[p],
                slot,
                amplitude,
                variance_a,
                variance_b,
                is_round,
            )
            exponents(variance_a, variance_b, a2, b2, is_round, amplitude, exponent)
            exp_minus(exponent, power)
            add_product(amplitude, exponent, scale, dose)
    if dose_let.size > 0:
        for h in range(m):
            let = table[bins[h], 0]
            dose_let[h] = dose[h] * (let + parts[h] * (table[bins[h] + 1, 0] - let))


@njit(cache=True, nogil=True)
def prune(
    threshold: float,
    start: int,
    stop: int,
    spot: int,
    voxels: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
    kept: NDArray[Any],
    dropped: NDArray[Any],
) -> None:
    """Drop the small entries of one spot and move the others up."""
    kept[spot], dropped[spot] = stop - start, 0.0
    if threshold <= 0.0 or stop == start:
        return
    least, total, lost, to = _F0, 0.0, 0.0, start
    for n in range(start, stop):
        least = max(least, dose[n])
    least *= np.float32(threshold)
    for n in range(start, stop):
        total += dose[n]
        if dose[n] < least:
            lost += dose[n]
            continue
        voxels[to], dose[to] = voxels[n], dose[n]
        if dose_let.size > 0:
            dose_let[to] = dose_let[n]
        to += 1
    kept[spot] = to - start
    dropped[spot] = lost / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True)
def add_columns(
    starts: NDArray[Any],
    counts: NDArray[Any],
    voxels: NDArray[Any],
    values: NDArray[Any],
    weights: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Add each column times its weight to ``out``, in the order of the columns."""
    for column in range(counts.size):
        weight = weights[column]
        if weight != 0.0:
            for n in range(starts[column], starts[column] + counts[column]):
                out[voxels[n]] += weight * values[n]
