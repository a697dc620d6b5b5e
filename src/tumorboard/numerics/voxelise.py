"""The one rule by which a structure becomes voxels."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics._contour_slabs import (
    PLANE_TOLERANCE_MM,
    ContourSlabs,
    common_normal,
    plane_edges,
    slabs_along,
)
from tumorboard.numerics._kernels.coverage import cover_planes, cover_slices, mark_tiles, sample_slabs
from tumorboard.numerics._slabs import run_slabs
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.provenance import Record

__all__ = ["MASK_TIE_TOLERANCE", "half_covered", "structure_mask", "voxelise"]

#: A fraction short of one half by no more than this is a tie, and inside. Contours drawn through voxel
#: centres cover exactly half of many voxels, and the file's decimals must not decide these one by one.
MASK_TIE_TOLERANCE: Final = 1e-3

_POINTS_PER_STEP: Final = 5
_MAX_POINTS: Final = 24

#: Side of the tiles of a raster that are marked as empty or full [pixels].
_TILE: Final = 8


def voxelise(
    structure: Structure,
    grid: Grid,
    *,
    contour_spacing_mm: float | None = None,
    frame_of_reference: str | None = None,
    threads: int | None = None,
) -> Image:
    """Return which fraction of each voxel lies inside a structure.

    A contour covers of a voxel's cross-section the exact area of the polygon in it. Contours of one
    plane combine by the even-odd rule, whatever their sense of rotation: nested ones are holes,
    overlapping ones cancel where they overlap, a contour that crosses itself counts likewise.

    Through the planes, a contour stands for a slab that reaches half-way to the neighbouring planes of
    the same structure. The contour spacing is the (lower) median distance of neighbouring planes; the
    outermost slabs reach half a spacing out, and so do planes on both sides of a gap wider than 1.5
    spacings: nothing is made up in between. A structure of a single plane, or of planes more than 10 mm
    and unevenly apart, is in each as thick as the grid's slices, unless ``contour_spacing_mm`` is given.
    A voxel that slabs cover in part holds their mean.

    The sum of fractions times voxel volume is the sum of polygon area times slab thickness, exactly,
    when one axis of the grid is perpendicular to the contours (to 0.1 mm over the structure). At an
    angle, the contours are rasterised in their own planes with pixels of half the smallest voxel
    spacing, and sampled in each voxel on a lattice at a fifth of it: volumes are then right to
    0.1 %, single fractions to a few hundredths.

    A structure without contours has its mask carried over instead, by exact shared volume where axes
    are parallel (:func:`tumorboard.numerics.resample`, conservative).

    Parameters
    ----------
    structure
        Contours, or a mask; contours are used when there are both.
    grid
        Where to; it must be in the structure's frame of reference.
    contour_spacing_mm
        Distance of contour planes, where it is known and shall not be derived [mm].
    frame_of_reference
        The structure set's frame of reference, compared with the grid's. A structure of contours does
        not know its own, so pass it unless it has been compared already.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Image
        FRACTION, float32, shape ``grid.shape``, in [0, 1].

    Raises
    ------
    GeometryError
        When the contours do not lie in parallel planes, or enclose no area.
    GridMismatch
        When the frames of reference differ.
    InputError
        When ``contour_spacing_mm`` is not positive.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Contour
    >>> square = np.array([[0.5, 0.0, 0.0], [2.5, 0.0, 0.0], [2.5, 2.0, 0.0], [0.5, 2.0, 0.0]])
    >>> box = Structure("box", (Contour(square), Contour(square + [0, 0, 2])))
    >>> grid = Grid((2, 4, 4), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> voxelise(box, grid).values[0]
    array([[0. , 0.5, 0.5, 0. ],
           [0. , 1. , 1. , 0. ],
           [0. , 0.5, 0.5, 0. ],
           [0. , 0. , 0. , 0. ]], dtype=float32)
    """
    if contour_spacing_mm is not None and not (math.isfinite(contour_spacing_mm) and contour_spacing_mm > 0):
        raise InputError(f"contour_spacing_mm must be finite and > 0 [mm]; got {contour_spacing_mm!r}")
    if frame_of_reference is not None and frame_of_reference != grid.frame_of_reference:
        raise GridMismatch(
            f"structure {structure.name!r} and grid must share a frame of reference; got "
            f"{frame_of_reference} and {grid.frame_of_reference}; register the images first"
        )
    if not structure.contours:
        return _carried_mask(structure, grid, threads)
    parameters: dict[str, Any] = {"structure": structure.name, "grid": grid.to_dict()}
    normal = common_normal(structure.name, structure.contours)
    axis = int(np.abs(grid.direction.T @ normal).argmax())
    parallel = _is_along(structure, grid.direction[:, axis], normal)
    slabs = slabs_along(
        structure.name,
        structure.contours,
        grid.direction[:, axis] if parallel else normal,
        spacing_mm=contour_spacing_mm,
        single_plane_mm=float(grid.spacing_mm[axis]),
    )
    parameters["contour_spacing_mm"] = slabs.spacing_mm
    if parallel:
        values = _slice_by_slice(slabs, grid, axis, threads)
    else:
        values = _sampled(slabs, grid, normal, threads)
    values.setflags(write=False)
    return Image(values, grid, Quantity.FRACTION, Record("numerics.voxelise", parameters))


def structure_mask(
    structure: Structure,
    grid: Grid,
    *,
    contour_spacing_mm: float | None = None,
    frame_of_reference: str | None = None,
    threads: int | None = None,
) -> Image:
    """Return the voxels of which at least half lies inside a structure.

    A fraction of :func:`voxelise` that is short of one half by at most :data:`MASK_TIE_TOLERANCE`
    counts as half. Parameters and errors are those of :func:`voxelise`.

    Parameters
    ----------
    structure, grid, contour_spacing_mm, frame_of_reference, threads
        As in :func:`voxelise` (spacing in [mm]).

    Returns
    -------
    Image
        LABEL, bool, shape ``grid.shape``.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Contour
    >>> square = Contour([[0.5, 0.0, 0.0], [2.5, 0.0, 0.0], [2.5, 2.0, 0.0], [0.5, 2.0, 0.0]])
    >>> grid = Grid((1, 4, 4), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> int(structure_mask(Structure("box", (square,)), grid).values.sum())
    6
    """
    fraction = voxelise(
        structure,
        grid,
        contour_spacing_mm=contour_spacing_mm,
        frame_of_reference=frame_of_reference,
        threads=threads,
    )
    return half_covered(fraction)


def half_covered(fraction: Image) -> Image:
    """Return where a fraction image is at least one half, ties of :data:`MASK_TIE_TOLERANCE` included.

    Parameters
    ----------
    fraction
        FRACTION image of :func:`voxelise`.

    Returns
    -------
    Image
        LABEL, bool, shape ``fraction.grid.shape``.

    Raises
    ------
    InputError
        When the image is no fraction.
    """
    if fraction.quantity is not Quantity.FRACTION:
        raise InputError(f"fraction must be a FRACTION image; got {fraction.quantity}; voxelise first")
    inside = fraction.values >= 0.5 - MASK_TIE_TOLERANCE
    inside.setflags(write=False)
    record = Record("numerics.structure_mask", {"tie_tolerance": MASK_TIE_TOLERANCE}, (fraction.provenance,))
    return Image(inside, fraction.grid, Quantity.LABEL, record)


def _carried_mask(structure: Structure, grid: Grid, threads: int | None) -> Image:
    mask = structure.mask
    if mask is None:
        raise InputError(f"structure {structure.name!r} must have contours or a mask; it has neither")
    as_fraction = Image(mask.values.astype(np.float32), mask.grid, Quantity.FRACTION, mask.provenance)
    carried = resample(as_fraction, grid, method=Interpolation.CONSERVATIVE, outside=0.0, threads=threads)
    record = Record("numerics.voxelise", {"structure": structure.name}, (carried.provenance,))
    return Image(carried.values, grid, Quantity.FRACTION, record)


def _is_along(structure: Structure, axis: NDArray[np.float64], normal: NDArray[np.float64]) -> bool:
    """Whether all contours are perpendicular to an axis of the grid, to the plane tolerance."""
    if abs(axis @ normal) < 0.9:
        return False
    reach_mm = max(float(np.ptp(c.points_mm @ axis)) for c in structure.contours)
    return reach_mm <= PLANE_TOLERANCE_MM


def _slice_by_slice(slabs: ContourSlabs, grid: Grid, axis: int, threads: int | None) -> NDArray[np.float32]:
    across = [a for a in range(3) if a != axis]
    order = [axis, *across]
    values = np.zeros([grid.shape[a] for a in order], np.float32)
    # Heights along the axis to slice numbers; the axis points the way the slabs are sorted.
    at_first = float(grid.origin_mm @ grid.direction[:, axis])
    low = (slabs.low_mm - at_first) / grid.spacing_mm[axis]
    high = (slabs.high_mm - at_first) / grid.spacing_mm[axis]
    polygons = [
        tuple(grid.patient_to_index(p)[:, across[::-1]] + 0.5 for p in plane) for plane in slabs.contours
    ]
    points = np.concatenate([p for plane in polygons for p in plane])[:, ::-1]
    corner = np.clip(np.floor(points.min(axis=0)), 0, values.shape[1:]).astype(np.int64)
    size = np.clip(np.ceil(points.max(axis=0)), corner, values.shape[1:]).astype(np.int64) - corner
    if size.min() > 0:
        edges, first_edge = _packed([tuple(p - corner[::-1] for p in plane) for plane in polygons])

        def kernel(start: int, stop: int) -> None:
            cover_slices(edges, first_edge, low, high, corner, size, start, stop, values)

        run_slabs(len(values), kernel, threads=threads)
    return values if axis == 0 else np.ascontiguousarray(values.transpose(np.argsort(order)))


def _sampled(
    slabs: ContourSlabs, grid: Grid, normal: NDArray[np.float64], threads: int | None
) -> NDArray[np.float32]:
    values = np.zeros(grid.shape, np.float32)
    pixel_mm = float(grid.spacing_mm.min()) / 2
    frame = _frame(normal)
    points = np.concatenate([p for plane in slabs.contours for p in plane])
    box = _box_of_voxels(points, slabs, grid, normal)
    if (box[:, 0] >= box[:, 1]).any():
        return values
    low, high = (points @ frame[1:].T).min(axis=0), (points @ frame[1:].T).max(axis=0)
    polygons = [
        tuple(((p @ frame[1:].T - low) / pixel_mm)[:, ::-1] for p in plane) for plane in slabs.contours
    ]
    edges, first_edge = _packed(polygons)
    rows, columns = (int(n) for n in np.ceil((high - low) / pixel_mm))
    cover = np.empty((len(polygons), max(rows, 1), max(columns, 1)), np.float32)
    run_slabs(len(cover), lambda a, b: cover_planes(edges, first_edge, a, b, cover), threads=threads)
    tiles = np.empty((len(cover), -(-cover.shape[1] // _TILE), -(-cover.shape[2] // _TILE)), np.uint8)
    run_slabs(len(cover), lambda a, b: mark_tiles(cover, _TILE, a, b, tiles), threads=threads)
    scale = np.array([1.0, 1 / pixel_mm, 1 / pixel_mm])
    matrix = (frame @ (grid.direction * grid.spacing_mm)) * scale[:, None]
    shift = (frame @ grid.origin_mm - np.array([0.0, *low])) * scale
    lattice = np.ceil(_POINTS_PER_STEP * grid.spacing_mm / grid.spacing_mm.min() - 1e-6)
    lattice = np.clip(lattice, _POINTS_PER_STEP, _MAX_POINTS).astype(np.int64)

    def kernel(start: int, stop: int) -> None:
        begin = int(box[0, 0])
        sample_slabs(
            cover,
            tiles,
            _TILE,
            slabs.low_mm,
            slabs.high_mm,
            matrix,
            shift,
            lattice,
            box,
            begin + start,
            begin + stop,
            values,
        )

    run_slabs(int(box[0, 1] - box[0, 0]), kernel, threads=threads)
    return values


def _frame(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows: the normal and two unit vectors across it, shape ``(3, 3)``."""
    across = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, across)
    first /= np.linalg.norm(first)
    return np.stack([normal, first, np.cross(normal, first)])


def _box_of_voxels(
    points_mm: NDArray[np.float64], slabs: ContourSlabs, grid: Grid, normal: NDArray[np.float64]
) -> NDArray[np.int64]:
    reach_mm = float((slabs.high_mm - slabs.low_mm).max()) * normal
    index = grid.patient_to_index(np.concatenate([points_mm - reach_mm, points_mm + reach_mm]))
    shape = np.array(grid.shape)
    start = np.clip(np.floor(index.min(axis=0)) - 1, 0, shape)
    stop = np.clip(np.ceil(index.max(axis=0)) + 2, 0, shape)
    return np.stack([start, stop], axis=1).astype(np.int64)


def _packed(
    polygons: list[tuple[NDArray[np.float64], ...]],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    edges = [plane_edges(plane) for plane in polygons]
    first_edge = np.concatenate([[0], np.cumsum([len(e) for e in edges])]).astype(np.int64)
    return np.concatenate(edges), first_edge
