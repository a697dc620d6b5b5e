"""Teach two networks what an ensemble of class II networks says: nearly as good, and six times as fast.

python distil_class2.py --data DIR --ensemble E.npz --kind free --out S.npz [--held 1]

E holds a joined ensemble (export_class2.py). One student learns from its free networks, one from its anchored
ones, on random human peptides and on the measured ones, of which only the teachers' answers are read. With
--held the teachers are those that held that fold out, and its peptides are left out: the students can be
scored on it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from calibrate_class1 import human_proteins
from class2_data import Windows, folds_of, read_rows, windows
from class2_network import Class2Network
from export_class2 import PER_NETWORK, Arrays, model_parts, random_peptides
from torch.nn import functional

from tumorboard.immunotherapy.binding.class2 import Class2Model
from tumorboard.immunotherapy.binding.class2_weights import Class2Weights
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows

#: Peptides of a lesson, and the molecules that come up in it.
LESSON, MOLECULES = 1_000, 64


def taught_molecules(arrays: Arrays, rng: np.random.Generator) -> list[str]:
    """Every measured molecule, every DR chain and group, and pairs enough for each DQ and DP chain."""
    every = arrays["molecules"].tolist()
    single = [name for name in every if "-" not in name]
    pairs = [name for name in every if "-" in name]
    some = set(arrays["own"].tolist()) | set(single)
    for name in rng.permutation(pairs):
        count = [sum(chain in other.split("-") for other in some) for chain in name.split("-")]
        if min(count) < 4:
            some.add(str(name))
    return sorted(some)


def teacher(arrays: Arrays, chosen: np.ndarray) -> Class2Model:
    """The ensemble's networks that are chosen."""
    weights = Class2Weights.from_arrays(arrays)
    some = {name: np.ascontiguousarray(getattr(weights, name)[chosen]) for name in PER_NETWORK}
    return Class2Model(replace(weights, **some))


@dataclass(frozen=True)
class Lesson:
    """Some peptides of common or of long lengths, some molecules, and what teachers say of each pair."""

    cores: Windows
    columns: np.ndarray
    logit: np.ndarray


def lessons(
    model: Class2Model, names: list[str], peptides: list[str], rng: np.random.Generator
) -> list[Lesson]:
    """Cut peptides into lessons, each with its own molecules."""
    chains, own = (list(part) for part in (model.weights.molecules.chains, model.weights.molecules.own))
    row_of = {name: row for row, name in enumerate(chains)}
    own_of = {name: row for row, name in enumerate(own)}
    made = []
    for start in range(0, len(peptides), LESSON):
        some = peptides[start : start + LESSON]
        columns = np.sort(rng.choice(len(names), min(len(names), MOLECULES), replace=False))
        parts = [model_parts(names[column], row_of, own_of) for column in columns]
        codes, lengths = peptide_rows(some, shortest=9, longest=30, mhc_class="II")
        strength = model.scores(codes, lengths, parts, threads=1)[0]
        logit = np.log(strength / (1.0 - strength)).astype(np.float32)
        made.append(Lesson(windows(some), columns, logit))
    return made


def train(matrix: np.ndarray, taught: list[Lesson], options: argparse.Namespace) -> Class2Network:
    """Fit the teachers' logits, one lesson's peptides a step."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    anchored = options.kind == "anchored"
    model = Class2Network(
        matrix, hidden=options.hidden, features=options.features, dropout=0.0, anchored=anchored
    )
    optimiser = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr=options.rate)
    full = model.matrix
    size = np.array([len(lesson.logit) for lesson in taught])
    began, total = time.monotonic(), 0.0
    for step in range(options.steps):
        cosine = 0.5 + 0.5 * np.cos(np.pi * step / options.steps)
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1.0, (step + 1) / 100) * (cosine + 1e-3)
        lesson = taught[rng.choice(len(taught), p=size / size.sum())]
        rows = rng.integers(0, len(lesson.logit), 128)
        model.matrix = full[lesson.columns]
        logit = model(lesson.cores[rows])
        loss = functional.huber_loss(logit, torch.from_numpy(lesson.logit[rows]), delta=1.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
        if (step + 1) % 500 == 0:
            print(step + 1, f"{total / 500:.4f} {time.monotonic() - began:.0f} s", flush=True)
            total = 0.0
    model.matrix = full
    return model.eval()


def main() -> None:
    """Write the student as one network in the arrays' own form."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--ensemble", type=Path, required=True)
    line.add_argument("--kind", choices=("free", "anchored"), required=True)
    line.add_argument("--held", type=int)
    line.add_argument("--seed", type=int, default=1)
    line.add_argument("--hidden", type=int, default=256)
    line.add_argument("--features", type=int, default=64)
    line.add_argument("--steps", type=int, default=4_000)
    line.add_argument("--rate", type=float, default=4e-3)
    line.add_argument("--peptides", type=int, default=60_000)
    line.add_argument("--out", type=Path, required=True)
    options = line.parse_args()
    torch.set_num_threads(1)
    with np.load(options.ensemble) as stored:
        arrays = {name: stored[name] for name in stored.files}
    rng = np.random.default_rng(2026)
    anchored = arrays["anchor"].any(axis=1)
    chosen = anchored if options.kind == "anchored" else ~anchored
    if options.held is not None:
        chosen &= arrays["held"] == options.held
    names = taught_molecules(arrays, rng)
    model = teacher(arrays, chosen)
    proteins = human_proteins(options.data)
    rows = read_rows(options.data)
    folds = folds_of(rows)
    measured = sorted({row.peptide for row, fold in zip(rows, folds, strict=True) if fold != options.held})
    common = [peptide for peptide in measured if len(peptide) <= 15]
    long = [peptide for peptide in measured if len(peptide) > 15]
    common += random_peptides(proteins, 15, options.peptides, rng)
    for length in range(9, 15):
        common += random_peptides(proteins, length, options.peptides // 40, rng)
    for length in range(16, 31):
        long += random_peptides(proteins, length, options.peptides // 60, rng)
    began = time.monotonic()
    taught = [
        lesson
        for group in (common, long)
        for lesson in lessons(model, names, [group[k] for k in rng.permutation(len(group))], rng)
    ]
    print(f"{chosen.sum()} teachers, {len(names)} molecules: {time.monotonic() - began:.0f} s", flush=True)
    chains, own = arrays["chains"].tolist(), arrays["own"].tolist()
    column = {name: number for number, name in enumerate(chains)} | {
        f"={name}": len(chains) + number for number, name in enumerate(own)
    }
    matrix = np.zeros((len(names), len(column)), np.float32)
    for row, name in enumerate(names):
        for mark in [*name.split("-"), f"={name}"]:
            if mark in column:
                matrix[row, column[mark]] = 1.0
    student = train(matrix, taught, options)
    state = {name: value.numpy() for name, value in student.state_dict().items()}
    hidden = options.hidden
    np.savez(
        options.out,
        table=state["table.weight"].reshape(1, -1, 21, hidden),
        base=state["place.bias"][None],
        place=state["place.weight"].T[None],
        deep=state["deep.weight"].T[None],
        deep_bias=state["deep.bias"][None],
        anchor=state["anchor"][None, :20],
        chain_vectors=state["vectors"][None, : len(chains)],
        chain_offsets=state["offsets"][None, : len(chains)],
        own_vectors=state["vectors"][None, len(chains) :],
        own_offsets=state["offsets"][None, len(chains) :],
    )


if __name__ == "__main__":
    main()
