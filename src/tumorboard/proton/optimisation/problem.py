"""What a plan should be, as a function of the spots' weights with its exact gradient."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.proton.influence import DoseInfluence
from tumorboard.proton.optimisation._checks import (
    check_goals,
    check_robust_goals,
    check_scenarios,
    checked_probabilities,
)
from tumorboard.proton.optimisation._record import problem_record
from tumorboard.proton.optimisation._scenario import Scenario, StructureDose, make_scenario
from tumorboard.proton.optimisation._terms import (
    Gradients,
    TermValues,
    scenario_terms,
    voxel_worst_terms,
)
from tumorboard.proton.optimisation.dose_matrix import DoseMatrix, MatrixStorage
from tumorboard.proton.optimisation.goals import PlanConstraint, PlanObjective
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity
from tumorboard.proton.optimisation.robustness import RobustMethod, Robustness
from tumorboard.proton.optimisation.structure_voxels import StructureVoxels
from tumorboard.proton.rbe import RbeModel
from tumorboard.provenance import Record

__all__ = ["Multipliers", "PlanProblem", "PlanValue"]


@dataclass(frozen=True, slots=True, eq=False)
class Multipliers:
    """State of an augmented Lagrangian.

    Parameters
    ----------
    factors
        One per bound, >= 0, shape ``(n_bounds,)``.
    strengths
        Of the quadratic penalties, > 0, shape ``(n_bounds,)``.
    """

    factors: NDArray[np.float64]
    strengths: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PlanValue:
    """A problem's value at some weights.

    Parameters
    ----------
    objective
        What is made small: the sum over objectives, by the robust method.
    gradient
        Its derivative by weights, of the penalties of bounds too where they were asked for, shape
        ``(n_spots,)``.
    penalised
        The objective and the penalties of bounds.
    terms
        Importance times value of each objective in each scenario, shape ``(n_objectives, n_scenarios)``; NaN
        where it does not count.
    violations
        How far each bound is exceeded, in the unit of its measure, negative within it, shape ``(n_bounds,)``.
    """

    objective: float
    gradient: NDArray[np.float64]
    penalised: float
    terms: NDArray[np.float64]
    violations: NDArray[np.float64]


class PlanProblem:
    """Objectives and bounds on the dose of spots, in one scenario or several.

    The dose that objectives see is that of all fractions. Each structure counts all its voxels, also those
    that it shares with others; :func:`~tumorboard.proton.optimisation.without_overlap` shares them out.

    Parameters
    ----------
    influences
        Dose influence of each scenario, the nominal one first; used one after the other and not kept, so a
        generator needs the memory of one of them at a time.
    structures
        All that objectives and constraints name; others do no harm.
    objectives
        At least one.
    constraints
        May be none.
    n_fractions
        >= 1.
    rbe_model
        ``None`` means physical dose, as for comparing with others that plan on it; there is no default.
    robustness
        Needed with more than one scenario, ``None`` with one.
    probabilities
        Of the scenarios, shape ``(n_scenarios,)``; ``None`` means equal ones.
    storage
        How the matrices are kept.
    threads
        How many; ``None`` means as many as numba would use.

    Raises
    ------
    InputError
        When a structure is unknown, LET or alpha/beta is missing, or robust objectives and scenarios
        do not fit together.
    """

    def __init__(
        self,
        influences: Iterable[DoseInfluence],
        structures: Sequence[StructureVoxels],
        objectives: Sequence[PlanObjective],
        constraints: Sequence[PlanConstraint] = (),
        *,
        n_fractions: int,
        rbe_model: RbeModel | None,
        robustness: Robustness | None = None,
        probabilities: ArrayLike | None = None,
        storage: MatrixStorage = MatrixStorage.FLOAT32,
        threads: int | None = None,
    ) -> None:
        self.objectives, self.constraints = tuple(objectives), tuple(constraints)
        self.robustness, self.rbe_model, self.n_fractions = robustness, rbe_model, n_fractions
        goals: list[PlanObjective | PlanConstraint] = [*self.objectives, *self.constraints]
        by_name = {s.name: s for s in structures}
        check_goals(self.objectives, self.constraints, by_name, n_fractions=n_fractions, rbe_model=rbe_model)
        check_robust_goals(self.objectives, robustness)
        with_let = any(_measured(g).quantity is ObjectiveQuantity.LET for g in goals)
        with_let = with_let or (rbe_model is not None and rbe_model.needs_let)
        voxel_worst = robustness is not None and robustness.method is RobustMethod.VOXEL_WORST
        named = [list(dict.fromkeys(g.structure for g in goals))]
        named.append(list(dict.fromkeys(g.structure for g in goals if g.robust)))
        scenarios: list[Scenario] = []
        records: list[Record] = []
        for influence in influences:
            if scenarios and influence.n_spots != scenarios[0].matrix.n_spots:
                raise InputError(
                    f"influences must have the same spots ({scenarios[0].matrix.n_spots}); "
                    f"got {influence.n_spots}"
                )
            scenarios.append(
                make_scenario(
                    influence,
                    [by_name[name] for name in named[min(len(scenarios), 1)]],
                    n_fractions=n_fractions,
                    rbe_model=rbe_model,
                    with_let=with_let,
                    storage=storage,
                    keep_unreached=voxel_worst,
                    threads=threads,
                )
            )
            records.append(influence.provenance)
        self._scenarios = tuple(scenarios)
        check_scenarios(len(scenarios), goals, robustness)
        self.probabilities = checked_probabilities(probabilities, len(scenarios))
        self.provenance = problem_record(
            self.objectives,
            self.constraints,
            [by_name[name] for name in named[0]],
            n_fractions=n_fractions,
            rbe_model=rbe_model,
            robustness=robustness,
            storage=storage,
            inputs=tuple(records),
        )

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return self._scenarios[0].matrix.n_spots

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios, the nominal one among them."""
        return len(self._scenarios)

    @property
    def memory_bytes(self) -> int:
        """What the matrices take."""
        return sum(s.matrix.memory_bytes for s in self._scenarios)

    @property
    def bounds(self) -> tuple[tuple[str, int], ...]:
        """Label of the constraint and scenario of each bound."""
        return tuple(
            (f"{c.label} {side}", s)
            for c in self.constraints
            for s in range(self.n_scenarios if c.robust else 1)
            for side, bound in zip(("lower", "upper"), c.measure.bounds, strict=True)
            if bound is not None
        )

    @property
    def bound_values(self) -> tuple[float, ...]:
        """Value of each bound, in the order of :attr:`bounds`, in the unit of its measure."""
        return tuple(
            float(bound)
            for c in self.constraints
            for _ in range(self.n_scenarios if c.robust else 1)
            for bound in c.measure.bounds
            if bound is not None
        )

    def structure_doses(self, weights: ArrayLike, *, scenario: int = 0) -> dict[str, StructureDose]:
        """Return the dose of each structure with a goal; see also the dose on the whole grid.

        Parameters
        ----------
        weights
            In 1e6 protons per fraction, shape ``(n_spots,)``.
        scenario
            Which one; 0 is the nominal one.
        """
        return self._scenarios[scenario].doses(np.asarray(weights, dtype=np.float64))

    def highest_dose(self, weights: ArrayLike) -> float:
        """Return the highest physical dose of a voxel over the whole treatment, in the nominal scenario.

        Parameters
        ----------
        weights
            In 1e6 protons per fraction, shape ``(n_spots,)``.
        """
        matrix = self._scenarios[0].matrix
        dose = matrix.dose(np.asarray(weights, dtype=np.float64))
        return self.n_fractions * float(dose.max(initial=0.0))

    def value(self, weights: ArrayLike, multipliers: Multipliers | None = None) -> PlanValue:
        """Return value, gradient and what they are made of.

        Parameters
        ----------
        weights
            In 1e6 protons per fraction, >= 0, shape ``(n_spots,)``.
        multipliers
            Of the bounds; ``None`` leaves them out of the gradient.
        """
        weights = np.asarray(weights, dtype=np.float64)
        doses = [s.doses(weights) for s in self._scenarios]
        gradients = [Gradients(s) for s in self._scenarios]
        terms = np.full((len(self.objectives), self.n_scenarios), np.nan)
        objective = self._plain(doses, gradients, terms) + self._robust(doses, gradients, terms)
        penalised, violations = objective, np.empty(len(self.bounds))
        if self.constraints:
            penalised += self._bounds(doses, gradients, violations, multipliers)
        gradient = sum((g.by_weights() for g in gradients), np.zeros(self.n_spots))
        return PlanValue(objective, gradient, penalised, terms, violations)

    def thinned(self, most_voxels: float) -> PlanProblem:
        """Return the problem with at most about so many voxels a structure, each standing for several.

        Its value is near that of the whole one, as an integral over a structure is near a sum over its parts,
        and costs less; for the way to the solution, not for the solution.

        Parameters
        ----------
        most_voxels
            Of those that spots reach.
        """
        found = copy.copy(self)
        found._scenarios = tuple(s.thinned(most_voxels) for s in self._scenarios)
        return found

    @property
    def n_entries(self) -> int:
        """Entries of all matrices: what a value costs."""
        return sum(s.matrix.n_entries for s in self._scenarios)

    def bound_gradients(self, weights: ArrayLike) -> NDArray[np.float64]:
        """Return the derivative of each bound's violation by weights, shape ``(n_bounds, n_spots)``.

        Parameters
        ----------
        weights
            In 1e6 protons per fraction, shape ``(n_spots,)``.
        """
        weights = np.asarray(weights, dtype=np.float64)
        doses = [s.doses(weights) for s in self._scenarios]
        found = []
        for goal in self.constraints:
            for s in range(self.n_scenarios if goal.robust else 1):
                gradient = Gradients(self._scenarios[s])
                gradient.add(
                    goal.structure, scenario_terms(goal.measure, doses[s][goal.structure], measure=True), 1.0
                )
                by_weights = gradient.by_weights()
                signs = zip((-1.0, 1.0), goal.measure.bounds, strict=True)
                found += [sign * by_weights for sign, bound in signs if bound is not None]
        return np.array(found).reshape(-1, self.n_spots)

    @property
    def nominal_matrix(self) -> DoseMatrix:
        """Dose matrix of the nominal scenario."""
        return self._scenarios[0].matrix

    def row_curvature(self, weights: ArrayLike) -> NDArray[np.float64]:
        """Return an estimate of the objectives' second derivative by each row's dose, shape ``(n_rows,)``.

        It is what their gradients change by over a small step that makes every dose larger, in the nominal
        scenario; for scaling.

        Parameters
        ----------
        weights
            In 1e6 protons per fraction, shape ``(n_spots,)``.
        """
        weights = np.asarray(weights, dtype=np.float64)
        nominal = self._scenarios[0]
        step, totals = 1e-4, np.zeros(nominal.matrix.n_rows)
        sides = [nominal.doses(weights * (1.0 + sign * step)) for sign in (-1.0, 1.0)]
        for goal in self.objectives:
            slopes = [scenario_terms(goal.objective, doses[goal.structure]).by_dose for doses in sides]
            low, high = (doses[goal.structure] for doses in sides)
            n = len(low.where.rows)
            change = (high.physical - low.physical)[:n]
            second = np.divide(
                (slopes[1] - slopes[0])[:n],
                change,
                out=np.zeros(n),
                where=change > 1e-9 * change.max(initial=0),
            )
            totals[low.where.rows] += goal.importance * np.maximum(second, 0.0)
        return totals * float(self.n_fractions) ** 2

    def _plain(
        self,
        doses: list[dict[str, StructureDose]],
        gradients: list[Gradients],
        terms: NDArray[np.float64],
    ) -> float:
        total = 0.0
        for i, goal in enumerate(self.objectives):
            if self.robustness is None or not goal.robust:
                found = scenario_terms(goal.objective, doses[0][goal.structure])
                terms[i, 0] = goal.importance * found.value
                gradients[0].add(goal.structure, found, goal.importance)
                total += terms[i, 0]
        return float(total)

    def _robust(
        self,
        doses: list[dict[str, StructureDose]],
        gradients: list[Gradients],
        terms: NDArray[np.float64],
    ) -> float:
        robust = [(i, g) for i, g in enumerate(self.objectives) if g.robust and self.robustness is not None]
        if self.robustness is None or not robust:
            return 0.0
        found: list[list[TermValues]] = []
        for i, goal in robust:
            found.append([scenario_terms(goal.objective, d[goal.structure]) for d in doses])
            terms[i] = [goal.importance * f.value for f in found[-1]]
        if self.robustness.method is RobustMethod.VOXEL_WORST:
            return sum(voxel_worst_terms(goal, doses, gradients) for _, goal in robust)
        values = terms[[i for i, _ in robust]]
        if self.robustness.method is RobustMethod.OBJECTIVE_WORST:
            pairs = [self.robustness.combine(v, self.probabilities) for v in values]
            total, shares = sum(p[0] for p in pairs), np.array([p[1] for p in pairs])
        else:
            total, by_scenario = self.robustness.combine(values.sum(axis=0), self.probabilities)
            shares = np.tile(by_scenario, (len(robust), 1))
        for (_, goal), parts, share in zip(robust, found, shares, strict=True):
            for gradient, part, factor in zip(gradients, parts, share, strict=True):
                if factor != 0.0:
                    gradient.add(goal.structure, part, goal.importance * float(factor))
        return float(total)

    def _bounds(
        self,
        doses: list[dict[str, StructureDose]],
        gradients: list[Gradients],
        violations: NDArray[np.float64],
        multipliers: Multipliers | None,
    ) -> float:
        """Fill violations; return the penalties [hestenes1969multiplier] and add their gradients."""
        total, place = 0.0, 0
        for goal in self.constraints:
            for s in range(self.n_scenarios if goal.robust else 1):
                found = scenario_terms(goal.measure, doses[s][goal.structure], measure=True)
                for sign, bound in zip((-1.0, 1.0), goal.measure.bounds, strict=True):
                    if bound is None:
                        continue
                    violations[place] = sign * (found.value - bound)
                    if multipliers is not None:
                        factor, strength = multipliers.factors[place], multipliers.strengths[place]
                        pull = max(0.0, factor + strength * violations[place])
                        total += (pull * pull - factor * factor) / (2.0 * strength)
                        if pull > 0.0:
                            gradients[s].add(goal.structure, found, sign * pull)
                    place += 1
        return float(total)


def _measured(goal: PlanObjective | PlanConstraint) -> Any:
    return goal.objective if isinstance(goal, PlanObjective) else goal.measure
