"""Patterns of contact of 2020s practice, with the limits that they are held to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from tumorboard.dosimetry.contact_patterns import ContactPattern, Repetition
from tumorboard.errors import InputError

__all__ = ["ADAPTED_PATTERNS", "LimitedContact"]


@dataclass(frozen=True, slots=True, eq=False)
class LimitedContact:
    """A pattern of contact and the limit of its dose.

    Parameters
    ----------
    pattern
        Of contact.
    limit_msv
        Of the dose to the other person, > 0 [mSv].
    by_treatment
        Whether the limit is for each treatment, as for informed carers, and not for a year.
    """

    pattern: ContactPattern
    limit_msv: float
    by_treatment: bool

    def limit_of_treatment_msv(self, treatments_in_year: float) -> float:
        """Return the limit for one treatment: a yearly one is shared by the treatments in a year [mSv].

        Parameters
        ----------
        treatments_in_year
            Number of them that is expected, >= 1.

        Raises
        ------
        InputError
            When there is less than one treatment.

        Examples
        --------
        >>> carer = ADAPTED_PATTERNS["informed carer"]
        >>> infant = ADAPTED_PATTERNS["infant"]
        >>> carer.limit_of_treatment_msv(4), infant.limit_of_treatment_msv(4)
        (5.0, 0.25)
        """
        if not (math.isfinite(treatments_in_year) and treatments_in_year >= 1):
            raise InputError(f"treatments_in_year must be finite and >= 1; got {treatments_in_year!r}")
        return self.limit_msv if self.by_treatment else self.limit_msv / treatments_in_year


_Spells = Sequence[tuple[Sequence[float], float, float]]
_AT_NIGHT: Final = ((*range(6), 22, 23), 60, 0.3), ((6, 7, 8, 19, 20, 21), 60, 1.0)
_ALL_DAY: Final = ((9, 10, 11, 13, 14, 15, 16, 17), 60, 1.0), ((12, 18), 60, 0.5)
_HOUSEHOLD: Final = (
    ((8,), 30, 0.5),
    ((12, 18), 60, 0.5),
    ((19,), 30, 0.3),
    ((9, 10, 11, 13, 14, 15, 16, 17, 20, 21), 60, 1.0),
)
_CLASSROOM: Final = ((9,), 180, 0.5), ((12,), 120, 1.0), ((14,), 120, 0.5), ((16,), 60, 1.0)

#: Name, limit [mSv], whether by treatment, and spells: hours of the day, minutes, distance [m].
_TABLE: Final[tuple[tuple[str, float, bool, _Spells], ...]] = (
    (
        "infant",
        1.0,
        False,
        (
            ((3, 7, 11, 15, 19), 20, 0.3),
            ((8, 10, 12, 14, 16, 18), 30, 0.5),
            ((9, 13, 17), 40, 1.0),
            ((23,), 35, 0.3),
        ),
    ),
    ("demanding or sick infant", 1.0, False, (((3, *range(7, 20), 23), 35, 0.3),)),
    (
        "child of 2 to 5 years",
        1.0,
        False,
        (
            ((6, 18), 60, 0.3),
            ((7, 8, 17, 19), 30, 0.3),
            ((9, 10, 11, 13, 14, 15, 16), 30, 1.0),
            ((12,), 60, 1.0),
        ),
    ),
    (
        "child of 5 to 15 years",
        1.0,
        False,
        (((6, 7, 19, 20), 30, 0.3), ((8, 16, 17, 18), 60, 1.0)),
    ),
    ("sleeping with another person, a child or pregnant say", 1.0, False, _AT_NIGHT),
    ("sleeping with an informed carer", 5.0, True, _AT_NIGHT),
    ("sleeping with another person, close by day", 1.0, False, (*_AT_NIGHT, *_ALL_DAY)),
    ("sleeping with an informed carer, close by day", 5.0, True, (*_AT_NIGHT, *_ALL_DAY)),
    ("adult of the household", 1.0, False, _HOUSEHOLD),
    ("pregnant person of the household", 1.0, False, _HOUSEHOLD),
    (
        "informed carer",
        5.0,
        True,
        (((6, 11, 20), 30, 0.3), ((7, 12, 19), 30, 0.5), ((8, 13, 16, 17, 18), 60, 1.0)),
    ),
    ("cinema, theatre, visits", 1.0, False, (((9,), 180, 0.5),)),
    ("public transport to and from work", 1.0, False, (((8, 17), 60, 0.3),)),
    ("work with close contact", 1.0, False, _CLASSROOM),
    ("work without close contact", 1.0, False, (((9,), 480, 1.0),)),
    ("work with radiosensitive materials", 0.1, False, (((9,), 480, 1.0),)),
    ("school", 1.0, False, _CLASSROOM),
)


def _daily(name: str, groups: _Spells) -> ContactPattern:
    spells = sorted((float(hour), minutes / 60.0, far) for hours, minutes, far in groups for hour in hours)
    return ContactPattern(name, Repetition.DAILY, *np.array(spells).T)


_TRIP: Final = ContactPattern(
    "24 h on public transport", Repetition.ONCE, np.zeros(1), np.array([24.0]), np.array([0.3])
)

ADAPTED_PATTERNS: Final = MappingProxyType(
    {
        name: LimitedContact(_daily(name, groups), limit_msv, by_treatment)
        for name, limit_msv, by_treatment, groups in _TABLE
    }
    | {_TRIP.name: LimitedContact(_TRIP, 1.0, False)}
)
"""Name to pattern and limit: those of the packages dorn 2.0.0 and glowgreen 0.1.1 (MIT), which adapted
Cormack and Shearer's [cormack1998exposures]: nobody is nearer than 0.3 m. Limits are theirs, of South
Australia; a hospital has its own."""
