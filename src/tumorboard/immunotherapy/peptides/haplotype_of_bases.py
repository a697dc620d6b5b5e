"""Variants on one copy, put together by the transcript's bases, whatever they do to its frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.base_source import BaseSource
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit
from tumorboard.immunotherapy.peptides.haplotype import Carrier, Haplotype
from tumorboard.immunotherapy.variants.mutant_transcript import (
    MutantTranscript,
    mutant_transcript,
    protein_of,
)
from tumorboard.immunotherapy.variants.transcript_site import Edit
from tumorboard.immunotherapy.variants.translation import translate

__all__ = ["BaseHaplotypes"]


class _Read(NamedTuple):
    """A copy as it is translated: its protein, and of each residue the three bases it is read from.

    ``origins`` are offsets in the transcript without variants, -1 for bases that stand in its place where
    their number differs; shape (n_residues, 3). ``in_frame`` says of each residue whether its codon is one of
    the reference's.
    """

    protein: str
    start: int
    origins: NDArray[np.int64]
    in_frame: NDArray[np.bool_]
    mutant: MutantTranscript


@dataclass(frozen=True, slots=True, eq=False)
class BaseHaplotypes:
    """Puts several variants of one copy into a transcript by its bases.

    Make one by :meth:`of`.

    Parameters
    ----------
    transcripts
        By their identifiers, with and without version.
    genome
        Of the same assembly.
    """

    transcripts: dict[str, Transcript]
    genome: BaseSource

    @classmethod
    def of(cls, transcripts: Iterable[Transcript], genome: BaseSource) -> BaseHaplotypes:
        """Take the transcripts of an annotation.

        Parameters
        ----------
        transcripts
            Of the annotation.
        genome
            Of the same assembly.

        Examples
        --------
        >>> class Toy:
        ...     def fetch(self, chromosome, first, last):
        ...         return "CCATGGCAGTAAGTCCAGTTTTAACC"[first - 1 : last]
        >>> transcript = Transcript("T1", "G", "1", "+", ((1, 8), (19, 26)), ((3, 8), (19, 24)))
        >>> known = BaseHaplotypes.of([transcript], Toy())
        >>> here = SmallVariant("1", 7, "C", "A")
        >>> near = SmallVariant("1", 20, "T", "A", somatic=False)
        >>> made = known.haplotype("T1", [here, near])
        >>> made.protein.wild_type, made.protein.sequence
        ('MAY', 'MEY')
        """
        named: dict[str, Transcript] = {}
        for transcript in transcripts:
            named.setdefault(transcript.identifier.partition(".")[0], transcript)
            named[transcript.identifier] = transcript
        return cls(named, genome)

    def haplotype(self, transcript: str, variants: Sequence[SmallVariant]) -> Haplotype | None:
        """Return the protein of a copy with variants.

        Parameters
        ----------
        transcript
            Identifier, with or without version.
        variants
            Somatic and germline, all on one copy.

        Returns
        -------
        Haplotype or None
            ``None`` where the annotation lacks the transcript, its start is lost, or the bases cannot tell:
            a variant meets a splice site, or two replace the same bases.
        """
        found = self.transcripts.get(transcript) or self.transcripts.get(transcript.partition(".")[0])
        if found is None or not found.is_coding:
            return None
        try:
            altered = _read(mutant_transcript(found, self.genome, variants))
            germline = [variant for variant in variants if not variant.somatic]
            normal = _read(mutant_transcript(found, self.genome, germline))
        except InputError:
            return None
        if altered is None or normal is None:
            return None
        edits = _edits(normal, altered)
        carriers, absent = _carriers(altered, edits)
        reference = altered.mutant.wild.protein
        others = () if reference == normal.protein else (reference,)
        names = " + ".join(variant.name for variant in variants if variant.somatic)
        protein = AlteredProtein(altered.protein, normal.protein, edits, names, others)
        return Haplotype(protein, carriers, (), absent)


def _read(mutant: MutantTranscript) -> _Read | None:
    """Return a copy as it is translated; ``None`` without the annotated start."""
    made = protein_of(mutant)
    starts = np.flatnonzero(mutant.origin == mutant.wild.first_codon)
    if made.mutant is None or not starts.size:
        return None
    start, n = int(starts[0]), len(made.mutant)
    bases = mutant.cdna[start : start + 3 * n]
    whole = mutant.wild.transcript.starts_whole
    read = translate(bases, code=mutant.wild.code, to_stop=False, first_is_start=whole)
    if read.replace("*", "U") != made.mutant:
        # Translated from elsewhere than the annotated start.
        return None
    origins = mutant.origin[start : start + 3 * n].reshape(-1, 3)
    return _Read(made.mutant, start, origins, made.residue_origin >= 0, mutant)


def _edits(normal: _Read, altered: _Read) -> tuple[ProteinEdit, ...]:
    """Return where two copies differ: codons of the same bases are the same place, in whatever frame."""
    place_normal, place_altered = (
        np.where((one.origins >= 0).all(axis=1) & (np.ptp(one.origins, axis=1) == 2), one.origins[:, 0], -1)
        for one in (normal, altered)
    )
    _, ours, theirs = np.intersect1d(place_normal, place_altered, return_indices=True)
    pairs = [
        (i, j)
        for i, j in zip(ours.tolist(), theirs.tolist(), strict=True)
        if place_normal[i] >= 0 and normal.protein[i] == altered.protein[j]
    ]
    edits: list[ProteinEdit] = []
    i, j = 0, 0
    for next_i, next_j in [*pairs, (len(normal.protein), len(altered.protein))]:
        if next_i > i or next_j > j:
            edits.append(ProteinEdit(i, next_i, j, next_j))
        i, j = next_i + 1, next_j + 1
    return tuple(edits)


def _carriers(
    altered: _Read, edits: Sequence[ProteinEdit]
) -> tuple[tuple[Carrier, ...], tuple[tuple[str, str], ...]]:
    """Return the residues that each variant has a part in, and somatic ones behind the protein's end."""
    carriers: list[Carrier] = []
    absent: list[tuple[str, str]] = []
    n = len(altered.protein)
    for edit in altered.mutant.edits:
        start, end = _residues(altered, edit)
        variant = edit.variant
        if start > n and variant.somatic:
            absent.append((variant.name, f"lies behind the stop of its copy, after {n} residues"))
        elif end >= 0 and start <= n:
            carriers.append(Carrier(variant.name, variant.name, variant.somatic, max(start, 0), min(end, n)))
    return tuple(carriers), tuple(absent)


def _residues(altered: _Read, edit: Edit) -> tuple[int, int]:
    """Return the residues that hold a variant's bases, or are read as they are because of it."""
    origin = altered.mutant.origin
    n = len(altered.protein)
    before = np.flatnonzero((origin >= 0) & (origin < edit.first))
    behind = np.flatnonzero(origin >= edit.end)
    left = int(before[-1]) + 1 if before.size else 0
    right = int(behind[0]) if behind.size else origin.size
    start = (left - altered.start) // 3
    end = -((altered.start - right) // 3)
    wild = altered.mutant.wild
    stop = wild.stop_offset
    if stop is not None and edit.first < stop + 3 and edit.end > stop:
        return start, n
    if edit.growth % 3:
        returns = np.flatnonzero(altered.in_frame[max(end, 0) :])
        end = max(end, 0) + int(returns[0]) if returns.size else n
    return start, end
