"""The twenty residues as numbers, so that kernels can count with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["OTHER", "RESIDUES", "join_codes", "residue_codes"]

#: The standard residues in the order of their codes, 0 to 19.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
#: Code of any other letter, and of the gap between two joined sequences: it matches nothing.
OTHER = len(RESIDUES)
_BEFORE = 4

_CODE = np.full(256, OTHER, np.uint8)
_CODE[np.frombuffer(RESIDUES.encode("ascii"), np.uint8)] = np.arange(OTHER)


def residue_codes(
    peptides: Sequence[str], name: str = "peptides"
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the residues of peptides as codes, one after the other.

    Parameters
    ----------
    peptides
        Of standard residues, one letter each, capitals; an empty one has no residues.
    name
        What messages call them.

    Returns
    -------
    tuple of numpy.ndarray
        Codes, shape ``(n_residues,)``, and where each peptide starts among them, shape ``(n_peptides + 1,)``.

    Raises
    ------
    InputError
        When a peptide holds another letter.

    Examples
    --------
    >>> codes, starts = residue_codes(["ACD", "Y"])
    >>> codes.tolist(), starts.tolist()
    ([0, 1, 2, 19], [0, 3, 4])
    """
    starts = np.zeros(len(peptides) + 1, np.int64)
    np.cumsum([len(peptide) for peptide in peptides], out=starts[1:])
    codes = _CODE[np.frombuffer("".join(peptides).encode("latin-1", "replace"), np.uint8)]
    wrong = np.flatnonzero(codes == OTHER)
    if wrong.size:
        which = int(np.searchsorted(starts, wrong[0], side="right")) - 1
        letter = peptides[which][int(wrong[0] - starts[which])]
        raise InputError(
            f"{name} must be of the residues {RESIDUES}, in capitals; got {letter!r} in {peptides[which]!r}; "
            "leave it out or replace the letter"
        )
    return codes, starts


def join_codes(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the residues of proteins as codes, with a gap of ``OTHER`` after each, and four before all.

    The four are for words of five that begin before the first residue.

    Letters that are none of the twenty (X, U, a stop) become ``OTHER`` as well.

    Parameters
    ----------
    sequences
        Of proteins, capitals.

    Returns
    -------
    tuple of numpy.ndarray
        Codes, shape ``(4 + n_residues + n_sequences,)``, and where each sequence starts among them, with the
        end of the last gap, shape ``(n_sequences + 1,)``.

    Examples
    --------
    >>> codes, starts = join_codes(["AX", "Y"])
    >>> codes.tolist(), starts.tolist()
    ([20, 20, 20, 20, 0, 20, 20, 19, 20], [4, 7, 9])
    """
    starts = np.cumsum([_BEFORE, *(len(sequence) + 1 for sequence in sequences)])
    text = "." * _BEFORE + "".join(f"{sequence}." for sequence in sequences)
    return _CODE[np.frombuffer(text.encode("latin-1", "replace"), np.uint8)], starts
