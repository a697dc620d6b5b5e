"""Generalised equivalent uniform dose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.proton.optimisation.objectives._bounded import BoundedMeasure
from tumorboard.proton.optimisation.objectives._fields import (
    check_bounds,
    check_number,
)
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity, ValueAndGradient, WorstDose

__all__ = ["GeneralisedEud"]


@dataclass(frozen=True)
class GeneralisedEud(BoundedMeasure):
    """Generalised equivalent uniform dose [Gy]: ``sum(w d**a)**(1/a)``.

    Without a bound the measure itself is made small; with one, the square of what is beyond it. The same
    object names a constraint, whose bounds then hold.

    Parameters
    ----------
    exponent
        The ``a`` of the formula: 1 is the mean, large is near the highest dose, negative near the lowest.
    lower_gy
        Wanted at least, or ``None`` [Gy].
    upper_gy
        Wanted at most, or ``None`` [Gy].

    References
    ----------
    .. [1] niemierko1999geud
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE

    exponent: float
    lower_gy: float | None = None
    upper_gy: float | None = None

    def __post_init__(self) -> None:
        check_number(self, "exponent", "", low=-math.inf)
        if 0.0 <= self.exponent < 1.0:
            raise InputError(
                f"exponent of GeneralisedEud must be >= 1 (organs) or < 0 (targets); got {self.exponent!r}"
            )
        check_bounds(self, "lower_gy", "upper_gy", "Gy")

    @property
    def worst_dose(self) -> WorstDose:
        """Which of several scenarios' doses is a voxel's worst."""
        return WorstDose.HIGHEST if self.exponent > 0 else WorstDose.LOWEST

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
        # Negative exponents have no value at dose 0; this floor [Gy] keeps an untouched target finite.
        floor = 1e-6 if self.exponent < 1.0 else 0.0
        above = np.maximum(dose, floor)
        highest = float(above.max())
        if highest == 0.0:
            return 0.0, voxel_weights.astype(np.float64), None
        # Relative to the dose that dominates: large powers of doses in Gy would overflow.
        scale = highest if self.exponent > 0 else float(above.min())
        relative = above / scale
        mean = float(voxel_weights @ relative**self.exponent)
        value = scale * mean ** (1.0 / self.exponent)
        slope = mean ** (1.0 / self.exponent - 1.0) * relative ** (self.exponent - 1.0)
        return value, np.where(dose >= floor, voxel_weights * slope, 0.0), None
