"""Spots that are split into sub-beams, each with the depth along its own axis.

Arguments are those of :mod:`tumorboard.proton._kernels.pencil_beam`, and

* ``to_index`` (4, 3): gantry coordinates to indices of the stopping powers; the last row is the offset;
* ``heights``: s where the axes begin and end, and how long the parts of s are at whose middles depth is kept;
* ``lattice`` (n_sub, 3): place of each sub-beam in units of the spot's width along a and b, and its weight;
* ``narrowed``: variance of a sub-beam as a fraction of the spot's.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tumorboard.numerics._kernels.ray_trace import walk_line
from tumorboard.proton._kernels.gaussians import prune
from tumorboard.proton._kernels.pencil_beam import collect

__all__ = ["count_sub_beams", "fill_sub_beams"]

_LEAST_VARIANCE = 1e-4


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
    """Write the depth along a sub-beam's axis; ``place`` are its a, b at s = 0 and their slopes."""
    ends = np.zeros((2, 3))
    index = np.zeros((2, 3))
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
    profile *= length


@njit(cache=True, nogil=True)
def _add_sub_beam(
    profile: NDArray[Any],
    heights: NDArray[Any],
    place: NDArray[Any],
    optics: NDArray[Any],
    weight: float,
    table: NDArray[Any],
    cuts: NDArray[Any],
    energy: int,
    per_mm: NDArray[Any],
    n: int,
    abs_: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
    is_counting: bool,
) -> None:
    """Add a sub-beam's dose to every voxel it reaches; or only 1 to ``dose`` when counting."""
    for v in range(n):
        s = float(abs_[2, v])
        at = (s - heights[0]) / heights[2] - 0.5
        i = min(max(int(at), 0), profile.size - 2)
        part = min(max(at - i, 0.0), 1.0)
        water = profile[i] + part * (profile[i + 1] - profile[i])
        c = int(water * per_mm[0])
        if c >= len(cuts):
            continue
        a = abs_[0, v] - place[0] - place[2] * s
        b = abs_[1, v] - place[1] - place[3] * s
        own_a = optics[0] + s * (optics[1] + s * optics[2])
        own_b = optics[3] + s * (optics[4] + s * optics[5])
        if a * a + b * b > cuts[c, 0, energy] + cuts[c, 1, energy] * max(own_a, own_b):
            continue
        if is_counting:
            dose[v] = 1.0
            continue
        fine = water * per_mm[1]
        bin_ = int(fine)
        part = fine - bin_
        total = 0.0
        for column in range(1, table.shape[1], 2):
            amplitude = table[bin_, column] + part * (table[bin_ + 1, column] - table[bin_, column])
            spread = table[bin_, column + 1] + part * (table[bin_ + 1, column + 1] - table[bin_, column + 1])
            va, vb = max(own_a + spread, _LEAST_VARIANCE), max(own_b + spread, _LEAST_VARIANCE)
            total += amplitude / math.sqrt(va * vb) * math.exp(-0.5 * (a * a / va + b * b / vb))
        total *= weight / (2.0 * math.pi)
        dose[v] += total
        dose_let[v] += total * (table[bin_, 0] + part * (table[bin_ + 1, 0] - table[bin_, 0]))


@njit(cache=True, nogil=True)
def _spot(
    values: NDArray[Any],
    to_index: NDArray[Any],
    origin: NDArray[Any],
    frame: NDArray[Any],
    heights: NDArray[Any],
    lattice: NDArray[Any],
    narrowed: float,
    optics: NDArray[Any],
    slot: int,
    table: NDArray[Any],
    cuts: NDArray[Any],
    energy: int,
    per_mm: NDArray[Any],
    n: int,
    abs_: NDArray[Any],
    profile: NDArray[Any],
    dose: NDArray[Any],
    dose_let: NDArray[Any],
    is_counting: bool,
) -> None:
    """Calculate one spot at the ``n`` voxels around its ray, in float64."""
    dose[:n] = 0.0
    dose_let[:n] = 0.0
    place, own = np.empty(4), np.empty(6)
    for p in range(len(optics)):
        weight = float(optics[p, 0, slot])
        if weight == 0.0:
            continue
        # Axes follow the tangent of the spot's width at the isocentre; the rest is the sub-beams' own.
        width_a, width_b = math.sqrt(optics[p, 1, slot]), math.sqrt(optics[p, 4, slot])
        slope_a, slope_b = 0.5 * optics[p, 2, slot] / width_a, 0.5 * optics[p, 5, slot] / width_b
        for k in range(2):
            own[3 * k] = narrowed * optics[p, 1 + 3 * k, slot]
            own[3 * k + 1] = narrowed * optics[p, 2 + 3 * k, slot]
        own[2] = optics[p, 3, slot] - (1.0 - narrowed) * slope_a * slope_a
        own[5] = optics[p, 6, slot] - (1.0 - narrowed) * slope_b * slope_b
        for k in range(len(lattice)):
            place[0], place[1] = lattice[k, 0] * width_a, lattice[k, 1] * width_b
            place[2], place[3] = lattice[k, 0] * slope_a, lattice[k, 1] * slope_b
            _trace(values, to_index, origin, frame, place, heights, profile)
            _add_sub_beam(
                profile, heights, place, own, weight * lattice[k, 2], table, cuts, energy, per_mm, n, abs_,
                dose, dose_let, is_counting,
            )  # fmt: skip


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
    """Write how many voxels each spot of rays ``first`` to ``last`` reaches."""
    voxels, abs_, depths = (
        np.empty(most, np.int32),
        np.empty((3, most), np.float32),
        np.empty(most, np.float32),
    )
    dose, dose_let, profile = np.empty(most), np.empty(most), np.empty(n_parts)
    none, line = np.empty(0, np.float32), np.ones(2)
    for r in range(first, last):
        n = collect(
            base, steps, shape, allowed, origins[r], frames[r], limits[r], 1.0, depth, none, line,
            voxels, abs_, depths,
        )  # fmt: skip
        for slot in range(first_slot[r], first_slot[r + 1]):
            spot, e = spot_of_slot[slot], first_energy[r] + slot - first_slot[r]
            if spot >= 0:
                _spot(
                    values, to_index, origins[r], frames[r], heights, lattice, narrowed, optics, slot,
                    tables[e], cuts, e, per_mm, n, abs_, profile, dose, dose_let, True,
                )  # fmt: skip
                counts[spot] = (dose[:n] > 0.0).sum()


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
    voxels, abs_, depths = (
        np.empty(most, np.int32),
        np.empty((3, most), np.float32),
        np.empty(most, np.float32),
    )
    dose, dose_let, profile = np.empty(most), np.empty(most), np.empty(n_parts)
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
            _spot(
                values, to_index, origins[r], frames[r], heights, lattice, narrowed, optics, slot, tables[e],
                cuts, e, per_mm, n, abs_, profile, dose, dose_let, False,
            )  # fmt: skip
            to = starts[spot]
            for v in range(n):
                if dose[v] > 0.0:
                    voxels_out[to], dose_out[to] = voxels[v], dose[v]
                    if dose_let_out.size > 0:
                        dose_let_out[to] = dose_let[v]
                    to += 1
            prune(threshold, starts[spot], to, spot, voxels_out, dose_out, dose_let_out, kept, dropped)
