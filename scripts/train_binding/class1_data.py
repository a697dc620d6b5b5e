"""What a class I model learns from and what it is scored on, made from the files and the folds alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from grooves import contact_codes, contact_features, read_grooves
from residues import INDEX, PAD
from split import WordBlock, fold_of, peptide_folds, sample_fold
from tables import LIGANDS, LIGANDS_WITH_FLANKS, Affinity, Ligand, read_affinities, read_ligands

SHORTEST, LONGEST = 8, 15
WORD = 8
MOST_ALLELES = 6


def encode(peptides: list[str]) -> np.ndarray:
    """Residue numbers of a peptide from its first residue on, and up to its last, (n, 15 + 15), padded."""
    codes = np.full((len(peptides), 2 * LONGEST), PAD, np.int64)
    for row, peptide in enumerate(peptides):
        values = [INDEX[residue] for residue in peptide]
        codes[row, : len(values)] = values
        codes[row, 2 * LONGEST - len(values) :] = values
    return codes


def in_range(peptide: str) -> bool:
    """Tell whether class I takes the length."""
    return SHORTEST <= len(peptide) <= LONGEST


@dataclass(frozen=True)
class PairMeans:
    """One value per (allele, peptide): the mean strength over its rows, i.e. the geometric mean of IC50."""

    alleles: np.ndarray
    peptides: list[str]
    strength: np.ndarray
    rows: np.ndarray


def pair_means(rows: list[Affinity], number_of: dict[str, int]) -> PairMeans:
    """Average repeats, in alphabetical order of (allele, peptide)."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        values[row.allele, row.peptide].append(row.strength)
    keys = sorted(values)
    return PairMeans(
        np.array([number_of[allele] for allele, _ in keys]),
        [peptide for _, peptide in keys],
        np.array([np.mean(values[key]) for key in keys], np.float32),
        np.array([len(values[key]) for key in keys], np.float32),
    )


@dataclass(frozen=True)
class Class1Data:
    """Training and held-out rows for one choice of the held-out fold (affinities and samples alike)."""

    names: tuple[str, ...]
    codes: np.ndarray
    features: np.ndarray
    train: PairMeans
    held_rows: list[Affinity]
    hits: list[Ligand]
    held_ligands: list[Ligand]
    windows: list[str]
    block: WordBlock
    left_out: frozenset[str]

    @property
    def number_of(self) -> dict[str, int]:
        """Row of each allele."""
        return {name: row for row, name in enumerate(self.names)}


def load(
    folder: Path, grooves: Path, *, held_fold: int, apart: tuple[int, ...] = (), without: int | None = None
) -> Class1Data:
    """Read, split and join strictly.

    `held_fold` is scored; folds of `apart` are neither learned nor scored (the test fold, while settings
    are chosen). Every training peptide that shares an 8-mer with a held-out or set-apart affinity peptide,
    or with a hit or decoy of a held-out or set-apart sample, is dropped. `without` leaves out a fifth of the
    alleles as well, by name: their affinities, and every sample that has one of them.
    """
    sequences = read_grooves(grooves)
    names = tuple(sequences)
    number_of = {name: row for row, name in enumerate(names)}
    affinities = [
        row for row in read_affinities(folder, "I") if row.allele in number_of and in_range(row.peptide)
    ]
    folds = peptide_folds((row.peptide for row in affinities), WORD)
    away = {held_fold, *apart}
    left_out = frozenset(
        name for name in names if without is not None and fold_of(name, 5, "alleles1") == without
    )
    flanked = read_ligands(folder, LIGANDS_WITH_FLANKS)
    unflanked = read_ligands(folder, LIGANDS)
    fold_by_set = {alleles: sample_fold(alleles) for alleles in {row.alleles for row in flanked + unflanked}}
    block = WordBlock(
        {row.peptide for row in affinities if folds[row.peptide] in away}
        | {row.peptide for row in flanked if fold_by_set[row.alleles] in away}
        | {row.peptide for row in unflanked if row.hit and fold_by_set[row.alleles] in away},
        WORD,
    )
    learned = [
        row
        for row in flanked + unflanked
        if fold_by_set[row.alleles] not in away and not left_out.intersection(row.alleles)
    ]
    hits = {
        (row.peptide, row.alleles): row
        for row in reversed(learned)
        if row.hit and in_range(row.peptide) and block.is_free(row.peptide)
    }
    return Class1Data(
        names,
        contact_codes(sequences),
        contact_features(contact_codes(sequences)),
        pair_means(
            [
                row
                for row in affinities
                if folds[row.peptide] not in away
                and row.allele not in left_out
                and block.is_free(row.peptide)
            ],
            number_of,
        ),
        [row for row in affinities if folds[row.peptide] == held_fold],
        [hits[key] for key in sorted(hits)],
        [row for row in flanked if fold_by_set[row.alleles] == held_fold],
        sorted({row.n_flank + row.peptide + row.c_flank for row in learned if row.n_flank and not row.hit}),
        block,
        left_out,
    )


def held_out(folder: Path, names: Sequence[str], held_fold: int) -> tuple[list[Affinity], list[Ligand]]:
    """Return what `load` holds out, for a model that knows these alleles; without grooves."""
    known = set(names)
    rows = [row for row in read_affinities(folder, "I") if row.allele in known and in_range(row.peptide)]
    folds = peptide_folds((row.peptide for row in rows), WORD)
    return (
        [row for row in rows if folds[row.peptide] == held_fold],
        [row for row in read_ligands(folder, LIGANDS_WITH_FLANKS) if sample_fold(row.alleles) == held_fold],
    )


def random_peptides(data: Class1Data, number: int, rng: np.random.Generator) -> list[str]:
    """Windows of proteins around the training samples' decoys, 85 % of 8 to 11, 15 % of 12 to 15 residues."""
    hits = {row.peptide for row in data.hits}
    windows = [
        window
        for window in data.windows
        if len(window) > 2 * LONGEST - 5 and all(residue in INDEX for residue in window)
    ]
    found: list[str] = []
    while len(found) < number:
        window = windows[rng.integers(len(windows))]
        length = int(rng.integers(8, 12)) if rng.random() < 0.85 else int(rng.integers(12, 16))
        start = int(rng.integers(0, len(window) - length + 1))
        peptide = window[start : start + length]
        if peptide not in hits and data.block.is_free(peptide):
            found.append(peptide)
    return found


def allele_rows(rows: list[Ligand], number_of: dict[str, int]) -> np.ndarray:
    """Allele numbers of each row's sample, the first one repeated to six, (n, 6)."""
    table = np.empty((len(rows), MOST_ALLELES), np.int64)
    for line, row in enumerate(rows):
        numbers = [number_of[allele] for allele in row.alleles]
        table[line] = (numbers + [numbers[0]] * MOST_ALLELES)[:MOST_ALLELES]
    return table


def bound(strength_nm: float) -> float:
    """Strength of an IC50."""
    return 1.0 - math.log(strength_nm) / math.log(50_000.0)
