"""The nine residues of a class II peptide that lie in the groove, and every place they may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding._kernels.core_scores import CORE, FLANK

__all__ = ["core_places", "core_sequence"]


def core_places(peptide: str) -> tuple[tuple[str, str, str], ...]:
    """Return every core that a peptide may bind by, with what lies beside it.

    The groove is open at both ends: any nine residues in a row may lie in it [stern1994crystal], and up to
    three residues on either side touch its ends.

    Parameters
    ----------
    peptide
        Nine residues or more.

    Returns
    -------
    tuple of (str, str, str)
        For each core, first to last: up to three residues before it, the core, up to three after it.

    Raises
    ------
    InputError
        When the peptide is shorter than a core.

    Examples
    --------
    >>> core_places("PKYVKQNTLKLAT")[2]
    ('PK', 'YVKQNTLKL', 'AT')
    """
    if len(peptide) < CORE:
        raise InputError(
            f"peptide must have {CORE} residues at least to have a core; got {peptide!r}; leave it out"
        )
    return tuple(
        (
            peptide[max(0, start - FLANK) : start],
            peptide[start : start + CORE],
            peptide[start + CORE : start + CORE + FLANK],
        )
        for start in range(len(peptide) - CORE + 1)
    )


def core_sequence(peptide: str, offset: int) -> str:
    """Return the core that starts at an offset.

    Parameters
    ----------
    peptide
        Nine residues or more.
    offset
        Of the core's first residue, from 0.

    Raises
    ------
    InputError
        When no core starts there.

    Examples
    --------
    >>> core_sequence("PKYVKQNTLKLAT", 2)
    'YVKQNTLKL'
    """
    places = core_places(peptide)
    if not 0 <= offset < len(places):
        raise InputError(
            f"offset of a core of {peptide!r} must be 0 to {len(places) - 1}; got {offset}; "
            "take it from the prediction for this peptide"
        )
    return places[offset][1]


def best_cores(by_core: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the offset of the core with the highest summed score, the first of equals.

    Parameters
    ----------
    by_core
        Scores, shape ``(n, m, cores)``; entries past a peptide's last core are ignored.
    lengths
        Of the peptides, shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, m)``.
    """
    cores = np.arange(by_core.shape[2]) < (lengths - CORE + 1)[:, None]
    return np.asarray(np.where(cores[:, None], by_core, -np.inf).argmax(axis=2), np.int16)
