"""Doses at volumes, with weighted voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["dose_at_volume"]


def dose_at_volume(
    dose: NDArray[np.float64], voxel_weights: NDArray[np.float64], volume_percent: float
) -> float:
    """Return the highest dose of a voxel that the hottest ``volume_percent`` of the volume has at least."""
    order = np.argsort(-dose, kind="stable")
    volume = np.cumsum(voxel_weights[order])
    # Rounding of the sum must not move a share that is met exactly to the next voxel.
    place = int(np.searchsorted(volume, volume_percent / 100.0 * volume[-1] * (1.0 - 1e-12)))
    return float(dose[order[min(place, len(order) - 1)]])
