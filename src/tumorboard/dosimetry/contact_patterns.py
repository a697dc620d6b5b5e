"""Who is how near to a patient and when: patterns of contact, and published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError

__all__ = ["DAY_H", "PUBLISHED_PATTERNS", "ContactPattern", "Repetition"]

DAY_H: Final = 24.0


class Repetition(Enum):
    """How often a pattern of contact comes."""

    DAILY = "daily"
    """Each day for good; starts are times of day."""
    ONCE = "once"
    """A single time; starts are counted from the end of the restriction."""


@dataclass(frozen=True, slots=True, eq=False)
class ContactPattern:
    """Spells of contact with a patient.

    Parameters
    ----------
    name
        What people do.
    repetition
        Whether each day or once.
    starts_h
        Of the spells, ascending, >= 0, shape ``(n,)``: time of day, or time after the restriction's end [h].
    durations_h
        > 0; spells do not overlap, and of a daily pattern end by 24 h, shape ``(n,)`` [h].
    distances_m
        From the patient's middle, > 0, shape ``(n,)`` [m].

    Examples
    --------
    >>> visits = ContactPattern("visits", Repetition.DAILY, *np.array([[7.5, 16], [0.75, 3.5], [0.3, 1]]))
    >>> float(visits.durations_h.sum())
    4.25
    """

    name: str
    repetition: Repetition
    starts_h: NDArray[np.float64]
    durations_h: NDArray[np.float64]
    distances_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("starts_h", "durations_h", "distances_m"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        shapes = {self.starts_h.shape, self.durations_h.shape, self.distances_m.shape}
        if len(shapes) > 1 or self.starts_h.ndim != 1 or self.starts_h.size == 0:
            raise InputError(
                f"starts_h, durations_h and distances_m of {self.name} must be one number for each spell; "
                f"got shapes {sorted(shapes)}"
            )
        for name, unit in (("durations_h", "h"), ("distances_m", "m")):
            values = getattr(self, name)
            if not (np.isfinite(values) & (values > 0)).all():
                raise InputError(
                    f"{name} of {self.name} must be finite and > 0 [{unit}]; got {values.tolist()}"
                )
        ends = self.starts_h + self.durations_h
        apart = self.starts_h[0] >= 0 and (ends[:-1] <= self.starts_h[1:] + 1e-9).all()
        if not (apart and np.isfinite(ends).all()):
            raise InputError(
                f"spells of {self.name} must start at >= 0 h, in turn, without overlap; "
                f"got starts {self.starts_h.tolist()} and durations {self.durations_h.tolist()}"
            )
        if self.repetition is Repetition.DAILY and ends[-1] > DAY_H + 1e-9:
            raise InputError(
                f"spells of {self.name} must end by 24 h of the day; got {ends[-1]!r}: give what is after "
                "midnight as a spell from 0 h"
            )


def _daily(name: str, spells: Sequence[tuple[float, float, float]]) -> ContactPattern:
    """Return a daily pattern from hour of the day, minutes and distance [m] of its spells."""
    start, minutes, distance = np.array(spells).T
    return ContactPattern(name, Repetition.DAILY, start, minutes / 60.0, distance)


def _hours(hours: Sequence[int], minutes: float, distance_m: float) -> list[tuple[float, float, float]]:
    return [(float(hour), minutes, distance_m) for hour in hours]


def _sleeping(name: str, distance_m: float) -> ContactPattern:
    asleep, beside = _hours((*range(6), 22, 23), 60, distance_m), _hours((6, 7, 8, 19, 20, 21), 60, 1.0)
    return _daily(name, sorted(asleep + beside))


_FEEDS: Final = (3, 7, 11, 15, 19)

PUBLISHED_PATTERNS: Final = MappingProxyType(
    {
        pattern.name: pattern
        for pattern in (
            _daily(
                "infant",
                sorted(
                    _hours(_FEEDS, 20, 0.1)
                    + _hours((8, 10, 12, 14, 16, 18), 30, 0.5)
                    + _hours((9, 13, 17), 40, 1.0)
                    + _hours((23,), 35, 0.1)
                ),
            ),
            _daily("demanding or sick infant", _hours((3, *range(7, 20), 23), 35, 0.1)),
            _daily(
                "child of 2 to 5 years",
                sorted(
                    _hours((6, 8, 19), 60, 0.1) + _hours((7, 17, 18), 30, 0.1) + _hours(range(9, 17), 60, 1.0)
                ),
            ),
            _daily(
                "child of 5 to 15 years",
                sorted(_hours((6, 7, 19, 20), 30, 0.1) + _hours((8, 16, 17, 18), 60, 1.0)),
            ),
            _sleeping("sleeping with an adult 0.1 m away", 0.1),
            _sleeping("sleeping with an adult 0.3 m away", 0.3),
            _daily(
                "adult friends and family",
                sorted(
                    _hours((8,), 30, 0.5)
                    + _hours((12, 18), 60, 0.5)
                    + _hours((19,), 30, 0.1)
                    + _hours((9, 10, 11, 13, 14, 15, 16, 17, 20, 21), 60, 1.0)
                ),
            ),
            _daily(
                "informed carer",
                sorted(
                    _hours((6, 11, 20), 30, 0.1)
                    + _hours((7, 12, 19), 30, 0.5)
                    + _hours((8, 13, 16, 17, 18), 60, 1.0)
                ),
            ),
            _daily("social functions, or work without close contact", [(9.0, 480.0, 1.0)]),
            _daily("public transport to and from work", [(8.0, 60.0, 0.3), (17.0, 60.0, 0.3)]),
            _daily(
                "work or school with close contact",
                [(9.0, 180.0, 0.5), (12.0, 120.0, 1.0), (14.0, 120.0, 0.5), (16.0, 60.0, 1.0)],
            ),
            ContactPattern(
                "24 h on public transport", Repetition.ONCE, np.zeros(1), np.array([24.0]), np.array([0.3])
            ),
        )
    }
)
"""Name to pattern: those of Cormack and Shearer [cormack1998exposures], as an earlier version of the package
glowgreen (MIT) states them, and sleeping 0.3 m apart beside it. Later it had nobody nearer than 0.3 m: see
:mod:`~tumorboard.dosimetry.contact_patterns_adapted`. They are what people may do, not limits."""
