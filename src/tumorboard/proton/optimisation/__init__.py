"""Find spot weights: objectives, constraints, solvers, robustness."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["objectives"],
    submod_attrs={
        "dose_matrix": ["DoseMatrix", "MatrixStorage"],
        "goals": ["PlanConstraint", "PlanObjective"],
        "interior_point": ["optimise_interior_point"],
        "minimum_spots": ["DeliverableSpots", "with_minimum_weight"],
        "optimiser": ["optimise"],
        "problem": ["PlanProblem", "PlanValue"],
        "result": ["OptimisationResult", "OptimisationState", "OptimisationStatus"],
        "robustness": ["RobustMethod", "Robustness"],
        "structure_voxels": ["StructureVoxels", "without_overlap"],
    },
)
