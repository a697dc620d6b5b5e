"""The Deauville five-point scale, from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from tumorboard.errors import InputError
from tumorboard.pet.quantities import LesionQuantities
from tumorboard.provenance import Record

__all__ = ["DeauvilleRule", "DeauvilleScore", "UptakeMeasure", "deauville_score"]


class UptakeMeasure(Enum):
    """Which number of a lesion is compared."""

    MAXIMUM = "maximum"
    PEAK = "peak"


@dataclass(frozen=True, slots=True)
class DeauvilleRule:
    """How the words of the scale become numbers.

    Parameters
    ----------
    measure
        Which number of the lesion is compared with the references.
    markedly_factor
        Score 5 begins above this many times the liver reference; published between 2 and 3 [1]_.
    background
        Uptake that counts as none (score 1), in the image's unit.

    References
    ----------
    .. [1] barrington2014role
    """

    measure: UptakeMeasure
    markedly_factor: float
    background: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.markedly_factor) and self.markedly_factor > 1):
            raise InputError(f"markedly_factor must be finite and > 1; got {self.markedly_factor!r}")
        if not (np.isfinite(self.background) and self.background >= 0):
            raise InputError(f"background must be finite and >= 0; got {self.background!r}")


@dataclass(frozen=True, slots=True)
class DeauvilleScore:
    """A score from 1 to 5, why, and which lesion decided.

    Parameters
    ----------
    score
        1 to 5.
    reason
        In words, with the numbers compared.
    lesion
        Name of the lesion that decided; ``None`` for score 1 without lesions.
    provenance
        How it was made.
    """

    score: int
    reason: str
    lesion: str | None
    provenance: Record


def deauville_score(
    lesions: Sequence[LesionQuantities],
    *,
    mediastinum: float,
    liver: float,
    rule: DeauvilleRule,
    new_lesions: Sequence[str] = (),
) -> DeauvilleScore:
    """Score the hottest residual uptake of lymphoma against mediastinum and liver.

    1 no uptake above background; 2 at most mediastinal blood pool; 3 at most liver; 4 above
    liver; 5 above ``rule.markedly_factor`` times liver, or a new lesion [1]_, [2]_. The scale is
    visual; this is its reading in numbers and no more reliable than the reference values. Where
    the mediastinum is not below the liver, liver alone decides: below it 2, equal to it 3.

    Parameters
    ----------
    lesions
        Residual uptake at known sites, measured on one image; may be none.
    mediastinum, liver
        Reference values, in the lesions' unit. The published factor 2 to 3 refers to the liver's
        maximum in a large normal region.
    rule
        How the words become numbers.
    new_lesions
        Names of new lesions that are lymphoma; uptake unlikely to be lymphoma (X) does not belong here.

    Returns
    -------
    DeauvilleScore
        With its reason in words.

    References
    ----------
    .. [1] cheson2014lugano
    .. [2] barrington2014role

    Examples
    --------
    >>> rule = DeauvilleRule(UptakeMeasure.MAXIMUM, markedly_factor=2.0, background=0.8)
    >>> deauville_score([], mediastinum=1.6, liver=2.5, rule=rule).score
    1
    """
    for name, value in (("mediastinum", mediastinum), ("liver", liver)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} must be finite and > 0 in the lesions' unit; got {value!r}")
    if len({lesion.quantity for lesion in lesions}) > 1:
        raise InputError("lesions must all be measured in one quantity; measure them on one image")
    uptakes = [lesion.maximum if rule.measure is UptakeMeasure.MAXIMUM else lesion.peak for lesion in lesions]
    hottest = int(np.argmax(uptakes)) if lesions else None
    uptake = uptakes[hottest] if hottest is not None else 0.0
    decided = lesions[hottest].name if hottest is not None else None
    score, reason = _score(uptake, mediastinum, liver, rule)
    if new_lesions:
        score, reason = 5, f"new lesions: {', '.join(new_lesions)}"
        decided = new_lesions[0]
    elif not lesions:
        reason = "no residual uptake"
    record = Record(
        "pet.deauville_score",
        {
            "mediastinum": mediastinum,
            "liver": liver,
            "measure": rule.measure.value,
            "markedly_factor": rule.markedly_factor,
            "background": rule.background,
            "new_lesions": list(new_lesions),
        },
        tuple(lesion.provenance for lesion in lesions),
        ("cheson2014lugano", "barrington2014role"),
    )
    return DeauvilleScore(score, reason, decided, record)


def _score(uptake: float, mediastinum: float, liver: float, rule: DeauvilleRule) -> tuple[int, str]:
    what = f"{rule.measure.value} {uptake:.3g}"
    if uptake <= rule.background:
        return 1, f"{what} is not above background {rule.background:.3g}"
    if uptake > rule.markedly_factor * liver:
        return 5, f"{what} is above {rule.markedly_factor:.3g} x liver {liver:.3g}"
    if uptake > liver:
        return 4, f"{what} is above liver {liver:.3g}, not above {rule.markedly_factor:.3g} x liver"
    if mediastinum >= liver:
        score = 2 if uptake < liver else 3
        return (
            score,
            f"{what} against liver {liver:.3g} alone, as mediastinum {mediastinum:.3g} is not below it",
        )
    if uptake > mediastinum:
        return 3, f"{what} is above mediastinum {mediastinum:.3g}, not above liver {liver:.3g}"
    return 2, f"{what} is above background, not above mediastinum {mediastinum:.3g}"
