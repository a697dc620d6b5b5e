"""When the tracer was given."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final

from tumorboard.core.acquisition import PetSlice
from tumorboard.io.dicom import times
from tumorboard.io.dicom.injected_activity import AcquisitionResolution
from tumorboard.io.dicom.private_elements import PrivateCreator, private_text
from tumorboard.io.dicom.series_values import SeriesValues, text_of
from tumorboard.units import S_PER_DAY, S_PER_H

__all__ = ["injection_moment"]

# An injection time without a date is dated only where a day earlier or later is impossible to image.
_LONGEST_DATED_HALF_LIFE_S: Final = 4 * S_PER_H
_SAME_TIME_S: Final = 60.0
_DATED: Final = "RadiopharmaceuticalStartDateTime"
_ZONE: Final = re.compile(r"[+-]\d{4}$")


def injection_moment(
    values: SeriesValues, facts: Mapping[str, Any], resolutions: Collection[AcquisitionResolution]
) -> datetime | None:
    """Return when the tracer was given: as dated, or its time of day on the date that fits the scan.

    Parameters
    ----------
    values
        The series.
    facts
        What is known of ``slices``, ``series_start`` and ``half_life_s`` [s].
    resolutions
        Ways out of contradictions that may be taken.

    Raises
    ------
    InputError
        When the files disagree.
    """
    stated = values.moment(
        "Radiopharmaceutical Start DateTime (0018,1078)",
        lambda: values.one(
            values.tracers,
            _DATED,
            lambda text: times.parse_datetime(text, zone=values.zone),
        ),
    ) or values.moment(
        "GE administration date and time (0009,103B)",
        lambda: values.agreed(
            "GE administration date and time (0009,103B)",
            [private_text(d, 0x0009, 0x3B, creator=PrivateCreator.GE) for d in values.datasets],
            lambda text: times.parse_datetime(text, zone=values.zone),
        ),
    )
    redate = AcquisitionResolution.INJECTION_ON_SCAN_DATE in resolutions
    if stated is not None and values.zone is not None:
        stated = stated.astimezone(values.zone)
    if stated is not None and not redate:
        return _unless_contradicted(stated, values)
    time_of_day = stated.time() if stated is not None else _time_of_day(values)
    last = _latest_possible(values, facts)
    half_life_s = facts["half_life_s"]
    if time_of_day is None or last is None:
        return None
    if half_life_s is not None and half_life_s > _LONGEST_DATED_HALF_LIFE_S and not redate:
        values.note(
            "Radiopharmaceutical Start Time (0018,1072) has no date, and a tracer this long-lived may "
            "have been given on an earlier day: the injection is left out"
        )
        return None
    injection = times.latest_at_time_of_day(time_of_day, not_after=last)
    why = "as asked" if stated is not None else "its attribute (0018,1078) is absent"
    values.note(f"the date of the injection is the latest that fits the scan, {injection.isoformat()}: {why}")
    return injection


def _unless_contradicted(stated: datetime, values: SeriesValues) -> datetime | None:
    """Return the dated moment, with a note when Start Time is another; ``None`` when a clock is in doubt."""
    other = _time_of_day(values)
    if other is None:
        return stated
    apart_s = abs((stated.replace(tzinfo=None) - datetime.combine(stated.date(), other)).total_seconds())
    if min(apart_s, S_PER_DAY - apart_s) <= _SAME_TIME_S:
        return stated
    both = (
        f"Radiopharmaceutical Start DateTime (0018,1078) says {stated:%H:%M:%S}, Start Time (0018,1072) "
        f"{other:%H:%M:%S}"
    )
    if values.zone is None and any(_ZONE.search(text_of(t, _DATED)) for t in values.tracers):
        values.note(f"{both}, and only the former names a time zone: the injection is left out")
        return None
    values.note(f"{both}: the former is used")
    return stated


def _time_of_day(values: SeriesValues) -> time | None:
    # Through a moment on any day, so that an unreadable time is noted like every other.
    moment = values.moment(
        "Radiopharmaceutical Start Time (0018,1072)",
        lambda: values.one(
            values.tracers,
            "RadiopharmaceuticalStartTime",
            lambda text: times.combine("19700101", text, zone=values.zone),
        ),
    )
    return None if moment is None else moment.time()


def _latest_possible(values: SeriesValues, facts: Mapping[str, Any]) -> datetime | None:
    slices: tuple[PetSlice, ...] = facts["slices"]
    starts = [part.acquisition_start for part in slices if part.acquisition_start is not None]
    if not starts:
        series_start: datetime | None = facts["series_start"]
        return series_start
    series_type = values.datasets[0].get("SeriesType") or ("",)
    if (series_type if isinstance(series_type, str) else series_type[0]) != "DYNAMIC":
        return min(starts)
    # A dynamic scan often runs already when the tracer is given.
    first = min(part.frame_duration_s or 0.0 for part in slices)
    return max(starts) + timedelta(seconds=first)
