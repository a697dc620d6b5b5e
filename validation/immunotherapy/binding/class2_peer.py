"""MHCnuggets beside class II students on the same held-out rows, in one run.

Usage: ``python validation/immunotherapy/binding/class2_peer.py DATA OUT PEER_PYTHON``, PEER_PYTHON being the
Python of an environment with MHCnuggets 2.4.1 [shao2020mhcnuggets]. Ours are the students of networks that
held the fold out; the peer was trained on this very table, so its figures are not held out.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from class2 import STUDENTS_FOLD, predicted, students, write
from class2_data import folds_of, read_rows
from score_class1 import auc
from tables import Affinity

MOLECULES, EACH = 12, 250
PEER = """
import os, sys, time
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
from mhcnuggets.src.predict import predict
began = time.monotonic()
for number, name in enumerate(sys.argv[3:]):
    where = os.path.join(sys.argv[1], str(number))
    predict(class_=sys.argv[2], peptides_path=where + ".txt", mhc=name, output=where + ".csv")
print("SECONDS", time.monotonic() - began)
"""


def peer_strengths(
    python: str, mhc_class: str, chosen: dict[str, list[Affinity]]
) -> tuple[list[np.ndarray], float]:
    """Return the peer's negative log IC50 of each molecule's rows, and its seconds without start-up."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, some in enumerate(chosen.values()):
            (folder / f"{number}.txt").write_text("\n".join(row.peptide for row in some) + "\n")
        spelled = ["HLA-" + name.removeprefix("HLA-").replace("*", "") for name in chosen]
        done = subprocess.run(  # noqa: S603 - the caller names the interpreter
            [python, "-c", PEER, str(folder), mhc_class, *spelled], capture_output=True, text=True, check=True
        )
        for number, some in enumerate(chosen.values()):
            with (folder / f"{number}.csv").open() as stream:
                value = {row["peptide"]: float(row["ic50"]) for row in csv.DictReader(stream)}
            found.append(-np.log([value[row.peptide] for row in some]))
    return found, float(done.stdout.rsplit("SECONDS", 1)[1])


def sample(rows: list[Affinity]) -> dict[str, list[Affinity]]:
    """Return up to so many rows of the most measured molecules, drawn by a fixed seed."""
    rng = np.random.default_rng(2026)
    names = sorted({row.allele for row in rows}, key=lambda name: -sum(row.allele == name for row in rows))
    chosen = {}
    for name in names[:MOLECULES]:
        here = [row for row in rows if row.allele == name]
        order = rng.permutation(len(here))[:EACH]
        chosen[name] = [here[number] for number in sorted(order)]
    return chosen


def main(data: Path, out: Path, python: str) -> None:
    """Write the table."""
    rows = read_rows(data)
    folds = folds_of(rows)
    chosen = sample([row for row, fold in zip(rows, folds, strict=True) if fold == STUDENTS_FOLD])
    model = students()
    predicted(model, next(iter(chosen.values()))[:1])  # compiled before the clock starts
    lines: list[list[object]] = []
    pooled: list[np.ndarray] = []
    began = time.perf_counter()
    own = [predicted(model, some)[0] for some in chosen.values()]
    seconds = time.perf_counter() - began
    peer, peer_seconds = peer_strengths(python, "II", chosen)
    for (name, some), ours, theirs in zip(chosen.items(), own, peer, strict=True):
        bind = np.array([row.ic50_nm <= 500.0 for row in some])
        pooled.append(np.stack([bind, ours, theirs]))
        lines.append([name, len(some), round(auc(bind, ours), 4), round(auc(bind, theirs), 4)])
    bind, ours, theirs = np.concatenate(pooled, axis=1)
    lines.append(["pooled", len(bind), round(auc(bind > 0, ours), 4), round(auc(bind > 0, theirs), 4)])
    lines.append(
        ["pairs per second", len(bind), *(round(len(bind) / each) for each in (seconds, peer_seconds))]
    )
    write(out / "class2_peer.csv", "molecule n ours_held_out mhcnuggets_trained_on_it", lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
