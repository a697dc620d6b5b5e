"""Mean dose-averaged LET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._bounded import BoundedMeasure
from tumorboard.proton.optimisation.objectives._fields import (
    check_bounds,
    check_number,
)
from tumorboard.proton.optimisation.objectives._let import floored_let
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["MeanLet"]


@dataclass(frozen=True)
class MeanLet(BoundedMeasure):
    """Mean LETd [keV/um]: ``sum(w d LETd / (d + dose_floor_gy))``.

    Without a bound the measure itself is made small; with one, the square of what is beyond it. The same
    object names a constraint, whose bounds then hold.

    Parameters
    ----------
    dose_floor_gy
        Physical dose at which LETd counts half, > 0 [Gy].
    lower_kev_um
        Wanted at least, or ``None`` [keV/um].
    upper_kev_um
        Wanted at most, or ``None`` [keV/um].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.LET
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    dose_floor_gy: float
    lower_kev_um: float | None = None
    upper_kev_um: float | None = None

    def __post_init__(self) -> None:
        check_number(self, "dose_floor_gy", "Gy", above=True)
        check_bounds(self, "lower_kev_um", "upper_kev_um", "keV/um")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper bound, in the unit of the measure."""
        return self.lower_kev_um, self.upper_kev_um

    def measure(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the measure and its gradients; the arrays have shape ``(n_voxels,)``."""
        let, by_dose, by_dose_let = floored_let(dose, dose_let, self.dose_floor_gy)
        return float(voxel_weights @ let), voxel_weights * by_dose, voxel_weights * by_dose_let
