"""How many copies of each stretch of the genome a tumour's cells have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["CopyNumberProfile", "CopyNumberSegment"]


@dataclass(frozen=True, slots=True)
class CopyNumberSegment:
    """A stretch with one number of copies.

    Parameters
    ----------
    chromosome
        As in the file.
    first, last
        Bases, counted from 1, both included.
    total
        Copies in a tumour cell; whole for most programs, not for all.
    minor
        Those of the rarer parental chromosome; ``None`` if not known.

    Raises
    ------
    InputError
        When bases or copies are none.

    Examples
    --------
    >>> segment = CopyNumberSegment("chr17", 1, 22_000_000, 2, 0)
    >>> segment.major, segment.has_lost_heterozygosity
    (2, True)
    """

    chromosome: str
    first: int
    last: int
    total: float
    minor: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise InputError(
                f"segment must run from its first to its last base, counted from 1; "
                f"got {self.chromosome}:{self.first}-{self.last}"
            )
        if not 0 <= self.total < float("inf"):
            raise InputError(
                f"copies of {self.chromosome}:{self.first}-{self.last} must be 0 or more; got {self.total!r}"
            )
        # Programs round total and minor copies each for itself.
        if self.minor is not None and not 0 <= self.minor <= self.total / 2 + 0.51:
            raise InputError(
                f"minor copies of {self.chromosome}:{self.first}-{self.last} must be 0 to half of "
                f"{self.total:g}; got {self.minor!r}; give those of the rarer parental chromosome"
            )

    @property
    def major(self) -> float | None:
        """Copies of the more frequent parental chromosome, if known."""
        return None if self.minor is None else self.total - self.minor

    @property
    def has_lost_heterozygosity(self) -> bool | None:
        """Whether one parental chromosome is gone, if known."""
        return None if self.minor is None else self.minor < 0.5


class CopyNumberProfile:
    """The segments of one tumour.

    Parameters
    ----------
    segments
        In any order; none overlapping, but for one base at their ends: that counts as the later's.
    provenance
        How they were read or made.

    Raises
    ------
    InputError
        When two overlap.

    Examples
    --------
    >>> profile = CopyNumberProfile([CopyNumberSegment("chr1", 1, 1000, 3, 1)], Record("example"))
    >>> profile.at("1", 500).total, profile.at("1", 2000)
    (3, None)
    """

    __slots__ = ("_by_chromosome", "provenance", "segments")

    def __init__(self, segments: Sequence[CopyNumberSegment], provenance: Record) -> None:
        self.segments = tuple(segments)
        self.provenance = provenance
        found: dict[str, list[CopyNumberSegment]] = {}
        for segment in self.segments:
            found.setdefault(_key(segment.chromosome), []).append(segment)
        self._by_chromosome: dict[str, tuple[NDArray[np.int64], list[CopyNumberSegment]]] = {}
        for name, here in found.items():
            here.sort(key=lambda segment: segment.first)
            for before, behind in pairwise(here):
                # Tables whose segments end where the next begins are many: half-open, or by markers.
                if behind.first < before.last or behind.first == before.first:
                    raise InputError(
                        f"segments must not overlap; {name}:{before.first}-{before.last} and "
                        f"{behind.first}-{behind.last} do; give one tumour's segments"
                    )
            self._by_chromosome[name] = np.array([segment.first for segment in here]), here

    def at(self, chromosome: str, position: int) -> CopyNumberSegment | None:
        """Return the segment of a base; ``None`` where there is none.

        Parameters
        ----------
        chromosome
            With or without ``chr``, whatever the segments have.
        position
            Counted from 1.
        """
        starts, here = self._by_chromosome.get(_key(chromosome), (np.empty(0), []))
        place = int(np.searchsorted(starts, position, side="right")) - 1
        if place < 0 or here[place].last < position:
            return None
        return here[place]


def _key(chromosome: str) -> str:
    """Return a name that files with and without ``chr``, with 23 for X, share."""
    name = plain_chromosome(chromosome).upper()
    return {"23": "X", "24": "Y"}.get(name, name)
