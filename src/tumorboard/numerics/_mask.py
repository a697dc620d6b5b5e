"""What counts as a mask, and where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError

__all__ = ["bounding_box", "mask_values"]


def mask_values(mask: Image) -> NDArray[Any]:
    """Return the values of a boolean LABEL or FRACTION image; anything else is an InputError."""
    if mask.quantity is Quantity.FRACTION or (mask.quantity is Quantity.LABEL and mask.values.dtype == bool):
        return mask.values
    raise InputError(
        f"mask must be a boolean LABEL or a FRACTION image; got {mask.quantity} of dtype "
        f"{mask.values.dtype}; threshold it first"
    )


def bounding_box(inside: NDArray[np.bool_]) -> list[tuple[int, int]] | None:
    """Return (start, stop) of the true voxels along each axis (z, y, x); ``None`` when there are none."""
    box = []
    for axis in range(3):
        hit = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        if hit.size == 0:
            return None
        box.append((int(hit[0]), int(hit[-1]) + 1))
        inside = inside[(slice(None),) * axis + (slice(*box[-1]),)]
    return box
