"""Dose rate at 1 m from a patient over time, and when it falls below a limit."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeWarning, brentq, curve_fit
from scipy.special import ndtri

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.air_kerma_rate import AirKermaRateConstant
from tumorboard.errors import InputError

__all__ = ["DoseRateClearance", "clearance_of_activity", "fit_dose_rate_clearance", "release_time_h"]


@dataclass(frozen=True, slots=True, eq=False)
class DoseRateClearance:
    """Dose rate at 1 m as a sum of falling exponentials from administration on.

    Parameters
    ----------
    dose_rates_usv_h
        Of each exponential at administration and 1 m, > 0, shape ``(n,)`` [uSv/h].
    half_lives_h
        Effective, > 0, shape ``(n,)`` [h].
    covariance
        Of the dose rates and then the half-lives, shape ``(2 n, 2 n)`` [(uSv/h)^2, uSv, h^2]; zeros where
        they are taken as known.
    """

    dose_rates_usv_h: NDArray[np.float64]
    half_lives_h: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("dose_rates_usv_h", "half_lives_h", "covariance"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        n = self.dose_rates_usv_h.size
        for name, unit in (("dose_rates_usv_h", "uSv/h"), ("half_lives_h", "h")):
            values = getattr(self, name)
            if values.shape != (n,) or n == 0 or not (np.isfinite(values) & (values > 0)).all():
                raise InputError(
                    f"{name} must be one number > 0 [{unit}] for each exponential; got {values.tolist()}"
                )
        variance = self.covariance
        if variance.shape != (2 * n, 2 * n) or not np.isfinite(variance).all():
            raise InputError(
                f"covariance must be finite, of shape {(2 * n, 2 * n)}: dose rates, then half-lives; "
                f"got shape {variance.shape}"
            )
        if not np.allclose(variance, variance.T) or (np.diag(variance) < 0).any():
            raise InputError("covariance must be symmetric with variances >= 0; got one that is not")

    @property
    def rates_per_h(self) -> NDArray[np.float64]:
        """Rate of each exponential, shape ``(n,)`` [1/h]."""
        return np.asarray(math.log(2.0) / self.half_lives_h)

    def dose_rate_usv_h(self, time_h: float) -> tuple[float, float]:
        """Return the dose rate at 1 m at a time after administration and its uncertainty [uSv/h].

        Parameters
        ----------
        time_h
            After administration, >= 0 [h].
        """
        left = np.exp(-self.rates_per_h * time_h)
        by_rate = self.dose_rates_usv_h * left * -time_h
        return self.with_uncertainty(float(self.dose_rates_usv_h @ left), left, by_rate)

    def with_uncertainty(
        self, value: float, by_dose_rate: NDArray[np.float64], by_rate: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Return a value and its uncertainty, to first order, from its slopes.

        Parameters
        ----------
        value
            In any unit.
        by_dose_rate
            Its slope by each dose rate, shape ``(n,)``.
        by_rate
            Its slope by the rate of each exponential, shape ``(n,)``.
        """
        slopes = np.concatenate([by_dose_rate, by_rate * -self.rates_per_h / self.half_lives_h])
        return value, math.sqrt(max(0.0, float(slopes @ self.covariance @ slopes)))


