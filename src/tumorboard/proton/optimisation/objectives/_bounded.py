"""What objectives share that measure something with a unit, and can bound it."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton.optimisation.objectives._fields import Fields, beyond_bounds, scaled
from tumorboard.proton.optimisation.objectives.objective import ValueAndGradient

__all__ = ["BoundedMeasure"]


class BoundedMeasure(Fields):
    """A measure that is made small itself, or by the square of what is beyond its bounds."""

    __slots__ = ()

    @property
    @abstractmethod
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper bound, in the unit of the measure."""

    @abstractmethod
    def measure(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the measure and its gradients; the arrays have shape ``(n_voxels,)``."""

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return value and gradients; the arrays have shape ``(n_voxels,)``."""
        measured, by_dose, by_dose_let = self.measure(dose, voxel_weights, dose_let)
        value, slope = beyond_bounds(measured, *self.bounds)
        return value, slope * by_dose, scaled(by_dose_let, slope)
