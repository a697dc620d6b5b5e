"""Where the spots of a field go: energy layers and positions that cover a target."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.plan import EnergyLayer, IonBeam
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics.ray_trace import line_integrals
from tumorboard.proton._beam_setup import gantry_span, sources_of

__all__ = ["SpotLattice", "place_spots"]

#: Ranges closer than this count as equal [mm].
_RANGE_TOLERANCE_MM: Final = 1e-6


class SpotLattice(Enum):
    """How the spots of a layer are arranged."""

    #: Rows half a spacing apart from their neighbours: each spot has six at one distance.
    HEXAGONAL = "hexagonal"
    #: Rows and columns along the gantry's x and y.
    SQUARE = "square"


def place_spots(
    target: Image,
    rsp: Image,
    machine: ProtonMachine,
    geometry: BeamGeometry,
    *,
    name: str,
    spacing_mm: float,
    lattice: SpotLattice,
    target_margin_mm: float,
    lateral_margin_mm: float,
    proximal_margin_mm: float,
    distal_margin_mm: float,
    layer_spacing_mm: float,
    range_shifter: str | None = None,
    range_shifter_distance_mm: float | None = None,
) -> IonBeam:
    """Place the spots of one field so that their ranges cover a target.

    The target, grown by ``target_margin_mm`` on all sides, is seen from the virtual sources. Spots stand on a
    lattice through the isocentre wherever they lie within ``lateral_margin_mm`` of it. At each place the
    target's voxels within that distance, each with the water-equivalent depth along its own ray, say from
    which depth to which the ranges (R80) must reach; the deepest is the first that is not short of it. The
    same input gives the same spots, in descending energy, then by y and x.

    Parameters
    ----------
    target
        Boolean LABEL image; any grid in the frame of reference of ``rsp``, inside it.
    rsp
        RELATIVE_STOPPING_POWER.
    machine
        Its energies can be chosen from.
    geometry
        From where.
    name
        Of the beam.
    spacing_mm
        Distance of neighbours on the isocentre plane, > 0 [mm].
    lattice
        How they are arranged.
    target_margin_mm
        By which the target grows, >= 0 [mm].
    lateral_margin_mm
        Beyond the grown target's outline, on the isocentre plane, >= 0 [mm].
    proximal_margin_mm, distal_margin_mm
        By which the ranges reach beyond the target's depths, >= 0 [mm].
    layer_spacing_mm
        Least difference of the ranges of layers, >= 0; 0 takes every energy of the machine [mm].
    range_shifter, range_shifter_distance_mm
        As in :class:`~tumorboard.core.plan.IonBeam` [mm].

    Returns
    -------
    IonBeam
        One monitor unit in each spot.

    Raises
    ------
    InputError
        When the target is empty or reaches outside the CT, its depth is out of the machine's reach, or no
        spot meets it.

    Examples
    --------
    See the tutorial on planning.
    """
    lengths = {
        "target_margin_mm": target_margin_mm,
        "lateral_margin_mm": lateral_margin_mm,
        "proximal_margin_mm": proximal_margin_mm,
        "distal_margin_mm": distal_margin_mm,
        "layer_spacing_mm": layer_spacing_mm,
    }
    for key, value in lengths.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{key} must be finite and >= 0 [mm]; got {value!r}")
    if not (math.isfinite(spacing_mm) and spacing_mm > 0):
        raise InputError(f"spacing_mm must be finite and > 0 [mm]; got {spacing_mm!r}")
    source_mm = machine.beam_model.source_distance_mm
    probe = IonBeam(name, geometry, (), range_shifter, range_shifter_distance_mm)
    points, grid = _shell(target, rsp, target_margin_mm)
    depths = _depth_ranges(points, grid, rsp, probe, source_mm)
    seen = _on_isocentre_plane(points, probe, source_mm)
    reach = max(lateral_margin_mm, 0.5 * float(np.linalg.norm(grid.spacing_mm)))
    positions, near = _lattice_near(seen, spacing_mm, lattice, reach)
    low = np.array([depths[n, 0].min() for n in near]) - proximal_margin_mm
    high = np.array([depths[n, 1].max() for n in near]) + distal_margin_mm
    layers = _layers(machine, probe, positions, low, high, layer_spacing_mm)
    return IonBeam(name, geometry, layers, range_shifter, range_shifter_distance_mm)


def _shell(target: Image, rsp: Image, margin_mm: float) -> tuple[NDArray[np.float64], Grid]:
    """Return the centres (x, y, z) of the grown target's outermost voxels [mm], and the target's grid."""
    if target.grid.frame_of_reference != rsp.grid.frame_of_reference:
        raise GridMismatch(
            "target and rsp must have one frame of reference; got "
            f"{target.grid.frame_of_reference} and {rsp.grid.frame_of_reference}; take the target of this CT"
        )
    inside = np.asarray(target.values, dtype=bool)
    if not inside.any():
        raise InputError("target must have at least one voxel; it is empty: take another structure")
    spacing = target.grid.spacing_mm
    more = np.ceil(margin_mm / spacing).astype(int) + 1
    where = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    low, high = np.array([w[0] for w in where]), np.array([w[-1] + 1 for w in where])
    box = np.zeros(high - low + 2 * more, bool)
    box[tuple(slice(m, -m) for m in more)] = inside[tuple(map(slice, low, high))]
    if margin_mm > 0:
        box = ndimage.distance_transform_edt(~box, sampling=spacing) <= margin_mm
    shell = box & ~ndimage.binary_erosion(box)
    points = target.grid.index_to_patient(np.argwhere(shell) + low - more)
    index = rsp.grid.patient_to_index(points)
    outside = ((index < -0.5) | (index > np.array(rsp.grid.shape) - 0.5)).any(axis=1)
    if outside.any():
        raise InputError(
            f"target with its margin of {margin_mm:g} mm must lie inside the CT; {int(outside.sum())} of "
            f"{len(points)} voxels of its surface lie outside, the first at "
            f"{points[np.argmax(outside)].round(1).tolist()} mm; take a CT that holds it or a smaller margin"
        )
    return points, target.grid


def _depth_ranges(
    points_mm: NDArray[np.float64], grid: Grid, rsp: Image, beam: IonBeam, source_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the depths at which its own ray enters and leaves each voxel, shape (n, 2) [mm]."""
    top, _ = gantry_span(beam, rsp.grid, source_mm)
    starts = sources_of(points_mm, beam, top, source_mm)
    along = points_mm - starts
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    cosines = np.maximum(np.abs(along @ grid.direction), 1e-12)
    half = 0.5 * (grid.spacing_mm / cosines).min(axis=1, keepdims=True)
    ends = [line_integrals(rsp, starts, points_mm + side * half * along) for side in (-1, 1)]
    return np.stack(ends, axis=1)


