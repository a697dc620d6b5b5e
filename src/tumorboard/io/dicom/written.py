"""What a writer made, and how later objects refer to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import CORNER_TOLERANCE_MM, Grid
from tumorboard.errors import GeometryError, GridMismatch, InputError
from tumorboard.io.dicom.identity import require_uid
from tumorboard.io.dicom.study import FileHeader

__all__ = ["ReferencedSeries", "WrittenObject", "WrittenSeries", "reference_series", "require_same_frame"]


@dataclass(frozen=True, slots=True, eq=False)
class ReferencedSeries:
    """A series of single-frame images that structures, doses or maps refer to.

    Parameters
    ----------
    series_instance_uid, sop_class_uid
        Of the images.
    sop_instance_uids
        One per plane of ``grid``, in array order.
    grid
        Where the planes are.
    modality
        Of the images, e.g. ``"CT"``.

    Raises
    ------
    InputError
        When a UID is malformed or there is not one per plane.
    """

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uids: tuple[str, ...]
    grid: Grid
    modality: str

    def __post_init__(self) -> None:
        for uid in (self.series_instance_uid, self.sop_class_uid, *self.sop_instance_uids):
            require_uid("a UID of the referenced series", uid)
        if len(self.sop_instance_uids) != self.grid.shape[0]:
            raise InputError(
                f"sop_instance_uids must be one per plane of the grid, {self.grid.shape[0]}; "
                f"got {len(self.sop_instance_uids)}"
            )

    def plane_of(self, points_mm: NDArray[np.float64]) -> int | None:
        """Return the plane on which points of shape ``(n, 3)`` [mm] lie, ``None`` when on none.

        A plane holds its points when none is farther from it than a hundredth of the slice spacing.
        """
        depth = self.grid.patient_to_index(points_mm)[:, 0]
        plane = round(float(depth.mean()))
        if not 0 <= plane < self.grid.shape[0] or np.abs(depth - plane).max() > 0.01:
            return None
        return plane


@dataclass(frozen=True, slots=True, eq=False)
class WrittenSeries:
    """A series of single-frame images on disk.

    Parameters
    ----------
    paths
        Files in the order of the planes of ``reference.grid``.
    reference
        How later objects refer to the series. Its grid is the image's own, or that with its planes in
        opposite order when the image's was left-handed: planes of a DICOM series follow their normal.
    """

    paths: tuple[Path, ...]
    reference: ReferencedSeries

    @property
    def series_instance_uid(self) -> str:
        """Series Instance UID."""
        return self.reference.series_instance_uid


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """One object in one file: its path and UIDs."""

    path: Path
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str


def reference_series(headers: Sequence[FileHeader], grid: Grid) -> ReferencedSeries:
    """Say how to refer to a series that a scan found.

    Parameters
    ----------
    headers
        Of the files that make the volume, one per plane, in any order.
    grid
        The volume's grid, as the reader returned it.

    Raises
    ------
    GeometryError
        When a plane has no file, or two.

    Notes
    -----
    Multi-frame objects have no file per plane and cannot be referred to in this way.
    """
    found: dict[int, FileHeader] = {}
    for header in headers:
        if header.image_position_mm is None or len(header.image_position_mm) != 3:
            raise GeometryError(
                f"Image Position (Patient) of {header.path.name} must be three numbers [mm]; it is absent; "
                "leave the file out"
            )
        plane = _plane_at(header.image_position_mm, grid)
        if plane is None or plane in found:
            problem = "lies on no plane of the grid" if plane is None else "lies on an occupied plane"
            raise GeometryError(
                f"files must lie one on each plane of the grid; {header.path.name} {problem}; "
                "pass the headers of the files that made the volume"
            )
        found[plane] = header
    if len(found) != grid.shape[0]:
        raise GeometryError(
            f"each of {grid.shape[0]} planes of the grid must have a file; {len(found)} have one"
        )
    ordered = [found[plane] for plane in range(grid.shape[0])]
    first = ordered[0]
    return ReferencedSeries(
        first.series_instance_uid,
        first.sop_class_uid,
        tuple(header.sop_instance_uid for header in ordered),
        grid,
        first.modality,
    )


def require_same_frame(frame_of_reference: str, reference: ReferencedSeries, *, what: str) -> None:
    """Raise a GridMismatch unless ``what`` is in the frame of reference of the referenced series."""
    if frame_of_reference != reference.grid.frame_of_reference:
        raise GridMismatch(
            f"{what} must be in the frame of reference of the referenced series, "
            f"{reference.grid.frame_of_reference}; got {frame_of_reference}; refer to their own series"
        )


def _plane_at(corner_mm: Sequence[float], grid: Grid) -> int | None:
    # The corner of the file may be any corner of the plane: readers may turn rows and columns around.
    depth = float(grid.patient_to_index(np.array(corner_mm))[0])
    plane = round(depth)
    # Real files round their positions, so a tenth of the spacing is still the same plane.
    slack = max(0.1, CORNER_TOLERANCE_MM / float(grid.spacing_mm[0]))
    return plane if 0 <= plane < grid.shape[0] and abs(depth - plane) <= slack else None
