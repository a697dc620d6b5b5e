"""Which curve goes through the activities of a region, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from tumorboard.dosimetry.single_time_point import (
    HalfLifePopulation,
    SingleTimePointConfig,
    SingleTimePointMethod,
    SingleTimePointModel,
)
from tumorboard.dosimetry.time_activity_models import (
    ExponentialConfig,
    ExponentialFit,
    ExponentialModel,
    Weighting,
)
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_selection import aicc
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.dosimetry.time_activity_trapezoid import Beginning, Tail, TrapezoidConfig, TrapezoidModel
from tumorboard.errors import InputError
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.config import CurveChoice, RadioligandConfig, SingleScan

__all__ = ["Candidate", "Curve", "curve_through"]

#: In the order of their numbers; physical decay alone is the mono-exponential's bound, no other curve.
_SHAPES: Final = (
    CurveShape.MONO_EXPONENTIAL,
    CurveShape.MONO_EXPONENTIAL_UPTAKE,
    CurveShape.BI_EXPONENTIAL,
    CurveShape.BI_EXPONENTIAL_UPTAKE,
    CurveShape.TRI_EXPONENTIAL,
)
#: Of so few scans AICc is defined for at most one shape.
_FEW: Final = 4
_QUANTILES: Final = 2000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shape that was tried.

    Parameters
    ----------
    shape
        Its name.
    criterion
        Information criterion, less is better; infinite where the scans do not determine all numbers of it.
    weight
        Probability among the candidates.
    decays
        By its fit [Bq s].
    """

    shape: str
    criterion: float
    weight: float
    decays: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Activity of a region from administration on.

    Parameters
    ----------
    shape
        Of :class:`~tumorboard.dosimetry.time_activity_shapes.CurveShape`, ``"trapezoid"``, or the method for
        one scan.
    half_life_s
        Effective, of the slowest term; the physical one where the scans show no faster [s].
    half_life_uncertainty_s
        Standard uncertainty; of one scan the population's spread; ``None``: not determined [s].
    decays
        From administration to the end of all decay [Bq s].
    decays_relative_uncertainty
        By the activities, through the covariance of all numbers; of one scan the population's errors as well.
    is_upper_limit
        Whether the integral takes straight lines from 0 and physical decay after the last scan.
    tail_share
        Share of the decays after the last scan.
    amplitudes_bq, rates_per_s
        Of the exponentials, uptake's negative; empty where it is none, shape ``(n_terms,)`` [Bq, 1/s].
    criterion
        Name of what chose among candidates; empty where nothing was chosen.
    candidates
        What it chose among.
    misfit_probability
        That a right curve misses the scans by as much or more; ``None`` where none is left over to tell.
    provenance
        Of the integral.
    truth_by_estimate
        Of one scan: true decays over these among a population, that of 5 % and of 95 %, without the error of
        the activity; else ``None``.
    """

    shape: str
    half_life_s: float
    half_life_uncertainty_s: float | None
    decays: float
    decays_relative_uncertainty: float
    is_upper_limit: bool
    tail_share: float
    amplitudes_bq: NDArray[np.float64]
    rates_per_s: NDArray[np.float64]
    criterion: str
    candidates: tuple[Candidate, ...]
    misfit_probability: float | None
    provenance: Record
    truth_by_estimate: tuple[float, float] | None = None


def curve_through(
    samples: ActivitySamples, config: RadioligandConfig, *, region: str, physical_half_life_s: float
) -> Curve:
    """Return the curve that the choices put through activities.

    With three and four scans AICc is defined for no more than one shape. Uncertainties being stated, not
    estimated from the scatter, its correction for few samples is not needed [1]_: chi-squared plus twice the
    number of parameters then chooses between a mono-exponential with and without uptake. With five and more
    it is AICc, among all shapes for which it is defined.

    Parameters
    ----------
    samples
        As scanned, one or more, > 0, with their uncertainties.
    config
        The choices.
    region
        Name, for the half-lives of a population.
    physical_half_life_s
        Of the nuclide [s].

    Returns
    -------
    Curve

    Raises
    ------
    InputError
        When there is one scan, and no choice for it.

    References
    ----------
    .. [1] hurvich1989aicc

    Examples
    --------
    >>> h = 3600.0
    >>> times_s, activity_bq = [4 * h, 24 * h, 96 * h], [8.0, 6.0, 2.0]
    >>> samples = ActivitySamples(times_s, activity_bq, Record("example"), [0.8, 0.6, 0.2])
    >>> curve = curve_through(samples, RadioligandConfig(), region="lesion", physical_half_life_s=159.5 * h)
    >>> curve.shape, round(curve.half_life_s / h)
    ('mono_exponential', 46)
    """
    if samples.n_times == 1:
        return _of_one(samples, config, region, physical_half_life_s)
    if config.curve is CurveChoice.TRAPEZOID:
        return _limit(samples, physical_half_life_s)
    several = config.curve is CurveChoice.AICC and samples.n_times > 2
    name, fits, criteria = _tried(samples, physical_half_life_s, several=several)
    best = fits[int(np.argmin(criteria))]
    weights = np.exp(-0.5 * (criteria - criteria.min()))
    weights /= weights.sum()
    candidates = tuple(
        Candidate(
            fit.config.shape.value,
            float(c),
            float(w),
            fit.time_integrated_activity_bq_s if w > 0 else math.nan,
        )
        for fit, c, w in zip(fits, criteria, weights, strict=True)
    )
    curve = _of_fit(best) if _falls(best) else _limit(samples, physical_half_life_s)
    return replace(
        curve,
        criterion=name,
        candidates=candidates if several else (),
        misfit_probability=_misfit(best),
    )


def _tried(
    samples: ActivitySamples, physical_half_life_s: float, *, several: bool
) -> tuple[str, list[ExponentialFit], NDArray[np.float64]]:
    """Return the criterion's name, the fits, and the criterion of each, shape ``(n_fits,)``."""
    n = samples.n_times
    few = n <= _FEW
    if not several:
        shapes: tuple[CurveShape, ...] = _SHAPES[:1]
    elif few:
        shapes = _SHAPES[:2]
    else:
        shapes = tuple(shape for shape in _SHAPES if n >= shape.n_parameters + 2)
    configs = [ExponentialConfig(s, physical_half_life_s, Weighting.KNOWN_UNCERTAINTY) for s in shapes]
    fits = [ExponentialModel(config).fit(samples) for config in configs]
    if not several:
        return "", fits, np.zeros(1)
    criteria = [f.chi_squared + 2.0 * f.config.shape.n_parameters if few else aicc(f) for f in fits]
    # What the scans do not determine is no candidate: its integral has no uncertainty.
    told = [math.isfinite(f.time_integrated_activity_uncertainty_bq_s) for f in fits]
    return (
        "aic" if few else "aicc",
        fits,
        np.where([True, *told[1:]], criteria, math.inf),
    )


