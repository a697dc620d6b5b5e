"""How unlike everything in the normal proteome a peptide is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.ranking._kernels.proteome_alignment import proteome_sums
from tumorboard.immunotherapy.ranking.alignment_sum import GAP_EXTENSION, GAP_OPENING, alignment_weights
from tumorboard.immunotherapy.ranking.substitution import blosum62_scores
from tumorboard.immunotherapy.residues import residue_codes

__all__ = ["DISSIMILARITY_MIDPOINT", "dissimilarity"]

#: a of the paper's partition function, found there on the human proteome.
DISSIMILARITY_MIDPOINT = 32
#: Scores from which alignments are looked for. First those of which one is enough; last those of which a
#: hundred of one less would weigh 5e-5.
_LEVELS = DISSIMILARITY_MIDPOINT + np.array([8, 3, -2])
#: Beyond this sum the dissimilarity is below 1e-6, and the rest of the proteome is not looked at.
_ENOUGH = 1e6
#: Widest gap in residues.
_WIDEST = 3
_SHORTEST, _LONGEST = 8, 15


def dissimilarity(peptides: Sequence[str], proteome: ProteomeIndex) -> NDArray[np.float64]:
    """Return 1 / (1 + R), with R the sum of exp(-k (32 - s)) over proteins and s their best local alignment.

    One better match than score 34 brings it to 0, and so does any counterpart with one residue exchanged in
    most peptides: it tells peptides of frameshifts, fusions and unlike exchanges from the rest.

    Alignments are local, with BLOSUM62, a gap of n residues costs 11 + (n - 1). None of score 30 or more is
    missed that has no gap or one of up to three residues, unless its weight is less than a millionth of the
    sum. The paper took BLAST's list, which misses some, and counted a protein as often as BLAST lists it.

    Parameters
    ----------
    peptides
        8 to 15 residues.
    proteome
        Of normal proteins, all of them: a part makes peptides look foreign.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, 0 (like self) to 1.

    Raises
    ------
    InputError
        When a peptide is shorter or longer, or a residue not standard.

    References
    ----------
    .. [1] richman2019dissimilarity

    Examples
    --------
    >>> proteome = ProteomeIndex.of(["MSSSPTRSLMK"])
    >>> dissimilarity(["SSSPTRSLM", "SSSPTCSLM", "WWGDEGWCD"], proteome).round(6).tolist()
    [0.0, 5.9e-05, 1.0]
    """
    wrong = [p for p in peptides if not _SHORTEST <= len(p) <= _LONGEST]
    if wrong:
        raise InputError(
            f"peptides must have {_SHORTEST} to {_LONGEST} residues; got {wrong[0]!r} with {len(wrong[0])}"
        )
    return 1.0 / (1.0 + _proteome_sums(peptides, proteome, _LEVELS, _ENOUGH))


def _proteome_sums(
    peptides: Sequence[str], proteome: ProteomeIndex, levels: NDArray[np.int64], enough: float
) -> NDArray[np.float64]:
    codes, starts = residue_codes(peptides)
    n_proteins = proteome.protein_starts.size - 1
    scores = blosum62_scores()
    sums = np.empty(len(peptides))
    proteome_sums(
        (proteome.codes, proteome.protein_starts, proteome.word_starts, proteome.positions),
        codes,
        starts,
        scores,
        np.argsort(-scores, axis=1, kind="stable"),
        (GAP_OPENING, GAP_EXTENSION, _WIDEST),
        levels,
        alignment_weights(_LONGEST, DISSIMILARITY_MIDPOINT),
        enough,
        np.zeros(n_proteins, np.int64),
        np.zeros(n_proteins, np.int64),
        sums,
    )
    return sums
