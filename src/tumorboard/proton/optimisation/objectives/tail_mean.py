"""Mean dose of the hottest or coldest share of a structure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
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

__all__ = ["Tail", "TailMean"]


class Tail(Enum):
    """Which end of the dose-volume histogram."""

    HOTTEST = "hottest"
    COLDEST = "coldest"


@dataclass(frozen=True)
class TailMean(BoundedMeasure):
    """Mean dose of the hottest or coldest share [Gy]; the convex bound on a dose-volume point.

    An upper bound on the mean of the hottest ``v`` % bounds ``D_v`` too, and a lower bound on the mean of the
    coldest ``v`` % bounds ``D_(100 - v)``, since an extreme of a tail never lies beyond its mean
    [romeijn2003novel]. Without a bound the measure itself is made small; with one, the square of what is
    beyond it. The same object names a constraint, whose bounds then hold.

    Parameters
    ----------
    tail
        Which end.
    volume_percent
        Share of the volume, > 0 to 100 [%].
    lower_gy
        Wanted at least, or ``None`` [Gy].
    upper_gy
        Wanted at most, or ``None`` [Gy].
    """

    quantity: ClassVar[ObjectiveQuantity] = ObjectiveQuantity.DOSE

    tail: Tail
    volume_percent: float
    lower_gy: float | None = None
    upper_gy: float | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "tail", Tail(self.tail))
        except ValueError as reason:
            raise InputError(
                f"tail of TailMean must be one of {', '.join(t.value for t in Tail)}; got {self.tail!r}"
            ) from reason
        check_number(self, "volume_percent", "%", high=100.0, above=True)
        check_bounds(self, "lower_gy", "upper_gy", "Gy")

    @property
    def worst_dose(self) -> WorstDose:
        """Which of several scenarios' doses is a voxel's worst."""
        return WorstDose.HIGHEST if self.tail is Tail.HOTTEST else WorstDose.LOWEST

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
        order = np.argsort(-dose if self.tail is Tail.HOTTEST else dose, kind="stable")
        share = self.volume_percent / 100.0 * float(voxel_weights.sum())
        ordered = voxel_weights[order]
        before = np.cumsum(ordered) - ordered
        # The voxel at the tail's edge counts with the part of it that belongs to the tail.
        gradient = np.zeros_like(dose)
        gradient[order] = np.clip(share - before, 0.0, ordered) / share
        return float(gradient @ dose), gradient, None
