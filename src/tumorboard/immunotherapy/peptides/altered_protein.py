"""A protein as the tumour makes it, and where it departs from the normal one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tumorboard.errors import InputError

__all__ = ["AlteredProtein", "ProteinEdit", "edit_between"]


class ProteinEdit(NamedTuple):
    """Residues of the normal protein that others take the place of; counted from 0, ends not included.

    Parameters
    ----------
    reference_start, reference_end
        In the normal protein.
    start, end
        In the altered one; the same number twice where residues are only lost.
    """

    reference_start: int
    reference_end: int
    start: int
    end: int

    @property
    def keeps_length(self) -> bool:
        """Whether as many residues come as go."""
        return self.end - self.start == self.reference_end - self.reference_start


@dataclass(frozen=True, slots=True)
class AlteredProtein:
    """A protein as the tumour makes it, and where it departs from the normal one.

    Parameters
    ----------
    sequence
        From its start to its stop, or as far as it is known.
    wild_type
        The patient's normal protein; empty where there is none.
    edits
        In order, apart from one another: outside them both sequences are the same.
    change
        For people, e.g. ``"R175H"``.
    other_normals
        Proteins that the patient's normal cells make as well, e.g. of the other copy of the chromosome.

    Raises
    ------
    InputError
        When edits overlap, are out of order or lie outside the sequences.

    Examples
    --------
    >>> AlteredProtein("MAVK", "MAGK", (ProteinEdit(2, 3, 2, 3),), "G3V").edits[0].keeps_length
    True
    """

    sequence: str
    wild_type: str
    edits: tuple[ProteinEdit, ...]
    change: str
    other_normals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        reference, here = 0, 0
        for edit in self.edits:
            if not (
                reference <= edit.reference_start <= edit.reference_end <= len(self.wild_type)
                and here <= edit.start <= edit.end <= len(self.sequence)
            ):
                raise InputError(
                    f"edits of {self.change!r} must be in order, apart, and within {len(self.wild_type)} "
                    f"normal and {len(self.sequence)} altered residues; got {tuple(edit)}"
                )
            reference, here = edit.reference_end, edit.end


def edit_between(wild_type: str, sequence: str, *, in_frame: bool) -> ProteinEdit | None:
    """Find the one stretch in which two proteins differ.

    Parameters
    ----------
    wild_type, sequence
        The normal and the altered protein.
    in_frame
        Whether the altered one returns to the normal one's residues; otherwise all after the first
        difference is new, even where a residue is the same by chance.

    Returns
    -------
    ProteinEdit or None
        ``None`` when they are the same. Where several stretches would do (a repeat of residues is longer or
        shorter), the one nearest to the end.

    Examples
    --------
    >>> edit_between("MAGGK", "MAGGGK", in_frame=True)
    ProteinEdit(reference_start=4, reference_end=4, start=4, end=5)
    >>> edit_between("MAGK", "MATCK", in_frame=False)
    ProteinEdit(reference_start=2, reference_end=4, start=2, end=5)
    """
    if wild_type == sequence:
        return None
    shortest = min(len(wild_type), len(sequence))
    head = _same(wild_type, sequence, shortest)
    tail = _same(wild_type[::-1], sequence[::-1], shortest - head) if in_frame else 0
    return ProteinEdit(head, len(wild_type) - tail, head, len(sequence) - tail)


def _same(one: str, other: str, most: int) -> int:
    """Return how many residues at the start are the same, ``most`` or fewer."""
    if one[:most] == other[:most]:
        return most
    return next(i for i in range(most) if one[i] != other[i])
