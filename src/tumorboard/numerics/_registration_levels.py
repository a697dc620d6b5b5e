"""What rigid and deformable registration share: levels of resolution, checks, the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.transform import PointTransform, RigidTransform, require_frames
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.provenance import Record

__all__ = ["LevelPair", "RegistrationLevel", "Tell", "check_images", "check_joins", "made_by", "pyramid"]

#: Blur of each level by its own voxel: linear interpolation between bare voxels makes the metric bumpy.
_BLUR_VOXELS: Final = 0.5
#: ITK's filters need so many voxels along each axis.
_LEAST_VOXELS: Final = 4

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class RegistrationLevel:
    """What happened at one resolution.

    Parameters
    ----------
    spacing_mm
        Voxels of the fixed image along (z, y, x) [mm].
    metric
        At each iteration: the lower, the better.
    stop_reason
        Why the level ended.
    """

    spacing_mm: tuple[float, float, float]
    metric: tuple[float, ...]
    stop_reason: str


@dataclass(frozen=True, slots=True, eq=False)
class LevelPair:
    """Both images, and where the fixed one counts, in the voxels of a level."""

    fixed: Image
    moving: Image
    mask: NDArray[np.bool_] | None


def check_images(fixed: Image, moving: Image, mask: Image | None) -> None:
    """Raise InputError unless both images and the mask can be used."""
    for name, image in (("fixed", fixed), ("moving", moving)):
        if min(image.grid.shape) < _LEAST_VOXELS:
            raise InputError(
                f"{name} image must have at least {_LEAST_VOXELS} voxels along each axis; "
                f"got {image.grid.shape}"
            )
        low, high = float(image.values.min()), float(image.values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(f"{name} image must be finite; it has NaN or infinity; fill them first")
        if not high > low:
            raise InputError(f"{name} image must have more than one value; all are {low:g}")
    if mask is not None and mask.quantity not in (Quantity.LABEL, Quantity.FRACTION):
        raise InputError(f"fixed_mask must be a LABEL or FRACTION image; got {mask.quantity.value}")


def check_joins(transform: PointTransform, fixed: Image, moving: Image) -> None:
    """Raise GridMismatch unless the transform leads from one image to the other."""
    require_frames(
        transform,
        from_frame=fixed.grid.frame_of_reference,
        to_frame=moving.grid.frame_of_reference,
    )


def pyramid(
    fixed: Image, moving: Image, mask: Image | None, spacings_mm: tuple[float, ...]
) -> Iterator[LevelPair]:
    """Yield both images averaged to coarse voxels first."""
    for mm in spacings_mm:
        grid = _coarser(fixed.grid, mm)
        inside = None
        if mask is not None:
            share = Image(mask.values.astype(np.float32), mask.grid, Quantity.FRACTION, mask.provenance)
            inside = resample(share, grid, method=Interpolation.CONSERVATIVE, outside=0.0).values >= 0.5
            if not inside.any():
                raise InputError(f"fixed_mask must hold at least one voxel of {mm:g} mm; it holds none")
        yield LevelPair(_blurred(fixed, grid), _blurred(moving, _coarser(moving.grid, mm)), inside)


def _coarser(grid: Grid, mm: float) -> Grid:
    """Return a grid over exactly the same box, with voxels of about a size, none smaller than its own."""
    extent = np.array(grid.shape) * grid.spacing_mm
    least = np.minimum(grid.shape, _LEAST_VOXELS)
    shape = np.clip(np.floor(extent / mm + 1e-6), least, grid.shape).astype(int)
    spacing = extent / shape
    origin = grid.index_to_patient(0.5 * (spacing - grid.spacing_mm) / grid.spacing_mm)
    return Grid(shape, spacing, origin, grid.direction, frame_of_reference=grid.frame_of_reference)


def _blurred(image: Image, grid: Grid) -> Image:
    plain = image
    if image.quantity in (Quantity.LABEL, Quantity.COUNTS):
        # As plain numbers: no volume is kept here, and labels would not be averaged.
        plain = Image(image.values.astype(np.float32), image.grid, Quantity.UNCALIBRATED, image.provenance)
    mean = resample(plain, grid, method=Interpolation.CONSERVATIVE, outside=0.0)
    soft = ndimage.gaussian_filter(np.asarray(mean.values, np.float32), _BLUR_VOXELS, mode="nearest")
    return Image(soft, grid, plain.quantity, mean.provenance)


def made_by(
    operation: str,
    fixed: Image,
    moving: Image,
    mask: Image | None,
    choices: dict[str, Any],
    begun: RigidTransform,
    references: tuple[str, ...],
) -> Record:
    """Return the record of a registration."""
    inputs = (fixed.provenance, moving.provenance, *(() if mask is None else (mask.provenance,)))
    return Record(operation, {**choices, "initial": begun.to_dict()}, inputs, references)
