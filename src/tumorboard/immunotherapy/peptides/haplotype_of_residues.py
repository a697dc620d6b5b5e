"""Variants on one copy, put together from what each alone does to the protein's residues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tumorboard.core.neopeptide import DropReason
from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit, edit_between
from tumorboard.immunotherapy.peptides.codon_merge import CodonChange, codon_change, merge_codons
from tumorboard.immunotherapy.peptides.haplotype import Carrier, Haplotype, UnknownResidues
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal, stated_protein

__all__ = ["Contribution", "contribution_of", "haplotype_of_residues", "tightened"]

#: Terms after which nothing of the normal protein follows, be the new one as long by chance.
_NO_RETURN: Final = frozenset({"frameshift_variant", "stop_lost", "stop_gained"})


class Contribution(NamedTuple):
    """What one variant alone does to a transcript's protein.

    Parameters
    ----------
    variant
        The variant.
    change
        For people.
    start, end
        Residues of the normal protein that go, counted from 0, the end not included.
    residues
        That come in their place.
    ends
        Whether nothing of the normal protein follows them.
    codons
        The same in bases, where the source states them.
    """

    variant: SmallVariant
    change: str
    start: int
    end: int
    residues: str
    ends: bool
    codons: CodonChange | None

    @property
    def is_silent(self) -> bool:
        """Whether it leaves the protein as it is."""
        return self.change.endswith("=")


def contribution_of(variant: SmallVariant, change: TranscriptChange) -> Contribution | Refusal:
    """Return what a variant contributes to a haplotype, be it a change of a codon only.

    Parameters
    ----------
    variant
        Somatic or germline.
    change
        What it does to one transcript.

    Returns
    -------
    Contribution or Refusal
        A refusal where it is not known, or where it does not touch the protein.

    Examples
    --------
    >>> variant = SmallVariant("12", 25245350, "C", "A")
    >>> kras = TranscriptChange("KRAS", "T1", ("missense_variant",), 12, "G", "V", "MTEYKLVVVGAGGVGKSALT")
    >>> contribution_of(variant, kras)[1:]
    ('G12V', 11, 12, 'V', False, None)
    """
    codons = codon_change(variant, change)
    made = stated_protein(change)
    wild_type = change.wild_type_protein or ""
    if isinstance(made, Refusal) or not made.edits:
        silent = isinstance(made, AlteredProtein) or made.reason is DropReason.NO_PROTEIN_CHANGE
        place = _silent_place(change, codons) if silent else None
        if place is not None and place[1] <= len(wild_type):
            there = wild_type[slice(*place)]
            return Contribution(variant, f"{there}{place[0] + 1}=", *place, there, False, codons)
        if isinstance(made, Refusal):
            return made
        return Refusal(DropReason.NO_PROTEIN_CHANGE, "both proteins are the same")
    edit = made.edits[0]
    open_end = edit.reference_end == len(wild_type) and edit.end == len(made.sequence)
    ends = open_end and (not edit.keeps_length or not _NO_RETURN.isdisjoint(change.consequences))
    start, shift = edit.reference_start, 0
    if ends and change.protein_start is not None:
        # A frame may be shifted some residues before the first that differs.
        shift = max(start - max(change.protein_start - 1, 0), 0)
    residues = made.sequence[edit.start - shift : edit.end]
    return Contribution(variant, made.change, start - shift, edit.reference_end, residues, ends, codons)


def haplotype_of_residues(wild_type: str, contributions: Sequence[Contribution]) -> Haplotype:
    """Put the changes of several variants of one copy into a protein.

    Changes of different residues stand side by side. Changes of one codon are merged base by base, where the
    codons are stated. What else meets, and what lies behind a shifted frame, cannot be told from residues:
    it is marked as unknown.

    Parameters
    ----------
    wild_type
        The reference's protein.
    contributions
        Of variants on one copy, in any order.

    Returns
    -------
    Haplotype
        Its wild type has the germline variants only.

    Examples
    --------
    >>> here = SmallVariant("12", 25245350, "C", "A")
    >>> near = SmallVariant("12", 25245344, "A", "T", somatic=False)
    >>> both = [
    ...     Contribution(here, "G12V", 11, 12, "V", False, None),
    ...     Contribution(near, "V14E", 13, 14, "E", False, None),
    ... ]
    >>> made = haplotype_of_residues("MTEYKLVVVGAGGVGKSALT", both)
    >>> made.protein.wild_type, made.protein.sequence
    ('MTEYKLVVVGAGGEGKSALT', 'MTEYKLVVVGAVGEGKSALT')
    """
    normal, altered = _Strand(wild_type), _Strand(wild_type)
    edits: list[ProteinEdit] = []
    carriers: list[Carrier] = []
    unknown: list[UnknownResidues] = []
    absent: list[tuple[str, str]] = []
    for group in _groups(wild_type, contributions):
        if altered.ended_by is None and len(group.members) == 1 and group.members[0].is_silent:
            continue
        if altered.ended_by is not None:
            blurred, note = _behind(group, altered.ended_by, altered.length)
            unknown += blurred
            absent += [
                (one.variant.name, f"{one.change} {note}") for one in group.members if one.variant.somatic
            ]
        there = normal.put(group.start, group.end, group.normal, group.normal_end)
        here = altered.put(group.start, group.end, group.altered, group.altered_end)
        if here is None or there is None:
            continue
        if not group.known:
            note = f"{_names(group)} meet on one copy: the transcript's bases are needed to tell them"
            unknown.append(UnknownResidues(*here, note))
        if group.altered != group.normal or group.altered_end is not group.normal_end:
            edits.append(ProteinEdit(*there, *here))
        if group.altered != wild_type[group.start : group.end] or group.altered_end is not None:
            carriers += [
                Carrier(one.variant.name, one.change, one.variant.somatic, *here) for one in group.members
            ]
    was, now = normal.text, altered.text
    if edits and altered.ended_by is not None and normal.ended_by is None:
        edits[-1] = ProteinEdit(edits[-1].reference_start, len(was), edits[-1].start, len(now))
    tight = tuple(found for edit in edits if (found := tightened(was, now, edit)) is not None)
    change = " + ".join(one.change for one in contributions if one.variant.somatic)
    protein = AlteredProtein(now, was, tight, change, () if was == wild_type else (wild_type,))
    return Haplotype(protein, tuple(carriers), tuple(unknown), tuple(absent))


def tightened(was: str, now: str, edit: ProteinEdit) -> ProteinEdit | None:
    """Return an edit without the residues that stay the same at its ends; ``None`` if nothing is left.

    Parameters
    ----------
    was, now
        The normal and the altered protein.
    edit
        That leads from one to the other.

    Examples
    --------
    >>> tightened("MGWK", "MGRK", ProteinEdit(1, 3, 1, 3))
    ProteinEdit(reference_start=2, reference_end=3, start=2, end=3)
    """
    open_end = edit.reference_end == len(was) and edit.end == len(now) and not edit.keeps_length
    inner = edit_between(
        was[edit.reference_start : edit.reference_end], now[edit.start : edit.end], in_frame=not open_end
    )
    if inner is None:
        return None
    return ProteinEdit(
        edit.reference_start + inner.reference_start,
        edit.reference_start + inner.reference_end,
        edit.start + inner.start,
        edit.start + inner.end,
    )


def _silent_place(change: TranscriptChange, codons: CodonChange | None) -> tuple[int, int] | None:
    """Return the residues whose codons a change touches and leaves as they are read."""
    if codons is not None:
        return codons.start, codons.end
    if change.protein_start is None or not change.reference_residues:
        return None
    start = change.protein_start - 1
    return start, start + len(change.reference_residues)


class _Group(NamedTuple):
    """Contributions that meet: what they make together of one stretch of the normal protein.

    ``normal_end`` and ``altered_end`` say after which of them nothing of the normal protein follows, if any.
    """

    members: tuple[Contribution, ...]
    start: int
    end: int
    normal: str
    altered: str
    normal_end: Contribution | None
    altered_end: Contribution | None
    known: bool = True


class _Strand:
    """Residues of one copy, put together from left to right."""

    def __init__(self, wild_type: str) -> None:
        self._wild_type = wild_type
        self._pieces: list[str] = []
        self._done = 0
        self.length = 0
        self.ended_by: Contribution | None = None

    def put(self, start: int, end: int, residues: str, last: Contribution | None) -> tuple[int, int] | None:
        """Replace a stretch of the normal protein; return where the residues stand, if they are reached."""
        if self.ended_by is not None:
            return None
        before = self._wild_type[self._done : start]
        self._pieces += [before, residues]
        here = self.length + len(before)
        self.length = here + len(residues)
        self._done = end
        self.ended_by = last
        return here, self.length

    @property
    def text(self) -> str:
        """All of it."""
        rest = "" if self.ended_by is not None else self._wild_type[self._done :]
        return "".join([*self._pieces, rest])


def _groups(wild_type: str, contributions: Sequence[Contribution]) -> list[_Group]:
    """Return contributions, those that meet together, from left to right."""
    found: list[list[Contribution]] = []
    reached = -1
    for one in sorted(contributions, key=lambda one: (_region(one), one.variant.name)):
        start, end = _region(one)
        same_joint = found and start == end and _region(found[-1][-1]) == (start, end)
        if found and (start < reached or same_joint):
            found[-1].append(one)
        else:
            found.append([one])
        reached = max(reached, end)
    return [_group(wild_type, tuple(group)) for group in found]


def _region(one: Contribution) -> tuple[int, int]:
    """Return the residues that another variant must not touch, or both meet."""
    if one.ends:
        return one.start, one.start + 1
    if one.codons is not None:
        return min(one.start, one.codons.start), max(one.end, one.codons.end)
    return one.start, one.end


def _group(wild_type: str, members: tuple[Contribution, ...]) -> _Group:
    if len(members) == 1:
        (one,) = members
        last = one if one.ends else None
        if one.variant.somatic:
            there = wild_type[one.start : one.end]
            return _Group(members, one.start, one.end, there, one.residues, None, last)
        return _Group(members, one.start, one.end, one.residues, one.residues, last, last)
    merged = _merged(wild_type, members)
    germline = tuple(one for one in members if not one.variant.somatic)
    alone = _merged(wild_type, germline)
    if merged is None or alone is None:
        ending = [one for one in members if one.ends]
        # What is unknown is marked where something changes: a silent one would hide that.
        shown = (ending or [one for one in members if not one.is_silent] or [*members])[0]
        start, end = min(one.start for one in members), max(one.end for one in members)
        there = wild_type[start:end]
        altered = wild_type[start : shown.start] + shown.residues
        altered += "" if ending else wild_type[shown.end : end]
        return _Group(members, start, end, there, altered, None, ending[0] if ending else None, known=False)
    start, end, altered = merged
    if germline:
        normal = wild_type[start : alone[0]] + alone[2] + wild_type[alone[1] : end]
    else:
        normal = wild_type[start:end]
    (normal, stop), (altered, altered_stop) = (text.partition("*")[:2] for text in (normal, altered))
    return _Group(
        members,
        start,
        end,
        normal,
        altered,
        germline[0] if stop else None,
        members[0] if altered_stop else None,
    )


def _merged(wild_type: str, members: Sequence[Contribution]) -> tuple[int, int, str] | None:
    """Return first residue, one past the last, and residues of merged codons, if they can be told."""
    if not members:
        return 0, 0, ""
    codons = [one.codons for one in members if one.codons is not None]
    merged = merge_codons(codons) if len(codons) == len(members) else None
    if merged is None:
        return None
    start, was, now = merged
    end = start + len(was)
    return (start, end, now) if wild_type[start:end] == was else None


def _behind(group: _Group, ending: Contribution, length: int) -> tuple[list[UnknownResidues], str]:
    """Return what is unknown of a copy because a variant lies behind where it leaves the normal protein."""
    growth = len(ending.variant.alternative) - len(ending.variant.reference)
    place = group.start + growth // 3 - 1
    if not ending.ends or growth % 3 == 0 or place >= length:
        return [], f"lies behind the stop that {ending.change} brings on the same copy"
    note = f"lies behind {ending.change} on the same copy: the transcript's bases are needed to tell it"
    return [UnknownResidues(max(place, 0), length, f"{_names(group)} {note}")], note


def _names(group: _Group) -> str:
    return " and ".join(f"{one.change} ({one.variant.name})" for one in group.members)
