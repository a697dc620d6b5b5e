"""Train one class II model.

python train_class2.py --data DIR --chains A.fasta B.fasta --seed 1 --held 0 --out DIR

The held fold is scored and never learned from; folds of --apart are neither (while settings are chosen).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from class2_chains import read_chains
from class2_data import LONGEST, Pairs, Windows, folds_of, pair_table, read_rows, windows
from class2_network import Class2Network, mark_matrix
from score_class2 import report
from torch.nn import functional

BINDER = 1.0 - np.log(500.0) / np.log(50_000.0)
#: Peptides up to here make batches of their own, as every batch pays for its longest.
COMMON_LENGTH = 15


def arguments() -> argparse.Namespace:
    """Settings; the defaults are the shipped ones."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument(
        "--chains", type=Path, nargs="*", default=[], help="FASTA files of exon 2; none: names alone"
    )
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("--seed", type=int, required=True)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--apart", type=int, nargs="*", default=[])
    line.add_argument("--without", nargs="*", default=[], help="molecules that are scored but not learned")
    line.add_argument("--hidden", type=int, default=128)
    line.add_argument("--features", type=int, default=64)
    line.add_argument("--dropout", type=float, default=0.2)
    line.add_argument("--decay", type=float, default=0.05)
    line.add_argument("--molecule-decay", type=float, default=0.3)
    line.add_argument("--rate", type=float, default=3e-3)
    line.add_argument("--square", type=float, default=2.0, help="weight of the squared error")
    line.add_argument("--entropy", type=float, default=1.5, help="weight of the cross-entropy at 500 nM")
    line.add_argument("--anchored", action="store_true", help="keep cores where the groove's are")
    line.add_argument("--peptides", type=int, default=128)
    line.add_argument("--epochs", type=int, default=15)
    return line.parse_args()


def batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """One epoch's batches, each of common or of long peptides."""
    made: list[np.ndarray] = []
    for group in (np.flatnonzero(lengths <= COMMON_LENGTH), np.flatnonzero(lengths > COMMON_LENGTH)):
        order = rng.permutation(group)
        made += [order[start : start + size] for start in range(0, len(order), size)]
    return [made[number] for number in rng.permutation(len(made))]


def loss_of(
    logit: torch.Tensor, pairs: Pairs, rows: np.ndarray, settings: argparse.Namespace
) -> torch.Tensor:
    """Squared error, one-sided where the value is a bound, and cross-entropy of binding at 500 nM."""
    strength, known = torch.from_numpy(pairs.strength[rows]), torch.from_numpy(pairs.known[rows])
    bound = torch.from_numpy(pairs.bound[rows])
    error = torch.sigmoid(logit) - strength
    met = ((bound == 1) & (error > 0)) | ((bound == -1) & (error < 0))
    square = torch.where(met, torch.zeros_like(error), error) ** 2
    # The logit's zero is 224 nM; the factor makes the steps of strength and of binding alike.
    entropy = functional.binary_cross_entropy_with_logits(
        (logit + 0.3) * 2.0, (strength >= BINDER).float(), reduction="none"
    )
    return (known * (settings.square * square + settings.entropy * entropy)).sum()


def train(pairs: Pairs, cores: Windows, matrix: np.ndarray, settings: argparse.Namespace) -> Class2Network:
    """Fit by a cosine of the rate with a short warm-up; batches are drawn by the seed alone."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = Class2Network(
        matrix,
        hidden=settings.hidden,
        features=settings.features,
        dropout=settings.dropout,
        anchored=settings.anchored,
    )
    own = [model.vectors, model.offsets]
    rest = [weight for name, weight in model.named_parameters() if name not in ("vectors", "offsets")]
    optimiser = torch.optim.AdamW(
        [
            {"params": own, "weight_decay": settings.molecule_decay},
            {"params": rest, "weight_decay": settings.decay},
        ],
        lr=settings.rate,
    )
    lengths = np.array([len(peptide) for peptide in pairs.peptides])
    usual = float(pairs.known.sum()) / len(lengths) * settings.peptides
    steps, step, began = settings.epochs * (len(lengths) // settings.peptides), 0, time.monotonic()
    model.train()
    for epoch in range(settings.epochs):
        total = 0.0
        for rows in batches(lengths, settings.peptides, rng):
            step += 1
            cosine = 0.5 + 0.5 * np.cos(np.pi * min(1.0, step / (1.03 * steps)))
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * min(1.0, step / 60) * (cosine + 1e-3)
            loss = loss_of(model(cores[rows]), pairs, rows, settings) / usual
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        if (epoch + 1) % 5 == 0:
            print(epoch + 1, f"{total / step * (epoch + 1):.3f} {time.monotonic() - began:.0f} s", flush=True)
    model.eval()
    return model


@torch.no_grad()
def predict(model: Class2Network, peptides: list[str]) -> np.ndarray:
    """Logit of the strength, (n, molecules)."""
    cores = windows(peptides)
    parts = [
        model(cores[np.arange(start, min(len(peptides), start + 1024))]).numpy()
        for start in range(0, len(peptides), 1024)
    ]
    return np.concatenate(parts)


def main() -> None:
    """Train, score on the held-out fold and keep weights, predictions and settings."""
    settings = arguments()
    torch.set_num_threads(1)
    rows = read_rows(settings.data)
    folds = folds_of(rows)
    away = {settings.held, *settings.apart}
    learned = [row for row, fold in zip(rows, folds, strict=True) if fold not in away]
    pairs = pair_table([row for row in learned if row.allele not in settings.without])
    chains: dict[str, str] = {}
    for path in settings.chains:
        chains |= read_chains(path)
    molecules = sorted({row.allele for row in rows})
    marks, matrix = mark_matrix(molecules, chains)
    column = [molecules.index(name) for name in pairs.molecules]
    model = train(pairs, windows(pairs.peptides), matrix[column], settings)
    model.matrix = torch.from_numpy(matrix)
    # Marks of molecules that no training row has kept what they started from: nothing is known of them.
    model.vectors.data[matrix[column].sum(0) == 0] = 0.0
    held = [row for row, fold in zip(rows, folds, strict=True) if fold == settings.held]
    peptides = sorted({row.peptide for row in held})
    assert max(map(len, peptides)) <= LONGEST
    logit = predict(model, peptides)
    line = {peptide: number for number, peptide in enumerate(peptides)}
    scores = np.array([logit[line[row.peptide], molecules.index(row.allele)] for row in held])
    settings.out.mkdir(parents=True, exist_ok=True)
    kind = "_anchored" if settings.anchored else ""
    name = f"class2_held{settings.held}_seed{settings.seed}{kind}"
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    np.savez(settings.out / f"{name}.npz", marks=np.array(marks), held_logit=scores, **weights)
    (settings.out / f"{name}.json").write_text(
        json.dumps({key: str(value) for key, value in vars(settings).items()}, indent=1)
    )
    print(report(held, scores))


if __name__ == "__main__":
    main()
