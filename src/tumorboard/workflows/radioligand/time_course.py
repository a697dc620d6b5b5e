"""Activities of lesions and of the whole scan over time, and what follows for their half-lives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.acquisition import DecayReference, PetAcquisition
from tumorboard.core.image import Image
from tumorboard.core.structures import StructureSet
from tumorboard.dosimetry.time_activity_samples import ActivitySamples, DecayConvention
from tumorboard.errors import InputError
from tumorboard.numerics.voxelise import voxelise
from tumorboard.pet.decay_reference import average_count_rate_time_s, half_life_of, scan_start
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.config import RadioligandConfig
from tumorboard.workflows.radioligand.curve import Curve, curve_through

__all__ = [
    "ActivityScan",
    "RegionCourse",
    "activities_bq",
    "common_lesions",
    "region_course",
    "rest_course",
    "scan_time_s",
]


@dataclass(frozen=True, slots=True, eq=False)
class ActivityScan:
    """One quantitative scan and what is drawn on it.

    Parameters
    ----------
    title
        For people.
    image
        ACTIVITY_CONCENTRATION as stored [Bq/mL].
    acquisition
        What the files say about decay, times and what was given.
    lesions
        Structures in the frame of reference of the image.
    """

    title: str
    image: Image
    acquisition: PetAcquisition
    lesions: StructureSet


@dataclass(frozen=True, slots=True, eq=False)
class RegionCourse:
    """Activity of one region over time.

    Parameters
    ----------
    name
        Of the region.
    samples
        As scanned, physical decay in them.
    curve
        Through the samples.
    """

    name: str
    samples: ActivitySamples
    curve: Curve

    @property
    def half_life_s(self) -> float:
        """Effective half-life, of the slowest term, or the physical one [s]."""
        return self.curve.half_life_s

    @property
    def half_life_uncertainty_s(self) -> float | None:
        """Its standard uncertainty; ``None`` where the samples do not determine it [s]."""
        return self.curve.half_life_uncertainty_s

    @property
    def decays(self) -> float:
        """From administration to the end of all decay [Bq s]."""
        return self.curve.decays

    @property
    def decays_relative_uncertainty(self) -> float:
        """Of the activities' uncertainties alone, and of one scan the population's."""
        return self.curve.decays_relative_uncertainty

    @property
    def is_upper_limit(self) -> bool:
        """Whether activity falls by physical decay alone after the last scan.

        No more can be, unless more comes in then, but for :attr:`earlier_uptake_share`.
        """
        return self.curve.is_upper_limit

    @property
    def tail_share(self) -> float:
        """Share of the decays after the last scan."""
        return self.curve.tail_share

    @property
    def provenance(self) -> Record:
        """Of the integral."""
        return self.curve.provenance

    def decays_relative_to_limit(self, half_life_s: float) -> float:
        """Return decays over those stated if activity fell with another half-life after the last scan.

        Parameters
        ----------
        half_life_s
            Effective, after the last scan [s].
        """
        return 1.0 - self.tail_share * (1.0 - half_life_s / self.half_life_s)

    @property
    def earlier_uptake_share(self) -> float:
        """Over the decays of an upper limit, what it lacks if all came at once and not along its lines."""
        mean_life_s = self.half_life_s / math.log(2.0)
        most = float(self.samples.activity_bq[-1]) * mean_life_s
        most *= math.expm1(float(self.samples.times_s[-1]) / mean_life_s)
        return max(0.0, most / self.decays - (1.0 - self.tail_share))


def scan_time_s(scan: ActivityScan) -> float:
    """Return when a scan saw its average count rate, after administration [s].

    Parameters
    ----------
    scan
        With the moment of administration in its acquisition.

    Raises
    ------
    InputError
        When the files do not tell when it was given or scanned, or the scan is not after it.
    """
    acquisition = scan.acquisition
    start, duration = acquisition.earliest_acquisition_start, acquisition.slices
    if acquisition.injection is None or start is None:
        raise InputError(
            f"{scan.title} must tell when the activity was given (0018,1078) and scanned (0008,0022), "
            "(0008,0032); the files do not; correct injection or slices"
        )
    frame_s = max((part.frame_duration_s or 0.0 for part in duration), default=0.0)
    since_s = _seconds(start, acquisition.injection)
    if not since_s > 0:
        raise InputError(f"{scan.title} must be after the administration; got {since_s:g} s after it")
    return since_s + average_count_rate_time_s(frame_s, half_life_s=half_life_of(acquisition))


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()


def _convention(scan: ActivityScan) -> tuple[DecayConvention, float]:
    """Return what the stored values are, and the time they are corrected to after administration [s]."""
    acquisition = scan.acquisition
    reference = acquisition.decay_reference
    if reference is DecayReference.ADMIN:
        return DecayConvention.CORRECTED_TO_REFERENCE, 0.0
    if reference is DecayReference.START and acquisition.injection is not None:
        start = scan_start(acquisition).moment
        return DecayConvention.CORRECTED_TO_REFERENCE, _seconds(start, acquisition.injection)
    if reference is DecayReference.NONE:
        return DecayConvention.AS_SCANNED, 0.0
    raise InputError(
        f"Decay Correction (0054,1102) of {scan.title} must be START, ADMIN or NONE; the files have none; "
        "correct decay_reference"
    )


def common_lesions(scans: Sequence[ActivityScan]) -> tuple[str, ...]:
    """Return the names of structures that are drawn on every scan and have activity on each.

    Parameters
    ----------
    scans
        One or more.
    """
    return tuple(
        name
        for name in scans[0].lesions.names
        if all(name in scan.lesions.names and not _stored_bq(scan, (name,)) <= 0 for scan in scans)
    )


def _stored_bq(scan: ActivityScan, names: tuple[str, ...] | None) -> float:
    """Return the activity of all that is in any of the regions, or in the whole scan, as stored."""
    values, grid = scan.image.values, scan.image.grid
    if names is None:
        return float(values.sum(dtype=np.float64)) * grid.voxel_volume_ml
    inside = voxelise(scan.lesions[names[0]], grid).values
    for name in names[1:]:
        inside = inside + voxelise(scan.lesions[name], grid).values
    if len(names) > 1:
        inside = np.minimum(inside, 1.0)
    return float(np.sum(values * inside, dtype=np.float64)) * grid.voxel_volume_ml


def region_course(
    scans: Sequence[ActivityScan],
    name: str | None,
    config: RadioligandConfig,
    *,
    physical_half_life_s: float,
    relative_uncertainty: float | NDArray[np.float64],
) -> RegionCourse:
    """Follow one region over all scans.

    The curve of the choices is taken where it falls faster than the nuclide decays. Else the region probably
    still took up activity between the scans: they say nothing about how it leaves, and the integral is an
    upper limit, by straight lines from 0 and physical decay after the last scan.

    Parameters
    ----------
    scans
        By time.
    name
        Of a structure on every scan, each with its own contours; ``None``: all that is in the scans.
    config
        Of which curve, and what is taken for one scan.
    physical_half_life_s
        Of the nuclide [s].
    relative_uncertainty
        Standard uncertainty of each activity, independent: one for all, or shape ``(n_scans,)``.

    Returns
    -------
    RegionCourse
    """
    samples = _samples(scans, None if name is None else (name,), relative_uncertainty)
    return _course(name or "whole scan", samples, config, physical_half_life_s)


def rest_course(
    scans: Sequence[ActivityScan],
    total: RegionCourse,
    names: Sequence[str],
    config: RadioligandConfig,
    *,
    physical_half_life_s: float,
) -> RegionCourse:
    """Follow all that is no lesion; what is in two lesions is taken away once.

    Parameters
    ----------
    scans
        By time.
    total
        Of the whole of them.
    names
        Of lesions on every scan.
    config
        Of which curve, and what is taken for one scan.
    physical_half_life_s
        Of the nuclide [s].

    Raises
    ------
    InputError
        When lesions hold all of the activity, or more.
    """
    samples = total.samples
    inside = _samples(scans, tuple(names), 1.0)
    activity = samples.activity_bq - inside.activity_bq
    if not (activity > 0).all():
        raise InputError(
            f"lesions must hold less than all of the activity; got {activity.tolist()} Bq left outside; "
            "was the scan cut around them?"
        )
    record = Record("workflows.radioligand.rest", {}, (samples.provenance, inside.provenance))
    share = samples.known_uncertainty_bq / samples.activity_bq
    left = ActivitySamples(samples.times_s, activity, record, share * activity)
    return _course("outside of lesions", left, config, physical_half_life_s)


def _course(
    label: str, samples: ActivitySamples, config: RadioligandConfig, physical_half_life_s: float
) -> RegionCourse:
    curve = curve_through(samples, config, region=label, physical_half_life_s=physical_half_life_s)
    return RegionCourse(label, samples, curve)


def activities_bq(scans: Sequence[ActivityScan], name: str | None) -> NDArray[np.float64]:
    """Return the activity of one region on each scan, as scanned.

    Parameters
    ----------
    scans
        By time.
    name
        Of a structure on every scan; ``None``: all that is in the scans.

    Returns
    -------
    ndarray
        Shape ``(n_scans,)`` [Bq].

    Raises
    ------
    InputError
        When there is none.
    """
    return _samples(scans, None if name is None else (name,), 1.0).activity_bq


def _samples(
    scans: Sequence[ActivityScan],
    names: tuple[str, ...] | None,
    relative_uncertainty: float | NDArray[np.float64],
) -> ActivitySamples:
    """Return activities as scanned, whatever decay correction each scan is stored with."""
    times, activities, records = [], [], []
    for scan in scans:
        convention, reference_s = _convention(scan)
        one = ActivitySamples.of_stored(
            [scan_time_s(scan)],
            [_stored_bq(scan, names)],
            scan.image.provenance,
            convention=convention,
            half_life_s=half_life_of(scan.acquisition),
            reference_s=reference_s,
        )
        times.append(float(one.times_s[0]))
        activities.append(float(one.activity_bq[0]))
        records.append(one.provenance)
    activity = np.array(activities)
    if not (np.isfinite(activity).all() and (activity > 0).all()):
        label = "the whole scan" if names is None else ", ".join(names)
        raise InputError(f"activity of {label} must be > 0 [Bq] in every scan; got {activities}")
    told = "all" if names is None else names[0] if len(names) == 1 else list(names)
    record = Record("workflows.radioligand.region", {"region": told}, tuple(records))
    return ActivitySamples(np.array(times), activity, record, relative_uncertainty * activity)
