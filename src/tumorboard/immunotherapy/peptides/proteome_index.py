"""Which peptides occur in a proteome, exactly or but for one residue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides._kernels.kmer_index import (
    LETTERS,
    WORD,
    first_exact,
    nearest,
    sort_positions,
)
from tumorboard.immunotherapy.residues import RESIDUES, join_codes, residue_codes

__all__ = ["NearestSelf", "ProteomeIndex"]

#: Below, halves of a peptide are words that occur everywhere.
_SHORTEST = 4


@dataclass(frozen=True, slots=True, eq=False)
class NearestSelf:
    """What a proteome has that is nearest to each of some peptides.

    Parameters
    ----------
    mismatches
        Fewest residues that differ, shape ``(n,)``: 0, 1, or 2 for two and more.
    peptides
        Of the proteome, the first in its order; ``""`` where two residues or more differ.
    """

    mismatches: NDArray[np.int8]
    peptides: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ProteomeIndex:
    """Proteins, with the places of all their words of five residues sorted.

    Make one by :meth:`of`. It takes 5 bytes a residue and 16 MB.

    Parameters
    ----------
    codes
        Residues of all proteins, gaps before the first and after each, shape ``(n,)``.
    protein_starts
        Where each protein starts, shape ``(n_proteins + 1,)``.
    word_starts
        Where each word's positions start, shape ``(21**5 + 1,)``.
    positions
        Of words, sorted by word, shape ``(n,)``.
    """

    codes: NDArray[np.uint8]
    protein_starts: NDArray[np.int64]
    word_starts: NDArray[np.int32]
    positions: NDArray[np.int32]

    @classmethod
    def of(cls, sequences: Sequence[str]) -> ProteomeIndex:
        """Index proteins.

        Parameters
        ----------
        sequences
            One letter a residue, capitals; letters that are none of the twenty match nothing.

        Returns
        -------
        ProteomeIndex
            Read-only.

        Raises
        ------
        InputError
            When there are none, or more than 2**31 residues.

        Examples
        --------
        >>> proteome = ProteomeIndex.of(["MTEYKLVVVGAGGVGK", "MEEPQSDPSVEPPLSQ"])
        >>> proteome.contains(["VVVGAGGVG", "VVVGAVGVG"]).tolist()
        [True, False]
        >>> proteome.nearest(["VVVGAVGVG"]).peptides
        ('VVVGAGGVG',)
        """
        codes, starts = join_codes(sequences)
        n_residues = sum(map(len, sequences))
        if not (n_residues and codes.size < 2**31):
            raise InputError(
                f"sequences must hold 1 to 2**31 residues; got {n_residues} in {len(sequences)} sequences"
            )
        word_starts = np.zeros(LETTERS**WORD + 1, np.int32)
        positions = np.empty(codes.size, np.int32)
        sort_positions(codes, word_starts, positions)
        for array in (codes, starts, word_starts, positions):
            array.flags.writeable = False
        return cls(codes, starts, word_starts, positions)

    @property
    def n_residues(self) -> int:
        """Residues of all proteins, gaps left out."""
        return int(np.diff(self.protein_starts - np.arange(self.protein_starts.size)).sum())

    def contains(self, peptides: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each peptide occurs in a protein, residue by residue.

        Parameters
        ----------
        peptides
            Standard residues, any length of one or more.

        Returns
        -------
        numpy.ndarray
            Shape ``(n_peptides,)``.

        Raises
        ------
        InputError
            When a peptide is empty or holds another letter.
        """
        return self._first(peptides) >= 0

    def occurrences(self, peptide: str) -> tuple[tuple[int, int], ...]:
        """All places of a peptide: the protein's number and the offset in it, both from 0.

        Parameters
        ----------
        peptide
            Standard residues.

        Returns
        -------
        tuple of tuple
            ``(protein, offset)``, in order.

        Raises
        ------
        InputError
            When the peptide is empty or holds another letter.

        Examples
        --------
        >>> ProteomeIndex.of(["AYA", "CAYA"]).occurrences("AYA")
        ((0, 0), (1, 1))
        """
        query, _ = self._queries([peptide], 1)
        word = query[:WORD].astype(np.int64)
        low = int(word @ LETTERS ** np.arange(WORD - 1, WORD - 1 - word.size, -1))
        high = low + LETTERS ** (WORD - word.size)
        places = self.positions[self.word_starts[low] : self.word_starts[high]].astype(np.int64)
        places = places[places + query.size <= self.codes.size]
        same = (self.codes[places[:, None] + np.arange(query.size)] == query).all(axis=1)
        places = np.sort(places[same])
        protein = np.searchsorted(self.protein_starts, places, side="right") - 1
        offset = places - self.protein_starts[protein]
        return tuple(zip(protein.tolist(), offset.tolist(), strict=True))

    def nearest(self, peptides: Sequence[str]) -> NearestSelf:
        """Find what of the proteome differs from each peptide in no or one residue.

        Parameters
        ----------
        peptides
            Standard residues, four or more.

        Returns
        -------
        NearestSelf
            Of the same length as each peptide; insertions and deletions are not looked for.

        Raises
        ------
        InputError
            When a peptide is shorter than four residues or holds another letter.
        """
        queries, offsets = self._queries(peptides, _SHORTEST)
        mismatches = np.empty(len(peptides), np.int8)
        found = np.empty(len(peptides), np.int64)
        nearest(self.codes, self.word_starts, self.positions, queries, offsets, mismatches, found)
        letters = np.frombuffer(f"{RESIDUES}.".encode("ascii"), np.uint8)
        texts = tuple(
            letters[self.codes[p : p + len(peptide)]].tobytes().decode("ascii") if p >= 0 else ""
            for p, peptide in zip(found.tolist(), peptides, strict=True)
        )
        mismatches.flags.writeable = False
        return NearestSelf(mismatches, texts)

    def _first(self, peptides: Sequence[str]) -> NDArray[np.int64]:
        queries, offsets = self._queries(peptides, 1)
        found = np.empty(len(peptides), np.int64)
        first_exact(self.codes, self.word_starts, self.positions, queries, offsets, found)
        return found

    @staticmethod
    def _queries(peptides: Sequence[str], shortest: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        short = [peptide for peptide in peptides if len(peptide) < shortest]
        if short:
            raise InputError(f"peptides must have {shortest} residues or more; got {short[0]!r}")
        return residue_codes(peptides)
