"""How values of each quantity are shown at first, in pictures and viewer alike."""

from __future__ import annotations

import numpy as np

from tumorboard.core.image import Image, Quantity

__all__ = ["first_window", "outside_value"]


def first_window(image: Image) -> tuple[float, float]:
    """Return the values shown as darkest and brightest, in the image's unit."""
    if image.quantity is Quantity.CT_NUMBER:
        return (-160.0, 240.0)  # soft tissue: width 400 HU, level 40 HU
    if image.quantity.is_suv:
        return (0.0, 8.0)
    sample = image.values[::2, ::2, ::2]
    positive = sample[np.isfinite(sample) & (sample > 0)]
    high = float(np.percentile(positive, 99.5)) if positive.size else 1.0
    return (0.0, high)


def outside_value(image: Image) -> float:
    """Return what lies around the patient: air for CT, nothing for the rest."""
    return -1024.0 if image.quantity is Quantity.CT_NUMBER else 0.0
