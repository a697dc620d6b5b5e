"""A peptide that only the tumour makes, where it comes from, and why one was dropped."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = [
    "DropReason",
    "DroppedPeptide",
    "Neopeptide",
    "NeopeptideSet",
    "OriginKind",
    "PeptideOrigin",
]

_RESIDUES = re.compile(r"[ACDEFGHIKLMNPQRSTVWY]+\Z")


class OriginKind(Enum):
    """What kind of change a peptide comes from."""

    SMALL_VARIANT = "small variant"
    FUSION = "fusion"
    SPLICE = "splice junction"


class DropReason(Enum):
    """Why a peptide, a transcript's change or a whole event gives no target."""

    SELF_SAME_TRANSCRIPT = "occurs verbatim in the same transcript's wild-type protein"
    SELF_PROTEOME = "occurs verbatim in another protein of the proteome"
    NO_PROTEIN_SEQUENCE = "the source gives no protein sequence for the change"
    NOT_PROTEIN_CODING = "the transcript is not protein-coding"
    NO_PROTEIN_CHANGE = "the change leaves the protein as it is"
    STOP_GAINED = "the change only ends the protein early"
    START_LOST = "the change removes the start: what is translated is not known"
    REFERENCE_MISMATCH = "the stated reference is not in the sequence"
    INCOMPLETE_TRANSCRIPT = "the annotation does not hold the whole coding sequence"
    NONSTANDARD_RESIDUE = "holds a residue that is none of the twenty"
    TOO_SHORT = "the new part is shorter than the shortest peptide asked for"
    FILTERED = "the variant failed a filter of its caller"
    NOT_EXPRESSED = "the gene is not expressed"
    UNPHASED_NEIGHBOUR = "a neighbour's copy of the chromosome is not known"
    ANNOTATED_JUNCTION = "the annotation has the junction: normal cells make it"
    FEW_READS = "too few reads support the fusion or junction"
    OUTSIDE_TRANSCRIPT = "the junction does not lie in the transcript"
    NOT_IN_TUMOUR = "the tumour sample does not carry the variant"


@dataclass(frozen=True, slots=True)
class PeptideOrigin:
    """Where a peptide comes from.

    Parameters
    ----------
    kind
        Of change.
    events
        Names of the variants, the fusion or the junction that make it; the first is the somatic one it is
        listed under, others lie on the same copy.
    gene, transcript
        Of the protein.
    change
        For people, e.g. ``"R175H"`` or ``"FS 112"``.
    start
        Of the peptide in the mutant protein, counted from 1.
    """

    kind: OriginKind
    events: tuple[str, ...]
    gene: str
    transcript: str
    change: str
    start: int

    def __post_init__(self) -> None:
        if not self.events:
            raise InputError(
                f"events of a peptide's origin in {self.transcript} must be one at least; got none"
            )
        if self.start < 1:
            raise InputError(f"start of a peptide in its protein must be counted from 1; got {self.start}")


@dataclass(frozen=True, slots=True)
class Neopeptide:
    """A peptide that the tumour's proteins have and its normal ones lack.

    Parameters
    ----------
    sequence
        Standard residues, one letter.
    wild_type
        The normal protein's peptide at the same place and of the same length; ``None`` where there is none
        (behind a shifted frame, fusions, junctions).
    new_positions
        Residues that are new, counted from 0 in ``sequence``; empty where a deletion only
        brings old ones together.
    origins
        One for each transcript that gives it, of one event.

    Raises
    ------
    InputError
        When residues are not standard, or positions lie outside.

    Examples
    --------
    >>> origin = PeptideOrigin(OriginKind.SMALL_VARIANT, ("chr12-25245350-C-A",), "KRAS", "T1", "G12V", 6)
    >>> Neopeptide("LVVVGAVGV", "LVVVGAGGV", (6,), (origin,)).events
    ('chr12-25245350-C-A',)
    """

    sequence: str
    wild_type: str | None
    new_positions: tuple[int, ...]
    origins: tuple[PeptideOrigin, ...]

    def __post_init__(self) -> None:
        for name, residues in (("sequence", self.sequence), ("wild_type", self.wild_type)):
            if residues is not None and not _RESIDUES.match(residues):
                raise InputError(
                    f"{name} of a neopeptide must be standard residues of one letter; got {residues!r}"
                )
        if self.wild_type is not None and len(self.wild_type) != len(self.sequence):
            raise InputError(f"wild_type of {self.sequence} must be as long as it; got {self.wild_type!r}")
        if any(not 0 <= position < len(self.sequence) for position in self.new_positions):
            raise InputError(f"new_positions of {self.sequence} must lie within it; got {self.new_positions}")
        if not self.origins:
            raise InputError(f"origins of {self.sequence} must be one at least; got none")

    @property
    def events(self) -> tuple[str, ...]:
        """Names of what makes it, of its first origin."""
        return self.origins[0].events

    @property
    def gene(self) -> str:
        """Gene of its first origin."""
        return self.origins[0].gene


@dataclass(frozen=True, slots=True)
class DroppedPeptide:
    """What gives no target, and why.

    Parameters
    ----------
    reason
        As a code.
    sequence
        The peptide; empty where a whole change was dropped.
    event
        Name of the variant, fusion or junction.
    gene, transcript
        May be empty.
    note
        Values for people: what was stated and what was found.
    """

    reason: DropReason
    sequence: str
    event: str
    gene: str
    transcript: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NeopeptideSet:
    """All peptides of a tumour's changes: those to look at, and those dropped.

    Parameters
    ----------
    kept
        No two with the same sequence, events and wild type.
    dropped
        The others, with reasons.
    provenance
        How they were made.
    """

    kept: tuple[Neopeptide, ...]
    dropped: tuple[DroppedPeptide, ...]
    provenance: Record

    def counts(self) -> dict[str, int]:
        """Return how many were dropped for each reason, by its code, most first."""
        found = Counter(dropped.reason.name for dropped in self.dropped)
        return dict(found.most_common())
