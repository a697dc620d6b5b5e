"""The one place where DICOM dates and times become moments.

DICOM writes a moment in three ways: a date (DA) and a time (TM) apart, or both in one (DT), which may
carry its own time zone. A data set may state the zone of all its dates and times in Timezone Offset
From UTC (0008,0201). Files in the wild add the ACR-NEMA spellings ``2004.01.19`` and ``07:26:15``,
leave the date of the injection out, or shift dates to hide who the patient is.

Moments with a zone are compared as instants, so daylight saving needs no care; moments without one
are compared as one wall clock.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from tumorboard.errors import InputError

__all__ = [
    "combine",
    "latest_at_time_of_day",
    "on_clock",
    "parse_date",
    "parse_datetime",
    "parse_time",
    "parse_utc_offset",
]

_DATE = re.compile(r"(\d{4})([.\-/]?)(\d{2})\2(\d{2})")
_TIME = re.compile(r"(\d{2})(?:(:?)(\d{2})(?:\2(\d{2})(?:\.(\d{1,9}))?)?)?")
_DATETIME = re.compile(r"(\d{8})(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,9})?)?)?)([+-]\d{4})?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def parse_date(text: str | None) -> date | None:
    """Read a DICOM date (DA): ``YYYYMMDD``, or the older ``YYYY.MM.DD``.

    Returns
    -------
    date or None
        ``None`` when the text is absent or empty.

    Raises
    ------
    InputError
        When the text is no date.

    Examples
    --------
    >>> parse_date("2004.01.19")
    datetime.date(2004, 1, 19)
    """
    text = _cleaned(text)
    if not text:
        return None
    match = _DATE.fullmatch(text)
    try:
        if match:
            return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        match = None
    raise InputError(f"a DICOM date must read YYYYMMDD; got {text!r}; correct the file or state the moment")


def parse_time(text: str | None) -> time | None:
    """Read a DICOM time (TM): ``HH[MM[SS[.FFFFFF]]]``, or the older ``HH:MM:SS``.

    A leap second, ``60``, is read as the last microsecond before it.

    Returns
    -------
    time or None
        Without a time zone; ``None`` when the text is absent or empty.

    Raises
    ------
    InputError
        When the text is no time of day.

    Examples
    --------
    >>> parse_time("072615.5")
    datetime.time(7, 26, 15, 500000)
    """
    text = _cleaned(text)
    if not text:
        return None
    match = _TIME.fullmatch(text)
    try:
        if match:
            hour, minute, second = (int(match[group] or 0) for group in (1, 3, 4))
            microsecond = int((match[5] or "0").ljust(6, "0")[:6])
            if second == 60:
                second, microsecond = 59, 999_999
            return time(hour, minute, second, microsecond)
    except ValueError:
        match = None
    raise InputError(
        f"a DICOM time must read HHMMSS, with a fraction or not; got {text!r}; "
        "correct the file or state the moment"
    )


def parse_utc_offset(text: str | None) -> timezone | None:
    """Read Timezone Offset From UTC (0008,0201), or the suffix of a DT: ``+HHMM`` or ``-HHMM``.

    Raises
    ------
    InputError
        When the text is no offset between -12:00 and +14:00 h.

    Examples
    --------
    >>> parse_utc_offset("-0330").utcoffset(None).total_seconds() / 3600
    -3.5
    """
    text = _cleaned(text)
    if not text:
        return None
    match = _OFFSET.fullmatch(text)
    if match and int(match[3]) < 60:
        minutes = (60 * int(match[2]) + int(match[3])) * (-1 if match[1] == "-" else 1)
        if -12 * 60 <= minutes <= 14 * 60:
            return timezone(timedelta(minutes=minutes))
    raise InputError(
        f"an offset from UTC must read +HHMM or -HHMM, -1200 to +1400; got {text!r}; correct the file"
    )


def parse_datetime(text: str | None, *, zone: timezone | None = None) -> datetime | None:
    """Read a DICOM date and time in one (DT): ``YYYYMMDDHH[MM[SS[.FFFFFF]]][+ZZXX]``.

    Parameters
    ----------
    text
        The attribute's text.
    zone
        Zone of the data set, used when the text names none.

    Returns
    -------
    datetime or None
        With a zone when the text or the data set names one; ``None`` when the text is absent or empty.

    Raises
    ------
    InputError
        When the text is no moment, or is not precise to the hour.

    Examples
    --------
    >>> parse_datetime("20250101235000.25+0100").isoformat()
    '2025-01-01T23:50:00.250000+01:00'
    """
    text = _cleaned(text)
    if not text:
        return None
    match = _DATETIME.fullmatch(text)
    if not match:
        raise InputError(
            f"a DICOM date and time must read YYYYMMDDHHMMSS, with .FFFFFF and +ZZXX or not; got {text!r}; "
            "correct the file or state the moment"
        )
    return combine(match[1], match[2], zone=parse_utc_offset(match[3]) or zone)


def combine(date_text: str | None, time_text: str | None, *, zone: timezone | None = None) -> datetime | None:
    """Join a date (DA) and a time (TM); ``None`` when either is absent.

    Raises
    ------
    InputError
        When a text is no date or no time.

    Examples
    --------
    >>> combine("20250101", "1130").isoformat()
    '2025-01-01T11:30:00'
    """
    day, time_of_day = parse_date(date_text), parse_time(time_text)
    if day is None or time_of_day is None:
        return None
    return datetime.combine(day, time_of_day, zone)


def latest_at_time_of_day(time_of_day: time, *, not_after: datetime) -> datetime:
    """Return the latest moment with this time of day that is not after ``not_after``, in its zone.

    Finds the date of an injection of which only the time is known: the scan was not before it, so
    23:50 before a scan at 00:40 was on the evening before.

    Examples
    --------
    >>> latest_at_time_of_day(time(23, 50), not_after=datetime(2025, 1, 2, 0, 40)).isoformat()
    '2025-01-01T23:50:00'
    """
    moment = datetime.combine(not_after.date(), time_of_day, not_after.tzinfo)
    return moment if moment <= not_after else moment - timedelta(days=1)


def on_clock(moment: datetime, zone: timezone | None) -> datetime:
    """Put a moment on the clock of its data set.

    When the data set names no zone (``zone`` is ``None``) its dates and times are a wall clock of which
    nothing more is known; a DT's own zone is then dropped, since it can only be that of the same clock.

    Examples
    --------
    >>> on_clock(parse_datetime("2025010110+0100"), None).isoformat()
    '2025-01-01T10:00:00'
    """
    if zone is None:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _cleaned(text: str | None) -> str:
    return (text or "").strip(" \0")
