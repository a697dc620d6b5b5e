"""How alike a peptide is to its counterpart, as a whole and where T cells look."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tumorboard.immunotherapy.ranking._kernels.string_kernel import normalised_similarity
from tumorboard.immunotherapy.ranking._pairs import as_pairs
from tumorboard.immunotherapy.ranking.exposed_residues import exposed_residues
from tumorboard.immunotherapy.ranking.substitution import blosum62_odds
from tumorboard.immunotherapy.residues import residue_codes

__all__ = ["exposed_similarity", "self_similarity"]

#: Exponent of the odds, of the paper.
_BETA = 0.11387


@cache
def _likeness() -> NDArray[np.float64]:
    return blosum62_odds() ** _BETA


def self_similarity(mutants: Sequence[str], wild_types: Sequence[str | None]) -> NDArray[np.float64]:
    """Return the similarity of peptides and their counterparts by the string kernel on BLOSUM62.

    The likeness of two residues is (q_ab / (p_a p_b))**0.11387, that of two substrings of one length the
    product of their residues', and the similarity the sum over all such pairs, divided by the root of each
    peptide's with itself.

    Parameters
    ----------
    mutants, wild_types
        Peptides and their counterparts, of any lengths; ``None`` where there is none.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, 1 for equal ones; NaN without a counterpart. NeoFox has it for conserved binders only.

    Raises
    ------
    InputError
        When a residue is not standard, or there are not as many counterparts.

    References
    ----------
    .. [1] shen2012kernel
    .. [2] bjerregaard2017natural

    Examples
    --------
    >>> self_similarity(["HIQDLYTVL", "HIQDLYTVL"], ["RIQDLYTVL", "HIQDLYTVL"]).round(4).tolist()
    [0.9789, 1.0]
    """
    kept, own, normal = as_pairs(mutants, wild_types)
    found = np.full(len(mutants), np.nan)
    values = np.empty(kept.size)
    normalised_similarity(
        *residue_codes(own, "mutants"), *residue_codes(normal, "wild_types"), _likeness(), values
    )
    found[kept] = values
    return found


def exposed_similarity(mutants: Sequence[str], wild_types: Sequence[str | None]) -> NDArray[np.float64]:
    """Return :func:`self_similarity` of the residues that face the T cell's receptor alone.

    It is 1 where the mutation lies at an anchor: then the receptor sees what it was taught to bear, unless
    the counterpart is not presented.

    Parameters
    ----------
    mutants, wild_types
        Peptides of 8 residues or more and their counterparts; ``None`` where there is none.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``; NaN without a counterpart.

    Raises
    ------
    InputError
        When a residue is not standard, a peptide is too short, or there are not as many counterparts.

    References
    ----------
    .. [1] shen2012kernel

    Examples
    --------
    >>> exposed_similarity(["HIQDLYTVL", "RIQDKYTVL"], ["RIQDLYTVL", "RIQDLYTVL"]).round(3).tolist()
    [1.0, 0.943]
    """
    kept, own, normal = as_pairs(mutants, wild_types)
    found = np.full(len(mutants), np.nan)
    found[kept] = self_similarity([exposed_residues(p) for p in own], [exposed_residues(p) for p in normal])
    return found