def fit_dose_rate_clearance(
    times_h: ArrayLike, dose_rates_usv_h: ArrayLike, uncertainties_usv_h: ArrayLike, *, n_exponentials: int
) -> DoseRateClearance:
    """Fit one or two exponentials to dose rates measured at 1 m, by weighted least squares.

    Parameters
    ----------
    times_h
        After administration, >= 0, ascending, shape ``(n,)`` [h].
    dose_rates_usv_h
        > 0, shape ``(n,)`` [uSv/h].
    uncertainties_usv_h
        Standard uncertainties, > 0, taken as independent and as known, shape ``(n,)`` [uSv/h].
    n_exponentials
        1 or 2; it needs twice as many measurements at least.

    Raises
    ------
    InputError
        When values are out of range, too few, or do not tell that many falling exponentials.

    Examples
    --------
    >>> found = fit_dose_rate_clearance([0, 24, 48], [80, 40, 20], [4, 2, 1], n_exponentials=1)
    >>> found.half_lives_h.round(6), found.dose_rates_usv_h.round(6)
    (array([24.]), array([80.]))
    """
    times, rates, spread = (
        np.asarray(v, dtype=np.float64) for v in (times_h, dose_rates_usv_h, uncertainties_usv_h)
    )
    if n_exponentials not in (1, 2):
        raise InputError(f"n_exponentials must be 1 or 2; got {n_exponentials!r}")
    n = n_exponentials
    if times.ndim != 1 or not times.shape == rates.shape == spread.shape or times.size < 2 * n_exponentials:
        raise InputError(
            f"times_h, dose_rates_usv_h and uncertainties_usv_h must be {2 * n_exponentials} or more numbers "
            f"each for n_exponentials = {n}; got shapes {times.shape}, {rates.shape}, {spread.shape}"
        )
    if not (times[0] >= 0 and (np.diff(times) > 0).all() and np.isfinite(times).all()):
        raise InputError(f"times_h must be >= 0 and ascend [h]; got {times.tolist()}")
    for name, values in (("dose_rates_usv_h", rates), ("uncertainties_usv_h", spread)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise InputError(f"{name} must be finite and > 0 [uSv/h]; got {values.tolist()}")

    # Logarithms keep dose rates and half-lives positive.
    def model(t: NDArray[np.float64], *logs: float) -> NDArray[np.float64]:
        first, half = np.exp(logs[:n]), np.exp(logs[n:])
        return np.asarray((first[:, None] * 0.5 ** (t / half[:, None])).sum(axis=0))

    whole = max(float(times[-1] - times[0]), 1e-3) / max(math.log2(rates[0] / rates[-1]), 0.1)
    start = [math.log(rates[0] / n)] * n + [math.log(whole * f) for f in ((1.0,), (0.2, 1.5))[n - 1]]
    try:
        # Overflow on the way and a singular covariance show in what comes out, and are refused below.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            logs, variance = curve_fit(
                model, times, rates, p0=start, sigma=spread, absolute_sigma=True, maxfev=20_000, xtol=1e-12
            )
            values = np.exp(logs)
    except RuntimeError:
        raise InputError(f"dose_rates_usv_h must fall like {n} exponential(s); no fit was found") from None
    # The standard deviations of logarithms are relative ones.
    if not (np.isfinite(values).all() and (np.diag(variance) < 1.0).all()):
        raise InputError(
            f"dose_rates_usv_h must fall, and tell half-lives and dose rates of {n} exponential(s) to better "
            f"than themselves; got {rates.tolist()} [uSv/h], which do not: fit fewer or measure longer"
        )
    return DoseRateClearance(values[:n], values[n:], variance * np.outer(values, values))


