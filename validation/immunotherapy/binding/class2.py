"""Score the class II teachers on what they had held out, and students beside them; write the card's tables.

Usage: ``python validation/immunotherapy/binding/class2.py DATA OUT``, where DATA holds ``binding_ic50/``. The
twenty teachers and the students of those of fold 1 lie beside this file; the package has the students of all.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts" / "train_binding"))

from class2_data import folds_of, read_rows
from score_class1 import by_allele
from score_class2 import figures, without_level
from tables import Affinity

from tumorboard.immunotherapy.binding.class2 import Class2Model
from tumorboard.immunotherapy.binding.class2_molecules import Knowledge, MoleculeParts
from tumorboard.immunotherapy.binding.class2_weights import Class2Weights
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows

HERE = Path(__file__).resolve().parent
STUDENTS_FOLD = 1
DECADES = math.log10(50_000.0)
NETWORKS = (
    "table", "base", "place", "deep", "deep_bias",
    "chain_vectors", "chain_offsets", "own_vectors", "own_offsets", "anchor",
)  # fmt: skip


def teachers() -> tuple[Class2Model, np.ndarray]:
    """Return the teachers and the fold that each held out."""
    with np.load(HERE / "class2_teachers.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Class2Model(Class2Weights.from_arrays(arrays)), arrays["held"]


def students() -> Class2Model:
    """Return the students of the teachers that held fold 1 out."""
    model, _ = teachers()
    with np.load(HERE / "class2_students_fold1.npz") as stored:
        some = {name: np.ascontiguousarray(stored[name], np.float32) for name in NETWORKS}
    return Class2Model(replace(model.weights, **some))


def of_fold(model: Class2Model, held: np.ndarray, fold: int) -> Class2Model:
    """Return the model of the networks that held out a fold."""
    weights = model.weights
    some = {name: np.ascontiguousarray(getattr(weights, name)[held == fold]) for name in NETWORKS}
    return Class2Model(replace(weights, **some))


def predicted(model: Class2Model, rows: list[Affinity]) -> tuple[np.ndarray, np.ndarray]:
    """Return strength and its spread, row by row; beta chains measured alone are taken so."""
    molecules = model.weights.molecules
    names = sorted({row.allele for row in rows})
    parts = [
        MoleculeParts(
            tuple(molecules.chains.index(chain) for chain in name.split("-")),
            molecules.own.index(name),
            Knowledge.MEASURED,
            "",
        )
        for name in names
    ]
    peptides = sorted({row.peptide for row in rows})
    codes, lengths = peptide_rows(peptides, shortest=9, longest=30, mhc_class="II")
    strength, spread, _ = model.scores(codes, lengths, parts, threads=1)
    line = np.searchsorted(peptides, [row.peptide for row in rows])
    column = np.searchsorted(names, [row.allele for row in rows])
    return strength[line, column], spread[line, column]


def kinds_apart(model: Class2Model, rows: list[Affinity]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread over the two kinds of teachers, free and anchored, as over two students."""
    anchored = model.weights.anchor.any(axis=1).astype(int)
    each = [predicted(of_fold(model, anchored, kind), rows)[0] for kind in (0, 1)]
    return np.mean(each, axis=0), np.std(each, axis=0, ddof=1)


def calibration(rows: list[Affinity], strength: np.ndarray, sigma: np.ndarray) -> list[list[float]]:
    """Stated against seen by fifths of the stated: mean, root mean square error, share inside."""
    exact = np.flatnonzero([row.quantitative and 1 < row.ic50_nm < 20_000 for row in rows])
    error = DECADES * (strength - np.array([row.strength for row in rows]))
    order = exact[np.argsort(sigma[exact], kind="stable")]
    return [
        [
            len(part),
            round(float(sigma[part].mean()), 3),
            round(float(np.sqrt((error[part] ** 2).mean())), 3),
            round(float((np.abs(error[part]) <= sigma[part]).mean()), 3),
        ]
        for part in np.array_split(order, 5)
    ]


def write(path: Path, head: str, rows: Iterable[list[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(head.split())
        table.writerows(rows)


def main(data: Path, out: Path) -> None:
    """Write the tables."""
    model, held = teachers()
    rows = read_rows(data)
    folds = folds_of(rows)
    strength, spread = np.empty(len(rows)), np.empty(len(rows))
    lines: list[list[object]] = []
    for fold in range(5):
        here = np.flatnonzero(folds == fold)
        some = [rows[number] for number in here]
        strength[here], spread[here] = kinds_apart(of_fold(model, held, fold), some)
        lines += summary(str(fold), some, strength[here])
    lines += summary("all", rows, strength)
    some = [row for row, fold in zip(rows, folds, strict=True) if fold == STUDENTS_FOLD]
    lines += summary("1, students", some, predicted(students(), some)[0])
    write(out / "class2_affinity.csv", "fold rows n auc_500_nm pearson", lines)
    write(
        out / "class2_molecules.csv",
        "molecule n auc_500_nm",
        [[name, n, round(a, 4)] for name, (n, a) in by_allele(rows, logit_of(strength)).items()],
    )
    stated = Class2Model.installed().weights.calibration
    write(
        out / "class2_uncertainty.csv",
        "n stated_decades seen_decades inside_one_sigma",
        calibration(rows, strength, stated.sigma(DECADES * spread, np.zeros(1, np.int64))),
    )


def logit_of(strength: np.ndarray) -> np.ndarray:
    """Return the logit of strengths."""
    return np.log(strength / (1.0 - strength))


def summary(fold: str, rows: list[Affinity], strength: np.ndarray) -> list[list[object]]:
    """Return a fold's lines of the table."""
    table = figures(rows, logit_of(strength))
    lines: list[list[object]] = [
        [fold, name, n, round(a, 4), round(p, 4)] for name, (n, a, p) in table.items()
    ]
    each = by_allele(rows, logit_of(strength))
    apart, level = without_level(rows, strength)
    mean = float(np.mean([area for _, area in each.values()]))
    lines.append([fold, f"mean of {len(each)} molecules", len(rows), round(mean, 4), ""])
    lines.append([fold, "each molecule's mean score taken away", len(rows), round(apart, 4), ""])
    lines.append([fold, "each molecule's mean score alone", len(rows), round(level, 4), ""])
    return lines


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
