"""Whether two variants lie on the same copy of a chromosome."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants.transcript_site import trimmed

__all__ = ["Copies", "PhaseCalls", "copies_of", "pair_of"]


class Copies(Enum):
    """On which copies of a chromosome two variants lie."""

    SAME = "on the same copy"
    OTHER = "on different copies"
    UNKNOWN = "not known"


#: Names of two variants, and what reads say of them.
PhaseCalls: TypeAlias = Mapping[frozenset[str], Copies]


def pair_of(one: SmallVariant, other: SmallVariant) -> frozenset[str]:
    """Return the names of two variants as a key of :data:`PhaseCalls`.

    Parameters
    ----------
    one, other
        In any order.

    Examples
    --------
    >>> a, b = SmallVariant("1", 5, "A", "C"), SmallVariant("1", 9, "G", "T")
    >>> pair_of(a, b) == pair_of(b, a)
    True
    """
    return frozenset((one.name, other.name))


def copies_of(one: SmallVariant, other: SmallVariant, calls: PhaseCalls | None = None) -> Copies:
    """Tell whether two variants lie on the same copy of their chromosome.

    In this order: two that replace the same bases cannot share a copy; one that is homozygous lies on every
    copy; phases of one block say it; then reads that cover both, if they were counted.

    Parameters
    ----------
    one, other
        Somatic or germline.
    calls
        Of reads, see :func:`tumorboard.immunotherapy.variants.phase_from_reads`.

    Returns
    -------
    Copies
        ``UNKNOWN`` where nothing says it; it is never guessed from frequencies.

    Examples
    --------
    >>> from tumorboard.core.variant import Phase
    >>> a = SmallVariant("1", 5, "A", "C", phase=Phase("5_A_C", 1))
    >>> b = SmallVariant("1", 9, "G", "T", phase=Phase("5_A_C", 1), somatic=False)
    >>> copies_of(a, b).name, copies_of(a, SmallVariant("1", 20, "G", "T")).name
    ('SAME', 'UNKNOWN')
    """
    if _chromosome(one) != _chromosome(other) or (_meet(one, other) and one.name != other.name):
        return Copies.OTHER
    if one.homozygous or other.homozygous:
        return Copies.SAME
    if one.phase is not None and other.phase is not None and one.phase.block == other.phase.block:
        return Copies.SAME if one.phase.haplotype == other.phase.haplotype else Copies.OTHER
    return (calls or {}).get(pair_of(one, other), Copies.UNKNOWN)


def _chromosome(variant: SmallVariant) -> str:
    return variant.chromosome.upper().removeprefix("CHR")


def _meet(one: SmallVariant, other: SmallVariant) -> bool:
    """Return whether two variants replace a base that both claim, or insert at the same joint."""
    (a, was_a, _), (b, was_b, _) = trimmed(one), trimmed(other)
    if not was_a and not was_b:
        return a == b
    if not was_a or not was_b:
        joint, start, length = (a, b, len(was_b)) if not was_a else (b, a, len(was_a))
        return start < joint < start + length
    return a < b + len(was_b) and b < a + len(was_a)
