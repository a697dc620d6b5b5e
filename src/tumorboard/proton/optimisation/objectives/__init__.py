"""Objectives, one per file: what a plan should do to one structure, with exact gradients.

Each is a frozen dataclass with a method ``value_and_gradient(dose, voxel_weights)``, or
``value_and_gradient(dose, voxel_weights, dose_let)`` where the LET counts; see
:class:`~tumorboard.proton.optimisation.objectives.objective.Objective`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "dose_times_let": ["DoseTimesLetMaximum", "MeanDoseTimesLet"],
        "dose_volume": ["MaximumDoseVolume", "MinimumDoseVolume"],
        "generalised_eud": ["GeneralisedEud"],
        "let_limits": ["LetMaximum", "LetMinimum"],
        "mean_dose": ["MeanDose"],
        "mean_let": ["MeanLet"],
        "objective": ["Objective", "ObjectiveQuantity", "WorstDose"],
        "registry": ["OBJECTIVES", "objective_from_table"],
        "smooth_maximum": ["SmoothMaximum"],
        "smooth_minimum": ["SmoothMinimum"],
        "squared_deviation": ["SquaredDeviation"],
        "squared_overdose": ["SquaredOverdose"],
        "squared_underdose": ["SquaredUnderdose"],
        "tail_mean": ["Tail", "TailMean"],
    },
)
