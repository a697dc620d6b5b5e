"""A transcript's exons with another junction put into them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.neopeptide import DropReason
from tumorboard.core.transcript import Interval, Transcript
from tumorboard.core.variant import SpliceJunction
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal

__all__ = ["Respliced", "is_annotated", "respliced"]


class Respliced(NamedTuple):
    """A transcript with another junction.

    Parameters
    ----------
    transcript
        Its exons are the altered ones; it has no coding bases, for where translation ends is another matter.
    change
        For people, e.g. ``"2 exons skipped"``.
    """

    transcript: Transcript
    change: str


def respliced(transcript: Transcript, junction: SpliceJunction) -> Respliced | Refusal:
    """Put a junction into a transcript, by the rules of splice2neo [lang2024splice2neo].

    The exon that holds the last base before the intron ends there; if none does, the next exon before is
    made longer to it. The same holds behind the intron, and exons in between are left out. Within one exon
    the intron is cut out of it (an exitron). A kept intron brings both exons beside it together.

    Parameters
    ----------
    transcript
        As annotated.
    junction
        On the same strand, or of unknown strand; both bases beside it must lie in the transcript.

    Returns
    -------
    Respliced or Refusal

    Examples
    --------
    >>> usual = Transcript("T", "G", "1", "+", ((2, 3), (5, 6), (10, 15)))
    >>> skipping = SpliceJunction("1", 4, 9, "+", 7, "", None, "", (), (), "")
    >>> made = respliced(usual, skipping)
    >>> made.transcript.exons, made.change
    (((2, 3), (10, 15)), '1 exon skipped')
    """
    before, behind = junction.start - 1, junction.end + 1
    if not _lies_in(transcript, junction):
        return Refusal(
            DropReason.OUTSIDE_TRANSCRIPT,
            f"{transcript.start}-{transcript.end}:{transcript.strand} does not hold it",
        )
    made = _kept(transcript, junction) if junction.retained else _cut(transcript, before, behind)
    if isinstance(made, Refusal):
        return made
    exons, change = made
    if exons == transcript.exons:
        return Refusal(DropReason.ANNOTATED_JUNCTION, "it is the transcript's own")
    return Respliced(replace(transcript, exons=exons, coding=(), coding_phase=0), change)


def is_annotated(transcript: Transcript, junction: SpliceJunction) -> bool:
    """Return whether a transcript as annotated has a junction, or an exon across an intron that was kept.

    Parameters
    ----------
    transcript
        Of the same place.
    junction
        To be looked for.

    Examples
    --------
    >>> usual = Transcript("T", "G", "1", "+", ((2, 3), (5, 6), (10, 15)))
    >>> is_annotated(usual, SpliceJunction("1", 7, 9, ".", 7, "", None, "", (), (), ""))
    True
    """
    before, behind = junction.start - 1, junction.end + 1
    if not _lies_in(transcript, junction):
        return False
    if junction.retained:
        return any(first <= before and behind <= last for first, last in transcript.exons)
    return any(left[1] == before and right[0] == behind for left, right in pairwise(transcript.exons))


def _lies_in(transcript: Transcript, junction: SpliceJunction) -> bool:
    return (
        plain_chromosome(transcript.chromosome) == plain_chromosome(junction.chromosome)
        and junction.strand in (".", transcript.strand)
        and transcript.start <= junction.start - 1
        and junction.end + 1 <= transcript.end
    )


def _cut(transcript: Transcript, before: int, behind: int) -> tuple[tuple[Interval, ...], str]:
    """Return the exons with the bases between ``before`` and ``behind`` cut out, and what that is called."""
    exons = transcript.exons
    left = max(k for k, (first, _) in enumerate(exons) if first <= before)
    right = min(k for k, (_, last) in enumerate(exons) if last >= behind)
    altered = (*exons[:left], (exons[left][0], before), (behind, exons[right][1]), *exons[right + 1 :])
    if left == right:
        return altered, "exitron"
    skipped = right - left - 1
    sides = (exons[left][1] != before, exons[right][0] != behind)
    donor, acceptor = sides if transcript.strand == "+" else sides[::-1]
    parts = []
    if donor:
        parts.append("other donor")
    if acceptor:
        parts.append("other acceptor")
    if skipped:
        parts.append(f"{skipped} exon{'s' if skipped > 1 else ''} skipped")
    return altered, ", ".join(parts)


def _kept(transcript: Transcript, junction: SpliceJunction) -> tuple[tuple[Interval, ...], str] | Refusal:
    """Return the exons with the intron kept that a junction states, whole or by one of its borders."""
    exons = transcript.exons
    border_only = junction.end < junction.start
    for k, (left, right) in enumerate(pairwise(exons)):
        first, last = left[1] + 1, right[0] - 1
        whole = (first, last) == (junction.start, junction.end)
        border = border_only and (first == junction.start or last == junction.end)
        if whole or border:
            return (*exons[:k], (left[0], right[1]), *exons[k + 2 :]), "intron kept"
    return Refusal(DropReason.OUTSIDE_TRANSCRIPT, "the transcript has no such intron")
