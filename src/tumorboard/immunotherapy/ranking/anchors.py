"""Where a molecule holds its peptides, and whether a mutation lies there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.residues import RESIDUES

__all__ = [
    "AnchorProfile",
    "anchor_profile",
    "anchors_by_rule",
    "mutated_at_anchors_only",
]


def anchors_by_rule(length: int) -> tuple[int, ...]:
    """Return the positions, from 0, that most class I molecules hold: the second and the last.

    Parameters
    ----------
    length
        Residues of the peptide.

    Returns
    -------
    tuple of int
        Two positions.

    Raises
    ------
    InputError
        When the length is below 8.

    References
    ----------
    .. [1] lang2021neofox

    Examples
    --------
    >>> anchors_by_rule(9)
    (1, 8)
    """
    if length < 8:
        raise InputError(f"length must be 8 residues or more, of class I; got {length}")
    return 1, length - 1


def mutated_at_anchors_only(mutated: Collection[int], anchors: Collection[int]) -> bool:
    """Whether all mutated positions are anchors, so that T cells see the counterpart's face.

    Such a peptide is a target only where its counterpart is not presented; look at its agretopicity.

    Parameters
    ----------
    mutated, anchors
        Positions from 0.

    Returns
    -------
    bool
        False where no position is mutated.

    References
    ----------
    .. [1] xia2023anchors

    Examples
    --------
    >>> mutated_at_anchors_only({8}, anchors_by_rule(9)), mutated_at_anchors_only({4, 8}, anchors_by_rule(9))
    (True, False)
    """
    return len(mutated) > 0 and set(mutated) <= set(anchors)


@dataclass(frozen=True, slots=True, eq=False)
class AnchorProfile:
    """How much each position of a molecule's peptides matters for binding.

    Parameters
    ----------
    allele
        Its name.
    shares
        Of all changes of binding by exchanges, by position, shape ``(length,)``, sum 1.
    """

    allele: str
    shares: NDArray[np.float64]

    def anchors(self, share: float) -> tuple[int, ...]:
        """Return the fewest positions, from 0, that together make a share of the changes.

        Parameters
        ----------
        share
            Above 0, up to 1. Half gives two or three anchors with the predictor that ships; pVACview takes
            0.8 of other predictors' scores.

        Returns
        -------
        tuple of int
            In order.

        Raises
        ------
        InputError
            When the share is not above 0 and up to 1.
        """
        if not 0.0 < share <= 1.0:
            raise InputError(f"share must be above 0 and up to 1; got {share:g}")
        order = np.argsort(-self.shares, kind="stable")
        enough = int(np.searchsorted(np.cumsum(self.shares[order]), share - 1e-12)) + 1
        return tuple(sorted(int(k) for k in order[:enough]))


def anchor_profile(
    allele: str, binders: Sequence[str], log_affinity: Callable[[Sequence[str]], NDArray[np.float64]]
) -> AnchorProfile:
    """Exchange each residue of some binders for each other one, and see where that changes binding.

    Parameters
    ----------
    allele
        Name of the molecule.
    binders
        Peptides of one length that the molecule binds, ten or more for a stable answer.
    log_affinity
        Gives peptides' logarithm of affinity to the molecule, shape ``(n,)``, of any base.

    Returns
    -------
    AnchorProfile
        Mean absolute changes, as shares.

    Raises
    ------
    InputError
        When there are no binders, or their lengths differ.

    References
    ----------
    .. [1] xia2023anchors

    Examples
    --------
    >>> def second_and_last(peptides):
    ...     return np.array([RESIDUES.index(p[1]) + RESIDUES.index(p[-1]) for p in peptides], float)
    >>> anchor_profile("HLA-A*00:00", ["ALAAAAAAV", "GLGGGGGGL"], second_and_last).anchors(0.8)
    (1, 8)
    """
    lengths = {len(peptide) for peptide in binders}
    if len(lengths) != 1:
        raise InputError(f"binders must be peptides of one length; got lengths {sorted(lengths)}")
    length = lengths.pop()
    exchanged = [p[:k] + residue + p[k + 1 :] for p in binders for k in range(length) for residue in RESIDUES]
    values = np.asarray(log_affinity(exchanged), np.float64).reshape(len(binders), length, len(RESIDUES))
    own = np.asarray(log_affinity(binders), np.float64)
    change = np.abs(values - own[:, None, None]).mean(axis=(0, 2))
    total = change.sum()
    shares = change / total if total > 0 else np.full(length, 1.0 / length)
    shares.flags.writeable = False
    return AnchorProfile(allele, shares)
