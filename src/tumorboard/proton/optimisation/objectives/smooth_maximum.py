"""A differentiable highest dose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._bounded import BoundedMeasure
from tumorboard.proton.optimisation.objectives._fields import (
    check_bounds,
    check_number,
)
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["SmoothMaximum"]


@dataclass(frozen=True)
class SmoothMaximum(BoundedMeasure):
    """Differentiable highest dose [Gy]: ``s log(sum(w exp(d / s)))``.

    It is below the true one by at most ``s log(1 / w)``, with the weight ``w`` of the hottest voxel.

    Without a bound the measure itself is made small; with one, the square of what is beyond it. The same
    object names a constraint, whose bounds then hold.

    Parameters
    ----------
    smoothing_gy
        The ``s`` of the formula, > 0: doses closer than this to the highest count with it [Gy].
    lower_gy
        Wanted at least, or ``None`` [Gy].
    upper_gy
        Wanted at most, or ``None`` [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    smoothing_gy: float
    lower_gy: float | None = None
    upper_gy: float | None = None

    def __post_init__(self) -> None:
        check_number(self, "smoothing_gy", "Gy", above=True)
        check_bounds(self, "lower_gy", "upper_gy", "Gy")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper bound, in the unit of the measure."""
        return self.lower_gy, self.upper_gy

    def measure(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the measure and its gradients; the arrays have shape ``(n_voxels,)``."""
        highest = float(dose.max())
        terms = voxel_weights * np.exp((dose - highest) / self.smoothing_gy)
        total = float(terms.sum())
        return highest + self.smoothing_gy * math.log(total), terms / total, None
