"""Fit what stands behind the networks, on a fold that those networks had not seen.

python tune_class1.py --data DIR --held 1 --apart 0 --version V --distance 0.1 --out C.json FILE.npz ...

From predictions of the held-out fold (never the test fold): how the presentation score weighs the two heads,
what residues beside a peptide add, and how far affinities are off for a given spread. Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
from class1_data import Class1Data, load
from grooves import immunotype_table
from residues import INDEX, PAD
from scipy.optimize import minimize
from score_class1 import auc
from tables import Ligand

REACH = 6
AFFINITY_SHARE = 0.25
DECADES = math.log10(50_000.0)


def logistic(
    design: np.ndarray, truth: np.ndarray, weight: np.ndarray, ridge: np.ndarray, offset: np.ndarray
):
    """Weights of a ridge-penalised logistic regression."""

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        logit = offset + design @ beta
        chance = 1.0 / (1.0 + np.exp(-logit))
        value = (weight * (np.logaddexp(0.0, logit) - truth * logit)).sum() + 0.5 * (ridge * beta**2).sum()
        return value, design.T @ (weight * (chance - truth)) + ridge * beta

    return minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x


def balanced(rows: list[Ligand]) -> np.ndarray:
    """Weights that give hits as much as decoys in all."""
    hit = np.array([row.hit for row in rows])
    return np.where(hit, 0.5 / hit.sum(), 0.5 / (~hit).sum()) * len(rows)


def presentation_weights(rows: list[Ligand], heads: np.ndarray) -> np.ndarray:
    """Offset and weights of the ligand and affinity logits, each row by its best allele.

    The share of the affinity logit is set, not fitted: up to a quarter costs ligands nothing, and alleles
    that no ligand sample has are known from affinities alone.
    """
    truth = np.array([row.hit for row in rows], float)
    joined = heads[..., 1] + AFFINITY_SHARE * heads[..., 0]
    design = np.column_stack([np.ones(len(rows)), joined.max(axis=1)])
    offset, scale = logistic(design, truth, balanced(rows), np.full(2, 1e-3), np.zeros(len(rows)))
    return np.array([offset, scale, AFFINITY_SHARE * scale])


def flank_design(rows: list[Ligand]) -> np.ndarray:
    """One-hot residues by side and distance, (rows, 2 x REACH x 21)."""
    codes = np.full((len(rows), 2, REACH), PAD)
    for number, row in enumerate(rows):
        for side, near in enumerate((row.n_flank[::-1][:REACH], row.c_flank[:REACH])):
            codes[number, side, : len(near)] = [INDEX.get(residue, PAD) for residue in near]
    return np.eye(PAD + 1)[codes].reshape(len(rows), -1)


def spread_calibration(data: Class1Data, logits: np.ndarray) -> tuple[float, float]:
    """Floor and factor by likelihood: the errors of log10 IC50 as normal with the stated sigma."""
    each = 1.0 / (1.0 + np.exp(-logits))
    error = DECADES * (each.mean(axis=0) - np.array([row.strength for row in data.held_rows]))
    spread = DECADES * each.std(axis=0, ddof=1)

    def loss(log: np.ndarray) -> float:
        sigma2 = np.exp(2 * log[0]) + np.exp(2 * log[1]) * spread**2
        return float((0.5 * np.log(sigma2) + 0.5 * error**2 / sigma2).mean())

    floor, factor = np.exp(minimize(loss, np.log([0.3, 2.0]), method="Nelder-Mead").x)
    return float(floor), float(factor)


def main() -> None:
    """Write the settings that `calibrate_class1.py` takes."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--grooves", type=Path)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--apart", type=int, nargs="*", default=[])
    line.add_argument("--version", required=True)
    line.add_argument("--distance", type=float, required=True, help="of the leave-alleles-out report")
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("files", type=Path, nargs="+")
    options = line.parse_args()
    grooves = options.grooves or immunotype_table()
    data = load(options.data, grooves, held_fold=options.held, apart=tuple(options.apart))
    parts = [np.load(file) for file in options.files]
    heads = np.mean([part["ligand"] for part in parts], axis=0)
    beta = presentation_weights(data.held_ligands, heads)
    score = (beta[0] + beta[1] * heads[..., 1] + beta[2] * heads[..., 0]).max(axis=1)
    truth = np.array([row.hit for row in data.held_ligands])
    design = flank_design(data.held_ligands)
    half = np.arange(len(truth)) % 2 == 0
    for mask in (half, ~half):  # what flanks add within the fold, fitted on one half and scored on the other
        table = logistic(
            design[mask],
            truth[mask].astype(float),
            np.ones(mask.sum()),
            np.full(design.shape[1], 5.0),
            score[mask],
        )
        other = score[~mask] + design[~mask] @ table
        print(f"flanks: AUC {auc(truth[~mask], score[~mask]):.4f} becomes {auc(truth[~mask], other):.4f}")
    table = logistic(design, truth.astype(float), np.ones(len(truth)), np.full(design.shape[1], 5.0), score)
    floor, factor = spread_calibration(data, np.stack([part["affinity"][:, 0] for part in parts]))
    print(
        "presentation",
        beta,
        "ligand head alone",
        auc(truth, heads[..., 1].max(1)),
        "joined",
        auc(truth, score),
    )
    print("floor, factor", floor, factor)
    options.out.write_text(
        json.dumps(
            {
                "version": options.version,
                "seed": 1,
                "presentation": [round(float(value), 4) for value in beta],
                "calibration": [round(floor, 4), round(factor, 4), options.distance],
                "flanks": np.round(table.reshape(2, REACH, PAD + 1), 4).tolist(),
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
