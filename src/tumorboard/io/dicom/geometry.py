"""From the planes of one volume to a regular grid.

Slices are ordered by their position along the slice normal, never by file name or instance
number, and the distance between slices is that of their positions: Slice Thickness (0018,0050)
says how thick a slice is, not how far the next one lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.errors import GeometryError, MissingAttribute
from tumorboard.io.dicom.frames import Frame, name_some

__all__ = [
    "ORIENTATION_TOLERANCE",
    "SAME_POSITION_MM",
    "SHEAR_TOLERANCE_MM",
    "SPACING_TOLERANCE",
    "GantryTilt",
    "SliceStack",
    "places_along_normal",
    "plane_axes",
    "positions_along_normal",
    "require_plane_attributes",
    "stack_slices",
]

#: Slices nearer than this along the normal are at one position [mm].
SAME_POSITION_MM: Final = 0.01

#: A slice may lie this far off its place in an even stack, as a fraction of the spacing.
#: Scanners round positions to 0.01 or 0.1 mm; a missing slice is off by at least a half.
SPACING_TOLERANCE: Final = 0.05

#: Direction cosines that differ by no more than this are one orientation.
ORIENTATION_TOLERANCE: Final = 1e-3

#: Slices may lie this far off the line along their normal before the volume counts as sheared [mm].
SHEAR_TOLERANCE_MM: Final = 0.1


class GantryTilt(Enum):
    """What to do with a volume whose slices are not stacked along their normal."""

    REFUSE = "refuse"
    RESAMPLE = "resample"


@dataclass(frozen=True, slots=True)
class SliceStack:
    """Slices in order, and where they are.

    Parameters
    ----------
    frames
        In slice order, along the normal.
    grid
        Axis z along the normal, y down the columns, x along the rows. For a sheared stack the grid of
        its first slice continued straight along the normal.
    shear_mm
        Offset of each slice from ``grid`` along axes (y, x), shape ``(n_slices, 2)`` [mm];
        ``None`` when the stack is straight.
    notes
        What was assumed, one sentence each.
    """

    frames: tuple[Frame, ...]
    grid: Grid
    shear_mm: NDArray[np.float64] | None
    notes: tuple[str, ...]


def require_plane_attributes(frames: Sequence[Frame]) -> None:
    """Raise unless every frame has a finite position, orientation, pixel spacing [mm] and a size.

    Raises
    ------
    MissingAttribute
        Naming the attribute and the files.
    GeometryError
        When a value is not finite, or the two directions are not perpendicular unit vectors.
    """
    for keyword, name, length in (
        ("ImagePositionPatient (0020,0032)", "image_position_mm", 3),
        ("ImageOrientationPatient (0020,0037)", "image_orientation", 6),
        ("PixelSpacing (0028,0030)", "pixel_spacing_mm", 2),
        ("Rows (0028,0010)", "rows", None),
        ("Columns (0028,0011)", "columns", None),
    ):
        values = [getattr(f.header, name) for f in frames]
        if not all(values):
            missing = [f for f, v in zip(frames, values, strict=True) if not v]
            raise MissingAttribute(
                f"{keyword} must be given for every slice of a volume; absent in {name_some(missing)}; "
                "a picture without a place in the patient (a screenshot, a radiograph) is not a volume"
            )
        if length is None:
            continue
        # A finite sum has finite terms; and most slices share all but their position.
        if all(len(v) == length and math.isfinite(sum(v)) for v in set(values)):
            continue
        wrong = [
            f
            for f, v in zip(frames, values, strict=True)
            if len(v) != length or not all(map(math.isfinite, v))
        ]
        if wrong:
            raise GeometryError(
                f"{keyword} must be {length} finite numbers; got {getattr(wrong[0].header, name)} "
                f"in {name_some(wrong)}; export the series again"
            )
    for h in {f.header.image_orientation: f for f in frames}.values():
        plane_axes(h)
    for f in {f.header.pixel_spacing_mm: f for f in frames}.values():
        if min(f.header.pixel_spacing_mm or (0.0,)) <= 0:
            raise GeometryError(
                f"PixelSpacing (0028,0030) must be > 0 [mm]; got {f.header.pixel_spacing_mm} in {f.name}; "
                "export the series again"
            )


def plane_axes(frame: Frame) -> NDArray[np.float64]:
    """Return unit vectors in the patient along array axes (z, y, x) of one plane, as columns, shape (3, 3).

    Examples
    --------
    >>> from pathlib import Path
    >>> from tumorboard.io.dicom.study import FileHeader
    >>> header = FileHeader(Path("a"), 0, "", "", "", "", "", image_orientation=(1, 0, 0, 0, 1, 0))
    >>> plane_axes(Frame(header)).tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    axes, off = _axes_of(frame.header.image_orientation or ())
    if not off <= ORIENTATION_TOLERANCE:
        raise GeometryError(
            "ImageOrientationPatient (0020,0037) must be two perpendicular unit vectors "
            f"(to {ORIENTATION_TOLERANCE}); off by {off:.3g} in {frame.name}; export the series again"
        )
    return axes


