"""How much is lost on alleles that a network was not trained on.

python unseen_class1.py --data DIR --held 1 --apart 0 --seen S.npz --unseen 0=A.npz 1=B.npz ... --out U.csv

S holds predictions of the held-out fold by a network trained on every allele, A and B those by networks of
the same settings that fifths of the alleles were left out of (`train_class1.py --without`).
"""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

import numpy as np
from class1_data import bound, load
from grooves import immunotype_table
from score_class1 import auc
from split import fold_of

DECADES = math.log10(50_000.0)


def main() -> None:
    """Write one line an allele, and print the means and the growth of the error with distance."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--grooves", type=Path)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--apart", type=int, nargs="*", default=[])
    line.add_argument("--seen", type=Path, required=True)
    line.add_argument("--unseen", nargs="+", required=True, help="FIFTH=FILE.npz")
    line.add_argument("--out", type=Path, required=True)
    options = line.parse_args()
    grooves = options.grooves or immunotype_table()
    data = load(options.data, grooves, held_fold=options.held, apart=tuple(options.apart))
    strength = np.array([row.strength for row in data.held_rows])
    name_of = np.array([row.allele for row in data.held_rows])
    fifth = np.array([fold_of(name, 5, "alleles1") for name in data.names])
    trained = np.zeros(len(data.names), bool)
    trained[data.train.alleles] = True
    sampled = {allele for row in data.hits for allele in row.alleles}
    well = np.bincount(data.train.alleles, minlength=len(data.names)) >= 50
    well |= np.array([name in sampled for name in data.names])
    seen = 1.0 / (1.0 + np.exp(-np.load(options.seen)["affinity"][:, 0]))
    rows, excess, distance, weight = [], [], [], []
    for pair in options.unseen:
        number, _, file = pair.partition("=")
        unseen = 1.0 / (1.0 + np.exp(-np.load(file)["affinity"][:, 0]))
        others = np.flatnonzero(well & (fifth != int(number)))
        for allele in np.flatnonzero(trained & (fifth == int(number))):
            here = name_of == data.names[allele]
            bind = strength[here] >= bound(500.0)
            if here.sum() < 50 or not 10 <= bind.sum() <= here.sum() - 10:
                continue
            apart = (data.codes[others] != data.codes[allele]).sum(axis=1)
            errors = [DECADES * np.sqrt(((one[here] - strength[here]) ** 2).mean()) for one in (seen, unseen)]
            rows.append(
                [
                    data.names[allele],
                    int(here.sum()),
                    data.names[others[apart.argmin()]],
                    int(apart.min()),
                    round(auc(bind, seen[here]), 4),
                    round(auc(bind, unseen[here]), 4),
                    round(float(errors[0]), 3),
                    round(float(errors[1]), 3),
                ]
            )
            excess.append(errors[1] ** 2 - errors[0] ** 2)
            distance.append(float(apart.min()))
            weight.append(math.sqrt(here.sum()))
    rows.sort()
    with options.out.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(
            ["allele", "n", "nearest_left", "differing", "auc_seen", "auc_unseen", "rms_seen", "rms_unseen"]
        )
        table.writerows(rows)
    x, y, w = np.array(distance), np.array(excess), np.array(weight)
    slope = max(float((w * x * y).sum() / (w * x * x).sum()), 0.0)
    known, new = (np.mean([r[column] for r in rows]) for column in (4, 5))
    print(f"{len(rows)} alleles: AUC {known:.4f} seen, {new:.4f} unseen")
    for low, high in ((0, 2), (3, 5), (6, 99)):
        some = [r for r in rows if low <= r[3] <= high]
        if some:
            means = [np.mean([r[k] for r in some]) for k in (4, 5, 6, 7)]
            print(f"{low} to {high} residues: {len(some)} alleles", np.round(means, 4))
    print(f"distance {math.sqrt(slope):.4f} decades per square root of a residue")


if __name__ == "__main__":
    main()
