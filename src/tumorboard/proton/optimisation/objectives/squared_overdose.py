"""Mean squared dose above a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, check_number
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["SquaredOverdose"]


@dataclass(frozen=True)
class SquaredOverdose(Fields):
    """Mean squared dose above a limit [Gy2]: ``sum(w max(0, d - dose_gy)**2)``.

    Parameters
    ----------
    dose_gy
        Limit, >= 0 [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

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
        excess = np.maximum(dose - self.dose_gy, 0.0)
        weighted = voxel_weights * excess
        return float(weighted @ excess), 2.0 * weighted, None
