"""Whether a new peptide is part of a normal protein as well."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.residues import RESIDUES
from tumorboard.workflows.immunotherapy.inputs import NormalProteins

__all__ = ["SelfProteins"]

_STANDARD: Final = re.compile(f"[{RESIDUES}]+")


@dataclass(frozen=True, eq=False)
class SelfProteins:
    """The proteins that are looked through.

    Parameters
    ----------
    proteins
        As given.
    parts
        Of standard residues: proteins are cut at what is none.
    """

    proteins: NormalProteins
    parts: tuple[str, ...]

    @classmethod
    def of(cls, proteins: NormalProteins) -> SelfProteins:
        """Return proteins that can be looked through."""
        return cls(proteins, tuple(part for one in proteins.sequences for part in _STANDARD.findall(one)))

    @cached_property
    def index(self) -> ProteomeIndex:
        """All words of the proteins."""
        return ProteomeIndex.of(self.parts)

    @property
    def sentence(self) -> str:
        """What was looked through, for people."""
        count = len(self.proteins.sequences)
        if not self.parts:
            return "No normal proteins were given: whether a peptide is self was not looked at."
        if self.proteins.is_whole:
            return f"New peptides were looked for in {self.proteins.name}, {count} proteins."
        return (
            f"New peptides were looked for in the {count} wild-type proteins of the variants only; give a "
            "proteome (FASTA) to look through all."
        )

    def matches(self, peptides: Iterable[str]) -> dict[str, str]:
        """Return where each peptide occurs, ``""`` for nowhere; no entries where nothing was looked at."""
        wanted = sorted(peptides)
        if not self.parts or not wanted:
            return {}
        found = self.index.contains(wanted)
        return {
            peptide: self.proteins.name if held else "" for peptide, held in zip(wanted, found, strict=True)
        }