def _falls(fit: ExponentialFit) -> bool:
    """Return whether the slowest term falls faster than the nuclide decays."""
    if fit.config.shape is CurveShape.MONO_EXPONENTIAL:
        return not fit.at_bound
    return fit.effective_half_life_s < (1.0 - 1e-6) * fit.config.physical_half_life_s


def _misfit(fit: ExponentialFit) -> float | None:
    left = fit.samples.n_times - fit.config.shape.n_parameters
    return float(chi2.sf(fit.chi_squared, left)) if left > 0 else None


def _of_fit(fit: ExponentialFit) -> Curve:
    decays = fit.time_integrated_activity_bq_s
    amplitudes, rates = fit.exponentials
    there = np.isfinite(rates) & (rates > 0)
    amplitudes, rates = amplitudes[there], rates[there]
    last_s = float(fit.samples.times_s[-1])
    spread = fit.effective_half_life_uncertainty_s
    return Curve(
        shape=fit.config.shape.value,
        half_life_s=fit.effective_half_life_s,
        half_life_uncertainty_s=spread if math.isfinite(spread) and spread > 0 else None,
        decays=decays,
        decays_relative_uncertainty=fit.time_integrated_activity_uncertainty_bq_s / decays,
        is_upper_limit=False,
        tail_share=float(amplitudes @ (np.exp(-rates * last_s) / rates)) / decays,
        amplitudes_bq=amplitudes,
        rates_per_s=rates,
        criterion="",
        candidates=(),
        misfit_probability=None,
        provenance=fit.provenance,
    )


