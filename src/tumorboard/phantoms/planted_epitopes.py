"""Epitopes that T cells are known to see, and how a synthetic tumour makes each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = ["PLANTED", "Making", "PlantedEpitope"]


class Making(Enum):
    """How the tumour's change makes a planted peptide."""

    SUBSTITUTION = "one residue is exchanged"
    TWO_SUBSTITUTIONS = "two residues are exchanged on one copy"
    DELETION = "residues between its halves are lost"
    FRAMESHIFT = "one base is lost and the frame behind it is new"


@dataclass(frozen=True, slots=True)
class PlantedEpitope:
    """One planted change.

    Parameters
    ----------
    gene
        Invented symbol.
    peptide
        What the tumour makes.
    normal
        What stands in the normal protein instead: of the same length for exchanges, longer for a deletion,
        empty for a frameshift.
    allele
        That presents it.
    making
        How.
    tiers
        Of which the target must have one, by their names in pVACview; empty where any will do.
    teaches
        Why it is there, for people.
    tumour_vaf, rna_vaf
        Fractions of reads.
    gene_tpm
        Expression [transcripts per million].
    elsewhere
        Whether another normal protein holds the peptide.
    """

    gene: str
    peptide: str
    normal: str
    allele: str
    making: Making
    tiers: tuple[str, ...]
    teaches: str
    tumour_vaf: float = 0.42
    rna_vaf: float = 0.45
    gene_tpm: float = 30.0
    elsewhere: bool = False


#: Peptides of influenza, cytomegalovirus, Epstein-Barr, HTLV-1, yellow fever and SARS-CoV-2, one of myelin,
#: and KRAS G12V; each known to be presented by its molecule.
PLANTED: Final = (
    PlantedEpitope(
        "ANCH1", "GILGFVFTL", "GILGFVFTP", "HLA-A*02:01", Making.SUBSTITUTION, ("Pass",),
        "the change makes the anchor: the normal peptide does not bind",
    ),
    PlantedEpitope(
        "FACE1", "NLVPMVATV", "NLVPKVATV", "HLA-A*02:01", Making.SUBSTITUTION, ("Pass",),
        "the change faces the T cell, both peptides bind", gene_tpm=55.0,
    ),
    PlantedEpitope(
        "RASL1", "VVGAVGVGK", "VVGAGGVGK", "HLA-A*11:01", Making.SUBSTITUTION, ("Pass",),
        "KRAS G12V's own peptide", gene_tpm=80.0,
    ),
    PlantedEpitope(
        "SHIFT1", "TPRVTGGGAM", "", "HLA-B*07:02", Making.FRAMESHIFT, ("Pass",),
        "a lost base opens a new frame",
    ),
    PlantedEpitope(
        "DELE1", "RPHERNGFTVL", "RPHERSEDNGFTVL", "HLA-B*07:02", Making.DELETION, ("Pass",),
        "three lost residues bring its halves together",
    ),
    PlantedEpitope(
        "PHASE1", "GLCTLVAML", "GPCTLVAMP", "HLA-A*02:01", Making.TWO_SUBSTITUTIONS, ("Pass",),
        "two changes on one copy make it together, neither does alone",
    ),
    PlantedEpitope(
        "HELP1", "ENPVVHFFKNIVTPR", "ENPVDHFFKNIVTPR", "HLA-DRB1*15:01", Making.SUBSTITUTION, ("Pass",),
        "for helper cells: the change makes it bind better, in class II", gene_tpm=60.0,
    ),
    PlantedEpitope(
        "SWAP1", "LLFGYPVYV", "LLFGYPVYL", "HLA-A*02:01", Making.SUBSTITUTION, ("Anchor",),
        "one anchor for another: T cells see what they know",
    ),
    PlantedEpitope(
        "SELF1", "LLWNGPMAV", "LLWNGPTAV", "HLA-A*02:01", Making.SUBSTITUTION, ("RefMatch",),
        "another normal protein holds the same peptide", elsewhere=True,
    ),
    PlantedEpitope(
        "MUTE1", "YLQPRTFLL", "YLQPRTFLP", "HLA-A*02:01", Making.SUBSTITUTION, ("NoExpr",),
        "the gene is silent", gene_tpm=0.0, rna_vaf=0.0,
    ),
    PlantedEpitope(
        "FEW1", "FLYALALLL", "FLYALALLH", "HLA-A*02:01", Making.SUBSTITUTION, ("Subclonal",),
        "few cells carry it", tumour_vaf=0.06, rna_vaf=0.07,
    ),
    PlantedEpitope(
        "LOST1", "RAKFKQLL", "RAKFKQLP", "HLA-B*08:01", Making.SUBSTITUTION,
        (), "its molecule was lost by the tumour: no target may be on it",
    ),
)  # fmt: skip
