"""Which structures are organs at risk; what kidneys received, and what the next cycle may bring."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tumorboard.core.structures import StructureKind
from tumorboard.dosimetry.biological_dose import (
    DoseRate,
    RepairingTissue,
    bed_gy,
    bed_slope,
    protraction_factor,
)
from tumorboard.dosimetry.next_cycle import (
    DeliveredDose,
    OrganLimit,
    exceedance_probability,
    plan_next_cycle,
    total_after_cycle,
)
from tumorboard.plotting.blocks import Block, Note, Table
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult
from tumorboard.workflows.radioligand.time_course import ActivityScan

__all__ = ["is_kidney", "is_organ", "kidney_blocks", "kidney_data", "organ_names"]

_LESION_KINDS: Final = (StructureKind.GTV, StructureKind.CTV, StructureKind.PTV, StructureKind.LESION)
_ORGAN_KINDS: Final = (StructureKind.ORGAN, StructureKind.AVOIDANCE)
#: A name with one of these words is a lesion's, whatever organ it names as well; in one word with the organ,
#: too: livermet1, GTVn.
_LESION_WORDS: Final = re.compile(
    "[gcpi]tv.*|.*(lesion|metasta|tumou?r|nodule|carcinoma|cancer|sarcoma|melanoma).*|.*mets?"
    "|nodes?|ln|hcc|rcc"
)
_KIDNEY_WORDS: Final = re.compile("(kidney|renal).*")
_ADRENAL_WORDS: Final = re.compile("adrenal.*")
_ORGAN_WORDS: Final = re.compile(
    "(kidney|renal|marrow|spleen|liver|salivary|parotid|submandibular|sublingual|lacrimal|bladder|pituitary"
    "|adrenal|thyroid|stomach|bowel|intestine|colon|heart).*|lung"
)
#: Of kidneys [wessels2008mird20].
_KIDNEY: Final = RepairingTissue(2.6, (2.8 * 3600.0,))
#: What is held against, in words, [Gy], and whether it is BED [bodei2008renal].
_LIMITS: Final = (
    ("23 Gy absorbed dose", 23.0, False),
    ("28 Gy BED, with risk factors", 28.0, True),
    ("40 Gy BED, without risk factors", 40.0, True),
)
_CONFIDENCES: Final = (0.5, 0.95)
#: Times the activity that was given: more is not planned for.
_MOST: Final = 10.0
_METHOD: Final = "monte_carlo"

_ASSUMED: Final = (
    "Kidneys: BED is that of the mean dose by Monte Carlo, for alpha/beta 2.6 Gy and repair with a "
    "half-life of 2.8 h, "
    "dose rate fading with the effective half-life. Limits are often used ones: 23 Gy comes from external "
    "beams, 28 and 40 Gy of BED are thresholds seen after Y-90-DOTATOC in patients with and without risk "
    "factors. This administration alone is counted, earlier ones are not known here; the next is taken to do "
    "the same by activity. Its uncertainty is that of this dose, in all cycles alike; how cycles differ is "
    "not in it."
)


def is_organ(name: str, kind: StructureKind) -> bool:
    """Return whether a structure is an organ at risk, else it is a lesion.

    By its kind in the file where that tells; else by its name, where words for lesions go before organs'.

    Parameters
    ----------
    name
        As in the file.
    kind
        Its interpreted type.

    Examples
    --------
    >>> [is_organ(n, StructureKind.UNSTATED) for n in ("Kidney_L", "lesion1 liver R lobe", "Liver", "A")]
    [True, False, True, False]
    """
    if kind in _LESION_KINDS:
        return False
    if kind in _ORGAN_KINDS:
        return True
    return not _has(name, _LESION_WORDS) and _has(name, _ORGAN_WORDS)


def is_kidney(name: str) -> bool:
    """Return whether a name is a kidney's.

    Parameters
    ----------
    name
        Of a structure that is an organ.
    """
    return _has(name, _KIDNEY_WORDS) and not _has(name, _ADRENAL_WORDS)


def organ_names(scans: Sequence[ActivityScan]) -> frozenset[str]:
    """Return the names of structures that are organs at risk on any scan.

    Parameters
    ----------
    scans
        With what is drawn on them.
    """
    drawn = [one for scan in scans for one in scan.lesions.structures]
    return frozenset(one.name for one in drawn if is_organ(one.name, one.kind))


def kidney_data(result: RadioligandResult, organs: Sequence[LesionDose]) -> list[dict[str, Any]]:
    """Return BED of each kidney and the activity that the next cycle may have under limits.

    Parameters
    ----------
    result
        Of the dosimetry.
    organs
        Of its regions, those that are organs.
    """
    return [_kidney(one, result.injected_bq) for one in organs if is_kidney(one.course.name)]


def kidney_blocks(kidneys: Sequence[dict[str, Any]]) -> list[Block]:
    """Return what is shown of kidneys: nothing where there are none.

    Parameters
    ----------
    kidneys
        Of :func:`kidney_data`.
    """
    if not kidneys:
        return []
    effects = Table(
        "Kidneys: biologically effective dose of this administration",
        ("Kidney", "", "Mean dose [Gy]", "BED [Gy]", "Uncertainty [Gy]", "Lea-Catcheside factor"),
        tuple(
            (
                one["name"],
                "at most" if one["dose_is_upper_limit"] else "",
                one["dose_gy"],
                one["bed_gy"],
                one["bed_uncertainty_gy"],
                one["protraction_factor"],
            )
            for one in kidneys
        ),
    )
    columns = (
        "Kidney",
        "Limit",
        "So far [Gy]",
        "Same again [Gy]",
        "± [Gy]",
        "Exceeded [%]",
        *(f"Most, {100 * level:g} % [MBq]" for level in _CONFIDENCES),
    )
    rows = tuple(
        (
            one["name"],
            plan["limit"],
            plan["delivered_gy"],
            plan["same_again_gy"],
            plan["same_again_uncertainty_gy"],
            _percent(plan["same_again_exceedance"]),
            *(
                f"more than {most['activity_mbq']:.0f}" if most["is_more"] else most["activity_mbq"]
                for most in plan["next_cycle"]
            ),
        )
        for one in kidneys
        for plan in one["limits"]
    )
    plans = (
        [
            Table(
                "Kidneys: the same given again, and the most that the next cycle may have under a limit",
                columns,
                rows,
            )
        ]
        if rows
        else []
    )
    return [Note(_ASSUMED), effects, *plans]


def _percent(probability: float) -> str | float:
    """Return a probability for people: none is known better than to a tenth of a percent."""
    return "< 0.1" if probability < 1e-3 else round(100.0 * probability, 1)


def _has(name: str, words: re.Pattern[str]) -> bool:
    """Return whether one of a name's words is of the pattern."""
    # Names are written KidneyL, kidney_l, L. Kidney, GTVn: words end where case changes, or go on.
    whole = re.findall("[A-Za-z]+", name)
    parts = re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return any(words.fullmatch(word.lower()) for word in (*whole, *parts))


