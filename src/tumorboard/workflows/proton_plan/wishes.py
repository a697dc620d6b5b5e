"""What a plan should reach: objectives, bounds, goals, complications, control, photons to compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from tumorboard.workflows.proton_plan.checks import require_number

__all__ = [
    "ComplicationChoice",
    "ConstraintChoice",
    "ControlChoice",
    "Fields",
    "GoalChoice",
    "ObjectiveChoice",
    "PhotonChoice",
]

#: Fields of an objective as they stand in the prescription: names end in their unit.
Fields: TypeAlias = tuple[tuple[str, float | str], ...]


@dataclass(frozen=True, slots=True)
class ObjectiveChoice:
    """A wish.

    Parameters
    ----------
    structure
        Of which structure.
    type
        Name of the objective.
    importance
        Factor, > 0.
    robust
        Whether it counts in every scenario.
    fields
        The objective's own, by name.
    """

    structure: str
    type: str
    importance: float
    robust: bool
    fields: Fields

    def __post_init__(self) -> None:
        where = f"importance of the objective {self.type} of {self.structure!r}"
        require_number(where, self.importance, "1", 0, math.inf, above=True)


@dataclass(frozen=True, slots=True)
class ConstraintChoice:
    """A bound.

    Parameters
    ----------
    structure, type, robust, fields
        As in :class:`ObjectiveChoice`, with at least one bound among the fields.
    """

    structure: str
    type: str
    robust: bool
    fields: Fields


@dataclass(frozen=True, slots=True)
class GoalChoice:
    """What the finished plan is judged by.

    Parameters
    ----------
    structure
        Of which structure.
    text
        As written: ``"D95 >= 57 Gy"``, ``"V20Gy <= 30 %"``, ``"mean <= 20 Gy"``.
    metric
        ``"dose_at_volume"``, ``"volume_at_dose"`` or ``"mean"``.
    at
        Volume [%], dose [Gy] or ``None``, in this order.
    lower, upper
        One of them, in Gy or, of ``volume_at_dose``, in %.
    """

    structure: str
    text: str
    metric: str
    at: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class ComplicationChoice:
    """A complication to estimate.

    Parameters
    ----------
    structure
        What the model is given.
    model
        Name of one of :func:`tumorboard.outcomes.complication.complication_models`.
    risk_factors
        That the patient has, among those of the model.
    """

    structure: str
    model: str
    risk_factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlChoice:
    """Tumour control by :class:`tumorboard.outcomes.tumour_control.PoissonControl`.

    Parameters
    ----------
    structure
        The target.
    alpha_per_gy, alpha_sd_per_gy
        Mean and spread between patients [1/Gy].
    alpha_beta_gy
        Of the tumour [Gy].
    clonogens_per_ml
        Density [1/mL].
    source
        Where the numbers come from; printed with the result.
    """

    structure: str
    alpha_per_gy: float
    alpha_sd_per_gy: float
    alpha_beta_gy: float
    clonogens_per_ml: float
    source: str


@dataclass(frozen=True, slots=True)
class PhotonChoice:
    """A photon plan to compare with: an RTDOSE of the same folder.

    Parameters
    ----------
    series_description
        Of the RTDOSE series; needed when there are several.
    n_fractions
        Of the photon plan.
    threshold_percent
        Least reduction of complication probability for protons by model name, in percentage points [%].
    """

    n_fractions: int
    threshold_percent: tuple[tuple[str, float], ...]
    series_description: str = ""

    def __post_init__(self) -> None:
        require_number("photons.n_fractions", self.n_fractions, "1", 1, 100)
        for model, value in self.threshold_percent:
            require_number(f"photons.threshold_percent of {model!r}", value, "%", 0, 100, above=True)
