"""MHCnuggets beside the installed class I model on the same held-out rows, in one run.

Usage: ``python validation/immunotherapy/binding/class1_peer.py DATA OUT PEER_PYTHON``, PEER_PYTHON being the
Python of an environment with MHCnuggets 2.4.1 [shao2020mhcnuggets]. Our networks have not seen the fold; the
peer was trained on this very table, so its figures are not held out.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from class1 import TEST_FOLD, predicted
from class1_data import held_out
from class2_peer import peer_strengths, sample
from score_class1 import auc

from tumorboard.core.hla import MhcClass
from tumorboard.immunotherapy.binding import load_model


def main(data: Path, out: Path, python: str) -> None:
    """Write the table."""
    rows, _ = held_out(data, load_model(MhcClass.I).alleles, TEST_FOLD)
    chosen = sample(rows)
    predicted(next(iter(chosen.values()))[:1])  # compiled before the clock starts
    began = time.perf_counter()
    own = [-predicted(some)[0] for some in chosen.values()]
    seconds = time.perf_counter() - began
    peer, peer_seconds = peer_strengths(python, "I", chosen)
    lines: list[list[object]] = []
    pooled = []
    for (name, some), ours, theirs in zip(chosen.items(), own, peer, strict=True):
        bind = np.array([row.ic50_nm <= 500.0 for row in some])
        pooled.append(np.stack([bind, ours, theirs]))
        lines.append([name, len(some), round(auc(bind, ours), 4), round(auc(bind, theirs), 4)])
    bind, ours, theirs = np.concatenate(pooled, axis=1)
    lines.append(["pooled", len(bind), round(auc(bind > 0, ours), 4), round(auc(bind > 0, theirs), 4)])
    lines.append(
        ["pairs per second", len(bind), *(round(len(bind) / each) for each in (seconds, peer_seconds))]
    )
    with (out / "class1_peer.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("molecule", "n", "ours_held_out", "mhcnuggets_trained_on_it"))
        writer.writerows(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
