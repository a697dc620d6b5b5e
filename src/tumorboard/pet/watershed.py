"""Delineation where uptake falls fastest: a watershed of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.errors import InputError
from tumorboard.pet._kernels.watershed import flood
from tumorboard.pet.placement import padded
from tumorboard.pet.uptake_field import (
    DelineationRule,
    Found,
    Grower,
    Growth,
    Seed,
    UptakeField,
    require_percent,
    require_seed_threshold,
)

__all__ = ["GradientWatershed"]


@dataclass(frozen=True, slots=True)
class GradientWatershed(DelineationRule):
    """The border lies where the gradient is steepest between the lesion's core and its surroundings.

    Marker-controlled flooding (Meyer's algorithm [1]_) of the gradient magnitude, as in
    gradient-based delineation of PET [2]_. A core is what is connected to a seed's hottest voxel
    with at least ``core_percent`` of it, inside the seed; the background marker is everything
    farther than ``margin_mm`` from any seed, and what the caller excluded. Touching seeds share
    the voxels between their cores by the same rule.

    Parameters
    ----------
    core_percent
        Of the seed's hottest voxel [%].
    margin_mm
        How far outside its seed a lesion may reach [mm].
    smoothing_mm
        Standard deviation of the Gaussian applied before the gradient [mm]; 0 for none.
    seed_threshold
        As for :class:`~tumorboard.pet.PercentOfMaximum`.

    References
    ----------
    .. [1] meyer1990segmentation
    .. [2] geets2007gradient
    """

    core_percent: float
    margin_mm: float
    smoothing_mm: float
    seed_threshold: float | None
    references: ClassVar[tuple[str, ...]] = ("meyer1990segmentation", "geets2007gradient")

    def __post_init__(self) -> None:
        require_percent("core_percent", self.core_percent)
        require_seed_threshold(self.seed_threshold)
        if not (np.isfinite(self.margin_mm) and self.margin_mm > 0):
            raise InputError(f"margin_mm must be finite and > 0 [mm]; got {self.margin_mm!r}")
        if not (np.isfinite(self.smoothing_mm) and self.smoothing_mm >= 0):
            raise InputError(f"smoothing_mm must be finite and >= 0 [mm]; got {self.smoothing_mm!r}")

    def find(self, uptake: UptakeField) -> Found:
        """Flood from every seed's core and from the background at once."""
        seed_labels, seeds = uptake.seeds(self.seed_threshold, Growth.FREE)
        cores = Grower(uptake, seed_labels, Growth.WITHIN_SEED)
        thresholds: dict[int, float] = {}
        for seed in seeds:
            core_threshold = 0.01 * self.core_percent * seed.maximum
            cores.grow(seed, core_threshold, len(thresholds) + 1)
            thresholds[len(thresholds) + 1] = core_threshold
        background = len(thresholds) + 1
        labels, relief = self._prepare(uptake, seed_labels, seeds, background)
        marked = cores.labels > 0
        labels[marked] = cores.labels[marked]
        size = int(np.count_nonzero(labels >= 0))
        flood(
            relief,
            labels,
            uptake.steps,
            np.empty(size, dtype=relief.dtype),
            np.empty(size, dtype=np.int64),
            np.empty(size, dtype=np.int64),
        )
        labels[(labels < 0) | (labels == background)] = 0
        # A border found by gradient has no threshold; what is recorded is the core's.
        return Found(labels, thresholds)

    def _prepare(
        self, uptake: UptakeField, seed_labels: NDArray[np.int32], seeds: list[Seed], background: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return labels (0 to be flooded, ``background`` a ring around, -1 elsewhere) and the gradient."""
        shape, spacing_mm = uptake.values.shape, uptake.spacing_mm
        labels = np.full(shape, -1, dtype=np.int32)
        relief = np.zeros(shape, dtype=np.float32)
        ring_mm = self.margin_mm + float(spacing_mm.max())
        zones = []
        for seed in seeds:
            box = padded(seed.box, ring_mm, spacing_mm, shape)
            distance_mm = ndimage.distance_transform_edt(seed_labels[box] != seed.label, sampling=spacing_mm)
            near = distance_mm <= self.margin_mm
            part = labels[box]
            part[(distance_mm <= ring_mm) & ~near & (part < 0)] = background
            zones.append((box, near))
        for box, near in zones:
            labels[box][near] = 0
            labels[box][near & ~uptake.allowed[box]] = background
            self._write_gradient(uptake, box, relief)
        return labels, relief

    def _write_gradient(
        self, uptake: UptakeField, box: tuple[slice, slice, slice], relief: NDArray[np.float32]
    ) -> None:
        wide = padded(box, 4.0 * self.smoothing_mm, uptake.spacing_mm, uptake.values.shape)
        values = uptake.values[wide].astype(np.float32)
        if self.smoothing_mm:
            values = ndimage.gaussian_filter(values, self.smoothing_mm / uptake.spacing_mm, mode="nearest")
        square = np.zeros_like(values)
        for axis in range(3):
            if values.shape[axis] > 1:
                square += np.gradient(values, uptake.spacing_mm[axis], axis=axis) ** 2
        inner = tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, wide, strict=True))
        relief[box] = np.sqrt(square)[inner]