def clearance_of_activity(
    activity: DoseRateClearance, constant: AirKermaRateConstant, *, usv_per_ugy: float
) -> DoseRateClearance:
    """Return the dose rate at 1 m where activity in the patient was measured, and not the dose rate.

    Parameters
    ----------
    activity
        Whole-body activity in GBq in the place of dose rates, decay included.
    constant
        Of the nuclide; the relative uncertainty of its yields joins that of the activity.
    usv_per_ugy
        Dose of a person by air kerma of the bare nuclide, > 0: the coefficient for photons of this energy,
        times what the patient lets through. The coefficient is more than 1 for photons of about 0.1 MeV
        from the front [uSv/uGy].

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> from tumorboard.dosimetry.air_kerma_rate import air_kerma_rate_constant
    >>> from tumorboard.physics.decay import DecayLibrary
    >>> iodine = air_kerma_rate_constant("I-131", library=DecayLibrary.JEFF_4_0, least_energy_mev=0.02)
    >>> whole_body_gbq = DoseRateClearance(np.array([3.7]), np.array([16.0]), np.zeros((2, 2)))
    >>> found = clearance_of_activity(whole_body_gbq, iodine, usv_per_ugy=0.6)
    >>> round(found.dose_rate_usv_h(0.0)[0])
    115
    """
    if not (math.isfinite(usv_per_ugy) and usv_per_ugy > 0):
        raise InputError(f"usv_per_ugy must be finite and > 0 [uSv/uGy]; got {usv_per_ugy!r}")
    n = activity.half_lives_h.size
    if not constant.ugy_m2_gbq_h > 0:
        raise InputError(
            f"constant must be > 0 [uGy m2/(GBq h)]; {constant.nuclide} has no photons above "
            f"{constant.least_energy_mev:g} MeV: give dose rates that were measured"
        )
    factor = constant.ugy_m2_gbq_h * usv_per_ugy
    rates = activity.dose_rates_usv_h * factor
    scale = np.concatenate([np.full(n, factor), np.ones(n)])
    shared = np.concatenate([rates, np.zeros(n)])
    shared *= constant.uncertainty_ugy_m2_gbq_h / constant.ugy_m2_gbq_h
    variance = activity.covariance * np.outer(scale, scale) + np.outer(shared, shared)
    return DoseRateClearance(rates, activity.half_lives_h, variance)


def release_time_h(clearance: DoseRateClearance, *, limit_usv_h: float, confidence: float) -> float:
    """Return when the dose rate at 1 m has fallen to a limit with a stated confidence.

    Parameters
    ----------
    clearance
        Of the patient.
    limit_usv_h
        > 0, at 1 m [uSv/h].
    confidence
        Probability with which the dose rate is at the limit or below, 0.5 (the expected one is) to 1.

    Returns
    -------
    float
        After administration; 0 where it is below from the first [h].

    Raises
    ------
    InputError
        When a number is out of range, or half-lives are too uncertain for any time to be told.

    Examples
    --------
    >>> known = DoseRateClearance([100.0], [30.0], np.zeros((2, 2)))
    >>> round(release_time_h(known, limit_usv_h=25.0, confidence=0.5), 6)
    60.0
    """
    if not (math.isfinite(limit_usv_h) and limit_usv_h > 0):
        raise InputError(f"limit_usv_h must be finite and > 0 [uSv/h]; got {limit_usv_h!r}")
    quantile = checked_quantile(clearance, confidence)

    def excess(time_h: float) -> float:
        mean, spread = clearance.dose_rate_usv_h(time_h)
        return mean + quantile * spread - limit_usv_h

    return last_above_h(excess, float(clearance.half_lives_h.max()))


def last_above_h(excess: Callable[[float], float], scale_h: float) -> float:
    """Return the last time at which a function that falls for good at last is above 0, or 0 where none is.

    Looked for at 512 times up to one after which it is below, then exactly.
    """
    end = scale_h
    while excess(end) > 0.0:
        end *= 2.0
    times = np.linspace(0.0, end, 513)
    for below, above in zip(times[:0:-1], times[-2::-1], strict=True):
        if excess(float(above)) > 0.0:
            return float(brentq(excess, float(above), float(below), xtol=1e-9))
    return 0.0


def checked_quantile(clearance: DoseRateClearance, confidence: float) -> float:
    """Return the normal quantile of a confidence, after a check that half-lives are certain enough for it."""
    if not 0.5 <= confidence < 1.0:
        raise InputError(f"confidence must be at least 0.5 and less than 1; got {confidence!r}")
    quantile = float(ndtri(confidence))
    n = clearance.half_lives_h.size
    relative = np.sqrt(np.diag(clearance.covariance)[n:]) / clearance.half_lives_h
    if quantile * float(relative.max()) >= 1.0:
        raise InputError(
            "half-lives must be less uncertain than their size over the quantile of the confidence, "
            f"{1.0 / quantile:.3g}; got {relative.max():.3g} of a half-life: measure longer or ask for less "
            "confidence"
        )
    return quantile
