"""Decays from one scan and a population's effective half-lives, and how wrong that may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = [
    "HalfLifePopulation",
    "SingleTimePointConfig",
    "SingleTimePointFit",
    "SingleTimePointMethod",
    "SingleTimePointModel",
    "relative_errors",
    "time_factor_s",
]

_LN2 = math.log(2.0)


@dataclass(frozen=True, slots=True)
class HalfLifePopulation:
    """Effective half-lives of an organ or tumour among patients: lognormal, cut off at the physical one [1]_.

    Parameters
    ----------
    median_s
        Median before it is cut off, > 0 [s].
    geometric_sd
        Factor by which one standard deviation differs, > 1 (1.3: about 30 %).
    physical_half_life_s
        Above which there is nobody, > 0; may be infinite [s].
    source
        Where the population was described, in words: it is part of every result.

    References
    ----------
    .. [1] hou2021single

    Examples
    --------
    >>> kidneys = HalfLifePopulation(50.0 * 3600.0, 1.2, 159.5 * 3600.0, "example, not measured")
    >>> (kidneys.half_lives_s(3) / 3600.0).round(1)
    array([41.9, 50. , 59.6])
    """

    median_s: float
    geometric_sd: float
    physical_half_life_s: float
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.median_s) and self.median_s > 0):
            raise InputError(f"median_s must be finite and > 0 [s]; got {self.median_s!r}")
        if not (math.isfinite(self.geometric_sd) and self.geometric_sd > 1):
            raise InputError(
                f"geometric_sd must be finite and > 1; got {self.geometric_sd!r}; 1.3 stands for about 30 %"
            )
        if not self.physical_half_life_s > self.median_s:
            raise InputError(
                f"physical_half_life_s must exceed the median {self.median_s:g} [s]; got "
                f"{self.physical_half_life_s!r}"
            )

    @classmethod
    def of_half_lives(
        cls, half_lives_s: Sequence[float], *, physical_half_life_s: float, source: str
    ) -> HalfLifePopulation:
        """Describe measured half-lives by the mean and standard deviation of their logarithms.

        Parameters
        ----------
        half_lives_s
            Of three patients at least, not all alike, below the physical one [s].
        physical_half_life_s
            Of the nuclide [s].
        source
            Whose they are.
        """
        values = np.asarray(half_lives_s, np.float64)
        if (
            values.size < 3
            or not ((values > 0) & (values <= physical_half_life_s)).all()
            or np.ptp(values) == 0
        ):
            raise InputError(
                f"half_lives_s must be three or more, > 0, at most {physical_half_life_s:g} [s] and not all "
                f"alike; got {values.tolist()}"
            )
        logs = np.log(values)
        return cls(float(np.exp(logs.mean())), float(np.exp(logs.std(ddof=1))), physical_half_life_s, source)

    def half_lives_s(self, n: int) -> NDArray[np.float64]:
        """Return ``n`` half-lives of equal weight, the middle of each n-th, ascending, shape ``(n,)`` [s].

        Parameters
        ----------
        n
            How many.
        """
        width = math.log(self.geometric_sd)
        below = float(ndtr(math.log(self.physical_half_life_s / self.median_s) / width))
        return np.asarray(self.median_s * np.exp(width * ndtri(below * (np.arange(n) + 0.5) / n)))


class SingleTimePointMethod(Enum):
    """How decays follow from one activity."""

    HAENSCHEID = "haenscheid"
    r"""Activity times :math:`2t/\ln 2`, whatever the half-life: exact at one and two half-lives."""

    MADSEN = "madsen"
    r"""Activity times :math:`e^{kt}/k` with the population's mean rate k."""

    POPULATION_MEAN = "population_mean"
    r"""Activity times the population's mean of :math:`2^{t/T} T/\ln 2`: right on average."""


#: Of which papers each method is.
_REFERENCES = {
    SingleTimePointMethod.HAENSCHEID: ("haenscheid2018single",),
    SingleTimePointMethod.MADSEN: ("madsen2018single",),
    SingleTimePointMethod.POPULATION_MEAN: ("hou2021single",),
}
_N_QUANTILES = 2000


def time_factor_s(
    method: SingleTimePointMethod, time_s: float, *, population: HalfLifePopulation | None
) -> float:
    r"""Return by what an activity is multiplied to give decays [s].

    Parameters
    ----------
    method
        Haenscheid's [1]_, Madsen's [2]_, or the population's mean.
    time_s
        When it was measured after administration, > 0 [s].
    population
        Effective half-lives; Haenscheid's method needs none.

    References
    ----------
    .. [1] haenscheid2018single
    .. [2] madsen2018single

    Examples
    --------
    >>> round(time_factor_s(SingleTimePointMethod.HAENSCHEID, 96.0 * 3600, population=None) / 3600, 3)
    276.997
    """
    if not (math.isfinite(time_s) and time_s > 0):
        raise InputError(f"time_s must be finite and > 0 [s after administration]; got {time_s!r}")
    if method is SingleTimePointMethod.HAENSCHEID:
        return 2.0 * time_s / _LN2
    if population is None:
        raise InputError(f"population must be known for {method}; got None; pass a HalfLifePopulation")
    half_lives = population.half_lives_s(_N_QUANTILES)
    if method is SingleTimePointMethod.MADSEN:
        rate = float(np.mean(_LN2 / half_lives))
        return math.exp(rate * time_s) / rate
    return float(np.mean(np.exp2(time_s / half_lives) * half_lives)) / _LN2


