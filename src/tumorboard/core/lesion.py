"""A lesion: where disease is, as a mask on an image's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record
from tumorboard.units import ML_PER_MM3

__all__ = ["Lesion"]


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """A named lesion.

    Parameters
    ----------
    name
        Unique within its case, e.g. ``"lesion 1"`` or ``"GTV-1"``.
    mask
        Boolean LABEL image with at least one voxel; crop it to the lesion's box to save memory.
    provenance
        How it was delineated.

    Raises
    ------
    InputError
        When the mask is empty or not boolean.
    """

    name: str
    mask: Image
    provenance: Record

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("name of a lesion must not be empty")
        if self.mask.quantity is not Quantity.LABEL or self.mask.values.dtype != bool:
            raise InputError(f"mask of {self.name!r} must be a boolean LABEL image; got {self.mask.quantity}")
        if not self.mask.values.any():
            raise InputError(f"mask of {self.name!r} must have at least one voxel; it is empty")

    @property
    def volume_ml(self) -> float:
        """Number of voxels times the voxel volume [mL]."""
        # count_nonzero of a bool array, in plain Python floats so that the number is exact
        spacing = self.mask.grid.spacing_mm
        return float(np.count_nonzero(self.mask.values) * spacing.prod() * ML_PER_MM3)

    @property
    def centroid_mm(self) -> NDArray[np.float64]:
        """Mean of the voxel centres, patient (x, y, z), shape ``(3,)`` [mm]."""
        return self.mask.grid.index_to_patient(np.argwhere(self.mask.values).mean(axis=0))
