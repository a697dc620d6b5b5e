"""A point of the dose-volume histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, check_number
from tumorboard.proton.optimisation.objectives._quantile import dose_at_volume
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["MaximumDoseVolume", "MinimumDoseVolume"]


@dataclass(frozen=True)
class MaximumDoseVolume(Fields):
    """At most a share of the volume may have a dose or more [Gy2].

    With ``D_v`` the dose that the hottest ``volume_percent`` has at least, ``sum(w (d - dose_gy)**2)`` over
    the voxels between ``dose_gy`` and ``D_v``: those that must give way. Which ones changes with the
    dose; the gradient is that of a fixed set [wu2000algorithms]. For a bound that holds, see
    :class:`~tumorboard.proton.optimisation.objectives.TailMean`.

    Parameters
    ----------
    dose_gy
        >= 0 [Gy].
    volume_percent
        Share of the volume that may have more, 0 to 100 [%].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.HIGHEST

    dose_gy: float
    volume_percent: float

    def __post_init__(self) -> None:
        check_number(self, "dose_gy", "Gy")
        check_number(self, "volume_percent", "%", high=100.0)

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        limit = dose_at_volume(dose, voxel_weights, self.volume_percent)
        excess = np.where((dose > self.dose_gy) & (dose <= limit), dose - self.dose_gy, 0.0)
        weighted = voxel_weights * excess
        return float(weighted @ excess), 2.0 * weighted, None


@dataclass(frozen=True)
class MinimumDoseVolume(Fields):
    """At least a share of the volume must have a dose or more [Gy2].

    With ``D_v`` the dose that the hottest ``volume_percent`` has at least, ``sum(w (dose_gy - d)**2)`` over
    the voxels between ``D_v`` and ``dose_gy``; see :class:`MaximumDoseVolume`.

    Parameters
    ----------
    dose_gy
        >= 0 [Gy].
    volume_percent
        Share of the volume that must have it, 0 to 100 [%].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE
    worst_dose: ClassVar[WorstDose] = WorstDose.LOWEST

    dose_gy: float
    volume_percent: float

    def __post_init__(self) -> None:
        check_number(self, "dose_gy", "Gy")
        check_number(self, "volume_percent", "%", high=100.0)

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        limit = dose_at_volume(dose, voxel_weights, self.volume_percent)
        shortfall = np.where((dose < self.dose_gy) & (dose >= limit), self.dose_gy - dose, 0.0)
        weighted = voxel_weights * shortfall
        return float(weighted @ shortfall), -2.0 * weighted, None
