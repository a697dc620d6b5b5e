"""Pencil beams on a dose grid: which voxels a spot reaches, and with what dose.

Coordinates of a ray: ``a`` and ``b`` across it, ``s`` along it from where it crosses the isocentre plane,
positive downstream [mm]. ``base`` and ``steps`` give the gantry coordinates of the first voxel and of one
step along each array axis (rows z, y, x).

A ray has a slot for each energy from its lowest to its highest, with or without a spot in it. What reaches a
voxel is decided for all slots side by side, as it has the same depth for all. The tables are

* ``cuts`` over coarse steps of depth, (n_coarse, 2, n_energies): the square of the reach is the first
  plus the second times the mean variance of the slot's optics [mm2];
* ``tables`` over fine steps, (n_energies, n_bins, 1 + 2 n_components): LET, and for each component of the
  kernel its dose integrated over the plane [Gy mm2] and its variance [mm2];
* ``optics``, (n_gaussians, 7, n_slots): weight, then the coefficients of 1, s and s^2 of the variance across
  the ray in a and in b [mm2]; ``means``, (3, n_slots), those of the mean variance.

The arithmetic is float32 without fast-math, so that counting and filling agree on every voxel.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tumorboard.proton._kernels.gaussians import evaluate, prune

__all__ = ["LANES", "NEVER", "collect", "count_entries", "fill_entries", "mark_reach"]

_F0, _F1, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
#: Entries evaluated at a time; their scratch stays in the fastest cache.
_BLOCK = 512
#: The compiler decides for so many slots at a time; ``cuts`` has as many energies more than there are.
LANES = 32
#: Mean variance of a slot without a spot: within no reach [mm2].
NEVER = np.float32(-1e30)


@njit(cache=True, nogil=True)
def _line_of_voxels(a: float, b: float, da: float, db: float, limit: float, n: int) -> tuple[int, int]:
    """Return the first and last k, 0 to n - 1, with (a + k da)^2 + (b + k db)^2 <= limit."""
    across = da * da + db * db
    if across <= 1e-12:
        return 0, n - 1 if a * a + b * b <= limit else -1
    middle = -(a * da + b * db) / across
    nearest = a * a + b * b - middle * middle * across
    if nearest > limit:
        return 0, -1
    half = np.sqrt((limit - nearest) / across)
    return max(0, int(np.ceil(middle - half))), min(n - 1, int(np.floor(middle + half)))


@njit(cache=True, nogil=True)
def _in_ray_frame(
    base: NDArray[Any], steps: NDArray[Any], origin: NDArray[Any], frame: NDArray[Any]
) -> NDArray[Any]:
    """Return (a, b, s) of the first voxel and of a step along z, y, x in rows."""
    v = np.zeros((4, 3))
    for m in range(3):
        for n in range(3):
            v[0, m] += frame[m, n] * (base[n] - origin[n])
            for axis in range(3):
                v[axis + 1, m] += frame[m, n] * steps[axis, n]
    return v


@njit(cache=True, nogil=True, inline="always")
def _profile_at(profile: NDArray[Any], at: Any) -> Any:
    """Return a ray's depth at ``at`` steps from its start."""
    at = at - _HALF
    i: Any = min(max(np.int64(at), 0), profile.size - 2)
    part = min(max(at - np.float32(i), _F0), _F1)
    return profile[i] + part * (profile[i + 1] - profile[i])