def _kidney(one: LesionDose, injected_bq: float | None) -> dict[str, Any]:
    course, dose_gy = one.course, one.histograms[_METHOD].mean_gy
    curve = course.curve
    rates = curve.rates_per_s if curve.rates_per_s.size else np.array([math.log(2.0) / course.half_life_s])
    amplitudes = curve.amplitudes_bq if curve.rates_per_s.size else np.ones(1)
    protraction = protraction_factor(DoseRate(amplitudes, rates), _KIDNEY)
    relative = one.relative_uncertainty
    effect = {"protraction": protraction, "alpha_beta_gy": _KIDNEY.alpha_beta_gy}
    bed = float(bed_gy(dose_gy, **effect))
    slope = float(bed_slope(dose_gy, **effect))
    return {
        "name": course.name,
        "dose_gy": dose_gy,
        "dose_is_upper_limit": course.is_upper_limit,
        "alpha_beta_gy": _KIDNEY.alpha_beta_gy,
        "repair_half_life_h": _KIDNEY.repair_half_lives_s[0] / 3600.0,
        "protraction_factor": protraction,
        "bed_gy": bed,
        "bed_uncertainty_gy": slope * relative * dose_gy,
        "limits": []
        if injected_bq is None
        else [
            _plan(
                course.name,
                words,
                gy,
                is_bed,
                dose_gy,
                bed if is_bed else dose_gy,
                protraction,
                relative * slope * dose_gy / bed if is_bed else relative,
                injected_bq,
            )
            for words, gy, is_bed in _LIMITS
        ],
    }


def _plan(
    organ: str,
    words: str,
    limit_gy: float,
    is_bed: bool,
    dose_gy: float,
    delivered_gy: float,
    protraction: float,
    relative: float,
    injected_bq: float,
) -> dict[str, Any]:
    """Return one limit: what the same activity again comes to, and the most that keeps it."""
    ratio = _KIDNEY.alpha_beta_gy if is_bed else None
    limits = [OrganLimit(organ, limit_gy, level, ratio, protraction) for level in _CONFIDENCES]
    # One measurement tells both what was and what will be, so its error is shared by all cycles; of BED the
    # share is raised by how much faster than dose it grows.
    so_far = DeliveredDose(delivered_gy, 0.0, dose_gy / injected_bq, 0.0, relative)
    same_again, spread = total_after_cycle(limits[0], so_far, activity_bq=injected_bq)
    most = [plan_next_cycle([(limit, so_far)], most_activity_bq=_MOST * injected_bq) for limit in limits]
    return {
        "limit": words,
        "limit_gy": limit_gy,
        "is_bed": is_bed,
        "delivered_gy": delivered_gy,
        "same_again_gy": same_again,
        "same_again_uncertainty_gy": spread,
        "same_again_exceedance": exceedance_probability(limits[0], so_far, activity_bq=injected_bq),
        "next_cycle": [
            {
                "confidence": level,
                "activity_mbq": plan.activity_bq / 1e6,
                "is_more": plan.limiting_organ == "",
            }
            for level, plan in zip(_CONFIDENCES, most, strict=True)
        ],
    }
