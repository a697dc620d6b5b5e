"""Factors that files state slice by slice, put in the order of an image's planes and frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.acquisition import PetSlice
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import Grid
from tumorboard.errors import InputError, MissingAttribute

__all__ = ["factors_by_frame", "factors_by_plane"]

_Z_TOLERANCE: Final = 0.05
_TIME_TOLERANCE_S: Final = 1.0


def factors_by_plane(
    factors: NDArray[np.float64], slices: Sequence[PetSlice], grid: Grid
) -> NDArray[np.float64]:
    """Put one factor per slice in the order of the planes of a grid, by position.

    Parameters
    ----------
    factors
        One per slice, shape ``(n_slices,)``.
    slices
        Where they belong.
    grid
        Grid of the image.

    Returns
    -------
    ndarray
        Shape ``(grid.shape[0],)``.

    Raises
    ------
    MissingAttribute
        When a slice does not say its position.
    InputError
        When a plane is no slice, or is several with different factors.
    """
    per_plane = np.full(grid.shape[0], math.nan)
    for plane, members in enumerate(_slices_on_planes(slices, grid)):
        here = factors[members]
        if not np.allclose(here, here[0], rtol=1e-9, atol=0.0):
            raise InputError(
                f"every plane must have one factor; plane {plane} has several, as in a dynamic series; "
                "pass the acquisition of one frame, or the dynamic image"
            )
        per_plane[plane] = here[0]
    return per_plane


def factors_by_frame(
    factors: NDArray[np.float64], slices: Sequence[PetSlice], image: DynamicImage
) -> NDArray[np.float64]:
    """Put one factor per slice in the order of a dynamic image's frames and planes, by time and position.

    Parameters
    ----------
    factors
        One per slice, shape ``(n_slices,)``.
    slices
        Where and when they belong.
    image
        Its slices must have one acquisition time for each frame.

    Returns
    -------
    ndarray
        Shape ``(n_frames, n_planes)``.

    Raises
    ------
    MissingAttribute
        When a slice does not say its position.
    InputError
        When the slices of a plane are not the frames of the image: in number, by start, or by duration.
    """
    per_frame = np.empty((image.n_frames, image.grid.shape[0]))
    for plane, members in enumerate(_slices_on_planes(slices, image.grid)):
        starts = [slices[k].acquisition_start for k in members]
        known = [start for start in starts if start is not None]
        if len(known) != image.n_frames or len(set(known)) != len(members):
            raise InputError(
                f"every plane must have one slice for each of the {image.n_frames} frames, at a time of its "
                f"own; plane {plane} has {len(members)} slices at {len(set(known))} times; pass the "
                "acquisition of the same series as the image"
            )
        first = min(known)
        begun_s = np.array([(start - first).total_seconds() for start in known])
        order = np.argsort(begun_s)
        lasted_s = np.array([slices[k].frame_duration_s or 0.0 for k in members])
        expected_s = image.frame_start_s - image.frame_start_s[0]
        off_s = np.maximum(
            np.abs(begun_s[order] - expected_s), np.abs(lasted_s[order] - image.frame_duration_s)
        )
        if off_s.max() > _TIME_TOLERANCE_S:
            raise InputError(
                f"slices must start and last as the frames do within {_TIME_TOLERANCE_S:g} s; got a "
                f"difference of {off_s.max():.6g} s in plane {plane}, frame {int(off_s.argmax())}; pass the "
                "acquisition of the same series as the image"
            )
        per_frame[:, plane] = factors[members][order]
    return per_frame


def _slices_on_planes(slices: Sequence[PetSlice], grid: Grid) -> list[NDArray[np.intp]]:
    """Return the indices of the slices on each plane of a grid."""
    positions = [part.position_mm for part in slices]
    if any(position is None for position in positions):
        raise MissingAttribute(
            "Image Position (Patient) (0020,0032) must be present for every slice, since each has its "
            "own factor; a file has none; correct slices"
        )
    z = grid.patient_to_index(np.array(positions, dtype=np.float64))[:, 0]
    nearest = np.rint(z)
    on_plane = np.where(np.abs(z - nearest) <= _Z_TOLERANCE, nearest, -1)
    members = [np.flatnonzero(on_plane == plane) for plane in range(grid.shape[0])]
    for plane, here in enumerate(members):
        if not here.size:
            raise InputError(
                f"every plane must be a slice of the acquisition within {_Z_TOLERANCE:g} of a plane; plane "
                f"{plane} is none; convert to uptake values before resampling"
            )
    return members
