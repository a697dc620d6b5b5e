"""What a change is called: terms of the Sequence Ontology, and their order by severity."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from tumorboard.core.transcript import Transcript

__all__ = ["SEVERITY", "by_severity", "exonic_terms", "splicing_terms"]

#: Terms that are told here, most severe first, in the order of VEP [mclaren2016vep].
SEVERITY: Final = (
    "transcript_ablation",
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "protein_altering_variant",
    "splice_donor_5th_base_variant",
    "splice_region_variant",
    "splice_donor_region_variant",
    "splice_polypyrimidine_tract_variant",
    "incomplete_terminal_codon_variant",
    "start_retained_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "NMD_transcript_variant",
    "non_coding_transcript_variant",
)
_RANK: Final = {term: rank for rank, term in enumerate(SEVERITY)}


def by_severity(terms: Iterable[str]) -> tuple[str, ...]:
    """Return terms once each, most severe first.

    Parameters
    ----------
    terms
        Of :data:`SEVERITY`.

    Examples
    --------
    >>> by_severity(["intron_variant", "splice_donor_variant"])
    ('splice_donor_variant', 'intron_variant')
    """
    return tuple(sorted(set(terms), key=_RANK.__getitem__))


def splicing_terms(transcript: Transcript, first: int, last: int) -> set[str]:
    """Return the terms for what a change does to introns and their ends.

    The two bases at an intron's ends are donor and acceptor; three of the exon and the next of the intron are
    the splice region, of which VEP names parts: the fifth base and bases three to six behind the donor, and
    the pyrimidines three to seventeen before the acceptor.

    Parameters
    ----------
    transcript
        As annotated.
    first, last
        Changed bases, counted from 1; ``last`` is ``first - 1`` for an insertion.

    Examples
    --------
    >>> transcript = Transcript("T1", "G", "1", "+", ((11, 20), (61, 70)))
    >>> [sorted(splicing_terms(transcript, k, k)) for k in (17, 18, 21)]
    [[], ['splice_region_variant'], ['splice_donor_variant']]
    >>> sorted(splicing_terms(transcript, 25, 25))
    ['intron_variant', 'splice_donor_5th_base_variant']
    """
    terms: set[str] = set()
    for (_, exon_end), (exon_start, _) in pairwise(transcript.exons):
        if last >= exon_end - 2 and first <= exon_start + 2:
            terms |= _of_intron(first, last, exon_end, exon_start, forward=transcript.strand == "+")
    return terms


def _of_intron(first: int, last: int, exon_end: int, exon_start: int, *, forward: bool) -> set[str]:
    """Return the terms for one intron, between the bases ``exon_end`` and ``exon_start`` of exons."""
    insertion = last < first
    terms = set()

    def meets(low: int, high: int) -> bool:
        # An insertion lies between two bases: it meets a stretch when both are of it.
        return low <= high and first <= high and last >= low

    def depth(side: str, nearest: int, furthest: int) -> bool:
        """Whether it meets intron bases of these distances from the donor's or the acceptor's exon."""
        if (side == "donor") == forward:
            return meets(exon_end + nearest, min(exon_end + furthest, exon_start - 1))
        return meets(max(exon_start - furthest, exon_end + 1), exon_start - nearest)

    if depth("donor", 1, 2):
        terms.add("splice_donor_variant")
    if depth("acceptor", 1, 2):
        terms.add("splice_acceptor_variant")
    at_inner_end = insertion and first in (exon_end + 3, exon_start - 2)
    if meets(exon_end + 3, exon_start - 3) or at_inner_end:
        terms.add("intron_variant")
    if depth("donor", 5, 5):
        terms.add("splice_donor_5th_base_variant")
    elif depth("donor", 3, 6):
        terms.add("splice_donor_region_variant")
    elif depth("donor", 7, 8):
        terms.add("splice_region_variant")
    if depth("acceptor", 3, 17):
        terms.add("splice_polypyrimidine_tract_variant")
    beside = insertion and first in (exon_end + 1, exon_end + 3, exon_start, exon_start - 2)
    in_exon = meets(exon_end - 2, exon_end) or meets(exon_start, exon_start + 2)
    if depth("acceptor", 3, 8) or beside or in_exon:
        terms.add("splice_region_variant")
    if terms & {"splice_donor_variant", "splice_acceptor_variant"}:
        terms.discard("splice_region_variant")
    return terms


def exonic_terms(transcript: Transcript, first: int, last: int) -> set[str]:
    """Return the terms for the exons' parts that a deletion or substitution meets, whatever it does there.

    Parameters
    ----------
    transcript
        As annotated.
    first, last
        Changed bases, counted from 1.

    Examples
    --------
    >>> transcript = Transcript("T1", "G", "1", "-", ((11, 20), (61, 70)), ((15, 20), (61, 65)))
    >>> sorted(exonic_terms(transcript, 13, 30))
    ['3_prime_UTR_variant', 'coding_sequence_variant']
    """
    parts = [(max(first, start), min(last, end)) for start, end in transcript.exons]
    parts = [(low, high) for low, high in parts if low <= high]
    if not transcript.is_coding:
        return {"non_coding_transcript_exon_variant"} if parts else set()
    before, behind = "5_prime_UTR_variant", "3_prime_UTR_variant"
    if transcript.strand == "-":
        before, behind = behind, before
    begin, finish = transcript.coding[0][0], transcript.coding[-1][1]
    terms = set()
    for low, high in parts:
        terms |= {before} if low < begin else set()
        terms |= {behind} if high > finish else set()
        terms |= {"coding_sequence_variant"} if low <= finish and high >= begin else set()
    return terms
