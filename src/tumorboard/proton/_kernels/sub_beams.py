"""Spots that are split into sub-beams, each with the depth along its own axis.

Arguments are those of :mod:`tumorboard.proton._kernels.pencil_beam`, and

* ``to_index`` (4, 3): gantry coordinates to indices of the stopping powers; the last row is the offset;
* ``heights``: s where the axes begin and end, and how long the parts of s are at whose middles depth is kept;
* ``lattice`` (n_sub, 3): place of each sub-beam in units of the spot's width along a and b, and its weight;
* ``narrowed``: variance of a sub-beam as a fraction of the spot's.

A spot's sub-beams are rows of ``places`` (a and b at s = 0 and their slopes), of ``profiles`` (depth at the
middles of the parts) and of ``own`` (7, n_sub), optics about the sub-beam's axis.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tumorboard.numerics._kernels.ray_trace import walk_line
from tumorboard.proton._kernels.gaussians import add_product, exp_minus, exponents, prune, tabulated
from tumorboard.proton._kernels.pencil_beam import collect

__all__ = ["count_sub_beams", "fill_sub_beams"]

#: Entries evaluated at a time; their scratch stays in the fastest cache.
_BLOCK = 512


@njit(cache=True, nogil=True)
def _trace(
    values: NDArray[Any],
    to_index: NDArray[Any],
    origin: NDArray[Any],
    frame: NDArray[Any],
    place: NDArray[Any],
    heights: NDArray[Any],
    profile: NDArray[Any],
) -> None:
    """Write the depth along a sub-beam's axis."""
    ends, index = np.zeros((2, 3)), np.zeros((2, 3))
    for n in range(2):
        s = heights[n]
        a, b = place[0] + place[2] * s, place[1] + place[3] * s
        for m in range(3):
            ends[n, m] = origin[m] + a * frame[0, m] + b * frame[1, m] + s * frame[2, m]
        for m in range(3):
            index[n, m] = to_index[3, m]
            for k in range(3):
                index[n, m] += ends[n, k] * to_index[k, m]
    length = math.sqrt(((ends[1] - ends[0]) ** 2).sum())
    walk_line(values, index[0], index[1], profile.size, math.inf, profile)
    for n in range(profile.size):
        profile[n] *= length


@njit(cache=True, nogil=True)
def _split(
    values: NDArray[Any],
    to_index: NDArray[Any],
    origin: NDArray[Any],
    frame: NDArray[Any],
    heights: NDArray[Any],
    lattice: NDArray[Any],
    narrowed: float,
    optics: NDArray[Any],
    slot: int,
    places: NDArray[Any],
    own: NDArray[Any],
    profiles: NDArray[Any],
) -> int:
    """Write the sub-beams of one spot; return how many."""
    count = 0
    for p in range(len(optics)):
        weight = float(optics[p, 0, slot])
        if weight == 0.0:
            continue
        # Axes follow the tangent of the spot's width at the isocentre; the rest is the sub-beams' own.
        width_a, width_b = math.sqrt(optics[p, 1, slot]), math.sqrt(optics[p, 4, slot])
        slope_a, slope_b = 0.5 * optics[p, 2, slot] / width_a, 0.5 * optics[p, 5, slot] / width_b
        for k in range(len(lattice)):
            places[count, 0], places[count, 1] = lattice[k, 0] * width_a, lattice[k, 1] * width_b
            places[count, 2], places[count, 3] = lattice[k, 0] * slope_a, lattice[k, 1] * slope_b
            own[0, count] = weight * lattice[k, 2]
            for c in (1, 2, 4, 5):
                own[c, count] = narrowed * optics[p, c, slot]
            own[3, count] = optics[p, 3, slot] - (1.0 - narrowed) * slope_a * slope_a
            own[6, count] = optics[p, 6, slot] - (1.0 - narrowed) * slope_b * slope_b
            _trace(values, to_index, origin, frame, places[count], heights, profiles[count])
            count += 1
    return count


