"""BLOSUM62: how alike residues are, as odds and as scores."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tumorboard.immunotherapy.residues import OTHER

__all__ = ["blosum62_odds", "blosum62_scores"]

#: No alignment goes through a gap between proteins or an unknown residue.
_FORBIDDEN = -1000


@cache
def blosum62_odds() -> NDArray[np.float64]:
    """Return how much more often than by chance two residues stand opposite each other.

    Returns
    -------
    numpy.ndarray
        q_ab / (p_a p_b), shape ``(20, 20)``, in the order of ``residues.RESIDUES``.

    References
    ----------
    .. [1] henikoff1992blosum

    Examples
    --------
    >>> from tumorboard.immunotherapy.residues import RESIDUES
    >>> float(blosum62_odds()[RESIDUES.index("W"), RESIDUES.index("W")].round(2))
    38.11
    """
    path = files(__package__) / "tables" / "blosum62_joint" / "joint_probabilities.csv"
    _, *rows = path.read_text(encoding="utf-8").split()
    joint = np.array([row.split(",") for row in rows], np.float64)
    share = joint.sum(axis=1)
    odds: NDArray[np.float64] = joint / np.outer(share, share)
    odds.flags.writeable = False
    return odds


@cache
def blosum62_scores() -> NDArray[np.int64]:
    """Return the scores of BLOSUM62, in half bits.

    Returns
    -------
    numpy.ndarray
        Shape ``(21, 21)``, in the order of ``residues.RESIDUES``; the last row and column are of other
        letters, which no alignment goes through.

    References
    ----------
    .. [1] henikoff1992blosum

    Examples
    --------
    >>> from tumorboard.immunotherapy.residues import RESIDUES
    >>> int(blosum62_scores()[RESIDUES.index("W"), RESIDUES.index("W")])
    11
    """
    scores = np.full((OTHER + 1, OTHER + 1), _FORBIDDEN, np.int64)
    scores[:OTHER, :OTHER] = np.rint(2.0 * np.log2(blosum62_odds()))
    scores.flags.writeable = False
    return scores