@njit(cache=True, nogil=True)
def collect(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origin: NDArray[Any],
    frame: NDArray[Any],
    limits: NDArray[Any],
    coarse_per_mm: float,
    depth: NDArray[Any],
    profile: NDArray[Any],
    profile_line: NDArray[Any],
    voxels: NDArray[Any],
    abs_: NDArray[Any],
    depths: NDArray[Any],
) -> int:
    """Write the voxels that a ray may reach, ascending, their (a, b, s) and depths; return how many.

    ``frame`` has the ray's axes a, b, s in its rows, ``origin`` is where it crosses the isocentre plane;
    ``limits`` are the squares of how far it reaches at each coarse step of depth. The depth is that of the
    voxel itself, or of the ray where it passes it when there is a profile.
    """
    v = _in_ray_frame(base, steps, origin, frame)
    limit, count = float(limits.max()), 0
    da, db, ds = np.float32(v[3, 0]), np.float32(v[3, 1]), np.float32(v[3, 2])
    start, per_step = np.float32(profile_line[0]), np.float32(1.0 / profile_line[1])
    own, per_mm, n_coarse = profile.size == 0, np.float32(coarse_per_mm), np.int32(limits.size)
    for i in range(shape[0]):
        for j in range(shape[1]):
            a = v[0, 0] + i * v[1, 0] + j * v[2, 0]
            b = v[0, 1] + i * v[1, 1] + j * v[2, 1]
            low, high = _line_of_voxels(a, b, v[3, 0], v[3, 1], limit, shape[2])
            a0, b0, s0 = np.float32(a), np.float32(b), np.float32(v[0, 2] + i * v[1, 2] + j * v[2, 2])
            row = (i * shape[1] + j) * shape[2]
            for k in range(low, high + 1):
                step = np.float32(k)
                s = s0 + step * ds
                if own:
                    water = depth[row + k]
                elif allowed[row + k]:
                    water = _profile_at(profile, (s - start) * per_step)
                else:
                    continue
                c = np.int32(water * per_mm)
                if c >= n_coarse:
                    continue
                at_a, at_b = a0 + step * da, b0 + step * db
                if at_a * at_a + at_b * at_b <= limits[c]:
                    voxels[count], depths[count] = row + k, water
                    abs_[0, count], abs_[1, count], abs_[2, count] = at_a, at_b, s
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
) -> int:
    """Mark every allowed voxel within reach of a ray; return the largest number in reach of one ray."""
    most = 0
    for r in range(len(origins)):
        v, count = _in_ray_frame(base, steps, origins[r], frames[r]), 0
        for i in range(shape[0]):
            for j in range(shape[1]):
                a = v[0, 0] + i * v[1, 0] + j * v[2, 0]
                b = v[0, 1] + i * v[1, 1] + j * v[2, 1]
                low, high = _line_of_voxels(a, b, v[3, 0], v[3, 1], reaches[r] ** 2, shape[2])
                row = (i * shape[1] + j) * shape[2]
                if low <= high:
                    marked[row + low : row + high + 1] = True
                    count += high + 1 - low
        most = max(most, count)
    for n in range(marked.size):
        marked[n] &= allowed[n]
    return most


