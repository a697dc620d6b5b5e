"""How well scores put the peptides that T cells answered before the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = [
    "Interval",
    "area_under_curve",
    "area_within",
    "average_precision",
    "bootstrap_interval",
    "top_share",
]

#: Takes labels, scores and how often each row counts.
Statistic = Callable[[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]], float]


def _checked(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    positive, score = np.asarray(labels).astype(bool), np.asarray(scores, np.float64)
    weight = np.ones(score.shape) if weights is None else np.asarray(weights, np.float64)
    if not positive.shape == score.shape == weight.shape or score.ndim != 1:
        raise InputError(
            f"labels, scores and weights must be of one length; got {positive.shape}, {score.shape}, "
            f"{weight.shape}"
        )
    if np.isnan(score).any():
        raise InputError(f"scores must be numbers; got {np.isnan(score).sum()} NaN; leave these rows out")
    return positive, score, weight


def area_under_curve(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return how often a positive scores above a negative, ties half: the area under the ROC curve.

    Parameters
    ----------
    labels, scores
        True or 1 for a positive, and its score, shape ``(n,)``.
    weights
        How often each row counts, shape ``(n,)``; ``None`` for once.

    Returns
    -------
    float
        0.5 for chance; NaN without both kinds.

    Raises
    ------
    InputError
        When lengths differ or a score is NaN.

    Examples
    --------
    >>> area_under_curve([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    0.875
    """
    positive, score, weight = _checked(labels, scores, weights)
    value, place = np.unique(score, return_inverse=True)
    at = np.bincount(place, weight * positive, value.size)
    below = np.bincount(place, weight * ~positive, value.size)
    pairs = at.sum() * below.sum()
    if pairs == 0:
        return float("nan")
    return float(at @ (np.cumsum(below) - 0.5 * below) / pairs)


def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the mean, over positives, of the share of positives among what scores as high or higher.

    Parameters
    ----------
    labels, scores
        True or 1 for a positive, and its score, shape ``(n,)``.
    weights
        How often each row counts, shape ``(n,)``; ``None`` for once.

    Returns
    -------
    float
        The share of positives for chance; NaN without positives.

    Raises
    ------
    InputError
        When lengths differ or a score is NaN.

    Examples
    --------
    >>> round(average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]), 4)
    0.8333
    """
    positive, score, weight = _checked(labels, scores, weights)
    value, place = np.unique(-score, return_inverse=True)
    at = np.bincount(place, weight * positive, value.size)
    seen = np.cumsum(np.bincount(place, weight, value.size))
    if at.sum() == 0:
        return float("nan")
    precision = np.cumsum(at) / np.where(seen > 0, seen, 1.0)
    return float(at @ precision / at.sum())


def top_share(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, of_all: float
) -> float:
    """Return the share of all positives among the best-scored part.

    Parameters
    ----------
    labels, scores
        True or 1 for a positive, and its score, shape ``(n,)``.
    weights
        How often each row counts, shape ``(n,)``; ``None`` for once.
    of_all
        Size of the part, 0 to 1; what ties with its last counts in proportion.

    Returns
    -------
    float
        ``of_all`` for chance; NaN without positives.

    Raises
    ------
    InputError
        When lengths differ, a score is NaN or the part is not 0 to 1.

    Examples
    --------
    >>> top_share([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], of_all=0.5)
    0.5
    """
    if not 0.0 < of_all <= 1.0:
        raise InputError(f"of_all must be above 0 and up to 1; got {of_all:g}")
    positive, score, weight = _checked(labels, scores, weights)
    value, place = np.unique(-score, return_inverse=True)
    at = np.bincount(place, weight * positive, value.size)
    if at.sum() == 0:
        return float("nan")
    seen = np.r_[0.0, np.cumsum(np.bincount(place, weight, value.size))]
    return float(np.interp(of_all * seen[-1], seen, np.r_[0.0, np.cumsum(at)]) / at.sum())


def area_within(
    labels: ArrayLike, scores: ArrayLike, strata: Sequence[str], weights: ArrayLike | None = None
) -> float:
    """Return the mean area under the curve within strata, by their number of positives.

    Molecules and patients differ in how often T cells answer; a score that tells these apart alone orders
    nobody's list. Within strata it gains nothing from that.

    Parameters
    ----------
    labels, scores
        True or 1 for a positive, and its score, shape ``(n,)``.
    strata
        Molecule or patient of each row.
    weights
        How often each row counts, shape ``(n,)``; ``None`` for once.

    Returns
    -------
    float
        0.5 for chance; strata of one kind do not count.

    Raises
    ------
    InputError
        When lengths differ or a score is NaN.

    Examples
    --------
    >>> area_within([1, 0, 1, 0], [0.9, 0.8, 0.1, 0.2], ["A", "A", "B", "B"])
    0.5
    """
    positive, score, weight = _checked(labels, scores, weights)
    _, which = np.unique(np.asarray(strata), return_inverse=True)
    areas, counts = [], []
    for stratum in range(int(which.max(initial=-1)) + 1):
        inside = which == stratum
        area = area_under_curve(positive[inside], score[inside], weight[inside])
        if np.isfinite(area):
            areas.append(area)
            counts.append(float(weight[inside & positive].sum()))
    return float(np.average(areas, weights=counts)) if counts else float("nan")


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic and where resampling puts it.

    Parameters
    ----------
    value
        Of all rows.
    low, high
        Percentiles of the resampled values.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap_interval(
    statistic: Statistic,
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Return a statistic with a percentile interval from drawing groups, not rows.

    Parameters
    ----------
    statistic
        Of labels, scores and weights, such as :func:`area_under_curve`.
    labels, scores
        Shape ``(n,)``.
    groups
        Of each row, shape ``(n,)``; rows of one group are drawn together.
    resamples
        How many; 1000 give two digits.
    seed
        Of the draws.
    level
        Covered by the interval.

    Returns
    -------
    Interval
        Of the statistic; resamples in which it is NaN do not count.

    Raises
    ------
    InputError
        When lengths differ or there is no resample.

    Examples
    --------
    >>> labels, scores = np.arange(40) % 2, np.arange(40.0)
    >>> bootstrap_interval(area_under_curve, labels, scores, np.arange(40), resamples=200, seed=1).value
    0.525
    """
    if resamples < 1:
        raise InputError(f"resamples must be 1 or more; got {resamples}")
    positive, score, _ = _checked(labels, scores, None)
    group = np.unique(np.asarray(groups), return_inverse=True)[1]
    if group.shape != score.shape:
        raise InputError(f"groups must be as many as scores, {score.size}; got {group.size}")
    n_groups = int(group.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups).astype(np.float64)
        drawn.append(statistic(positive, score, times[group]))
    tail = 50.0 * (1.0 - level)
    low, high = np.nanpercentile(drawn, [tail, 100.0 - tail])
    return Interval(statistic(positive, score, np.ones(score.size)), float(low), float(high))
