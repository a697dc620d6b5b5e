"""One beam made ready for the kernels of the dose engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.plan import IonBeam
from tumorboard.errors import InputError
from tumorboard.numerics.ray_trace import distances_to_first, line_integral_samples, line_integrals
from tumorboard.proton._kernels.pencil_beam import count_entries, mark_reach
from tumorboard.proton._spot_tables import (
    TABLE_STEP_MM,
    Broadening,
    depth_table,
    mean_row,
    optics_row,
)
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SpotWidth

#: Nominal energies of plan and machine are the same within this [MeV].
ENERGY_TOLERANCE_MEV: Final = 0.01

#: Depth along a spot's axis is kept every so many mm; it is exact there and linear in between.
PROFILE_STEP_MM: Final = 1.0

#: Rays that one call of a kernel works on.
_RAYS_PER_CALL: Final = 8

#: Depth of a voxel that no ray leads to: beyond every table.
_BEYOND_MM: Final = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The axes of a beam's spots, each position once, and the spots on each of them.

    ``order[n]`` is the plan's number of the spot that is the ``n``-th by ray.
    """

    origins: NDArray[np.float64]
    frames: NDArray[np.float64]
    first_spot: NDArray[np.int64]
    order: NDArray[np.int64]
    energy_of_spot: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of rays."""
        return len(self.origins)


@dataclass(frozen=True, slots=True, eq=False)
class ReadyBeam:
    """Arguments of the kernels for one beam; ``geometry`` stands first in all of them."""

    rays: Rays
    geometry: tuple[Any, ...]
    optics: NDArray[np.float32]
    is_round: bool
    counts: NDArray[np.int64]


def spots_of(beam: IonBeam, machine: ProtonMachine) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return positions, shape (n_spots, 2) [mm], and the index of the machine's energy of each spot."""
    known = machine.beam_model.nominal_energies_mev
    positions, energies = [np.empty((0, 2))], [np.empty(0, np.int64)]
    for layer in beam.layers:
        nearest = int(np.abs(known - layer.nominal_energy_mev).argmin())
        if abs(known[nearest] - layer.nominal_energy_mev) > ENERGY_TOLERANCE_MEV:
            raise InputError(
                f"nominal_energy_mev of beam {beam.name!r} must be one of {machine.beam_model.name!r} "
                f"(within {ENERGY_TOLERANCE_MEV} MeV); got {layer.nominal_energy_mev:g} MeV, the nearest is "
                f"{known[nearest]:g} MeV; choose the plan's machine or make one with these energies"
            )
        positions.append(layer.positions_mm)
        energies.append(np.full(len(layer.positions_mm), nearest))
    return np.concatenate(positions), np.concatenate(energies)


def make_rays(
    positions_mm: NDArray[np.float64], energies: NDArray[np.int64], source_mm: tuple[float, float]
) -> Rays:
    """Sort spots by ray; a ray leads from the virtual sources through the position on the isocentre plane."""
    unique, ray_of_spot = np.unique(positions_mm, axis=0, return_inverse=True)
    order = np.argsort(ray_of_spot.reshape(-1), kind="stable")
    first = np.searchsorted(ray_of_spot.reshape(-1)[order], np.arange(len(unique) + 1))
    along = np.column_stack([unique / np.array(source_mm), np.full(len(unique), -1.0)])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    a = np.array([1.0, 0.0, 0.0]) - along[:, :1] * along
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    frames = np.stack([a, np.cross(along, a), along], axis=1)
    origins = np.column_stack([unique, np.zeros(len(unique))])
    return Rays(origins, np.ascontiguousarray(frames), first.astype(np.int64), order, energies[order])


def in_pool(n: int, work: Callable[[int, int], None], per_call: int = _RAYS_PER_CALL) -> None:
    """Call ``work(first, last)`` over ``n`` rays from a pool of threads; results do not depend on it."""
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        list(pool.map(lambda a: work(a, min(a + per_call, n)), range(0, n, per_call)))


