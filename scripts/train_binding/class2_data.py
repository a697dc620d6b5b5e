"""What a class II model learns from and is scored on: rows, windows and folds, from the files alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from residues import INDEX, PAD
from split import peptide_folds
from tables import Affinity, read_affinities

SHORTEST, LONGEST = 9, 25
CORE, FLANK, WORD = 9, 3, 9
WIDTH = CORE + 2 * FLANK
#: Distances of a core from the peptide's ends are told apart up to here.
FAR = 6

_MOLECULE = re.compile(r"HLA-(?:DRA\*01:01-)?(DRB[1345]\*\d+:\d+|(?:D[QP]A1\*\d+:\d+-)?D[QP]B1\*\d+:\d+)")


def molecule(name: str) -> str | None:
    """The table's name without HLA- and the DR alpha chain ("DQA1*05:01-DQB1*02:01"), or none.

    None for other species, for alpha chains alone (360 rows, no binder among them: no molecule) and for
    HLA-RT (2 rows); a DQ or DP beta chain alone is kept, as its alpha chain is unknown, not absent.
    """
    found = _MOLECULE.fullmatch(name)
    return found[1] if found else None


def read_rows(folder: Path) -> list[Affinity]:
    """Rows of human molecules and peptides of 9 to 25 residues, by their short names."""
    return [
        Affinity(name, row.peptide, row.ic50_nm, row.quantitative)
        for row in read_affinities(folder, "II")
        if (name := molecule(row.allele)) and SHORTEST <= len(row.peptide) <= LONGEST
    ]


def folds_of(rows: list[Affinity]) -> np.ndarray:
    """Fold of each row: peptides that share a 9-mer share it, and so do those linked by others."""
    fold = peptide_folds((row.peptide for row in rows), WORD)
    return np.array([fold[row.peptide] for row in rows])


@dataclass(frozen=True)
class Windows:
    """Cores with what surrounds them: codes (n, W, 15), which exist (n, W), where they lie (n, W, 3)."""

    codes: np.ndarray
    exist: np.ndarray
    place: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Windows:
        """Windows of some peptides, no more columns than they need."""
        exist = self.exist[rows]
        most = int(exist.sum(1).max())
        return Windows(self.codes[rows, :most], exist[:, :most], self.place[rows, :most])


def windows(peptides: list[str]) -> Windows:
    """Every core of every peptide; place holds both distances from the ends (of 6) and the length / 20."""
    most = max(len(peptide) for peptide in peptides) - CORE + 1
    codes = np.full((len(peptides), most, WIDTH), PAD, np.int64)
    exist = np.zeros((len(peptides), most), bool)
    place = np.zeros((len(peptides), most, 3), np.float32)
    for row, peptide in enumerate(peptides):
        padded = [PAD] * FLANK + [INDEX[residue] for residue in peptide] + [PAD] * FLANK
        for start in range(len(peptide) - CORE + 1):
            after = len(peptide) - CORE - start
            codes[row, start] = padded[start : start + WIDTH]
            exist[row, start] = True
            place[row, start] = min(start, FAR) / FAR, min(after, FAR) / FAR, len(peptide) / 20
    return Windows(codes, exist, place)


@dataclass(frozen=True)
class Pairs:
    """One value a pair: strength (n, m), its bound (-1 at most, 1 at least, 0 exact), known (n, m)."""

    peptides: list[str]
    molecules: list[str]
    strength: np.ndarray
    bound: np.ndarray
    known: np.ndarray


def bound_of(row: Affinity) -> int:
    """Whether a row's value is a bound: codes of yes and no, and what was measured up to its limit."""
    if not row.quantitative:
        return 1 if row.ic50_nm <= 500 else -1
    return -1 if row.ic50_nm >= 20_000 else 0


def pair_table(rows: list[Affinity]) -> Pairs:
    """Average repeats; a pair with quantitative rows is made of these alone."""
    groups: dict[tuple[str, str], list[Affinity]] = defaultdict(list)
    for row in rows:
        groups[row.peptide, row.allele].append(row)
    peptides = sorted({row.peptide for row in rows})
    molecules = sorted({row.allele for row in rows})
    line, column = ({name: number for number, name in enumerate(names)} for names in (peptides, molecules))
    shape = len(peptides), len(molecules)
    pairs = Pairs(
        peptides,
        molecules,
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int8),
        np.zeros(shape, np.float32),
    )
    for (peptide, name), group in groups.items():
        used = [row for row in group if row.quantitative] or group
        bounds = {bound_of(row) for row in used}
        at = line[peptide], column[name]
        pairs.strength[at] = np.mean([row.strength for row in used])
        pairs.bound[at] = bounds.pop() if len(bounds) == 1 else 0
        pairs.known[at] = 1.0
    return pairs
