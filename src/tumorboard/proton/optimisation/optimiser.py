"""Find the weights that make a problem's objective small."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.proton.optimisation._run import Callback, Run, StopRun
from tumorboard.proton.optimisation.problem import Multipliers, PlanProblem
from tumorboard.proton.optimisation.result import (
    OptimisationResult,
    OptimisationState,
    OptimisationStatus,
)

__all__ = ["optimise"]

#: Pairs of steps and changes of gradient that stand for the second derivative.
_CORRECTIONS: Final = 20
#: Voxels a structure on the way, per spot, and the decrease over ten iterations below which it has served.
_LEVELS: Final = ((0.8, 0.02), (1.6, 0.001))
#: A level costs at most this share of the whole problem, or is left out.
_LEVEL_COST: Final = 0.6
#: Rounds of multipliers, iterations of one, and how far a bound may be exceeded, relative to it.
_ROUNDS: Final = 30
_ROUND_ITERATIONS: Final = 60
_BOUND_TOLERANCE: Final = 1e-3


def optimise(
    problem: PlanProblem,
    *,
    max_iterations: int,
    tolerance: float,
    callback: Callback | None = None,
    start: ArrayLike | OptimisationState | None = None,
    checkpoint: Path | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
) -> OptimisationResult:
    """Return the best weights found by L-BFGS-B [byrd1995limited], on part of the voxels first.

    Weights are scaled by the root of the objective's second derivative. Without a start, large structures
    are represented by some of their voxels until that no longer pays; values told on the way are those of
    the part. The result is of the whole problem. Bounds on doses are met by an augmented Lagrangian
    [hestenes1969multiplier]. An interrupt from the keyboard returns the best weights so far.

    Parameters
    ----------
    problem
        What is wanted.
    max_iterations
        >= 1, in this call.
    tolerance
        Of the projected gradient's largest component in scaled variables, relative to that at the uniform
        start, > 0. Bounds on doses may be exceeded by 0.1 % of their value.
    callback
        Called after each iteration with its number, the value and the seconds since the start; stops the
        optimisation when it returns true.
    start
        Weights of shape ``(n_spots,)``, or the state of an earlier run on the same problem to go on from;
        ``None``: equal weights, as large as is best.
    checkpoint
        A ``.npz`` file that holds the state, written every 20 s and at the end.
    lower
        Of each weight, >= 0, shape ``(n_spots,)``; ``None`` means 0.
    upper
        Of each weight, shape ``(n_spots,)``; ``None`` means infinity.

    Raises
    ------
    InputError
        When a number is out of its range or the start does not fit the problem.
    """
    if max_iterations < 1 or not tolerance > 0:
        raise InputError(
            f"max_iterations must be >= 1 and tolerance > 0; got {max_iterations!r} and {tolerance!r}"
        )
    low, high = _limits(problem.n_spots, lower, upper)
    run = Run(problem, callback, checkpoint, max_iterations, start, ("byrd1995limited",))
    try:
        first = _started(run, start, low, high)
        run.best = first
        descent = _Descent(run, low, high, tolerance)
        if start is None:
            for share, enough in _LEVELS:
                part = problem.thinned(share * problem.n_spots)
                if part.n_entries <= _LEVEL_COST * problem.n_entries:
                    descent.go(part, None, run.left // 2, enough=enough)
        status = descent.go(problem, None, run.left)
        if problem.constraints:
            status = _with_bounds(descent)
    except StopRun:
        status = OptimisationStatus.STOPPED
    except KeyboardInterrupt:
        status = OptimisationStatus.INTERRUPTED
    return run.finished(status, tolerance, low, high)


def _limits(
    n: int, lower: ArrayLike | None, upper: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.zeros(n) if lower is None else np.asarray(lower, dtype=np.float64)
    high = np.full(n, np.inf) if upper is None else np.asarray(upper, dtype=np.float64)
    if low.shape != (n,) or high.shape != (n,) or not ((low >= 0) & (low <= high)).all():
        raise InputError(f"lower must be >= 0 and upper >= lower, one per spot ({n})")
    return low, high


def _started(
    run: Run,
    start: ArrayLike | OptimisationState | None,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    n = run.problem.n_spots
    if isinstance(start, OptimisationState):
        return _clipped(start.weights, low, high)
    if start is not None:
        weights = np.asarray(start, dtype=np.float64)
        if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any():
            raise InputError(f"start must be finite weights >= 0, one per spot ({n}); got {weights.shape}")
        return _clipped(weights, low, high)
    return _clipped(np.full(n, run.uniform_weight), low, high)


def _clipped(
    weights: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.clip(weights, low, high)
    return found


class _Descent:
    """L-BFGS-B in scaled variables, on the problem or a part of it, from the best weights so far."""

    def __init__(
        self, run: Run, low: NDArray[np.float64], high: NDArray[np.float64], tolerance: float
    ) -> None:
        self.run, self.low, self.high, self.tolerance = run, low, high, tolerance

    def go(
        self, problem: PlanProblem, multipliers: Multipliers | None, iterations: int, enough: float = 0.0
    ) -> OptimisationStatus:
        """Descend until converged, or for so many iterations, or while ten of them gain enough."""
        if iterations < 1:
            return OptimisationStatus.MAXIMUM_ITERATIONS
        run, values = self.run, [math.inf]
        scale = run.scale(problem, run.current())

        def function(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            found = problem.value(scaled * scale, multipliers)
            run.evaluations += 1
            return found.penalised, found.gradient * scale

        def told(intermediate_result: scipy.optimize.OptimizeResult) -> None:
            values.append(float(intermediate_result.fun))
            run.tell(values[-1], _clipped(intermediate_result.x * scale, self.low, self.high))
            if enough and len(values) > 11 and values[-11] - values[-1] < enough * abs(values[-1]):
                raise StopIteration

        found = scipy.optimize.minimize(
            function,
            run.current() / scale,
            jac=True,
            method="L-BFGS-B",
            bounds=scipy.optimize.Bounds(self.low / scale, self.high / scale),
            callback=told,
            options={
                "maxiter": iterations,
                "maxfun": 20 * iterations,
                "maxcor": _CORRECTIONS,
                "ftol": 0.0,
                "gtol": self.tolerance * run.reference(scale),
            },
        )
        run.best = _clipped(found.x * scale, self.low, self.high)
        if found.status == 1:
            return OptimisationStatus.MAXIMUM_ITERATIONS
        small = "PROJECTED GRADIENT" in str(found.message)
        return OptimisationStatus.CONVERGED if small else OptimisationStatus.NO_PROGRESS


def _with_bounds(descent: _Descent) -> OptimisationStatus:
    """Minimise the augmented Lagrangian with multipliers that are brought up to date between rounds."""
    run = descent.run
    sizes = np.array([max(abs(b), 1e-6) for b in run.problem.bound_values])
    value = run.problem.value(run.current())
    reach = np.maximum(np.abs(value.violations), 0.1 * sizes)
    # As strong as the objective where it begins.
    strengths = 2.0 * max(abs(value.objective), 1e-6) / reach**2
    factors = np.zeros(len(sizes))
    exceeded = np.maximum(value.violations, 0.0)
    for _ in range(_ROUNDS):
        if (exceeded <= _BOUND_TOLERANCE * sizes).all() and not (factors > 0).any():
            return OptimisationStatus.CONVERGED  # met without being pulled
        status = descent.go(run.problem, Multipliers(factors, strengths), min(run.left, _ROUND_ITERATIONS))
        violations = run.problem.value(run.current()).violations
        after = np.maximum(violations, 0.0)
        change = np.maximum(factors + strengths * violations, 0.0) - factors
        factors = factors + change
        strengths = np.where(after > 0.25 * exceeded, 4.0 * strengths, strengths)
        exceeded = after
        met = (exceeded <= _BOUND_TOLERANCE * sizes).all()
        settled = (np.abs(change) <= 0.01 * (1e-12 + np.abs(factors))).all()
        if met and (settled or status is OptimisationStatus.CONVERGED):
            return OptimisationStatus.CONVERGED
        if run.left < 1:
            return OptimisationStatus.MAXIMUM_ITERATIONS
    return OptimisationStatus.CONVERGED if met else OptimisationStatus.NO_PROGRESS
