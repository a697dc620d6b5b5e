"""What peptides look like that the targets' molecules present, for logos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule
from tumorboard.immunotherapy.residues import RESIDUES, residue_codes
from tumorboard.workflows.immunotherapy.anchors import random_windows
from tumorboard.workflows.immunotherapy.presentation import Model
from tumorboard.workflows.immunotherapy.result import Target

__all__ = ["TargetMotif", "motifs_of"]

_MOST: Final = 4
_SEARCHED: Final = 5000
_BEST: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class TargetMotif:
    """How often each residue stands at each place of a molecule's best peptides.

    Parameters
    ----------
    target
        The best one that is presented so.
    frequency
        Shares, shape ``(length, 20)``; rows sum to 1.
    letters
        Of the columns.
    peptides
        How many it is made of.
    """

    target: Target
    frequency: NDArray[np.float64]
    letters: str
    peptides: int


def motifs_of(
    targets: Sequence[Target], model: Model, proteins: Sequence[str], *, threads: int
) -> tuple[TargetMotif, ...]:
    """Return motifs of the molecules that present the first targets of class I, each with its best target.

    The best 100 of 5,000 random peptides of the proteins by presentation score.

    Parameters
    ----------
    targets
        Best first.
    model
        Of class I.
    proteins
        Of standard residues.
    threads
        At most.
    """
    first: dict[str, Target] = {}
    for target in targets:
        if target.mhc_class == "I" and len(first) < _MOST:
            first.setdefault(target.allele, target)
    found = []
    for allele, target in first.items():
        length = len(target.peptide)
        peptides = random_windows(proteins, length, _SEARCHED)
        if not peptides:
            continue
        table = model.predict(peptides, (HlaMolecule.named(allele),), threads=threads)
        best = np.argsort(-table.presentation[:, 0], kind="stable")[:_BEST]
        codes = residue_codes([peptides[k] for k in best])[0].reshape(-1, length)
        counts = np.stack([np.bincount(column, minlength=len(RESIDUES)) for column in codes.T])
        found.append(TargetMotif(target, counts / len(best), RESIDUES, len(best)))
    return tuple(found)
