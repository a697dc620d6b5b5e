"""Whether the parts of a problem fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.proton.optimisation.goals import PlanConstraint, PlanObjective
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity
from tumorboard.proton.optimisation.robustness import RobustMethod, Robustness
from tumorboard.proton.optimisation.structure_voxels import StructureVoxels
from tumorboard.proton.rbe import RbeModel

__all__ = ["check_goals", "check_robust_goals", "check_scenarios", "checked_probabilities"]


def check_goals(
    objectives: Sequence[PlanObjective],
    constraints: Sequence[PlanConstraint],
    structures: Mapping[str, StructureVoxels],
    *,
    n_fractions: int,
    rbe_model: RbeModel | None,
) -> None:
    """Raise unless there are goals, for structures that there are, with the tissue that the model needs."""
    if not objectives:
        raise InputError("objectives must be at least one; got none")
    if n_fractions < 1:
        raise InputError(f"n_fractions must be >= 1; got {n_fractions!r}")
    for name in [g.structure for g in objectives] + [g.structure for g in constraints]:
        if name not in structures:
            raise InputError(f"structure of a goal must be one of {', '.join(structures)}; got {name!r}")
        if rbe_model is not None and rbe_model.needs_let and structures[name].alpha_beta_gy is None:
            raise InputError(
                f"alpha_beta_gy of {name!r} must be given for RBE model {rbe_model.value} [Gy]; got None; "
                "the prescription names it for each structure"
            )


def check_robust_goals(objectives: Sequence[PlanObjective], robustness: Robustness | None) -> None:
    """Raise where a voxel's worst dose has no meaning."""
    if robustness is None or robustness.method is not RobustMethod.VOXEL_WORST:
        return
    for goal in objectives:
        if goal.robust and goal.objective.quantity is ObjectiveQuantity.LET:
            raise InputError(
                f"objective {goal.label} must not be robust with voxel_worst, since a voxel's worst LET "
                "and worst dose are of different scenarios; choose objective_worst or robust=False"
            )


def check_scenarios(
    n_scenarios: int, goals: Sequence[PlanObjective | PlanConstraint], robustness: Robustness | None
) -> None:
    """Raise unless several scenarios have a robust method and goals that need them, and one has neither."""
    if n_scenarios == 0:
        raise InputError("influences must be at least one, the nominal one; got none")
    if robustness is None and n_scenarios > 1:
        raise InputError(
            f"robustness must be named with {n_scenarios} scenarios; got None; "
            f"choose among {', '.join(m.value for m in RobustMethod)}"
        )
    if robustness is not None and n_scenarios == 1:
        raise InputError(
            f"robustness must be None with one scenario; got {robustness.method.value}; "
            "give the influences of error scenarios after the nominal one"
        )
    if n_scenarios > 1 and not any(g.robust for g in goals):
        raise InputError(
            f"goals must be robust, at least one of them, with {n_scenarios} scenarios; got none; "
            "leave the error scenarios out or set robust=True"
        )


def checked_probabilities(probabilities: ArrayLike | None, n_scenarios: int) -> NDArray[np.float64]:
    """Return the scenarios' probabilities, equal ones where none are given, shape ``(n_scenarios,)``."""
    n = n_scenarios
    shares = np.full(n, 1.0 / n) if probabilities is None else np.asarray(probabilities, dtype=float)
    if shares.shape != (n,) or not (shares >= 0).all() or abs(shares.sum() - 1.0) > 1e-9:
        raise InputError(f"probabilities must be >= 0 with sum 1, one per scenario ({n}); got {shares}")
    return read_only(shares)
