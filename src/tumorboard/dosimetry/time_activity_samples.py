"""Activity of one region at some times, and to which moment its decay was corrected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.curves import TimeActivityCurves
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["ActivitySamples", "DecayConvention", "activity_as_if_at", "activity_as_scanned"]


class DecayConvention(Enum):
    """What the activities of a series are: one of two, and nothing in the numbers tells which."""

    AS_SCANNED = "as_scanned"
    """As it was when it was scanned: physical decay is in the numbers."""

    CORRECTED_TO_REFERENCE = "corrected_to_reference"
    """As it would have been at one reference time without biological change: physical decay is taken out."""


def activity_as_scanned(
    activity_bq: ArrayLike,
    *,
    times_s: ArrayLike,
    half_life_s: float,
    convention: DecayConvention,
    reference_s: float,
) -> NDArray[np.float64]:
    r"""Return activity as it was at the time of each scan [Bq], whatever the convention it is stored in.

    Parameters
    ----------
    activity_bq
        Shape ``(..., n_times)``, or anything that broadcasts with ``times_s`` [Bq] (or [Bq/mL]).
    times_s
        Time of each scan after administration, shape ``(n_times,)`` [s].
    half_life_s
        Physical half-life with which decay was corrected, > 0 [s].
    convention
        What ``activity_bq`` is.
    reference_s
        The time to which decay was corrected, after administration (0: administration itself); it counts
        only when decay was corrected [s].

    Returns
    -------
    ndarray
        :math:`A\,2^{-(t - t_{ref})/T_{1/2}}` where decay had been corrected, else a copy; shape as broadcast.

    Raises
    ------
    InputError
        When a time, the half-life or an activity cannot be.

    Examples
    --------
    >>> activity_as_scanned([8.0, 8.0], times_s=[0.0, 7200.0], half_life_s=3600.0,
    ...                     convention=DecayConvention.CORRECTED_TO_REFERENCE, reference_s=0.0)
    array([8., 2.])
    """
    values, times = _checked(activity_bq, times_s, half_life_s, reference_s)
    if _is_as_scanned(convention):
        return np.array(np.broadcast_to(values, np.broadcast_shapes(values.shape, times.shape)))
    return np.asarray(values * np.exp2((reference_s - times) / half_life_s))


def activity_as_if_at(
    activity_bq: ArrayLike, *, times_s: ArrayLike, half_life_s: float, reference_s: float
) -> NDArray[np.float64]:
    """Return activity as scanned, corrected for decay to one reference time [Bq].

    The inverse of :func:`activity_as_scanned`.

    Parameters
    ----------
    activity_bq
        As scanned, shape ``(..., n_times)`` [Bq] (or [Bq/mL]).
    times_s
        Time of each scan after administration, shape ``(n_times,)`` [s].
    half_life_s
        Physical half-life, > 0 [s].
    reference_s
        Time after administration to which decay is corrected [s].

    Returns
    -------
    ndarray
        Shape as broadcast.

    Examples
    --------
    >>> activity_as_if_at([8.0, 2.0], times_s=[0.0, 7200.0], half_life_s=3600.0, reference_s=0.0)
    array([8., 8.])
    """
    values, times = _checked(activity_bq, times_s, half_life_s, reference_s)
    return np.asarray(values * np.exp2((times - reference_s) / half_life_s))


def _is_as_scanned(convention: DecayConvention) -> bool:
    if not isinstance(convention, DecayConvention):
        raise InputError(
            f"convention must be a DecayConvention; got {convention!r}; pass DecayConvention.AS_SCANNED or "
            "DecayConvention.CORRECTED_TO_REFERENCE, as the scanner's correction says"
        )
    return convention is DecayConvention.AS_SCANNED


def _checked(
    activity: ArrayLike, times_s: ArrayLike, half_life_s: float, reference_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, times = np.asarray(activity, np.float64), np.asarray(times_s, np.float64)
    if not (math.isfinite(half_life_s) and half_life_s > 0):
        raise InputError(f"half_life_s must be finite and > 0 [s]; got {half_life_s!r}")
    if not math.isfinite(reference_s):
        raise InputError(f"reference_s must be finite [s]; got {reference_s!r}")
    if not (np.isfinite(times).all() and (times >= 0).all()):
        raise InputError(f"times_s must be finite and >= 0 [s after administration]; got {times_s!r}")
    if not np.isfinite(values).all():
        raise InputError("activity_bq must be finite [Bq]; got NaN or infinity; leave the sample out")
    return values, times


@dataclass(frozen=True, slots=True, eq=False)
class ActivitySamples:
    """Activity of one region (or a concentration) as it was at the time of each scan.

    Parameters
    ----------
    times_s
        After administration, shape ``(n_times,)``, strictly increasing, >= 0 [s].
    activity_bq
        As scanned, *not* decay-corrected, shape ``(n_times,)``, >= 0 [Bq].
    provenance
        How it was measured.
    uncertainty_bq
        Standard uncertainty of each activity, shape ``(n_times,)``, > 0, or ``None`` when not known [Bq].

    Raises
    ------
    InputError
        When times do not increase, an activity is negative, or shapes do not fit.

    Examples
    --------
    >>> kidney = ActivitySamples([3600.0, 86400.0], [2e8, 1e8], Record("example"))
    >>> kidney.n_times
    2
    """

    times_s: NDArray[np.float64]
    activity_bq: NDArray[np.float64]
    provenance: Record
    uncertainty_bq: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        times, activity = read_only(self.times_s, np.float64), read_only(self.activity_bq, np.float64)
        if times.ndim != 1 or times.size < 1 or not np.isfinite(times).all() or times[0] < 0:
            raise InputError(f"times_s must be 1-D, finite and >= 0 [s after administration]; got {times!r}")
        if (np.diff(times) <= 0).any():
            raise InputError(
                f"times_s must increase from scan to scan [s]; got {times.tolist()}; sort the scans by time, "
                "and take each once"
            )
        if activity.shape != times.shape:
            raise InputError(
                f"activity_bq must have one value for each of {times.size} times; got shape {activity.shape}"
            )
        if not (np.isfinite(activity).all() and (activity >= 0).all()):
            raise InputError(
                f"activity_bq must be finite and >= 0 [Bq]; got {activity.tolist()}; leave the sample out or "
                "subtract less background"
            )
        object.__setattr__(self, "times_s", times)
        object.__setattr__(self, "activity_bq", activity)
        if self.uncertainty_bq is not None:
            sigma = read_only(self.uncertainty_bq, np.float64)
            if sigma.shape != times.shape or not (np.isfinite(sigma).all() and (sigma > 0).all()):
                raise InputError(
                    f"uncertainty_bq must hold one value > 0 for each of the {times.size} times [Bq]; got "
                    f"{sigma.tolist()}; pass None when it is not known"
                )
            object.__setattr__(self, "uncertainty_bq", sigma)

    @property
    def n_times(self) -> int:
        """How many scans there are."""
        return int(self.times_s.size)

    @property
    def known_uncertainty_bq(self) -> NDArray[np.float64]:
        """Standard uncertainties, shape ``(n_times,)`` [Bq]; an InputError when they are not known."""
        if self.uncertainty_bq is None:
            raise InputError(
                "uncertainty_bq must be known here, > 0 [Bq]; got None; make the samples with it, e.g. "
                "0.1 * activity_bq for 10 %"
            )
        return self.uncertainty_bq

    @classmethod
    def of_stored(
        cls,
        times_s: ArrayLike,
        activity_bq: ArrayLike,
        provenance: Record,
        *,
        convention: DecayConvention,
        half_life_s: float,
        reference_s: float,
        relative_uncertainty: ArrayLike | None = None,
    ) -> ActivitySamples:
        """Take activities in the convention in which they are stored, and undo their decay correction.

        Parameters
        ----------
        times_s
            After administration, shape ``(n_times,)`` [s].
        activity_bq
            As stored, shape ``(n_times,)`` [Bq].
        provenance
            How it was measured.
        convention, half_life_s, reference_s
            As in :func:`activity_as_scanned` [s].
        relative_uncertainty
            Standard uncertainty by activity, scalar or shape ``(n_times,)``, > 0; ``None``: not known.

        Examples
        --------
        >>> lesion = ActivitySamples.of_stored(
        ...     [0.0, 3600.0], [8.0, 8.0], Record("example"), half_life_s=3600.0, reference_s=0.0,
        ...     convention=DecayConvention.CORRECTED_TO_REFERENCE, relative_uncertainty=0.1)
        >>> lesion.activity_bq, lesion.uncertainty_bq
        (array([8., 4.]), array([0.8, 0.4]))
        """
        activity = activity_as_scanned(
            activity_bq,
            times_s=times_s,
            half_life_s=half_life_s,
            convention=convention,
            reference_s=reference_s,
        )
        sigma = None if relative_uncertainty is None else activity * np.asarray(relative_uncertainty)
        record = Record(
            "dosimetry.activity_as_scanned",
            {"convention": convention.value, "half_life_s": half_life_s, "reference_s": reference_s},
            (provenance,),
        )
        return cls(np.asarray(times_s, np.float64), activity, record, sigma)

    @classmethod
    def of_curves(
        cls, curves: TimeActivityCurves, region: int, *, relative_uncertainty: ArrayLike | None = None
    ) -> ActivitySamples:
        """Take one region of measured curves, which are as scanned by their definition.

        Parameters
        ----------
        curves
            Of several regions.
        region
            Index of the region.
        relative_uncertainty
            Standard uncertainty by activity, scalar or shape ``(n_times,)``, > 0; ``None``: not known.
        """
        if not 0 <= region < len(curves.activity_bq):
            raise InputError(
                f"region must be an index below {len(curves.activity_bq)}, the regions; got {region}"
            )
        activity = curves.activity_bq[region]
        sigma = None if relative_uncertainty is None else activity * np.asarray(relative_uncertainty)
        record = Record("dosimetry.ActivitySamples.of_curves", {"region": region}, (curves.provenance,))
        return cls(curves.times_s, activity, record, sigma)
