"""Delineation by a threshold that follows from the lesion's own uptake and its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.errors import InputError, NotConverged
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

__all__ = ["AdaptiveContrast", "LesionUptake"]

_MAX_ITERATIONS = 200


class LesionUptake(Enum):
    """The uptake that stands for the lesion in the threshold."""

    MEAN = "mean"
    MEAN_ABOVE_70_PERCENT = "mean_above_70_percent"
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True)
class AdaptiveContrast(DelineationRule):
    r"""A threshold that satisfies :math:`T = a\,U(T) + b\,B(T) + c` for each lesion.

    :math:`U` is the uptake of the lesion that T cuts out, :math:`B` the mean of a shell around
    it. T starts at ``start_percent`` of the hottest voxel and is iterated in the direction of
    its first step until it changes by less than ``tolerance`` or would turn back, so it cannot
    cycle. Three published rules have a constructor: :meth:`black`, :meth:`nestle` and
    :meth:`background_adapted`; a scanner's own calibration gives ``a`` and ``b`` [3]_.

    Parameters
    ----------
    lesion_weight
        a.
    background_weight
        b.
    offset
        c, in the image's unit; other than 0 only for SUV.
    lesion_uptake
        What U is.
    background_gap_mm, background_width_mm
        The shell begins and how thick it is, outside the lesion [mm]; voxels that are excluded,
        outside the region, in another lesion or seed do not count.
    seed_threshold, growth
        As for :class:`~tumorboard.pet.PercentOfMaximum`.
    start_percent
        Of the hottest voxel [%].
    tolerance
        Relative change of T that ends the iteration.

    Raises
    ------
    NotConverged
        When no threshold below a seed's maximum satisfies the equation.

    References
    ----------
    .. [1] black2004threshold
    .. [2] nestle2005comparison
    .. [3] schaefer2008contrast
    """

    lesion_weight: float
    background_weight: float
    offset: float
    lesion_uptake: LesionUptake
    background_gap_mm: float
    background_width_mm: float
    seed_threshold: float | None
    growth: Growth
    start_percent: float = 50.0
    tolerance: float = 1e-3
    references: ClassVar[tuple[str, ...]] = (
        "black2004threshold",
        "nestle2005comparison",
        "schaefer2008contrast",
    )

    def __post_init__(self) -> None:
        require_percent("start_percent", self.start_percent)
        require_seed_threshold(self.seed_threshold)
        if not all(
            np.isfinite(w) and w >= 0 for w in (self.lesion_weight, self.background_weight, self.offset)
        ):
            raise InputError(
                "lesion_weight, background_weight and offset must be finite and >= 0; "
                f"got {self.lesion_weight!r}, {self.background_weight!r}, {self.offset!r}"
            )
        if not (self.background_gap_mm >= 0 and self.background_width_mm > 0):
            raise InputError(
                "background_gap_mm must be >= 0 and background_width_mm > 0 [mm]; "
                f"got {self.background_gap_mm!r}, {self.background_width_mm!r}"
            )
        if not 0 < self.tolerance < 1:
            raise InputError(f"tolerance must be > 0 and < 1; got {self.tolerance!r}")

    @classmethod
    def black(cls, *, seed_threshold: float | None, growth: Growth) -> AdaptiveContrast:
        """T = 0.307 x mean SUV of the lesion + 0.588 (phantoms with FDG; black2004threshold)."""
        return cls(0.307, 0.0, 0.588, LesionUptake.MEAN, 0.0, 1.0, seed_threshold, growth)

    @classmethod
    def nestle(
        cls,
        *,
        background_gap_mm: float,
        background_width_mm: float,
        seed_threshold: float | None,
        growth: Growth,
    ) -> AdaptiveContrast:
        """T = 0.15 x mean above 70 % of the maximum + background (nestle2005comparison).

        ``background_gap_mm`` [mm] and ``background_width_mm`` [mm] place the shell.
        """
        uptake = LesionUptake.MEAN_ABOVE_70_PERCENT
        return cls(0.15, 1.0, 0.0, uptake, background_gap_mm, background_width_mm, seed_threshold, growth)

    @classmethod
    def background_adapted(
        cls,
        *,
        percent: float,
        background_gap_mm: float,
        background_width_mm: float,
        seed_threshold: float | None,
        growth: Growth,
    ) -> AdaptiveContrast:
        """T = background + percent of (maximum - background): half way at 50 % (boellaard2015fdg).

        ``background_gap_mm`` [mm] and ``background_width_mm`` [mm] place the shell.
        """
        require_percent("percent", percent)
        a, uptake = 0.01 * percent, LesionUptake.MAXIMUM
        return cls(a, 1.0 - a, 0.0, uptake, background_gap_mm, background_width_mm, seed_threshold, growth)

    def find(self, uptake: UptakeField) -> Found:
        """Iterate each seed's threshold, hottest seed first."""
        if self.offset != 0.0 and not uptake.quantity.is_suv:
            raise InputError(
                f"AdaptiveContrast with an offset needs an SUV image; got {uptake.quantity}; "
                "convert it (tumorboard.pet.to_suv) or use a rule without offset"
            )
        seed_labels, seeds = uptake.seeds(self.seed_threshold, self.growth)
        grower = Grower(uptake, seed_labels, self.growth)
        thresholds: dict[int, float] = {}
        for seed in seeds:
            if not grower.is_taken(seed):
                label = len(thresholds) + 1
                thresholds[label] = self._iterate(uptake, grower, seed_labels, seed, label)
        return Found(grower.labels, thresholds)

    def _iterate(
        self, uptake: UptakeField, grower: Grower, seed_labels: NDArray[np.int32], seed: Seed, label: int
    ) -> float:
        threshold = 0.01 * self.start_percent * seed.maximum
        direction = 0.0
        for _ in range(_MAX_ITERATIONS):
            lesion = grower.grow(seed, threshold, label)
            if not lesion.size:
                break
            step = self._next(uptake, grower, seed_labels, seed, lesion) - threshold
            if abs(step) <= self.tolerance * threshold or step * direction < 0.0:
                return threshold
            grower.undo(lesion)
            direction = step
            threshold += step
        raise NotConverged(
            f"threshold of the lesion with maximum {seed.maximum:.4g} must satisfy its equation below that "
            f"maximum; got {threshold:.4g} at the end; raise seed_threshold or choose another rule"
        )

    def _next(
        self,
        uptake: UptakeField,
        grower: Grower,
        seed_labels: NDArray[np.int32],
        seed: Seed,
        lesion: NDArray[np.int64],
    ) -> float:
        values = uptake.values.reshape(-1)[lesion].astype(np.float64)
        if self.lesion_uptake is LesionUptake.MAXIMUM:
            level = seed.maximum
        elif self.lesion_uptake is LesionUptake.MEAN:
            level = float(values.mean())
        else:
            level = float(values[values >= 0.7 * seed.maximum].mean())
        threshold = self.lesion_weight * level + self.offset
        if self.background_weight:
            threshold += self.background_weight * self._background(uptake, grower, seed_labels, seed, lesion)
        return threshold

    def _background(
        self,
        uptake: UptakeField,
        grower: Grower,
        seed_labels: NDArray[np.int32],
        seed: Seed,
        lesion: NDArray[np.int64],
    ) -> float:
        index = np.stack(np.unravel_index(lesion, uptake.values.shape))
        low, high = index.min(axis=1), index.max(axis=1)
        reach_mm = self.background_gap_mm + self.background_width_mm
        tight = (slice(low[0], high[0] + 1), slice(low[1], high[1] + 1), slice(low[2], high[2] + 1))
        box = padded(tight, reach_mm, uptake.spacing_mm, uptake.values.shape)
        away = np.ones([b.stop - b.start for b in box], dtype=bool)
        away[tuple(index - np.array([[b.start] for b in box]))] = False
        distance_mm = ndimage.distance_transform_edt(away, sampling=uptake.spacing_mm)
        shell = (distance_mm > self.background_gap_mm) & (distance_mm <= reach_mm) & uptake.allowed[box]
        shell &= grower.labels[box] == 0
        if self.seed_threshold is not None:
            shell &= (seed_labels[box] == 0) | (seed_labels[box] == seed.label)
        if not shell.any():
            raise NotConverged(
                f"background shell of the lesion with maximum {seed.maximum:.4g} must hold a voxel; "
                f"none lies {self.background_gap_mm} to {reach_mm} mm outside; "
                "widen background_width_mm or the region"
            )
        return float(uptake.values[box][shell].mean(dtype=np.float64))
