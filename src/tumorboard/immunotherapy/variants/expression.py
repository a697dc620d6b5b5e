"""Whether the allele that makes a target is expressed, from the gene's expression and the reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tumorboard.core.expression import ExpressionTable
from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.errors import InputError

__all__ = ["AlleleExpression", "AlleleReads", "allele_expression", "with_expression"]


class AlleleReads(Enum):
    """Which reads say what part of the gene's expression is the variant's."""

    RNA = "RNA"
    DNA = "DNA"


@dataclass(frozen=True, slots=True)
class AlleleExpression:
    """How strongly a variant is expressed; ``None`` where that is not known, never 0 for it.

    Parameters
    ----------
    tpm
        Of the transcript, or of the gene where the transcript's is not known [transcripts per million].
    fraction
        Of the reads that carry the variant.
    reads
        Whether that fraction is of RNA or, where there is none, of DNA.
    allele_tpm
        Product of both [transcripts per million].
    is_expressed
        Whether the product reaches the threshold; known without a product where the gene itself does not.
    """

    tpm: float | None
    fraction: float | None
    reads: AlleleReads | None
    allele_tpm: float | None
    is_expressed: bool | None


def allele_expression(
    variant: SmallVariant, change: TranscriptChange, *, least_tpm: float, by_transcript: bool
) -> AlleleExpression:
    """Return how strongly a variant is expressed in a transcript.

    Parameters
    ----------
    variant
        Its reads of RNA come first, those of the tumour's DNA second.
    change
        With expression, see :func:`with_expression`.
    least_tpm
        From how much on it counts as expressed [transcripts per million].
    by_transcript
        Whether the transcript's own expression counts, where it is known; else the gene's.

    Returns
    -------
    AlleleExpression
        The gene's expression times the fraction of reads.

    Raises
    ------
    InputError
        When the threshold is negative.

    Examples
    --------
    >>> from tumorboard.core.variant import VariantEvidence
    >>> variant = SmallVariant("1", 5, "A", "T", evidence=VariantEvidence(rna_vaf=0.25, tumour_vaf=0.4))
    >>> change = TranscriptChange("G", "T1", ("missense_variant",), gene_tpm=8.0)
    >>> found = allele_expression(variant, change, least_tpm=1.0, by_transcript=False)
    >>> found.allele_tpm, found.reads.name, found.is_expressed
    (2.0, 'RNA', True)
    """
    if not least_tpm >= 0:
        raise InputError(f"least_tpm must be 0 TPM or more; got {least_tpm!r}")
    tpm = change.transcript_tpm if by_transcript and change.transcript_tpm is not None else change.gene_tpm
    seen = variant.evidence
    reads: AlleleReads | None = None
    fraction: float | None = None
    # No RNA read over the site leaves the fraction open: it is none of nothing.
    if seen.rna_vaf is not None and seen.rna_depth != 0:
        reads, fraction = AlleleReads.RNA, seen.rna_vaf
    elif seen.tumour_vaf is not None:
        reads, fraction = AlleleReads.DNA, seen.tumour_vaf
    product = None if tpm is None or fraction is None else tpm * fraction
    is_expressed: bool | None = None
    if product is not None:
        is_expressed = product >= least_tpm
    elif tpm is not None and tpm < least_tpm:
        is_expressed = False
    return AlleleExpression(tpm, fraction, reads, product, is_expressed)


def with_expression(
    changes: Sequence[TranscriptChange], table: ExpressionTable
) -> tuple[TranscriptChange, ...]:
    """Return changes with the expression of their transcripts and genes.

    Parameters
    ----------
    changes
        What a table does not have stays as it was.
    table
        Of the tumour.

    Returns
    -------
    tuple of TranscriptChange
        Where the table has transcripts only, genes stay unknown: a part of their transcripts would tell
        too little.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> table = ExpressionTable({}, {"KRAS": 21.5}, Record("example"))
    >>> with_expression([TranscriptChange("KRAS", "T1", ("missense_variant",))], table)[0].gene_tpm
    21.5
    """
    found = []
    for change in changes:
        transcript = table.of_transcript(change.transcript)
        gene = table.of_gene(change.gene, change.gene_identifier)
        found.append(
            dataclasses.replace(
                change,
                transcript_tpm=change.transcript_tpm if transcript is None else transcript,
                gene_tpm=change.gene_tpm if gene is None else gene,
            )
        )
    return tuple(found)
