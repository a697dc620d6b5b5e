"""Join trained class II networks to one file for the package: calibrations, percentiles, digest.

Runs with the package installed, without torch:

python export_class2.py --data DIR --chains A.fasta B.fasta --version II-... --out class2.npz FILE.npz ...

Every network must be named by the fold it held out (train_class2.py does); calibrations use each network on
its own held-out fold only.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
from calibrate_class1 import human_proteins
from class2_chains import WEIGHTS, chain_marks, own_mark, read_chains
from class2_data import WIDTH, folds_of, pair_table, read_rows
from residues import PAD, RESIDUES
from score_class2 import figures, strength_of
from tables import Affinity

from tumorboard.immunotherapy.binding.class2 import Class2Model
from tumorboard.immunotherapy.binding.class2_molecules import Knowledge, MoleculeParts
from tumorboard.immunotherapy.binding.class2_weights import Class2Weights
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows
from tumorboard.immunotherapy.binding.percentile import score_quantiles
from tumorboard.immunotherapy.binding.weights import arrays_digest

PERCENTS = np.concatenate([[0.05], np.geomspace(0.1, 100.0, 31)])
LENGTHS = np.array([9, 12, 15, 20, 30])
DECADES = np.log10(50_000.0)
SYMBOLS = PAD + 1
PER_NETWORK = (
    "table", "base", "place", "deep", "deep_bias", "anchor",
    "chain_vectors", "chain_offsets", "own_vectors", "own_offsets",
)  # fmt: skip

Arrays = dict[str, np.ndarray]


def chain_names(measured: list[str], chains: dict[str, str]) -> tuple[list[str], np.ndarray]:
    """Names of chains and of the groups of measured ones, and each one's measured pairs; groups have 0."""
    counts: dict[str, int] = defaultdict(int)
    for name in measured:
        for chain in name.split("-"):
            counts[chain] += 1
    groups = {chain.partition(":")[0] for chain in counts if not chain.startswith("DP")}
    names = sorted(set(counts) | set(chains) | groups)
    return names, np.array([counts.get(name, 0) for name in names])


def sum_marks(marks: dict[str, float], row_of: dict[str, int], values: np.ndarray) -> np.ndarray:
    """Weighted sum of what a network learned of marks; marks that it never saw count nothing."""
    total = np.zeros(values.shape[1:], np.float32)
    for mark, weight in marks.items():
        if mark in row_of:
            total = total + np.float32(weight) * values[row_of[mark]]
    return total


def join(
    files: list[Path], names: list[str], own: list[str], counts: np.ndarray, chains: dict[str, str]
) -> Arrays:
    """Weights of all networks, one behind the other."""
    parts: dict[str, list[np.ndarray]] = defaultdict(list)
    trained = {name for name, count in zip(names, counts, strict=True) if count}
    for file in files:
        with np.load(file) as stored:
            net = {key: stored[key] for key in stored.files}
        row_of = {mark: row for row, mark in enumerate(net["marks"].tolist())}
        hidden = net["table.weight"].shape[1]
        parts["table"].append(net["table.weight"].reshape(WIDTH, SYMBOLS, hidden))
        parts["base"].append(net["place.bias"])
        parts["place"].append(net["place.weight"].T)
        parts["deep"].append(net["deep.weight"].T)
        parts["deep_bias"].append(net["deep.bias"])
        parts["anchor"].append(net["anchor"][:PAD] if "anchor" in net else np.zeros(PAD))
        for key, values in (("vectors", net["vectors"]), ("offsets", net["offsets"])):
            each = {
                name: sum_marks(chain_marks(name, chains), row_of, values) for name in names if ":" in name
            }
            for name in names:
                if ":" not in name:
                    members = [each[other] for other in trained if other.startswith(f"{name}:")]
                    each[name] = np.mean(members, axis=0)
            parts[f"chain_{key}"].append(np.array([each[name] for name in names]))
            parts[f"own_{key}"].append(
                np.array([WEIGHTS["own"] * values[row_of[own_mark(name)]] for name in own])
            )
    return {key: np.array(values, np.float16) for key, values in parts.items()}


def molecule_names(names: list[str]) -> list[str]:
    """Every DR chain and every pair of DQ and of DP chains, groups included."""
    by_locus: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_locus[name.partition("*")[0]].append(name)
    single = [name for locus in ("DRB1", "DRB3", "DRB4", "DRB5") for name in by_locus[locus]]
    pairs = [
        f"{alpha}-{beta}"
        for kind in ("DQ", "DP")
        for alpha, beta in product(by_locus[f"{kind}A1"], by_locus[f"{kind}B1"])
    ]
    return sorted(single + pairs)


def held_fold(file: Path) -> int:
    """Fold that a network held out, from its file's name."""
    found = re.search(r"held(\d)", file.name)
    if found is None:
        raise SystemExit(f"{file} must be named class2_heldF_seedS.npz, as train_class2.py does")
    return int(found[1])


