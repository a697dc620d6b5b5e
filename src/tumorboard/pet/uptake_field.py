"""What a delineation rule is given, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.pet._kernels.region_growing import grow, label_extremes

__all__ = ["DelineationRule", "Found", "Growth", "Seed", "UptakeField"]


class Growth(Enum):
    """How far a lesion may grow from its seed."""

    WITHIN_SEED = "within_seed"
    FREE = "free"


@dataclass(frozen=True, slots=True, eq=False)
class Seed:
    """A connected set of voxels from which a lesion grows.

    ``label`` is its number in the labels it came with, ``peak`` the flat index of its hottest
    voxel, ``maximum`` the value there, ``box`` its slices (z, y, x).
    """

    label: int
    peak: int
    maximum: float
    box: tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Lesions found by a rule: ``labels`` (z, y, x), int32, and the threshold of each label."""

    labels: NDArray[np.int32]
    thresholds: dict[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class UptakeField:
    """Uptake with what the rules share: where lesions may be and what counts as a neighbour.

    Parameters
    ----------
    values
        Uptake (z, y, x), in the unit of ``quantity``.
    quantity
        What ``values`` measure.
    spacing_mm
        Along (z, y, x), shape ``(3,)`` [mm].
    allowed
        Where lesions may be, boolean (z, y, x).
    structure
        Neighbours, boolean (3, 3, 3).
    minimum_voxels
        Smaller lesions are dropped.
    has_region
        Whether ``allowed`` was drawn by someone, so that its parts can serve as seeds.
    steps
        Made from ``structure``: index steps to the neighbours, shape ``(n_neighbours, 3)``.
    """

    values: NDArray[Any]
    quantity: Quantity
    spacing_mm: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    structure: NDArray[np.bool_]
    minimum_voxels: int
    has_region: bool
    steps: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        steps = np.argwhere(self.structure) - 1
        object.__setattr__(self, "steps", steps[(steps != 0).any(axis=1)])

    def components(self, threshold: float) -> tuple[NDArray[np.int32], int]:
        """Return labels from 1, (z, y, x), and their number: allowed voxels of at least ``threshold``."""
        above = self.values >= threshold
        above &= self.allowed
        labels, count = ndimage.label(above, structure=self.structure)
        return labels, int(count)

    def seeds(self, threshold: float | None, growth: Growth) -> tuple[NDArray[np.int32], list[Seed]]:
        """Return labelled seeds, (z, y, x), and their list, hottest first.

        Seeds are the connected voxels with at least ``threshold``, or, when it is ``None``,
        the connected parts of the region that the caller drew.
        """
        if threshold is None:
            if not self.has_region:
                raise InputError(
                    "seed_threshold may be None only when a region is given, whose parts are then the seeds; "
                    "got no region; pass region=mask or a seed_threshold in the image's unit"
                )
            labels, count = ndimage.label(self.allowed, structure=self.structure)
        else:
            labels, count = self.components(threshold)
        counts, peaks, boxes = extremes(labels, self.values, int(count))
        # What may not grow beyond its seed cannot reach the smallest volume if the seed does not.
        floor = self.minimum_voxels if growth is Growth.WITHIN_SEED else 1
        values = self.values.reshape(-1)
        seeds = [
            Seed(int(n) + 1, int(peaks[n]), float(values[peaks[n]]), box_slices(boxes[n]))
            for n in np.flatnonzero(counts >= floor)
        ]
        return labels, sorted(seeds, key=lambda seed: (-seed.maximum, seed.peak))


class Grower:
    """Grows lesions one after the other into one array of labels, hotter ones first."""

    def __init__(self, uptake: UptakeField, seed_labels: NDArray[np.int32], growth: Growth) -> None:
        self.labels = np.zeros(uptake.values.shape, dtype=np.int32)
        self._uptake = uptake
        self._queue = np.empty(uptake.values.size, dtype=np.int64)
        self._within = growth is Growth.WITHIN_SEED
        self._zone: NDArray[Any] = seed_labels if self._within else uptake.allowed.view(np.uint8)

    def is_taken(self, seed: Seed) -> bool:
        """Whether the seed's hottest voxel belongs to a lesion that was grown before."""
        return bool(self.labels.reshape(-1)[seed.peak] != 0)

    def grow(self, seed: Seed, threshold: float, label: int) -> NDArray[np.int64]:
        """Grow from the seed's hottest voxel; return the flat indices of the lesion's voxels."""
        uptake, zone_label = self._uptake, seed.label if self._within else 1
        count = grow(
            uptake.values,
            self._zone,
            zone_label,
            seed.peak,
            threshold,
            uptake.steps,
            self.labels,
            label,
            self._queue,
        )
        found: NDArray[np.int64] = self._queue[:count]
        return found

    def undo(self, lesion: NDArray[np.int64]) -> None:
        """Take back what :meth:`grow` returned."""
        self.labels.reshape(-1)[lesion] = 0


class DelineationRule(ABC):
    """How lesions are told from what is around them; one frozen dataclass per rule."""

    #: Keys of the papers that state the rule.
    references: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def find(self, uptake: UptakeField) -> Found:
        """Label the lesions."""

    def parameters(self) -> dict[str, Any]:
        """Return the settings as JSON-serialisable values."""
        settings: dict[str, Any] = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            settings[entry.name] = value.value if isinstance(value, Enum) else value
        return settings


def extremes(
    labels: NDArray[np.int32], values: NDArray[Any], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return voxel counts, flat indices of the hottest voxels and boxes (n, 6) of labels 1 to ``count``."""
    counts, peaks = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    boxes = np.zeros((count, 6), dtype=np.int64)
    label_extremes(labels, values, counts, peaks, boxes)
    return counts, peaks, boxes


def box_slices(box: NDArray[np.int64]) -> tuple[slice, slice, slice]:
    """Return slices (z, y, x) of first and last indices ``(z, z, y, y, x, x)``."""
    z0, z1, y0, y1, x0, x1 = (int(n) for n in box)
    return slice(z0, z1 + 1), slice(y0, y1 + 1), slice(x0, x1 + 1)


def require_percent(name: str, percent: float) -> None:
    """Raise InputError unless 0 < percent <= 100."""
    if not 0.0 < percent <= 100.0:
        raise InputError(f"{name} must be > 0 and <= 100 [%]; got {percent!r}")


def require_seed_threshold(threshold: float | None) -> None:
    """Raise InputError unless the threshold is absent or positive and finite."""
    if threshold is not None and not (np.isfinite(threshold) and threshold > 0):
        raise InputError(
            f"seed_threshold must be finite and > 0 in the image's unit, or None; got {threshold!r}"
        )