def make_ready(
    beam: IonBeam,
    machine: ProtonMachine,
    rsp: Image,
    dose_grid: Grid,
    allowed: NDArray[np.bool_],
    model: PencilBeamModel,
    slab_of_energy: Callable[[int], Broadening],
) -> ReadyBeam:
    """Trace the depths of a beam, tabulate its energies and count what each spot reaches."""
    positions, energies = spots_of(beam, machine)
    source_mm = machine.beam_model.source_distance_mm
    rays = make_rays(positions, energies, source_mm)
    span = gantry_span(beam, rsp.grid, source_mm)
    surfaces = _surfaces(rays, beam, rsp, span, model)
    used, spot_energy = np.unique(rays.energy_of_spot, return_inverse=True)
    spot_energy = spot_energy.reshape(-1)
    slabs = [slab_of_energy(int(e)) for e in used]
    optics = _optics(rays, machine, surfaces, slabs, spot_energy)
    tables, n_bins, reach_sq = _tables(machine, used, slabs, optics, spot_energy, model)
    grid_args = _grid_arguments(beam, dose_grid)
    s_ends = _distances(beam, dose_grid)
    reaches = _reaches(rays, optics, reach_sq, tables, spot_energy, s_ends)
    marked, most = np.zeros(allowed.size, np.bool_), np.zeros(1, np.int64)
    mark: tuple[Any, ...] = (*grid_args, allowed, rays.origins, rays.frames, reaches, marked, most)
    mark_reach(*mark)
    depth, profiles, line = _depths(rays, beam, rsp, dose_grid, marked, span, source_mm, model)
    mean = np.array([mean_row(rows) for rows in optics], dtype=np.float32).reshape(-1, 3)
    geometry: tuple[Any, ...] = (
        *grid_args, allowed, rays.origins, rays.frames, reaches, max(1, int(most[0])), depth, profiles, line,
        rays.first_spot, spot_energy, mean, tables, n_bins, 1.0 / TABLE_STEP_MM,
    )  # fmt: skip
    counts = np.zeros(len(positions), np.int64)

    def count(a: int, b: int) -> None:
        arguments: tuple[Any, ...] = (*geometry, a, b, counts)
        count_entries(*arguments)

    in_pool(rays.n, count)
    is_round = bool((optics[:, :, 1:4] == optics[:, :, 4:7]).all())
    return ReadyBeam(rays, geometry, optics.astype(np.float32), is_round, counts)


def _grid_arguments(beam: IonBeam, grid: Grid) -> tuple[Any, ...]:
    base = beam.geometry.to_gantry(grid.index_to_patient((0, 0, 0)))
    steps = np.stack([beam.geometry.to_gantry(grid.index_to_patient(step)) for step in np.eye(3)]) - base
    return base, steps, np.array(grid.shape)


def gantry_span(beam: IonBeam, grid: Grid, source_mm: tuple[float, float]) -> tuple[float, float]:
    """Return gantry heights z above and below the whole image [mm], below the sources."""
    reach = beam.geometry.to_gantry(grid.corners_mm)[:, 2]
    edge = float(np.linalg.norm(grid.spacing_mm))
    top, bottom = float(reach.max()) + edge, float(reach.min()) - edge
    return min(top, 0.999 * min(source_mm)), bottom


def _distances(beam: IonBeam, grid: Grid) -> tuple[float, float]:
    """Return the smallest and largest s of the grid [mm], for the central axis."""
    heights = beam.geometry.to_gantry(grid.corners_mm)[:, 2]
    return -float(heights.max()), -float(heights.min())


