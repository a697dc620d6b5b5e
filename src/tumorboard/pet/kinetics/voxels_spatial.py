"""A voxel's coefficients pulled to those of its surroundings, as far as the noise of both says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tumorboard.core.grid import Grid
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import FWHM_PER_SIGMA

__all__ = ["SpatialConstraint", "pull"]


@dataclass(frozen=True, slots=True)
class SpatialConstraint:
    """Ridge regression towards smoothed coefficients, for multilinear analyses [1]_.

    A first fit gives each voxel's coefficients b and the variance s2 of its residuals. The second minimises
    the sum of squares plus, for each coefficient, h (b - a)^2: a is the first one smoothed within the mask,
    and h = p s2 / (b - a)^2 for p coefficients, numerator and denominator smoothed alike. [1]_ smooths their
    quotient, whose denominator is near 0 in some voxels.

    Parameters
    ----------
    fwhm_mm
        Of the Gaussian that smooths, > 0 [mm].

    References
    ----------
    .. [1] zhou2003lrsc

    Examples
    --------
    >>> SpatialConstraint(6.0).fwhm_mm
    6.0
    """

    fwhm_mm: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fwhm_mm) and self.fwhm_mm > 0):
            raise InputError(
                f"fwhm_mm of the spatial constraint must be finite and > 0 [mm]; got {self.fwhm_mm}"
            )


def pull(
    constraint: SpatialConstraint,
    grid: Grid,
    where: NDArray[np.int64],
    coefficients: NDArray[np.float32],
    variance: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how strongly coefficients are pulled, and where to.

    Parameters
    ----------
    constraint
        How far surroundings reach.
    grid
        Of the image.
    where
        Flat indices of the voxels, shape ``(n_voxels,)``.
    coefficients
        Of a first fit, shape ``(p, n_voxels)``.
    variance
        Of its residuals, shape ``(n_voxels,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Ridge and prior, each of shape ``(p, n_voxels)``; both 0 where a first fit has no result.
    """
    sigma = [constraint.fwhm_mm / FWHM_PER_SIGMA / step for step in grid.spacing_mm]
    known = np.isfinite(variance) & np.isfinite(coefficients).all(axis=0)
    volume = np.zeros(math.prod(grid.shape), np.float32)

    def smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
        volume[:] = 0.0
        volume[where] = np.where(known, values, 0.0)
        blurred: NDArray[np.float32] = gaussian_filter(volume.reshape(grid.shape), sigma, mode="constant")
        return blurred.ravel()[where]

    share = np.maximum(smoothed(np.ones_like(variance)), 1e-6)
    noise = smoothed(variance) / share
    ridge, prior = np.zeros_like(coefficients), np.zeros_like(coefficients)
    for k, own in enumerate(coefficients):
        prior[k] = smoothed(own) / share
        scatter = smoothed((own - prior[k]) ** 2) / share
        ridge[k] = len(coefficients) * noise / np.maximum(scatter, np.finfo(np.float32).tiny)
    ridge[:, ~known] = 0.0
    return ridge, prior
