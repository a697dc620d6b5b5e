"""Find the motion between two images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tumorboard.core.image import Image
from tumorboard.core.transform import RigidTransform
from tumorboard.errors import InputError
from tumorboard.numerics._registration_levels import (
    LevelPair,
    RegistrationLevel,
    Tell,
    check_images,
    check_joins,
    made_by,
    pyramid,
)
from tumorboard.numerics._rigid_descent import descended
from tumorboard.numerics._rigid_similarity import RigidSimilarity
from tumorboard.numerics.registration_config import RigidRegistrationConfig, Similarity, Start
from tumorboard.numerics.registration_quality import correlation_through
from tumorboard.provenance import Record

__all__ = ["RegistrationLevel", "RigidRegistration", "register_rigid"]


@dataclass(frozen=True, slots=True, eq=False)
class RigidRegistration:
    """A motion, and how well it brings the images together.

    Parameters
    ----------
    config
        The choices.
    initial
        Where it started from.
    transform
        From the fixed image's frame to the moving image's.
    levels
        From coarse to fine.
    correlation_before, correlation_after
        Of the values, where both images are, at the start and with the transform; 1 is a linear function.
        Of images of different kinds it says little.
    provenance
        How it came about.
    """

    config: RigidRegistrationConfig
    initial: RigidTransform
    transform: RigidTransform
    levels: tuple[RegistrationLevel, ...]
    correlation_before: float
    correlation_after: float
    provenance: Record


def register_rigid(
    fixed: Image,
    moving: Image,
    config: RigidRegistrationConfig,
    *,
    initial: RigidTransform | None = None,
    fixed_mask: Image | None = None,
    progress: Tell | None = None,
) -> RigidRegistration:
    """Find the rotation and shift that take places of one image to the same places of another.

    Both images are averaged to the voxels of each level, and the moving one is a cubic spline between them.
    All voxels count. Each step goes to the lowest point of a parabola within a radius that grows and shrinks
    with how well the parabola told the metric (Gauss-Newton for squares and correlation, the scatter of the
    scores for mutual information); a step that does not improve the metric is not made, so that a level never
    ends with a worse one than it began with. Turns are about the centre of the fixed image's values. The
    result is the same for any number of threads.

    Parameters
    ----------
    fixed, moving
        No NaN, at least 4 voxels along each axis.
    config
        The choices.
    initial
        From the fixed image's frame to the moving image's, to start from; ``None``: as ``config.start`` says.
    fixed_mask
        LABEL or FRACTION in the fixed image's frame: only where it is half or more counts.
    progress
        Told level and levels. What it raises ends the registration.

    Returns
    -------
    RigidRegistration

    Raises
    ------
    GridMismatch
        When frames of reference do not fit.
    InputError
        When an image cannot be registered, or the images do not overlap at the start.

    References
    ----------
    .. [1] mattes2003pet
    .. [2] thevenaz1998pyramid
    .. [3] berndt1974estimation

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> z, y, x = np.indices((12, 12, 12))
    >>> blob = 100.0 * np.exp(-((z - 5.0) ** 2 + (y - 6.0) ** 2 / 2 + (x - 6.0) ** 2 / 4) / 4)
    >>> grids = [Grid(blob.shape, (4.0,) * 3, (x, 0, 0), AXIAL, frame_of_reference="1.2") for x in (0, 3)]
    >>> fixed, moving = (Image(blob, grid, Quantity.UNCALIBRATED, Record("example")) for grid in grids)
    >>> config = RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (4.0,))
    >>> found = register_rigid(fixed, moving, config)
    >>> found.transform.apply([24.0, 24.0, 20.0]).round(1).tolist()
    [27.0, 24.0, 20.0]
    """
    check_images(fixed, moving, fixed_mask)
    begun = _begin(fixed, moving, config.start) if initial is None else initial
    check_joins(begun, fixed, moving)
    now, levels = begun, []
    for number, pair in enumerate(pyramid(fixed, moving, fixed_mask, config.spacings_mm)):
        now, level = _executed(config, pair, now, number, progress)
        levels.append(level)
    finest = pair
    mutual = config.similarity is Similarity.MUTUAL_INFORMATION
    return RigidRegistration(
        config=config,
        initial=begun,
        transform=now,
        levels=tuple(levels),
        correlation_before=correlation_through(finest.fixed, finest.moving, begun, mask=finest.mask),
        correlation_after=correlation_through(finest.fixed, finest.moving, now, mask=finest.mask),
        provenance=made_by(
            "numerics.register_rigid",
            fixed,
            moving,
            fixed_mask,
            config.to_dict(),
            begun,
            ("mattes2003pet", "berndt1974estimation") if mutual else ("thevenaz1998pyramid",),
        ),
    )


def _begin(fixed: Image, moving: Image, start: Start) -> RigidTransform:
    ends = []
    for image in (fixed, moving):
        centre = image.grid.corners_mm.mean(axis=0)
        if start is Start.CENTRES_OF_VALUES:
            weight = np.maximum(np.asarray(image.values, np.float64), 0.0)
            if not weight.any():
                raise InputError(
                    f"start must not be {start.name} where an image has no value above 0; the highest is "
                    f"{float(np.max(image.values)):g}; choose another start"
                )
            centre = image.grid.index_to_patient(ndimage.center_of_mass(weight))
        ends.append(centre)
    shift = np.zeros(3) if start is Start.SAME_COORDINATES else ends[1] - ends[0]
    frames = fixed.grid.frame_of_reference, moving.grid.frame_of_reference
    return RigidTransform(np.eye(3), shift, *frames)


def _executed(
    config: RigidRegistrationConfig,
    pair: LevelPair,
    start: RigidTransform,
    number: int,
    progress: Tell | None,
) -> tuple[RigidTransform, RegistrationLevel]:
    similarity, metric = RigidSimilarity(config, pair, start), []
    begun = similarity.at(start)
    if begun is None:
        raise InputError(
            "fixed and moving image must overlap, with values that differ, where the registration starts; "
            "they do not; choose another start, or give an initial transform"
        )

    def told(value: float) -> None:
        metric.append(value)
        if progress is not None:
            progress("registering", number, len(config.spacings_mm))

    spacing = pair.fixed.grid.spacing_mm.tolist()
    found, reason = descended(
        similarity,
        start,
        begun,
        voxel_mm=max(spacing),
        least_step_mm=config.least_step_mm,
        iterations=config.iterations,
        told=told,
    )
    return found, RegistrationLevel((spacing[0], spacing[1], spacing[2]), tuple(metric), reason)
