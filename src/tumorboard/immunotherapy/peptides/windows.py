"""Peptides of an altered protein that the normal one lacks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import NamedTuple

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein
from tumorboard.immunotherapy.residues import RESIDUES

__all__ = ["FoundWindows", "Window", "find_windows"]

_OTHER = re.compile(f"[^{RESIDUES}]")


class Window(NamedTuple):
    """A peptide of an altered protein.

    Parameters
    ----------
    start
        In the altered protein, counted from 0.
    sequence
        Its residues.
    wild_type
        The normal protein's peptide at the same place; ``None`` where there is none.
    new_positions
        Residues that the change brought, counted from 0 in ``sequence``.
    """

    start: int
    sequence: str
    wild_type: str | None
    new_positions: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FoundWindows:
    """All peptides of given lengths that a change reaches.

    Parameters
    ----------
    new
        Those that no normal protein holds.
    own
        Those that one does: where they start, counted from 0, and their residues.
    nonstandard
        Those with a residue that is none of the twenty, in the same manner.
    """

    new: tuple[Window, ...]
    own: tuple[tuple[int, str], ...]
    nonstandard: tuple[tuple[int, str], ...]

    def __len__(self) -> int:
        """Return the number of all."""
        return len(self.new) + len(self.own) + len(self.nonstandard)


def find_windows(protein: AlteredProtein, lengths: Iterable[int]) -> FoundWindows:
    """Find the peptides that a change reaches, and which of them are new.

    A change reaches a peptide that holds a residue it brought or, where it only takes residues away, both
    neighbours that it brings together. A peptide is new when neither ``protein.wild_type`` nor one of
    ``protein.other_normals`` holds it anywhere.

    The normal peptide at the same place is the one of the same length that begins at the same residue, or
    the one that ends at the same residue, whichever shares the longer unbroken stretch from there (if equal,
    the first); half of its residues at least must be the same in place, and the peptide must hold an old
    residue. For a substitution both are the same. Behind a frameshift or a lost stop nothing ends at the same
    residue, so only the first few peptides have a normal one.

    Parameters
    ----------
    protein
        With its edits.
    lengths
        Of peptides, 1 or more residues.

    Returns
    -------
    FoundWindows
        Each peptide at each place once, shorter ones first, then by place.

    Raises
    ------
    InputError
        When a length is below 1.

    Notes
    -----
    What is too short to be new ends no later the further left it starts. So one walk along the protein finds
    for all lengths where the shortest new peptide from each place ends.

    Examples
    --------
    >>> from tumorboard.immunotherapy.peptides.altered_protein import ProteinEdit
    >>> protein = AlteredProtein("MTEYKLVVVGAV", "MTEYKLVVVGAG", (ProteinEdit(11, 12, 11, 12),), "G12V")
    >>> find_windows(protein, [9]).new
    (Window(start=3, sequence='YKLVVVGAV', wild_type='YKLVVVGAG', new_positions=(8,)),)
    """
    asked = sorted(set(lengths))
    if asked and asked[0] < 1:
        raise InputError(f"lengths of peptides must be 1 residue or more; got {asked[0]}")
    sequence = protein.sequence
    starts = {length: _starts(protein, length) for length in asked if length <= len(sequence)}
    if not starts:
        return FoundWindows((), (), ())
    first_new_end = _first_new_ends(protein, starts)
    brought = _brought(protein)
    odd = [match.start() for match in _OTHER.finditer(sequence)]
    wild_type = _counterparts(protein)
    new: list[Window] = []
    own: list[tuple[int, str]] = []
    nonstandard: list[tuple[int, str]] = []
    for length, where in starts.items():
        for start in where:
            end = start + length
            peptide = sequence[start:end]
            if odd and bisect_left(odd, end) > bisect_left(odd, start):
                nonstandard.append((start, peptide))
            elif end < first_new_end[start]:
                own.append((start, peptide))
            else:
                first = bisect_left(brought, start)
                places = brought[first : bisect_left(brought, end, first)]
                normal = wild_type(start, end, peptide, len(places))
                new.append(Window(start, peptide, normal, tuple([place - start for place in places])))
    return FoundWindows(tuple(new), tuple(own), tuple(nonstandard))


def _starts(protein: AlteredProtein, length: int) -> Sequence[int]:
    """Return where the peptides start that a change reaches, ascending."""
    last = len(protein.sequence) - length
    reached: list[range] = []
    for edit in protein.edits:
        # Where residues only go, the last to hold both neighbours starts one before the joint.
        beyond = edit.end if edit.end > edit.start else edit.start
        first = edit.start - length + 1
        reached.append(range(max(first, 0), min(beyond, last + 1)))
    if len(reached) == 1:
        return reached[0]
    return sorted({start for some in reached for start in some})


def _first_new_ends(protein: AlteredProtein, starts: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Return for each start where its shortest new peptide ends; one past all asked for if there is none."""
    shortest, longest = min(starts), max(starts)
    sequence = protein.sequence
    # A line feed is no residue, so that no peptide runs across two proteins.
    normal = "\n".join((protein.wild_type, *protein.other_normals))
    ends: dict[int, int] = {}
    end = 0
    for start in sorted(set().union(*starts.values())):
        end = max(end, start + shortest)
        most = min(start + longest, len(sequence))
        while end <= most and sequence[start:end] in normal:
            end += 1
        ends[start] = end
    return ends


