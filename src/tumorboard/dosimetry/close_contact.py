"""Dose of people near a patient, and how long they have to keep away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.dosimetry.contact_patterns import DAY_H, ContactPattern, Repetition
from tumorboard.dosimetry.dose_rate_clearance import DoseRateClearance, checked_quantile, last_above_h
from tumorboard.errors import InputError

__all__ = ["Restriction", "contact_dose_msv", "restriction"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """How long a person has to keep away from a patient.

    Parameters
    ----------
    pattern
        Name of the contact that is put off.
    duration_h
        The shortest, from administration [h].
    resumes_h
        When the next whole spell starts, at that time or later, from administration; contact then is easier
        to tell of than the middle of a spell [h].
    dose_msv
        Expected from ``resumes_h`` on, for good [mSv].
    uncertainty_msv
        Its standard uncertainty [mSv].
    """

    pattern: str
    duration_h: float
    resumes_h: float
    dose_msv: float
    uncertainty_msv: float


def _spells(
    pattern: ContactPattern, restricted_h: float, administered_at_h: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return starts after administration, durations, distances, and whether each comes again every day."""
    starts, durations, distances = pattern.starts_h, pattern.durations_h, pattern.distances_m
    if pattern.repetition is Repetition.ONCE:
        return restricted_h + starts, durations, distances, np.zeros(starts.size, dtype=bool)
    now = (administered_at_h + restricted_h) % DAY_H
    ahead = starts - now
    # A hair's breadth of rounding does not make a spell that starts now one that is over for today.
    ahead = np.where(np.abs(ahead) < 1e-9, 0.0, ahead)
    whole = restricted_h + np.where(ahead < 0.0, ahead + DAY_H, ahead)
    running = (ahead < 0.0) & (ahead + durations > 0.0)
    return (
        np.concatenate([whole, np.full(int(running.sum()), restricted_h)]),
        np.concatenate([durations, (ahead + durations)[running]]),
        np.concatenate([distances, distances[running]]),
        np.concatenate([np.ones(starts.size, dtype=bool), np.zeros(int(running.sum()), dtype=bool)]),
    )


def _checked(administered_at_h: float, distance_exponent: float) -> None:
    if not 0.0 <= administered_at_h < DAY_H:
        raise InputError(
            f"administered_at_h must be a time of day from 0 to less than 24 [h]; got {administered_at_h!r}"
        )
    if not 1.0 <= distance_exponent <= 2.0:
        raise InputError(
            "distance_exponent must lie between 1 (beside a line) and 2 (far away; beside a point), "
            f"1.5 in Cormack and Shearer; got {distance_exponent!r}"
        )


def contact_dose_msv(
    pattern: ContactPattern,
    clearance: DoseRateClearance,
    *,
    restricted_h: float,
    administered_at_h: float,
    distance_exponent: float,
) -> tuple[float, float]:
    """Return the dose from a pattern of contact that begins after a restriction, for good [1]_.

    The dose rate at 1 m, over the distance in metres to a power, integrated exactly over each spell and the
    days to come. What is left of a spell that runs when the restriction ends counts.

    Parameters
    ----------
    pattern
        Of contact.
    clearance
        Of the patient.
    restricted_h
        After administration, >= 0 [h].
    administered_at_h
        Time of day, 0 to 24; it does not matter for a pattern that comes once [h].
    distance_exponent
        1 to 2: 1.5 is between a line and a point and is what was published for near patients.

    Returns
    -------
    tuple of float
        Expected dose, and its standard uncertainty from the clearance alone [mSv].

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] cormack1998exposures

    Examples
    --------
    >>> always = ContactPattern("all day", Repetition.DAILY, np.zeros(1), np.array([24.0]), np.ones(1))
    >>> patient = DoseRateClearance(np.array([20.0]), np.array([50.0]), np.zeros((2, 2)))
    >>> dose, _ = contact_dose_msv(
    ...     always, patient, restricted_h=50.0, administered_at_h=9.0, distance_exponent=1.5
    ... )
    >>> round(dose * math.log(2), 9)
    0.5
    """
    if not (math.isfinite(restricted_h) and restricted_h >= 0):
        raise InputError(f"restricted_h must be finite and >= 0 [h]; got {restricted_h!r}")
    _checked(administered_at_h, distance_exponent)
    starts, durations, distances, daily = _spells(pattern, restricted_h, administered_at_h)
    weights = distances**-distance_exponent
    rates = clearance.rates_per_h[:, None]
    begun, ended = np.exp(-rates * starts), np.exp(-rates * (starts + durations))
    # Integral of exp(-rate t) over a spell, and its slope against the rate.
    once = -np.expm1(-rates * durations) * begun / rates
    slope = -once / rates + ((starts + durations) * ended - starts * begun) / rates
    # All days to come: a geometric series.
    fraction = np.exp(-rates * DAY_H)
    series = np.where(daily, 1.0 / -np.expm1(-rates * DAY_H), 1.0)
    series_slope = np.where(daily, -DAY_H * fraction * series**2, 0.0)
    hours = (once * series) @ weights
    hours_slope = (slope * series + once * series_slope) @ weights
    dose, spread = clearance.with_uncertainty(
        float(clearance.dose_rates_usv_h @ hours), hours, clearance.dose_rates_usv_h * hours_slope
    )
    return dose * 1e-3, spread * 1e-3


