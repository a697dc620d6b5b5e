"""Mean dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._bounded import BoundedMeasure
from tumorboard.proton.optimisation.objectives._fields import check_bounds
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["MeanDose"]


@dataclass(frozen=True)
class MeanDose(BoundedMeasure):
    """Mean dose [Gy]: ``sum(w d)``.

    Without a bound the measure itself is made small; with one, the square of what is beyond it. The same
    object names a constraint, whose bounds then hold.

    Parameters
    ----------
    lower_gy
        Wanted at least, or ``None`` [Gy].
    upper_gy
        Wanted at most, or ``None`` [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    lower_gy: float | None = None
    upper_gy: float | None = None

    def __post_init__(self) -> None:
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
        return float(voxel_weights @ dose), voxel_weights.astype(np.float64), None
