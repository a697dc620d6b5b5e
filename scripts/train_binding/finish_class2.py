r"""Make the file of the package of two students: calibrations, percentiles, version, digest.

python finish_class2.py --data DIR --ensemble E.npz --students FREE.npz ANCHORED.npz --version V \
    --out class2.npz final/*.npz

Calibrations rest on what the ensemble's networks said of the folds that they had held out, the spread being
that between the mean of the free and the mean of the anchored ones, as between the two students.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from calibrate_class1 import human_proteins
from class2_data import folds_of, read_rows
from export_class2 import DECADES, PER_NETWORK, held_fold, logistic, rank, spread_fit
from score_class2 import strength_of

from tumorboard.immunotherapy.binding.weights import arrays_digest


def main() -> None:
    """Write the finished file."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--ensemble", type=Path, required=True)
    line.add_argument("--students", type=Path, nargs=2, required=True)
    line.add_argument("--version", required=True)
    line.add_argument("--peptides", type=int, default=4_000)
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("files", type=Path, nargs="+")
    options = line.parse_args()
    with np.load(options.ensemble) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "held"}
    students = [np.load(file) for file in options.students]
    anchored = arrays["anchor"].any(axis=1)
    for name in PER_NETWORK:
        arrays[f"cores_{name}"] = arrays[name][anchored]  # the anchored teachers tell cores
        arrays[name] = np.concatenate([student[name] for student in students]).astype(np.float16)
    rows = read_rows(options.data)
    folds = folds_of(rows)
    kinds = np.zeros((2, len(rows)))
    by_kind: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    for file in options.files:
        with np.load(file) as stored:
            kind = int(bool(stored["anchor"].any())) if "anchor" in stored.files else 0
            by_kind[kind, held_fold(file)].append(strength_of(stored["held_logit"].astype(float)))
    for (kind, fold), each in by_kind.items():
        kinds[kind, folds == fold] = np.mean(each, axis=0)
    mean, spread = kinds.mean(axis=0), kinds.std(axis=0, ddof=1)
    exact = np.array([row.quantitative and 1.0 < row.ic50_nm < 20_000 for row in rows])
    strength = np.array([row.strength for row in rows])
    bind = np.array([row.ic50_nm <= 500.0 for row in rows], float)
    arrays["presentation"] = logistic(np.log(mean / (1.0 - mean)), bind)
    arrays["calibration"] = spread_fit(DECADES * (mean - strength)[exact], DECADES * spread[exact])
    arrays["version"] = np.array(options.version)
    arrays["quantiles"] = rank(arrays, human_proteins(options.data), options.peptides)
    arrays["training_digest"] = np.array(arrays_digest(arrays))
    np.savez_compressed(options.out, **arrays)
    print(
        arrays["training_digest"], options.out.stat().st_size, arrays["presentation"], arrays["calibration"]
    )


if __name__ == "__main__":
    main()
