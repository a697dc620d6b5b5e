"""How much a peptide resembles what T cells are known to have recognised in pathogens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking._kernels.local_alignment import similarity_sums
from tumorboard.immunotherapy.ranking._pairs import same_shape
from tumorboard.immunotherapy.ranking.alignment_sum import GAP_EXTENSION, GAP_OPENING, alignment_weights
from tumorboard.immunotherapy.ranking.substitution import blosum62_scores
from tumorboard.immunotherapy.residues import residue_codes

__all__ = ["FOREIGNNESS_MIDPOINT", "foreignness", "recognition_potential"]

#: a of the paper, fitted there to survival under checkpoint blockade.
FOREIGNNESS_MIDPOINT = 26


def foreignness(peptides: Sequence[str], epitopes: Sequence[str]) -> NDArray[np.float64]:
    """Return R / (1 + R), with R the sum of exp(-k (26 - s)) over epitopes and s their alignment's score.

    The paper calls it the probability of recognition. Local alignment as for
    :func:`~tumorboard.immunotherapy.ranking.dissimilarity.dissimilarity`, in full and with gaps of any width.

    Parameters
    ----------
    peptides
        Standard residues.
    epitopes
        Of pathogens, that T cells recognised (the paper: IEDB's positive ones of infectious diseases in
        people); a list of the user, since none is free to ship.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, 0 to 1.

    Raises
    ------
    InputError
        When there are no epitopes, or a residue is not standard.

    References
    ----------
    .. [1] luksza2017fitness

    Examples
    --------
    >>> foreignness(["NLVPMVATV", "NLVPKVATV", "HIQDLYTVL"], ["NLVPMVATV"]).round(3).tolist()
    [1.0, 1.0, 0.0]
    """
    if not len(epitopes):
        raise InputError(
            "epitopes must be one or more peptides of pathogens; got none; leave the feature out"
        )
    codes, starts = residue_codes(peptides)
    texts, text_starts = residue_codes(epitopes, "epitopes")
    longest = int(np.diff(starts).max(initial=0))
    sums = np.empty(len(peptides))
    similarity_sums(
        codes, starts, texts, text_starts, blosum62_scores(), GAP_OPENING, GAP_EXTENSION,
        alignment_weights(longest, FOREIGNNESS_MIDPOINT), sums,
    )  # fmt: skip
    return 1.0 - 1.0 / (1.0 + sums)


def recognition_potential(amplitude: ArrayLike, foreignness: ArrayLike) -> NDArray[np.float64]:
    """Return the product of amplitude and foreignness, the fitness model's score of a neoantigen.

    Parameters
    ----------
    amplitude, foreignness
        Of the same peptides, of one shape.

    Returns
    -------
    numpy.ndarray
        Of the shape given. NeoFox gives it for 9-mers that bind below 500 nM.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    .. [1] luksza2017fitness

    Examples
    --------
    >>> recognition_potential([1.4599], [0.99994]).round(4).tolist()
    [1.4598]
    """
    gain, likeness = same_shape(amplitude=amplitude, foreignness=foreignness)
    return gain * likeness
