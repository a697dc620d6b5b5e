"""Mean squared dose below a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, check_number
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["SquaredUnderdose"]


@dataclass(frozen=True)
class SquaredUnderdose(Fields):
    """Mean squared dose below a limit [Gy2]: ``sum(w max(0, dose_gy - d)**2)``.

    Parameters
    ----------
    dose_gy
        Limit, >= 0 [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.LOWEST

    dose_gy: float

    def __post_init__(self) -> None:
        check_number(self, "dose_gy", "Gy")

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        shortfall = np.maximum(self.dose_gy - dose, 0.0)
        weighted = voxel_weights * shortfall
        return float(weighted @ shortfall), -2.0 * weighted, None
