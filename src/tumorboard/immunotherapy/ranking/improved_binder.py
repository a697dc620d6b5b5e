"""Whether the mutation made a binder of a peptide, or kept one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.immunotherapy.ranking._pairs import same_shape

__all__ = ["IMPROVED_ABOVE", "improved_binder"]

#: Ratio of ranks above which the mutant binds better.
IMPROVED_ABOVE = 1.2


def improved_binder(wild_type_percentile: ArrayLike, mutant_percentile: ArrayLike) -> NDArray[np.float64]:
    """Return 1 where the mutant's percentile is better by more than 1.2, else 0 (conserved).

    Parameters
    ----------
    wild_type_percentile, mutant_percentile
        Percentiles of binding, 0 best, of one shape; NaN where there is no counterpart.

    Returns
    -------
    numpy.ndarray
        Of the shape given; NaN without a counterpart.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    .. [1] bjerregaard2017natural

    Examples
    --------
    >>> improved_binder([0.6982, 0.5], [0.5231, 0.6]).tolist()
    [1.0, 0.0]
    """
    wild_type, mutant = same_shape(
        wild_type_percentile=wild_type_percentile, mutant_percentile=mutant_percentile
    )
    # Written without a quotient: the best percentile is 0.
    improved = wild_type > IMPROVED_ABOVE * mutant
    return np.where(np.isnan(wild_type) | np.isnan(mutant), np.nan, improved)
