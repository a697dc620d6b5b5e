"""Which objective or bound for which structure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.proton.optimisation.objectives.objective import Objective, ValueAndGradient

__all__ = ["Measure", "PlanConstraint", "PlanObjective"]


class Measure(Objective, Protocol):
    """An objective that measures something with a unit, and can bound it."""

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper bound, in the unit of the measure."""

    def measure(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the measure and its gradients; the arrays have shape ``(n_voxels,)``."""


@dataclass(frozen=True)
class PlanObjective:
    """One term of the sum that is made small.

    Parameters
    ----------
    structure
        Name of the structure.
    objective
        What is wanted there.
    importance
        Factor of the term, > 0.
    robust
        Whether it counts in every scenario, by the problem's robust method; if not, in the nominal one only.
    """

    structure: str
    objective: Objective
    importance: float
    robust: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.importance) and self.importance > 0):
            raise InputError(
                f"importance of the objective of {self.structure!r} must be > 0; got {self.importance!r}"
            )

    @property
    def label(self) -> str:
        """For tables: structure, kind and fields."""
        return f"{self.structure}: {_described(self.objective)}"


@dataclass(frozen=True)
class PlanConstraint:
    """A bound that must hold.

    Parameters
    ----------
    structure
        Name of the structure.
    measure
        What is bounded, with its bounds: an objective with at least one bound, e.g. ``MeanDose(upper_gy=5)``.
    robust
        Whether it must hold in every scenario; if not, in the nominal one.
    """

    structure: str
    measure: Measure
    robust: bool

    def __post_init__(self) -> None:
        if not hasattr(self.measure, "measure"):
            raise InputError(
                f"measure of the constraint of {self.structure!r} must be one that has bounds; "
                f"got {type(self.measure).__name__}; use TailMean for a point of a dose-volume histogram"
            )
        if self.measure.bounds == (None, None):
            raise InputError(
                f"measure of the constraint of {self.structure!r} must have a bound; got {self.measure}"
            )

    @property
    def label(self) -> str:
        """For tables: structure, kind and fields."""
        return f"{self.structure}: {_described(self.measure)}"


def _described(objective: Objective) -> str:
    fields: dict[str, Any] = {n: v for n, v in objective.parameters.items() if v is not None}
    return f"{type(objective).__name__}({', '.join(f'{n}={v}' for n, v in fields.items())})"
