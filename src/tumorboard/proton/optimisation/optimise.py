"""Find the weights that make a problem's objective small."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.proton.optimisation.problem import Multipliers, PlanProblem, PlanValue
from tumorboard.proton.optimisation.result import (
    OptimisationResult,
    OptimisationState,
    OptimisationStatus,
)
from tumorboard.provenance import Record

__all__ = ["Callback", "optimise"]

#: Called with iteration, value and seconds; what is true stops the optimisation.
Callback: TypeAlias = Callable[[int, float, float], bool | None]

#: Between two writings of the checkpoint.
_CHECKPOINT_S: Final = 20.0
_CORRECTIONS: Final = 20
_SCALE_FLOOR: Final = 0.01


class _Stop(Exception):
    """The callback said so."""


class _Run:
    """One descent after the other on a problem, with what is told and kept on the way."""

    def __init__(
        self,
        problem: PlanProblem,
        callback: Callback | None,
        checkpoint: Path | None,
        before: OptimisationState,
    ) -> None:
        self.problem, self.callback, self.checkpoint = problem, callback, checkpoint
        self.history = [tuple(row) for row in before.history]
        self.iteration = before.iteration
        self.earlier_s = float(before.history[-1, 2]) if len(before.history) else 0.0
        self.started, self.saved = time.perf_counter(), time.perf_counter()
        self.evaluations = 0
        self.best: NDArray[np.float64] | None = None

    def value(self, weights: NDArray[np.float64], multipliers: Multipliers | None) -> PlanValue:
        found = self.problem.value(weights, multipliers)
        self.evaluations += 1
        return found

    def tell(self, value: float, weights: NDArray[np.float64]) -> None:
        """Count an iteration; raise where the callback stops."""
        self.iteration += 1
        now = time.perf_counter()
        seconds = self.earlier_s + now - self.started
        self.history.append((float(self.iteration), value, seconds))
        self.best = np.array(weights)
        if self.checkpoint is not None and now - self.saved > _CHECKPOINT_S:
            self.state(weights).save(self.checkpoint)
            self.saved = now
        if self.callback is not None and self.callback(self.iteration, value, seconds):
            raise _Stop

    def state(self, weights: NDArray[np.float64]) -> OptimisationState:
        return OptimisationState(weights, np.array(self.history), self.problem.provenance.digest)


def optimise(
    problem: PlanProblem,
    *,
    max_iterations: int,
    tolerance: float,
    callback: Callback | None = None,
    start: ArrayLike | OptimisationState | None = None,
    checkpoint: Path | None = None,
    upper: ArrayLike | None = None,
    lower: ArrayLike | None = None,
) -> OptimisationResult:
    """Return the best weights found by L-BFGS-B [byrd1995limited], bounds by an augmented Lagrangian.

    Weights are scaled by the square root of the objective's estimated second derivative. An interrupt from
    the keyboard returns the best weights so far.

    Parameters
    ----------
    problem
        What is wanted.
    max_iterations
        >= 1, in this call.
    tolerance
        Of the projected gradient's largest component in scaled variables, relative to that at the uniform
        start; > 0. Bounds may be exceeded by ``tolerance`` times their size.
    callback
        Called after each iteration with its number, the value and the seconds since the start; stops the
        optimisation when it returns true.
    start
        Weights of shape ``(n_spots,)``, or the state of an earlier run on the same problem to go on from;
        ``None``: equal weights, as large as is best.
    checkpoint
        A ``.npz`` file that holds the state, written every 20 s and at the end.
    upper, lower
        Of each weight, shape ``(n_spots,)``; ``None`` means infinity and 0.

    Raises
    ------
    InputError
        When a number is out of its range or the start does not fit the problem.
    """
    if max_iterations < 1 or not tolerance > 0:
        raise InputError(
            f"max_iterations must be >= 1 and tolerance > 0; got {max_iterations!r} and {tolerance!r}"
        )
    low = np.zeros(problem.n_spots) if lower is None else np.asarray(lower, dtype=float)
    high = np.full(problem.n_spots, np.inf) if upper is None else np.asarray(upper, dtype=float)
    digest = problem.provenance.digest
    before = OptimisationState(np.zeros(problem.n_spots), np.empty((0, 3)), digest)
    if isinstance(start, OptimisationState):
        start.check_fits(digest, problem.n_spots)
        before = start
    run = _Run(problem, callback, checkpoint, before)
    weights = _started(run, start, low, high)
    try:
        status, residual = _descend(run, weights, low, high, max_iterations, tolerance)
    except _Stop:
        status, residual = OptimisationStatus.STOPPED, math.nan
    except KeyboardInterrupt:
        status, residual = OptimisationStatus.INTERRUPTED, math.nan
    found = weights if run.best is None else run.best
    return _finished(run, found, status, residual, tolerance)


def _started(
    run: _Run,
    start: ArrayLike | OptimisationState | None,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    n = run.problem.n_spots
    if isinstance(start, OptimisationState):
        return np.clip(start.weights, low, high)
    if start is not None:
        weights = np.asarray(start, dtype=np.float64)
        if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any():
            raise InputError(f"start must be finite weights >= 0, one per spot ({n}); got {weights.shape}")
        return np.clip(weights, low, high)
    return np.clip(np.full(n, _uniform(run)), low, high)


def _uniform(run: _Run) -> float:
    """Return the equal weight of all spots at which the objective's slope along it is zero, or nearly."""
    ones = np.ones(run.problem.n_spots)
    small, large = 0.0, 0.0
    weight = 1.0 / max(run.problem.highest_dose(ones), 1e-30)
    slopes = {0.0: float(run.value(0.0 * ones, None).gradient.sum())}
    if slopes[0.0] >= 0.0:
        return weight  # nothing is gained by dose: any weights will do to begin with
    for _ in range(60):
        slopes[weight] = float(run.value(weight * ones, None).gradient.sum())
        if slopes[weight] >= 0.0:
            large = weight
            break
        small, weight = weight, 2.0 * weight
    for _ in range(3):
        if large > small:
            weight = small + (large - small) * slopes[small] / (slopes[small] - slopes[large])
            slopes[weight] = float(run.value(weight * ones, None).gradient.sum())
            small, large = (weight, large) if slopes[weight] < 0.0 else (small, weight)
    return weight


