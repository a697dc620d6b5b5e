"""The record of a problem: what was asked for, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tumorboard.proton.optimisation.dose_matrix import MatrixStorage
from tumorboard.proton.optimisation.goals import PlanConstraint, PlanObjective
from tumorboard.proton.optimisation.robustness import Robustness
from tumorboard.proton.optimisation.structure_voxels import StructureVoxels
from tumorboard.proton.rbe import RBE_PARAMETERS, RbeModel
from tumorboard.provenance import Record

__all__ = ["problem_record"]


def problem_record(
    objectives: Sequence[PlanObjective],
    constraints: Sequence[PlanConstraint],
    structures: Sequence[StructureVoxels],
    *,
    n_fractions: int,
    rbe_model: RbeModel | None,
    robustness: Robustness | None,
    storage: MatrixStorage,
    inputs: tuple[Record, ...],
) -> Record:
    """Return what the problem asks for, in plain values."""
    parameters: dict[str, Any] = {
        "objectives": [
            {"structure": g.structure, "type": type(g.objective).__name__, **g.objective.parameters}
            | {"importance": g.importance, "robust": g.robust}
            for g in objectives
        ],
        "constraints": [
            {"structure": g.structure, "type": type(g.measure).__name__, **g.measure.parameters}
            | {"robust": g.robust}
            for g in constraints
        ],
        "structures": [
            {"name": s.name, "voxels": len(s.voxels), "volume_voxels": float(s.fractions.sum())}
            | {"alpha_beta_gy": s.alpha_beta_gy}
            for s in structures
        ],
        "n_fractions": n_fractions,
        "rbe_model": "physical dose" if rbe_model is None else rbe_model.value,
        "storage": storage.value,
    }
    if robustness is not None:
        parameters["robust_method"] = robustness.method.value
        parameters["smoothing"] = robustness.smoothing
        parameters["tail"] = robustness.tail
    variable = RBE_PARAMETERS.get(rbe_model) if rbe_model is not None else None
    references = () if variable is None else (variable.reference,)
    return Record("proton.optimisation.PlanProblem", parameters, inputs, references)
