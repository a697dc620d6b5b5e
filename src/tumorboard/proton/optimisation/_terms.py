"""Values of objectives in scenarios, and the gradients that they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation._scenario import Scenario, StructureDose
from tumorboard.proton.optimisation.goals import PlanObjective
from tumorboard.proton.optimisation.objectives.objective import Objective, ObjectiveQuantity, WorstDose

__all__ = ["Gradients", "TermValues", "scenario_terms", "voxel_worst_terms"]


@dataclass(frozen=True, slots=True, eq=False)
class TermValues:
    """Value of an objective, and its derivatives by physical dose and dose times LETd of the voxels."""

    value: float
    by_dose: NDArray[np.float64]
    by_dose_let: NDArray[np.float64] | None


class Gradients:
    """Sum of derivatives by the dose of one scenario's rows."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._by_dose: NDArray[np.float64] | None = None
        self._by_dose_let: NDArray[np.float64] | None = None

    def add(self, structure: str, term: TermValues, factor: float) -> None:
        """Add a term's derivatives times a factor."""
        where, n_rows = self._scenario.structures[structure], self._scenario.matrix.n_rows
        n = len(where.rows)
        if self._by_dose is None:
            self._by_dose = np.zeros(n_rows)
        self._by_dose[where.rows] += factor * term.by_dose[:n]
        if term.by_dose_let is not None:
            if self._by_dose_let is None:
                self._by_dose_let = np.zeros(n_rows)
            self._by_dose_let[where.rows] += factor * term.by_dose_let[:n]

    def by_weights(self) -> NDArray[np.float64]:
        """Return the gradient by weights, shape ``(n_spots,)``."""
        if self._by_dose is None:
            return np.zeros(self._scenario.matrix.n_spots)
        return self._scenario.gradient(self._by_dose, self._by_dose_let)


def scenario_terms(objective: Any, dose: StructureDose, *, measure: bool = False) -> TermValues:
    """Return an objective's value in one scenario, or that of the measure it bounds."""
    function = objective.measure if measure else objective.value_and_gradient
    seen, dose_let = dose.seen_by(objective.quantity)
    value, by_seen, by_let = function(seen, dose.where.weights, dose_let)
    return TermValues(value, *dose.to_physical(objective.quantity, by_seen, by_let))


def voxel_worst_terms(
    goal: PlanObjective, doses: list[dict[str, StructureDose]], gradients: list[Gradients]
) -> float:
    """Return a term of the voxel-wise worst dose, and add its derivatives to the scenarios they come from."""
    of_scenarios = [d[goal.structure] for d in doses]
    seen = np.array([d.weighted for d in of_scenarios])
    parts: tuple[Objective, ...] = (goal.objective,)
    if goal.objective.worst_dose is WorstDose.BOTH:
        parts = goal.objective.split()  # type: ignore[attr-defined]
    total = 0.0
    for part in parts:
        worst = seen.argmax(axis=0) if part.worst_dose is WorstDose.HIGHEST else seen.argmin(axis=0)
        dose = np.take_along_axis(seen, worst[np.newaxis], axis=0)[0]
        value, by_seen, _ = part.value_and_gradient(dose, of_scenarios[0].where.weights)
        total += goal.importance * value
        for s, (scenario, gradient) in enumerate(zip(of_scenarios, gradients, strict=True)):
            own = np.where(worst == s, by_seen, 0.0)
            if own.any():
                by_dose, by_let = scenario.to_physical(ObjectiveQuantity.DOSE, own, None)
                gradient.add(goal.structure, TermValues(value, by_dose, by_let), goal.importance)
    return total
