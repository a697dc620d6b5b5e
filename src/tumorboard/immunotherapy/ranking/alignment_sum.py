"""What alignments with self or with pathogens weigh together, and the partition function of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.immunotherapy.ranking.substitution import blosum62_scores

__all__ = ["GAP_EXTENSION", "GAP_OPENING", "STEEPNESS", "alignment_weights"]

#: A gap of n residues costs 11 + (n - 1), as in the code of the paper on fitness.
GAP_OPENING, GAP_EXTENSION = 11, 1
#: k of both papers, per unit of score.
STEEPNESS = 4.86936


def alignment_weights(longest: int, midpoint: float) -> NDArray[np.float64]:
    """Return exp(-k (a - s)) for each score s that peptides can have with BLOSUM62.

    Parameters
    ----------
    longest
        Residues of the longest peptide.
    midpoint
        a, the score that weighs 1.

    Returns
    -------
    numpy.ndarray
        By score from 0, shape ``(n_scores,)``.

    References
    ----------
    .. [1] luksza2017fitness

    Examples
    --------
    >>> alignment_weights(1, 2.0)[:4].round(4).tolist()
    [0.0001, 0.0077, 1.0, 130.2375]
    """
    scores = np.arange(longest * int(blosum62_scores().max()) + 1)
    # Sums of a million still fit a float.
    return np.asarray(np.exp(np.minimum(STEEPNESS * (scores - midpoint), 600.0)))
