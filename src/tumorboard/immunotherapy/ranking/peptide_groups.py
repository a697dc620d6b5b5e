"""Peptides that are of one mutation or alike enough to tell each other's answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["groups_by_shared_words"]


def groups_by_shared_words(peptides: Sequence[str], *, word: int) -> NDArray[np.int64]:
    """Put peptides into one group that share a word, directly or through others.

    Windows of one mutation overlap, and so do those of one mutation in several patients. A model that has
    seen one of them knows the others: they have to be on the same side of a split.

    Parameters
    ----------
    peptides
        Residues; a peptide shorter than a word is its own word.
    word
        Length of the shared word in residues; 8 is usual for class I, 9 for class II.

    Returns
    -------
    numpy.ndarray
        Number of each peptide's group, from 0 in the order of the peptides, shape ``(n,)``.

    Raises
    ------
    InputError
        When the word is shorter than 1.

    Examples
    --------
    >>> groups_by_shared_words(["AAAACDEFG", "AAACDEFGH", "WWWWWWWWW"], word=8).tolist()
    [0, 0, 1]
    """
    if word < 1:
        raise InputError(f"word must have 1 residue or more; got {word}")
    parent = list(range(len(peptides)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    first: dict[str, int] = {}
    for n, peptide in enumerate(peptides):
        for k in range(max(1, len(peptide) - word + 1)):
            a, b = root(first.setdefault(peptide[k : k + word], n)), root(n)
            parent[max(a, b)] = min(a, b)
    roots = np.array([root(n) for n in range(len(peptides))], np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)
