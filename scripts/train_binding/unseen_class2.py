"""How much is lost on class II molecules that a network was not trained on.

python unseen_class2.py --data DIR --chains A.fasta B.fasta \
    --held 1 --seen S.npz --unseen 0=A.npz ... --out U.csv

S holds predictions of the held-out fold by a network trained on every molecule, A those by a network of the
same settings that a fifth of the molecules was left out of (`train_class2.py --without`).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from class2_chains import chain_marks, read_chains
from class2_data import folds_of, read_rows, windows
from class2_network import SHARPNESS, START, Class2Network
from score_class1 import BINDER, auc
from score_class2 import strength_of
from split import fold_of
from torch import from_numpy, inference_mode

DECADES = np.log10(50_000.0)
SALT = "molecules2"


@inference_mode()
def by_group(
    file: Path, name: str, trained: set[str], chains: dict[str, str], peptides: list[str]
) -> np.ndarray:
    """Strength of peptides with a molecule whose chains are taken as the means of their groups."""
    with np.load(file) as stored:
        net = {key: stored[key] for key in stored.files}
    row_of = {mark: row for row, mark in enumerate(net["marks"].tolist())}
    vector, offset = np.zeros(net["vectors"].shape[1], np.float32), 0.0
    for chain in name.split("-"):
        group = chain.partition(":")[0]
        members = sorted(other for other in trained if other.startswith(f"{group}:"))
        for other in members:
            for mark, weight in chain_marks(other, chains).items():
                vector = vector + weight / len(members) * net["vectors"][row_of[mark]]
                offset += weight / len(members) * net["offsets"][row_of[mark]]
    hidden, features = net["table.weight"].shape[1], len(vector)
    model = Class2Network(np.zeros((1, 1), np.float32), hidden=hidden, features=features, dropout=0.0).eval()
    model.load_state_dict({key: from_numpy(net[key]) for key in net if "." in key}, strict=False)
    cores = windows(peptides)
    found = model.features(from_numpy(cores.codes), from_numpy(cores.place)).numpy() @ vector
    scores = np.where(cores.exist, found.reshape(cores.exist.shape) * SHARPNESS, -np.inf)
    return strength_of(np.logaddexp.reduce(scores, axis=1) / SHARPNESS + offset + START)


def main() -> None:
    """Write one line a molecule, and print means by what the prediction rests on."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--chains", type=Path, nargs="+", required=True)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--seen", type=Path, required=True)
    line.add_argument("--unseen", nargs="+", required=True, help="FIFTH=FILE.npz")
    line.add_argument("--out", type=Path, required=True)
    options = line.parse_args()
    chains: dict[str, str] = {}
    for path in options.chains:
        chains |= read_chains(path)
    everything = read_rows(options.data)
    folds = folds_of(everything)
    rows = [row for row, fold in zip(everything, folds, strict=True) if fold == options.held]
    names = {row.allele for row, fold in zip(everything, folds, strict=True) if fold != options.held}
    name_of = np.array([row.allele for row in rows])
    strength = np.array([row.strength for row in rows])
    seen = strength_of(np.load(options.seen)["held_logit"])
    table = []
    for pair in options.unseen:
        number, _, file = pair.partition("=")
        unseen = strength_of(np.load(file)["held_logit"])
        trained = {
            chain for name in names if fold_of(name, 5, SALT) != int(number) for chain in name.split("-")
        }
        for name in sorted(name for name in names if fold_of(name, 5, SALT) == int(number)):
            here = name_of == name
            bind = strength[here] >= BINDER
            if here.sum() < 50 or not 10 <= bind.sum() <= here.sum() - 10:
                continue
            parts = name.split("-")
            known = "chains" if all(part in trained for part in parts) else "residues"
            figures = [seen[here], unseen[here]]
            if all(
                any(other.startswith(f"{part.partition(':')[0]}:") for other in trained) for part in parts
            ):
                peptides = [row.peptide for row, use in zip(rows, here, strict=True) if use]
                figures.append(by_group(Path(file), name, trained, chains, peptides))
            areas = [round(auc(bind, one), 4) for one in figures]
            errors = [
                round(float(DECADES * np.sqrt(((one - strength[here]) ** 2).mean())), 4) for one in figures
            ]
            if len(figures) < 3:
                areas, errors = [*areas, ""], [*errors, ""]
            table.append([name, known, int(here.sum()), *areas, *errors])
    with options.out.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            "molecule left n auc_trained auc_unseen auc_group error_trained error_unseen error_group".split()
        )
        writer.writerows(table)
    for known, column in (("chains", 1), ("residues", 1), ("residues", 2), ("chains", 2)):
        some = [row for row in table if row[1] == known and row[3 + column] != ""]
        if some:
            area, plain = np.mean([row[3 + column] for row in some]), np.mean([row[3] for row in some])
            more = np.mean([row[6 + column] ** 2 - row[6] ** 2 for row in some])
            what = ("", "as trained on less", "as its groups")[column]
            print(known, what, len(some), f"AUC {plain:.4f} -> {area:.4f}; error^2 + {more:.4f}")


if __name__ == "__main__":
    main()
