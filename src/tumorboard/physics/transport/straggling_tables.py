"""Energy straggling of one step, thin or thick, ready for sampling: Vavilov's distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only

__all__ = ["STRAGGLING_SKEWNESS", "StragglingTable", "straggling_table", "vavilov_skewness"]

#: Skewness of the table's rows: from Gauss (0) to the thinnest step that is ever taken.
STRAGGLING_SKEWNESS: Final = np.concatenate(([0.0], np.geomspace(0.06, 3.8, 31)))
_QUANTILES: Final = 512
#: Characteristic functions are nothing beyond this, for all of these rows.
_LARGEST_T: Final = 2000.0
#: Speed at which the rows' shape is taken; shapes of one skewness hardly depend on it.
_BETA2: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class StragglingTable:
    """Standardised losses: mean 0, variance 1, and the row's skewness.

    Parameters
    ----------
    skewness
        Of each row, ascending, shape ``(n_rows,)``.
    quantile
        Mean of each of equally probable parts, shape ``(n_rows, n_quantiles)``.
    """

    skewness: NDArray[np.float64]
    quantile: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "skewness", read_only(self.skewness, np.float64))
        object.__setattr__(self, "quantile", read_only(self.quantile, np.float64))


def vavilov_skewness(kappa: float, beta_squared: float) -> float:
    """Return the skewness of the energy loss in a step.

    Parameters
    ----------
    kappa
        Vavilov's parameter: the mean number of collisions scale, xi / T_max, > 0.
    beta_squared
        Of the projectile.

    Returns
    -------
    float
        Third standardised moment, exact for free electrons.

    References
    ----------
    .. [1] vavilov1957ionization

    Examples
    --------
    >>> round(vavilov_skewness(1.0, 0.25), 3)
    0.509
    """
    b = beta_squared
    return float((0.5 - b / 3.0) / (math.sqrt(kappa) * (1.0 - 0.5 * b) ** 1.5))


@lru_cache(maxsize=1)
def _exponent() -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Return the logarithm of the characteristic function per kappa, over ascending t > 0."""
    # Loss in units of the largest transfer: kappa (1 - b e) / e^2 de collisions. The characteristic function
    # of their sum about its mean is exp(kappa times the integral of exp(i t e) - 1 - i t e over them).
    t = np.geomspace(1e-3, _LARGEST_T, 500)
    x, w = np.polynomial.legendre.leggauss(32)
    # Fine enough for the fastest oscillation.
    edges = np.concatenate(([0.0], np.geomspace(1e-5, 0.02, 12), np.linspace(0.02, 1.0, 40)[1:]))
    half = 0.5 * np.diff(edges)
    e = ((edges[:-1] + half)[:, None] + half[:, None] * x).ravel()
    weight = (half[:, None] * w).ravel() * (1.0 - _BETA2 * e) / e**2
    phase = t[:, None] * e
    return t, (np.expm1(1j * phase) - 1j * phase) @ weight


def _standardised(kappa: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return losses about the mean, in standard deviations, and their density."""
    sigma = math.sqrt(kappa * (1.0 - 0.5 * _BETA2))
    n, width = 1 << 13, 40.0
    frequency = 2.0 * np.pi * np.fft.fftfreq(n, d=width / n) / sigma
    t, exponent = _exponent()
    at = np.clip(np.abs(frequency), t[0], t[-1])
    # Both parts are close to powers of t, so they are interpolated as such.
    real = -np.exp(np.interp(np.log(at), np.log(t), np.log(-exponent.real)))
    imaginary = -np.exp(np.interp(np.log(at), np.log(t), np.log(-exponent.imag)))
    phi = np.exp(kappa * (real + 1j * np.sign(frequency) * imaginary))
    phi[0] = 1.0
    phi[np.abs(frequency) > t[-1]] = 0.0
    density = np.fft.fftshift(np.maximum(np.fft.fft(phi).real, 0.0))
    return np.asarray((np.arange(n) - n // 2) * (width / n)), np.asarray(density)


@lru_cache(maxsize=1)
def straggling_table() -> StragglingTable:
    """Return Vavilov's distribution [1]_ for steps of any thickness, standardised.

    The first row is Gauss. Rows are exact in mean, variance and skewness, and in shape for free electrons
    and a proton of 130 MeV.

    Returns
    -------
    StragglingTable

    References
    ----------
    .. [1] vavilov1957ionization
    """
    from scipy.special import ndtri

    p = (np.arange(_QUANTILES * 8) + 0.5) / (_QUANTILES * 8)
    rows = [ndtri(p).reshape(_QUANTILES, 8).mean(axis=1)]
    base = (0.5 - _BETA2 / 3.0) / (1.0 - 0.5 * _BETA2) ** 1.5
    for skewness in STRAGGLING_SKEWNESS[1:]:
        z, density = _standardised((base / skewness) ** 2)
        cdf = np.concatenate(([0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))))
        cdf /= cdf[-1]
        rising = np.flatnonzero(np.diff(cdf, prepend=-1.0) > 1e-15)
        rows.append(np.interp(p, cdf[rising], z[rising]).reshape(_QUANTILES, 8).mean(axis=1))
    quantile = np.stack(rows)
    quantile -= quantile.mean(axis=1, keepdims=True)
    quantile /= quantile.std(axis=1, keepdims=True)
    return StragglingTable(STRAGGLING_SKEWNESS, quantile)
