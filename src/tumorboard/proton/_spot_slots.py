"""Spots side by side in the order of the kernels: their optics, tables, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.proton._kernels.pencil_beam import LANES, NEVER
from tumorboard.proton._rays import Rays
from tumorboard.proton._spot_tables import CUT_STRIDE, Broadening, depth_table, mean_rows, optics_rows


def optics_of(
    rays: Rays, machine: ProtonMachine, surfaces: NDArray[np.float64] | None, slabs: list[Broadening]
) -> NDArray[np.float64]:
    """Return optics, shape (n_spots, n_gaussians, 7); fewer Gaussians are padded by weight 0."""
    model = machine.beam_model
    spaces = [model.spots[e].phase_space for e in rays.used]
    out = np.zeros((len(rays.order), max((len(s) for s in spaces), default=1), 7))
    out[:, :, (1, 4)] = 1.0
    stretch = np.repeat(-1.0 / rays.frames[:, 2, 2], np.diff(rays.first_spot))
    for e, space in enumerate(spaces):
        mine = np.flatnonzero(rays.energy_of_spot == e)
        for p, gaussian in enumerate(space):
            out[mine, p] = optics_rows(gaussian, model.plane_mm, stretch[mine], slabs[e])
    if surfaces is not None:
        s = np.repeat(surfaces, np.diff(rays.first_spot))[:, None]
        for c in (1, 4):
            out[:, :, c] += s * (out[:, :, c + 1] + s * out[:, :, c + 2])
            out[:, :, c + 1 : c + 3] = 0.0
    return out


def tables_of(
    machine: ProtonMachine,
    rays: Rays,
    slabs: list[Broadening],
    optics: NDArray[np.float64],
    cutoff: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tables and cut-offs of all energies; a negative cut-off reaches nothing."""
    made = []
    for n, e in enumerate(rays.used):
        rows = optics[int(np.flatnonzero(rays.energy_of_spot == n)[0])]
        made.append(depth_table(machine.kernels[e], rows, slabs[n], cutoff))
    n_coarse = max((c.shape[1] for _, c in made), default=0)
    width = max((t.shape[0] for t, _ in made), default=1)
    # One more row than the last cut-off needs: the kernel interpolates to the next.
    tables = np.zeros((len(made), n_coarse * CUT_STRIDE + 2, width), np.float32)
    cuts = np.zeros((n_coarse, 2, len(made) + LANES), np.float32)
    cuts[:, 0] = -1.0
    for n, (table, cut) in enumerate(made):
        tables[n, : table.shape[1], : table.shape[0]] = table.T
        cuts[: cut.shape[1], :, n] = cut.T
    return tables, cuts


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """A place for each energy from the lowest to the highest of a ray; ``spot`` is -1 where there is none."""

    first: NDArray[np.int64]
    first_energy: NDArray[np.int64]
    spot: NDArray[np.int64]
    optics: NDArray[np.float32]
    means: NDArray[np.float32]


def slots_of(rays: Rays, optics: NDArray[np.float64]) -> Slots:
    lowest = rays.energy_of_spot[rays.first_spot[:-1]]
    highest = rays.energy_of_spot[rays.first_spot[1:] - 1]
    first = np.concatenate([[0], np.cumsum(highest - lowest + 1)]).astype(np.int64)
    ray_of_spot = np.repeat(np.arange(rays.n), np.diff(rays.first_spot))
    slot = first[ray_of_spot] + rays.energy_of_spot - lowest[ray_of_spot]
    spot = np.full(first[-1], -1, np.int64)
    spot[slot] = np.arange(len(slot))
    in_slots = np.zeros((*optics.shape[1:], len(spot)), np.float32)
    in_slots[:, :, slot] = np.moveaxis(optics, 0, 2)
    means = np.zeros((3, len(spot)), np.float32)
    # Nothing is within reach of a slot without a spot.
    means[0] = NEVER
    means[:, slot] = mean_rows(optics).T
    return Slots(first, lowest, spot, in_slots, means)


def squared_reaches(
    slots: Slots, cuts: NDArray[np.float32], s_ends: tuple[float, float]
) -> NDArray[np.float32]:
    """Return the square of how far any spot of a ray reaches, by depth, shape (n_rays, n_coarse) [mm2].

    A hair more than the cut-off itself, so that rounding takes nothing away from it.
    """
    widest = np.maximum(*(slots.means[0] + s * (slots.means[1] + s * slots.means[2]) for s in s_ends))
    limits = np.zeros((len(slots.first_energy), len(cuts)), np.float32)
    for r in range(len(limits)):
        mine = slice(slots.first[r], slots.first[r + 1])
        energies = slice(slots.first_energy[r], slots.first_energy[r] + mine.stop - mine.start)
        reach = cuts[:, 0, energies] + cuts[:, 1, energies] * widest[mine]
        limits[r] = np.maximum(1.0001 * reach.max(axis=1), -1.0)
    return limits
