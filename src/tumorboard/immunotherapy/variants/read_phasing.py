"""Tells from reads that cover two variants whether both lie on the same copy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.shared_reads import SharedReads
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants.phase_groups import Copies, copies_of, pair_of

__all__ = ["PhaseCall", "pairs_to_phase", "phase_calls", "phase_from_reads"]


@dataclass(frozen=True, slots=True)
class PhaseCall:
    """What reads say of two variants.

    Parameters
    ----------
    copies
        ``UNKNOWN`` where the reads do not reach the confidence asked for.
    confidence
        Probability of the likelier of both answers, 0.5 to 1.
    for_same, for_other
        Fragments that speak for the same copy, and for different ones.
    """

    copies: Copies
    confidence: float
    for_same: int
    for_other: int


def phase_from_reads(
    reads: SharedReads, *, error_rate: float, least_confidence: float, second_in_every_cell: bool
) -> PhaseCall:
    r"""Tell from fragments that cover two variants whether both lie on the same copy.

    A fragment with both alternatives speaks for the same copy. A fragment with one alternative alone speaks
    for different copies, but not always: cells without a somatic variant give fragments with the other one
    alone. So where the second variant is in every cell (germline) only those with the first alone count;
    where both are somatic, the fewer of both kinds. With :math:`k` fragments for and :math:`m` against, each
    wrong with probability :math:`e`, and both answers as likely before, the probability of the same copy is
    :math:`1 / (1 + (e / (1 - e))^{k - m})`.

    Parameters
    ----------
    reads
        Counted over both sites.
    error_rate
        Probability that a fragment is read wrong at one of the sites, above 0 and below 0.5.
    least_confidence
        Probability that is asked for, from 0.5 to below 1.
    second_in_every_cell
        Whether the second variant is germline, and the first somatic.

    Returns
    -------
    PhaseCall
        With the fragments for and against.

    Raises
    ------
    InputError
        When a probability is out of its range.

    Examples
    --------
    >>> reads = SharedReads("1-10-A-C", "1-50-G-T", both=6, only_first=0, only_second=9, neither=11)
    >>> call = phase_from_reads(reads, error_rate=0.01, least_confidence=0.99, second_in_every_cell=True)
    >>> call.copies.name, call.for_same, call.for_other
    ('SAME', 6, 0)
    """
    if not 0 < error_rate < 0.5:
        raise InputError(f"error_rate must be a probability above 0 and below 0.5; got {error_rate}")
    if not 0.5 <= least_confidence < 1:
        raise InputError(
            f"least_confidence must be a probability from 0.5 to below 1; got {least_confidence}"
        )
    for_same = reads.both
    for_other = reads.only_first if second_in_every_cell else min(reads.only_first, reads.only_second)
    evidence = (for_same - for_other) * math.log((1 - error_rate) / error_rate)
    confidence = 1 / (1 + math.exp(-min(abs(evidence), 700.0)))
    copies = Copies.UNKNOWN
    if confidence >= least_confidence and for_same != for_other:
        copies = Copies.SAME if for_same > for_other else Copies.OTHER
    return PhaseCall(copies, confidence, for_same, for_other)


def pairs_to_phase(
    variants: Sequence[SmallVariant], within_bases: int
) -> tuple[tuple[SmallVariant, SmallVariant], ...]:
    """Return the pairs whose copies nothing says, near enough for one fragment, the somatic one first.

    Parameters
    ----------
    variants
        Somatic and germline.
    within_bases
        Most bases from one position to the other.

    Returns
    -------
    tuple of tuple
        In order of position; pairs of two germline variants are left out.

    Raises
    ------
    InputError
        When the distance is below 1.

    Examples
    --------
    >>> somatic = SmallVariant("1", 10, "A", "C")
    >>> germline = SmallVariant("1", 50, "G", "T", somatic=False, homozygous=False)
    >>> [(one.position, other.position) for one, other in pairs_to_phase([germline, somatic], 300)]
    [(10, 50)]
    """
    if within_bases < 1:
        raise InputError(f"within_bases must be 1 or more; got {within_bases}")
    ordered = sorted(variants, key=lambda one: (plain_chromosome(one.chromosome), one.position, one.name))
    pairs: list[tuple[SmallVariant, SmallVariant]] = []
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            apart = plain_chromosome(other.chromosome) != plain_chromosome(one.chromosome)
            if apart or other.position - one.position > within_bases:
                break
            if (one.somatic or other.somatic) and copies_of(one, other) is Copies.UNKNOWN:
                pairs.append((one, other) if one.somatic else (other, one))
    return tuple(pairs)


def phase_calls(
    pairs: Iterable[tuple[SmallVariant, SmallVariant]],
    counted: Iterable[SharedReads],
    *,
    error_rate: float,
    least_confidence: float,
) -> dict[frozenset[str], Copies]:
    """Return what reads say of many pairs, as :func:`copies_of` takes it.

    Parameters
    ----------
    pairs
        As :func:`pairs_to_phase` gives them.
    counted
        The fragments of each pair, in the same order.
    error_rate, least_confidence
        As for :func:`phase_from_reads`.

    Returns
    -------
    dict
        Of pairs that are told; the others are left out.

    Examples
    --------
    >>> pair = SmallVariant("1", 10, "A", "C"), SmallVariant("1", 50, "G", "T", somatic=False)
    >>> reads = SharedReads("1-10-A-C", "1-50-G-T", both=6, only_first=0, only_second=9, neither=11)
    >>> calls = phase_calls([pair], [reads], error_rate=0.01, least_confidence=0.99)
    >>> copies_of(*pair, calls).name
    'SAME'
    """
    calls: dict[frozenset[str], Copies] = {}
    for (one, other), reads in zip(pairs, counted, strict=True):
        call = phase_from_reads(
            reads,
            error_rate=error_rate,
            least_confidence=least_confidence,
            second_in_every_cell=one.somatic and not other.somatic,
        )
        if call.copies is not Copies.UNKNOWN:
            calls[pair_of(one, other)] = call.copies
    return calls
