"""The protein of one copy of the chromosome, with all variants that lie on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein

__all__ = ["Carrier", "Haplotype", "UnknownResidues"]


class Carrier(NamedTuple):
    """Residues of a haplotype's protein that a variant has a part in.

    Parameters
    ----------
    name
        Of the variant.
    change
        For people, e.g. ``"R175H"``.
    somatic
        Whether it is.
    start, end
        In the haplotype's protein, counted from 0, the end not included; the same number twice where it
        only takes residues away.
    """

    name: str
    change: str
    somatic: bool
    start: int
    end: int

    def shows_in(self, start: int, end: int) -> bool:
        """Return whether the peptide from ``start`` to before ``end`` shows it."""
        # Where residues only go, both neighbours of the joint.
        return start < self.end and end > self.start


class UnknownResidues(NamedTuple):
    """Residues of a haplotype's protein that cannot be told.

    Parameters
    ----------
    start, end
        In the haplotype's protein, counted from 0, the end not included.
    note
        Why, for people.
    """

    start: int
    end: int
    note: str


@dataclass(frozen=True, slots=True)
class Haplotype:
    """The protein of one copy of the chromosome, with all variants that lie on it.

    Parameters
    ----------
    protein
        With somatic and germline variants; its wild type has the germline ones only.
    carriers
        Of the variants, in order along the protein.
    unknown
        What cannot be told.
    absent
        Names of somatic variants that this protein does not show, and why.
    """

    protein: AlteredProtein
    carriers: tuple[Carrier, ...]
    unknown: tuple[UnknownResidues, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()

    def carriers_of(self, start: int, end: int) -> tuple[Carrier, ...]:
        """Return the variants that a peptide shows, somatic ones first."""
        found = [carrier for carrier in self.carriers if carrier.shows_in(start, end)]
        return tuple(sorted(found, key=lambda carrier: not carrier.somatic))
