"""A transcript: where its exons and its coding bases lie in the genome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from tumorboard.errors import InputError

__all__ = ["Interval", "Transcript"]

#: First and last base, counted from 1, both included.
Interval: TypeAlias = tuple[int, int]

_START_UNKNOWN: Final = frozenset({"cds_start_NF", "mRNA_start_NF"})


@dataclass(frozen=True, slots=True)
class Transcript:
    """One transcript of a gene, as an annotation states it.

    Parameters
    ----------
    identifier
        With its version if the annotation gives one, e.g. ``"ENST00000311936.8"``.
    gene
        Symbol, or the gene's identifier where there is none.
    chromosome
        As in the annotation, with or without ``chr``.
    strand
        ``"+"`` or ``"-"``.
    exons
        Intervals on the forward strand, first and last base counted from 1, ascending whatever the strand.
    coding
        What is translated, in the same manner, **with the stop codon** where the annotation has one; empty
        for a transcript that is not translated.
    coding_phase
        Bases to skip at the first coding base (in the direction of translation) before the first whole
        codon: 0, or 1 or 2 where the annotation begins inside a codon.
    biotype
        E.g. ``"protein_coding"``; empty if not known.
    canonical, mane_select
        Whether the annotation tags it so; ``None`` if the annotation tags none at all.
    support_level
        Transcript support level 1 (best) to 5, ``None`` if not known.
    flags
        The annotation's tags that say what is missing or odd: ``"cds_start_NF"``, ``"cds_end_NF"``,
        ``"mRNA_start_NF"``, ``"mRNA_end_NF"``, ``"seleno"``...
    gene_identifier, protein_identifier
        May be empty.

    Raises
    ------
    InputError
        When there is no exon, intervals are not ascending and apart, or coding bases lie outside exons.

    Examples
    --------
    >>> made = Transcript("T1", "GENE", "1", "-", ((101, 200), (301, 400)), ((151, 200), (301, 340)))
    >>> made.start, made.end, made.coding_length, made.is_coding
    (101, 400, 90, True)
    """

    identifier: str
    gene: str
    chromosome: str
    strand: str
    exons: tuple[Interval, ...]
    coding: tuple[Interval, ...] = ()
    coding_phase: int = 0
    biotype: str = "protein_coding"
    canonical: bool | None = None
    mane_select: bool | None = None
    support_level: int | None = None
    flags: tuple[str, ...] = ()
    gene_identifier: str = ""
    protein_identifier: str = ""

    def __post_init__(self) -> None:
        if not self.identifier:
            raise InputError("identifier of a transcript must not be empty; got an empty one")
        if self.strand not in ("+", "-"):
            raise InputError(f"strand of {self.identifier} must be + or -; got {self.strand!r}")
        if self.coding_phase not in (0, 1, 2):
            raise InputError(
                f"coding_phase of {self.identifier} must be 0, 1 or 2; got {self.coding_phase!r}"
            )
        if not self.exons:
            raise InputError(f"exons of {self.identifier} must be one at least; got none")
        for name in ("exons", "coding"):
            _require_ascending(getattr(self, name), f"{name} of {self.identifier}")
        for first, last in self.coding:
            if not any(start <= first and last <= end for start, end in self.exons):
                raise InputError(
                    f"coding bases of {self.identifier} must lie in its exons; got {first}-{last}; "
                    "the annotation contradicts itself"
                )

    @property
    def start(self) -> int:
        """First base, on the forward strand."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """Last base, on the forward strand."""
        return self.exons[-1][1]

    @property
    def is_coding(self) -> bool:
        """Whether any of it is translated."""
        return bool(self.coding)

    @property
    def coding_length(self) -> int:
        """Number of coding bases, the stop codon and the bases of ``coding_phase`` included."""
        return sum(last - first + 1 for first, last in self.coding)

    @property
    def starts_whole(self) -> bool:
        """Whether the annotation holds the start of the coding sequence."""
        return self.coding_phase == 0 and not _START_UNKNOWN.intersection(self.flags)

    def overlaps(self, first: int, last: int) -> bool:
        """Return whether any base of the transcript, introns included, lies from ``first`` to ``last``."""
        return self.start <= last and first <= self.end


def _require_ascending(intervals: tuple[Interval, ...], name: str) -> None:
    before = 0
    for first, last in intervals:
        if not before < first <= last:
            raise InputError(
                f"{name} must be ascending intervals of bases counted from 1, none overlapping; "
                f"got {first}-{last} after {before}"
            )
        before = last
