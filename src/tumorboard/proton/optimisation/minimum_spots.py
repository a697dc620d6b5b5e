"""No spot below what the machine can deliver: raise it or leave it out, and optimise the rest again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.proton.optimisation._run import Callback
from tumorboard.proton.optimisation.optimiser import optimise
from tumorboard.proton.optimisation.problem import PlanProblem
from tumorboard.proton.optimisation.result import OptimisationResult, OptimisationStatus

__all__ = ["DeliverableSpots", "with_minimum_weight"]

#: Rounds of leaving out spots that are at their minimum and would rather be below it.
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class DeliverableSpots:
    """Weights that a machine can deliver.

    Parameters
    ----------
    result
        Of the last optimisation: each weight is 0 or at least its minimum.
    objective_before
        Without the minimum.
    n_left_out
        Spots with a weight before and none after.
    n_raised
        Spots that had a weight below the minimum and have at least that.
    """

    result: OptimisationResult
    objective_before: float
    n_left_out: int
    n_raised: int

    @property
    def increase(self) -> float:
        """What the minimum costs: the objective's increase, relative to the one without it."""
        return (self.result.objective - self.objective_before) / max(abs(self.objective_before), 1e-300)


def with_minimum_weight(
    problem: PlanProblem,
    weights: ArrayLike,
    *,
    minimum: ArrayLike,
    max_iterations: int,
    tolerance: float,
    callback: Callback | None = None,
) -> DeliverableSpots:
    """Return weights of which each is 0 or at least its minimum.

    Spots below half their minimum are left out and the others below it raised, then all that are in are
    optimised between their minimum and infinity. Of those that end at their minimum though the objective
    would fall without them, the half that would gain most is left out and the rest optimised again, as long
    as that makes the objective smaller.

    Parameters
    ----------
    problem
        What is wanted.
    weights
        Of an optimisation without minimum, in 1e6 protons per fraction, shape ``(n_spots,)``.
    minimum
        Least weight that can be delivered, >= 0, shape ``(n_spots,)`` or one number.
    max_iterations
        >= 1, of each optimisation.
    tolerance
        As of :func:`optimise`.
    callback
        As of :func:`optimise`; what stops an optimisation stops all, with weights that can be delivered.
    """
    before = np.asarray(weights, dtype=np.float64)
    least = np.broadcast_to(np.asarray(minimum, dtype=np.float64), before.shape)
    if before.shape != (problem.n_spots,) or not (np.isfinite(least) & (least >= 0)).all():
        raise InputError(
            f"weights and minimum must be one per spot ({problem.n_spots}), minimum finite and >= 0; "
            f"got shapes {before.shape} and {np.shape(minimum)}"
        )

    def optimised(kept: NDArray[np.bool_], start: NDArray[np.float64]) -> OptimisationResult:
        return optimise(
            problem,
            max_iterations=max_iterations,
            tolerance=tolerance,
            callback=callback,
            start=np.where(kept, np.maximum(start, least), 0.0),
            lower=np.where(kept, least, 0.0),
            upper=np.where(kept, np.inf, 0.0),
        )

    # Spots that are not in now could only come in with a whole minimum: they stay out.
    kept = (before > 0.0) & (before >= 0.5 * least)
    best = optimised(kept, before)
    for _ in range(_ROUNDS):
        if best.status in (OptimisationStatus.STOPPED, OptimisationStatus.INTERRUPTED):
            break
        gain = problem.value(best.weights).gradient * least
        at_least = kept & (least > 0.0) & (best.weights <= least * (1.0 + 1e-9)) & (gain > 0.0)
        if not at_least.any():
            break
        fewer = kept & ~(at_least & (gain >= np.median(gain[at_least])))
        if not fewer.any():
            break
        found = optimised(fewer, best.weights)
        if found.objective >= best.objective:
            break
        kept, best = fewer, found
    return DeliverableSpots(
        best,
        problem.value(before).objective,
        int(((before > 0.0) & (best.weights == 0.0)).sum()),
        int(((before > 0.0) & (before < least) & (best.weights > 0.0)).sum()),
    )
