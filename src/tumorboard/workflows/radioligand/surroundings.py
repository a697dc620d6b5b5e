"""The part of a scan around lesions, what it is made of, and how many decays happen in its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.image import Image
from tumorboard.dosimetry.voxel_dose import DecayMap
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.physics.hounsfield import schneider2000
from tumorboard.physics.materials import material
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.time_course import RegionCourse

__all__ = ["body_outline", "decay_map", "medium_around", "window_around"]

#: The body is where activity, blurred by so much, is more than this share of its mean where there is any.
_BLUR_MM: Final = 8.0
_BODY_SHARE: Final = 0.05


def window_around(
    masks: Sequence[Image], margin_mm: float
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return first and past-the-last voxel along (z, y, x) of the box around all masks.

    Parameters
    ----------
    masks
        FRACTION on one grid, one or more.
    margin_mm
        On all sides, cut off at the edges of the grid [mm].

    Raises
    ------
    InputError
        When no voxel is covered.
    """
    grid = masks[0].grid
    covered = np.argwhere(np.any([m.values > 0 for m in masks], axis=0))
    if covered.size == 0:
        raise InputError("lesions must cover at least one voxel of the last scan; none does")
    margin = np.ceil(margin_mm / grid.spacing_mm).astype(int)
    low = np.maximum(covered.min(axis=0) - margin, 0).tolist()
    high = np.minimum(covered.max(axis=0) + 1 + margin, grid.shape).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def body_outline(scan: Image) -> NDArray[np.bool_]:
    """Return where the body is, as far as activity shows: shape of the scan's grid, holes filled by slice.

    Parameters
    ----------
    scan
        ACTIVITY_CONCENTRATION [Bq/mL].
    """
    values = np.maximum(np.asarray(scan.values, np.float32), 0.0)
    blurred = ndimage.gaussian_filter(values, _BLUR_MM / scan.grid.spacing_mm)
    mean = float(values[values > 0].mean())
    return np.stack([ndimage.binary_fill_holes(one) for one in blurred >= _BODY_SHARE * mean])


def medium_around(
    scan: Image, ct: Image | None, start: tuple[int, int, int], stop: tuple[int, int, int]
) -> tuple[TransportMedium, str]:
    """Return what the voxels of a part of the scan are made of, and that in words.

    Parameters
    ----------
    scan
        The whole scan.
    ct
        CT_NUMBER in its frame of reference, or ``None``.
    start, stop
        Of the part, along (z, y, x).
    """
    grid = scan.grid.crop(start, stop)
    if ct is not None:
        carried = resample(ct, grid, method=Interpolation.LINEAR, outside=-1024.0)
        return (
            TransportMedium.of_ct(carried, schneider2000()),
            "the CT in the scan's frame of reference, by Schneider's calibration",
        )
    window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    inside = body_outline(scan)[window]
    water, air = material("water, liquid"), material("air, dry")
    density = np.where(inside, water.density_g_cm3, air.density_g_cm3)
    words = (
        "water inside the body, whose outline is taken from the activity; there is no CT in the scan's frame "
        "of reference"
    )
    return TransportMedium(grid, density, np.where(inside, 0, 1).astype(np.uint16), (water, air)), words


def decay_map(
    part: Image, masks: Sequence[NDArray[np.floating]], courses: Sequence[RegionCourse], rest: RegionCourse
) -> DecayMap:
    """Return the decays in each voxel, spread within every region as the last scan shows.

    Parameters
    ----------
    part
        The last scan around the lesions, as it was at its time [Bq/mL].
    masks
        Share of each voxel in each lesion, shape of the part.
    courses
        Of each lesion.
    rest
        Of all that is no lesion.

    Returns
    -------
    DecayMap
    """
    covered = np.sum(masks, axis=0, dtype=np.float64)
    scale = 1.0 / np.maximum(covered, 1.0)  # where lesions overlap they share
    factor_s = _per_last_activity_s(rest) * np.maximum(1.0 - covered, 0.0)
    for mask, course in zip(masks, courses, strict=True):
        factor_s += mask * scale * _per_last_activity_s(course)
    record = Record(
        "workflows.radioligand.decay_map",
        {},
        (part.provenance, rest.provenance, *(c.provenance for c in courses)),
    )
    return DecayMap.of_concentration(np.maximum(part.values, 0.0) * factor_s, part.grid, record)


def _per_last_activity_s(course: RegionCourse) -> float:
    """Return decays by activity at the last scan [s]."""
    return course.decays / float(course.samples.activity_bq[-1])
