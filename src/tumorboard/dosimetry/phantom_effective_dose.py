"""Effective dose from doses to the targets of the stylised adult."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from tumorboard.dosimetry.organ_effective_dose import TISSUES, effective_dose_of_tissues_sv
from tumorboard.errors import InputError
from tumorboard.phantoms.stylised_adult_regions import BodyRegion

__all__ = ["SURROGATES", "TissueWeights", "phantom_effective_dose_sv"]


class TissueWeights(Enum):
    """Whose tissue weighting factors."""

    #: Publication 60, with the colon of Publication 69: what ICRP's coefficients for patients so far have.
    ICRP_60 = "ICRP 60"
    #: Publication 103.
    ICRP_103 = "ICRP 103"


#: Tissues that the stylised adult has not, and the target whose dose they are given: oesophagus as in ICRP's
#: tables of the time.
SURROGATES: Final[Mapping[str, str]] = {
    "oesophagus": "thymus",
    "salivary glands": "head soft tissue",
    "extrathoracic region": "head soft tissue",
    "oral mucosa": "head soft tissue",
    "lymph nodes": "muscle",
    "prostate": "uterus",
}

#: Targets that have other names than their tissues.
_TARGETS: Final = {
    **SURROGATES, "stomach": "stomach wall", "breast": "breasts", "urinary bladder": "urinary bladder wall",
    "bone surface": "bone surfaces", "gall bladder": "gall bladder wall", "heart": "heart wall",
}  # fmt: skip
#: Upper and lower colon by mass, Publication 69.
_COLON: Final = {"upper large intestine wall": 0.57, "lower large intestine wall": 0.43}
_OF_60: Final = {
    "red marrow": 0.12, "colon": 0.12, "lungs": 0.12, "stomach": 0.12, "urinary bladder": 0.05,
    "breast": 0.05, "liver": 0.05, "oesophagus": 0.05, "thyroid": 0.05, "skin": 0.01, "bone surface": 0.01,
}  # fmt: skip
#: Masses are those of the phantom; muscle's is what ICRP's reference man has [g].
_REMAINDER_60_G: Final = {
    r.region: r.published_g
    for r in (
        BodyRegion.ADRENALS, BodyRegion.BRAIN, BodyRegion.SMALL_INTESTINE, BodyRegion.KIDNEYS,
        BodyRegion.PANCREAS, BodyRegion.SPLEEN, BodyRegion.THYMUS, BodyRegion.UTERUS,
    )
} | {"muscle": 28000.0}  # fmt: skip


def phantom_effective_dose_sv(equivalent_sv: Mapping[str, float], *, weights: TissueWeights) -> float:
    """Return the effective dose of the stylised adult.

    By Publication 60 [1]_ gonads are the higher of ovaries and testes, and the remainder, 0.05, is the mean
    by mass; where one of its tissues gets more than any with a weight of its own, half of 0.05 is that one's.
    By Publication 103 [2]_ gonads are the mean of ovaries and testes, the remainder, 0.12, the mean of
    thirteen tissues of each sex. Tissues that the phantom has not are given by :data:`SURROGATES`.

    A quantity of radiation protection for a reference person of no age and either sex. It is no measure of an
    individual's risk.

    Parameters
    ----------
    equivalent_sv
        Equivalent dose by target [Sv].
    weights
        Whose.

    Returns
    -------
    float
        [Sv]

    Raises
    ------
    InputError
        When a target is missing.

    References
    ----------
    .. [1] icrp1991recommendations
    .. [2] icrp2007recommendations

    Examples
    --------
    >>> from tumorboard.dosimetry.phantom_regions import PHANTOM_TARGETS
    >>> even = dict.fromkeys(PHANTOM_TARGETS, 0.002)
    >>> [round(phantom_effective_dose_sv(even, weights=w), 6) for w in TissueWeights]
    [0.002, 0.002]
    """
    is_60 = weights is TissueWeights.ICRP_60
    tissues = (*_OF_60, *_REMAINDER_60_G, "ovaries", "testes") if is_60 else tuple(TISSUES)
    target_of = {tissue: _TARGETS.get(tissue, tissue) for tissue in tissues if tissue != "colon"}
    missing = sorted({*target_of.values(), *_COLON} - set(equivalent_sv))
    if missing:
        raise InputError(
            f"equivalent_sv must have all targets that the effective dose needs; got none of "
            f"{', '.join(missing)}; doses of dosimetry.phantom_s_values have them"
        )
    doses = {tissue: equivalent_sv[target] for tissue, target in target_of.items()}
    doses["colon"] = sum(share * equivalent_sv[part] for part, share in _COLON.items())
    if not is_60:
        return effective_dose_of_tissues_sv(doses, doses)
    gonads = max(doses["ovaries"], doses["testes"])
    total = sum(weight * doses[tissue] for tissue, weight in _OF_60.items())
    return float(total + 0.20 * gonads + _remainder_60_sv(doses, gonads))


def _remainder_60_sv(doses: Mapping[str, float], gonads: float) -> float:
    """Return what the remainder adds; a tissue that gets most of all counts by half."""
    highest = max(_REMAINDER_60_G, key=lambda tissue: doses[tissue])
    masses = {tissue: float(mass or 0.0) for tissue, mass in _REMAINDER_60_G.items()}
    if doses[highest] > max(gonads, *(doses[tissue] for tissue in _OF_60)):
        others = {tissue: mass for tissue, mass in masses.items() if tissue != highest}
        mean = sum(mass * doses[tissue] for tissue, mass in others.items()) / sum(others.values())
        return 0.025 * doses[highest] + 0.025 * mean
    mean = sum(mass * doses[tissue] for tissue, mass in masses.items()) / sum(masses.values())
    return 0.05 * mean
