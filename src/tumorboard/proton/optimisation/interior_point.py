"""Interior point with bounds on doses as they are, by Ipopt; an extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError, MissingData
from tumorboard.proton.optimisation._run import Callback, Run, StopRun
from tumorboard.proton.optimisation.problem import PlanProblem, PlanValue
from tumorboard.proton.optimisation.result import (
    OptimisationResult,
    OptimisationState,
    OptimisationStatus,
)

__all__ = ["optimise_interior_point"]

#: What Ipopt takes for it.
_INFINITY: Final = 2e19


def optimise_interior_point(
    problem: PlanProblem,
    *,
    max_iterations: int,
    tolerance: float,
    callback: Callback | None = None,
    start: ArrayLike | OptimisationState | None = None,
    checkpoint: Path | None = None,
) -> OptimisationResult:
    """Return weights found by Ipopt [wachter2006implementation]; needs the extra ``tumorboard[ipopt]``.

    Second derivatives are a limited-memory estimate, as in :func:`optimise`; bounds on doses are constraints
    of the solver.

    Parameters
    ----------
    problem
        What is wanted.
    max_iterations
        >= 1, in this call.
    tolerance
        Ipopt's, of the scaled optimality conditions, > 0.
    callback
        As of :func:`optimise`.
    start
        As of :func:`optimise`: weights of shape ``(n_spots,)``, a state, or ``None``.
    checkpoint
        As of :func:`optimise`.

    Raises
    ------
    MissingData
        When cyipopt is not installed.
    InputError
        When a number is out of its range or the start does not fit the problem.
    """
    try:
        import cyipopt
    except ImportError as reason:
        raise MissingData(
            "cyipopt must be installed for an interior point; it is not; pip install 'tumorboard[ipopt]', "
            "or use optimise"
        ) from reason
    if max_iterations < 1 or not tolerance > 0:
        raise InputError(
            f"max_iterations must be >= 1 and tolerance > 0; got {max_iterations!r} and {tolerance!r}"
        )
    run = Run(problem, callback, checkpoint, max_iterations, start, ("wachter2006implementation",))
    n, m = problem.n_spots, len(problem.bounds)
    if isinstance(start, OptimisationState):
        first = start.weights
    else:
        first = np.full(n, run.uniform_weight) if start is None else np.asarray(start, dtype=np.float64)
    run.best = first
    scale = run.scale(problem, first)
    functions = _Functions(run, scale)
    solver = cyipopt.Problem(
        n=n,
        m=m,
        problem_obj=functions,
        lb=np.zeros(n),
        ub=np.full(n, 2e19),
        cl=np.full(m, -2e19),
        cu=np.zeros(m),
    )
    options: dict[str, Any] = {
        "hessian_approximation": "limited-memory",
        "limited_memory_max_history": 20,
        "max_iter": max_iterations,
        "tol": tolerance,
        "print_level": 0,
        "sb": "yes",
        "mu_strategy": "adaptive",
    }
    for name, value in options.items():
        solver.add_option(name, value)
    try:
        found, about = solver.solve(first / scale)
        run.best = np.maximum(found * scale, 0.0)
        status = {0: OptimisationStatus.CONVERGED, -1: OptimisationStatus.MAXIMUM_ITERATIONS}.get(
            about["status"], OptimisationStatus.NO_PROGRESS
        )
    except KeyboardInterrupt:
        status = OptimisationStatus.INTERRUPTED
    if functions.stopped:
        status = OptimisationStatus.STOPPED
    return run.finished(status, tolerance, np.zeros(n), np.full(n, np.inf))


class _Functions:
    """What Ipopt asks for, in scaled weights."""

    def __init__(self, run: Run, scale: NDArray[np.float64]) -> None:
        self.run, self.scale, self.stopped = run, scale, False
        self._at: NDArray[np.float64] | None = None
        self._value: PlanValue | None = None

    def objective(self, x: NDArray[np.float64]) -> float:
        return self._evaluated(x).objective

    def gradient(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._evaluated(x).gradient * self.scale

    def constraints(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._evaluated(x).violations

    def jacobian(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = self.run.problem.bound_gradients(x * self.scale) * self.scale
        flat: NDArray[np.float64] = rows.ravel()
        return flat

    def intermediate(self, *told: Any) -> bool:
        # Ipopt's values: algorithm's mode, iteration, objective, and eight more.
        try:
            weights = self.run.current() if self._at is None else np.maximum(self._at * self.scale, 0.0)
            self.run.tell(float(told[2]), weights)
        except StopRun:
            self.stopped = True
        return not self.stopped

    def _evaluated(self, x: NDArray[np.float64]) -> PlanValue:
        if self._value is None or self._at is None or not np.array_equal(self._at, x):
            self._at = x.copy()
            self._value = self.run.problem.value(x * self.scale)
            self.run.evaluations += 1
        return self._value
