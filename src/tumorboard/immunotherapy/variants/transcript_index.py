"""Transcripts by where they lie, so that a variant finds its own at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.transcript import Transcript

__all__ = ["TranscriptIndex"]


@dataclass(frozen=True, slots=True, eq=False)
class _Chromosome:
    """Transcripts of one chromosome by their first base; the furthest end so far bounds a search below."""

    transcripts: tuple[Transcript, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    furthest: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TranscriptIndex(Sequence[Transcript]):
    """Transcripts of an annotation, found by position.

    Make one by :meth:`of`. It is a sequence of its transcripts as well.

    Parameters
    ----------
    transcripts
        All, in the order of the annotation.
    """

    transcripts: tuple[Transcript, ...]
    _chromosomes: dict[str, _Chromosome]

    @classmethod
    def of(cls, transcripts: Sequence[Transcript]) -> TranscriptIndex:
        """Index transcripts; an index stays as it is.

        Parameters
        ----------
        transcripts
            Of any chromosomes, in any order.

        Returns
        -------
        TranscriptIndex
            It takes 24 bytes a transcript.

        Examples
        --------
        >>> made = [Transcript(f"T{k}", "G", "chr1", "+", ((100 * k, 100 * k + 150),)) for k in (1, 2, 3)]
        >>> [transcript.identifier for transcript in TranscriptIndex.of(made).overlapping("1", 240, 240)]
        ['T1', 'T2']
        """
        if isinstance(transcripts, TranscriptIndex):
            return transcripts
        by_name: dict[str, list[Transcript]] = {}
        for transcript in transcripts:
            by_name.setdefault(plain_chromosome(transcript.chromosome), []).append(transcript)
        chromosomes = {}
        for name, here in by_name.items():
            ordered = sorted(here, key=lambda transcript: transcript.start)
            ends = np.array([transcript.end for transcript in ordered], np.int64)
            starts = np.array([transcript.start for transcript in ordered], np.int64)
            chromosomes[name] = _Chromosome(tuple(ordered), starts, ends, np.maximum.accumulate(ends))
        return cls(tuple(transcripts), chromosomes)

    def overlapping(self, chromosome: str, first: int, last: int) -> tuple[Transcript, ...]:
        """Return the transcripts of which a base, introns included, lies from ``first`` to ``last``.

        Parameters
        ----------
        chromosome
            With or without ``chr``, whatever the annotation has.
        first, last
            Counted from 1.

        Returns
        -------
        tuple of Transcript
            By their first base.
        """
        here = self._chromosomes.get(plain_chromosome(chromosome))
        if here is None:
            return ()
        low = int(np.searchsorted(here.furthest, first, side="left"))
        high = int(np.searchsorted(here.starts, last, side="right"))
        near = np.flatnonzero(here.ends[low:high] >= first) + low
        return tuple(here.transcripts[k] for k in near.tolist())

    def __len__(self) -> int:
        return len(self.transcripts)

    @overload
    def __getitem__(self, index: int) -> Transcript: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Transcript, ...]: ...
    def __getitem__(self, index: int | slice) -> Transcript | tuple[Transcript, ...]:
        return self.transcripts[index]

    def __iter__(self) -> Iterator[Transcript]:
        return iter(self.transcripts)