def _on_isocentre_plane(
    points_mm: NDArray[np.float64], beam: IonBeam, source_mm: tuple[float, float]
) -> NDArray[np.float64]:
    gantry = beam.geometry.to_gantry(points_mm)
    seen: NDArray[np.float64] = gantry[:, :2] / (1 - gantry[:, 2:] / np.array(source_mm))
    return seen


def _lattice_near(
    seen_mm: NDArray[np.float64], spacing_mm: float, lattice: SpotLattice, reach_mm: float
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Return lattice positions within reach of a seen point, and for each the points within its reach."""
    row_mm = spacing_mm * (math.sqrt(0.75) if lattice is SpotLattice.HEXAGONAL else 1.0)
    low, high = seen_mm.min(axis=0) - reach_mm, seen_mm.max(axis=0) + reach_mm
    rows = np.arange(math.floor(low[1] / row_mm), math.ceil(high[1] / row_mm) + 1)
    columns = np.arange(math.floor(low[0] / spacing_mm) - 1, math.ceil(high[0] / spacing_mm) + 1)
    y, x = np.meshgrid(rows * row_mm, columns * spacing_mm, indexing="ij")
    if lattice is SpotLattice.HEXAGONAL:
        x = x + np.where(rows % 2 == 1, 0.5 * spacing_mm, 0.0)[:, None]
    positions = np.stack([x.ravel(), y.ravel()], axis=1)
    near = cKDTree(seen_mm).query_ball_point(positions, reach_mm + 1e-9)
    hit = np.array([len(n) > 0 for n in near])
    if not hit.any():
        raise InputError(
            f"spacing_mm must be fine enough for a spot to meet the target; none of a lattice of "
            f"{spacing_mm:g} mm lies within {reach_mm:.1f} mm of it; choose a smaller spacing, a larger "
            "lateral margin, or put the isocentre into the target"
        )
    return positions[hit], [n for n, is_hit in zip(near, hit, strict=True) if is_hit]


def _layers(
    machine: ProtonMachine,
    beam: IonBeam,
    positions_mm: NDArray[np.float64],
    low_mm: NDArray[np.float64],
    high_mm: NDArray[np.float64],
    layer_spacing_mm: float,
) -> tuple[EnergyLayer, ...]:
    pulled = 0.0
    if beam.range_shifter is not None:
        pulled = machine.beam_model.range_shifter(beam.range_shifter).water_equivalent_thickness_mm
    ranges = np.array([kernel.range_mm for kernel in machine.kernels]) - pulled
    deepest, shallowest = float(high_mm.max()), float(low_mm.min())
    through = f" behind {beam.range_shifter!r}" if beam.range_shifter else ""
    if deepest > ranges[-1] + _RANGE_TOLERANCE_MM:
        raise InputError(
            f"target of beam {beam.name!r} must be within reach; with its margins it ends at a "
            f"water-equivalent depth of {deepest:.1f} mm and {machine.beam_model.name!r}{through} reaches "
            f"{ranges[-1]:.1f} mm; choose another gantry or couch angle, a machine of higher energy, or no "
            "range shifter"
        )
    if shallowest < ranges[0] - _RANGE_TOLERANCE_MM and ranges[0] > 0:
        raise InputError(
            f"target of beam {beam.name!r} must be within reach; with its margins it begins at a "
            f"water-equivalent depth of {shallowest:.1f} mm and the least range of "
            f"{machine.beam_model.name!r}{through} is {ranges[0]:.1f} mm; put a range shifter into the beam "
            "or choose another gantry or couch angle"
        )
    chosen = _thinned(ranges, deepest, layer_spacing_mm)
    first = np.searchsorted(ranges[chosen], low_mm - _RANGE_TOLERANCE_MM)
    last = np.searchsorted(ranges[chosen], high_mm - _RANGE_TOLERANCE_MM)
    energies = machine.beam_model.nominal_energies_mev
    layers = []
    for n in range(len(chosen) - 1, -1, -1):
        here = positions_mm[(first <= n) & (n <= last)]
        if len(here):
            order = np.lexsort((here[:, 0], here[:, 1]))
            layers.append(EnergyLayer(float(energies[chosen[n]]), here[order], np.ones(len(here))))
    return tuple(layers)


def _thinned(ranges_mm: NDArray[np.float64], deepest_mm: float, spacing_mm: float) -> NDArray[np.int64]:
    """Return ascending indices of ranges a spacing apart, the last the first not short of the deepest."""
    n = int(np.searchsorted(ranges_mm, deepest_mm - _RANGE_TOLERANCE_MM))
    kept = [n]
    for m in range(n - 1, -1, -1):
        if ranges_mm[kept[-1]] - ranges_mm[m] >= spacing_mm - _RANGE_TOLERANCE_MM:
            kept.append(m)
    return np.array(kept[::-1], np.int64)
