"""Dose times LETd: a stand-in for the biological effect that needs no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._bounded import BoundedMeasure
from tumorboard.proton.optimisation.objectives._fields import (
    Fields,
    check_bounds,
    check_number,
)
from tumorboard.proton.optimisation.objectives._let import needed_dose_let
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["DoseTimesLetMaximum", "MeanDoseTimesLet"]


@dataclass(frozen=True)
class DoseTimesLetMaximum(Fields):
    """Mean squared dose times LETd above a limit: ``sum(w max(0, d LETd - limit)**2)``.

    [unkelbach2016reoptimization] adds it to a plan to lower the effect at the ends of protons' ranges.

    Parameters
    ----------
    dose_let_gy_kev_um
        Limit, >= 0 [Gy keV/um].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.LET
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    dose_let_gy_kev_um: float

    def __post_init__(self) -> None:
        check_number(self, "dose_let_gy_kev_um", "Gy keV/um")

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        excess = np.maximum(needed_dose_let(dose_let) - self.dose_let_gy_kev_um, 0.0)
        weighted = voxel_weights * excess
        return float(weighted @ excess), np.zeros_like(dose), 2.0 * weighted


@dataclass(frozen=True)
class MeanDoseTimesLet(BoundedMeasure):
    """Mean of dose times LETd [Gy keV/um].

    Without a bound the measure itself is made small; with one, the square of what is beyond it. The same
    object names a constraint, whose bounds then hold.

    Parameters
    ----------
    lower_gy_kev_um
        Wanted at least, or ``None`` [Gy keV/um].
    upper_gy_kev_um
        Wanted at most, or ``None`` [Gy keV/um].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.LET
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    lower_gy_kev_um: float | None = None
    upper_gy_kev_um: float | None = None

    def __post_init__(self) -> None:
        check_bounds(self, "lower_gy_kev_um", "upper_gy_kev_um", "Gy keV/um")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper bound, in the unit of the measure."""
        return self.lower_gy_kev_um, self.upper_gy_kev_um

    def measure(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the measure and its gradients; the arrays have shape ``(n_voxels,)``."""
        weights = voxel_weights.astype(np.float64)
        return float(weights @ needed_dose_let(dose_let)), np.zeros_like(dose), weights
