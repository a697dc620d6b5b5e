"""What a user types about a radioligand's dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tumorboard.errors import InputError
from tumorboard.workflows.nuclide.config import LIBRARIES

__all__ = [
    "CURVES",
    "LIBRARIES",
    "PROGENY",
    "SINGLE_SCANS",
    "RadioligandChoices",
    "leaving_member",
    "stated_half_lives",
]

#: Names a user types for :class:`tumorboard.workflows.radioligand.config.CurveChoice` and
#: :class:`~tumorboard.workflows.radioligand.config.SingleScan`, which every command would load to say them.
CURVES: Final = ("aicc", "mono", "trapezoid")
SINGLE_SCANS: Final = ("haenscheid", "madsen", "population_mean", "physical_decay")
#: Of progeny, beside what leaves: ``"Fr-221=0.3"`` for a share at once, ``"Bi-213=2h"`` for a half-life.
PROGENY: Final = ("with_parent", "excluded")


@dataclass(frozen=True, slots=True)
class RadioligandChoices:
    """Choices about the dose of a radioligand, as typed.

    Parameters
    ----------
    curve
        Of :data:`CURVES`, through two scans or more.
    single_scan
        Of :data:`SINGLE_SCANS`: how decays follow from one scan; ``None``: one scan has no dose.
    half_lives
        Of a population, each ``"MEDIAN_H:GEOMETRIC_SD"`` or ``"REGION=MEDIAN_H:GEOMETRIC_SD"`` [h].
    progeny
        Of :data:`PROGENY`, or what leaves, ``"Fr-221=0.3,Bi-213=2h"``; ``None``: alpha emitters' progeny
        decays with its parent.
    library
        Of :data:`LIBRARIES`.
    alpha_rbe
        Relative biological effectiveness of alphas, >= 1; ``None``: none is applied.

    Raises
    ------
    InputError
        When a name is unknown, a number cannot be read, or one scan lacks half-lives.

    Examples
    --------
    >>> RadioligandChoices(single_scan="haenscheid", half_lives=("50:1.3",)).curve
    'aicc'
    """

    curve: str = CURVES[0]
    single_scan: str | None = None
    half_lives: tuple[str, ...] = ()
    progeny: str | None = None
    library: str = LIBRARIES[0]
    alpha_rbe: float | None = None

    def __post_init__(self) -> None:
        for name, known in (("curve", CURVES), ("single_scan", SINGLE_SCANS), ("library", LIBRARIES)):
            value = getattr(self, name)
            if value not in known and not (name == "single_scan" and value is None):
                raise InputError(f"{name} must be one of {', '.join(known)}; got {value!r}")
        regions = [stated_half_lives(text)[0] for text in self.half_lives]
        if self.single_scan not in (None, "physical_decay") and "" not in regions:
            raise InputError(
                f"half_lives must hold those of all regions, e.g. 50:1.3 [h], for {self.single_scan}; got "
                f"{', '.join(self.half_lives) or 'none'}; pass --radioligand-half-lives"
            )
        if self.progeny is not None and self.progeny not in PROGENY:
            for part in self.progeny.split(","):
                leaving_member(part)


def stated_half_lives(text: str) -> tuple[str, float, float]:
    """Return region, median [h] and geometric standard deviation.

    Parameters
    ----------
    text
        ``"MEDIAN_H:GEOMETRIC_SD"`` or ``"REGION=MEDIAN_H:GEOMETRIC_SD"``; without a region for all others.

    Raises
    ------
    InputError
        When it cannot be read.

    Examples
    --------
    >>> stated_half_lives("Left kidney=45:1.2")
    ('Left kidney', 45.0, 1.2)
    """
    region, _, numbers = text.rpartition("=")
    median, _, spread = numbers.partition(":")
    try:
        return region.strip(), float(median), float(spread)
    except ValueError:
        raise InputError(
            f"half_lives must read MEDIAN_H:GEOMETRIC_SD or REGION=MEDIAN_H:GEOMETRIC_SD [h]; got {text!r}"
        ) from None


def leaving_member(text: str) -> tuple[str, float, bool]:
    """Return a member, its leaving share or biological half-life [h], and whether it is the latter.

    Parameters
    ----------
    text
        ``"Fr-221=0.3"`` or ``"Bi-213=2h"``.

    Raises
    ------
    InputError
        When it cannot be read.

    Examples
    --------
    >>> leaving_member("Bi-213=2h")
    ('Bi-213', 2.0, True)
    """
    name, _, value = text.partition("=")
    is_half_life = value.strip().endswith("h")
    try:
        return name.strip(), float(value.strip().removesuffix("h")), is_half_life
    except ValueError:
        raise InputError(
            f"progeny must be one of {', '.join(PROGENY)}, or read like Fr-221=0.3 for a share that leaves, "
            f"Bi-213=2h for a half-life; got {text!r}"
        ) from None
