"""Restrictions and release of a patient whose dose rate at 1 m is known over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scipy.special import ndtr

from tumorboard.dosimetry.close_contact import restriction
from tumorboard.dosimetry.contact_patterns import PUBLISHED_PATTERNS, ContactPattern
from tumorboard.dosimetry.contact_patterns_adapted import ADAPTED_PATTERNS
from tumorboard.dosimetry.dose_rate_clearance import DoseRateClearance, release_time_h
from tumorboard.errors import InputError

__all__ = ["ContactReport", "ContactRestriction", "Release", "contact_report", "contacts"]

#: One standard uncertainty above the expected time: the limit is kept with this probability.
_ONE_SIGMA: Final = float(ndtr(1.0))


@dataclass(frozen=True, slots=True)
class ContactRestriction:
    """How long one pattern of contact is put off.

    Parameters
    ----------
    pattern
        Its name.
    limit_msv
        Of the dose from then on, for good [mSv].
    duration_h
        Expected, from administration [h].
    duration_uncertainty_h
        Longer by so much, and the limit is kept one standard uncertainty surer [h].
    duration_confident_h
        With which the limit is kept with the confidence that was asked for [h].
    resumes_h
        When the next whole spell starts after that, from administration [h].
    dose_msv, dose_uncertainty_msv
        From ``resumes_h`` on [mSv].
    """

    pattern: str
    limit_msv: float
    duration_h: float
    duration_uncertainty_h: float
    duration_confident_h: float
    resumes_h: float
    dose_msv: float
    dose_uncertainty_msv: float


@dataclass(frozen=True, slots=True)
class Release:
    """When the dose rate at 1 m has fallen to a limit.

    Parameters
    ----------
    limit_usv_h
        At 1 m [uSv/h].
    time_h, time_uncertainty_h, time_confident_h
        After administration, as for :class:`ContactRestriction` [h].
    """

    limit_usv_h: float
    time_h: float
    time_uncertainty_h: float
    time_confident_h: float


@dataclass(frozen=True, slots=True, eq=False)
class ContactReport:
    """All restrictions, and release.

    Parameters
    ----------
    clearance
        Dose rate at 1 m over time.
    restrictions
        One for each pattern.
    releases
        One for each limit.
    confidence
        That was asked for.
    """

    clearance: DoseRateClearance
    restrictions: tuple[ContactRestriction, ...]
    releases: tuple[Release, ...]
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold."""
        mean, spread = self.clearance.dose_rate_usv_h(0.0)
        phases = zip(self.clearance.dose_rates_usv_h, self.clearance.half_lives_h, strict=True)
        return {
            "dose_rate_1m_usv_h": mean,
            "dose_rate_1m_uncertainty_usv_h": spread,
            "exponentials": [
                {"dose_rate_1m_usv_h": float(rate), "effective_half_life_h": float(half)}
                for rate, half in phases
            ],
            "confidence": self.confidence,
            "restrictions": [
                {
                    "pattern": r.pattern,
                    "limit_msv": r.limit_msv,
                    "restriction_h": r.duration_h,
                    "restriction_uncertainty_h": r.duration_uncertainty_h,
                    "restriction_confident_h": r.duration_confident_h,
                    "resumes_h": r.resumes_h,
                    "dose_msv": r.dose_msv,
                    "dose_uncertainty_msv": r.dose_uncertainty_msv,
                }
                for r in self.restrictions
            ],
            "release": [
                {
                    "limit_usv_h": r.limit_usv_h,
                    "release_h": r.time_h,
                    "release_uncertainty_h": r.time_uncertainty_h,
                    "release_confident_h": r.time_confident_h,
                }
                for r in self.releases
            ],
        }


