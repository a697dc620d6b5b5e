"""Objectives by name, as prescriptions write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, Final

from tumorboard.errors import InputError
from tumorboard.proton.optimisation.objectives.dose_times_let import DoseTimesLetMaximum, MeanDoseTimesLet
from tumorboard.proton.optimisation.objectives.dose_volume import MaximumDoseVolume, MinimumDoseVolume
from tumorboard.proton.optimisation.objectives.generalised_eud import GeneralisedEud
from tumorboard.proton.optimisation.objectives.let_limits import LetMaximum, LetMinimum
from tumorboard.proton.optimisation.objectives.mean_dose import MeanDose
from tumorboard.proton.optimisation.objectives.mean_let import MeanLet
from tumorboard.proton.optimisation.objectives.objective import Objective
from tumorboard.proton.optimisation.objectives.smooth_maximum import SmoothMaximum
from tumorboard.proton.optimisation.objectives.smooth_minimum import SmoothMinimum
from tumorboard.proton.optimisation.objectives.squared_deviation import SquaredDeviation
from tumorboard.proton.optimisation.objectives.squared_overdose import SquaredOverdose
from tumorboard.proton.optimisation.objectives.squared_underdose import SquaredUnderdose
from tumorboard.proton.optimisation.objectives.tail_mean import TailMean

__all__ = ["OBJECTIVES", "objective_from_table"]

#: Every objective by the name that a prescription gives it.
OBJECTIVES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "squared_deviation": SquaredDeviation,
        "squared_overdose": SquaredOverdose,
        "squared_underdose": SquaredUnderdose,
        "mean_dose": MeanDose,
        "smooth_maximum": SmoothMaximum,
        "smooth_minimum": SmoothMinimum,
        "maximum_dose_volume": MaximumDoseVolume,
        "minimum_dose_volume": MinimumDoseVolume,
        "tail_mean": TailMean,
        "generalised_eud": GeneralisedEud,
        "let_maximum": LetMaximum,
        "let_minimum": LetMinimum,
        "mean_let": MeanLet,
        "dose_times_let_maximum": DoseTimesLetMaximum,
        "mean_dose_times_let": MeanDoseTimesLet,
    }
)


def objective_from_table(table: Mapping[str, Any]) -> Objective:
    """Return the objective that a table of a prescription describes.

    Parameters
    ----------
    table
        ``type``, one of :data:`OBJECTIVES`, and that class's fields by name.

    Raises
    ------
    InputError
        When the type is unknown, a field is unknown or missing, or a value is out of bounds.

    Examples
    --------
    >>> objective_from_table({"type": "squared_deviation", "dose_gy": 60.0})
    SquaredDeviation(dose_gy=60.0)
    """
    given = dict(table)
    name = given.pop("type", None)
    if name not in OBJECTIVES:
        raise InputError(f"type of an objective must be one of {', '.join(OBJECTIVES)}; got {name!r}")
    known = fields(OBJECTIVES[name])
    names = [f.name for f in known]
    unknown = [n for n in given if n not in names]
    if unknown:
        raise InputError(
            f"fields of {name} must be among {', '.join(names)}; got {', '.join(map(str, unknown))}"
        )
    missing = [f.name for f in known if f.default is MISSING and f.name not in given]
    if missing:
        raise InputError(f"{name} must have {', '.join(missing)}; got {', '.join(given) or 'no field'}")
    objective: Objective = OBJECTIVES[name](**given)
    return objective
