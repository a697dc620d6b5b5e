"""Whether two variants lie on the same copy of a chromosome."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from tumorboard.core.chromosome import plain_chromosome
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
    copy; phases of one block say it; then reads that cover both, if they were counted. A somatic variant that
    is homozygous lies on every copy that the tumour still has; so it says nothing of a germline one on one
    copy, which may be the copy that was lost.

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
    apart = plain_chromosome(one.chromosome) != plain_chromosome(other.chromosome)
    if apart or (_meet(one, other) and one.plain_name != other.plain_name):
        return Copies.OTHER
    if _on_every_copy_of(one, other) or _on_every_copy_of(other, one):
        return Copies.SAME
    if one.phase is not None and other.phase is not None and one.phase.block == other.phase.block:
        return Copies.SAME if one.phase.haplotype == other.phase.haplotype else Copies.OTHER
    return (calls or {}).get(pair_of(one, other), Copies.UNKNOWN)


def _on_every_copy_of(one: SmallVariant, other: SmallVariant) -> bool:
    """Return whether a variant lies on each copy that another one can be on."""
    # A somatic one is on every copy that the tumour has: it may have lost the one with the germline variant.
    return bool(one.homozygous) and (not one.somatic or other.somatic)


def _meet(one: SmallVariant, other: SmallVariant) -> bool:
    """Return whether two variants replace a base that both claim, or insert at the same joint."""
    (a, was_a, _), (b, was_b, _) = trimmed(one), trimmed(other)
    if not was_a and not was_b:
        return a == b
    if not was_a or not was_b:
        joint, start, length = (a, b, len(was_b)) if not was_a else (b, a, len(was_a))
        return start < joint < start + length
    return a < b + len(was_b) and b < a + len(was_a)