def held_predictions(
    files: list[Path], rows: list[Affinity], folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean strength of each row by the networks that held its fold, and its spread over them."""
    mean, spread = np.zeros((2, len(rows)))
    by_fold: dict[int, list[np.ndarray]] = defaultdict(list)
    for file in files:
        with np.load(file) as stored:
            by_fold[held_fold(file)].append(strength_of(stored["held_logit"].astype(float)))
    for fold, each in by_fold.items():
        mean[folds == fold] = np.mean(each, axis=0)
        spread[folds == fold] = np.std(each, axis=0, ddof=1)
    return mean, spread


def logistic(logit: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Offset and factor of a logistic fit by Newton steps."""
    design = np.stack([np.ones_like(logit), logit], axis=1)
    weights = np.zeros(2)
    for _ in range(30):
        share = 1.0 / (1.0 + np.exp(-design @ weights))
        curvature = (design * (share * (1.0 - share))[:, None]).T @ design
        weights = weights + np.linalg.solve(curvature, design.T @ (truth - share))
    return weights


def spread_fit(error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Floor and factor: squared errors [decades] are floor^2 + (factor x spread)^2."""
    design = np.stack([np.ones_like(spread), spread**2], axis=1)
    floor, factor = np.linalg.lstsq(design, error**2, rcond=None)[0]
    return np.sqrt(np.maximum([floor, factor], 1e-4))


def calibrate(files: list[Path], rows: list[Affinity], folds: np.ndarray) -> Arrays:
    """Presentation and uncertainty from rows that the networks had not seen."""
    mean, spread = held_predictions(files, rows, folds)
    truth = np.array([row.ic50_nm <= 500.0 for row in rows], float)
    exact = np.array([row.quantitative and 1.0 < row.ic50_nm < 20_000 for row in rows])
    strength = np.array([row.strength for row in rows])
    for name, (count, area, correlation) in figures(rows, np.log(mean / (1 - mean))).items():
        print(f"all folds, {name}: n {count} AUC {area:.4f} PCC {correlation:.4f}")
    return {
        "presentation": logistic(np.log(mean / (1.0 - mean)), truth),
        "calibration": spread_fit(DECADES * (mean - strength)[exact], DECADES * spread[exact]),
    }


def random_peptides(proteins: list[str], length: int, number: int, rng: np.random.Generator) -> list[str]:
    """Different windows of a length, every residue as likely a start."""
    ends = np.cumsum([len(protein) for protein in proteins])
    found: dict[str, None] = {}
    while len(found) < number:
        place = int(rng.integers(ends[-1]))
        which = int(np.searchsorted(ends, place, side="right"))
        start = place - int(ends[which]) + len(proteins[which])
        peptide = proteins[which][start : start + length]
        if len(peptide) == length and set(peptide) <= set(RESIDUES):
            found.setdefault(peptide)
    return list(found)


def rank(arrays: Arrays, proteins: list[str], number: int) -> np.ndarray:
    """Scores that shares of random peptides of each length reach, (molecules, lengths, shares)."""
    weights = Class2Weights.from_arrays(arrays)
    model = Class2Model(weights)
    row_of = {name: row for row, name in enumerate(weights.molecules.chains)}
    own = {name: row for row, name in enumerate(weights.molecules.own)}
    names = arrays["molecules"].tolist()
    parts = [model_parts(name, row_of, own) for name in names]
    table = np.zeros((len(names), len(LENGTHS), len(PERCENTS)), np.float16)
    rng = np.random.default_rng(2026)
    for column, length in enumerate(LENGTHS):
        began = time.monotonic()
        peptides = random_peptides(proteins, int(length), number, rng)
        codes, lengths = peptide_rows(peptides, shortest=9, longest=30, mhc_class="II")
        for start in range(0, len(parts), 64):
            strength = model.scores(codes, lengths, parts[start : start + 64], threads=1)[0]
            for row, values in enumerate(np.log(strength / (1.0 - strength)).T, start):
                table[row, column] = score_quantiles(values, PERCENTS)
        print(length, f"{len(names) * number / (time.monotonic() - began):.0f} pairs/s", flush=True)
    return table


def model_parts(name: str, row_of: dict[str, int], own: dict[str, int]) -> MoleculeParts:
    """Parts of a molecule of chains or groups."""
    return MoleculeParts(
        tuple(row_of[chain] for chain in name.split("-")), own.get(name, -1), Knowledge.MEASURED, ""
    )


def main() -> None:
    """Write the finished file."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--chains", type=Path, nargs="*", default=[])
    line.add_argument("--version", required=True)
    line.add_argument("--extrapolation", type=float, nargs=4, default=[0.0, 0.5, 0.5, 0.5])
    line.add_argument("--peptides", type=int, default=2_000)
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("files", type=Path, nargs="+")
    settings = line.parse_args()
    chains: dict[str, str] = {}
    for path in settings.chains:
        chains |= read_chains(path)
    rows = read_rows(settings.data)
    folds = folds_of(rows)
    pairs = pair_table(rows)
    own = pairs.molecules
    own_pairs = pairs.known.sum(0).astype(np.int64)
    measured = [name for name, count in zip(own, own_pairs, strict=True) for _ in range(int(count))]
    names, counts = chain_names(measured, chains)
    molecules = molecule_names(names)
    arrays = join(settings.files, names, own, counts, chains) | {
        "version": np.array(settings.version),
        "training_digest": np.array(""),
        "chains": np.array(names),
        "chain_pairs": counts,
        "own": np.array(own),
        "own_pairs": own_pairs,
        "molecules": np.array(molecules),
        "lengths": LENGTHS,
        "percents": PERCENTS,
        "quantiles": np.zeros((len(molecules), len(LENGTHS), len(PERCENTS)), np.float16),
        "extrapolation": np.array(settings.extrapolation),
        "held": np.array([held_fold(file) for file in settings.files], np.int8),
    }
    arrays |= calibrate(settings.files, rows, folds)
    proteins = human_proteins(settings.data)
    arrays["quantiles"] = rank(arrays, proteins, settings.peptides)
    arrays["training_digest"] = np.array(arrays_digest(arrays))
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(settings.out, **arrays)
    print(
        arrays["training_digest"], settings.out.stat().st_size, arrays["presentation"], arrays["calibration"]
    )


if __name__ == "__main__":
    main()
