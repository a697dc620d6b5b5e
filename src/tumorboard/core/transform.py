"""Maps of points from one frame of reference to another: rigid ones, and ones that deform."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only, slice_indices
from tumorboard.core.grid import Grid
from tumorboard.errors import GridMismatch, InputError

__all__ = ["Deformation", "PointTransform", "RigidTransform", "require_frames"]

#: Largest entry of R'R - 1 of a rotation.
_ORTHONORMAL_TOLERANCE: Final = 1e-6


class PointTransform(Protocol):
    """What maps patient points of one frame of reference to another."""

    @property
    def from_frame(self) -> str:
        """DICOM Frame of Reference UID that points are given in."""

    @property
    def to_frame(self) -> str:
        """DICOM Frame of Reference UID that points come out in."""

    @property
    def digest(self) -> str:
        """SHA-256 over all that says where points go, for records."""

    def apply(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points (x, y, z) go, shape ``(..., 3)`` as given [mm]."""


@dataclass(frozen=True, slots=True, eq=False)
class RigidTransform:
    """A rotation and a shift: ``p`` goes to ``rotation @ p + translation_mm``.

    Two scans that share a frame of reference may still have moved: then both frames are the same, and the
    transform is not the identity.

    Parameters
    ----------
    rotation
        Shape ``(3, 3)``, orthonormal, determinant +1, on points (x, y, z).
    translation_mm
        Shape ``(3,)``, along x, y, z [mm].
    from_frame
        DICOM Frame of Reference UID that points are given in.
    to_frame
        That they come out in.

    Raises
    ------
    InputError
        When the rotation is none, a number is not finite, or a frame is empty.

    Examples
    --------
    >>> turn = RigidTransform.about((0, 0, 0), (0, 0, 90), (5, 0, 0), from_frame="1.2", to_frame="1.3")
    >>> turn.apply([10.0, 0.0, 0.0]).round(6).tolist()
    [5.0, 10.0, 0.0]
    >>> turn.then(turn.inverse()).apply([1.0, 2.0, 3.0]).round(6).tolist()
    [1.0, 2.0, 3.0]
    """

    rotation: NDArray[np.float64]
    translation_mm: NDArray[np.float64]
    from_frame: str
    to_frame: str

    def __post_init__(self) -> None:
        rotation = read_only(self.rotation, np.float64)
        shift = read_only(self.translation_mm, np.float64)
        if rotation.shape != (3, 3) or shift.shape != (3,):
            raise InputError(
                "rotation must have shape (3, 3) and translation_mm (3,) [mm]; "
                f"got {rotation.shape} and {shift.shape}"
            )
        if not (np.isfinite(rotation).all() and np.isfinite(shift).all()):
            raise InputError("rotation and translation_mm must be finite [mm]; got NaN or infinity")
        away = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
        if away > _ORTHONORMAL_TOLERANCE or np.linalg.det(rotation) < 0:
            raise InputError(
                f"rotation must be orthonormal to {_ORTHONORMAL_TOLERANCE:g} with determinant +1; got "
                f"{away:.2g} and determinant {np.linalg.det(rotation):.6g}; "
                "scaling and shear are no rigid motion"
            )
        _check_frames(self.from_frame, self.to_frame)
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_mm", shift)

    @classmethod
    def identity(cls, *, from_frame: str, to_frame: str) -> RigidTransform:
        """Return the transform that takes coordinates of one frame for those of the other."""
        return cls(np.eye(3), np.zeros(3), from_frame, to_frame)

    @classmethod
    def about(
        cls,
        centre_mm: ArrayLike,
        rotation_vector_deg: ArrayLike,
        translation_mm: ArrayLike,
        *,
        from_frame: str,
        to_frame: str,
    ) -> RigidTransform:
        """Return a turn about a point, and then a shift.

        Parameters
        ----------
        centre_mm
            Point that only the shift moves, shape ``(3,)`` [mm].
        rotation_vector_deg
            Along the axis of rotation, as long as the angle, shape ``(3,)`` [deg].
        translation_mm
            Shape ``(3,)`` [mm].
        from_frame, to_frame
            DICOM UIDs.
        """
        centre = np.asarray(centre_mm, np.float64)
        rotation = _rotation_of(np.radians(np.asarray(rotation_vector_deg, np.float64)))
        shift = centre + np.asarray(translation_mm, np.float64) - rotation @ centre
        return cls(rotation, shift, from_frame, to_frame)

    @property
    def digest(self) -> str:
        """SHA-256 over the rotation, the shift and the frames."""
        return hashlib.sha256(json.dumps(self.to_dict()).encode()).hexdigest()

    @property
    def angle_deg(self) -> float:
        """Angle of the rotation, 0 to 180 [deg]."""
        # The sine keeps small angles, which the cosine of the trace alone loses to rounding.
        r = self.rotation
        twice_sine = float(np.linalg.norm([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]))
        return math.degrees(math.atan2(twice_sine, float(np.trace(r)) - 1.0))

    def apply(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points go.

        Parameters
        ----------
        points_mm
            Patient points (x, y, z) of ``from_frame``, shape ``(..., 3)`` [mm].

        Returns
        -------
        ndarray
            Of ``to_frame``, shape as given [mm].
        """
        moved: NDArray[np.float64] = _points(points_mm) @ self.rotation.T + self.translation_mm
        return moved

    def inverse(self) -> RigidTransform:
        """Return the transform back."""
        back = self.rotation.T
        return RigidTransform(back, -back @ self.translation_mm, self.to_frame, self.from_frame)

    def then(self, other: RigidTransform) -> RigidTransform:
        """Return this transform followed by another.

        Parameters
        ----------
        other
            From the frame that this one leads to.

        Raises
        ------
        GridMismatch
            When the frames do not join.
        """
        require_frames(other, from_frame=self.to_frame)
        return RigidTransform(
            _orthonormal(other.rotation @ self.rotation),
            other.apply(self.translation_mm),
            self.from_frame,
            other.to_frame,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the transform as JSON-serialisable values; floats survive exactly."""
        return {
            "rotation": self.rotation.tolist(),
            "translation_mm": self.translation_mm.tolist(),
            "from_frame": self.from_frame,
            "to_frame": self.to_frame,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Deformation:
    """A displacement for every place: ``p`` goes to ``p + u(p)``.

    Between voxel centres ``u`` is linear; beyond the outermost centres it stays what it is at the nearest
    place of the grid, so a deformation should reach over all that is carried through it.

    Parameters
    ----------
    displacement_mm
        Shape ``(*grid.shape, 3)``, components along x, y, z [mm].
    grid
        Where the displacements are, in the frame that points are given in.
    to_frame
        DICOM Frame of Reference UID that they come out in.

    Raises
    ------
    InputError
        When shapes do not fit or a displacement is not finite.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> z, y, x = np.indices(grid.shape)
    >>> stretch = Deformation(0.5 * np.stack([x, y, z], axis=-1), grid, to_frame="1.3")
    >>> stretch.apply([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]]).tolist()
    [[0.75, 0.75, 0.75], [0.0, 1.5, 0.0]]
    """

    displacement_mm: NDArray[np.floating[Any]]
    grid: Grid
    to_frame: str

    def __post_init__(self) -> None:
        field = read_only(self.displacement_mm)
        if field.dtype.kind != "f" or field.shape != (*self.grid.shape, 3):
            raise InputError(
                f"displacement_mm must be real numbers of shape {(*self.grid.shape, 3)} [mm]; "
                f"got {field.dtype} of shape {field.shape}"
            )
        if not np.isfinite(field).all():
            raise InputError("displacement_mm must be finite [mm]; got NaN or infinity")
        _check_frames(self.from_frame, self.to_frame)
        object.__setattr__(self, "displacement_mm", field)

    @classmethod
    def sampled(cls, grid: Grid, *transforms: PointTransform) -> Deformation:
        """Return what transforms, one after the other, do at the voxel centres of a grid.

        Parameters
        ----------
        grid
            In the frame that the first transform starts from.
        *transforms
            One or more, in the order in which they are applied.

        Raises
        ------
        GridMismatch
            When the frames do not join.
        """
        if not transforms:
            raise InputError("transforms must be one or more; got none")
        frame = grid.frame_of_reference
        field = np.empty((*grid.shape, 3), np.float32)
        for one in transforms:
            require_frames(one, from_frame=frame)
            frame = one.to_frame
        for k in range(grid.shape[0]):  # slice by slice, so that no copy of all points is held
            start = points = grid.index_to_patient(slice_indices(grid.shape, k))
            for one in transforms:
                points = one.apply(points)
            field[k] = points - start
        field.setflags(write=False)
        return cls(field, grid, frame)

    @property
    def from_frame(self) -> str:
        """DICOM Frame of Reference UID that points are given in: the grid's."""
        return self.grid.frame_of_reference

    @property
    def digest(self) -> str:
        """SHA-256 over the displacements, their grid and the frames."""
        head = json.dumps([self.grid.to_dict(), self.to_frame, self.displacement_mm.dtype.str])
        found = hashlib.sha256(head.encode())
        found.update(np.ascontiguousarray(self.displacement_mm).tobytes())
        return found.hexdigest()

    def apply(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points go.

        Parameters
        ----------
        points_mm
            Patient points (x, y, z) of ``from_frame``, shape ``(..., 3)`` [mm].

        Returns
        -------
        ndarray
            Of ``to_frame``, shape as given [mm].
        """
        points = _points(points_mm)
        index = self.grid.patient_to_index(points)
        last = np.array(self.grid.shape) - 1
        index = np.clip(index, 0.0, last)
        low = np.minimum(index.astype(np.intp), np.maximum(last - 1, 0))
        high = np.minimum(low + 1, last)
        part = index - low
        moved = points.copy()
        for corner in range(8):
            upper = [bool(corner >> axis & 1) for axis in range(3)]
            z, y, x = (np.where(u, high[..., a], low[..., a]) for a, u in enumerate(upper))
            weight = np.prod([part[..., a] if u else 1.0 - part[..., a] for a, u in enumerate(upper)], axis=0)
            moved += weight[..., None] * self.displacement_mm[z, y, x]
        return moved


def require_frames(transform: PointTransform, *, from_frame: str, to_frame: str | None = None) -> None:
    """Raise :class:`~tumorboard.errors.GridMismatch` unless a transform joins two frames of reference.

    Parameters
    ----------
    transform
        Any.
    from_frame
        That it must start from.
    to_frame
        That it must lead to; ``None``: any.

    Raises
    ------
    GridMismatch
        When a frame differs.

    Examples
    --------
    >>> require_frames(RigidTransform.identity(from_frame="1.2", to_frame="1.3"), from_frame="1.2")
    """
    for word, wanted, found in (
        ("start from", from_frame, transform.from_frame),
        ("lead to", to_frame, transform.to_frame),
    ):
        if wanted is not None and wanted != found:
            raise GridMismatch(
                f"transform must {word} frame of reference {wanted}; got {found}; "
                "take its inverse, or another transform"
            )


def _check_frames(from_frame: str, to_frame: str) -> None:
    if not from_frame or not to_frame:
        raise InputError(
            f"from_frame and to_frame must be DICOM UIDs; got {from_frame!r} and {to_frame!r}; "
            "points without a frame of reference cannot be told apart"
        )


def _points(points_mm: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(points_mm, np.float64)
    if points.ndim == 0 or points.shape[-1] != 3:
        raise InputError(f"points_mm must have shape (..., 3), (x, y, z) [mm]; got {points.shape}")
    return points


def _rotation_of(vector_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation about a vector by its length, by Rodrigues' formula."""
    if vector_rad.shape != (3,):
        raise InputError(f"rotation_vector_deg must have shape (3,) [deg]; got {vector_rad.shape}")
    angle = float(np.linalg.norm(vector_rad))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector_rad / angle
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + math.sin(angle) * across + (1.0 - math.cos(angle)) * across @ across)


def _orthonormal(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest rotation, so that long chains stay rigid."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)
