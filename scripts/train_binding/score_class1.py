"""Figures of the mean of class I models on held-out rows.

python score_class1.py --data DIR --held 0 FILE.npz ...
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from class1_data import bound, load
from grooves import immunotype_table
from tables import Affinity, Ligand

BINDER = bound(500.0)


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve, ties shared."""
    truth = np.asarray(truth, bool)
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    positives = int(truth.sum())
    negatives = len(truth) - positives
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(a, b)[0, 1])


def pair_values(
    rows: list[Affinity], score: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """One mean strength and one score per (allele, peptide)."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    scores = {}
    for row, value in zip(rows, score, strict=True):
        values[row.allele, row.peptide].append(row.strength)
        scores[row.allele, row.peptide] = value
    keys = sorted(values)
    return np.array([np.mean(values[key]) for key in keys]), np.array([scores[key] for key in keys]), keys


def affinity_figures(rows: list[Affinity], logit: np.ndarray) -> dict[str, tuple[int, float, float]]:
    """Rows, AUC at 500 nM and correlation under each convention."""
    score = 1.0 / (1.0 + np.exp(-logit))
    strength = np.array([row.strength for row in rows])
    quantitative = np.array([row.quantitative for row in rows])
    nine = np.array([len(row.peptide) == 9 for row in rows])
    bind = np.array([row.ic50_nm <= 500.0 for row in rows])
    table = {}
    for name, mask in (
        ("all rows", np.ones(len(rows), bool)),
        ("quantitative rows", quantitative),
        ("9-mers, all rows", nine),
    ):
        table[name] = (int(mask.sum()), auc(bind[mask], score[mask]), pearson(strength[mask], score[mask]))
    mean, one, _ = pair_values(rows, score)
    table["one value per pair"] = (len(mean), auc(mean >= BINDER, one), pearson(mean, one))
    return table


def by_allele(
    rows: list[Affinity], logit: np.ndarray, *, fewest: int = 50, each: int = 10
) -> dict[str, tuple[int, float]]:
    """Rows and AUC of each allele with enough of both kinds."""
    score = 1.0 / (1.0 + np.exp(-logit))
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row.allele].append(number)
    table = {}
    for allele, numbers in sorted(groups.items()):
        bind = np.array([rows[number].ic50_nm <= 500.0 for number in numbers])
        if len(numbers) >= fewest and each <= bind.sum() <= len(numbers) - each:
            table[allele] = (len(numbers), auc(bind, score[numbers]))
    return table


def ligand_figures(rows: list[Ligand], score: np.ndarray) -> dict[str, tuple[int, float, float, float]]:
    """Rows, pooled AUC, mean and worst AUC over samples; all lengths and each."""
    hit = np.array([row.hit for row in rows])
    length = np.array([len(row.peptide) for row in rows])
    sample = np.array([row.sample for row in rows])
    table = {}
    for name, mask in [("8 to 11", (length >= 8) & (length <= 11))] + [
        (f"{n}-mers", length == n) for n in (8, 9, 10, 11)
    ]:
        each = [auc(hit[mask & (sample == one)], score[mask & (sample == one)]) for one in np.unique(sample)]
        table[name] = (int(mask.sum()), auc(hit[mask], score[mask]), float(np.mean(each)), float(min(each)))
    # Decoys thinned to the lengths of the hits: 9-mers are then no longer a help.
    rng = np.random.default_rng(0)
    keep = hit.copy()
    least = min((~hit & (length == n)).sum() / max((hit & (length == n)).sum(), 1) for n in (8, 9, 10, 11))
    for n in (8, 9, 10, 11):
        decoys = np.flatnonzero(~hit & (length == n))
        keep[rng.choice(decoys, int(least * (hit & (length == n)).sum()), replace=False)] = True
    keep &= (length >= 8) & (length <= 11)
    each = [auc(hit[keep & (sample == one)], score[keep & (sample == one)]) for one in np.unique(sample)]
    table["8 to 11, decoys of the hits' lengths"] = (
        int(keep.sum()),
        auc(hit[keep], score[keep]),
        float(np.mean(each)),
        float(min(each)),
    )
    return table


def report(rows: list[Affinity], logit: np.ndarray, ligands: list[Ligand], score: np.ndarray) -> str:
    """All figures as lines."""
    lines = [
        f"{name}: n {n} AUC {a:.4f} PCC {p:.4f}" for name, (n, a, p) in affinity_figures(rows, logit).items()
    ]
    alleles = by_allele(rows, logit)
    lines.append(f"mean of {len(alleles)} alleles: AUC {np.mean([a for _, a in alleles.values()]):.4f}")
    lines += [
        f"ligands {name}: n {n} AUC {a:.4f} mean of samples {m:.4f} worst {w:.4f}"
        for name, (n, a, m, w) in ligand_figures(ligands, score).items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Score the mean of the predictions of several models."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--grooves", type=Path)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--apart", type=int, nargs="*", default=[])
    line.add_argument("files", type=Path, nargs="+")
    settings = line.parse_args()
    data = load(
        settings.data,
        settings.grooves or immunotype_table(),
        held_fold=settings.held,
        apart=tuple(settings.apart),
    )
    parts = [np.load(file) for file in settings.files]
    affinity = np.mean([part["affinity"] for part in parts], axis=0)
    ligand = np.mean([part["ligand"] for part in parts], axis=0)
    print(report(data.held_rows, affinity[:, 0], data.held_ligands, ligand[..., 1].max(1)))


if __name__ == "__main__":
    main()
