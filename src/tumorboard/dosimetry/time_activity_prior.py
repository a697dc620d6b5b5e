"""Decays from few scans, with what is known of a population's effective half-lives as the prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.single_time_point import HalfLifePopulation
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["PopulationPriorFit", "PopulationPriorModel"]

_LN2 = math.log(2.0)
#: The grid of half-lives, in logarithms: this many points over this many standard deviations to each side.
_N_POINTS, _N_SIGMA = 4001, 8.0


@dataclass(frozen=True, slots=True, eq=False)
class PopulationPriorFit:
    """What is known of a mono-exponential after few scans.

    Parameters
    ----------
    population
        What was known before.
    samples
        What was measured.
    half_lives_s
        Grid of effective half-lives, shape ``(n,)`` [s].
    prior
        Probability of each before, shape ``(n,)``.
    posterior
        Probability of each after, shape ``(n,)``.
    log_decays
        Logarithm of the median number of decays if that were the half-life, shape ``(n,)``.
    log_sd
        Its standard deviation, from the measurements.
    provenance
        Of the fit.
    """

    population: HalfLifePopulation
    samples: ActivitySamples
    half_lives_s: NDArray[np.float64]
    prior: NDArray[np.float64]
    posterior: NDArray[np.float64]
    log_decays: NDArray[np.float64]
    log_sd: float
    provenance: Record

    @property
    def time_integrated_activity_bq_s(self) -> float:
        """Mean number of decays from administration to infinity [Bq s]."""
        return float(self.posterior @ np.exp(self.log_decays + 0.5 * self.log_sd**2))

    @property
    def time_integrated_activity_uncertainty_bq_s(self) -> float:
        """Standard deviation of the number of decays [Bq s]."""
        mean = self.time_integrated_activity_bq_s
        means = np.exp(self.log_decays + 0.5 * self.log_sd**2)
        variance = self.posterior @ ((means - mean) ** 2 + means**2 * math.expm1(self.log_sd**2))
        return math.sqrt(float(variance))

    def time_integrated_activity_quantile_bq_s(self, probability: float) -> float:
        """Return the number of decays below which the truth lies with this probability [Bq s].

        Parameters
        ----------
        probability
            Between 0 and 1.
        """
        if not 0.0 < probability < 1.0:
            raise InputError(f"probability must lie between 0 and 1; got {probability!r}")
        low, high = self.log_decays.min() - 10 * self.log_sd, self.log_decays.max() + 10 * self.log_sd
        found = brentq(
            lambda x: float(self.posterior @ ndtr((x - self.log_decays) / self.log_sd)) - probability,
            low,
            high,
        )
        return math.exp(found)

    @property
    def effective_half_life_s(self) -> float:
        """Mean effective half-life [s]."""
        return float(self.posterior @ self.half_lives_s)

    @property
    def effective_half_life_uncertainty_s(self) -> float:
        """Standard deviation of the effective half-life [s]."""
        return _sd(self.posterior, self.half_lives_s)

    @property
    def learned_from_samples(self) -> float:
        """Share of the prior's variance of the half-life that the samples took away: 0 for one sample."""
        return 1.0 - (_sd(self.posterior, self.half_lives_s) / _sd(self.prior, self.half_lives_s)) ** 2


def _sd(weights: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    return math.sqrt(float(weights @ (values - weights @ values) ** 2))


class PopulationPriorModel:
    """A mono-exponential of unknown amplitude whose half-life is one of a population's.

    Bayes' theorem on a grid of half-lives. Measurements are lognormal about the curve with their relative
    uncertainties, and nothing is known before of the amplitude (its logarithm is uniform), so that one sample
    leaves the half-life as the population has it, and more samples take over as they become certain.

    Parameters
    ----------
    population
        Effective half-lives.

    References
    ----------
    .. [1] hou2021single

    Examples
    --------
    >>> h = 3600.0
    >>> liver_lesions = HalfLifePopulation(80 * h, 1.4, 159.5 * h, "example, not measured")
    >>> early = ActivitySamples([4 * h, 28 * h], [1e7, 8e6], Record("example"), [1e6, 8e5])
    >>> fit = PopulationPriorModel(liver_lesions).fit(early)
    >>> round(fit.effective_half_life_s / h), round(fit.effective_half_life_uncertainty_s / h)
    (83, 24)
    """

    def __init__(self, population: HalfLifePopulation) -> None:
        self.population = population

    def fit(self, samples: ActivitySamples) -> PopulationPriorFit:
        """Learn from the samples of one region.

        Parameters
        ----------
        samples
            As scanned, one or more, all > 0, with their uncertainties [Bq].

        Raises
        ------
        InputError
            When an activity is zero or the uncertainties are not known.
        """
        sigma, y, t = samples.known_uncertainty_bq, samples.activity_bq, samples.times_s
        if not (y > 0).all():
            raise InputError(
                f"activity_bq must be > 0 [Bq] at all times here; got {y.tolist()}; leave zeros out"
            )
        width = math.log(self.population.geometric_sd)
        top = min(_N_SIGMA * width, math.log(self.population.physical_half_life_s / self.population.median_s))
        logs = np.linspace(-_N_SIGMA * width, top, _N_POINTS)
        half_lives = self.population.median_s * np.exp(logs)
        prior = np.exp(-0.5 * (logs / width) ** 2)
        prior[[0, -1]] *= 0.5  # the trapezoidal rule's ends: the last may be where the population is cut off
        rates, weights = _LN2 / half_lives, (y / sigma) ** 2
        # log y + rate t scatters about the logarithm of the amplitude.
        back = np.log(y) + rates[:, None] * t
        amplitude = back @ weights / weights.sum()
        chi_squared = ((back - amplitude[:, None]) ** 2) @ weights
        posterior = prior * np.exp(-0.5 * (chi_squared - chi_squared.min()))
        record = Record(
            "dosimetry.PopulationPriorModel.fit",
            {
                "median_s": self.population.median_s,
                "geometric_sd": self.population.geometric_sd,
                "source": self.population.source,
            },
            (samples.provenance,),
            ("hou2021single",),
        )
        return PopulationPriorFit(
            self.population,
            samples,
            read_only(half_lives),
            read_only(prior / prior.sum()),
            read_only(posterior / posterior.sum()),
            read_only(amplitude - np.log(rates)),
            1.0 / math.sqrt(float(weights.sum())),
            record,
        )
