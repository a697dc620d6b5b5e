"""How far a predicted affinity may be off, told from how far the ensemble's networks are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["SpreadCalibration"]


@dataclass(frozen=True, slots=True)
class SpreadCalibration:
    """Standard uncertainty from the spread: sqrt(floor^2 + (factor x spread)^2 + (distance x d)^2).

    The floor is what even networks of one opinion are off by, mostly the scatter of the measurements; the
    factor makes up for what the networks have in common. Both are fitted to errors on peptides that the
    networks had not seen.

    Parameters
    ----------
    floor
        In decades of IC50, > 0.
    factor
        Of the spread, > 0.
    distance
        In decades per square root of a contact residue that differs from the nearest trained allele, >= 0.

    Raises
    ------
    InputError
        When a value is out of range.

    Examples
    --------
    >>> SpreadCalibration(0.3, 2.0, 0.1).sigma(np.array([[0.2]]), np.array([9])).round(3).tolist()
    [[0.583]]
    """

    floor: float
    factor: float
    distance: float

    def __post_init__(self) -> None:
        if not (self.floor > 0 and self.factor > 0 and self.distance >= 0):
            raise InputError(
                "floor and factor of a calibration must be > 0 and distance >= 0; got "
                f"{self.floor!r}, {self.factor!r}, {self.distance!r}; fit them to unseen peptides"
            )

    def sigma(self, spread: NDArray[np.float64], differing: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the standard uncertainty of log10 IC50.

        Parameters
        ----------
        spread
            Standard deviation of log10 IC50 over the networks, shape ``(n, m)``.
        differing
            Contact residues in which each molecule differs from its nearest trained one, shape ``(m,)``.

        Returns
        -------
        numpy.ndarray
            In decades, shape ``(n, m)``.
        """
        return np.asarray(
            np.sqrt(self.floor**2 + (self.factor * spread) ** 2 + self.distance**2 * differing), float
        )
