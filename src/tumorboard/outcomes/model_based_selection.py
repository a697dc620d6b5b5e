"""Protons or photons: by how much fewer complications protons would give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tumorboard.errors import InputError
from tumorboard.outcomes.complication import ComplicationModel
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.provenance import Record

__all__ = ["ModelDifference", "Selection", "SelectionRule", "select_by_models", "thresholds_percent_of"]


class SelectionRule(Enum):
    """Published thresholds, by name."""

    #: 10 percentage points for grade 2, 5 for grade 3, 2 for grades 4 and 5 [langendijk2013selection].
    LANGENDIJK_2013 = "langendijk_2013"


#: Least difference by the complication's lowest grade, in percentage points.
_BY_GRADE: Final = {SelectionRule.LANGENDIJK_2013: {2: 10.0, 3: 5.0, 4: 2.0, 5: 2.0}}


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """One complication by both plans.

    Parameters
    ----------
    structure
        What was evaluated.
    model
        Name of the model.
    photon_percent, proton_percent
        NTCP [%].
    threshold_percent
        Least difference that speaks for protons, in percentage points [%].
    """

    structure: str
    model: str
    photon_percent: float
    proton_percent: float
    threshold_percent: float

    @property
    def difference_percent(self) -> float:
        """Photon minus proton, in percentage points [%]."""
        return self.photon_percent - self.proton_percent

    @property
    def is_reached(self) -> bool:
        """Whether the difference is at least the threshold."""
        return self.difference_percent >= self.threshold_percent


@dataclass(frozen=True, slots=True)
class Selection:
    """What the models say.

    Parameters
    ----------
    differences
        One per model.
    provenance
        How it came about.
    """

    differences: tuple[ModelDifference, ...]
    provenance: Record

    @property
    def prefers_protons(self) -> bool:
        """Whether at least one model reaches its threshold."""
        return any(d.is_reached for d in self.differences)


def thresholds_percent_of(rule: SelectionRule, models: Iterable[ComplicationModel]) -> dict[str, float]:
    """Return a published rule's thresholds for models whose source grades the complication.

    Parameters
    ----------
    rule
        Which one.
    models
        Each with a grade.

    Returns
    -------
    dict
        Model name to threshold, in percentage points [%].

    Raises
    ------
    InputError
        When a model's source gives no grade, or one that the rule does not know.

    Examples
    --------
    >>> from tumorboard.outcomes.complication import complication_model
    >>> model = complication_model("lung_pneumonitis_seppenwoolde")
    >>> thresholds_percent_of(SelectionRule.LANGENDIJK_2013, [model])
    {'lung_pneumonitis_seppenwoolde': 10.0}
    """
    thresholds, by_grade = {}, _BY_GRADE[rule]
    for model in models:
        if model.grade not in by_grade:
            raise InputError(
                f"grade of {model.name} must be one of {', '.join(map(str, by_grade))} for the rule "
                f"{rule.value}; got {model.grade!r}; state a threshold for this model yourself"
            )
        thresholds[model.name] = by_grade[model.grade]
    return thresholds


def select_by_models(
    models: Iterable[tuple[str, ComplicationModel]],
    photon: Mapping[str, DoseVolumeHistogram],
    proton: Mapping[str, DoseVolumeHistogram],
    *,
    photon_fractions: int,
    proton_fractions: int,
    thresholds_percent: Mapping[str, float],
) -> Selection:
    """Compare a photon with a proton plan, model by model, against stated thresholds [1]_.

    Parameters
    ----------
    models
        Pairs of a structure and what is evaluated there; a structure may have several.
    photon, proton
        Histograms by structure: physical dose of photons, RBE-weighted dose of protons, whole courses.
    photon_fractions, proton_fractions
        >= 1.
    thresholds_percent
        By model name, > 0, in percentage points: there is no default [%].

    Raises
    ------
    InputError
        When a threshold or a histogram is missing.

    References
    ----------
    .. [1] langendijk2013selection
    """
    differences, records = [], []
    for structure, model in models:
        if model.name not in thresholds_percent or not thresholds_percent[model.name] > 0:
            raise InputError(
                f"thresholds_percent must have a number > 0 for {model.name} [%]; "
                f"got {thresholds_percent.get(model.name)!r}; "
                "state from which difference on protons are chosen"
            )
        for kind, given in (("photon", photon), ("proton", proton)):
            if structure not in given:
                raise InputError(
                    f"{kind} histograms must have {structure!r}; got {', '.join(given) or 'none'}"
                )
        with_photons = model.evaluate(photon[structure], n_fractions=photon_fractions)
        with_protons = model.evaluate(proton[structure], n_fractions=proton_fractions)
        records += [with_photons.provenance, with_protons.provenance]
        differences.append(
            ModelDifference(
                structure,
                model.name,
                with_photons.probability_percent,
                with_protons.probability_percent,
                float(thresholds_percent[model.name]),
            )
        )
    record = Record(
        "outcomes.select_by_models",
        {"thresholds_percent": dict(thresholds_percent)},
        tuple(records),
        ("langendijk2013selection",),
    )
    return Selection(tuple(differences), record)