@njit(cache=True, nogil=True)
def _limits(
    heights: NDArray[Any],
    places: NDArray[Any],
    own: NDArray[Any],
    profiles: NDArray[Any],
    n_sub: int,
    cuts: NDArray[Any],
    energy: int,
    per_mm: float,
    limits: NDArray[Any],
) -> None:
    """Write the square of how far from the spot's axis any sub-beam reaches between two middles of parts."""
    for i in range(limits.size):
        shallowest, deepest, farthest, widest = math.inf, 0.0, 0.0, 0.0
        for k in range(n_sub):
            shallowest, deepest = min(shallowest, profiles[k, i]), max(deepest, profiles[k, i + 1])
        first, last = int(shallowest * per_mm), min(int(deepest * per_mm), len(cuts) - 1)
        if first > last:
            limits[i] = -1.0
            continue
        # The ends of the line belong to its first and last interval.
        for j in range(i if i > 0 else -1, i + 2 if i < limits.size - 1 else i + 3):
            s = heights[0] + (j + 0.5) * heights[2]
            for k in range(n_sub):
                a, b = places[k, 0] + places[k, 2] * s, places[k, 1] + places[k, 3] * s
                farthest = max(farthest, a * a + b * b)
                widest = max(widest, own[1, k] + s * (own[2, k] + s * own[3, k]))
                widest = max(widest, own[4, k] + s * (own[5, k] + s * own[6, k]))
        reach = 0.0
        for c in range(first, last + 1):
            reach = max(reach, cuts[c, 0, energy] + cuts[c, 1, energy] * widest)
        # A hair more, so that rounding takes nothing away.
        limits[i] = 1.0001 * (math.sqrt(farthest) + math.sqrt(reach)) ** 2


@njit(cache=True, nogil=True)
def _near(
    heights: NDArray[Any],
    limits: NDArray[Any],
    n: int,
    abs_: NDArray[Any],
    which: NDArray[Any],
    at: NDArray[Any],
) -> int:
    """Write which voxels a spot may reach and where on its profiles they are; return how many."""
    count, start, per_part = 0, np.float32(heights[0]), np.float32(1.0 / heights[2])
    for v in range(n):
        part = (abs_[2, v] - start) * per_part - np.float32(0.5)
        i = min(max(int(part), 0), limits.size - 1)
        if abs_[0, v] * abs_[0, v] + abs_[1, v] * abs_[1, v] <= limits[i]:
            which[count], at[count] = v, part
            count += 1
    return count


@njit(cache=True, nogil=True)
def _add_sub_beam(
    profile: NDArray[Any],
    place: NDArray[Any],
    own: NDArray[Any],
    k: int,
    table: NDArray[Any],
    cuts: NDArray[Any],
    energy: int,
    per_mm: NDArray[Any],
    m: int,
    abs_: NDArray[Any],
    which: NDArray[Any],
    at: NDArray[Any],
    scratch: NDArray[Any],
    bits: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
) -> None:
    """Add a sub-beam's dose to every voxel near the spot that it reaches."""
    coarse, fine, zero, one = np.float32(per_mm[0]), np.float32(per_mm[1]), np.float32(0), np.float32(1)
    a0, b0, a1, b1 = np.float32(place[0]), np.float32(place[1]), np.float32(place[2]), np.float32(place[3])
    filled, last = 0, profile.size - 2
    for h in range(m):
        i = min(max(int(at[h]), 0), last)
        part = min(max(at[h] - np.float32(i), zero), one)
        water = np.float32(profile[i]) + part * np.float32(profile[i + 1] - profile[i])
        c = int(water * coarse)
        if c < len(cuts):
            v = which[h]
            s = abs_[2, v]
            a, b = abs_[0, v] - a0 - a1 * s, abs_[1, v] - b0 - b1 * s
            width = max(
                own[1, k] + s * (own[2, k] + s * own[3, k]), own[4, k] + s * (own[5, k] + s * own[6, k])
            )
            if a * a + b * b <= cuts[c, 0, energy] + cuts[c, 1, energy] * width:
                bin_ = np.int32(water * fine)
                bits[0, filled], bits[2, filled] = bin_, h
                scratch[0, filled], scratch[1, filled] = water * fine - np.float32(bin_), s
                scratch[2, filled], scratch[3, filled] = a * a, b * b
                filled += 1
        if filled == _BLOCK or (h == m - 1 and filled > 0):
            _add_block(table, own, k, scratch[:, :filled], bits[:, :filled], dose, dose_let)
            filled = 0


@njit(cache=True, nogil=True)
def _add_block(
    table: NDArray[Any],
    own: NDArray[Any],
    k: int,
    scratch: NDArray[Any],
    bits: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
) -> None:
    m = bits.shape[1]
    bins, power, parts, along = bits[0, :m], bits[1, :m], scratch[0, :m], scratch[1, :m]
    values = np.zeros((5, m), np.float32)
    summed, scale = values[4], power.view(np.float32)
    for column in range(1, table.shape[1], 2):
        tabulated(table, column, bins, parts, along, own, k, values[0], values[1], values[2], False)
        exponents(values[1], values[2], scratch[2, :m], scratch[3, :m], False, values[0], values[3])
        exp_minus(values[3], power)
        add_product(values[0], values[3], scale, summed)
    for h in range(m):
        let = table[bins[h], 0]
        dose[bits[2, h]] += summed[h]
        dose_let[bits[2, h]] += summed[h] * (let + parts[h] * (table[bins[h] + 1, 0] - let))


