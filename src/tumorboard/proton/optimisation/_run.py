"""A run of a solver: what is told, kept and returned, whichever solver it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.proton.optimisation.problem import PlanProblem
from tumorboard.proton.optimisation.result import (
    OptimisationResult,
    OptimisationState,
    OptimisationStatus,
)
from tumorboard.provenance import Record

__all__ = ["Callback", "Run", "StopRun"]

#: Called with iteration, value and seconds; what is true stops the optimisation.
Callback: TypeAlias = Callable[[int, float, float], bool | None]

#: Between two writings of the checkpoint.
_CHECKPOINT_S: Final = 20.0
#: Least second derivative of a weight, relative to the mean one: spots that reach next to nothing.
_SCALE_FLOOR: Final = 0.01
#: Voxels a structure for the uniform start.
_FEW_VOXELS: Final = 2000


class StopRun(Exception):
    """The callback said so."""


class Run:
    """Iterations of a solver on a problem."""

    def __init__(
        self,
        problem: PlanProblem,
        callback: Callback | None,
        checkpoint: Path | None,
        max_iterations: int,
        start: ArrayLike | OptimisationState | None,
        references: tuple[str, ...],
    ) -> None:
        digest = problem.provenance.digest
        before = OptimisationState(np.zeros(problem.n_spots), np.empty((0, 3)), digest)
        if isinstance(start, OptimisationState):
            start.check_fits(digest, problem.n_spots)
            before = start
        self.problem, self.callback, self.checkpoint = problem, callback, checkpoint
        self.history = [tuple(row) for row in before.history]
        self.iteration = before.iteration
        self.last = before.iteration + max_iterations
        self.evaluations = 0
        self.best: NDArray[np.float64] | None = None
        self._references = references
        self._earlier_s = float(before.history[-1, 2]) if len(before.history) else 0.0
        self._started = self._saved = time.perf_counter()
        self._gradient_of_uniform: NDArray[np.float64] | None = None

    @property
    def left(self) -> int:
        """Iterations that are left."""
        return self.last - self.iteration

    @cached_property
    def uniform_weight(self) -> float:
        """The equal weight of all spots at which the objective hardly changes with it."""
        return _uniform_weight(self.problem.thinned(_FEW_VOXELS))

    def current(self) -> NDArray[np.float64]:
        """Return the best weights so far, shape ``(n_spots,)``."""
        return np.zeros(self.problem.n_spots) if self.best is None else self.best

    def tell(self, value: float, weights: NDArray[np.float64]) -> None:
        """Count an iteration; raise where the callback stops."""
        self.iteration += 1
        now = time.perf_counter()
        seconds = self._earlier_s + now - self._started
        self.history.append((float(self.iteration), value, seconds))
        self.best = weights
        if self.checkpoint is not None and now - self._saved > _CHECKPOINT_S:
            self.state().save(self.checkpoint)
            self._saved = now
        if self.callback is not None and self.callback(self.iteration, value, seconds):
            raise StopRun

    def state(self) -> OptimisationState:
        """Return where it stands."""
        return OptimisationState(self.current(), np.array(self.history), self.problem.provenance.digest)

    def scale(self, problem: PlanProblem, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a weight's unit in which the objective's second derivative is about one, ``(n_spots,)``."""
        curvature = problem.nominal_matrix.squares_transposed(problem.row_curvature(weights))
        mean = float(curvature.mean())
        if mean <= 0.0:  # linear objectives: in proportion to the dose
            squares = problem.nominal_matrix.squares_transposed(np.ones(problem.nominal_matrix.n_rows))
            curvature, mean = squares, float(squares.mean())
        unit: NDArray[np.float64] = 1.0 / np.sqrt(curvature + _SCALE_FLOOR * mean + 1e-300)
        return unit

    def reference(self, scale: NDArray[np.float64]) -> float:
        """Return the largest component of the scaled gradient at the uniform start."""
        if self._gradient_of_uniform is None:
            weights = np.full(self.problem.n_spots, self.uniform_weight)
            self._gradient_of_uniform = self.problem.value(weights).gradient
        return float(np.abs(self._gradient_of_uniform * scale).max()) or 1.0

    def finished(
        self,
        status: OptimisationStatus,
        tolerance: float,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> OptimisationResult:
        """Return the result, and write the last checkpoint."""
        problem, weights = self.problem, self.current()
        value = problem.value(weights)
        if self.checkpoint is not None:
            self.state().save(self.checkpoint)
        scale = self.scale(problem, weights)
        step = np.clip(weights / scale - value.gradient * scale, low / scale, high / scale) - weights / scale
        terms = {
            goal.label: tuple(float(v) for v in row if not math.isnan(v))
            for goal, row in zip(problem.objectives, value.terms, strict=True)
        }
        bounds = {
            f"{label}, scenario {s}": float(v)
            for (label, s), v in zip(problem.bounds, value.violations, strict=True)
        }
        record = Record(
            "proton.optimisation.optimise",
            {"tolerance": tolerance, "iterations": self.iteration, "status": status.value},
            (problem.provenance,),
            self._references,
        )
        return OptimisationResult(
            weights=weights,
            objective=value.objective,
            terms=terms,
            violations=bounds,
            iterations=self.iteration,
            evaluations=self.evaluations,
            state=self.state(),
            status=status,
            residual=float(np.abs(step).max()) / self.reference(scale),
            provenance=record,
        )


def _uniform_weight(problem: PlanProblem) -> float:
    """Return the equal weight of all spots at which the objective hardly changes with it."""
    ones = np.ones(problem.n_spots)

    def slope(weight: float) -> float:
        return float(problem.value(weight * ones).gradient.sum())

    weight = 1.0 / max(problem.highest_dose(ones), 1e-30)
    small, large, at_small, at_large = 0.0, 0.0, slope(0.0), 0.0
    if at_small >= 0.0:
        return weight  # nothing is gained by dose: any weights will do to begin with
    for _ in range(60):
        found = slope(weight)
        if found >= 0.0:
            large, at_large = weight, found
            break
        small, at_small, weight = weight, found, 4.0 * weight
    for _ in range(3):
        if large > small:
            weight = small + (large - small) * at_small / (at_small - at_large)
            found = slope(weight)
            if found < 0.0:
                small, at_small = weight, found
            else:
                large, at_large = weight, found
    return weight
