"""Chance that no clonogenic cell of a tumour survives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorboard.errors import InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.fractionation import bed_gy

__all__ = ["PoissonControl"]

#: The average over patients reaches this far from the mean [standard deviations], on so many nodes.
_REACH: Final = 6.0
_NODES: Final = 401


@dataclass(frozen=True, slots=True)
class PoissonControl:
    r"""Poisson model with linear-quadratic cell kill and a spread of radiosensitivity between patients.

    Of :math:`\rho V` clonogens, :math:`\exp(-\alpha D (1 + d / (\alpha/\beta)))` survive in each voxel of
    dose D given in fractions d; the chance of none is :math:`\exp(-N)` [1]_, averaged over
    :math:`\alpha`, which is normally distributed between patients [2]_. There are no parameters that
    hold for every tumour: the user names them with their source.

    Parameters
    ----------
    alpha_per_gy
        Mean, > 0 [1/Gy].
    alpha_sd_per_gy
        Standard deviation between patients, >= 0 [1/Gy].
    alpha_beta_gy
        > 0 [Gy].
    clonogens_per_ml
        Density, > 0 [1/mL].

    Raises
    ------
    InputError
        When a number is out of its range.

    References
    ----------
    .. [1] munro1961relation
    .. [2] webb1993model

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> tumour = DoseVolumeHistogram("GTV", [60.0], [10.0], Record("example"))
    >>> model = PoissonControl(0.3, 0.0, 10.0, 1e7)
    >>> round(model.probability_percent(tumour, n_fractions=30), 1)
    95.9
    """

    alpha_per_gy: float
    alpha_sd_per_gy: float
    alpha_beta_gy: float
    clonogens_per_ml: float

    def __post_init__(self) -> None:
        for name, unit in (("alpha_per_gy", "1/Gy"), ("alpha_beta_gy", "Gy"), ("clonogens_per_ml", "1/mL")):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be finite and > 0 [{unit}]; got {value!r}")
        if not 0 <= self.alpha_sd_per_gy < self.alpha_per_gy:
            raise InputError(
                "alpha_sd_per_gy must be >= 0 and below alpha_per_gy, or too many patients resist "
                f"[1/Gy]; got {self.alpha_sd_per_gy!r}"
            )

    def probability_percent(self, histogram: DoseVolumeHistogram, *, n_fractions: int) -> float:
        """Return the chance of control [%].

        Parameters
        ----------
        histogram
            Of the tumour, dose of the whole course.
        n_fractions
            Equal ones, >= 1.
        """
        effective = bed_gy(histogram.dose_gy, n_fractions=n_fractions, alpha_beta_gy=self.alpha_beta_gy)
        clonogens = self.clonogens_per_ml * histogram.volume_ml
        # Control turns from no to yes within a tenth of a deviation: Gauss-Hermite nodes would miss it by
        # a percentage point, an even lattice does not. Negative alphas count as 0.
        nodes = np.linspace(-_REACH, _REACH, _NODES) if self.alpha_sd_per_gy > 0 else np.zeros(1)
        weights = np.exp(-0.5 * nodes**2)
        alphas = np.maximum(self.alpha_per_gy + self.alpha_sd_per_gy * nodes, 0.0)
        survivors = np.array([float(clonogens @ np.exp(-alpha * effective)) for alpha in alphas])
        return float(100.0 * (weights @ np.exp(-survivors)) / weights.sum())