@njit(cache=True, nogil=True)
def _padded(means: NDArray[Any], slot: int, end: int) -> NDArray[Any]:
    """Return the means of a ray's slots and of so many that nothing is in reach of that vectors are full."""
    out = np.zeros((3, (end - slot + LANES - 1) // LANES * LANES), np.float32)
    out[0] = NEVER
    out[:, : end - slot] = means[:, slot:end]
    return out


@njit(cache=True, nogil=True)
def _reached(
    first: NDArray[Any],
    factor: NDArray[Any],
    m0: NDArray[Any],
    m1: NDArray[Any],
    m2: NDArray[Any],
    r2: Any,
    s: Any,
    out: NDArray[Any],
) -> None:
    """Write which slots reach a voxel."""
    for q in range(out.size):
        out[q] = r2 <= first[q] + factor[q] * (m0[q] + s * (m1[q] + s * m2[q]))


@njit(cache=True, nogil=True)
def _add_flags(flags: NDArray[Any], out: NDArray[Any]) -> None:
    for q in range(out.size):
        out[q] += flags[q]


@njit(cache=True, nogil=True)
def count_entries(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    limits: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    profiles: NDArray[Any],
    profile_line: NDArray[Any],
    first_slot: NDArray[Any],
    first_energy: NDArray[Any],
    spot_of_slot: NDArray[Any],
    means: NDArray[Any],
    cuts: NDArray[Any],
    coarse_per_mm: float,
    first: int,
    last: int,
    counts: NDArray[Any],
) -> None:
    """Write how many voxels each spot of rays ``first`` to ``last`` reaches."""
    voxels, abs_ = np.empty(most, np.int32), np.empty((3, most), np.float32)
    depths, per_mm = np.empty(most, np.float32), np.float32(coarse_per_mm)
    for r in range(first, last):
        n = collect(
            base, steps, shape, allowed, origins[r], frames[r], limits[r], coarse_per_mm, depth, profiles[r],
            profile_line[r], voxels, abs_, depths,
        )  # fmt: skip
        slot, end, e = first_slot[r], first_slot[r + 1], first_energy[r]
        mean = _padded(means, slot, end)
        top = e + mean.shape[1]
        m0, m1, m2 = mean[0], mean[1], mean[2]
        flags, sums = np.zeros(top - e, np.uint8), np.zeros(top - e, np.int32)
        for v in range(n):
            c = np.int64(depths[v] * per_mm)
            r2 = abs_[0, v] * abs_[0, v] + abs_[1, v] * abs_[1, v]
            _reached(cuts[c, 0, e:top], cuts[c, 1, e:top], m0, m1, m2, r2, abs_[2, v], flags)
            _add_flags(flags, sums)
        for q in range(end - slot):
            if spot_of_slot[slot + q] >= 0:
                counts[spot_of_slot[slot + q]] = sums[q]


@njit(cache=True, nogil=True)
def fill_entries(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    limits: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    profiles: NDArray[Any],
    profile_line: NDArray[Any],
    first_slot: NDArray[Any],
    first_energy: NDArray[Any],
    spot_of_slot: NDArray[Any],
    means: NDArray[Any],
    cuts: NDArray[Any],
    coarse_per_mm: float,
    tables: NDArray[Any],
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
    depths, with_let = np.empty(most, np.float32), dose_let_out.size > 0
    coarse, fine = np.float32(coarse_per_mm), np.float32(bins_per_mm)
    scratch, bits = np.empty((8, _BLOCK), np.float32), np.empty((2, _BLOCK), np.int32)
    for r in range(first, last):
        n = collect(
            base, steps, shape, allowed, origins[r], frames[r], limits[r], coarse_per_mm, depth, profiles[r],
            profile_line[r], voxels, abs_, depths,
        )  # fmt: skip
        slot, end, e = first_slot[r], first_slot[r + 1], first_energy[r]
        mean = _padded(means, slot, end)
        top = e + mean.shape[1]
        m0, m1, m2 = mean[0], mean[1], mean[2]
        flags, to = np.zeros(top - e, np.uint8), np.zeros(end - slot, np.int64)
        for q in range(end - slot):
            to[q] = starts[max(spot_of_slot[slot + q], 0)]
        for v in range(n):
            c = np.int64(depths[v] * coarse)
            r2 = abs_[0, v] * abs_[0, v] + abs_[1, v] * abs_[1, v]
            _reached(cuts[c, 0, e:top], cuts[c, 1, e:top], m0, m1, m2, r2, abs_[2, v], flags)
            for q in range(end - slot):
                if flags[q]:
                    voxels_out[to[q]] = v
                    to[q] += 1
        for q in range(end - slot):
            spot = spot_of_slot[slot + q]
            if spot < 0:
                continue
            for k in range(starts[spot], to[q], _BLOCK):
                stop = min(k + _BLOCK, to[q])
                evaluate(
                    tables[e + q], fine, optics, slot + q, is_round, voxels, abs_, depths, scratch, bits,
                    voxels_out[k:stop], dose_out[k:stop], dose_let_out[k:stop] if with_let else dose_let_out,
                )  # fmt: skip
            prune(threshold, starts[spot], to[q], spot, voxels_out, dose_out, dose_let_out, kept, dropped)
