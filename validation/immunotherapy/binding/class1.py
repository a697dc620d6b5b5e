"""Score the installed class I model on what its training had held out; write the model card's tables.

Usage: ``python validation/immunotherapy/binding/class1.py DATA OUT``, where DATA holds ``binding_ic50/`` and
``ligands/``.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts" / "train_binding"))

from class1_data import held_out
from score_class1 import affinity_figures, auc, by_allele, ligand_figures
from tables import Affinity, Ligand

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.immunotherapy.binding import load_model

TEST_FOLD = 0
DECADES = math.log10(50_000.0)


def predicted(rows: list[Affinity]) -> tuple[np.ndarray, np.ndarray]:
    """Return log10 of the predicted IC50 and its uncertainty, row by row."""
    model = load_model(MhcClass.I)
    value, sigma = np.empty(len(rows)), np.empty(len(rows))
    for allele in sorted({row.allele for row in rows}):
        here = [number for number, row in enumerate(rows) if row.allele == allele]
        table = model.predict([rows[number].peptide for number in here], [HlaMolecule.named(allele)])
        value[here], sigma[here] = np.log10(table.affinity_nm[:, 0]), table.uncertainty[:, 0]
    return value, sigma


def presented(rows: list[Ligand], *, flanks: bool = False, percentile: bool = False) -> np.ndarray:
    """Return each row's best presentation (or percentile, negative) over its sample's alleles."""
    model = load_model(MhcClass.I)
    score = np.empty(len(rows))
    for alleles in sorted({row.alleles for row in rows}):
        here = [number for number, row in enumerate(rows) if row.alleles == alleles]
        around = {}
        if flanks:
            around = {
                "n_flanks": [rows[number].n_flank for number in here],
                "c_flanks": [rows[number].c_flank for number in here],
            }
        table = model.predict(
            [rows[number].peptide for number in here],
            [HlaMolecule.named(allele) for allele in alleles],
            **around,
        )
        score[here] = -table.percentile.min(axis=1) if percentile else table.presentation.max(axis=1)
    return score


def calibration(rows: list[Affinity], value: np.ndarray, sigma: np.ndarray) -> list[list[float]]:
    """Stated against seen by fifths of the stated: mean, root mean square error, share inside."""
    error = value - np.array([DECADES * (1.0 - row.strength) for row in rows])
    order = np.argsort(sigma, kind="stable")
    return [
        [
            len(part),
            round(float(sigma[part].mean()), 3),
            round(float(np.sqrt((error[part] ** 2).mean())), 3),
            round(float((np.abs(error[part]) <= sigma[part]).mean()), 3),
        ]
        for part in np.array_split(order, 5)
    ]


def write(path: Path, head: list[str], rows: list[list[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(head)
        table.writerows(rows)


def main(data: Path, out: Path) -> None:
    """Write the tables."""
    model = load_model(MhcClass.I)
    rows, ligands = held_out(data, model.alleles, TEST_FOLD)
    value, sigma = predicted(rows)
    strength = 1.0 - value / DECADES
    logit = np.log(strength / (1.0 - strength))
    write(
        out / "class1_affinity.csv",
        ["convention", "n", "auc_500_nm", "pearson"],
        [[name, n, round(a, 4), round(p, 4)] for name, (n, a, p) in affinity_figures(rows, logit).items()],
    )
    write(
        out / "class1_alleles.csv",
        ["allele", "n", "auc_500_nm"],
        [[name, n, round(a, 4)] for name, (n, a) in by_allele(rows, logit).items()],
    )
    figures: list[list[object]] = []
    for what, score in (
        ("presentation", presented(ligands)),
        ("presentation with flanks", presented(ligands, flanks=True)),
        ("percentile", presented(ligands, percentile=True)),
    ):
        for name, (n, a, m, w) in ligand_figures(ligands, score).items():
            figures.append([what, name, n, round(a, 4), round(m, 4), round(w, 4)])
    write(
        out / "class1_ligands.csv",
        ["score", "lengths", "n", "auc_pooled", "auc_mean_of_samples", "auc_worst_sample"],
        figures,
    )
    score, samples = presented(ligands), []
    for sample in sorted({row.sample for row in ligands}):
        here = np.array([row.sample == sample for row in ligands])
        nine = here & np.array([len(row.peptide) == 9 for row in ligands])
        hit = np.array([row.hit for row in ligands])
        samples.append(
            [
                sample,
                int(here.sum()),
                int(hit[here].sum()),
                round(auc(hit[here], score[here]), 4),
                round(auc(hit[nine], score[nine]), 4),
            ]
        )
    write(out / "class1_samples.csv", ["sample", "n", "hits", "auc_8_to_11", "auc_9_mers"], samples)
    write(
        out / "class1_uncertainty.csv",
        ["n", "stated_decades", "seen_rms_decades", "share_within_stated"],
        calibration(rows, value, sigma),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
