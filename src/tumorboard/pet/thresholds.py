"""Delineation by one threshold: absolute, relative to the hottest voxel or sphere, or to the liver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

import numpy as np

from tumorboard.errors import InputError
from tumorboard.pet.peak import PEAK_RADIUS_MM, SphereUptake, best_sphere
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

__all__ = ["FixedThreshold", "PercentOfMaximum", "PercentOfPeak", "Percist", "ReferenceTissue"]


@dataclass(frozen=True, slots=True)
class FixedThreshold(DelineationRule):
    """Every voxel with at least one stated SUV.

    Parameters
    ----------
    suv
        Threshold, in the unit of the image's SUV variant. 4.0 g/mL is common for lymphoma [1]_.

    References
    ----------
    .. [1] boellaard2015fdg
    """

    suv: float
    references: ClassVar[tuple[str, ...]] = ("boellaard2015fdg",)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.suv) and self.suv > 0):
            raise InputError(f"suv must be finite and > 0; got {self.suv!r}")

    def find(self, uptake: UptakeField) -> Found:
        """Label the connected voxels with at least :attr:`suv`."""
        if not uptake.quantity.is_suv:
            raise InputError(
                f"FixedThreshold needs an SUV image; got {uptake.quantity}; "
                "convert it (tumorboard.pet.to_suv) or use a relative rule such as PercentOfMaximum"
            )
        return _absolute(uptake, self.suv)


class ReferenceTissue(Enum):
    """The tissue whose uptake PERCIST compares with; its value is the factor on the mean."""

    LIVER = 1.5
    BLOOD_POOL = 2.0


@dataclass(frozen=True, slots=True)
class Percist(DelineationRule):
    """Every voxel above the PERCIST 1.0 limit for a measurable lesion.

    1.5 x mean + 2 SD of a 3 cm sphere in the right lobe of the liver, or, when the liver is
    diseased, 2.0 x mean + 2 SD of the blood pool in the aorta [1]_.

    Parameters
    ----------
    reference
        Measured by :func:`tumorboard.pet.liver_reference`, or
        :func:`tumorboard.pet.sphere_uptake` in the aorta.
    tissue
        What ``reference`` was measured in.

    References
    ----------
    .. [1] wahl2009percist
    """

    reference: SphereUptake
    tissue: ReferenceTissue
    references: ClassVar[tuple[str, ...]] = ("wahl2009percist", "o2016percist")

    @property
    def threshold(self) -> float:
        """The limit, in the unit of the reference."""
        return self.tissue.value * self.reference.mean + 2.0 * self.reference.standard_deviation

    def parameters(self) -> dict[str, Any]:
        """Return the settings, with where the reference was measured."""
        return {
            "tissue": self.tissue.name.lower(),
            "reference_mean": self.reference.mean,
            "reference_standard_deviation": self.reference.standard_deviation,
            "reference_centre_mm": self.reference.centre_mm.tolist(),
            "reference_radius_mm": self.reference.radius_mm,
        }

    def find(self, uptake: UptakeField) -> Found:
        """Label the connected voxels with at least :attr:`threshold`."""
        if uptake.quantity is not self.reference.quantity:
            raise InputError(
                f"Percist needs image and reference in one quantity; got {uptake.quantity} and "
                f"{self.reference.quantity}; measure the reference on this image"
            )
        return _absolute(uptake, self.threshold)


@dataclass(frozen=True, slots=True)
class PercentOfMaximum(DelineationRule):
    """Around each hottest voxel, the connected voxels with at least a percentage of it.

    Seeds are taken hottest first; a voxel belongs to the first lesion that reaches it, and a seed
    whose hottest voxel another lesion has reached gives no lesion of its own.

    Parameters
    ----------
    percent
        Of the hottest voxel [%]; 41 and 50 are the usual ones [1]_.
    seed_threshold
        A seed is a connected set of voxels with at least this value, in the image's unit;
        ``None``: each connected part of the region drawn by the caller.
    growth
        ``WITHIN_SEED`` keeps a lesion inside its seed, so the threshold is in effect never below
        ``seed_threshold``; ``FREE`` lets it grow as far as the threshold carries it, into the
        background when the lesion is faint.

    References
    ----------
    .. [1] boellaard2015fdg
    """

    percent: float
    seed_threshold: float | None
    growth: Growth
    references: ClassVar[tuple[str, ...]] = ("boellaard2015fdg",)

    def __post_init__(self) -> None:
        require_percent("percent", self.percent)
        require_seed_threshold(self.seed_threshold)

    def find(self, uptake: UptakeField) -> Found:
        """Grow one lesion per seed."""
        seed_labels, seeds = uptake.seeds(self.seed_threshold, self.growth)
        grower = Grower(uptake, seed_labels, self.growth)
        return _grow_all(grower, [(seed, 0.01 * self.percent * seed.maximum) for seed in seeds])


@dataclass(frozen=True, slots=True)
class PercentOfPeak(DelineationRule):
    """Around each hottest 1 cm3 sphere, the connected voxels with at least a percentage of its mean.

    As :class:`PercentOfMaximum`, with SUVpeak (:func:`tumorboard.pet.peak_uptake`, centred in
    the seed) in place of the hottest voxel, so that noise counts less [1]_. A lesion grows from
    the seed's hottest voxel; a small seed beside a hotter organ may have a sphere so hot that
    its own hottest voxel falls below the percentage: it gives no lesion.

    Parameters
    ----------
    percent
        Of the mean in the hottest sphere [%].
    seed_threshold, growth
        As for :class:`PercentOfMaximum`.

    References
    ----------
    .. [1] wahl2009percist
    """

    percent: float
    seed_threshold: float | None
    growth: Growth
    references: ClassVar[tuple[str, ...]] = ("wahl2009percist",)

    def __post_init__(self) -> None:
        require_percent("percent", self.percent)
        require_seed_threshold(self.seed_threshold)

    def find(self, uptake: UptakeField) -> Found:
        """Grow one lesion per seed."""
        seed_labels, seeds = uptake.seeds(self.seed_threshold, self.growth)
        grower = Grower(uptake, seed_labels, self.growth)
        limits = []
        for seed in seeds:
            inside = seed_labels[seed.box] == seed.label
            start = np.array([b.start for b in seed.box])
            _, moments = best_sphere(uptake.values, inside, start, uptake.spacing_mm, PEAK_RADIUS_MM)
            limits.append((seed, 0.01 * self.percent * float(moments[0])))
        return _grow_all(grower, limits)


def _absolute(uptake: UptakeField, threshold: float) -> Found:
    labels, count = uptake.components(threshold)
    return Found(labels, dict.fromkeys(range(1, count + 1), threshold))


def _grow_all(grower: Grower, limits: list[tuple[Seed, float]]) -> Found:
    thresholds: dict[int, float] = {}
    for seed, threshold in limits:
        if not grower.is_taken(seed):
            label = len(thresholds) + 1
            if grower.grow(seed, threshold, label).size:
                thresholds[label] = threshold
    return Found(grower.labels, thresholds)
