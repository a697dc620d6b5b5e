"""How far a registration can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.transform import Deformation, PointTransform, require_frames
from tumorboard.errors import InputError, NotConverged
from tumorboard.numerics.resample import Interpolation
from tumorboard.numerics.transformed import resample_through

__all__ = [
    "InverseConsistency",
    "correlation",
    "correlation_through",
    "inverse_consistency",
    "inverted",
    "jacobian_determinant",
]


@dataclass(frozen=True, slots=True)
class InverseConsistency:
    """How far points are from where they were, after the way there and back.

    Parameters
    ----------
    rms_mm, max_mm
        Root mean square and largest distance [mm].
    """

    rms_mm: float
    max_mm: float


def inverse_consistency(
    forward: PointTransform, backward: PointTransform, points_mm: ArrayLike
) -> InverseConsistency:
    """Compare two registrations, one each way, of which each should undo the other.

    Parameters
    ----------
    forward
        From the frame of the points.
    backward
        Back to it, found by itself and not by inverting the other.
    points_mm
        Shape ``(n_points, 3)`` [mm].

    Returns
    -------
    InverseConsistency
        It is the error of both together, and does not know of errors that both share.

    Raises
    ------
    GridMismatch
        When the frames do not join.

    References
    ----------
    .. [1] christensen2001consistent

    Examples
    --------
    >>> from tumorboard.core import RigidTransform
    >>> there = RigidTransform(np.eye(3), [5.0, 0.0, 0.0], from_frame="1.2", to_frame="1.3")
    >>> back = RigidTransform(np.eye(3), [-4.0, 0.0, 0.0], from_frame="1.3", to_frame="1.2")
    >>> inverse_consistency(there, back, [[0.0, 0.0, 0.0]]).rms_mm
    1.0
    """
    require_frames(backward, from_frame=forward.to_frame, to_frame=forward.from_frame)
    points = np.atleast_2d(np.asarray(points_mm, np.float64))
    away = np.linalg.norm(backward.apply(forward.apply(points)) - points, axis=-1)
    return InverseConsistency(float(np.sqrt(np.mean(away**2))), float(away.max()))


def jacobian_determinant(deformation: Deformation) -> NDArray[np.float64]:
    """Return by how much volumes grow on their way through a deformation.

    Parameters
    ----------
    deformation
        On a grid of 2 or more voxels along each axis.

    Returns
    -------
    ndarray
        Of the derivatives by central differences, one-sided at the border, shape of the deformation's grid.

    Raises
    ------
    InputError
        When an axis has one voxel only.

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> z, y, x = np.indices(grid.shape)
    >>> double = Deformation(1.0 * np.stack([x, y, z], axis=-1), grid, to_frame="1.2")
    >>> round(float(jacobian_determinant(double).max()), 6)
    8.0
    """
    grid = deformation.grid
    if min(grid.shape) < 2:
        raise InputError(f"deformation must have 2 or more voxels along each axis; got {grid.shape}")
    field = np.asarray(deformation.displacement_mm, np.float64)
    slopes = [np.gradient(field, mm, axis=axis) for axis, mm in enumerate(grid.spacing_mm.tolist())]
    # Along array axes; the inverse of the directions turns them into slopes along x, y, z.
    along = np.stack(slopes, axis=-1) @ np.linalg.inv(grid.direction)
    return np.asarray(np.linalg.det(along + np.eye(3)))


def correlation_through(
    fixed: Image, moving: Image, transform: PointTransform, *, mask: NDArray[np.bool_] | None = None
) -> float:
    """Return Pearson's correlation of two images' values, where both are.

    Parameters
    ----------
    fixed
        Whose voxels are taken.
    moving
        Looked up where the transform takes them, linear between voxels.
    transform
        From fixed to moving.
    mask
        Voxels of the fixed image that count, of its shape; ``None``: all.

    Returns
    -------
    float
        -1 to 1.

    Raises
    ------
    GridMismatch
        When a frame differs.
    InputError
        When there are no two values in common that differ.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Quantity, RigidTransform
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> scan = Image(np.arange(8.0).reshape(2, 2, 2), grid, Quantity.UNCALIBRATED, Record("example"))
    >>> stay = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
    >>> round(correlation_through(scan, scan, stay), 6)
    1.0
    """
    plain = Image(np.asarray(moving.values, np.float32), moving.grid, moving.quantity, moving.provenance)
    carried = resample_through(
        plain, fixed.grid, transform, method=Interpolation.LINEAR, outside=np.nan
    ).values
    common = np.isfinite(carried) if mask is None else np.isfinite(carried) & mask
    a, b = np.asarray(fixed.values, np.float64)[common], np.asarray(carried, np.float64)[common]
    found = correlation(a, b)
    if math.isnan(found):
        raise InputError("fixed and moving must have values in common that differ; they have none")
    return found


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Pearson's correlation.

    Parameters
    ----------
    first, second
        Values at the same places, shape ``(n,)``.

    Returns
    -------
    float
        -1 to 1; NaN where one does not vary, or there are none.

    Examples
    --------
    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 3.0, 1.0])), 6)
    -1.0
    """
    a, b = (one - one.mean() if one.size else one for one in (first, second))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else float("nan")


def inverted(
    deformation: Deformation, grid: Grid, *, tolerance_mm: float = 0.01, iterations: int = 100
) -> Deformation:
    """Return the way back through a deformation, by fixed-point iteration.

    Parameters
    ----------
    deformation
        Whose displacements change by less than 1 mm per mm, apart from a shift of all.
    grid
        In the frame that it leads to: where the way back is wanted.
    tolerance_mm
        Largest residual at a voxel centre [mm].
    iterations
        At most.

    Raises
    ------
    GridMismatch
        When the grid is in another frame.
    NotConverged
        When the residual stays larger: the deformation folds, or turns too far.

    References
    ----------
    .. [1] chen2008inversion

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((3, 3, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> up = Deformation(np.full((3, 3, 3, 3), 0.25), grid, to_frame="1.2")
    >>> inverted(up, grid).displacement_mm[1, 1, 1].tolist()
    [-0.25, -0.25, -0.25]
    """
    require_frames(deformation, from_frame=deformation.from_frame, to_frame=grid.frame_of_reference)
    target = grid.index_to_patient(np.moveaxis(np.indices(grid.shape, np.float64), 0, -1))
    source = target - np.mean(deformation.displacement_mm, axis=(0, 1, 2), dtype=np.float64)
    for _ in range(iterations):
        missing = target - deformation.apply(source)
        if float(np.linalg.norm(missing, axis=-1).max()) <= tolerance_mm:
            return Deformation(source - target, grid, deformation.from_frame)
        source = source + missing
    raise NotConverged(
        f"inverse of the deformation must be met to {tolerance_mm:g} mm within {iterations} iterations; got "
        f"{float(np.linalg.norm(missing, axis=-1).max()):.3g} mm; does it fold space?"
    )
