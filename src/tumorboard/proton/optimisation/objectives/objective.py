"""What every objective offers."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Objective", "ObjectiveQuantity", "ValueAndGradient", "WorstDose"]

#: Value, gradient by dose, and gradient by dose times LET or ``None``.
ValueAndGradient: TypeAlias = tuple[float, NDArray[np.float64], NDArray[np.float64] | None]


class ObjectiveQuantity(Enum):
    """What an objective is a function of."""

    DOSE = "dose"
    LET = "let"


class WorstDose(Enum):
    """Which dose of several scenarios is a voxel's worst for an objective."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    BOTH = "both"


class Objective(Protocol):
    """A function of the dose in one structure, to be made small.

    ``DOSE`` objectives see the dose of the whole treatment, RBE-weighted where the problem names an RBE
    model [Gy]. ``LET`` objectives see the physical dose of the whole treatment [Gy] and its product with the
    dose-averaged LET [Gy keV/um].
    """

    quantity: ClassVar[ObjectiveQuantity]
    worst_dose: ClassVar[WorstDose]

    @property
    def parameters(self) -> dict[str, Any]:
        """Fields by name, for records and messages."""

    def value_and_gradient(
        self,
        dose: NDArray[np.float64],
        voxel_weights: NDArray[np.float64],
        dose_let: NDArray[np.float64] | None = None,
    ) -> ValueAndGradient:
        """Return the value and its gradients.

        Parameters
        ----------
        dose
            Dose of each voxel of the structure, shape ``(n_voxels,)`` in Gy.
        voxel_weights
            Share of each voxel in the structure's volume, sum 1, shape ``(n_voxels,)``.
        dose_let
            Dose times LETd, shape ``(n_voxels,)``; for ``LET`` objectives.

        Returns
        -------
        tuple
            Value, gradient by dose of shape ``(n_voxels,)``, and by dose times LET or ``None``.
        """
