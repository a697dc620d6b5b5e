"""Where voxels are: a regular grid in the patient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import GridMismatch, InputError
from tumorboard.units import ML_PER_MM3

__all__ = ["AXIAL", "CORNER_TOLERANCE_MM", "Grid", "grid_difference", "require_same_grid"]

#: Two grids are the same when no corner voxel centre lies farther apart than this [mm].
#: A hundredth of a millimetre is above what DICOM's 16-character decimals round away over a
#: whole-body scan and far below any voxel.
CORNER_TOLERANCE_MM: Final = 0.01

#: Direction cosines must be orthonormal to this (largest entry of D'D - 1).
_ORTHONORMAL_TOLERANCE: Final = 1e-4

#: Direction of an axial scan: array axes z, y, x run along patient +z, +y, +x (LPS).
AXIAL: Final = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular grid of voxel centres, in DICOM patient coordinates (LPS) [mm].

    Everything that belongs to an array axis stands in array order ``(z, y, x)``;
    points in the patient are ``(x, y, z)``.

    Parameters
    ----------
    shape
        Number of voxels along array axes ``(z, y, x)``.
    spacing_mm
        Distance of voxel centres along array axes ``(z, y, x)``, shape ``(3,)`` [mm].
    origin_mm
        Patient point of the centre of voxel ``[0, 0, 0]``, shape ``(3,)`` [mm].
    direction
        Shape ``(3, 3)``; column ``i`` is the unit vector, in the patient, along array axis ``i``.
        An axial scan has :data:`AXIAL`.
    frame_of_reference
        DICOM Frame of Reference UID; grids of different frames never compare equal.

    Raises
    ------
    InputError
        When a value is not finite, not positive, or the directions are not orthonormal.

    Examples
    --------
    >>> grid = Grid((2, 4, 4), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> grid.index_to_patient([1, 0, 2])
    array([2., 0., 3.])
    >>> round(grid.voxel_volume_ml, 6)
    0.003
    """

    shape: tuple[int, int, int]
    spacing_mm: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    direction: NDArray[np.float64]
    frame_of_reference: str

    def __init__(
        self,
        shape: ArrayLike,
        spacing_mm: ArrayLike,
        origin_mm: ArrayLike,
        direction: ArrayLike,
        *,
        frame_of_reference: str,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "shape", _checked_shape(shape))
        set_(self, "spacing_mm", _checked_vector("spacing_mm", spacing_mm))
        if not (self.spacing_mm > 0).all():
            raise InputError(f"spacing_mm must be > 0 [mm] along (z, y, x); got {self.spacing_mm.tolist()}")
        set_(self, "origin_mm", _checked_vector("origin_mm", origin_mm))
        set_(self, "direction", _checked_direction(direction))
        if not isinstance(frame_of_reference, str) or not frame_of_reference:
            raise InputError(
                "frame_of_reference must be a DICOM UID; "
                f"got {frame_of_reference!r}; "
                "a grid without a frame cannot be compared: make one up per patient"
            )
        set_(self, "frame_of_reference", frame_of_reference)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel [mL]."""
        return float(math.prod(self.spacing_mm.tolist()) * ML_PER_MM3)

    @property
    def affine(self) -> NDArray[np.float64]:
        """Shape ``(4, 4)``: array index ``(z, y, x, 1)`` to patient point ``(x, y, z, 1)`` [mm]."""
        affine = np.eye(4)
        affine[:3, :3] = self.direction * self.spacing_mm
        affine[:3, 3] = self.origin_mm
        return affine

    @property
    def corners_mm(self) -> NDArray[np.float64]:
        """Patient points of the eight corner voxel centres, shape ``(8, 3)`` [mm]."""
        last = np.array(self.shape) - 1
        steps = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        return self.index_to_patient(steps * last)

    @property
    def is_axis_aligned(self) -> bool:
        """Whether every array axis runs along a patient axis, within :data:`CORNER_TOLERANCE_MM`."""
        nearest = np.round(self.direction)
        reach = np.array(self.shape) * self.spacing_mm
        return bool((np.abs(self.direction - nearest) * reach).max() <= CORNER_TOLERANCE_MM)

    def index_to_patient(self, index: ArrayLike) -> NDArray[np.float64]:
        """Return patient points ``(..., 3)`` as (x, y, z) [mm] of array indices ``(..., 3)`` as (z, y, x).

        Indices may be fractional; 0 is the centre of the first voxel.
        """
        points: NDArray[np.float64] = (
            np.asarray(index, dtype=np.float64) * self.spacing_mm
        ) @ self.direction.T + self.origin_mm
        return points

    def patient_to_index(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return fractional array indices ``(..., 3)`` as (z, y, x) of patient points ``(..., 3)`` [mm]."""
        # The directions are orthonormal only to tolerance, so the transpose would not round-trip.
        offset = np.asarray(points_mm, dtype=np.float64) - self.origin_mm
        index: NDArray[np.float64] = offset @ np.linalg.inv(self.direction).T / self.spacing_mm
        return index

    def crop(self, start: ArrayLike, stop: ArrayLike) -> Grid:
        """Return the grid of ``array[start:stop]`` along each axis (z, y, x)."""
        start, stop = np.asarray(start), np.asarray(stop)
        if not ((start >= 0) & (start < stop) & (stop <= self.shape)).all():
            raise InputError(
                f"crop must lie inside shape {self.shape} with start < stop; "
                f"got {start.tolist()} to {stop.tolist()}"
            )
        return self._with(shape=stop - start, origin_mm=self.index_to_patient(start))

    def with_spacing(self, spacing_mm: ArrayLike) -> Grid:
        """Return a grid over the same box (voxel edges) with about this spacing (z, y, x) [mm].

        The shape is rounded up, so the box may grow by less than one voxel at its far side.
        """
        spacing = _checked_vector("spacing_mm", spacing_mm)
        if not (spacing > 0).all():
            raise InputError(f"spacing_mm must be > 0 [mm] along (z, y, x); got {spacing.tolist()}")
        extent = np.array(self.shape) * self.spacing_mm
        shape = np.maximum(1, np.ceil(extent / spacing - 1e-6)).astype(int)
        first_centre = 0.5 * (spacing - self.spacing_mm) / self.spacing_mm
        return self._with(shape=shape, spacing_mm=spacing, origin_mm=self.index_to_patient(first_centre))

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as JSON-serialisable values; floats survive exactly."""
        return {
            "shape": list(self.shape),
            "spacing_mm": self.spacing_mm.tolist(),
            "origin_mm": self.origin_mm.tolist(),
            "direction": self.direction.tolist(),
            "frame_of_reference": self.frame_of_reference,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Grid:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            values["shape"],
            values["spacing_mm"],
            values["origin_mm"],
            values["direction"],
            frame_of_reference=values["frame_of_reference"],
        )

    def _with(self, **changes: Any) -> Grid:
        now: dict[str, Any] = {
            "shape": self.shape,
            "spacing_mm": self.spacing_mm,
            "origin_mm": self.origin_mm,
            "direction": self.direction,
            "frame_of_reference": self.frame_of_reference,
        }
        return Grid(**(now | changes))


def grid_difference(first: Grid, second: Grid) -> str | None:
    """Say in words how two grids differ; ``None`` when they are the same.

    They are the same when frame of reference and shape are equal and no corner lies
    farther apart than :data:`CORNER_TOLERANCE_MM` [mm]. This is the one comparison of
    grids in the package.

    Examples
    --------
    >>> a = Grid((2, 4, 4), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> b = Grid((2, 4, 4), (3.0, 1.0, 1.0), (0.0, 0.0, 0.5), AXIAL, frame_of_reference="1.2.3")
    >>> grid_difference(a, a) is None
    True
    >>> grid_difference(a, b)
    'a corner lies 0.5 mm apart (tolerance 0.01 mm)'
    """
    if first is second:
        return None
    if first.frame_of_reference != second.frame_of_reference:
        return f"frames of reference {first.frame_of_reference} and {second.frame_of_reference}"
    if first.shape != second.shape:
        return f"shapes {first.shape} and {second.shape}"
    apart = float(np.linalg.norm(first.corners_mm - second.corners_mm, axis=1).max())
    if apart > CORNER_TOLERANCE_MM:
        return f"a corner lies {apart:.4g} mm apart (tolerance {CORNER_TOLERANCE_MM} mm)"
    return None


def require_same_grid(first: Grid, second: Grid, *, what: str) -> None:
    """Raise :class:`~tumorboard.errors.GridMismatch` unless both grids are the same.

    ``what`` names the two in the message, e.g. ``"PET and mask"``; see :func:`grid_difference`.
    """
    difference = grid_difference(first, second)
    if difference is not None:
        raise GridMismatch(
            f"{what} must share a grid; they have {difference}; "
            "resample one of them: tumorboard.numerics.resample(image, grid, method=...)"
        )


def _checked_shape(shape: ArrayLike) -> tuple[int, int, int]:
    sizes = np.asarray(shape)
    if sizes.shape != (3,) or not (sizes == sizes.astype(int)).all() or not (sizes >= 1).all():
        raise InputError(f"shape must be three whole numbers >= 1 along (z, y, x); got {shape!r}")
    z, y, x = (int(n) for n in sizes)
    return z, y, x


def _checked_vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    vector = read_only(values, np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"{name} must be three finite numbers [mm]; got {values!r}")
    return vector


def _checked_direction(direction: ArrayLike) -> NDArray[np.float64]:
    matrix = read_only(direction, np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise InputError(f"direction must be a finite 3x3 matrix; got {direction!r}")
    skew = np.abs(matrix.T @ matrix - np.eye(3)).max()
    if skew > _ORTHONORMAL_TOLERANCE:
        raise InputError(
            f"direction must have orthonormal columns (to {_ORTHONORMAL_TOLERANCE}); off by {skew:.3g}; "
            "a sheared volume (gantry tilt) must be resampled first"
        )
    return matrix
