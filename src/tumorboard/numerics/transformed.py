"""Images and structures through a map of points to another frame of reference."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core._arrays import slice_indices
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Contour, Structure, StructureSet
from tumorboard.core.transform import PointTransform, RigidTransform, require_frames
from tumorboard.errors import InputError
from tumorboard.numerics._mask import bounding_box
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.numerics.voxelise import voxelise
from tumorboard.provenance import Record

__all__ = ["moved", "moved_structures", "resample_through", "structure_through"]

#: Points along each axis of a voxel, at which a deformed structure is looked up.
_POINTS_PER_VOXEL: Final = 3


def moved(image: Image, transform: RigidTransform) -> Image:
    """Return an image where a rigid motion takes it: the same values on a grid that has moved.

    Parameters
    ----------
    image
        In the frame that the transform starts from.
    transform
        Rigid.

    Raises
    ------
    GridMismatch
        When the transform starts from another frame.

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> scan = Image(np.zeros(grid.shape), grid, Quantity.CT_NUMBER, Record("example"))
    >>> up = RigidTransform(np.eye(3), [0.0, 0.0, 7.0], from_frame="1.2", to_frame="1.3")
    >>> moved(scan, up).grid.origin_mm.tolist()
    [0.0, 0.0, 7.0]
    """
    require_frames(transform, from_frame=image.grid.frame_of_reference)
    grid = _moved_grid(image.grid, transform)
    record = Record("numerics.moved", {"transform": transform.to_dict()}, (image.provenance,))
    return Image(image.values, grid, image.quantity, record)


def moved_structures(structures: StructureSet, transform: RigidTransform) -> StructureSet:
    """Return structures where a rigid motion takes them: contours stay planar, masks keep their values.

    Parameters
    ----------
    structures
        In the frame that the transform starts from.
    transform
        Rigid.

    Raises
    ------
    GridMismatch
        When the transform starts from another frame.

    Examples
    --------
    >>> square = Contour([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    >>> drawn = StructureSet((Structure("liver", (square,)),), "1.2", Record("example"))
    >>> up = RigidTransform(np.eye(3), [0.0, 0.0, 7.0], from_frame="1.2", to_frame="1.3")
    >>> moved_structures(drawn, up)["liver"].contours[0].points_mm[2].tolist()
    [10.0, 10.0, 7.0]
    """
    require_frames(transform, from_frame=structures.frame_of_reference)
    record = Record("numerics.moved", {"transform": transform.to_dict()}, (structures.provenance,))
    return replace(
        structures,
        structures=tuple(_moved_structure(s, transform) for s in structures.structures),
        frame_of_reference=transform.to_frame,
        provenance=record,
        referenced_series=None,  # they are no longer where that series shows them
    )


def resample_through(
    image: Image,
    grid: Grid,
    transform: PointTransform,
    *,
    method: Interpolation,
    outside: float,
    threads: int | None = None,
) -> Image:
    """Return an image of another frame on a grid, each voxel looked up where the transform takes it.

    The transform leads from the grid to the image, as those of a registration do with the grid of the fixed
    image and the moving image. Values are those of the places, so activity concentrations are not raised
    where a deformation compresses.

    Parameters
    ----------
    image
        In the frame that the transform leads to.
    grid
        In the frame that it starts from.
    transform
        From grid to image.
    method
        As for :func:`tumorboard.numerics.resample`; ``CONSERVATIVE`` needs a rigid transform.
    outside
        Value beyond the image, in its unit.
    threads
        For rigid transforms; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Image
        Shape ``grid.shape``; dtypes as of :func:`tumorboard.numerics.resample`.

    Raises
    ------
    GridMismatch
        When a frame differs.
    InputError
        When the method does not suit the quantity or the transform.

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((3, 3, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> ramp = Image(np.arange(27.0).reshape(3, 3, 3), grid, Quantity.CT_NUMBER, Record("example"))
    >>> step = RigidTransform(np.eye(3), [1.0, 0.0, 0.0], from_frame="1.2", to_frame="1.2")
    >>> resample_through(ramp, grid, step, method=Interpolation.LINEAR, outside=-1.0).values[0, 0].tolist()
    [1.0, 2.0, -1.0]
    """
    require_frames(transform, from_frame=grid.frame_of_reference, to_frame=image.grid.frame_of_reference)
    if isinstance(transform, RigidTransform):
        placed = moved(image, transform.inverse())
        return resample(placed, grid, method=method, outside=outside, threads=threads)
    if method is Interpolation.CONSERVATIVE or image.quantity.is_extensive:
        raise InputError(
            "method through a deformation must be LINEAR or NEAREST, of a quantity that is no amount per "
            f"voxel; got {method.name} of {image.quantity.value}; divide amounts by the voxel's volume first"
        )
    if image.quantity is Quantity.LABEL and method is not Interpolation.NEAREST:
        raise InputError(f"method for a LABEL image must be NEAREST; got {method.name}")
    record = Record(
        "numerics.resample_through",
        {
            "grid": grid.to_dict(),
            "method": method.value,
            "outside": outside if math.isfinite(outside) else str(outside),
            "transform": transform.digest,
        },
        (image.provenance,),
    )
    out = np.empty(grid.shape, image.values.dtype if method is Interpolation.NEAREST else np.float32)
    source = image.values.view(np.uint8) if image.values.dtype == bool else image.values
    order = 0 if method is Interpolation.NEAREST else 1
    for k in range(grid.shape[0]):
        points = transform.apply(grid.index_to_patient(slice_indices(grid.shape, k)))
        out[k] = _looked_up(source, image.grid.patient_to_index(points), order, outside)
    out.setflags(write=False)
    return Image(out, grid, image.quantity, record)


def structure_through(
    structure: Structure, grid: Grid, transform: PointTransform, *, threads: int | None = None
) -> Image:
    """Return which fraction of each voxel of a grid lies in a structure of another frame.

    Rigid motions move contours, or the mask's grid, and cover voxels exactly as
    :func:`tumorboard.numerics.voxelise` does: the volume is kept. A deformation takes contours out of their
    planes; there 3 x 3 x 3 points of each voxel are looked up in the structure: contours voxelised at half of
    the grid's finest spacing, or the mask itself.

    Parameters
    ----------
    structure
        In the frame that the transform leads to.
    grid
        In the frame that it starts from.
    transform
        From grid to structure.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Image
        FRACTION, shape ``grid.shape``.

    Raises
    ------
    GridMismatch
        When a frame differs.

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((1, 4, 4), (2.0, 1.0, 1.0), (0.5, 0.5, 0.0), AXIAL, frame_of_reference="1.2")
    >>> square = Contour([[5, 0, 0], [7, 0, 0], [7, 2, 0], [5, 2, 0]])
    >>> found = structure_through(
    ...     Structure("GTV", (square, Contour(square.points_mm + [0, 0, 2.0]))),
    ...     grid,
    ...     RigidTransform(np.eye(3), [5.0, 0.0, 0.0], from_frame="1.2", to_frame="1.3"),
    ... )
    >>> found.values[0, 0].tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    require_frames(transform, from_frame=grid.frame_of_reference)
    if isinstance(transform, RigidTransform):
        placed = _moved_structure(structure, transform.inverse())
        found = voxelise(placed, grid, threads=threads)
        record = Record(
            "numerics.structure_through",
            {"structure": structure.name, "transform": transform.to_dict()},
            (found.provenance,),
        )
        return Image(found.values, grid, Quantity.FRACTION, record)
    inside = _fine_mask(structure, grid, transform, threads)
    steps = (np.arange(_POINTS_PER_VOXEL) + 0.5) / _POINTS_PER_VOXEL - 0.5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    # Most voxels are far from the structure, whatever the deformation does within a voxel.
    reach = 2.0 * float(np.linalg.norm(grid.spacing_mm)) / inside.grid.spacing_mm
    values = np.zeros(grid.shape, np.float32)
    for k in range(grid.shape[0]):
        centre = slice_indices(grid.shape, k)
        index = inside.grid.patient_to_index(transform.apply(grid.index_to_patient(centre)))
        near = ((index > -reach) & (index < inside.grid.shape + reach)).all(axis=-1)
        if not near.any():
            continue
        for offset in offsets:
            points = transform.apply(grid.index_to_patient(centre[near] + offset))
            values[k, near] += _looked_up(inside.values, inside.grid.patient_to_index(points), 1, 0.0)
    values /= _POINTS_PER_VOXEL**3
    record = Record(
        "numerics.structure_through",
        {"structure": structure.name, "transform": transform.digest},
        (inside.provenance,),
    )
    return Image(np.minimum(values, 1.0), grid, Quantity.FRACTION, record)


def _moved_grid(grid: Grid, transform: RigidTransform) -> Grid:
    return Grid(
        grid.shape,
        grid.spacing_mm,
        transform.apply(grid.origin_mm),
        transform.rotation @ grid.direction,
        frame_of_reference=transform.to_frame,
    )


def _moved_structure(structure: Structure, transform: RigidTransform) -> Structure:
    mask = structure.mask
    return replace(
        structure,
        contours=tuple(Contour(transform.apply(c.points_mm)) for c in structure.contours),
        mask=None if mask is None else moved(mask, transform),
    )


def _looked_up(values: NDArray[Any], index: NDArray[np.float64], order: int, outside: float) -> NDArray[Any]:
    """Return values at fractional indices: at the outermost centres' up to the edge, then ``outside``."""
    coordinates = np.moveaxis(index, -1, 0)
    found = ndimage.map_coordinates(values, coordinates, order=order, mode="nearest")
    beyond = ((index < -0.5) | (index > np.array(values.shape) - 0.5)).any(axis=-1)
    found[beyond] = outside
    return np.asarray(found)


def _fine_mask(structure: Structure, grid: Grid, transform: PointTransform, threads: int | None) -> Image:
    """Return the structure on a fine grid of its own around it."""
    if structure.mask is not None and not structure.contours:
        mask = structure.mask
        share = Image(mask.values.astype(np.float32), mask.grid, Quantity.FRACTION, mask.provenance)
        box = bounding_box(np.asarray(mask.values > 0))
        if box is None:
            return share
        (z0, z1), (y0, y1), (x0, x1) = (
            (max(a - 1, 0), min(b + 1, n)) for (a, b), n in zip(box, mask.grid.shape, strict=True)
        )
        return share.crop((z0, y0, x0), (z1, y1, x1))
    points = np.concatenate([c.points_mm for c in structure.contours])
    step = float(grid.spacing_mm.min()) / 2.0
    low, high = points.min(axis=0) - 4 * grid.spacing_mm.max(), points.max(axis=0) + 4 * grid.spacing_mm.max()
    shape = np.ceil((high - low) / step).astype(int)[::-1] + 1
    direction = np.eye(3)[:, ::-1]
    fine = Grid(shape, (step,) * 3, low, direction, frame_of_reference=transform.to_frame)
    return voxelise(structure, fine, threads=threads)
