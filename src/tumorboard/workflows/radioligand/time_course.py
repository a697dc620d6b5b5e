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
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples, DecayConvention
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.dosimetry.time_activity_trapezoid import Beginning, Tail, TrapezoidConfig, TrapezoidModel
from tumorboard.errors import InputError
from tumorboard.numerics.voxelise import voxelise
from tumorboard.pet.decay_reference import average_count_rate_time_s, half_life_of, scan_start
from tumorboard.provenance import Record

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
    half_life_s
        Effective half-life: that of the mono-exponential through the samples, or the physical one [s].
    half_life_uncertainty_s
        Its standard uncertainty; ``None`` where the samples do not determine it [s].
    decays
        From administration to the end of all decay [Bq s].
    decays_relative_uncertainty
        Of the activities' uncertainties alone.
    is_upper_limit
        Whether the samples do not fall faster than the nuclide decays: then the integral takes straight
        lines from 0 and physical decay after the last scan. No more can be, unless more comes in then, but
        for :attr:`earlier_uptake_share`.
    tail_share
        Share of the decays after the last scan.
    provenance
        Of the integral.
    """

    name: str
    samples: ActivitySamples
    half_life_s: float
    half_life_uncertainty_s: float | None
    decays: float
    decays_relative_uncertainty: float
    is_upper_limit: bool
    tail_share: float
    provenance: Record

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
        if all(name in scan.lesions.names and not _stored_bq(scan, name) <= 0 for scan in scans)
    )


def _stored_bq(scan: ActivityScan, name: str | None) -> float:
    """Return the activity of a region, or of all, as stored."""
    values, grid = scan.image.values, scan.image.grid
    if name is None:
        return float(values.sum(dtype=np.float64)) * grid.voxel_volume_ml
    inside = voxelise(scan.lesions[name], grid).values
    return float(np.sum(values * inside, dtype=np.float64)) * grid.voxel_volume_ml


def region_course(
    scans: Sequence[ActivityScan],
    name: str | None,
    *,
    physical_half_life_s: float,
    relative_uncertainty: float | NDArray[np.float64],
) -> RegionCourse:
    """Follow one region over all scans.

    The mono-exponential through the samples is taken where it falls faster than the nuclide decays. Else
    the region probably still took up activity between the scans: they say nothing about how it leaves, and
    the integral is an upper limit.

    Parameters
    ----------
    scans
        By time, two or more.
    name
        Of a structure on every scan, each with its own contours; ``None``: all that is in the scans.
    physical_half_life_s
        Of the nuclide [s].
    relative_uncertainty
        Standard uncertainty of each activity, independent: one for all, or shape ``(n_scans,)``.

    Returns
    -------
    RegionCourse
    """
    samples = _samples(scans, name, relative_uncertainty)
    return _course(name or "whole scan", samples, physical_half_life_s)


def rest_course(
    total: RegionCourse, lesions: Sequence[RegionCourse], physical_half_life_s: float
) -> RegionCourse:
    """Follow all that is no lesion.

    Parameters
    ----------
    total
        Of the whole scan.
    lesions
        Which do not overlap.
    physical_half_life_s
        Of the nuclide [s].

    Raises
    ------
    InputError
        When lesions hold all of the activity, or more.
    """
    samples = total.samples
    activity = samples.activity_bq - np.sum([c.samples.activity_bq for c in lesions], axis=0)
    if not (activity > 0).all():
        raise InputError(
            f"lesions must hold less than all of the activity; got {activity.tolist()} Bq left outside; "
            "do they overlap, or was the scan cut around them?"
        )
    record = Record(
        "workflows.radioligand.rest", {}, (samples.provenance, *(c.samples.provenance for c in lesions))
    )
    share = samples.known_uncertainty_bq / samples.activity_bq
    left = ActivitySamples(samples.times_s, activity, record, share * activity)
    return _course("outside of lesions", left, physical_half_life_s)


def _course(label: str, samples: ActivitySamples, physical_half_life_s: float) -> RegionCourse:
    config = ExponentialConfig(CurveShape.MONO_EXPONENTIAL, physical_half_life_s, Weighting.KNOWN_UNCERTAINTY)
    fit = ExponentialModel(config).fit(samples)
    last_s = float(samples.times_s[-1])
    if not fit.at_bound:
        decays = fit.time_integrated_activity_bq_s
        return RegionCourse(
            name=label,
            samples=samples,
            half_life_s=fit.effective_half_life_s,
            half_life_uncertainty_s=fit.effective_half_life_uncertainty_s,
            decays=decays,
            decays_relative_uncertainty=fit.time_integrated_activity_uncertainty_bq_s / decays,
            is_upper_limit=False,
            tail_share=2.0 ** (-last_s / fit.effective_half_life_s),
            provenance=fit.provenance,
        )
    trapezoid = TrapezoidConfig(physical_half_life_s, Beginning.FROM_ZERO, Tail.PHYSICAL_DECAY)
    limit = TrapezoidModel(trapezoid).fit(samples)
    decays = limit.time_integrated_activity_bq_s
    return RegionCourse(
        name=label,
        samples=samples,
        half_life_s=physical_half_life_s,
        half_life_uncertainty_s=None,
        decays=decays,
        decays_relative_uncertainty=limit.time_integrated_activity_uncertainty_bq_s / decays,
        is_upper_limit=True,
        tail_share=limit.extrapolated_fraction,
        provenance=limit.provenance,
    )


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
    return _samples(scans, name, 1.0).activity_bq


def _samples(
    scans: Sequence[ActivityScan], name: str | None, relative_uncertainty: float | NDArray[np.float64]
) -> ActivitySamples:
    """Return activities as scanned, whatever decay correction each scan is stored with."""
    times, activities, records = [], [], []
    for scan in scans:
        convention, reference_s = _convention(scan)
        one = ActivitySamples.of_stored(
            [scan_time_s(scan)],
            [_stored_bq(scan, name)],
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
        raise InputError(
            f"activity of {name or 'the whole scan'} must be > 0 [Bq] in every scan; got {activities}"
        )
    record = Record("workflows.radioligand.region", {"region": name or "all"}, tuple(records))
    return ActivitySamples(np.array(times), activity, record, relative_uncertainty * activity)
