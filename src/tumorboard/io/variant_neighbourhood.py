"""Where variants lie: a quick look whether a record is near one of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.io.vcf_text import is_whole

__all__ = ["Neighbourhood"]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Stretches of chromosomes around variants.

    Parameters
    ----------
    stretches
        By chromosome, ascending and apart: first bases and last bases, counted from 1.
    """

    stretches: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]

    @classmethod
    def of(cls, variants: Iterable[SmallVariant], within_bases: int) -> Neighbourhood:
        """Return what lies within so many bases of one of the variants.

        Examples
        --------
        >>> around = Neighbourhood.of([SmallVariant("chr1", 100, "A", "T")], 10)
        >>> around.has("1", 90, 90), around.has("1", 80, 89), around.has("2", 100, 100)
        (True, False, False)
        """
        if within_bases < 0:
            raise InputError(f"within_bases must be 0 or more; got {within_bases}")
        spans: dict[str, list[tuple[int, int]]] = {}
        for variant in variants:
            span = (variant.position - within_bases, variant.end + within_bases)
            spans.setdefault(plain_chromosome(variant.chromosome), []).append(span)
        merged: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        for chromosome, found in spans.items():
            joined: list[tuple[int, int]] = []
            for first, last in sorted(found):
                if joined and first <= joined[-1][1] + 1:
                    joined[-1] = (joined[-1][0], max(joined[-1][1], last))
                else:
                    joined.append((first, last))
            merged[chromosome] = (tuple(f for f, _ in joined), tuple(last for _, last in joined))
        return cls(MappingProxyType(merged))

    def has(self, chromosome: str, first: int, last: int) -> bool:
        """Return whether any base from ``first`` to ``last`` lies in a stretch."""
        found = self.stretches.get(plain_chromosome(chromosome))
        if found is None:
            return False
        firsts, lasts = found
        index = bisect_left(lasts, first)
        return index < len(lasts) and firsts[index] <= last

    def has_line(self, line: str) -> bool:
        """Return whether a VCF line's reference bases lie in a stretch; true of what is no such line."""
        cells = line.split("\t", 4)
        if len(cells) < 5 or not is_whole(cells[1]):
            return True
        position = int(cells[1])
        return self.has(cells[0], position, position + len(cells[3]) - 1)