def _next_start_h(pattern: ContactPattern, restricted_h: float, administered_at_h: float) -> float:
    if pattern.repetition is Repetition.ONCE:
        return restricted_h
    starts, _, _, daily = _spells(pattern, restricted_h, administered_at_h)
    return float(starts[daily].min())


def restriction(
    pattern: ContactPattern,
    clearance: DoseRateClearance,
    *,
    limit_msv: float,
    confidence: float,
    administered_at_h: float,
    distance_exponent: float,
) -> Restriction:
    """Return how long a pattern of contact has to be put off so that its dose keeps a limit [1]_.

    Parameters
    ----------
    pattern
        Of contact.
    clearance
        Of the patient.
    limit_msv
        Of the dose from the end of the restriction on, > 0: a yearly limit over treatments in a year [mSv].
    confidence
        Probability with which it is kept, 0.5 (the expected dose keeps it) to 1. The dose is taken to be
        normally distributed; it covers the clearance, not what people do.
    administered_at_h
        Time of day as for :func:`contact_dose_msv` [h].
    distance_exponent
        1 to 2, as there.

    Raises
    ------
    InputError
        When a number is out of range, or half-lives are too uncertain for any time to be told.

    References
    ----------
    .. [1] cormack1998exposures

    Examples
    --------
    The example in the documentation of the package glowgreen: 60 uSv/h at 2 m.

    >>> visits = ContactPattern("visits", Repetition.DAILY, *np.array([[7.5, 16], [0.75, 3.5], [0.3, 1]]))
    >>> at_1_m = 60 * 2**1.5 * np.array([0.3, 0.7])
    >>> patient = DoseRateClearance(at_1_m, np.array([8.0, 30.0]), np.zeros((4, 4)))
    >>> found = restriction(
    ...     visits, patient, limit_msv=1.0, confidence=0.5, administered_at_h=10.5, distance_exponent=1.5
    ... )
    >>> round(found.resumes_h, 6), round(found.dose_msv, 6)
    (29.5, 0.93997)
    """
    if not (math.isfinite(limit_msv) and limit_msv > 0):
        raise InputError(f"limit_msv must be finite and > 0 [mSv]; got {limit_msv!r}")
    _checked(administered_at_h, distance_exponent)
    quantile = checked_quantile(clearance, confidence)

    def dose_at(restricted_h: float) -> tuple[float, float]:
        return contact_dose_msv(
            pattern,
            clearance,
            restricted_h=restricted_h,
            administered_at_h=administered_at_h,
            distance_exponent=distance_exponent,
        )

    def excess(restricted_h: float) -> float:
        mean, spread = dose_at(restricted_h)
        return mean + quantile * spread - limit_msv

    duration = last_above_h(excess, float(clearance.half_lives_h.max()))
    resumes = _next_start_h(pattern, duration, administered_at_h)
    return Restriction(pattern.name, duration, resumes, *dose_at(resumes))