def contacts(
    *, adapted: bool, limit_msv: float | None, limits_msv: Mapping[str, float], treatments_in_year: float
) -> tuple[tuple[ContactPattern, float], ...]:
    """Return patterns of contact, each with the limit of its dose [mSv].

    Parameters
    ----------
    adapted
        Whether those of 2020s practice, with their limits, or the first ones.
    limit_msv, limits_msv
        In place of those limits: for all, and by name [mSv].
    treatments_in_year
        That share a yearly limit.

    Raises
    ------
    InputError
        When a name is no pattern's, or a pattern is left without limit.

    Examples
    --------
    >>> found = contacts(adapted=True, limit_msv=None, limits_msv={}, treatments_in_year=4)
    >>> {pattern.name: limit for pattern, limit in found}["infant"]
    0.25
    """
    known = ADAPTED_PATTERNS if adapted else PUBLISHED_PATTERNS
    unknown = sorted(set(limits_msv) - set(known))
    if unknown:
        raise InputError(f"limits_msv must name patterns of {', '.join(known)}; got {', '.join(unknown)}")
    if not adapted and limit_msv is None:
        raise InputError("limit_msv must be given [mSv] for patterns that come with none; got None")
    found = []
    for name in known:
        one = ADAPTED_PATTERNS[name] if adapted else None
        pattern = PUBLISHED_PATTERNS[name] if one is None else one.pattern
        own = one.limit_of_treatment_msv(treatments_in_year) if one is not None else 0.0
        found.append((pattern, limits_msv.get(name, own if limit_msv is None else limit_msv)))
    return tuple(found)


def contact_report(
    clearance: DoseRateClearance,
    people: Sequence[tuple[ContactPattern, float]],
    *,
    release_limits_usv_h: Sequence[float],
    confidence: float,
    administered_at_h: float,
    distance_exponent: float,
) -> ContactReport:
    """Return the restriction of every pattern of contact, and when limits of release are met.

    Parameters
    ----------
    clearance
        Dose rate at 1 m over time.
    people
        Patterns of contact with their limits [mSv], of :func:`contacts`.
    release_limits_usv_h
        At 1 m [uSv/h].
    confidence
        With which limits are kept, beside the expected times.
    administered_at_h
        Time of day [h].
    distance_exponent
        1 to 2, as for :func:`~tumorboard.dosimetry.close_contact.restriction`.

    Raises
    ------
    InputError
        When half-lives are too uncertain for the confidence.

    Examples
    --------
    >>> import numpy as np
    >>> patient = DoseRateClearance([40.0], [16.0], np.zeros((2, 2)))
    >>> found = contact_report(
    ...     patient,
    ...     contacts(adapted=False, limit_msv=1.0, limits_msv={}, treatments_in_year=1),
    ...     release_limits_usv_h=(20.0,),
    ...     confidence=0.95,
    ...     administered_at_h=10.0,
    ...     distance_exponent=1.5,
    ... )
    >>> round(found.releases[0].time_h, 6), len(found.restrictions)
    (16.0, 12)
    """
    # Where nothing is uncertain, one level is all of them.
    levels = (0.5, _ONE_SIGMA, confidence) if clearance.covariance.any() else (0.5,)
    restrictions = []
    for pattern, limit in people:
        found = [
            restriction(
                pattern,
                clearance,
                limit_msv=limit,
                confidence=level,
                administered_at_h=administered_at_h,
                distance_exponent=distance_exponent,
            )
            for level in levels
        ]
        expected, surer, confident = found[0], found[len(levels) // 2], found[-1]
        restrictions.append(
            ContactRestriction(
                pattern.name,
                limit,
                expected.duration_h,
                surer.duration_h - expected.duration_h,
                confident.duration_h,
                confident.resumes_h,
                confident.dose_msv,
                confident.uncertainty_msv,
            )
        )
    releases = []
    for limit in release_limits_usv_h:
        times = [release_time_h(clearance, limit_usv_h=limit, confidence=level) for level in levels]
        releases.append(Release(limit, times[0], times[len(levels) // 2] - times[0], times[-1]))
    return ContactReport(clearance, tuple(restrictions), tuple(releases), confidence)
