"""Dose-averaged LET above or below a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, check_number
from tumorboard.proton.optimisation.objectives._let import floored_let
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["LetMaximum", "LetMinimum"]


@dataclass(frozen=True)
class LetMaximum(Fields):
    """Mean squared LETd above a limit [keV2/um2]: ``sum(w max(0, L - let_kev_um)**2)``.

    ``L = (d LETd) / (d + dose_floor_gy)``, so that high LET where there is hardly any dose does not count.

    Parameters
    ----------
    let_kev_um
        Limit, >= 0 [keV/um].
    dose_floor_gy
        Physical dose at which LETd counts half, > 0 [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.LET
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    let_kev_um: float
    dose_floor_gy: float

    def __post_init__(self) -> None:
        check_number(self, "let_kev_um", "keV/um")
        check_number(self, "dose_floor_gy", "Gy", above=True)

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        let, by_dose, by_dose_let = floored_let(dose, dose_let, self.dose_floor_gy)
        excess = np.maximum(let - self.let_kev_um, 0.0)
        weighted = voxel_weights * excess
        return float(weighted @ excess), 2.0 * weighted * by_dose, 2.0 * weighted * by_dose_let


@dataclass(frozen=True)
class LetMinimum(Fields):
    """Mean squared LETd below a limit [keV2/um2], for targets; see :class:`LetMaximum`.

    Parameters
    ----------
    let_kev_um
        Limit, >= 0 [keV/um].
    dose_floor_gy
        Physical dose at which LETd counts half, > 0 [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.LET
    worst_dose: ClassVar[WorstDose] = WorstDose.LOWEST

    let_kev_um: float
    dose_floor_gy: float

    def __post_init__(self) -> None:
        check_number(self, "let_kev_um", "keV/um")
        check_number(self, "dose_floor_gy", "Gy", above=True)

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        let, by_dose, by_dose_let = floored_let(dose, dose_let, self.dose_floor_gy)
        shortfall = np.maximum(self.let_kev_um - let, 0.0)
        weighted = voxel_weights * shortfall
        return float(weighted @ shortfall), -2.0 * weighted * by_dose, -2.0 * weighted * by_dose_let
