"""Figures of class II models on held-out rows: python score_class2.py --data DIR --held 1 FILE.npz ..."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from class2_data import folds_of, read_rows
from score_class1 import BINDER, auc, by_allele, pair_values, pearson
from tables import Affinity


def strength_of(logit: np.ndarray) -> np.ndarray:
    """Strength of a logit."""
    return 1.0 / (1.0 + np.exp(-logit))


def without_level(rows: list[Affinity], score: np.ndarray) -> tuple[float, float]:
    """AUC of binding when each molecule's mean score is taken away, and AUC of the levels alone."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row.allele].append(number)
    level = np.zeros(len(rows))
    for numbers in groups.values():
        level[numbers] = score[numbers].mean()
    bind = np.array([row.ic50_nm <= 500.0 for row in rows])
    return auc(bind, score - level), auc(bind, level)


def figures(rows: list[Affinity], logit: np.ndarray) -> dict[str, tuple[int, float, float]]:
    """Number, AUC at 500 nM and correlation for each way to count, and for each kind of molecule."""
    score = strength_of(logit)
    strength = np.array([row.strength for row in rows])
    bind = np.array([row.ic50_nm <= 500.0 for row in rows])
    masks = {
        "all rows": np.ones(len(rows), bool),
        "quantitative rows": np.array([row.quantitative for row in rows]),
        "15-mers": np.array([len(row.peptide) == 15 for row in rows]),
        "DR": np.array([row.allele.startswith("DR") for row in rows]),
        "DQ": np.array([row.allele.startswith("DQ") for row in rows]),
        "DP": np.array([row.allele.startswith("DP") for row in rows]),
    }
    table = {
        name: (int(mask.sum()), auc(bind[mask], score[mask]), pearson(strength[mask], score[mask]))
        for name, mask in masks.items()
    }
    mean, one, _ = pair_values(rows, score)
    table["one value per pair"] = (len(mean), auc(mean >= BINDER, one), pearson(mean, one))
    return table


def report(rows: list[Affinity], logit: np.ndarray) -> str:
    """All figures as lines."""
    lines = [f"{name}: n {n} AUC {a:.4f} PCC {p:.4f}" for name, (n, a, p) in figures(rows, logit).items()]
    each = by_allele(rows, logit)
    apart, level = without_level(rows, strength_of(logit))
    lines.append(f"mean of {len(each)} molecules: AUC {np.mean([a for _, a in each.values()]):.4f}")
    lines.append(f"levels taken away: AUC {apart:.4f}; levels alone: AUC {level:.4f}")
    return "\n".join(lines)


def main() -> None:
    """Score the mean strength of several models that held out the same fold."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("files", type=Path, nargs="+")
    settings = line.parse_args()
    rows = read_rows(settings.data)
    held = [row for row, fold in zip(rows, folds_of(rows), strict=True) if fold == settings.held]
    mean = np.mean([strength_of(np.load(file)["held_logit"]) for file in settings.files], axis=0)
    print(report(held, np.log(mean / (1.0 - mean))))


if __name__ == "__main__":
    main()
