"""Mean squared difference from a dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, check_number
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose
from tumorboard.proton.optimisation.objectives.squared_overdose import SquaredOverdose
from tumorboard.proton.optimisation.objectives.squared_underdose import SquaredUnderdose

__all__ = ["SquaredDeviation"]


@dataclass(frozen=True)
class SquaredDeviation(Fields):
    """Mean squared difference from a dose [Gy2]: ``sum(w (d - dose_gy)**2)``.

    Parameters
    ----------
    dose_gy
        Wanted everywhere in the structure, >= 0 [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.BOTH

    dose_gy: float

    def __post_init__(self) -> None:
        check_number(self, "dose_gy", "Gy")

    def split(self) -> tuple[SquaredUnderdose, SquaredOverdose]:
        """Return the two objectives whose sum it is."""
        return SquaredUnderdose(self.dose_gy), SquaredOverdose(self.dose_gy)

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        difference = dose - self.dose_gy
        weighted = voxel_weights * difference
        return float(weighted @ difference), 2.0 * weighted, None
