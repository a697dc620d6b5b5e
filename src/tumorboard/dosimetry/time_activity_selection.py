"""Choose among fitted curves by the information criterion corrected for few samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.time_activity_models import (
    ExponentialConfig,
    ExponentialFit,
    ExponentialModel,
    Weighting,
)
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError

__all__ = ["ModelChoice", "aicc", "choose_by_aicc"]


def aicc(fit: ExponentialFit) -> float:
    r"""Return Akaike's information criterion, corrected for few samples (less is better).

    :math:`\chi^2 + 2k + 2k(k+1)/(n-k-1)` for n samples of known uncertainty and k parameters [1]_; where the
    uncertainty is estimated as well it is a parameter too, and :math:`n \ln(\chi^2/n)` takes the place of
    :math:`\chi^2`. A parameter at its bound counts, since it was free to leave it.

    Parameters
    ----------
    fit
        To at least k + 2 samples: with fewer the criterion is not defined.

    Raises
    ------
    InputError
        When there are too few samples.

    References
    ----------
    .. [1] hurvich1989aicc

    Examples
    --------
    >>> from tumorboard.dosimetry.time_activity_shapes import CurveShape
    >>> from tumorboard.provenance import Record
    >>> samples = ActivitySamples([0.0, 1.0, 2.0], [4.0, 2.0, 1.0], Record("example"), [1.0, 1.0, 1.0])
    >>> config = ExponentialConfig(CurveShape.PHYSICAL_DECAY, 1.0, Weighting.KNOWN_UNCERTAINTY)
    >>> round(aicc(ExponentialModel(config).fit(samples)), 12)
    6.0
    """
    n, k = fit.samples.n_times, _n_parameters(fit.config)
    if n <= k + 1:
        raise InputError(_undefined([fit.config], n))
    penalty = 2.0 * k + 2.0 * k * (k + 1) / (n - k - 1)
    if fit.config.weighting is Weighting.KNOWN_UNCERTAINTY:
        return fit.chi_squared + penalty
    # Of samples that lie on the curve the logarithm is limited by rounding, not by what they say.
    return n * math.log(max(fit.chi_squared / n, 1e-30)) + penalty


def _n_parameters(config: ExponentialConfig) -> int:
    return config.shape.n_parameters + (config.weighting is not Weighting.KNOWN_UNCERTAINTY)


def _undefined(configs: Sequence[ExponentialConfig], n: int) -> str:
    needs = ", ".join(f"{c.shape} with {c.weighting} {_n_parameters(c) + 2}" for c in configs)
    return (
        f"samples must be at least two more than parameters for AICc to be defined; got {n}, while {needs} "
        "are needed; leave such shapes out, know the uncertainties, or decide for one shape yourself"
    )


@dataclass(frozen=True, slots=True, eq=False)
class ModelChoice:
    """Which curve describes the samples best, and how sure that is.

    Parameters
    ----------
    best
        The fit with the lowest criterion.
    fits
        All fits, in the order of the candidates.
    aicc
        Of each, shape ``(n_candidates,)``.
    weights
        Probability of each among the candidates (Akaike weights), shape ``(n_candidates,)``.
    """

    best: ExponentialFit
    fits: tuple[ExponentialFit, ...]
    aicc: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def averaged_time_integrated_activity_bq_s(self) -> float:
        """Integral averaged over the candidates by their weights [Bq s]."""
        return float(self.weights @ [fit.time_integrated_activity_bq_s for fit in self.fits])

    @property
    def averaged_uncertainty_bq_s(self) -> float:
        """Standard uncertainty of that average, with how far the candidates differ [Bq s]."""
        mean = self.averaged_time_integrated_activity_bq_s
        variances = [
            fit.time_integrated_activity_uncertainty_bq_s**2 + (fit.time_integrated_activity_bq_s - mean) ** 2
            for fit in self.fits
        ]
        # What has no weight may have no uncertainty.
        return math.sqrt(sum(w * v for w, v in zip(self.weights, variances, strict=True) if w > 0))


def choose_by_aicc(candidates: Sequence[ExponentialConfig], samples: ActivitySamples) -> ModelChoice:
    """Fit all candidates and choose the one with the lowest AICc.

    Parameters
    ----------
    candidates
        At least two, of the same weighting and nuclide; none is left out silently.
    samples
        Of one region.

    Raises
    ------
    InputError
        When AICc is not defined for a candidate (it names all of them), or they cannot be compared.

    References
    ----------
    .. [1] kletting2013nukfit

    Examples
    --------
    >>> from tumorboard.dosimetry.time_activity_shapes import CurveShape
    >>> from tumorboard.provenance import Record
    >>> samples = ActivitySamples([0.0, 1.0, 2.0, 4.0], [8.0, 4.0, 2.0, 0.5], Record("example"), [0.1] * 4)
    >>> shapes = CurveShape.PHYSICAL_DECAY, CurveShape.MONO_EXPONENTIAL
    >>> candidates = [ExponentialConfig(shape, 5.0, Weighting.KNOWN_UNCERTAINTY) for shape in shapes]
    >>> choose_by_aicc(candidates, samples).best.config.shape
    <CurveShape.MONO_EXPONENTIAL: 'mono_exponential'>
    """
    if len(candidates) < 2 or len({(c.weighting, c.physical_half_life_s) for c in candidates}) > 1:
        raise InputError(
            f"candidates must be two or more of one weighting and one half-life; got {list(candidates)}; "
            "criteria of different weights do not compare"
        )
    undefined = [c for c in candidates if samples.n_times <= _n_parameters(c) + 1]
    if undefined:
        raise InputError(_undefined(undefined, samples.n_times))
    fits = tuple(ExponentialModel(config).fit(samples) for config in candidates)
    criteria = np.array([aicc(fit) for fit in fits])
    weights = np.exp(-0.5 * (criteria - criteria.min()))
    best = fits[int(np.argmin(criteria))]
    return ModelChoice(best, fits, read_only(criteria), read_only(weights / weights.sum()))
