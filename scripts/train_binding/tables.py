"""The measured affinities and the eluted ligands, as the training scripts read them."""

import bz2
import csv
import gzip
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from residues import is_standard

AFFINITY = {"I": "binding_ic50/curated_mhcI.csv.gz", "II": "binding_ic50/curated_mhcII.csv.gz"}
LIGANDS_WITH_FLANKS = "ligands/multiallelic.benchmark.small.csv.bz2"
LIGANDS = "ligands/multiallelic_ms.benchmark1.csv.bz2"
WEAKEST_NM = 50_000.0


@dataclass(frozen=True, slots=True)
class Affinity:
    """One row: allele, peptide, IC50 [nM] and how it was measured."""

    allele: str
    peptide: str
    ic50_nm: float
    quantitative: bool

    @property
    def strength(self) -> float:
        """1 - log(IC50) / log(50 000), within 0 to 1 [nielsen2003reliable]."""
        return 1.0 - math.log(min(max(self.ic50_nm, 1.0), WEAKEST_NM)) / math.log(WEAKEST_NM)


@dataclass(frozen=True, slots=True)
class Ligand:
    """One row: sample, its alleles, peptide, whether it was eluted, and up to 15 residues on each side."""

    sample: str
    alleles: tuple[str, ...]
    peptide: str
    hit: bool
    n_flank: str
    c_flank: str


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_affinities(folder: Path, mhc_class: str) -> list[Affinity]:
    """Every row of standard residues, in the order of the file."""
    with gzip.open(folder / AFFINITY[mhc_class], "rt") as lines:
        return [
            Affinity(
                row["mhc"], row["peptide"], float(row["IC50(nM)"]), row["measurement_type"] == "quantitative"
            )
            for row in csv.DictReader(lines)
            if is_standard(row["peptide"])
        ]


def read_ligands(folder: Path, name: str) -> list[Ligand]:
    """Every row of standard residues; alleles are separated by blanks or tabs, and may be named twice."""
    with bz2.open(folder / name, "rt") as lines:
        return [
            Ligand(
                row["sample_id"],
                tuple(sorted(set(row["hla"].split()))),
                row["peptide"],
                row["hit"] in ("1", "1.0", "True"),
                (row.get("n_flank") or "").rpartition("X")[2],  # X fills up beyond the protein's end
                (row.get("c_flank") or "").partition("X")[0],
            )
            for row in csv.DictReader(lines)
            if is_standard(row["peptide"])
        ]
