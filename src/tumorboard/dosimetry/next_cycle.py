"""How much activity the next cycle may have, so that an organ's limit is kept with stated confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from tumorboard.errors import InputError

__all__ = [
    "DeliveredDose",
    "OrganLimit",
    "PlannedCycle",
    "exceedance_probability",
    "plan_next_cycle",
    "total_after_cycle",
]


@dataclass(frozen=True, slots=True)
class OrganLimit:
    """What an organ may receive in all cycles together.

    Parameters
    ----------
    organ
        Its name.
    limit_gy
        > 0; of absorbed dose, or of BED where ``alpha_beta_gy`` is given [Gy].
    confidence
        Probability with which it is to be kept, 0.5 (its mean keeps it) to 1.
    alpha_beta_gy
        ``None`` for a limit of absorbed dose, else of BED [Gy].
    protraction
        Lea-Catcheside factor of the organ in the next cycle; it counts only for BED.
    """

    organ: str
    limit_gy: float
    confidence: float
    alpha_beta_gy: float | None = None
    protraction: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.limit_gy) and self.limit_gy > 0):
            raise InputError(f"limit_gy of {self.organ} must be finite and > 0 [Gy]; got {self.limit_gy!r}")
        if not 0.5 <= self.confidence < 1.0:
            raise InputError(
                f"confidence for {self.organ} must be at least 0.5 and less than 1; got {self.confidence!r}"
            )
        if self.alpha_beta_gy is not None and not self.alpha_beta_gy > 0:
            raise InputError(f"alpha_beta_gy of {self.organ} must be > 0 [Gy]; got {self.alpha_beta_gy!r}")
        if not 0.0 <= self.protraction <= 1.0:
            raise InputError(
                f"protraction of {self.organ} must lie between 0 and 1; got {self.protraction!r}"
            )


@dataclass(frozen=True, slots=True)
class DeliveredDose:
    """What an organ has had, and what it is expected to have by activity.

    Parameters
    ----------
    delivered_gy
        Sum of the cycles so far, >= 0; of BED where the limit is one [Gy].
    delivered_uncertainty_gy
        Its standard uncertainty without what all cycles share, >= 0 [Gy].
    gy_per_bq
        Absorbed dose by administered activity expected in the next cycle, > 0 [Gy/Bq].
    relative_uncertainty
        Of that without what all cycles share, >= 0: change from cycle to cycle, and measurement.
    shared_relative_uncertainty
        Of the dose of all cycles together, >= 0: calibration, volume, S-value. Delivered BED is taken to go
        with dose, although its quadratic part goes with the square: the share may be raised for it.
    """

    delivered_gy: float
    delivered_uncertainty_gy: float
    gy_per_bq: float
    relative_uncertainty: float
    shared_relative_uncertainty: float

    def __post_init__(self) -> None:
        for name in (
            "delivered_gy",
            "delivered_uncertainty_gy",
            "relative_uncertainty",
            "shared_relative_uncertainty",
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and >= 0; got {value!r}")
        if not (math.isfinite(self.gy_per_bq) and self.gy_per_bq > 0):
            raise InputError(f"gy_per_bq must be finite and > 0 [Gy/Bq]; got {self.gy_per_bq!r}")


@dataclass(frozen=True, slots=True)
class PlannedCycle:
    """Activity of the next cycle.

    Parameters
    ----------
    activity_bq
        The most that keeps all limits; 0 when one is reached already [Bq].
    limiting_organ
        Whose limit it is, or "" where the activity is the most that was asked for.
    expected_gy
        Organ to total after the cycle, expected [Gy].
    uncertainty_gy
        Organ to its standard uncertainty [Gy].
    exceedance
        Organ to the probability that its limit is exceeded.
    """

    activity_bq: float
    limiting_organ: str
    expected_gy: dict[str, float]
    uncertainty_gy: dict[str, float]
    exceedance: dict[str, float]


def total_after_cycle(limit: OrganLimit, dose: DeliveredDose, *, activity_bq: float) -> tuple[float, float]:
    """Return the organ's total after a cycle, expected, and its standard uncertainty [Gy].

    Parameters
    ----------
    limit
        Of the organ: whether totals are of BED, and how BED follows from dose.
    dose
        What it has had and will have.
    activity_bq
        Of the cycle, >= 0 [Bq].

    Raises
    ------
    InputError
        When the activity is out of range.

    Examples
    --------
    >>> kidney = OrganLimit("kidney", 23.0, 0.9)
    >>> total_after_cycle(kidney, DeliveredDose(15.0, 0.0, 0.5e-9, 0.2, 0.0), activity_bq=16e9)
    (23.0, 1.6)
    """
    if not (math.isfinite(activity_bq) and activity_bq >= 0):
        raise InputError(f"activity_bq must be finite and >= 0 [Bq]; got {activity_bq!r}")
    cycle, slope = activity_bq * dose.gy_per_bq, 1.0
    spread, effect = dose.relative_uncertainty * cycle, cycle
    if limit.alpha_beta_gy is not None:
        effect = cycle * (1.0 + limit.protraction * cycle / limit.alpha_beta_gy)
        slope = 1.0 + 2.0 * limit.protraction * cycle / limit.alpha_beta_gy
    shared = dose.shared_relative_uncertainty * (dose.delivered_gy + slope * cycle)
    return dose.delivered_gy + effect, math.hypot(dose.delivered_uncertainty_gy, slope * spread, shared)


def exceedance_probability(limit: OrganLimit, dose: DeliveredDose, *, activity_bq: float) -> float:
    """Return the probability that a cycle of this activity takes the organ beyond its limit.

    The total is taken to be normally distributed; for BED its uncertainty is carried over by its slope.

    Parameters
    ----------
    limit
        Of the organ.
    dose
        What it has had and will have.
    activity_bq
        Of the cycle, >= 0 [Bq].

    Examples
    --------
    >>> kidney = OrganLimit("kidney", 23.0, 0.9)
    >>> so_far = DeliveredDose(15.0, 0.0, 0.5e-9, 0.2, 0.0)
    >>> exceedance_probability(kidney, so_far, activity_bq=16e9)
    0.5
    """
    mean, sd = total_after_cycle(limit, dose, activity_bq=activity_bq)
    if sd == 0.0:
        return float(mean > limit.limit_gy)
    return float(ndtr((mean - limit.limit_gy) / sd))


def _most_activity_bq(limit: OrganLimit, dose: DeliveredDose, most_bq: float) -> float:
    z = float(ndtri(limit.confidence))

    def excess(activity_bq: float) -> float:
        mean, sd = total_after_cycle(limit, dose, activity_bq=activity_bq)
        return mean + z * sd - limit.limit_gy

    # Mean and uncertainty grow with activity, so there is one crossing.
    if excess(0.0) >= 0.0:
        return 0.0
    if excess(most_bq) <= 0.0:
        return most_bq
    return float(brentq(excess, 0.0, most_bq, xtol=1e-12 * most_bq, rtol=1e-14))


def plan_next_cycle(
    organs: Sequence[tuple[OrganLimit, DeliveredDose]], *, most_activity_bq: float
) -> PlannedCycle:
    """Return the most activity with which every organ keeps its limit with its confidence.

    Parameters
    ----------
    organs
        At least one, each with its limit and what it has had.
    most_activity_bq
        Not to be exceeded whatever the organs allow, > 0 [Bq].

    Raises
    ------
    InputError
        When no organ is given, one twice, or the activity is out of range.

    Examples
    --------
    >>> kidney = OrganLimit("kidney", 23.0, 0.5)
    >>> so_far = DeliveredDose(19.0, 1.0, 0.5e-9, 0.2, 0.05)
    >>> plan = plan_next_cycle([(kidney, so_far)], most_activity_bq=10e9)
    >>> round(plan.activity_bq / 1e9, 9), plan.limiting_organ, plan.exceedance
    (8.0, 'kidney', {'kidney': 0.5})
    """
    names = [limit.organ for limit, _ in organs]
    if not names or len(set(names)) < len(names):
        raise InputError(f"organs must be one or more, each once; got {names}")
    if not (math.isfinite(most_activity_bq) and most_activity_bq > 0):
        raise InputError(f"most_activity_bq must be finite and > 0 [Bq]; got {most_activity_bq!r}")
    allowed = {limit.organ: _most_activity_bq(limit, dose, most_activity_bq) for limit, dose in organs}
    organ = min(allowed, key=lambda name: allowed[name])
    activity = allowed[organ]
    totals = {limit.organ: total_after_cycle(limit, dose, activity_bq=activity) for limit, dose in organs}
    return PlannedCycle(
        activity,
        organ if activity < most_activity_bq else "",
        {name: total for name, (total, _) in totals.items()},
        {name: sd for name, (_, sd) in totals.items()},
        {limit.organ: exceedance_probability(limit, dose, activity_bq=activity) for limit, dose in organs},
    )
