"""Which residues of a class I peptide face the T cell's receptor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.residues import RESIDUES, residue_codes

__all__ = ["exposed_hydrophobicity", "exposed_residues", "mean_hydropathy"]

#: Residues at the ends that point into the groove: three at the first, one at the last.
_FIRST, _LAST = 3, 1
_SHORTEST = 8
#: Kyte and Doolittle's hydropathy.
_HYDROPATHY = dict(
    A=1.8, C=2.5, D=-3.5, E=-3.5, F=2.8, G=-0.4, H=-3.2, I=4.5, K=-3.9, L=3.8,
    M=1.9, N=-3.5, P=-1.6, Q=-3.5, R=-4.5, S=-0.8, T=-0.7, V=4.2, W=-0.9, Y=-1.3,
)  # fmt: skip
_SCALE = np.array([_HYDROPATHY[residue] for residue in RESIDUES])


def exposed_residues(peptide: str) -> str:
    """Return the residues from the fourth to the one before the last.

    Positions 1 to 3 and the last point into the groove or lie flat on it, in most structures. Where the
    anchors of a molecule lie elsewhere (B*08:01 holds the fifth), this rule does not know.

    Parameters
    ----------
    peptide
        8 residues or more, of class I.

    Returns
    -------
    str
        The middle of the peptide.

    Raises
    ------
    InputError
        When the peptide is shorter than 8 residues.

    References
    ----------
    .. [1] calis2013immunogenicity

    Examples
    --------
    >>> exposed_residues("HIQDLYTVL")
    'DLYTV'
    """
    if len(peptide) < _SHORTEST:
        raise InputError(f"peptide must have {_SHORTEST} residues or more, of class I; got {peptide!r}")
    return peptide[_FIRST : len(peptide) - _LAST]


def mean_hydropathy(peptides: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean hydropathy of all residues of each peptide.

    Parameters
    ----------
    peptides
        One standard residue or more.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, -4.5 (arginine) to 4.5 (isoleucine).

    Raises
    ------
    InputError
        When a peptide is empty or a residue not standard.

    References
    ----------
    .. [1] kyte1982hydropathy

    Examples
    --------
    >>> mean_hydropathy(["RI", "IV"]).round(3).tolist()
    [0.0, 4.35]
    """
    codes, starts = residue_codes(peptides)
    if not peptides:
        return np.zeros(0)
    lengths = np.diff(starts)
    if not lengths.all():
        raise InputError("peptides must have one residue or more; got ''")
    return np.asarray(np.add.reduceat(_SCALE[codes], starts[:-1]) / lengths)


def exposed_hydrophobicity(peptides: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean hydropathy (Kyte and Doolittle) of the residues that face the receptor.

    Parameters
    ----------
    peptides
        8 residues or more, of class I.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, -4.5 (arginine) to 4.5 (isoleucine).

    Raises
    ------
    InputError
        When a peptide is too short or a residue not standard.

    References
    ----------
    .. [1] chowell2015hydrophobicity
    .. [2] kyte1982hydropathy

    Examples
    --------
    >>> exposed_hydrophobicity(["HIQDLYTVL"]).round(3).tolist()
    [0.5]
    """
    return mean_hydropathy([exposed_residues(peptide) for peptide in peptides])
