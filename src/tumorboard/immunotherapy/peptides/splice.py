"""Peptides of transcripts that are spliced in another manner than any annotated one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tumorboard.core.base_source import BaseSource
from tumorboard.core.neopeptide import (
    DroppedPeptide,
    DropReason,
    Neopeptide,
    NeopeptideSet,
    OriginKind,
)
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SpliceJunction
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit, edit_between
from tumorboard.immunotherapy.peptides.event_peptides import EventPeptides
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.peptides.self_screen import screen_proteome
from tumorboard.immunotherapy.peptides.spliced_junction import is_annotated, respliced
from tumorboard.immunotherapy.variants.spliced_transcript import (
    CODING_GAP,
    INTERNAL_STOP,
    SplicedTranscript,
    splice,
)
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex
from tumorboard.immunotherapy.variants.translation import translate
from tumorboard.provenance import Record

__all__ = ["junction_protein", "splice_peptides"]

#: A stop further than this before the last junction of exons has the RNA decay, as a rule.
_DECAY_BASES = 55


def splice_peptides(
    junctions: Sequence[SpliceJunction],
    transcripts: Sequence[Transcript],
    genome: BaseSource,
    lengths: Sequence[int],
    *,
    least_reads: int | None = None,
    proteome: ProteomeIndex | None = None,
) -> NeopeptideSet:
    """List the peptides that junctions give which no annotated transcript has.

    Each junction, once whoever lists it, is put into the transcripts that it names, or else into all that
    hold both its ends, see :func:`junction_protein`. Its peptides are those that hold a residue of another
    sequence than the transcript's normal protein, or both residues that a shortened protein brings together.

    Parameters
    ----------
    junctions
        As their caller counts them.
    transcripts
        Of the annotation; all of it, so that junctions of other transcripts are known.
    genome
        Of the same assembly.
    lengths
        Of peptides [residues].
    least_reads
        Junctions with fewer are left out; one whose reads its caller does not count stays. ``None`` leaves
        none out.
    proteome
        All normal proteins; ``None`` compares with the transcript's own only.

    Returns
    -------
    NeopeptideSet

    Raises
    ------
    InputError
        When a length is below 1, or the genome has no such bases.
    """
    index = TranscriptIndex.of(transcripts)
    normal: dict[str, SplicedTranscript] = {}
    kept: list[Neopeptide] = []
    dropped: list[DroppedPeptide] = []
    for junction in _together(junctions):
        event = EventPeptides(OriginKind.SPLICE, (junction.name, *junction.variants))
        near = index.overlapping(junction.chromosome, junction.start - 1, junction.end + 1)
        named = _named(near, junction)
        refusal = _refusal(junction, near, named, least_reads)
        if refusal is not None:
            event.refuse(junction.gene, ",".join(junction.transcripts), refusal)
            named = ()
        for transcript in named:
            if transcript.identifier not in normal:
                normal[transcript.identifier] = splice(transcript, genome)
            protein = junction_protein(normal[transcript.identifier], junction, genome)
            if isinstance(protein, Refusal):
                event.refuse(transcript.gene, transcript.identifier, protein)
            else:
                event.add(transcript.gene, transcript.identifier, protein, lengths)
        kept += event.kept()
        dropped += event.dropped()
    record = Record(
        "immunotherapy.splice_peptides",
        parameters={
            "lengths": sorted(set(lengths)),
            "junctions": len(junctions),
            "callers": sorted({junction.caller for junction in junctions}),
            "least_reads": least_reads,
            "transcripts": len(index),
        },
        references=("lang2024splice2neo",),
    )
    found = NeopeptideSet(tuple(kept), tuple(dropped), record)
    return found if proteome is None else screen_proteome(found, proteome)


def junction_protein(
    normal: SplicedTranscript, junction: SpliceJunction, genome: BaseSource
) -> AlteredProtein | Refusal:
    """Translate a transcript that has a junction put into it.

    Translation begins at the annotated start and goes on to the first stop, into what was not translated
    before if need be.

    Parameters
    ----------
    normal
        The transcript as annotated, read from the genome.
    junction
        See :func:`~tumorboard.immunotherapy.peptides.spliced_junction.respliced`.
    genome
        The same.

    Returns
    -------
    AlteredProtein or Refusal
        Its ``change`` says if a stop lies more than 55 bases before the last joint of exons, so that the RNA
        decays as a rule [nagy1998rule].

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "ATGGCAGTAAGTCCCAGTTTCGTCAGGTTGGTAAGTGACC"[first - 1 : last]
    >>> usual = Transcript("T", "G", "1", "+", ((1, 6), (18, 21), (27, 40)), ((1, 6), (18, 21), (27, 34)))
    >>> skipping = SpliceJunction("1", 7, 26, "+", 7, "", None, "", (), (), "")
    >>> made = junction_protein(splice(usual, Toy()), skipping, Toy())
    >>> splice(usual, Toy()).protein, made.sequence, made.change
    ('MAFRW', 'MAVGK', '1 exon skipped, frameshift')
    """
    transcript = normal.transcript
    refusal = _untranslatable(normal)
    if refusal is not None:
        return refusal
    made = respliced(transcript, junction)
    if isinstance(made, Refusal):
        return made
    altered = splice(made.transcript, genome)
    start = _offset(made.transcript, _position(transcript, normal.first_codon))
    last = _offset(made.transcript, _position(transcript, normal.first_codon + 2))
    if start is None or last != start + 2:
        return Refusal(DropReason.START_LOST, made.change)
    codons = (_offset(made.transcript, _position(transcript, k)) for k in normal.selenocysteines)
    protein = translate(
        altered.cdna[start:],
        code=normal.code,
        to_stop=False,
        first_is_start=transcript.starts_whole,
        selenocysteines=[(k - start) // 3 for k in codons if k is not None and (k - start) % 3 == 0],
    )
    sequence, stop, _ = protein.partition("*")
    stop_offset = start + 3 * len(sequence) if stop else None
    if sequence == normal.protein:
        return Refusal(DropReason.NO_PROTEIN_CHANGE, made.change)
    if stop and normal.protein.startswith(sequence):
        return Refusal(DropReason.STOP_GAINED, f"{made.change}, after {len(sequence)} residues")
    in_frame = _same_end(normal, made.transcript, len(altered.cdna), start, stop_offset)
    edit = edit_between(normal.protein, sequence, in_frame=in_frame)
    if edit is None:  # for the type's sake: equal proteins were refused above
        return Refusal(DropReason.NO_PROTEIN_CHANGE, made.change)
    # No normal peptide stands at the place of one across a joint: the normal protein is only compared with.
    return AlteredProtein(
        sequence,
        "",
        (ProteinEdit(0, 0, edit.start, edit.end),),
        f"{made.change}, {'in frame' if in_frame else 'frameshift'}"
        f"{_end_note(made.transcript, len(altered.cdna), stop_offset)}",
        (normal.protein,),
    )


def _together(junctions: Sequence[SpliceJunction]) -> list[SpliceJunction]:
    """Return each junction once, with what all its callers say of it and the most reads that one counts."""
    found: dict[str, SpliceJunction] = {}
    for one in junctions:
        other = found.setdefault(one.name, one)
        if other is not one:
            everywhere = not (one.transcripts and other.transcripts)
            transcripts = () if everywhere else tuple(dict.fromkeys(other.transcripts + one.transcripts))
            counts = [count for count in (other.reads, one.reads) if count is not None]
            found[one.name] = replace(
                other,
                reads=max(counts, default=None),
                known=other.known or one.known,
                gene=other.gene or one.gene,
                transcripts=transcripts,
                variants=tuple(dict.fromkeys(other.variants + one.variants)),
            )
    return list(found.values())


def _named(near: Sequence[Transcript], junction: SpliceJunction) -> tuple[Transcript, ...]:
    """Return the transcripts that a junction names, versions aside, or those that code if it names none."""
    if not junction.transcripts:
        return tuple(t for t in near if t.is_coding and junction.strand in (".", t.strand))
    names = {name.partition(".")[0] for name in junction.transcripts}
    return tuple(t for t in near if t.identifier.partition(".")[0] in names)


def _refusal(
    junction: SpliceJunction,
    near: Sequence[Transcript],
    named: Sequence[Transcript],
    least_reads: int | None,
) -> Refusal | None:
    """Return why a junction is left out for all transcripts, if it is."""
    if junction.known:
        return Refusal(DropReason.ANNOTATED_JUNCTION, f"{junction.caller} calls it known")
    if least_reads is not None and junction.reads is not None and junction.reads < least_reads:
        return Refusal(DropReason.FEW_READS, f"{junction.reads}, below {least_reads}")
    holder = next((t for t in near if is_annotated(t, junction)), None)
    if holder is not None:
        return Refusal(DropReason.ANNOTATED_JUNCTION, f"{holder.identifier} has it")
    if not named:
        return Refusal(
            DropReason.OUTSIDE_TRANSCRIPT, f"{len(near)} transcripts are near, none to put it into"
        )
    return None


def _untranslatable(normal: SplicedTranscript) -> Refusal | None:
    transcript = normal.transcript
    if not transcript.is_coding:
        return Refusal(DropReason.NOT_PROTEIN_CODING, transcript.biotype)
    for flag, note in (
        (CODING_GAP, "coding bases leave out some of an exon"),
        (INTERNAL_STOP, "a stop within"),
    ):
        if flag in normal.flags:
            return Refusal(DropReason.INCOMPLETE_TRANSCRIPT, note)
    return None


def _position(transcript: Transcript, offset: int) -> int:
    """Return where in the genome a base of the spliced transcript lies."""
    forward = transcript.strand == "+"
    for first, last in transcript.exons if forward else transcript.exons[::-1]:
        length = last - first + 1
        if offset < length:
            return first + offset if forward else last - offset
        offset -= length
    return 0  # beyond its end: no position, which no exon holds


def _offset(transcript: Transcript, position: int) -> int | None:
    """Return which base of the spliced transcript lies at a position; ``None`` where it is spliced out."""
    forward = transcript.strand == "+"
    length = 0
    for first, last in transcript.exons if forward else transcript.exons[::-1]:
        if first <= position <= last:
            return length + (position - first if forward else last - position)
        length += last - first + 1
    return None


def _same_end(
    normal: SplicedTranscript, altered: Transcript, length: int, start: int, stop_offset: int | None
) -> bool:
    """Return whether translation ends at the normal stop, or runs in the normal frame where neither stops."""
    if stop_offset is not None and normal.stop_offset is not None:
        return _position(altered, stop_offset) == _position(normal.transcript, normal.stop_offset)
    if stop_offset is None and normal.stop_offset is None:
        return (length - start) % 3 == (len(normal.cdna) - normal.first_codon) % 3
    return False


def _end_note(altered: Transcript, length: int, stop_offset: int | None) -> str:
    """Return what to say of where translation ends."""
    if stop_offset is None:
        return ", no stop"
    last = altered.exons[-1] if altered.strand == "+" else altered.exons[0]
    joint = length - (last[1] - last[0] + 1)
    return ", likely to decay" if joint - stop_offset - 3 > _DECAY_BASES else ""
