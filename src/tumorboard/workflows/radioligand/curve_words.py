"""What a reader should know of the curves through activities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tumorboard.workflows.radioligand.config import CurveChoice, RadioligandConfig, SingleScan
from tumorboard.workflows.radioligand.time_course import RegionCourse

__all__ = ["SHAPE_NAMES", "curve_notes"]

SHAPE_NAMES: Final = {
    "mono_exponential": "mono-exponential",
    "mono_exponential_uptake": "mono-exponential with uptake",
    "bi_exponential": "bi-exponential",
    "bi_exponential_uptake": "bi-exponential with uptake",
    "tri_exponential": "tri-exponential",
    "trapezoid": "straight lines",
    "haenscheid": "Haenscheid's method",
    "madsen": "Madsen's method",
    "population_mean": "the population's mean",
    "physical_decay": "physical decay alone",
}
_CRITERIA: Final = {
    "aic": (
        "chi-squared plus twice the number of parameters (AICc is defined for no more than one shape with so "
        "few scans, and its correction is for uncertainties that are estimated from the scatter)"
    ),
    "aicc": "AICc among all shapes for which it is defined",
}
#: A right curve misses as much less often than this.
_UNLIKELY: Final = 0.05


def curve_notes(
    config: RadioligandConfig, total: RegionCourse, courses: Sequence[RegionCourse]
) -> tuple[str, ...]:
    """Return how decays follow from activities, and what that cannot tell.

    Parameters
    ----------
    config
        The choices.
    total, courses
        Of the whole scan, and of each lesion.
    """
    n = total.samples.n_times
    if n == 1:
        return (_one_scan(config, (total, *courses)),)
    if config.curve is CurveChoice.TRAPEZOID:
        return (
            "Decays are the integral of straight lines from 0 through the activities and of physical decay "
            "after the last scan, as was chosen: doses are upper limits unless still more came in after it. "
            + _assumed(config),
        )
    notes = []
    limited = [c for c in courses if c.is_upper_limit]
    if limited:
        notes.append(_still_taken_up(limited, total))
    if n == 2:
        notes.append(
            "Two scans determine a mono-exponential exactly: nothing is left over to tell whether it is "
            "right, and neither uptake nor a second, slower phase can be seen. " + _assumed(config)
        )
        return tuple(notes)
    if config.curve is CurveChoice.MONO:
        notes.append("A mono-exponential was put through all activities, as was chosen. " + _assumed(config))
    else:
        notes.append(_chosen((total, *courses)) + _assumed(config))
    missed = [
        f"{c.name} (probability {c.curve.misfit_probability:.2g})"
        for c in (total, *courses)
        if c.curve.misfit_probability is not None and c.curve.misfit_probability < _UNLIKELY
    ]
    if missed:
        notes.append(
            f"{', '.join(missed)}: the curve misses the scans by more than their assumed uncertainties let "
            "expect; its decays are less certain than stated."
        )
    return tuple(notes)


def _chosen(courses: Sequence[RegionCourse]) -> str:
    told = "; ".join(f"{c.name}: {_best(c)}" for c in courses)
    return (
        f"Curves were chosen by {_CRITERIA[courses[0].curve.criterion]}: {told}. How far the "
        "candidates' decays differ is not in the uncertainties. "
    )


def _best(course: RegionCourse) -> str:
    best = min(course.curve.candidates, key=lambda one: one.criterion)
    words = SHAPE_NAMES[best.shape]
    return f"{words}, as slow as physical decay, hence straight lines" if course.is_upper_limit else words


def _assumed(config: RadioligandConfig) -> str:
    return (
        "Uncertainties are those of "
        f"activities assumed uncertain by {100 * config.lesion_relative_uncertainty:g} % in a lesion and "
        f"{100 * config.total_relative_uncertainty:g} % in the whole scan, independent in each scan; the "
        "choice of the curve is not in them."
    )


def _still_taken_up(limited: Sequence[RegionCourse], total: RegionCourse) -> str:
    times = ", ".join(f"{t / 3600:.1f}" for t in total.samples.times_s)
    early = max(c.earlier_uptake_share for c in limited)
    later = " A scan after three days or more would tell." if total.samples.times_s[-1] < 3 * 86400.0 else ""
    return (
        f"{', '.join(c.name for c in limited)}: activity, physical decay included, did not fall "
        f"faster than the nuclide decays between the scans at {times} h: uptake was probably still "
        "going on, and the scans say nothing of how it leaves. The half-life shown is the physical one "
        "and the dose an upper limit, unless still more came in after the last scan: straight lines "
        "from 0 through the scans, then physical decay; uptake all at once would give up to "
        f"{100 * early:.2g} % more.{later}"
    )


def _one_scan(config: RadioligandConfig, courses: Sequence[RegionCourse]) -> str:
    hours = courses[0].samples.times_s[0] / 3600.0
    method = config.single_scan
    if method is None or method is SingleScan.PHYSICAL_DECAY:
        return (
            f"One scan, at {hours:.1f} h: all activity was taken to stay where it is and to fall by physical "
            "decay alone, before the scan and after it, as was chosen. Doses are upper limits of what a "
            "region gets after the scan; no scan shows whether it is so."
        )
    regions = "; ".join(_of_population(config, course) for course in courses)
    return (
        f"One scan, at {hours:.1f} h: decays follow from it by {SHAPE_NAMES[method.value]}, as was chosen. "
        "Half-lives are a population's, not this patient's, and the errors of the method among it are in the "
        f"uncertainties: {regions}. A patient outside of this population has another error, which nothing "
        "here shows."
    )


def _of_population(config: RadioligandConfig, course: RegionCourse) -> str:
    known = config.half_lives_of(course.name)
    words = (
        f"{course.name} {known.median_h:g} h, geometric standard deviation {known.geometric_sd:g} "
        f"({known.source}), root mean square error {100 * course.decays_relative_uncertainty:.0f} % with the "
        "activity's"
    )
    if course.curve.truth_by_estimate is None:
        return words
    low, high = course.curve.truth_by_estimate
    return f"{words}, true decays {low:.2f} to {high:.2f} times these in nine of ten"