def _brought(protein: AlteredProtein) -> list[int]:
    """Return the places of residues that the edits brought."""
    places: list[int] = []
    for edit in protein.edits:
        if edit.keeps_length:
            was = protein.wild_type[edit.reference_start : edit.reference_end]
            now = protein.sequence[edit.start : edit.end]
            places += [edit.start + i for i, (a, b) in enumerate(zip(was, now, strict=True)) if a != b]
        else:
            places += range(edit.start, edit.end)
    return places


def _counterparts(protein: AlteredProtein) -> Callable[[int, int, str, int], str | None]:
    """Return what finds the normal peptide at the same place as a peptide with so many new residues."""
    normal = protein.wild_type
    odd = _OTHER.search(normal) is not None

    def beside(start: int, end: int, peptide: str, n_new: int) -> str | None:
        """Of proteins of one length."""
        there = normal[start:end]
        fits = len(there) == end - start >= 2 * n_new and not (odd and _OTHER.search(there))
        return there if fits else None

    if all(edit.keeps_length for edit in protein.edits):
        return beside
    last = protein.edits[-1]
    open_end = last.reference_end == len(normal) and last.end == len(protein.sequence)
    open_start = last.start if open_end and not last.keeps_length else len(protein.sequence)

    def fitting(place: int, peptide: str) -> str | None:
        """Return the normal peptide at a place, if half of the residues are the same."""
        there = normal[place : place + len(peptide)] if place >= 0 else ""
        if len(there) != len(peptide) or (odd and _OTHER.search(there)):
            return None
        return there if 2 * sum(map(eq, there, peptide)) >= len(peptide) else None

    def shifted(start: int, end: int, peptide: str, n_new: int) -> str | None:
        """Where residues came or went: from the same start, or to the same end."""
        if n_new == end - start:
            return None
        before = after = 0
        for edit in protein.edits:
            longer = (edit.end - edit.start) - (edit.reference_end - edit.reference_start)
            if edit.end <= start:
                before += longer
            if edit.start < end:
                after += longer
        left = fitting(start - before, peptide)
        right = fitting(start - after, peptide) if end <= open_start else None
        if left and right:
            return right if _same(peptide[::-1], right[::-1]) > _same(peptide, left) else left
        return left or right

    return shifted


def _same(one: str, other: str) -> int:
    """Return how many residues are the same before the first that differs."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
