"""What a variant does to each transcript it meets, from an annotation and a genome alone."""

from __future__ import annotations

from collections.abc import Sequence

from tumorboard.core.base_source import BaseSource
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.immunotherapy.variants.coding_change import CodingChange, coding_change
from tumorboard.immunotherapy.variants.consequence_terms import by_severity, exonic_terms, splicing_terms
from tumorboard.immunotherapy.variants.reference_bases import require_reference
from tumorboard.immunotherapy.variants.spliced_transcript import (
    SplicedTranscript,
    coding_span,
    splice,
)
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex
from tumorboard.immunotherapy.variants.transcript_site import (
    Edit,
    TranscriptSite,
    edit_of,
    site_of,
    trimmed,
)

__all__ = ["call_consequences"]

_NMD = "nonsense_mediated_decay"
_SAYS_NON_CODING = frozenset({"non_coding_transcript_exon_variant", "transcript_ablation"})


def call_consequences(
    variant: SmallVariant, transcripts: Sequence[Transcript], genome: BaseSource
) -> tuple[TranscriptChange, ...]:
    """Return what a variant does to each transcript that it meets.

    The variant's bases are put into the spliced transcript and both are translated, so what is reported is
    the difference of two proteins: an indel in a repeat gives the same wherever a caller writes it, and need
    not be shifted first. Lost stops and shifted frames are read through the untranslated bases to the next
    stop. Terms are those of VEP [mclaren2016vep]; where a shifted frame begins with a stop, ``stop_gained``
    is told with ``frameshift_variant``, which VEP leaves out when the stop is not in the very codon.

    Parameters
    ----------
    variant
        One alternative.
    transcripts
        Of an annotation. Index it once by :meth:`TranscriptIndex.of` for many variants.
    genome
        The reference of the annotation's assembly.

    Returns
    -------
    tuple of TranscriptChange
        By the transcripts' first base. Proteins are given where a coding base within an exon changes: for
        splice sites and a lost start no mutant protein is known. Flags are those of the annotation, and
        ``"internal_stop"``, ``"coding_gap"`` (the annotated coding bases cannot be read through) and
        ``"mutant_stop_not_found"`` (read to the transcript's end).

    Raises
    ------
    InputError
        When the genome does not have the variant's reference bases.

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "CCATGGCAGTAAGTCCAGTTTTAACC"[first - 1 : last]
    >>> transcript = Transcript("T1", "G", "1", "+", ((1, 8), (19, 26)), ((3, 8), (19, 24)))
    >>> found, = call_consequences(SmallVariant("1", 7, "C", "A"), [transcript], Toy())
    >>> found.consequences, found.hgvs_protein, found.mutant_protein
    (('missense_variant', 'splice_region_variant'), 'p.Ala2Glu', 'MEF')
    """
    require_reference(variant, genome)
    first, reference, _ = trimmed(variant)
    last = first + len(reference) - 1
    index = TranscriptIndex.of(transcripts)
    near = index.overlapping(variant.chromosome, min(first, last), max(first, last))
    changes = (_change(transcript, variant, first, last, genome) for transcript in near)
    return tuple(change for change in changes if change is not None)


def _change(
    transcript: Transcript, variant: SmallVariant, first: int, last: int, genome: BaseSource
) -> TranscriptChange | None:
    site = site_of(transcript, variant)
    if site is TranscriptSite.OUTSIDE:
        return None
    terms = splicing_terms(transcript, first, last)
    edit = edit_of(transcript, variant)
    if edit is None:
        if last >= first:
            terms |= exonic_terms(transcript, first, last)
        if first <= transcript.start and last >= transcript.end and len(variant.alternative) == 1:
            terms = {"transcript_ablation"}
        return _of(transcript, terms)
    if not transcript.is_coding:
        return _of(transcript, terms | {"non_coding_transcript_exon_variant"})
    begin, end = coding_span(transcript)
    if not _is_coding(edit, begin, end):
        return _of(
            transcript, terms | {"5_prime_UTR_variant" if edit.end <= begin else "3_prime_UTR_variant"}
        )
    spliced = splice(transcript, genome)
    if not spliced.is_translated:
        return _of(transcript, terms | {"coding_sequence_variant"}, flags=spliced.flags)
    return _of(transcript, terms, spliced, coding_change(spliced, edit))


def _is_coding(edit: Edit, begin: int, end: int) -> bool:
    """Whether a coding base goes, or an insertion has coding bases on both sides."""
    return edit.first < end and edit.end > begin


def _of(
    transcript: Transcript,
    terms: set[str],
    spliced: SplicedTranscript | None = None,
    change: CodingChange | None = None,
    flags: tuple[str, ...] | None = None,
) -> TranscriptChange:
    terms = terms | (change.terms if change is not None else set())
    if transcript.biotype == _NMD:
        terms = terms | {"NMD_transcript_variant"}
    elif not transcript.is_coding and not terms & {
        "non_coding_transcript_exon_variant",
        "transcript_ablation",
    }:
        terms = terms | {"non_coding_transcript_variant"}
    known = change if change is not None else CodingChange(frozenset())
    if flags is None:
        flags = transcript.flags if spliced is None else spliced.flags
    return TranscriptChange(
        gene=transcript.gene,
        transcript=transcript.identifier,
        consequences=by_severity(terms),
        protein_start=known.start,
        reference_residues=known.reference,
        alternative_residues=known.alternative,
        wild_type_protein=None if spliced is None else spliced.protein,
        mutant_protein=known.mutant,
        biotype=transcript.biotype,
        canonical=transcript.canonical,
        mane_select=transcript.mane_select,
        support_level=transcript.support_level,
        hgvs_protein=known.name,
        flags=(*flags, *known.flags),
        gene_identifier=transcript.gene_identifier,
    )
