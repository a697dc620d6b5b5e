"""Which variants of a transcript are put into one protein, and what is told of doubtful neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Protocol

from tumorboard.core.neopeptide import DropReason
from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.immunotherapy.peptides.altered_protein import edit_between
from tumorboard.immunotherapy.peptides.event_peptides import DoubtfulResidues, EventPeptides
from tumorboard.immunotherapy.peptides.haplotype import Haplotype
from tumorboard.immunotherapy.peptides.haplotype_of_residues import (
    Contribution,
    contribution_of,
    haplotype_of_residues,
)
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal, protein_of_change, refusal_of_protein
from tumorboard.immunotherapy.variants.phase_groups import Copies, PhaseCalls, copies_of

__all__ = ["HaplotypeSource", "TranscriptVariants", "add_together"]

#: Residues that a shifted frame leaves the same by chance; each has odds of one in ten or less.
_SHIFT_MAY_BE_BEFORE: Final = 8


class HaplotypeSource(Protocol):
    """What puts several variants of one copy into a transcript by its bases."""

    def haplotype(self, transcript: str, variants: Sequence[SmallVariant]) -> Haplotype | None:
        """Return the protein with all of them; ``None`` where it cannot be told."""
        ...


@dataclass(slots=True)
class TranscriptVariants:
    """The variants that touch one transcript, each with what it does to it.

    Parameters
    ----------
    somatic, germline
        In the order of the file.
    """

    somatic: list[tuple[SmallVariant, TranscriptChange]] = field(default_factory=list)
    germline: list[tuple[SmallVariant, TranscriptChange]] = field(default_factory=list)


class _Member(NamedTuple):
    """A variant with what it does alone."""

    variant: SmallVariant
    change: TranscriptChange
    part: Contribution


def add_together(
    gathered: Mapping[str, EventPeptides],
    here: TranscriptVariants,
    lengths: Sequence[int],
    calls: PhaseCalls | None,
    bases: HaplotypeSource | None,
) -> None:
    """Take the peptides of a transcript that several variants touch.

    Parameters
    ----------
    gathered
        The events, by their variants' names; each is added to.
    here
        The transcript's variants.
    lengths
        Of peptides.
    calls
        What reads say of pairs of variants.
    bases
        Puts variants together by bases; without it residues are.
    """
    reach = max(lengths)
    somatic, refused = _members(here.somatic)
    germline, _ = _members(here.germline)
    groups = _groups(somatic, germline, reach, calls)
    for index, group in enumerate(groups):
        head = next(one for one in group if one.variant.somatic)
        members = {one.variant.name for one in group}
        elsewhere = [one for others in groups[:index] + groups[index + 1 :] for one in others]
        doubtful = [
            other
            for other in (*germline, *elsewhere)
            if other.variant.name not in members
            and _near(group, other, reach)
            and _relation(group, other, calls) is not Copies.OTHER
        ]
        doubtful = list({one.variant.name: one for one in doubtful}.values())
        opposite = [other for other in germline if _relation(group, other, calls) is Copies.OTHER]
        everywhere = [one for one in germline if one.variant.homozygous and one not in opposite]
        normals = _normals(doubtful, opposite, everywhere, bases)
        _add_group(gathered[head.variant.name], group, doubtful, normals, lengths, bases)
    _list_the_rest(gathered, here, refused)


def _members(
    variants: Sequence[tuple[SmallVariant, TranscriptChange]],
) -> tuple[list[_Member], dict[str, Refusal]]:
    members: list[_Member] = []
    refused: dict[str, Refusal] = {}
    for variant, change in variants:
        part = contribution_of(variant, change)
        if isinstance(part, Refusal):
            refused[variant.name] = part
        else:
            members.append(_Member(variant, change, part))
    return sorted(members, key=_place), refused


def _groups(
    somatic: Sequence[_Member], germline: Sequence[_Member], reach: int, calls: PhaseCalls | None
) -> list[list[_Member]]:
    """Return which variants share a copy and are near enough to share a peptide, directly or by others."""
    groups: list[list[_Member]] = []
    free = list(somatic)
    while free:
        group = [free.pop(0)]
        near = list(germline)
        while joining := [one for one in (*free, *near) if _joins(group, one, reach, calls)]:
            # One at a time: two that join may exclude each other.
            group.append(joining[0])
            free = [one for one in free if one is not joining[0]]
            near = [one for one in near if one is not joining[0]]
        groups.append(sorted(group, key=_place))
    return groups


def _place(one: _Member) -> tuple[int, int]:
    return one.part.start, one.part.end


def _normals(
    doubtful: Sequence[_Member],
    opposite: Sequence[_Member],
    everywhere: Sequence[_Member],
    bases: HaplotypeSource | None,
) -> tuple[str, ...]:
    """Return what normal cells make of the other copy, and with each germline variant of unknown copy."""
    copies = [[one] for one in doubtful if not one.variant.somatic] + ([[*opposite]] if opposite else [])
    return tuple(_haplotype([*copy, *everywhere], bases).protein.sequence for copy in copies)


def _joins(group: Sequence[_Member], one: _Member, reach: int, calls: PhaseCalls | None) -> bool:
    return _relation(group, one, calls) is Copies.SAME and _near(group, one, reach)


def _relation(group: Sequence[_Member], one: _Member, calls: PhaseCalls | None) -> Copies:
    """Return whether a variant lies on the copy that a group is of."""
    relations = {other.variant.name: copies_of(other.variant, one.variant, calls) for other in group}
    if Copies.OTHER in relations.values():
        return Copies.OTHER
    # What is on every copy does not say which copy the others are on.
    placed = [other.variant.name for other in group if not other.variant.homozygous]
    told = relations.values() if one.variant.homozygous or not placed else [relations[n] for n in placed]
    return Copies.SAME if Copies.SAME in told else Copies.UNKNOWN


def _near(group: Sequence[_Member], one: _Member, reach: int) -> bool:
    return any(_share_peptide(other.part, one.part, reach) for other in group)


def _share_peptide(one: Contribution, other: Contribution, reach: int) -> bool:
    """Return whether a peptide of ``reach`` residues can show both, or one decides what the other does."""
    first, second = sorted((one, other), key=lambda part: (part.start, part.end))
    if first.is_silent or second.is_silent:
        # A silent change matters in the codon of another, or where the frame is shifted before it; that may
        # be some residues before the first that differs.
        return first.ends or second.start < first.end + (_SHIFT_MAY_BE_BEFORE if second.ends else 0)
    return first.ends or second.start - first.end + 2 <= reach


def _add_group(
    event: EventPeptides,
    group: Sequence[_Member],
    doubtful: Sequence[_Member],
    normals: tuple[str, ...],
    lengths: Sequence[int],
    bases: HaplotypeSource | None,
) -> None:
    change = group[0].change
    haplotype = _beside(_haplotype(group, bases), normals)
    doubts: list[DoubtfulResidues] = []
    unphased: list[tuple[Haplotype, str, str]] = []
    for other in doubtful:
        with_it = _beside(_haplotype([*group, other], bases), normals)
        place = next((one for one in with_it.carriers if one.name == other.variant.name), None)
        if place is None:
            continue
        start, end = place.start, place.start + max(other.part.end - other.part.start, 1)
        without, beside = haplotype.protein.sequence, with_it.protein.sequence
        # In a shifted frame it may change more residues than it does alone.
        edit = edit_between(without, beside, in_frame=not other.part.ends)
        if edit is not None:
            start, end = min(start, edit.reference_start), max(end, edit.reference_end)
        doubts.append(DoubtfulResidues(start, end, f"{other.part.change} not phased"))
        note = f"with {other.part.change} ({other.variant.name}), whose copy is not known"
        unphased.append((with_it, other.variant.name, note))
    refusal = refusal_of_protein(haplotype.protein)
    if refusal and not haplotype.absent:
        for one in group:
            if one.variant.somatic:
                event.refuse(change.gene, change.transcript, _told_with(refusal, group), one.variant.name)
    else:
        event.add_haplotype(change.gene, change.transcript, haplotype, lengths, doubts)
    for with_it, name, note in unphased:
        event.add_unphased(change.gene, change.transcript, with_it, lengths, name, note)


def _haplotype(members: Sequence[_Member], bases: HaplotypeSource | None) -> Haplotype:
    if bases is not None and len(members) > 1:
        found = bases.haplotype(members[0].change.transcript, [one.variant for one in members])
        if found is not None:
            called = {one.variant.name: one.part.change for one in members}
            carriers = [one._replace(change=called[one.name]) for one in found.carriers]
            return replace(found, carriers=tuple(carriers))
    wild_type = members[0].change.wild_type_protein or ""
    return haplotype_of_residues(wild_type, [one.part for one in members])


def _beside(haplotype: Haplotype, normals: tuple[str, ...]) -> Haplotype:
    """Return a haplotype that knows further normal proteins."""
    if not normals:
        return haplotype
    protein = haplotype.protein
    return replace(haplotype, protein=replace(protein, other_normals=(*protein.other_normals, *normals)))


def _told_with(refusal: Refusal, group: Sequence[_Member]) -> Refusal:
    if len(group) == 1:
        return refusal
    names = " + ".join(one.part.change for one in group)
    return Refusal(refusal.reason, f"{names} on one copy: {refusal.note}")


def _list_the_rest(
    gathered: Mapping[str, EventPeptides], here: TranscriptVariants, refused: Mapping[str, Refusal]
) -> None:
    """List what no peptide shows: changes that were refused, and those that others on the copy undo."""
    events = [gathered[variant.name] for variant, _ in here.somatic]
    listed = set().union(*(event.listed for event in events))
    shown = {key: reason for event in events for key, reason in event.shown.items()}
    for variant, change in here.somatic:
        if (variant.name, change.transcript) in listed:
            continue
        refusal = refused.get(variant.name)
        if refusal is None:
            alone = protein_of_change(change)
            reason = shown.get((variant.name, change.transcript), DropReason.NO_PROTEIN_CHANGE)
            note = "only with others on the same copy, under whose names the peptides are listed"
            refusal = alone if isinstance(alone, Refusal) else Refusal(reason, note)
        gathered[variant.name].refuse(change.gene, change.transcript, refusal)
