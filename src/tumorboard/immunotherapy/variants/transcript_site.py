"""Where in a transcript a variant lies, and the bases of the spliced transcript that it replaces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant, without_shared_ends
from tumorboard.immunotherapy.variants.translation import reverse_complement

__all__ = ["Edit", "TranscriptSite", "edit_of", "site_of", "trimmed"]


class TranscriptSite(Enum):
    """Where in a transcript a variant lies."""

    EXON = "within one exon"
    INTRON = "within one intron, off the two bases at its ends"
    SPLICE_SITE = "on the first or last two bases of an intron"
    EDGE = "across the first or last base of the transcript"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Edit:
    """Bases of a spliced transcript, and what stands in their place.

    Parameters
    ----------
    first, end
        Offsets from 0: of the first base that goes, and one after the last; equal for an insertion before
        that base.
    bases
        On the transcript's strand; may be empty.
    variant
        Where it comes from.
    """

    first: int
    end: int
    bases: str
    variant: SmallVariant

    @property
    def growth(self) -> int:
        """By how many bases the transcript gets longer."""
        return len(self.bases) - (self.end - self.first)


def trimmed(variant: SmallVariant) -> tuple[int, str, str]:
    """Return position, reference and alternative without the bases that both share at their ends.

    The shared bases of a VCF's indel in front go first, then those behind. In a repeat this keeps an indel
    where the file has it: where it is written changes neither the bases nor the protein that result.

    Parameters
    ----------
    variant
        As a VCF states it.

    Returns
    -------
    tuple
        Position of the first base replaced, counted from 1 (of an insertion: of the base behind it), and
        the bases, of which one may be empty.

    Examples
    --------
    >>> trimmed(SmallVariant("1", 10, "GCT", "GT")), trimmed(SmallVariant("1", 10, "G", "GA"))
    ((11, 'C', ''), (11, '', 'A'))
    """
    before, reference, alternative = without_shared_ends(variant.reference, variant.alternative)
    return variant.position + before, reference, alternative


def site_of(transcript: Transcript, variant: SmallVariant) -> TranscriptSite:
    """Return where in a transcript a variant lies.

    An insertion between the last base of an exon and the intron counts as in the exon: the splice site is
    left as it was and stands behind the new bases.

    Parameters
    ----------
    transcript
        Of the variant's chromosome.
    variant
        Its shared bases are left out first.

    Examples
    --------
    >>> transcript = Transcript("T1", "G", "1", "+", ((11, 20), (31, 40)))
    >>> [site_of(transcript, SmallVariant("1", p, "A", "G")).name for p in (10, 11, 22, 25, 31)]
    ['OUTSIDE', 'EXON', 'SPLICE_SITE', 'INTRON', 'EXON']
    """
    first, reference, _ = trimmed(variant)
    last = first + len(reference) - 1
    if last < first:
        inside = transcript.start < first <= transcript.end
    else:
        inside = transcript.overlaps(first, last)
    if not inside:
        return TranscriptSite.OUTSIDE
    if exon_of(transcript, first, last) is not None:
        return TranscriptSite.EXON
    if first < transcript.start or last > transcript.end:
        return TranscriptSite.EDGE
    for (_, exon_end), (exon_start, _) in pairwise(transcript.exons):
        if exon_end + 2 < first and last < exon_start - 2:
            return TranscriptSite.INTRON
        if last < first and (first, last) in ((exon_end + 3, exon_end + 2), (exon_start - 2, exon_start - 3)):
            return TranscriptSite.INTRON
    return TranscriptSite.SPLICE_SITE


def exon_of(transcript: Transcript, first: int, last: int) -> int | None:
    """Return the number of the exon that holds all bases from ``first`` to ``last``, or none.

    Parameters
    ----------
    transcript
        As annotated.
    first, last
        Counted from 1; ``last`` is ``first - 1`` for an insertion.
    """
    for number, (start, end) in enumerate(transcript.exons):
        if last < first:
            # At the ends of the transcript itself an insertion lies outside.
            touches_start = first == start and number > 0
            touches_end = last == end and number + 1 < len(transcript.exons)
            if start < first <= end or touches_start or touches_end:
                return number
        elif start <= first and last <= end:
            return number
    return None


def edit_of(transcript: Transcript, variant: SmallVariant) -> Edit | None:
    """Return what a variant within an exon replaces in the spliced transcript; ``None`` if it is not in one.

    Parameters
    ----------
    transcript
        As annotated.
    variant
        Of its chromosome.

    Examples
    --------
    >>> transcript = Transcript("T1", "G", "1", "-", ((1, 8), (19, 26)))
    >>> edit = edit_of(transcript, SmallVariant("1", 20, "T", "TC"))
    >>> edit.first, edit.end, edit.bases
    (6, 6, 'G')
    """
    first, reference, alternative = trimmed(variant)
    last = first + len(reference) - 1
    number = exon_of(transcript, first, last)
    if number is None:
        return None
    start, end = transcript.exons[number]
    before = transcript.exons[:number] if transcript.strand == "+" else transcript.exons[number + 1 :]
    begin = sum(finish - begin + 1 for begin, finish in before)
    begin += first - start if transcript.strand == "+" else end - last
    bases = alternative if transcript.strand == "+" else reverse_complement(alternative)
    return Edit(begin, begin + len(reference), bases, variant)
