"""Find the deformation between two images, by SimpleITK's diffeomorphic demons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorboard.core.image import Image
from tumorboard.core.transform import Deformation, RigidTransform
from tumorboard.numerics._itk import itk_image, listened, sitk
from tumorboard.numerics._registration_levels import (
    RegistrationLevel,
    Tell,
    check_images,
    check_joins,
    made_by,
    pyramid,
)
from tumorboard.numerics.registration_config import DeformableRegistrationConfig, ValueMatch
from tumorboard.numerics.registration_quality import correlation_through, jacobian_determinant
from tumorboard.numerics.resample import Interpolation
from tumorboard.numerics.transformed import resample_through
from tumorboard.provenance import Record

__all__ = ["DeformableRegistration", "register_deformable"]


@dataclass(frozen=True, slots=True, eq=False)
class DeformableRegistration:
    """A deformation, and how well it brings the images together.

    Parameters
    ----------
    config
        The choices.
    transform
        From the fixed image's frame to the moving image's, the initial motion in it, on the grid of the
        finest level.
    levels
        From coarse to fine.
    correlation_before, correlation_after
        As for :class:`RigidRegistration`; before: with the initial motion alone.
    jacobian_min, jacobian_max
        Smallest and largest determinant of the Jacobian; not above 0 space is folded.
    provenance
        How it came about.
    """

    config: DeformableRegistrationConfig
    transform: Deformation
    levels: tuple[RegistrationLevel, ...]
    correlation_before: float
    correlation_after: float
    jacobian_min: float
    jacobian_max: float
    provenance: Record


def register_deformable(
    fixed: Image,
    moving: Image,
    config: DeformableRegistrationConfig,
    *,
    initial: RigidTransform,
    fixed_mask: Image | None = None,
    progress: Tell | None = None,
) -> DeformableRegistration:
    """Find the free form that, before a rigid motion, takes places of one image to the same ones of another.

    Demons take values of the same place for equal: where uptake has changed, they move what has not. The
    field is smoothed after each iteration; its steps are exponentiated, so that space does not fold. All in
    one unit of work, so that the result is the same for any number of threads.

    Parameters
    ----------
    fixed, moving
        No NaN, at least 4 voxels along each axis.
    config
        The choices.
    initial
        From the fixed image's frame to the moving image's: as :func:`register_rigid` finds it.
    fixed_mask
        LABEL or FRACTION in the fixed image's frame: outside, the fixed image is taken to be what the moving
        one is there, so that nothing pulls.
    progress
        Told level and levels. What it raises ends the registration.

    Returns
    -------
    DeformableRegistration

    Raises
    ------
    GridMismatch
        When frames of reference do not fit.
    InputError
        When an image cannot be registered.

    References
    ----------
    .. [1] vercauteren2009demons
    .. [2] lowekamp2013simpleitk

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> grid = Grid((12, 12, 12), (4.0,) * 3, (0, 0, 0), AXIAL, frame_of_reference="1.2")
    >>> z, y, x = np.indices(grid.shape)
    >>> made = lambda w: np.exp(-((z - 5.5) ** 2 + (y - 5.5) ** 2 + ((x - 5.5) / w) ** 2) / 8)
    >>> fixed, wider = (Image(made(w), grid, Quantity.UNCALIBRATED, Record("example")) for w in (1.0, 1.2))
    >>> stay = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
    >>> config = DeformableRegistrationConfig(ValueMatch.NONE, smoothing_mm=6.0, spacings_mm=(4.0,))
    >>> found = register_deformable(fixed, wider, config, initial=stay)
    >>> found.correlation_after > found.correlation_before
    True
    """
    check_images(fixed, moving, fixed_mask)
    check_joins(initial, fixed, moving)
    field: Any = None
    levels = []
    for number, pair in enumerate(pyramid(fixed, moving, fixed_mask, config.spacings_mm)):
        grid = pair.fixed.grid
        brought = resample_through(pair.moving, grid, initial, method=Interpolation.LINEAR, outside=np.nan)
        there = np.asarray(brought.values, np.float32)
        # Where the moving image does not reach, and outside of the mask, both are made alike: no force.
        known = np.isfinite(there) if pair.mask is None else np.isfinite(there) & pair.mask
        here = np.where(known, pair.fixed.values, 0.0).astype(np.float32)
        there = np.where(known, there, 0.0).astype(np.float32)
        images = [itk_image(one, grid) for one in (here, there)]
        if config.match is ValueMatch.HISTOGRAM:
            images[1] = sitk.HistogramMatching(images[1], images[0], 256, 7, True)
        field, level = _level(images, field, config, grid.spacing_mm, _told(progress, number, config))
        levels.append(level)
    free = Deformation(sitk.GetArrayFromImage(field).astype(np.float32), grid, grid.frame_of_reference)
    found = Deformation.sampled(grid, free, initial)
    determinant = jacobian_determinant(found)
    return DeformableRegistration(
        config=config,
        transform=found,
        levels=tuple(levels),
        correlation_before=correlation_through(pair.fixed, pair.moving, initial, mask=pair.mask),
        correlation_after=correlation_through(pair.fixed, pair.moving, found, mask=pair.mask),
        jacobian_min=float(determinant.min()),
        jacobian_max=float(determinant.max()),
        provenance=made_by(
            "numerics.register_deformable",
            fixed,
            moving,
            fixed_mask,
            config.to_dict(),
            initial,
            ("vercauteren2009demons", "lowekamp2013simpleitk"),
        ),
    )


def _told(progress: Tell | None, number: int, config: DeformableRegistrationConfig) -> Callable[[], None]:
    def tell() -> None:
        if progress is not None:
            progress("registering", number, len(config.spacings_mm))

    return tell


def _level(
    images: list[Any],
    field: Any,
    config: DeformableRegistrationConfig,
    spacing_mm: Any,
    tell: Callable[[], None],
) -> tuple[Any, RegistrationLevel]:
    """Improve a field, or begin one, at one resolution."""
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(config.iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations((config.smoothing_mm / spacing_mm[::-1]).tolist())
    start = []
    if field is not None:
        finer = sitk.Resample(
            field, images[0], sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkVectorFloat64, True
        )
        start = [finer]
    with listened(demons, tell) as metric:
        found = demons.Execute(*images, *start)
    z, y, x = spacing_mm.tolist()
    reason = f"all {demons.GetElapsedIterations()} iterations done"
    return found, RegistrationLevel((z, y, x), tuple(metric), reason)
