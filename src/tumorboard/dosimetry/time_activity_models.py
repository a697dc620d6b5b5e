"""Fit a sum of exponentials to the activity of a region, with the uncertainty of its integral."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry import _time_activity_search as search
from tumorboard.dosimetry import time_activity_shapes as shapes
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["ExponentialConfig", "ExponentialFit", "ExponentialModel", "Weighting"]


class Weighting(Enum):
    """What is known about the uncertainty of the samples, hence how they are weighted."""

    KNOWN_UNCERTAINTY = "known_uncertainty"
    """By the inverse square of each sample's uncertainty, which is taken as it is."""

    EQUAL = "equal"
    """All alike; how uncertain they are is estimated from how far they lie off the curve."""

    PROPORTIONAL = "proportional"
    """Uncertain in proportion to the activity measured; in which proportion is estimated likewise."""


@dataclass(frozen=True, slots=True)
class ExponentialConfig:
    """What to fit, and how.

    Parameters
    ----------
    shape
        Sum of exponentials.
    physical_half_life_s
        Of the nuclide, > 0; no term is slower. Infinite for one that does not decay [s].
    weighting
        What is known about the uncertainty of the samples.
    """

    shape: CurveShape
    physical_half_life_s: float
    weighting: Weighting

    def __post_init__(self) -> None:
        if not isinstance(self.shape, CurveShape):
            raise InputError(f"shape must be a CurveShape; got {self.shape!r}")
        if not isinstance(self.weighting, Weighting):
            raise InputError(f"weighting must be a Weighting; got {self.weighting!r}")
        if not self.physical_half_life_s > 0:
            raise InputError(f"physical_half_life_s must be > 0 [s]; got {self.physical_half_life_s!r}")
        if self.shape is CurveShape.PHYSICAL_DECAY and math.isinf(self.physical_half_life_s):
            raise InputError(
                "physical_half_life_s must be finite for CurveShape.PHYSICAL_DECAY [s]; got inf; the "
                "integral would be infinite"
            )

    @property
    def physical_rate_per_s(self) -> float:
        """Physical decay constant [1/s]."""
        return math.log(2.0) / self.physical_half_life_s