@lru_cache(maxsize=256)
def _axes_of(orientation: tuple[float, ...]) -> tuple[NDArray[np.float64], float]:
    """Return the axes, and how far the stated cosines are off being perpendicular unit vectors."""
    along_row, down_column = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    lengths = math.hypot(*along_row), math.hypot(*down_column)
    off = max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(along_row @ down_column)))
    axes = np.eye(3)
    if off <= ORIENTATION_TOLERANCE:
        # Cosines come rounded; the second is turned by less than that rounding to make the three orthonormal.
        along_row = along_row / lengths[0]
        normal = np.cross(along_row, down_column)
        normal /= math.hypot(*normal)
        axes = np.stack([normal, np.cross(normal, along_row), along_row], axis=1)
    axes.setflags(write=False)
    return axes, off


def positions_along_normal(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return each frame's place along the first frame's normal, shape ``(n_frames,)`` [mm]."""
    positions = np.array([f.header.image_position_mm for f in frames], dtype=np.float64)
    along: NDArray[np.float64] = positions @ plane_axes(frames[0])[:, 0]
    return along


def places_along_normal(frames: Sequence[Frame]) -> NDArray[np.intp]:
    """Return the number of each frame's place along the normal, from 0, shape ``(n_frames,)``.

    Frames nearer than :data:`SAME_POSITION_MM` share a place.
    """
    along = positions_along_normal(frames)
    order = np.argsort(along, kind="stable")
    places = np.zeros(len(frames), dtype=np.intp)
    places[order[1:]] = np.cumsum(np.diff(along[order]) > SAME_POSITION_MM)
    return places


def stack_slices(frames: Sequence[Frame], *, frame_of_reference: str) -> SliceStack:
    """Order slices along their normal and find the grid they stand on.

    Parameters
    ----------
    frames
        Planes of one size, orientation and pixel spacing, none at another's place, in any order; they have
        passed :func:`require_plane_attributes`.
    frame_of_reference
        UID for the grid.

    Raises
    ------
    GeometryError
        When slices are missing or not evenly spaced, naming the files between which.
    MissingAttribute
        When there is one slice, and neither its thickness nor its spacing is given.
    """
    along = positions_along_normal(frames)
    order = np.argsort(along, kind="stable")
    sorted_frames = tuple(frames[i] for i in order)
    first = sorted_frames[0]
    axes = plane_axes(first)
    notes: list[str] = []
    if len(frames) == 1:
        spacing_z, note = _single_slice_spacing(first)
        notes.append(note)
    else:
        spacing_z, off_mm = _even_spacing(sorted_frames, along[order])
        if off_mm > SAME_POSITION_MM:
            notes.append(f"slices lie up to {off_mm:.3g} mm off even spacing and were taken as even")
        notes += _spacing_disagreement(first, spacing_z)
    positions = np.array([f.header.image_position_mm for f in sorted_frames], dtype=np.float64)
    offsets = (positions - positions[0]) @ axes[:, 1:]
    sheared = bool(np.abs(offsets).max() > SHEAR_TOLERANCE_MM)
    row_spacing, column_spacing = first.header.pixel_spacing_mm or (np.nan, np.nan)
    grid = Grid(
        (len(frames), first.header.rows, first.header.columns),
        (spacing_z, row_spacing, column_spacing),
        positions[0],
        axes,
        frame_of_reference=frame_of_reference,
    )
    return SliceStack(sorted_frames, grid, offsets if sheared else None, tuple(notes))


def _even_spacing(frames: Sequence[Frame], along: NDArray[np.float64]) -> tuple[float, float]:
    """Return the spacing of sorted slices, and how far one lies off it [mm]; the ends are kept exactly."""
    steps = np.diff(along)
    # The lower median: with one slice missing of three, the smaller step is the true one.
    step = float(np.sort(steps)[(len(steps) - 1) // 2])
    if step <= SAME_POSITION_MM:
        i = int(np.argmin(steps))
        raise GeometryError(
            f"slices of a volume must be at distinct places [mm]; {frames[i].name} and "
            f"{frames[i + 1].name} are both at {along[i]:.2f} mm along the normal; remove one of them"
        )
    counts = np.rint(steps / step)
    gaps = np.flatnonzero((counts > 1) & (np.abs(steps - counts * step) <= SPACING_TOLERANCE * step * counts))
    if gaps.size:
        where = "; ".join(
            f"{int(counts[i]) - 1} between {frames[i].name} ({along[i]:.2f} mm) and "
            f"{frames[i + 1].name} ({along[i + 1]:.2f} mm)"
            for i in gaps[:3]
        )
        more = f" and {gaps.size - 3} more gaps" if gaps.size > 3 else ""
        raise GeometryError(
            f"slices must follow each other every {step:.4g} mm; missing: {where}{more}; "
            "fetch the missing files, or read a part of the series without the gap"
        )
    spacing = float(along[-1] - along[0]) / len(steps)
    off = np.abs(along - (along[0] + spacing * np.arange(len(along))))
    if off.max() > SPACING_TOLERANCE * spacing:
        i = int(np.argmax(np.abs(steps - step)))
        raise GeometryError(
            f"slices must be evenly spaced, to {SPACING_TOLERANCE:.0%} of the spacing; most are "
            f"{step:.4g} mm apart, {frames[i].name} and {frames[i + 1].name} are {steps[i]:.4g} mm apart; "
            "read the evenly spaced parts one by one (dataclasses.replace(series, headers=...)) and resample"
        )
    return spacing, float(off.max())


def _single_slice_spacing(frame: Frame) -> tuple[float, str]:
    header = frame.header
    for name, value in (
        ("SpacingBetweenSlices (0018,0088)", header.spacing_between_slices_mm),
        ("SliceThickness (0018,0050)", header.slice_thickness_mm),
    ):
        if value is not None and np.isfinite(value) and value != 0:
            return abs(value), f"a single slice: its spacing {abs(value):g} mm is its {name}"
    raise MissingAttribute(
        "SliceThickness (0018,0050) or SpacingBetweenSlices (0018,0088) must be given for a single "
        f"slice [mm]; both are absent in {frame.name}; without one the slice has no volume"
    )


def _spacing_disagreement(frame: Frame, spacing_mm: float) -> list[str]:
    stated = frame.header.spacing_between_slices_mm
    if stated is None or abs(abs(stated) - spacing_mm) <= SPACING_TOLERANCE * spacing_mm:
        return []
    return [
        f"SpacingBetweenSlices (0018,0088) says {stated:g} mm, the positions say {spacing_mm:g} mm: "
        "the positions were used"
    ]