def _limit(samples: ActivitySamples, physical_half_life_s: float) -> Curve:
    config = TrapezoidConfig(physical_half_life_s, Beginning.FROM_ZERO, Tail.PHYSICAL_DECAY)
    limit = TrapezoidModel(config).fit(samples)
    decays = limit.time_integrated_activity_bq_s
    return Curve(
        shape="trapezoid",
        half_life_s=physical_half_life_s,
        half_life_uncertainty_s=None,
        decays=decays,
        decays_relative_uncertainty=limit.time_integrated_activity_uncertainty_bq_s / decays,
        is_upper_limit=True,
        tail_share=limit.extrapolated_fraction,
        amplitudes_bq=np.empty(0),
        rates_per_s=np.empty(0),
        criterion="",
        candidates=(),
        misfit_probability=None,
        provenance=limit.provenance,
    )


def _of_one(
    samples: ActivitySamples, config: RadioligandConfig, region: str, physical_half_life_s: float
) -> Curve:
    """Return the mono-exponential that a population's half-lives, or physical decay, put through one scan."""
    if config.single_scan is None:
        raise InputError(
            "scans must be two or more of one administration; got 1; for one choose how decays follow from "
            "it, e.g. single_scan=SingleScan.HAENSCHEID with half_lives"
        )
    activity, time_s = float(samples.activity_bq[0]), float(samples.times_s[0])
    spread: float | None = None
    truth: tuple[float, float] | None = None
    if config.single_scan is SingleScan.PHYSICAL_DECAY:
        half_life_s = physical_half_life_s
        decays = activity * 2.0 ** (time_s / half_life_s) * half_life_s / math.log(2.0)
        relative = float(samples.known_uncertainty_bq[0]) / activity
        record = Record("workflows.radioligand.physical_decay", {}, (samples.provenance,))
    else:
        known = config.half_lives_of(region)
        population = HalfLifePopulation(
            known.median_h * 3600.0, known.geometric_sd, physical_half_life_s, known.source
        )
        method = SingleTimePointMethod(config.single_scan.value)
        fit = SingleTimePointModel(SingleTimePointConfig(method, population)).fit(samples)
        decays = fit.time_integrated_activity_bq_s
        relative = fit.time_integrated_activity_uncertainty_bq_s / decays
        half_lives = population.half_lives_s(_QUANTILES)
        half_life_s, spread = float(np.median(half_lives)), float(half_lives.std())
        low, high = np.quantile(fit.true_by_estimated, (0.05, 0.95)).tolist()
        truth, record = (low, high), fit.provenance
    rate = math.log(2.0) / half_life_s
    return Curve(
        shape=config.single_scan.value,
        half_life_s=half_life_s,
        half_life_uncertainty_s=spread,
        decays=decays,
        decays_relative_uncertainty=relative,
        is_upper_limit=config.single_scan is SingleScan.PHYSICAL_DECAY,
        # Of the activity after the scan, as it falls with that half-life; no more than all.
        tail_share=min(1.0, activity / rate / decays),
        amplitudes_bq=np.array([decays * rate]),
        rates_per_s=np.array([rate]),
        criterion="",
        candidates=(),
        misfit_probability=None,
        provenance=record,
        truth_by_estimate=truth,
    )
