"""What all presented peptides of a mutation are worth together, as vaxrank counts it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["vaxrank_binding_score"]

_MIDPOINT_NM, _WIDTH_NM, _NOTHING_FROM_NM = 350.0, 150.0, 5000.0


def vaxrank_binding_score(mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return the sum of a logistic of affinities, 1 for a perfect binder, 0 from 5000 nM.

    Each pair of a peptide and a molecule counts (1 + exp(-350/150)) / (1 + exp((M - 350)/150)).

    Parameters
    ----------
    mutant_nm
        Affinities in nM of all peptides of each mutation with all molecules, shape ``(..., n_pairs)``; NaN
        where there are fewer.

    Returns
    -------
    numpy.ndarray
        Shape ``(...,)``.

    References
    ----------
    .. [1] rubinsteyn2017vaxrank

    Examples
    --------
    >>> vaxrank_binding_score([178.8]).round(4).item()
    0.8314
    """
    affinity = np.asarray(mutant_nm, np.float64)
    top = 1.0 + np.exp(-_MIDPOINT_NM / _WIDTH_NM)
    # An affinity above the limit counts nothing, so that the exponential never overflows.
    within = np.minimum(affinity, _NOTHING_FROM_NM)
    score = top / (1.0 + np.exp((within - _MIDPOINT_NM) / _WIDTH_NM))
    return np.asarray(np.where(affinity < _NOTHING_FROM_NM, score, 0.0).sum(axis=-1))
