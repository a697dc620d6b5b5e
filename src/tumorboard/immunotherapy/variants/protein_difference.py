"""Where two proteins begin to differ, and the name of the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ProteinDifference", "difference", "protein_name", "silent_name"]

_THREE: Final = dict(
    zip(
        "ACDEFGHIKLMNPQRSTVWYUX*",
        "Ala Cys Asp Glu Phe Gly His Ile Lys Leu Met Asn Pro Gln Arg Ser Thr Val Trp Tyr Sec Xaa Ter".split(),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class ProteinDifference:
    """The residues that differ between a protein and its mutant.

    Parameters
    ----------
    start
        First residue that differs, counted from 1; of an insertion, the residue before it.
    reference, alternative
        What is replaced by what, without what both share at the ends; ``"*"`` is the stop.
    """

    start: int
    reference: str
    alternative: str


def difference(wild: str, mutant: str, *, to_end: bool = False) -> ProteinDifference:
    """Return where two proteins differ.

    What they share is taken from the start first: a residue of a repeat that goes or comes is the last of it,
    as the rules of HGVS want [dendunnen2016hgvs].

    Parameters
    ----------
    wild, mutant
        Residues, with ``*`` where a stop ends them.
    to_end
        Whether all from the first difference on is different: the frame shifts, a stop comes or goes.

    Examples
    --------
    >>> difference("MKQQQA*", "MKQQA*"), difference("MKQA*", "MKQQA*").start
    (ProteinDifference(start=5, reference='Q', alternative=''), 3)
    """
    before = _shared(wild, mutant)
    behind = 0 if to_end else _shared(wild[before:][::-1], mutant[before:][::-1])
    reference = wild[before : len(wild) - behind]
    alternative = mutant[before : len(mutant) - behind]
    return ProteinDifference(before + 1 if reference else before, reference, alternative)


def _shared(one: str, other: str) -> int:
    """Return how many letters at the start are the same; by halves, as strings compare fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def protein_name(wild: str, mutant: str, *, shifted: bool = False, to_end: bool = False) -> str:
    """Return the name of a protein's change in the notation of HGVS; empty for what has no simple one.

    Parameters
    ----------
    wild, mutant
        Residues, with ``*`` where a stop ends them; different.
    shifted
        Whether the reading frame shifts.
    to_end
        Whether a stop comes or goes.

    Returns
    -------
    str
        ``"p."`` and the change, without the brackets of a predicted one, as VEP writes it.

    Examples
    --------
    >>> protein_name("MKQA*", "MKRA*"), protein_name("MKQA*", "MKQQA*")
    ('p.Gln3Arg', 'p.Gln3dup')
    >>> protein_name("MKQA*", "MK*", to_end=True), protein_name("MKQA*", "MKQARP*", to_end=True)
    ('p.Gln3Ter', 'p.Ter5ArgextTer2')
    >>> protein_name("MKQA*", "MKSTV*", shifted=True)
    'p.Gln3SerfsTer4'
    """
    found = difference(wild, mutant, to_end=shifted or to_end)
    start, reference, alternative = found.start, found.reference, found.alternative
    if not reference or not alternative or not (shifted or to_end):
        return "" if shifted or to_end else _in_frame_name(wild, found)
    old, new = _THREE.get(reference[0], ""), _THREE.get(alternative[0], "")
    distance = str(len(mutant) - start) if mutant.endswith("*") else "?"
    if not old or not new:
        return ""
    if new == "Ter":
        return f"p.{old}{start}Ter"
    if old == "Ter":
        return f"p.Ter{start}{new}extTer{distance}"
    if shifted:
        return f"p.{old}{start}{new}fsTer{int(distance) + 1 if distance != '?' else '?'}"
    return ""


def silent_name(residue: str, number: int) -> str:
    """Return the name of a change that leaves a residue as it is.

    Parameters
    ----------
    residue
        One letter, ``"*"`` for the stop.
    number
        Counted from 1.

    Examples
    --------
    >>> silent_name("R", 175), silent_name("*", 9)
    ('p.Arg175=', 'p.Ter9=')
    """
    return f"p.{_THREE[residue]}{number}=" if residue in _THREE else ""


def _in_frame_name(wild: str, found: ProteinDifference) -> str:
    start, reference, alternative = found.start, found.reference, found.alternative
    if "*" in reference + alternative or not _THREE.keys() >= set(reference + alternative):
        return ""
    new = "".join(_THREE[residue] for residue in alternative)
    if not reference:
        if not 0 < start < len(wild):
            return ""
        if wild[:start].endswith(alternative):
            return f"p.{_range(start - len(alternative) + 1, alternative)}dup"
        return f"p.{_range(start, wild[start - 1 : start + 1])}ins{new}"
    if not alternative:
        return f"p.{_range(start, reference)}del"
    if len(reference) == len(alternative) == 1:
        return f"p.{_THREE[reference]}{start}{new}"
    return f"p.{_range(start, reference)}delins{new}"


def _range(start: int, residues: str) -> str:
    first = f"{_THREE[residues[0]]}{start}"
    return first if len(residues) == 1 else f"{first}_{_THREE[residues[-1]]}{start + len(residues) - 1}"
