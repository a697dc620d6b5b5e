"""Peptides as rows of residue numbers, for kernels that take one row a peptide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.residues import residue_codes

__all__ = ["peptide_rows"]


def peptide_rows(
    peptides: Sequence[str], *, shortest: int, longest: int, mhc_class: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the residues of peptides, one row each, filled up by zeros.

    Parameters
    ----------
    peptides
        Of the twenty residues, capitals.
    shortest, longest
        Lengths that are taken.
    mhc_class
        What messages call the class.

    Returns
    -------
    tuple of numpy.ndarray
        Codes, shape ``(n, longest)``, and the peptides' lengths, shape ``(n,)``.

    Raises
    ------
    InputError
        When a peptide is shorter or longer, or has another letter.

    Examples
    --------
    >>> rows, lengths = peptide_rows(["ACDE", "ACD"], shortest=3, longest=4, mhc_class="I")
    >>> rows.tolist(), lengths.tolist()
    ([[0, 1, 2, 3], [0, 1, 2, 0]], [4, 3])
    """
    lengths = np.array([len(peptide) for peptide in peptides], np.int64)
    wrong = np.flatnonzero((lengths < shortest) | (lengths > longest))
    if wrong.size:
        peptide = peptides[int(wrong[0])]
        raise InputError(
            f"peptides for class {mhc_class} must have {shortest} to {longest} residues; got {peptide!r} "
            f"with {len(peptide)}; leave it out, or cut windows of these lengths"
        )
    codes, starts = residue_codes(peptides)
    rows = np.zeros((len(peptides), longest), np.uint8)
    places = np.arange(longest)
    inside = places < lengths[:, None]
    rows[inside] = codes  # both run peptide by peptide, residue by residue
    assert int(starts[-1]) == len(codes)  # noqa: S101 - what the line above rests on
    return rows, lengths
