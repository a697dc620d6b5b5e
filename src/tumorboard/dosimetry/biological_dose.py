"""Biologically effective dose of a dose rate that fades: repair goes on while dose is given.

Fractions have no dose rate, and :mod:`tumorboard.outcomes.fractionation` has no decays: the two share only
the division by 1 + 2 Gy / (alpha/beta) that turns BED into EQD2, and domains do not import one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.time_activity_models import ExponentialFit
from tumorboard.errors import InputError

__all__ = ["DoseRate", "RepairingTissue", "bed_gy", "bed_slope", "eqd2_gy", "protraction_factor"]


@dataclass(frozen=True, slots=True)
class RepairingTissue:
    """How a tissue reacts to dose and how fast it repairs.

    Parameters
    ----------
    alpha_beta_gy
        Alpha/beta of the tissue and endpoint, > 0 [Gy].
    repair_half_lives_s
        Half-life of repair of sublethal damage, > 0, one or several; infinite for no repair, 0 for repair at
        once [s].
    repair_shares
        Share of the damage that each repairs, >= 0, summing to 1.

    Examples
    --------
    >>> kidney = RepairingTissue(2.5, (2.8 * 3600.0,))
    >>> kidney.repair_shares
    (1.0,)
    """

    alpha_beta_gy: float
    repair_half_lives_s: tuple[float, ...]
    repair_shares: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha_beta_gy) and self.alpha_beta_gy > 0):
            raise InputError(f"alpha_beta_gy must be finite and > 0 [Gy]; got {self.alpha_beta_gy!r}")
        if not self.repair_half_lives_s or not all(h >= 0 for h in self.repair_half_lives_s):
            raise InputError(
                f"repair_half_lives_s must be >= 0, one or more [s]; got {self.repair_half_lives_s!r}"
            )
        shares = self.repair_shares
        if (
            len(shares) != len(self.repair_half_lives_s)
            or not all(s >= 0 for s in shares)
            or abs(sum(shares) - 1.0) > 1e-9
        ):
            raise InputError(
                f"repair_shares must be >= 0, one for each half-life, and sum to 1; got {shares!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class DoseRate:
    """Dose rate as a sum of exponentials from administration on, of any scale.

    Parameters
    ----------
    amplitudes
        Of each term, in any common unit; uptake's is negative. Shape ``(n,)``.
    rates_per_s
        Effective rate of each term, > 0, shape ``(n,)`` [1/s].

    Raises
    ------
    InputError
        When shapes differ, a rate is not > 0, or the dose is not > 0.

    Examples
    --------
    >>> DoseRate([1.0], [math.log(2) / 3600.0]).mean_time_s / 3600.0
    1.4426950408889634
    """

    amplitudes: NDArray[np.float64]
    rates_per_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        amplitudes = read_only(self.amplitudes, np.float64)
        rates = read_only(self.rates_per_s, np.float64)
        if amplitudes.ndim != 1 or not amplitudes.size or rates.shape != amplitudes.shape:
            raise InputError(
                f"amplitudes and rates_per_s must be 1-D and alike; got {amplitudes.shape}, {rates.shape}"
            )
        if not np.isfinite(amplitudes).all() or not (np.isfinite(rates).all() and (rates > 0).all()):
            raise InputError(
                "amplitudes must be finite and rates_per_s finite and > 0 [1/s]; got "
                f"{amplitudes.tolist()}, {rates.tolist()}"
            )
        if not float(amplitudes @ (1.0 / rates)) > 0:
            raise InputError(
                f"the integral of the dose rate must be > 0; got {float(amplitudes @ (1.0 / rates)):g}"
            )
        object.__setattr__(self, "amplitudes", amplitudes)
        object.__setattr__(self, "rates_per_s", rates)

    @classmethod
    def of_fit(cls, fit: ExponentialFit) -> DoseRate:
        """Take dose rate to be in proportion to the fitted activity of the region itself.

        Parameters
        ----------
        fit
            Of the region that is its own source of most of its dose.
        """
        amplitudes, rates = fit.exponentials
        present = amplitudes != 0
        return cls(amplitudes[present], rates[present])

    @property
    def mean_time_s(self) -> float:
        """When dose is given on average [s]."""
        dose = float(self.amplitudes @ (1.0 / self.rates_per_s))
        return float(self.amplitudes @ (1.0 / self.rates_per_s**2)) / dose


def protraction_factor(rate: DoseRate, tissue: RepairingTissue) -> float:
    r"""Return the Lea-Catcheside factor G of a dose rate, from administration to infinity.

    :math:`G = \frac{2}{D^2} \sum_{ij} \frac{a_i a_j}{(\lambda_i + \lambda_j)(\lambda_i + \mu)}` with the rate
    of repair :math:`\mu` [1]_ [2]_, and :math:`\lambda/(\lambda + \mu)` for one exponential; 1 without
    repair, 0 when repair is at once.

    Parameters
    ----------
    rate
        Dose rate.
    tissue
        How fast it repairs.

    References
    ----------
    .. [1] lea1942
    .. [2] dale1985lq

    Examples
    --------
    >>> hour = 3600.0
    >>> rate = DoseRate([1.0], [math.log(2) / (50 * hour)])
    >>> round(protraction_factor(rate, RepairingTissue(2.5, (2.5 * hour,))), 6)  # 2.5 / (50 + 2.5)
    0.047619
    """
    a, rates = rate.amplitudes, rate.rates_per_s
    dose = float(a @ (1.0 / rates))
    pairs = np.outer(a, a) / (rates[:, None] + rates)
    factor = 0.0
    for half_life_s, share in zip(tissue.repair_half_lives_s, tissue.repair_shares, strict=True):
        if half_life_s > 0:
            factor += (
                share * 2.0 / dose**2 * float(np.sum(pairs / (rates[:, None] + math.log(2.0) / half_life_s)))
            )
    return factor


def bed_gy(dose_gy: ArrayLike, *, protraction: float, alpha_beta_gy: float) -> NDArray[np.float64]:
    r"""Return the biologically effective dose of one administration, shape of ``dose_gy`` [Gy].

    :math:`D\,(1 + G D / (\alpha/\beta))` [1]_; administrations weeks apart add.

    Parameters
    ----------
    dose_gy
        Absorbed dose, any shape, >= 0 [Gy].
    protraction
        G of :func:`protraction_factor`, 0 to 1.
    alpha_beta_gy
        Of the tissue and endpoint, > 0 [Gy].

    References
    ----------
    .. [1] dale1985lq

    Examples
    --------
    >>> float(bed_gy(10.0, protraction=0.05, alpha_beta_gy=2.5))
    12.0
    """
    dose = _checked_dose(dose_gy, protraction, alpha_beta_gy)
    return np.asarray(dose * (1.0 + protraction * dose / alpha_beta_gy))


def bed_slope(dose_gy: ArrayLike, *, protraction: float, alpha_beta_gy: float) -> NDArray[np.float64]:
    r"""Return by how much BED grows with dose, shape of ``dose_gy``: it carries the dose's uncertainty over.

    Parameters
    ----------
    dose_gy
        Absorbed dose, any shape, >= 0 [Gy].
    protraction
        G of :func:`protraction_factor`, 0 to 1.
    alpha_beta_gy
        Of the tissue and endpoint, > 0 [Gy].

    Examples
    --------
    >>> float(bed_slope(10.0, protraction=0.05, alpha_beta_gy=2.5))
    1.4
    """
    dose = _checked_dose(dose_gy, protraction, alpha_beta_gy)
    return np.asarray(1.0 + 2.0 * protraction * dose / alpha_beta_gy)


def eqd2_gy(dose_gy: ArrayLike, *, protraction: float, alpha_beta_gy: float) -> NDArray[np.float64]:
    """Return the dose that acts the same in fractions of 2 Gy, shape of ``dose_gy`` [Gy].

    Parameters
    ----------
    dose_gy
        Absorbed dose, any shape, >= 0 [Gy].
    protraction
        G of :func:`protraction_factor`, 0 to 1.
    alpha_beta_gy
        Of the tissue and endpoint, > 0 [Gy].

    Examples
    --------
    >>> round(float(eqd2_gy(10.0, protraction=0.05, alpha_beta_gy=2.5)), 3)
    6.667
    """
    bed = bed_gy(dose_gy, protraction=protraction, alpha_beta_gy=alpha_beta_gy)
    return np.asarray(bed / (1.0 + 2.0 / alpha_beta_gy))


def _checked_dose(dose_gy: ArrayLike, protraction: float, alpha_beta_gy: float) -> NDArray[np.float64]:
    dose = np.asarray(dose_gy, np.float64)
    if not (np.isfinite(dose).all() and (dose >= 0).all()):
        raise InputError(f"dose_gy must be finite and >= 0 [Gy]; its lowest is {np.min(dose):.6g}")
    if not 0.0 <= protraction <= 1.0 + 1e-9:
        raise InputError(f"protraction must lie between 0 and 1; got {protraction!r}")
    if not (math.isfinite(alpha_beta_gy) and alpha_beta_gy > 0):
        raise InputError(f"alpha_beta_gy must be finite and > 0 [Gy]; got {alpha_beta_gy!r}")
    return dose
