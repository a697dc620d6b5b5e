"""Which source voxels a target voxel is made of, along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Taps", "conservative_taps", "linear_taps", "nearest_taps"]

#: Positions closer to a voxel centre than this are at it [voxels]: far above rounding, far below use.
_SNAP = 1e-7


@dataclass(frozen=True, slots=True)
class Taps:
    """Source voxels of each target voxel along one axis.

    Parameters
    ----------
    first
        Index of the first source voxel, shape ``(n_target,)``.
    count
        Number of source voxels, shape ``(n_target,)``; 0 where there are none.
    weight
        Their weights, shape ``(n_target, max(count))``.
    covered
        Share of the target voxel that the source covers, 0 to 1, shape ``(n_target,)``.
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    covered: NDArray[np.float64]


def linear_taps(start: float, step: float, n_target: int, n_source: int) -> Taps:
    """Return linear weights; ``start + i step`` is where target voxel ``i`` lies [source voxels].

    A tap of weight zero is left out, so that NaN spreads only to voxels that are made of it.
    """
    at = _snapped(start + step * np.arange(n_target))
    inside = (at >= -0.5 - _SNAP) & (at <= n_source - 0.5 + _SNAP)
    at = np.clip(at, 0, n_source - 1)
    first = np.floor(at).astype(np.int64)
    far = at - first
    weight = np.stack([1 - far, far], axis=1)
    return Taps(first, np.where(inside, 1 + (far > 0), 0), weight, inside.astype(np.float64))


def nearest_taps(start: float, step: float, n_target: int, n_source: int) -> Taps:
    """Return the nearest source voxel, the higher of two equally near ones; arguments as above."""
    at = _snapped(start + step * np.arange(n_target))
    inside = (at >= -0.5 - _SNAP) & (at <= n_source - 0.5 + _SNAP)
    first = np.clip(np.floor(at + 0.5 + _SNAP), 0, n_source - 1).astype(np.int64)
    return Taps(first, inside.astype(np.int64), np.ones((n_target, 1)), inside.astype(np.float64))


def conservative_taps(
    start: float, step: float, n_target: int, n_source: int, *, share_of_source: bool
) -> Taps:
    """Return overlap lengths, as shares of the source voxel or of the target voxel."""
    centre = start + step * np.arange(n_target)
    low, high = centre - abs(step) / 2, centre + abs(step) / 2
    low_in, high_in = np.clip(low, -0.5, n_source - 0.5), np.clip(high, -0.5, n_source - 0.5)
    # An overlap of less than the snap length is rounding: it must not bring in a neighbour's NaN.
    first = np.minimum(np.floor(low_in + 0.5 + _SNAP), n_source - 1).astype(np.int64)
    last = np.maximum(np.ceil(high_in + 0.5 - _SNAP) - 1, first).astype(np.int64)
    covered = np.where(high_in - low_in > _SNAP, (high_in - low_in) / (high - low), 0.0)
    count = np.where(covered > 0, last - first + 1, 0)
    source = first[:, None] + np.arange(max(1, int(count.max(initial=0))))
    overlap = np.minimum(high_in[:, None], source + 0.5) - np.maximum(low_in[:, None], source - 0.5)
    weight = np.clip(overlap, 0, None)
    if not share_of_source:
        weight /= (high - low)[:, None]
    return Taps(first, count, weight, covered)


def _snapped(at: NDArray[np.floating]) -> NDArray[np.float64]:
    nearest = np.round(at)
    return np.asarray(np.where(np.abs(at - nearest) < _SNAP, nearest, at), np.float64)
