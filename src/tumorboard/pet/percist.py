"""Metabolic response of solid tumours between two scans: PERCIST 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.peak import SphereUptake
from tumorboard.pet.quantities import LesionQuantities
from tumorboard.pet.thresholds import Percist, ReferenceTissue
from tumorboard.provenance import Record

__all__ = ["MetabolicResponse", "PercistResponse", "PercistRule", "PercistScan", "percist_response"]

_LEAN: Final = (Quantity.SUV_LEAN_BODY_MASS_JAMES, Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN)


class MetabolicResponse(Enum):
    """The categories of PERCIST 1.0."""

    CMR = "complete metabolic response"
    PMR = "partial metabolic response"
    SMD = "stable metabolic disease"
    PMD = "progressive metabolic disease"
    NOT_MEASURABLE = "no lesion measurable at baseline"


@dataclass(frozen=True, slots=True)
class PercistRule:
    """The limits of PERCIST 1.0, as published [1]_.

    Parameters
    ----------
    change_percent
        Least relative change of SULpeak that counts [%].
    change_sul
        Least absolute change of SULpeak that counts [g/mL].
    tlg_increase_percent
        Least increase of total lesion glycolysis that is progression without a fall of SULpeak [%].
    liver_change_percent, liver_change_sul
        Greatest change of the liver's mean between comparable scans [%], [g/mL].

    References
    ----------
    .. [1] wahl2009percist
    """

    change_percent: float = 30.0
    change_sul: float = 0.8
    tlg_increase_percent: float = 75.0
    liver_change_percent: float = 20.0
    liver_change_sul: float = 0.3

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} must be finite and > 0; got {value!r}")


@dataclass(frozen=True, slots=True, eq=False)
class PercistScan:
    """What PERCIST needs of one scan, all in one SUV by lean body mass (SUL).

    Parameters
    ----------
    lesions
        All tumour lesions, measured by :func:`tumorboard.pet.quantify`; may be none.
    liver
        3 cm sphere in the right lobe (:func:`tumorboard.pet.liver_reference`); ``None`` when the
        liver is diseased.
    blood_pool
        Sphere in the descending aorta (:func:`tumorboard.pet.sphere_uptake`); needed when there is
        no liver, and to tell a complete response when uptake is left at follow-up.

    Raises
    ------
    InputError
        When a measurement is no SUL, or there is neither liver nor blood pool.
    """

    lesions: tuple[LesionQuantities, ...]
    liver: SphereUptake | None
    blood_pool: SphereUptake | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lesions", tuple(self.lesions))
        measured = [lesion.quantity for lesion in self.lesions]
        measured += [
            reference.quantity for reference in (self.liver, self.blood_pool) if reference is not None
        ]
        if self.liver is None and self.blood_pool is None:
            raise InputError("a PERCIST scan must have a liver or a blood-pool reference; got neither")
        if len(set(measured)) != 1 or measured[0] not in _LEAN:
            raise InputError(
                "lesions and references of a PERCIST scan must be in one SUV by lean body mass; got "
                f"{', '.join(sorted({q.value for q in measured}))}; convert: tumorboard.pet.to_suv(...)"
            )

    @property
    def measurable_from(self) -> float:
        """Least SULpeak of a measurable lesion: 1.5 x liver + 2 SD, or 2.0 x blood pool + 2 SD [g/mL]."""
        if self.liver is not None:
            return Percist(self.liver, ReferenceTissue.LIVER).threshold
        if self.blood_pool is not None:
            return Percist(self.blood_pool, ReferenceTissue.BLOOD_POOL).threshold
        raise InputError("a PERCIST scan must have a liver or a blood-pool reference; got neither")

    @property
    def hottest(self) -> LesionQuantities | None:
        """The lesion of highest SULpeak, if there is one."""
        return max(self.lesions, key=lambda lesion: lesion.peak, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class PercistResponse:
    """The response, and everything it rests on.

    Parameters
    ----------
    category
        The response.
    change_percent
        Change of the hottest SULpeak [%]; ``None`` when nothing was measurable at baseline.
    change_sul
        Change of the hottest SULpeak [g/mL]; ``None`` likewise.
    reasons
        What decided, in words, with the numbers compared.
    cautions
        What makes the two scans less comparable than PERCIST asks for.
    provenance
        How it was made.
    """

    category: MetabolicResponse
    change_percent: float | None
    change_sul: float | None
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]
    provenance: Record


def percist_response(
    baseline: PercistScan,
    follow_up: PercistScan,
    *,
    new_lesions: Sequence[str] = (),
    rule: PercistRule | None = None,
) -> PercistResponse:
    """Compare two scans by PERCIST 1.0.

    The hottest lesion of each scan is compared, which need not be the same one; at baseline it
    must be measurable [1]_, [2]_. In this order: new lesions are progression; no uptake left, or
    all of it below the liver's mean and not above the blood pool (mean + 2 SD), is a complete
    response; a rise of SULpeak by 30 % and 0.8, or of the summed glycolysis by 75 % without a
    fall of SULpeak, is progression; a fall of SULpeak by 30 % and 0.8 is a partial response;
    anything else is stable.

    Parameters
    ----------
    baseline, follow_up
        The two scans, in the same SUV by lean body mass.
    new_lesions
        Names of new lesions typical of cancer; matching lesions between scans needs registered
        images and a reader, so it is the caller's.
    rule
        Limits; the published ones when ``None``.

    Returns
    -------
    PercistResponse
        With its reasons in words.

    Raises
    ------
    InputError
        When the scans are in different quantities.
    MissingAttribute
        When uptake is left below the liver and no blood pool tells whether the response is complete.

    References
    ----------
    .. [1] wahl2009percist
    .. [2] o2016percist
    """
    rule = rule or PercistRule()
    if _quantity(baseline) is not _quantity(follow_up):
        raise InputError(
            f"both scans must be in one SUV by lean body mass; got {_quantity(baseline).value} and "
            f"{_quantity(follow_up).value}; convert both alike: tumorboard.pet.to_suv(...)"
        )
    record = Record(
        "pet.percist_response",
        {"new_lesions": list(new_lesions)} | {name: getattr(rule, name) for name in rule.__slots__},
        tuple(part.provenance for scan in (baseline, follow_up) for part in _parts(scan)),
        ("wahl2009percist", "o2016percist"),
    )
    cautions = _cautions(baseline, follow_up, rule)
    target, limit = baseline.hottest, baseline.measurable_from
    if target is None or target.peak < limit:
        reason = f"baseline SULpeak {0.0 if target is None else target.peak:.3g} is below {limit:.3g}"
        if new_lesions:
            reasons = (reason, f"new lesions: {', '.join(new_lesions)}")
            return PercistResponse(MetabolicResponse.PMD, None, None, reasons, cautions, record)
        return PercistResponse(MetabolicResponse.NOT_MEASURABLE, None, None, (reason,), cautions, record)
    left = follow_up.hottest
    change_sul = (left.peak if left is not None else 0.0) - target.peak
    change_percent = 100.0 * change_sul / target.peak
    category, reason = _category(baseline, follow_up, new_lesions, rule, change_sul, change_percent)
    measured = f"SULpeak {target.peak:.3g} ({target.name}) to {target.peak + change_sul:.3g}"
    measured += f": {change_percent:+.1f} %, {change_sul:+.2f}"
    return PercistResponse(category, change_percent, change_sul, (measured, reason), cautions, record)


def _category(
    baseline: PercistScan,
    follow_up: PercistScan,
    new_lesions: Sequence[str],
    rule: PercistRule,
    change_sul: float,
    change_percent: float,
) -> tuple[MetabolicResponse, str]:
    if new_lesions:
        return MetabolicResponse.PMD, f"new lesions: {', '.join(new_lesions)}"
    complete = _completeness(follow_up)
    if complete is not None:
        return MetabolicResponse.CMR, complete
    limits = f"{rule.change_percent:g} % and {rule.change_sul:g}"
    # PERCIST asks for "more than 30 %" upwards and "at least 30 %" downwards.
    if change_percent > rule.change_percent and change_sul > rule.change_sul:
        return MetabolicResponse.PMD, f"SULpeak rose by more than {limits}"
    before, after = (sum(lesion.tlg_g for lesion in scan.lesions) for scan in (baseline, follow_up))
    if change_sul >= 0 and after > before * (1.0 + 0.01 * rule.tlg_increase_percent):
        rise = f"total lesion glycolysis rose from {before:.3g} to {after:.3g} g"
        return (
            MetabolicResponse.PMD,
            f"{rise}, by more than {rule.tlg_increase_percent:g} %, SULpeak did not fall",
        )
    if -change_percent >= rule.change_percent and -change_sul >= rule.change_sul:
        return MetabolicResponse.PMR, f"SULpeak fell by at least {limits}"
    return MetabolicResponse.SMD, f"SULpeak changed by less than {limits}"


def _completeness(follow_up: PercistScan) -> str | None:
    """Say why the response is complete; ``None`` when it is not."""
    left = follow_up.hottest
    if left is None:
        return "no uptake is left"
    if follow_up.liver is not None and left.peak >= follow_up.liver.mean:
        return None
    if follow_up.blood_pool is None:
        raise MissingAttribute(
            f"blood_pool of the follow-up scan must tell whether the response is complete: SULpeak "
            f"{left.peak:.3g} ({left.name}) is below the liver; got None; "
            "measure it in the aorta: tumorboard.pet.sphere_uptake(...)"
        )
    level = follow_up.blood_pool.mean + 2.0 * follow_up.blood_pool.standard_deviation
    if left.peak > level:
        return None
    return f"SULpeak left is {left.peak:.3g}: below the liver and not above blood pool ({level:.3g})"


def _cautions(baseline: PercistScan, follow_up: PercistScan, rule: PercistRule) -> tuple[str, ...]:
    if baseline.liver is None or follow_up.liver is None:
        return ("liver not measured in both scans: comparability was not tested",)
    before, after = baseline.liver.mean, follow_up.liver.mean
    allowed = min(0.01 * rule.liver_change_percent * before, rule.liver_change_sul)
    if abs(after - before) >= allowed:
        return (
            f"liver changed from {before:.3g} to {after:.3g}, by {allowed:.2g} or more: hardly comparable",
        )
    return ()


def _parts(scan: PercistScan) -> list[LesionQuantities | SphereUptake]:
    references = [reference for reference in (scan.liver, scan.blood_pool) if reference is not None]
    return [*scan.lesions, *references]


def _quantity(scan: PercistScan) -> Quantity:
    return _parts(scan)[-1].quantity
