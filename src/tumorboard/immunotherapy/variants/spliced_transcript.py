"""A transcript read from the genome: its bases after splicing, and the protein they give."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.core.base_source import BaseSource
from tumorboard.core.transcript import Transcript
from tumorboard.immunotherapy.variants.translation import (
    GeneticCode,
    genetic_code_of,
    reverse_complement,
    translate,
)

__all__ = ["CODING_GAP", "INTERNAL_STOP", "SplicedTranscript", "coding_span", "splice"]

#: Tag of annotations for transcripts with a selenocysteine.
_SELENO = "seleno"
#: Ours, for what the annotation does not say.
INTERNAL_STOP = "internal_stop"
CODING_GAP = "coding_gap"


@dataclass(frozen=True, slots=True, eq=False)
class SplicedTranscript:
    """The bases of a transcript in the direction in which they are read.

    Parameters
    ----------
    transcript
        Whose they are.
    cdna
        Bases of all exons, on the transcript's strand.
    coding_first, coding_end
        Of the annotated coding bases in ``cdna``: the first, and one after the last; both 0 if nothing is
        translated or the coding bases leave out some of an exon.
    code
        Of its chromosome.
    selenocysteines
        Offsets in ``cdna`` of the codons TGA that stand for selenocysteine.
    protein
        From the first whole codon to the first stop, without ``*``, as far as the bases go.
    stop_offset
        Of the stop codon in ``cdna``; ``None`` where the bases end before one.
    flags
        Those of the annotation, and ``"internal_stop"`` where a stop lies inside the coding bases,
        ``"coding_gap"`` where coding bases leave out some of an exon.
    """

    transcript: Transcript
    cdna: str
    coding_first: int
    coding_end: int
    code: GeneticCode
    selenocysteines: frozenset[int]
    protein: str
    stop_offset: int | None
    flags: tuple[str, ...]

    @property
    def is_translated(self) -> bool:
        """Whether there are coding bases to follow."""
        return self.coding_end > 0

    @property
    def first_codon(self) -> int:
        """Offset of the first whole codon."""
        return self.coding_first + self.transcript.coding_phase


def splice(transcript: Transcript, genome: BaseSource) -> SplicedTranscript:
    """Return a transcript's bases after splicing and its protein.

    Parameters
    ----------
    transcript
        As annotated.
    genome
        Of the same assembly.

    Returns
    -------
    SplicedTranscript
        The protein of an annotation that begins inside a codon begins with the first whole one: residues
        count one less than in Ensembl's, which put an ``X`` before them.

    Raises
    ------
    InputError
        When the genome has no such bases.

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "CCATGGCAGTAAGTCCAGTTTTAACC"[first - 1 : last]
    >>> spliced = splice(Transcript("T1", "G", "1", "+", ((1, 8), (19, 26)), ((3, 8), (19, 24))), Toy())
    >>> spliced.cdna, spliced.protein, spliced.stop_offset
    ('CCATGGCATTTTAACC', 'MAF', 11)
    """
    forward = [genome.fetch(transcript.chromosome, *exon).upper() for exon in transcript.exons]
    cdna = "".join(forward)
    if transcript.strand == "-":
        cdna = reverse_complement(cdna)
    code = genetic_code_of(transcript.chromosome)
    flags = transcript.flags
    first, end = coding_span(transcript)
    if transcript.is_coding and end - first != transcript.coding_length:
        flags, first, end = (*flags, CODING_GAP), 0, 0
    if end == 0:
        return SplicedTranscript(transcript, cdna, 0, 0, code, frozenset(), "", None, flags)
    start = first + transcript.coding_phase
    read = translate(cdna[start:], code=code, to_stop=False, first_is_start=transcript.starts_whole)
    selenocysteines: frozenset[int] = frozenset()
    if _SELENO in flags:
        last_codon = (end - start) // 3 - 1
        stops = [k for k, residue in enumerate(read[:last_codon]) if residue == "*"]
        selenocysteines = frozenset(start + 3 * k for k in stops if cdna[start + 3 * k :][:3] == "TGA")
        read = "".join("U" if start + 3 * k in selenocysteines else r for k, r in enumerate(read))
    protein, stop, _ = read.partition("*")
    stop_offset = start + 3 * len(protein) if stop else None
    if stop_offset is not None and stop_offset + 3 < end - (end - start) % 3:
        flags = (*flags, INTERNAL_STOP)
    return SplicedTranscript(transcript, cdna, first, end, code, selenocysteines, protein, stop_offset, flags)


def coding_span(transcript: Transcript) -> tuple[int, int]:
    """Return the offset of the first coding base in the spliced bases and one after the last; 0, 0 for none.

    Parameters
    ----------
    transcript
        As annotated.

    Examples
    --------
    >>> coding_span(Transcript("T1", "G", "1", "-", ((1, 8), (19, 26)), ((3, 8), (19, 24))))
    (2, 14)
    """
    if not transcript.coding:
        return 0, 0
    first, last = transcript.coding[0][0], transcript.coding[-1][1]
    exons = transcript.exons if transcript.strand == "+" else transcript.exons[::-1]
    length = 0
    found = []
    for start, end in exons:
        for position in (first, last):
            if start <= position <= end:
                found.append(length + (position - start if transcript.strand == "+" else end - position))
        length += end - start + 1
    return min(found), max(found) + 1
