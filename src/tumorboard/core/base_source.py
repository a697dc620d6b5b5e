"""Where the bases of a reference come from."""

from __future__ import annotations

from typing import Protocol

__all__ = ["BaseSource"]


class BaseSource(Protocol):
    """A genome's bases: an indexed FASTA (:class:`tumorboard.io.genome.Genome`), or a text in a test."""

    def fetch(self, chromosome: str, first: int, last: int) -> str:
        """Return the bases from ``first`` to ``last``, counted from 1, both included, in capitals."""
        ...
