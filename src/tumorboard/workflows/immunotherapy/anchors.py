"""Which residues hold a peptide in each of a case's molecules, found with the predictor itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.immunotherapy.ranking.anchors import anchor_profile
from tumorboard.workflows.immunotherapy.presentation import Model

__all__ = ["AnchorTable", "random_windows"]

#: Peptides that a molecule's anchors are looked for among, and how many of them are exchanged.
_SEARCHED: Final = 1000
_BINDERS: Final = 10
_SEED: Final = 20_261_128


def random_windows(proteins: Sequence[str], length: int, count: int) -> list[str]:
    """Return peptides from random places of proteins, the same for the same proteins.

    Parameters
    ----------
    proteins
        Of standard residues.
    length
        Of the peptides.
    count
        How many; fewer where the proteins are too short.

    Examples
    --------
    >>> random_windows(["MAGIC"], 5, 2)
    ['MAGIC', 'MAGIC']
    """
    ends = np.cumsum([max(len(protein) - length + 1, 0) for protein in proteins])
    if not len(ends) or ends[-1] == 0:
        return []
    drawn = np.random.default_rng(_SEED).integers(0, ends[-1], count)
    found = []
    for place in drawn:
        k = int(np.searchsorted(ends, place, side="right"))
        start = int(place - (ends[k - 1] if k else 0))
        found.append(proteins[k][start : start + length])
    return found


class AnchorTable:
    """Finds anchors of class I molecules when they are first asked for.

    Ten of the best of 1,000 random peptides of the case's proteins are exchanged residue by residue; anchors
    are the places that together make a share of all changes of log affinity. Class II is not judged: its
    core may lie anywhere in the peptide.

    Parameters
    ----------
    model
        Of class I.
    proteins
        To take random peptides from, of standard residues.
    share
        Of all changes that anchors make together, above 0 to 1.
    threads
        At most.

    References
    ----------
    .. [1] xia2023anchors
    """

    def __init__(self, model: Model, proteins: Sequence[str], share: float, threads: int) -> None:
        self._model = model
        self._proteins = proteins
        self._share = share
        self._threads = threads
        self._found: dict[tuple[HlaMolecule, int], frozenset[int]] = {}
        self._random: dict[int, list[str]] = {}

    def __call__(self, mhc_class: MhcClass, molecule: HlaMolecule, length: int) -> frozenset[int] | None:
        """Return the residues, counted from 0, that hold peptides of a length; ``None`` for class II."""
        if mhc_class is not MhcClass.I:
            return None
        key = molecule, length
        if key not in self._found:
            self._found[key] = self._search(molecule, length)
        return self._found[key]

    def found(self) -> dict[str, dict[int, list[int]]]:
        """Return what was found so far: by molecule and length the places counted from 1."""
        told: dict[str, dict[int, list[int]]] = {}
        for (molecule, length), places in sorted(self._found.items()):
            told.setdefault(str(molecule), {})[length] = [place + 1 for place in sorted(places)]
        return told

    def _search(self, molecule: HlaMolecule, length: int) -> frozenset[int]:
        if length not in self._random:
            self._random[length] = random_windows(self._proteins, length, _SEARCHED)
        peptides = self._random[length]
        if not peptides:
            return frozenset({0, 1, length - 2, length - 1})
        best = np.argsort(self._affinity(peptides, molecule), kind="stable")[:_BINDERS]
        binders = [peptides[k] for k in best]

        def log_affinity(exchanged: Sequence[str]) -> NDArray[np.float64]:
            return np.log10(self._affinity(exchanged, molecule))

        return frozenset(anchor_profile(str(molecule), binders, log_affinity).anchors(self._share))

    def _affinity(self, peptides: Sequence[str], molecule: HlaMolecule) -> NDArray[np.float64]:
        table = self._model.predict(list(peptides), (molecule,), threads=self._threads)
        return np.asarray(table.affinity_nm[:, 0], np.float64)