def _ends(rays: Rays, beam: IonBeam, span: tuple[float, float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return patient points where each ray crosses the heights ``span``."""
    along = rays.frames[:, 2]
    top, bottom = (rays.origins + along * (z / along[:, 2:]) for z in span)
    return beam.geometry.to_patient(top), beam.geometry.to_patient(bottom)


def _surfaces(
    rays: Rays, beam: IonBeam, rsp: Image, span: tuple[float, float], model: PencilBeamModel
) -> NDArray[np.float64] | None:
    """Return s of each ray's entrance [mm]; rays that miss the patient take the isocentre plane."""
    if model.surface_rsp is None or model.spot_width is not SpotWidth.AT_SURFACE:
        return None
    starts, ends = _ends(rays, beam, span)
    entered = distances_to_first(rsp, starts, ends, above=model.surface_rsp)
    s = span[0] / rays.frames[:, 2, 2] + entered
    return np.where(np.isfinite(s), s, 0.0)


def _optics(
    rays: Rays,
    machine: ProtonMachine,
    surfaces: NDArray[np.float64] | None,
    slabs: list[Broadening],
    spot_energy: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return optics, shape (n_spots, n_gaussians, 7); fewer Gaussians are padded by weight 0."""
    model = machine.beam_model
    n_gaussians = max(len(s.phase_space) for s in model.spots)
    out = np.zeros((len(rays.order), n_gaussians, 7))
    out[:, :, (1, 4)] = 1.0
    for r in range(rays.n):
        stretch = -1.0 / float(rays.frames[r, 2, 2])
        for spot in range(rays.first_spot[r], rays.first_spot[r + 1]):
            slab = slabs[spot_energy[spot]]
            for p, space in enumerate(model.spots[rays.energy_of_spot[spot]].phase_space):
                out[spot, p] = optics_row(space, model.plane_mm, stretch, slab)
    if surfaces is not None:
        s = np.repeat(surfaces, np.diff(rays.first_spot))[:, None]
        for c in (1, 4):
            out[:, :, c] += s * (out[:, :, c + 1] + s * out[:, :, c + 2])
            out[:, :, c + 1 : c + 3] = 0.0
    return out


def _tables(
    machine: ProtonMachine,
    used: NDArray[np.int64],
    slabs: list[Broadening],
    optics: NDArray[np.float64],
    spot_energy: NDArray[np.int64],
    model: PencilBeamModel,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    tables, reach_sq = [], []
    for n, e in enumerate(used):
        rows = optics[int(np.flatnonzero(spot_energy == n)[0])]
        table, squared, _ = depth_table(machine.kernels[e], rows, slabs[n], model.lateral_cutoff)
        tables.append(table)
        reach_sq.append(squared)
    n_bins = np.array([len(t) for t in tables], np.int64)
    width = max(t.shape[1] for t in tables)
    padded = np.zeros((len(tables), n_bins.max(), width), np.float32)
    for n, table in enumerate(tables):
        padded[n, : len(table), : table.shape[1]] = table
    return padded, n_bins, np.array(reach_sq)


def _reaches(
    rays: Rays,
    optics: NDArray[np.float64],
    reach_sq: NDArray[np.float64],
    tables: NDArray[np.float32],
    spot_energy: NDArray[np.int64],
    s_ends: tuple[float, float],
) -> NDArray[np.float64]:
    """Return how far from each ray the farthest of its spots reaches anywhere on the grid [mm]."""
    largest = np.zeros(rays.n)
    for r in range(rays.n):
        for spot in range(rays.first_spot[r], rays.first_spot[r + 1]):
            table, mean = tables[spot_energy[spot]], mean_row(optics[spot])
            widest = max(mean[0] + s * (mean[1] + s * mean[2]) for s in s_ends)
            squared = float((table[:, 1] * np.maximum(table[:, 0] + widest, 0.0)).max())
            largest[r] = max(largest[r], squared, 0.0)
    return np.sqrt(largest) + 1e-3


def _depths(
    rays: Rays,
    beam: IonBeam,
    rsp: Image,
    dose_grid: Grid,
    marked: NDArray[np.bool_],
    span: tuple[float, float],
    source_mm: tuple[float, float],
    model: PencilBeamModel,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return water-equivalent depth of voxels, or the profile of each ray with its start and step [mm]."""
    if model.depth is DepthModel.VOXELWISE:
        depth = np.full(marked.size, _BEYOND_MM, np.float32)
        inside = np.flatnonzero(marked)
        index = np.stack(np.unravel_index(inside, dose_grid.shape), axis=1)
        points = dose_grid.index_to_patient(index)
        depth[inside] = line_integrals(rsp, sources_of(points, beam, span[0], source_mm), points)
        return depth, np.empty((rays.n, 0), np.float32), np.zeros((rays.n, 2))
    starts, ends = _ends(rays, beam, span)
    n = math.ceil((span[0] - span[1]) / PROFILE_STEP_MM)
    profiles = line_integral_samples(rsp, starts, ends, n_samples=n).astype(np.float32)
    stretch = -1.0 / rays.frames[:, 2, 2:]
    line = stretch * np.array([-span[0], (span[0] - span[1]) / n])
    return np.empty(0, np.float32), profiles, line


def sources_of(
    points_mm: NDArray[np.float64], beam: IonBeam, height_mm: float, source_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return where the ray through each patient point crosses the gantry height ``height_mm``, upstream."""
    gantry = beam.geometry.to_gantry(points_mm)
    sources = np.array(source_mm)
    across = gantry[:, :2] * ((1 - height_mm / sources) / (1 - gantry[:, 2:] / sources))
    return beam.geometry.to_patient(np.column_stack([across, np.full(len(gantry), height_mm)]))
