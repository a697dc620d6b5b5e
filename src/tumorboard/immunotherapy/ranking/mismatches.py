"""Residues in which a peptide differs from its counterpart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking._pairs import as_pairs

__all__ = ["mismatches", "mutated_positions"]


def mutated_positions(mutant: str, wild_type: str) -> tuple[int, ...]:
    """Return the positions, from 0, at which a peptide differs from its counterpart of the same length.

    Parameters
    ----------
    mutant, wild_type
        Residues, one letter each.

    Returns
    -------
    tuple of int
        In order.

    Raises
    ------
    InputError
        When the lengths differ.

    Examples
    --------
    >>> mutated_positions("HIQDLYTVL", "RIQDLYTVL")
    (0,)
    """
    if len(mutant) != len(wild_type):
        raise InputError(
            f"wild_type must be as long as {mutant!r}; got {wild_type!r}; give None when it has none"
        )
    return tuple(k for k, (a, b) in enumerate(zip(mutant, wild_type, strict=True)) if a != b)


def mismatches(mutants: Sequence[str], wild_types: Sequence[str | None]) -> NDArray[np.float64]:
    """Return in how many residues each peptide differs from its counterpart.

    Parameters
    ----------
    mutants, wild_types
        Peptides and their counterparts of the same lengths; ``None`` where there is none.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``; NaN without a counterpart.

    Raises
    ------
    InputError
        When a counterpart has another length, or there are not as many.

    Examples
    --------
    >>> mismatches(["HIQDLYTVL", "AAAAAAAAA"], ["RIQDLYTVL", None]).tolist()
    [1.0, nan]
    """
    kept, own, normal = as_pairs(mutants, wild_types)
    found = np.full(len(mutants), np.nan)
    found[kept] = [len(mutated_positions(a, b)) for a, b in zip(own, normal, strict=True)]
    return found
