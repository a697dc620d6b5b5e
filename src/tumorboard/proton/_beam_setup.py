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
from tumorboard.numerics.ray_trace import distances_to_first, line_integral_samples, line_integrals
from tumorboard.proton._kernels.pencil_beam import count_entries, fill_entries, mark_reach
from tumorboard.proton._kernels.sub_beams import count_sub_beams, fill_sub_beams
from tumorboard.proton._rays import Rays, make_rays, spots_of
from tumorboard.proton._spot_slots import optics_of, slots_of, squared_reaches, tables_of
from tumorboard.proton._spot_tables import CUT_STRIDE, TABLE_STEP_MM, Broadening
from tumorboard.proton._sub_beam_setup import lattice_of, sub_beam_arguments, sub_beam_reach
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SpotWidth

#: Depth along a spot's axis is kept every so many mm; it is exact there and linear in between.
PROFILE_STEP_MM: Final = 1.0

#: Rays that one call of a kernel works on.
_RAYS_PER_CALL: Final = 8

#: Depth of a voxel that no ray leads to: beyond every table.
_BEYOND_MM: Final = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class ReadyBeam:
    """The kernel that fills a beam's entries, its arguments but for the last, and the counts by ray."""

    rays: Rays
    kernel: Callable[..., None]
    arguments: tuple[Any, ...]
    counts: NDArray[np.int64]


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
    slabs = [slab_of_energy(int(e)) for e in rays.used]
    optics = optics_of(rays, machine, surfaces, slabs)
    narrowed = model.sub_beams.width**2 if model.sub_beams else 1.0
    tables, cuts = tables_of(machine, rays, slabs, narrowed * optics, model.lateral_cutoff)
    slots = slots_of(rays, optics)
    s_ends = _distances(beam, dose_grid)
    if model.sub_beams:
        limits = sub_beam_reach(slots, cuts, lattice_of(model.sub_beams), narrowed, s_ends)
    else:
        limits = squared_reaches(slots, cuts, s_ends)
    grid_args = _grid_arguments(beam, dose_grid)
    reaches = np.sqrt(limits.max(axis=1, initial=0.0))
    marked = np.zeros(allowed.size, np.bool_)
    marker: Callable[..., int] = mark_reach
    most = max(1, marker(*grid_args, allowed, rays.origins, rays.frames, reaches, marked))
    place: tuple[Any, ...] = (*grid_args, allowed, rays.origins, rays.frames, limits, most)
    where: tuple[Any, ...] = (slots.first, slots.first_energy, slots.spot)
    per_mm = 1.0 / (CUT_STRIDE * TABLE_STEP_MM), 1.0 / TABLE_STEP_MM
    counts = np.zeros(len(positions), np.int64)
    kernel: Any
    counter: Any
    if model.sub_beams:
        inside = np.where(marked, np.float32(0.0), np.float32(_BEYOND_MM))
        kernel, counter = fill_sub_beams, count_sub_beams
        of_spots = (cuts, tables, np.array(per_mm))
        rest = sub_beam_arguments(beam, rsp, slots, of_spots, span, model.sub_beams, PROFILE_STEP_MM)
        arguments: tuple[Any, ...] = (*place, inside, *where, *rest)
        counted = arguments
    else:
        kernel, counter = fill_entries, count_entries
        depths = _depths(rays, beam, rsp, dose_grid, marked, span, source_mm, model)
        is_round = bool((optics[:, :, 1:4] == optics[:, :, 4:7]).all())
        counted = (*place, *depths, *where, slots.means, cuts, per_mm[0])
        arguments = (*counted, tables, per_mm[1], slots.optics, is_round)
    in_pool(rays.n, lambda a, b: counter(*counted, a, b, counts))
    return ReadyBeam(rays, kernel, arguments, counts)


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
        return depth, np.empty((rays.n, 0), np.float32), np.ones((rays.n, 2))
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
