"""Units in which tables of curves are written, as text and as choices of a caller."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, TypeVar

from tumorboard.errors import InputError, MissingAttribute
from tumorboard.units import S_PER_H, S_PER_MIN

__all__ = [
    "ActivityUnit",
    "DurationUnit",
    "activity_unit",
    "agreed",
    "duration_unit",
    "fraction_factor",
    "split_unit",
]

_BQ_PER_CI: Final = 3.7e10


class DurationUnit(Enum):
    """Unit of the times of a table; the value is how many seconds it has."""

    SECOND = 1.0
    MINUTE = S_PER_MIN
    HOUR = S_PER_H


class ActivityUnit(Enum):
    """Unit of the concentrations of a table; the value is how many Bq/mL it has."""

    BQ_ML = 1.0
    KBQ_ML = 1e3
    MBQ_ML = 1e6
    NCI_ML = 1e-9 * _BQ_PER_CI
    UCI_ML = 1e-6 * _BQ_PER_CI


_Unit = TypeVar("_Unit", DurationUnit, ActivityUnit)

_DURATIONS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), DurationUnit.SECOND),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), DurationUnit.MINUTE),
    **dict.fromkeys(("h", "hr", "hour", "hours"), DurationUnit.HOUR),
}
_ACTIVITIES: Final = {
    "bq": ActivityUnit.BQ_ML,
    "kbq": ActivityUnit.KBQ_ML,
    "mbq": ActivityUnit.MBQ_ML,
    "nci": ActivityUnit.NCI_ML,
    "uci": ActivityUnit.UCI_ML,
}
_FRACTIONS: Final = {
    **dict.fromkeys(("", "1", "1/1", "unitless", "arbitrary", "fraction", "none"), 1.0),
    **dict.fromkeys(("%", "percent"), 0.01),
}
_IN_BRACKETS: Final = re.compile(r"\s*[\[(]\s*([^\[\]()]*?)\s*[\])]\s*$")
_CONCENTRATION: Final = re.compile(
    r"([knmuµμ]?(?:bq|ci))(?:\s*(?:/|\*|\.|\s)\s*)?(ml|cc|cm3|cm\^3|ml-1)?", re.IGNORECASE
)


def duration_unit(text: str, *, where: str) -> DurationUnit:
    """Return the unit of time that ``text`` names; ``where`` says which one it is in the message.

    Raises
    ------
    InputError
        When it names none.

    Examples
    --------
    >>> duration_unit("minutes", where="tac.tsv")
    <DurationUnit.MINUTE: 60.0>
    """
    found = _DURATIONS.get(text.strip().lower())
    if found is None:
        raise InputError(
            f"unit of time of {where} must be s, min or h; got {text.strip()[:40]!r}; correct the file"
        )
    return found


def activity_unit(text: str, *, where: str) -> ActivityUnit:
    """Return the unit of concentration that ``text`` names; ``where`` says which one it is in the message.

    Raises
    ------
    InputError
        When it names none.

    Examples
    --------
    >>> activity_unit("kBq/cc", where="tac.tsv"), activity_unit("BQML", where="tac.tsv")
    (<ActivityUnit.KBQ_ML: 1000.0>, <ActivityUnit.BQ_ML: 1.0>)
    """
    found = _CONCENTRATION.fullmatch(text.strip())
    # Upper case is DICOM's way, where M would be mega: BQML is Bq/mL.
    unit = _ACTIVITIES.get(re.sub("[µμ]", "u", found[1].lower())) if found and found[2] else None
    if unit is None:
        raise InputError(
            f"unit of concentration of {where} must be Bq/mL, kBq/mL, MBq/mL, nCi/mL or uCi/mL; got "
            f"{text.strip()[:40]!r}; correct the file"
        )
    return unit


def fraction_factor(text: str, *, where: str) -> float:
    """Return what a fraction written in a unit is multiplied with.

    Raises
    ------
    InputError
        When the unit is not one of fractions.

    Examples
    --------
    >>> fraction_factor("unitless", where="blood.tsv"), fraction_factor("%", where="blood.tsv")
    (1.0, 0.01)
    """
    found = _FRACTIONS.get(text.strip().lower())
    if found is None:
        raise InputError(
            f"unit of the fraction of {where} must be none or %; got {text.strip()[:40]!r}; correct the file"
        )
    return found


def split_unit(header: str) -> tuple[str, str | None]:
    """Return the name of a column and the unit in brackets behind it, ``None`` where there is none.

    Examples
    --------
    >>> split_unit("sample-time[seconds]"), split_unit("frame_start(min)"), split_unit("striatum dx")
    (('sample-time', 'seconds'), ('frame_start', 'min'), ('striatum dx', None))
    """
    found = _IN_BRACKETS.search(header)
    if found is None:
        return header.strip(), None
    return header[: found.start()].strip(), found[1]


def agreed(stated: _Unit | None, told: _Unit | None, *, what: str, where: str, way_out: str) -> _Unit:
    """Return the one unit that file and caller state between them.

    Raises
    ------
    MissingAttribute
        When neither states one.
    InputError
        When they differ.

    Examples
    --------
    >>> agreed(None, DurationUnit.MINUTE, what="time", where="a.csv", way_out="say it").name
    'MINUTE'
    """
    if stated is not None and told is not None and stated is not told:
        raise InputError(f"unit of {what} of {where} must be {stated.name} as the file says; got {told.name}")
    unit = stated or told
    if unit is None:
        raise MissingAttribute(f"unit of {what} of {where} must be given; the file states none; {way_out}")
    return unit
