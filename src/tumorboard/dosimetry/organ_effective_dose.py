"""Effective dose of ICRP Publication 103 from doses to the targets of Publication 133."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorboard.errors import InputError

__all__ = ["TISSUES", "effective_dose_of_tissues_sv", "effective_dose_sv", "tissue_doses_sv"]

#: Tissues that targets make up, and in which parts: lungs by a third for bronchi, bronchioles and alveoli;
#: colon, extrathoracic regions and lymph nodes by Publication 133.
TISSUES: Final[Mapping[str, Mapping[str, float]]] = {
    "red marrow": {"R-marrow": 1.0},
    "colon": {"RC-stem": 0.4, "LC-stem": 0.4, "RS-stem": 0.2},
    "lungs": {"Bronch-bas": 1 / 6, "Bronch-sec": 1 / 6, "Bchiol-sec": 1 / 3, "AI": 1 / 3},
    "stomach": {"St-stem": 1.0},
    "breast": {"Breast": 1.0},
    "ovaries": {"Ovaries": 1.0},
    "testes": {"Testes": 1.0},
    "urinary bladder": {"UB-wall": 1.0},
    "oesophagus": {"Oesophagus": 1.0},
    "liver": {"Liver": 1.0},
    "thyroid": {"Thyroid": 1.0},
    "bone surface": {"Endost-BS": 1.0},
    "brain": {"Brain": 1.0},
    "salivary glands": {"S-glands": 1.0},
    "skin": {"Skin": 1.0},
    "adrenals": {"Adrenals": 1.0},
    "extrathoracic region": {"ET1-bas": 0.001, "ET2-bas": 0.999},
    "gall bladder": {"GB-wall": 1.0},
    "heart": {"Ht-wall": 1.0},
    "kidneys": {"Kidneys": 1.0},
    "lymph nodes": {"LN-ET": 0.08, "LN-Th": 0.08, "LN-Sys": 0.84},
    "muscle": {"Muscle": 1.0},
    "oral mucosa": {"O-mucosa": 1.0},
    "pancreas": {"Pancreas": 1.0},
    "prostate": {"Prostate": 1.0},
    "small intestine": {"SI-stem": 1.0},
    "spleen": {"Spleen": 1.0},
    "thymus": {"Thymus": 1.0},
    "uterus": {"Uterus": 1.0},
}

_WEIGHTS: Final = {
    "red marrow": 0.12,
    "colon": 0.12,
    "lungs": 0.12,
    "stomach": 0.12,
    "breast": 0.12,
    "urinary bladder": 0.04,
    "oesophagus": 0.04,
    "liver": 0.04,
    "thyroid": 0.04,
    "bone surface": 0.01,
    "brain": 0.01,
    "salivary glands": 0.01,
    "skin": 0.01,
}
_GONADS: Final = 0.08
#: Of the mean of thirteen tissues of each sex.
_REMAINDER: Final = 0.12
_REMAINDER_TISSUES: Final = (
    "adrenals",
    "extrathoracic region",
    "gall bladder",
    "heart",
    "kidneys",
    "lymph nodes",
    "muscle",
    "oral mucosa",
    "pancreas",
    "small intestine",
    "spleen",
    "thymus",
)


def tissue_doses_sv(equivalent_sv: Mapping[str, float]) -> dict[str, float]:
    """Return equivalent doses to tissues from those to the targets that make them up [1]_.

    Parameters
    ----------
    equivalent_sv
        By target of ICRP Publication 133 [Sv].

    Returns
    -------
    dict
        Of all tissues whose targets are there [Sv].

    References
    ----------
    .. [1] bolch2016icrp133

    Examples
    --------
    >>> round(tissue_doses_sv({"RC-stem": 1.0, "LC-stem": 2.0, "RS-stem": 3.0})["colon"], 3)
    1.8
    """
    return {
        tissue: sum(share * equivalent_sv[target] for target, share in parts.items())
        for tissue, parts in TISSUES.items()
        if all(target in equivalent_sv for target in parts)
    }


def effective_dose_sv(male_sv: Mapping[str, float], female_sv: Mapping[str, float]) -> float:
    """Return the effective dose: the mean of both sexes' equivalent doses, weighted by tissue [1]_.

    A quantity of radiation protection for a reference person of no age and either sex. It is no measure of an
    individual's risk, nor of what therapy does to organs.

    Parameters
    ----------
    male_sv, female_sv
        Equivalent dose by target of ICRP Publication 133, of each sex's reference phantom [Sv].

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
    .. [1] icrp2007recommendations

    Examples
    --------
    >>> every = {target: 0.002 for parts in TISSUES.values() for target in parts}
    >>> round(effective_dose_sv(every, every), 6)
    0.002
    """
    male, female = tissue_doses_sv(male_sv), tissue_doses_sv(female_sv)
    for sex, found, own in (
        ("male", male, ("testes", "prostate")),
        ("female", female, ("ovaries", "uterus")),
    ):
        missing = [t for t in (*_WEIGHTS, *_REMAINDER_TISSUES, *own) if t not in found]
        if missing:
            targets = [target for tissue in missing for target in TISSUES[tissue]]
            raise InputError(
                f"{sex}_sv must have all targets that the effective dose needs; got none of "
                f"{', '.join(targets)}; doses of ICRP Publication 133's targets have them"
            )
    return effective_dose_of_tissues_sv(male, female)


def effective_dose_of_tissues_sv(male_sv: Mapping[str, float], female_sv: Mapping[str, float]) -> float:
    """Return the effective dose from doses to tissues [1]_; see :func:`effective_dose_sv`.

    Parameters
    ----------
    male_sv, female_sv
        Equivalent dose by tissue of :data:`TISSUES`, ovaries and uterus of the female and testes and prostate
        of the male [Sv].

    Returns
    -------
    float
        [Sv]

    References
    ----------
    .. [1] icrp2007recommendations

    Examples
    --------
    >>> even = dict.fromkeys(TISSUES, 0.002)
    >>> round(effective_dose_of_tissues_sv(even, even), 6)
    0.002
    """
    total = sum(weight * 0.5 * (male_sv[t] + female_sv[t]) for t, weight in _WEIGHTS.items())
    total += _GONADS * 0.5 * (male_sv["testes"] + female_sv["ovaries"])
    remainders = [
        float(np.mean([found[t] for t in (*_REMAINDER_TISSUES, own)]))
        for found, own in ((male_sv, "prostate"), (female_sv, "uterus"))
    ]
    return float(total + _REMAINDER * 0.5 * sum(remainders))
