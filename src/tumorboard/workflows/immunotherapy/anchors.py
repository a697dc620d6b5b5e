"""Which residues hold a peptide in each of a case's molecules, found with the predictor itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking.anchors import anchor_profile
from tumorboard.workflows.immunotherapy.presentation import ClassPredictions, Model

__all__ = ["AnchorTable", "CoreSource", "cores_of", "random_windows"]

#: Peptides that a molecule's anchors are looked for among, and how many of them are exchanged.
_SEARCHED: Final = 1000
_BINDERS: Final = 10
#: Places of a class II core whose side chains lie in pockets, counted from 0; the seventh's is shallow.
_CORE_ANCHORS: Final = (0, 3, 5, 8)
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


@runtime_checkable
class CoreSource(Protocol):
    """A class II model that tells where the core of nine residues begins."""

    def core_offsets(
        self, peptides: Sequence[str], molecules: Sequence[HlaMolecule], *, threads: int = 1
    ) -> NDArray[np.int64]:
        """Return it for each peptide and molecule, shape ``(n_peptides, n_molecules)``."""


class AnchorTable:
    """Finds anchors of molecules when they are first asked for.

    Class I: ten of the best of 1,000 random peptides of the case's proteins are exchanged residue by residue;
    anchors are the places that together make a share of all changes of log affinity. Class II: the first,
    fourth, sixth and ninth residue of the core that the model tells [stern1994crystal]; not judged where it
    tells none.

    Parameters
    ----------
    model
        Of class I; ``None`` where it is not looked at.
    proteins
        To take random peptides from, of standard residues.
    share
        Of all changes that anchors make together, above 0 to 1.
    threads
        At most.
    cores
        By molecule and peptide of class II, where the core begins, counted from 0.

    References
    ----------
    .. [1] xia2023anchors
    .. [2] stern1994crystal
    """

    def __init__(
        self,
        model: Model | None,
        proteins: Sequence[str],
        share: float,
        threads: int,
        cores: Mapping[tuple[HlaMolecule, str], int],
    ) -> None:
        self._model = model
        self._proteins = proteins
        self._share = share
        self._threads = threads
        self._cores = cores
        self._found: dict[tuple[HlaMolecule, int], frozenset[int]] = {}
        self._random: dict[int, list[str]] = {}

    def __call__(self, mhc_class: MhcClass, molecule: HlaMolecule, peptide: str) -> frozenset[int] | None:
        """Return the residues, counted from 0, that hold a peptide; ``None`` if that is not judged."""
        if mhc_class is MhcClass.II:
            start = self._cores.get((molecule, peptide))
            return None if start is None else frozenset(start + place for place in _CORE_ANCHORS)
        key = molecule, len(peptide)
        if key not in self._found:
            self._found[key] = self._search(*key)
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
        if self._model is None:
            raise InputError("anchors of class I need the predictor of class I; got none")
        table = self._model.predict(list(peptides), (molecule,), threads=self._threads)
        return np.asarray(table.affinity_nm[:, 0], np.float64)


def cores_of(
    predictions: ClassPredictions, peptides: Sequence[str], *, threads: int
) -> dict[tuple[HlaMolecule, str], int]:
    """Return where the core of each peptide begins in each class II molecule, counted from 0.

    Parameters
    ----------
    predictions
        Of class II; nothing is returned where its model tells no cores.
    peptides
        Of lengths that the class takes.
    threads
        At most.
    """
    wanted = list(dict.fromkeys(peptides))
    if not isinstance(predictions.model, CoreSource) or not wanted:
        return {}
    offsets = predictions.model.core_offsets(wanted, predictions.molecules, threads=threads)
    return {
        (molecule, peptide): int(offsets[row, column])
        for row, peptide in enumerate(wanted)
        for column, molecule in enumerate(predictions.molecules)
    }
