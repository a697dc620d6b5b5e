"""Class II molecules as sums of their chains' vectors, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaAllele, HlaMolecule
from tumorboard.errors import InputError

__all__ = ["Class2Molecules", "Knowledge", "MoleculeParts"]

#: Pairs below which a molecule's own correction is worth little.
_FEW = 50
_SHOWN = 8


class Knowledge(IntEnum):
    """What a prediction for a molecule rests on, best first."""

    MEASURED = 0
    CHAINS = 1
    RESIDUES = 2
    GROUP = 3


@dataclass(frozen=True, slots=True)
class MoleculeParts:
    """Where a molecule's vector comes from.

    Parameters
    ----------
    chains
        Rows of its chains among the stored ones.
    own
        Row of its own correction, or -1.
    knowledge
        What the prediction rests on.
    note
        Empty, or why it is an extrapolation.
    """

    chains: tuple[int, ...]
    own: int
    knowledge: Knowledge
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Class2Molecules:
    """Chains, groups and molecules by name.

    Parameters
    ----------
    chains
        Names of chains (``"DRB1*04:05"``) and of groups (``"DRB1*04"``).
    chain_pairs
        Measured peptides of molecules with that chain, shape ``(c,)``; 0 where only its residues are known.
    own
        Names of the measured molecules (``"DRB1*04:05"``, ``"DQA1*05:01-DQB1*02:01"``).
    own_pairs
        Measured peptides of each, shape ``(o,)``.
    """

    chains: tuple[str, ...]
    chain_pairs: NDArray[np.int64]
    own: tuple[str, ...]
    own_pairs: NDArray[np.int64]

    def parts(self, molecule: HlaMolecule) -> MoleculeParts:
        """Return what a molecule is put together from.

        Parameters
        ----------
        molecule
            Of class II.

        Raises
        ------
        InputError
            When neither a chain nor its group is known.
        """
        alleles = [molecule.beta] if molecule.alpha is None else [molecule.alpha, molecule.beta]
        rows, levels, notes = [], [], []
        for allele in alleles:
            row, level, note = self._chain(allele)
            rows.append(row)
            levels.append(level)
            notes.append(note)
        name = "-".join(allele.short for allele in alleles)
        if name in self.own:
            own = self.own.index(name)
            count = int(self.own_pairs[own])
            few = f"trained on only {count} measured peptides" if count < _FEW else ""
            return MoleculeParts(tuple(rows), own, Knowledge.MEASURED, few)
        worst = max(levels)
        if worst is Knowledge.CHAINS:
            note = "these chains were not measured together; put together from each one's other pairs"
            return MoleculeParts(tuple(rows), -1, worst, note)
        return MoleculeParts(tuple(rows), -1, worst, "; ".join(note for note in notes if note))

    def knows(self, molecule: HlaMolecule) -> bool:
        """Return whether `parts` finds the molecule."""
        try:
            self.parts(molecule)
        except InputError:
            return False
        return True

    def _chain(self, allele: HlaAllele) -> tuple[int, Knowledge, str]:
        """Return row, knowledge and note of a chain, or of its group."""
        name = f"{allele.locus}*{allele.group}:{allele.protein}"  # how much is expressed does not matter here
        if name in self.chains:
            row = self.chains.index(name)
            if self.chain_pairs[row]:
                return row, Knowledge.CHAINS, ""
            note = f"{name} was not trained on; put together from the residues that touch the peptide"
            return row, Knowledge.RESIDUES, note
        group = name.partition(":")[0]
        if group in self.chains:
            note = f"{name} was not trained on; taken as the mean of the trained chains of {group}"
            return self.chains.index(group), Knowledge.GROUP, note
        near = [other for other in self.chains if other.startswith(f"{allele.locus}*") and ":" in other]
        shown = ", ".join(near[:_SHOWN]) if near else "DRB1, DRB3 to DRB5, DQ and DP chains"
        raise InputError(
            f"molecules for class II must have chains of known groups; got {name}; known are {shown}; "
            "name one of these, or leave it out"
        )