def relative_errors(
    method: SingleTimePointMethod, time_s: float, *, population: HalfLifePopulation, n: int = _N_QUANTILES
) -> NDArray[np.float64]:
    """Return the errors of a method among a population whose activity falls mono-exponentially [1]_.

    Parameters
    ----------
    method
        Which.
    time_s
        When the activity is measured after administration, > 0 [s].
    population
        Effective half-lives.
    n
        How many members, of equal weight, in order of their half-life.

    Returns
    -------
    ndarray
        (estimate - truth) / truth of each, without the error of the measurement, shape ``(n,)``.

    References
    ----------
    .. [1] gustafsson2022single

    Examples
    --------
    >>> kidneys = HalfLifePopulation(50.0 * 3600.0, 1.2, 159.5 * 3600.0, "example, not measured")
    >>> relative_errors(SingleTimePointMethod.HAENSCHEID, 96 * 3600.0, population=kidneys, n=3).round(3)
    array([-0.064,  0.015,  0.055])
    """
    half_lives = population.half_lives_s(n)
    truth = np.exp2(time_s / half_lives) * half_lives / _LN2
    return np.asarray(time_factor_s(method, time_s, population=population) / truth - 1.0)


@dataclass(frozen=True, slots=True)
class SingleTimePointConfig:
    """How decays follow from one activity.

    Parameters
    ----------
    method
        Which.
    population
        Effective half-lives; ``None`` only for Haenscheid's method, whose error is not known then.
    """

    method: SingleTimePointMethod
    population: HalfLifePopulation | None

    def __post_init__(self) -> None:
        if not isinstance(self.method, SingleTimePointMethod):
            raise InputError(f"method must be a SingleTimePointMethod; got {self.method!r}")
        if self.population is None and self.method is not SingleTimePointMethod.HAENSCHEID:
            raise InputError(
                f"population must be known for {self.method}; got None; pass a HalfLifePopulation"
            )


@dataclass(frozen=True, slots=True, eq=False)
class SingleTimePointFit:
    """Decays from one activity.

    Parameters
    ----------
    config
        How they were found.
    samples
        From what.
    time_integrated_activity_bq_s
        Decays from administration to infinity [Bq s].
    true_by_estimated
        What the truth is of the estimate among the population, ascending, of equal weight, shape ``(n,)``;
        empty when no population was stated.
    provenance
        Of the estimate.
    """

    config: SingleTimePointConfig
    samples: ActivitySamples
    time_integrated_activity_bq_s: float
    true_by_estimated: NDArray[np.float64]
    provenance: Record

    @property
    def time_integrated_activity_uncertainty_bq_s(self) -> float:
        """Root mean square deviation of the truth, by population and measurement; NaN when unknown [Bq s]."""
        sigma = self.samples.uncertainty_bq
        if sigma is None or not self.true_by_estimated.size:
            return math.nan
        squares = float(np.mean((self.true_by_estimated - 1.0) ** 2))
        squares += float(sigma[0] / self.samples.activity_bq[0]) ** 2 * float(
            np.mean(self.true_by_estimated**2)
        )
        return self.time_integrated_activity_bq_s * math.sqrt(squares)


class SingleTimePointModel:
    """Decays from the activity at one time.

    Parameters
    ----------
    config
        Which method, and whose half-lives.

    Examples
    --------
    >>> kidney = ActivitySamples([96 * 3600.0], [1e6], Record("example"), [5e4])
    >>> population = HalfLifePopulation(50.0 * 3600.0, 1.2, 159.5 * 3600.0, "example, not measured")
    >>> config = SingleTimePointConfig(SingleTimePointMethod.HAENSCHEID, population)
    >>> fit = SingleTimePointModel(config).fit(kidney)
    >>> round(fit.time_integrated_activity_bq_s / 1e12, 4)
    0.9972
    """

    def __init__(self, config: SingleTimePointConfig) -> None:
        self.config = config

    def fit(self, samples: ActivitySamples) -> SingleTimePointFit:
        """Estimate decays of one region.

        Parameters
        ----------
        samples
            One, as scanned, > 0 [Bq].

        Raises
        ------
        InputError
            When there is more than one sample, or it is zero.
        """
        if samples.n_times != 1 or samples.activity_bq[0] <= 0:
            raise InputError(
                f"samples must be one activity > 0 [Bq]; got {samples.activity_bq.tolist()}; for more use "
                "PopulationPriorModel or ExponentialModel"
            )
        method, population = self.config.method, self.config.population
        time_s, ratios = float(samples.times_s[0]), np.empty(0)
        if population is not None:
            ratios = np.sort(1.0 / (1.0 + relative_errors(method, time_s, population=population)))
        record = Record(
            "dosimetry.SingleTimePointModel.fit",
            {"method": method.value, "population": "" if population is None else population.source},
            (samples.provenance,),
            _REFERENCES[method],
        )
        decays = float(samples.activity_bq[0]) * time_factor_s(method, time_s, population=population)
        return SingleTimePointFit(self.config, samples, decays, read_only(ratios), record)
