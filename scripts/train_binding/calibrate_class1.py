"""Finish exported networks: percentiles, uncertainty, presentation score, flanks, version and digest.

Runs with the package installed, without torch:

python calibrate_class1.py --arrays RAW.npz --settings calibration_class1.json --data DIR --out class1.npz
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from pathlib import Path

import numpy as np
from residues import RESIDUES

from tumorboard.immunotherapy.binding.class1 import Class1Model
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows
from tumorboard.immunotherapy.binding.percentile import score_quantiles
from tumorboard.immunotherapy.binding.weights import Class1Weights, arrays_digest

PROTEINS = "pvactools/Homo_sapiens.GRCh38.pep.short.fa.gz"
VARIANTS = "pvactools/annotated.expression.vcf.gz"
PERCENTS = np.concatenate([[0.005, 0.007], np.geomspace(0.01, 100.0, 49)])


def human_proteins(folder: Path) -> list[str]:
    """Wild-type proteins of the exome's annotation and Ensembl's short list, each once, sorted."""
    found = set()
    with gzip.open(folder / VARIANTS, "rt") as lines:
        header = next(line for line in lines if line.startswith("##INFO=<ID=CSQ"))
        column = re.search(r"Format: ([^\"]+)", header)[1].split("|").index("WildtypeProtein")
        for line in lines:
            if not line.startswith("#"):
                info = re.search(r"CSQ=([^;\t]+)", line)
                found |= {entry.split("|")[column] for entry in info[1].split(",")} if info else set()
    with gzip.open(folder / PROTEINS, "rt") as lines:
        found |= {record.partition("\n")[2].replace("\n", "") for record in lines.read().split(">")}
    return sorted(protein for protein in found if len(protein) > 30)


def random_peptides(proteins: list[str], number: int, rng: np.random.Generator) -> list[str]:
    """Windows of 8 to 11 residues, as many of each length, every residue as likely a start."""
    ends = np.cumsum([len(protein) for protein in proteins])
    peptides: list[str] = []
    seen: set[str] = set()
    while len(peptides) < number:
        place = int(rng.integers(ends[-1]))
        which = int(np.searchsorted(ends, place, side="right"))
        protein = proteins[which]
        start = place - int(ends[which]) + len(protein)
        peptide = protein[start : start + 8 + len(peptides) % 4]
        if len(peptide) == 8 + len(peptides) % 4 and peptide not in seen and set(peptide) <= set(RESIDUES):
            seen.add(peptide)
            peptides.append(peptide)
    return peptides


def main() -> None:
    """Write the finished file."""
    line = argparse.ArgumentParser()
    line.add_argument("--arrays", type=Path, required=True)
    line.add_argument("--settings", type=Path, required=True)
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("--peptides", type=int, default=100_000)
    options = line.parse_args()
    settings = json.loads(options.settings.read_text())
    with np.load(options.arrays) as raw:
        arrays = {name: raw[name] for name in raw.files}
    arrays |= {
        "version": np.array(settings["version"]),
        "training_digest": np.array(""),
        "presentation": np.array(settings["presentation"], np.float64),
        "calibration": np.array(settings["calibration"], np.float64),
        "flanks": np.array(settings["flanks"], np.float64),
        "percents": PERCENTS,
        "quantiles": np.zeros((arrays["latent"].shape[1], len(PERCENTS)), np.float16),
    }
    model = Class1Model(Class1Weights.from_arrays(arrays))
    peptides = random_peptides(
        human_proteins(options.data), options.peptides, np.random.default_rng(settings["seed"])
    )
    codes, lengths = peptide_rows(peptides, shortest=8, longest=15, mhc_class="I")
    _, one_of_each = np.unique(arrays["groove"], return_index=True)
    trained = (arrays["affinity_pairs"] > 0) | (arrays["ligand_samples"] > 0)
    known = np.flatnonzero(trained[one_of_each])
    others = np.flatnonzero(~trained[one_of_each])
    # All peptides for grooves that were trained on, the first quarter of them for the many that were not.
    parts = [(known[i : i + 16], len(peptides)) for i in range(0, len(known), 16)]
    parts += [(others[i : i + 16], len(peptides) // 4) for i in range(0, len(others), 16)]
    began = time.monotonic()
    for kinds, number in parts:
        score = model.scores(codes[:number], lengths[:number], one_of_each[kinds], threads=1)[2]
        for kind, values in zip(kinds, score.T, strict=True):
            arrays["quantiles"][kind] = score_quantiles(values, PERCENTS)
    pairs = sum(len(kinds) * number for kinds, number in parts)
    print(f"{pairs / (time.monotonic() - began):.0f} pairs/s over {len(one_of_each)} grooves")
    arrays["training_digest"] = np.array(arrays_digest(arrays))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out, **arrays)
    print(arrays["training_digest"], options.out.stat().st_size)


if __name__ == "__main__":
    main()
