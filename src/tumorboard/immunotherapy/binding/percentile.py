"""Where a score lies among the scores of random peptides of the same molecule."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["percentiles", "score_quantiles"]


def score_quantiles(scores: ArrayLike, percents: ArrayLike) -> NDArray[np.float64]:
    """Return the scores that given shares of random peptides reach.

    Parameters
    ----------
    scores
        Of random peptides, shape ``(n,)``.
    percents
        Shares [%], ascending from above 0 to 100, shape ``(q,)``.

    Returns
    -------
    numpy.ndarray
        Scores, descending, shape ``(q,)``.

    Examples
    --------
    >>> score_quantiles(range(101), [1.0, 50.0, 100.0]).tolist()
    [99.0, 50.0, 0.0]
    """
    return np.asarray(
        np.quantile(np.asarray(scores, float), 1.0 - np.asarray(percents, float) / 100.0), float
    )


def percentiles(
    scores: NDArray[np.float64], quantiles: NDArray[np.float64], percents: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of random peptides that score as well or better [%].

    Between two stored shares the logarithm of the share runs straight over the score. A score above that of
    the smallest share has the smallest share, as fewer random peptides were seen there than make a number.

    Parameters
    ----------
    scores
        Shape ``(n,)``.
    quantiles
        Scores that the shares reach, descending, shape ``(q,)``.
    percents
        The shares [%], ascending, shape ``(q,)``.

    Returns
    -------
    numpy.ndarray
        Shares [%], falling as the score rises, shape ``(n,)``.

    Examples
    --------
    >>> quantiles, shares = np.array([4.0, 2.0, 0.0]), np.array([0.01, 1.0, 100.0])
    >>> percentiles(np.array([9.0, 3.0, 0.0]), quantiles, shares).round(2).tolist()
    [0.01, 0.1, 100.0]
    """
    logarithm = np.interp(scores, quantiles[::-1], np.log(percents)[::-1])
    return np.asarray(np.clip(np.exp(logarithm), percents[0], percents[-1]), float)
