"""Frames at some of the slices of a regular grid, several of which may share a slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.errors import GeometryError, MissingAttribute
from tumorboard.io.dicom.frames import Frame, name_some
from tumorboard.io.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    SAME_POSITION_MM,
    SHEAR_TOLERANCE_MM,
    SPACING_TOLERANCE,
    plane_axes,
    positions_along_normal,
)

__all__ = ["sparse_stack"]


def sparse_stack(
    frames: Sequence[Frame], *, frame_of_reference: str
) -> tuple[Grid, NDArray[np.intp], tuple[str, ...]]:
    """Find the regular grid that frames with gaps between them stand on.

    Parameters
    ----------
    frames
        In any order; slices without a frame are allowed, which an image's are not.
    frame_of_reference
        UID for the grid.

    Returns
    -------
    tuple of Grid, ndarray and tuple of str
        The grid from the first to the last slice that has a frame; the slice of each frame, shape
        ``(n_frames,)``; notes.

    Raises
    ------
    GeometryError
        When the frames differ in orientation or spacing, or lie on no regular grid.
    MissingAttribute
        When all lie at one place and their thickness is not given.
    """
    first = frames[0]
    axes = plane_axes(first)
    for f in frames:
        turned = np.abs(plane_axes(f) - axes).max()
        if turned > ORIENTATION_TOLERANCE or f.header.pixel_spacing_mm != first.header.pixel_spacing_mm:
            raise GeometryError(
                "frames of a segmentation must share orientation and pixel spacing [mm]; "
                f"{f.name} differs from {first.name}; write the segmentation again on one grid"
            )
    along = positions_along_normal(frames)
    places = np.unique(along)
    places = places[np.concatenate([[True], np.diff(places) > SAME_POSITION_MM])]
    stated = first.header.spacing_between_slices_mm or first.header.slice_thickness_mm
    step, notes = _step(frames, places, stated)
    slices = np.rint((along - places[0]) / step).astype(np.intp)
    off = np.abs(along - places[0] - slices * step)
    positions = np.array([f.header.image_position_mm for f in frames], dtype=np.float64)
    lateral = np.abs((positions - positions[0]) @ axes[:, 1:]).max(axis=1)
    bad = (off > SPACING_TOLERANCE * step) | (lateral > SHEAR_TOLERANCE_MM)
    if bad.any():
        raise GeometryError(
            f"frames of a segmentation must lie on a regular grid with slices every {step:.4g} mm; "
            f"{name_some([f for f, b in zip(frames, bad, strict=True) if b])} lie up to "
            f"{max(off.max(), lateral.max()):.3g} mm off it; write it again on its image's grid"
        )
    row_spacing, column_spacing = first.header.pixel_spacing_mm or (np.nan, np.nan)
    grid = Grid(
        (int(slices.max()) + 1, first.header.rows or 0, first.header.columns or 0),
        (step, row_spacing, column_spacing),
        positions[int(np.argmin(along))],
        axes,
        frame_of_reference=frame_of_reference,
    )
    return grid, slices, notes


def _step(
    frames: Sequence[Frame], places: NDArray[np.float64], stated_mm: float | None
) -> tuple[float, tuple[str, ...]]:
    """Return the distance between slices [mm]: the stated one where it fits, else the smallest seen."""
    if len(places) == 1:
        if not stated_mm:
            raise MissingAttribute(
                "SpacingBetweenSlices (0018,0088) or SliceThickness (0018,0050) must be given when all "
                f"frames lie at one place [mm]; both are absent in {frames[0].header.path.name}"
            )
        return abs(stated_mm), ()
    gaps = np.diff(places)
    candidates = [abs(stated_mm)] if stated_mm else []
    for step in [*candidates, float(gaps.min())]:
        counts = np.rint(gaps / step)
        if (counts >= 1).all() and (np.abs(gaps - counts * step) <= SPACING_TOLERANCE * step).all():
            spacing = float(places[-1] - places[0]) / float(counts.sum())
            missing = int(counts.sum()) - len(gaps)
            note = f"{missing} slices between frames have none and count as outside"
            return spacing, (note,) if missing else ()
    raise GeometryError(
        "frames of a segmentation must lie at whole multiples of one slice distance [mm]; got distances from "
        f"{gaps.min():.4g} to {gaps.max():.4g} mm in {frames[0].header.path.name}; "
        "write the segmentation again on its image's grid"
    )