@dataclass(frozen=True, slots=True, eq=False)
class ExponentialFit:
    """A fitted sum of exponentials.

    Parameters
    ----------
    config
        What was fitted, and how.
    samples
        To what.
    parameters
        Shape ``(n_parameters,)``, in the order of ``config.shape.parameter_names`` [Bq, 1/s].
    covariance
        Of the parameters, shape ``(n_parameters, n_parameters)``: zero for those at a bound, all NaN when it
        is not determined: no sample is left over to estimate an unknown uncertainty from, or two terms
        cannot be told apart.
    chi_squared
        Sum of squares of weighted residuals; its scale means something only for KNOWN_UNCERTAINTY.
    at_bound
        Names of the parameters that ran into a bound (a rate into the physical one, an amplitude into 0),
        and of the rates of terms without amplitude: nothing else is uncertain about them by this fit.
    provenance
        Of the fit.
    """

    config: ExponentialConfig
    samples: ActivitySamples
    parameters: NDArray[np.float64]
    covariance: NDArray[np.float64]
    chi_squared: float
    at_bound: tuple[str, ...]
    provenance: Record

    @property
    def amplitudes_bq(self) -> NDArray[np.float64]:
        """Amplitude of each term, shape ``(n_terms,)`` [Bq]."""
        return shapes.split(self.config.shape, self.parameters, self.config.physical_rate_per_s)[0]

    @property
    def rates_per_s(self) -> NDArray[np.float64]:
        """Effective rate of each term, the slowest first, shape ``(n_terms,)`` [1/s]."""
        return shapes.split(self.config.shape, self.parameters, self.config.physical_rate_per_s)[1]

    @property
    def uptake_rate_per_s(self) -> float:
        """Rate of uptake, infinite for a shape without [1/s]."""
        return shapes.split(self.config.shape, self.parameters, self.config.physical_rate_per_s)[2]

    @property
    def exponentials(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """All amplitudes [Bq] (uptake's is negative) and rates [1/s] of the sum, each shape ``(n,)``."""
        amplitudes, rates = self.amplitudes_bq, self.rates_per_s
        if not self.config.shape.has_uptake:
            return amplitudes, rates
        return np.append(amplitudes, -amplitudes.sum()), np.append(rates, self.uptake_rate_per_s)

    def activity_bq(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted activity at ``times_s`` [s], same shape ``(...)`` [Bq].

        Parameters
        ----------
        times_s
            After administration, any shape ``(...)`` [s].
        """
        times = np.asarray(times_s, np.float64)
        flat = shapes.values(
            self.config.shape, self.parameters, times.ravel(), self.config.physical_rate_per_s
        )
        return flat.reshape(times.shape)

    @property
    def time_integrated_activity_bq_s(self) -> float:
        """Number of decays from administration to infinity [Bq s]."""
        return shapes.integral(self.config.shape, self.parameters, self.config.physical_rate_per_s)[0]

    @property
    def time_integrated_activity_uncertainty_bq_s(self) -> float:
        """Standard uncertainty of the integral by the covariance of all parameters; NaN without [Bq s]."""
        _, slope = shapes.integral(self.config.shape, self.parameters, self.config.physical_rate_per_s)
        return float(np.sqrt(slope @ self.covariance @ slope))

    def time_integrated_activity_coefficient_s(self, administered_bq: float) -> float:
        """Return decays by activity administered, formerly the residence time [s].

        Parameters
        ----------
        administered_bq
            At the time of administration, > 0 [Bq].
        """
        if not (math.isfinite(administered_bq) and administered_bq > 0):
            raise InputError(f"administered_bq must be finite and > 0 [Bq]; got {administered_bq!r}")
        return self.time_integrated_activity_bq_s / administered_bq

    @property
    def _slowest(self) -> int:
        present = np.flatnonzero(self.amplitudes_bq > 0)
        return int(present[0]) if present.size else 0

    @property
    def effective_half_life_s(self) -> float:
        """Effective half-life of the slowest term that is present [s]."""
        rate = float(self.rates_per_s[self._slowest])
        return math.log(2.0) / rate if rate > 0 else math.inf

    @property
    def effective_half_life_uncertainty_s(self) -> float:
        """Standard uncertainty of the effective half-life, 0 at the physical bound; NaN when unknown [s]."""
        if self.config.shape is CurveShape.PHYSICAL_DECAY:
            return 0.0
        i = self.config.shape.n_terms + self._slowest
        variance = float(self.covariance[i, i])
        if variance == 0.0:
            return 0.0
        rate = float(self.parameters[i])
        # Of an activity that never falls half-life and its uncertainty are infinite.
        return self.effective_half_life_s * math.sqrt(variance) / rate if rate > 0 else math.inf


class ExponentialModel:
    """A sum of exponentials to be fitted by weighted least squares with its global minimum searched for.

    Amplitudes are >= 0, rates at least physical decay and at most ten half-lives by the first sample. Rates
    start from all combinations on a logarithmic grid, amplitudes being found by non-negative least squares,
    and the best are refined together [1]_. Before the first sample the curve is extrapolated: of a shape
    without uptake, back to administration.

    Parameters
    ----------
    config
        What to fit, and how.

    References
    ----------
    .. [1] golub1973varpro

    Examples
    --------
    >>> day = 86400.0
    >>> samples = ActivitySamples([day, 2 * day, 3 * day], [8e6, 4e6, 2e6], Record("example"))
    >>> config = ExponentialConfig(CurveShape.MONO_EXPONENTIAL, 6.647 * day, Weighting.EQUAL)
    >>> fit = ExponentialModel(config).fit(samples)
    >>> round(fit.effective_half_life_s / day, 6), round(fit.time_integrated_activity_bq_s / 1e12, 6)
    (1.0, 1.994382)
    """

    def __init__(self, config: ExponentialConfig) -> None:
        self.config = config

    def fit(self, samples: ActivitySamples) -> ExponentialFit:
        """Fit the curve to the samples of one region.

        Parameters
        ----------
        samples
            As scanned, at least as many as the shape has parameters.

        Raises
        ------
        InputError
            When there are too few samples, all are zero, or the weighting needs what they lack.
        """
        config, shape = self.config, self.config.shape
        if samples.n_times < shape.n_parameters:
            raise InputError(
                f"samples must be at least {shape.n_parameters}, the parameters of {shape}; got "
                f"{samples.n_times}; choose a shape with fewer, or a method of single_time_point"
            )
        if not samples.activity_bq.any():
            raise InputError(
                "activity_bq must be > 0 [Bq] at some time; got zeros only; nothing can be fitted"
            )
        sigma, physical_rate = _sigma(samples, config.weighting), config.physical_rate_per_s
        found, chi_squared, free = search.fitted(
            shape, samples.times_s, samples.activity_bq, sigma, physical_rate
        )
        names = shape.parameter_names
        covariance = search.covariance(
            shape,
            found,
            free,
            samples.times_s,
            sigma,
            physical_rate,
            scale=_scale(config.weighting, chi_squared, samples.n_times - int(free.sum())),
        )
        record = Record(
            "dosimetry.ExponentialModel.fit",
            {
                "shape": shape.value,
                "physical_rate_per_s": config.physical_rate_per_s,
                "weighting": config.weighting.value,
            },
            (samples.provenance,),
            ("golub1973varpro",),
        )
        return ExponentialFit(
            config,
            samples,
            read_only(found),
            read_only(covariance),
            chi_squared,
            tuple(name for name, is_free in zip(names, free, strict=True) if not is_free),
            record,
        )


def _sigma(samples: ActivitySamples, weighting: Weighting) -> NDArray[np.float64]:
    if weighting is Weighting.KNOWN_UNCERTAINTY:
        return samples.known_uncertainty_bq
    if weighting is Weighting.EQUAL:
        return np.full(samples.n_times, samples.activity_bq.max())
    if not (samples.activity_bq > 0).all():
        raise InputError(
            "activity_bq must be > 0 [Bq] where weighting is PROPORTIONAL; got a zero; leave the sample "
            "out or give its uncertainty"
        )
    return samples.activity_bq


def _scale(weighting: Weighting, chi_squared: float, n_over: int) -> float:
    if weighting is Weighting.KNOWN_UNCERTAINTY:
        return 1.0
    return chi_squared / n_over if n_over > 0 else math.nan