@njit(cache=True, nogil=True)
def count_sub_beams(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    limits: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    first_slot: NDArray[Any],
    first_energy: NDArray[Any],
    spot_of_slot: NDArray[Any],
    cuts: NDArray[Any],
    tables: NDArray[Any],
    per_mm: NDArray[Any],
    optics: NDArray[Any],
    values: NDArray[Any],
    to_index: NDArray[Any],
    heights: NDArray[Any],
    lattice: NDArray[Any],
    narrowed: float,
    n_parts: int,
    first: int,
    last: int,
    counts: NDArray[Any],
) -> None:
    """Write how many voxels each spot of rays ``first`` to ``last`` may reach: a few more than it does."""
    voxels, abs_ = np.empty(most, np.int32), np.empty((3, most), np.float32)
    depths, which, at = np.empty(most, np.float32), np.empty(most, np.int32), np.empty(most, np.float32)
    n_most = len(lattice) * len(optics)
    places, own = np.empty((n_most, 4)), np.empty((7, n_most), np.float32)
    profiles, near = np.empty((n_most, n_parts)), np.empty(n_parts - 1)
    none, line = np.empty(0, np.float32), np.ones(2)
    for r in range(first, last):
        n = collect(
            base, steps, shape, allowed, origins[r], frames[r], limits[r], 1.0, depth, none, line,
            voxels, abs_, depths,
        )  # fmt: skip
        for slot in range(first_slot[r], first_slot[r + 1]):
            spot, e = spot_of_slot[slot], first_energy[r] + slot - first_slot[r]
            if spot >= 0:
                n_sub = _split(
                    values, to_index, origins[r], frames[r], heights, lattice, narrowed, optics, slot, places,
                    own, profiles,
                )  # fmt: skip
                _limits(heights, places, own, profiles, n_sub, cuts, e, per_mm[0], near)
                counts[spot] = _near(heights, near, n, abs_, which, at)


@njit(cache=True, nogil=True)
def fill_sub_beams(
    base: NDArray[Any],
    steps: NDArray[Any],
    shape: NDArray[Any],
    allowed: NDArray[Any],
    origins: NDArray[Any],
    frames: NDArray[Any],
    limits: NDArray[Any],
    most: int,
    depth: NDArray[Any],
    first_slot: NDArray[Any],
    first_energy: NDArray[Any],
    spot_of_slot: NDArray[Any],
    cuts: NDArray[Any],
    tables: NDArray[Any],
    per_mm: NDArray[Any],
    optics: NDArray[Any],
    values: NDArray[Any],
    to_index: NDArray[Any],
    heights: NDArray[Any],
    lattice: NDArray[Any],
    narrowed: float,
    n_parts: int,
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
    """Write the entries of the spots of rays ``first`` to ``last``, each from its place in ``starts``."""
    voxels, abs_ = np.empty(most, np.int32), np.empty((3, most), np.float32)
    depths, which, at = np.empty(most, np.float32), np.empty(most, np.int32), np.empty(most, np.float32)
    n_most = len(lattice) * len(optics)
    places, own = np.empty((n_most, 4)), np.empty((7, n_most), np.float32)
    profiles, near = np.empty((n_most, n_parts)), np.empty(n_parts - 1)
    scratch, bits = np.empty((4, _BLOCK), np.float32), np.empty((3, _BLOCK), np.int32)
    dose, dose_let = np.empty(most), np.empty(most)
    none, line = np.empty(0, np.float32), np.ones(2)
    for r in range(first, last):
        n = collect(
            base, steps, shape, allowed, origins[r], frames[r], limits[r], 1.0, depth, none, line,
            voxels, abs_, depths,
        )  # fmt: skip
        for slot in range(first_slot[r], first_slot[r + 1]):
            spot, e = spot_of_slot[slot], first_energy[r] + slot - first_slot[r]
            if spot < 0:
                continue
            n_sub = _split(
                values, to_index, origins[r], frames[r], heights, lattice, narrowed, optics, slot, places,
                own, profiles,
            )  # fmt: skip
            _limits(heights, places, own, profiles, n_sub, cuts, e, per_mm[0], near)
            m, to = _near(heights, near, n, abs_, which, at), starts[spot]
            dose[:m], dose_let[:m] = 0.0, 0.0
            for k in range(n_sub):
                _add_sub_beam(
                    profiles[k], places[k], own, k, tables[e], cuts, e, per_mm, m, abs_, which, at, scratch,
                    bits, dose, dose_let,
                )  # fmt: skip
            for h in range(m):
                if dose[h] > 0.0:
                    voxels_out[to], dose_out[to] = voxels[which[h]], dose[h]
                    if dose_let_out.size > 0:
                        dose_let_out[to] = dose_let[h]
                    to += 1
            prune(threshold, starts[spot], to, spot, voxels_out, dose_out, dose_let_out, kept, dropped)