def _descend(
    run: _Run,
    weights: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    max_iterations: int,
    tolerance: float,
) -> tuple[OptimisationStatus, float]:
    curvature = run.problem.curvature(weights)
    scale = 1.0 / np.sqrt(curvature + _SCALE_FLOOR * curvature.mean() + 1e-300)
    first = run.value(weights, None)
    largest = float(np.abs(first.gradient * scale).max())
    left = max_iterations
    multipliers = None

    def function(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found = run.value(scaled * scale, multipliers)
        return found.penalised, found.gradient * scale

    def told(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        run.tell(float(intermediate_result.fun), intermediate_result.x * scale)

    found = scipy.optimize.minimize(
        function,
        weights / scale,
        jac=True,
        method="L-BFGS-B",
        bounds=scipy.optimize.Bounds(low / scale, high / scale),
        callback=told,
        options={
            "maxiter": left,
            "maxfun": 20 * left,
            "maxcor": 20,
            "ftol": 0.0,
            "gtol": tolerance * largest,
        },
    )
    status = OptimisationStatus.MAXIMUM_ITERATIONS if found.status == 1 else OptimisationStatus.CONVERGED
    run.best = np.clip(found.x * scale, low, high)
    return status, math.nan


def _finished(
    run: _Run, weights: NDArray[np.float64], status: OptimisationStatus, residual: float, tolerance: float
) -> OptimisationResult:
    problem = run.problem
    value = problem.value(weights)
    state = run.state(weights)
    if run.checkpoint is not None:
        state.save(run.checkpoint)
    terms = {
        goal.label: tuple(float(v) for v in row if not math.isnan(v))
        for goal, row in zip(problem.objectives, value.terms, strict=True)
    }
    bounds = {
        f"{label} scenario {s}": float(v)
        for (label, s), v in zip(problem.bounds, value.violations, strict=True)
    }
    record = Record(
        "proton.optimisation.optimise",
        {"tolerance": tolerance, "iterations": run.iteration, "status": status.value},
        (problem.provenance,),
        ("byrd1995limited",),
    )
    return OptimisationResult(
        weights,
        value.objective,
        terms,
        bounds,
        run.iteration,
        run.evaluations,
        state,
        status,
        residual,
        record,
    )
