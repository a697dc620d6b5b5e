"""Which residues, and where, T cells have answered: the score of Calis and others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.residues import RESIDUES, residue_codes

__all__ = ["DEFAULT_MASK", "calis_immunogenicity", "calis_mask"]

#: Log enrichment of residues among immunogenic peptides.
_ENRICHMENT = dict(
    A=0.127, C=-0.175, D=0.072, E=0.325, F=0.380, G=0.110, H=0.105, I=0.432, K=-0.700, L=-0.036,
    M=-0.570, N=-0.021, P=-0.036, Q=-0.376, R=0.168, S=-0.537, T=0.126, V=0.134, W=0.719, Y=-0.012,
)  # fmt: skip
_LOG_ENRICHMENT = np.array([_ENRICHMENT[residue] for residue in RESIDUES])
#: Importance of the positions of a 9-mer.
_IMPORTANCE = np.array([0.0, 0.0, 0.10, 0.31, 0.30, 0.29, 0.26, 0.18, 0.0])
#: Where longer peptides are stretched: their middle counts as the fifth position does.
_MIDDLE = 5
_SHORTEST = 8
#: Left out where a molecule is not listed: the first, the second and the last position, the last as -1.
DEFAULT_MASK = (0, 1, -1)
#: Anchors that IEDB's tool knows, from 0, counted in a 9-mer. They stay where they are in shorter and longer
#: peptides: the last residue of an 8-mer counts then.
_LISTED = {
    (
        0,
        1,
        8,
    ): "A*02:01 A*02:02 A*02:03 A*02:06 A*02:11 A*03:01 A*11:01 A*26:01 A*31:01 A*32:01 A*33:01 A*68:01 "
    "A*68:02 A*69:01 B*07:02 B*15:01 B*15:02 B*18:01 B*35:01 B*39:01 B*40:01 B*40:02 B*45:01 B*46:01 B*51:01 "
    "B*53:01 B*54:01 B*57:01 B*58:01",
    (0, 2, 8): "A*30:01",
    (1, 2, 8): "A*01:01 B*27:05 B*44:02 B*44:03",
    (1, 4, 8): "B*08:01",
    (1, 6, 8): "A*23:01 A*24:02 A*29:02 A*30:02",
}
_MASKS = {f"HLA-{name}": mask for mask, names in _LISTED.items() for name in names.split()}


def calis_mask(allele: str) -> tuple[int, ...]:
    """Return the positions that a molecule's anchors leave out of the score.

    Parameters
    ----------
    allele
        As ``"HLA-A*24:02"``.

    Returns
    -------
    tuple of int
        From 0, the last as -1; ``DEFAULT_MASK`` for a molecule that IEDB's tool does not list.

    References
    ----------
    .. [1] calis2013immunogenicity

    Examples
    --------
    >>> calis_mask("HLA-C*07:01"), calis_mask("HLA-A*24:02")
    ((0, 1, -1), (1, 6, 8))
    """
    return _MASKS.get(allele, DEFAULT_MASK)


def calis_immunogenicity(
    peptides: Sequence[str], masks: Sequence[Collection[int]] | None = None
) -> NDArray[np.float64]:
    """Return the sum of residues' log enrichment by the importance of their positions.

    Positions 4 to 6 count most. In a peptide longer than nine the middle is stretched; a shorter one loses
    its last importances.

    Parameters
    ----------
    peptides
        8 residues or more, of class I.
    masks
        Of each peptide, the positions to leave out (see :func:`calis_mask`); ``None`` takes ``DEFAULT_MASK``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``; above 0 for residues that immunogenic peptides have more often.

    Raises
    ------
    InputError
        When a peptide is too short, a residue is not standard, or masks are not as many.

    References
    ----------
    .. [1] calis2013immunogenicity

    Examples
    --------
    >>> calis_immunogenicity(["HIQDLYTVL"]).round(5).tolist()
    [0.02732]
    """
    if masks is not None and len(masks) != len(peptides):
        raise InputError(f"masks must be as many as peptides, {len(peptides)}; got {len(masks)}")
    codes, starts = residue_codes(peptides)
    scores = np.zeros(len(peptides))
    for n, peptide in enumerate(peptides):
        length = len(peptide)
        if length < _SHORTEST:
            raise InputError(f"peptides must have {_SHORTEST} residues or more; got {peptide!r}")
        importance = np.insert(_IMPORTANCE, _MIDDLE, np.full(max(0, length - 9), 0.30))[:length]
        for position in DEFAULT_MASK if masks is None else masks[n]:
            if position < length:
                importance[position] = 0.0
        scores[n] = importance @ _LOG_ENRICHMENT[codes[starts[n] : starts[n + 1]]]
    return scores
