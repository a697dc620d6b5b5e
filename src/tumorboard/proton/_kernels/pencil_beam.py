"""Pencil beams on a dose grid: which voxels a spot reaches, and with what dose.

Coordinates of a ray: ``a`` and ``b`` across it, ``s`` along it from where it crosses the isocentre plane,
positive downstream [mm]. ``base`` and ``steps`` give the gantry coordinates of the first voxel and of one
step along each array axis (rows z, y, x).

One spot has ``optics``, a row per Gaussian of its phase space: weight, then the coefficients of 1, s and s^2
of its variance across the ray in a and in b [mm2]; and a ``table`` over water-equivalent depth with columns
mean variance [mm2], square of the cut-off in units of the variance, LET, and for each component of the kernel
its dose integrated over the plane [Gy mm2] and its variance [mm2].

The arithmetic is float32 without fast-math, so that counting and filling agree on every voxel.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["add_columns", "collect", "count_entries", "fill_entries", "mark_reach"]

_LEAST_VARIANCE = np.float32(1e-4)
_EXP_STEPS_PER_UNIT = 16
_EXP_END = 60
#: exp(-i / 16); a cubic does the rest to the precision of float32.
_EXP = np.exp(-np.arange(_EXP_END * _EXP_STEPS_PER_UNIT + 1) / _EXP_STEPS_PER_UNIT).astype(np.float32)
_F0, _F1, _F2, _HALF = np.float32(0), np.float32(1), np.float32(2), np.float32(0.5)
_SIXTH = np.float32(1.0 / 6.0)
_ONE_BY_TWO_PI = np.float32(0.5 / np.pi)
_EXP_SCALE = np.float32(_EXP_STEPS_PER_UNIT)
_EXP_STEP = np.float32(1.0 / _EXP_STEPS_PER_UNIT)
_EXP_LIMIT = np.float32(_EXP_END)


@njit(cache=True, nogil=True, inline="always")
def _exp_minus(x: Any) -> Any:
    """Return exp(-x) of a float32 x >= 0, zero beyond 60."""
    if x >= _EXP_LIMIT:
        return _F0
    i = np.int32(x * _EXP_SCALE)
    r = x - np.float32(i) * _EXP_STEP
    return _EXP[i] * (_F1 - r * (_F1 - r * (_HALF - r * _SIXTH)))


@njit(cache=True, nogil=True)
def collect(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origin: NDArray[Any],
    frame: NDArray[Any],
    reach: float,
    voxels: NDArray[Any],
    abs_: NDArray[Any],
) -> int:
    """Write the voxels within ``reach`` of a ray, ascending, and their (a, b, s); return how many.

    ``frame`` has the ray's axes a, b, s in its rows, ``origin`` is where it crosses the isocentre plane.
    """
    v = np.zeros((4, 3))
    for m in range(3):
        for n in range(3):
            v[0, m] += frame[m, n] * (base[n] - origin[n])
            for axis in range(3):
                v[axis + 1, m] += frame[m, n] * steps[axis, n]
    across = v[3, 0] ** 2 + v[3, 1] ** 2
    limit, count = reach * reach, 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            a = v[0, 0] + i * v[1, 0] + j * v[2, 0]
            b = v[0, 1] + i * v[1, 1] + j * v[2, 1]
            low, high = 0, shape[2] - 1
            if across > 1e-12:
                middle = -(a * v[3, 0] + b * v[3, 1]) / across
                nearest = a * a + b * b - middle * middle * across
                if nearest > limit:
                    continue
                half = np.sqrt((limit - nearest) / across)
                low = max(low, int(np.ceil(middle - half)))
                high = min(high, int(np.floor(middle + half)))
            elif a * a + b * b > limit:
                continue
            s = v[0, 2] + i * v[1, 2] + j * v[2, 2]
            row = (i * shape[1] + j) * shape[2]
            for k in range(low, high + 1):
                if allowed[row + k]:
                    voxels[count] = row + k
                    abs_[0, count] = a + k * v[3, 0]
                    abs_[1, count] = b + k * v[3, 1]
                    abs_[2, count] = s + k * v[3, 2]
                    count += 1
    return count


@njit(cache=True, nogil=True)
def mark_reach(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    reaches: NDArray[Any],
    marked: NDArray[Any],
    most: NDArray[Any],
) -> None:
    """Mark every voxel within reach of a ray; ``most[0]`` is the largest number of one ray."""
    voxels, abs_ = np.empty(allowed.size, np.int32), np.empty((3, allowed.size), np.float32)
    for r in range(len(origins)):
        n = collect(base, steps, shape, allowed, origins[r], frames[r], reaches[r], voxels, abs_)
        most[0] = max(most[0], n)
        for v in range(n):
            marked[voxels[v]] = True


@njit(cache=True, nogil=True)
def _depths(
    voxels: NDArray[Any],
    abs_: NDArray[Any],
    n: int,
    depth: NDArray[Any],
    profile: NDArray[Any],
    profile_start: float,
    profile_step: float,
    out: NDArray[Any],
) -> None:
    """Write the water-equivalent depth: of each voxel itself, or of the ray where it passes it."""
    if profile.size == 0:
        for v in range(n):
            out[v] = depth[voxels[v]]
        return
    for v in range(n):
        at = (abs_[2, v] - profile_start) / profile_step - 0.5
        i = min(max(int(at), 0), profile.size - 2)
        part = min(max(at - i, 0.0), 1.0)
        out[v] = profile[i] + part * (profile[i + 1] - profile[i])


@njit(cache=True, nogil=True, inline="always")
def _is_reached(r2: Any, s: Any, bin_: Any, mean: NDArray[Any], table: NDArray[Any]) -> bool:
    variance = table[bin_, 0] + mean[0] + s * (mean[1] + s * mean[2])
    return bool(r2 <= variance * table[bin_, 1])


@njit(cache=True, nogil=True)
def count_entries(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    reaches: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    profiles: NDArray[Any],
    profile_line: NDArray[Any],
    first_spot: NDArray[Any],
    energy_of_spot: NDArray[Any],
    mean_optics: NDArray[Any],
    tables: NDArray[Any],
    n_bins: NDArray[Any],
    bins_per_mm: float,
    first: int,
    last: int,
    counts: NDArray[Any],
) -> None:
    """Write how many voxels each spot of rays ``first`` to ``last`` reaches."""
    voxels, abs_ = np.empty(most, np.int32), np.empty((3, most), np.float32)
    depths, r2 = np.empty(most, np.float32), np.empty(most, np.float32)
    per_mm = np.float32(bins_per_mm)
    for r in range(first, last):
        n = collect(base, steps, shape, allowed, origins[r], frames[r], reaches[r], voxels, abs_)
        _depths(voxels, abs_, n, depth, profiles[r], profile_line[r, 0], profile_line[r, 1], depths)
        for v in range(n):
            r2[v] = abs_[0, v] * abs_[0, v] + abs_[1, v] * abs_[1, v]
        for spot in range(first_spot[r], first_spot[r + 1]):
            e = energy_of_spot[spot]
            mean, table, end, count = mean_optics[spot], tables[e], n_bins[e] - 1, 0
            for v in range(n):
                bin_ = np.int32(depths[v] * per_mm)
                if bin_ < end and _is_reached(r2[v], abs_[2, v], bin_, mean, table):
                    count += 1
            counts[spot] = count


@njit(cache=True, nogil=True, inline="always")
def _dose(
    a: Any, b: Any, s: Any, at: NDArray[Any], after: NDArray[Any], part: Any, optics: NDArray[Any]
) -> Any:
    """Return the dose of a spot at one point; ``at`` and ``after`` are the rows of its table around it."""
    dose = _F0
    for c in range(3, at.size, 2):
        amplitude = at[c] + part * (after[c] - at[c])
        spread = at[c + 1] + part * (after[c + 1] - at[c + 1])
        for p in range(len(optics)):
            o = optics[p]
            va = max(spread + o[1] + s * (o[2] + s * o[3]), _LEAST_VARIANCE)
            vb = max(spread + o[4] + s * (o[5] + s * o[6]), _LEAST_VARIANCE)
            x = _HALF * (a * a / va + b * b / vb)
            dose += amplitude * o[0] * _ONE_BY_TWO_PI / np.sqrt(va * vb) * _exp_minus(x)
    return dose


@njit(cache=True, nogil=True, inline="always")
def _dose_round(
    r2: Any, s: Any, at: NDArray[Any], after: NDArray[Any], part: Any, optics: NDArray[Any]
) -> Any:
    """Return the same where the Gaussians are as wide in b as in a."""
    dose = _F0
    for c in range(3, at.size, 2):
        amplitude = at[c] + part * (after[c] - at[c])
        spread = at[c + 1] + part * (after[c + 1] - at[c + 1])
        for p in range(len(optics)):
            o = optics[p]
            inverse = _F1 / max(spread + o[1] + s * (o[2] + s * o[3]), _LEAST_VARIANCE)
            dose += amplitude * o[0] * _ONE_BY_TWO_PI * inverse * _exp_minus(_HALF * r2 * inverse)
    return dose


@njit(cache=True, nogil=True)
def fill_entries(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    reaches: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    profiles: NDArray[Any],
    profile_line: NDArray[Any],
    first_spot: NDArray[Any],
    energy_of_spot: NDArray[Any],
    mean_optics: NDArray[Any],
    tables: NDArray[Any],
    n_bins: NDArray[Any],
    bins_per_mm: float,
    optics: NDArray[Any],
    is_round: bool,
    threshold: float,
    first: int,
    last: int,
    starts: NDArray[Any],
    voxels_out: NDArray[Any],
    dose_out: NDArray[Any],
    dose_let_out: NDArray[Any],
    kept: NDArray[Any],
    dropped: NDArray[Any],
) -> None:
    """Write the entries of the spots of rays ``first`` to ``last``, each from its place in ``starts``.

    Entries below ``threshold`` times the spot's largest are dropped; ``kept`` are how many stay and
    ``dropped`` the share of the spot's sum that does not. LET is wanted when ``dose_let_out`` has a size.
    """
    voxels, abs_ = np.empty(most, np.int32), np.empty((3, most), np.float32)
    depths, r2 = np.empty(most, np.float32), np.empty(most, np.float32)
    per_mm, with_let = np.float32(bins_per_mm), dose_let_out.size > 0
    for r in range(first, last):
        n = collect(base, steps, shape, allowed, origins[r], frames[r], reaches[r], voxels, abs_)
        _depths(voxels, abs_, n, depth, profiles[r], profile_line[r, 0], profile_line[r, 1], depths)
        for v in range(n):
            r2[v] = abs_[0, v] * abs_[0, v] + abs_[1, v] * abs_[1, v]
        for spot in range(first_spot[r], first_spot[r + 1]):
            e, to = energy_of_spot[spot], starts[spot]
            mean, table, end, own = mean_optics[spot], tables[e], n_bins[e] - 1, optics[spot]
            for v in range(n):
                bin_ = np.int32(depths[v] * per_mm)
                if bin_ < end and _is_reached(r2[v], abs_[2, v], bin_, mean, table):
                    part = depths[v] * per_mm - np.float32(bin_)
                    at, after = table[bin_], table[bin_ + 1]
                    if is_round:
                        dose = _dose_round(r2[v], abs_[2, v], at, after, part, own)
                    else:
                        dose = _dose(abs_[0, v], abs_[1, v], abs_[2, v], at, after, part, own)
                    voxels_out[to] = voxels[v]
                    dose_out[to] = dose
                    if with_let:
                        dose_let_out[to] = dose * (at[2] + part * (after[2] - at[2]))
                    to += 1
            _prune(threshold, starts[spot], to, spot, voxels_out, dose_out, dose_let_out, kept, dropped)


@njit(cache=True, nogil=True)
def _prune(
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
