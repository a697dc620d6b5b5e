"""Presentation of random peptides by one molecule, class I and II, beside MHCnuggets on the same peptides.

Processor seconds of one pair on one thread, without loading the models. How well either predicts measured
affinities of the same rows is in validation/immunotherapy/binding.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core.hla import HlaMolecule
from tumorboard.immunotherapy.binding import load_model

HERE = Path(__file__).resolve().parent
OURS, THEIRS, REPEATS = 20_000, 1000, 5
#: Six class I molecules, as a patient has; the peer takes one at a time.
MOLECULES = {
    "I": ("A*02:01", "A*24:02", "B*07:02", "B*44:02", "C*05:01", "C*07:02"),
    "II": ("DRB1*04:01", "DRB1*07:01"),
}
LENGTH = {"I": 9, "II": 15}


def ours_of(mhc_class, peptides):
    molecules = [HlaMolecule.named(name) for name in MOLECULES[mhc_class]]
    model = load_model(molecules[0].mhc_class)
    model.predict(peptides[:10], molecules)
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        model.predict(peptides, molecules)
        spent.append(time.process_time() - started)
    return min(spent) / (len(peptides) * len(molecules))


def main():
    python = os.environ.get("TUMORBOARD_PEER_MHCNUGGETS")
    if not python:
        print(
            "TUMORBOARD_PEER_MHCNUGGETS names no python of an environment with peers/mhcnuggets.txt: left out"
        )
        return
    rng = np.random.default_rng(1)
    figures = {}
    for mhc_class, length in LENGTH.items():
        letters = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), (OURS, length))
        peptides = ["".join(row) for row in letters]
        ours = ours_of(mhc_class, peptides)
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder) / "in.txt", Path(folder) / "out.json"
            given.write_text("\n".join(peptides[:THEIRS]) + "\n")
            allele = "HLA-" + MOLECULES[mhc_class][0].replace("*", "")
            script = HERE / "peers" / "mhcnuggets_run.py"
            subprocess.run([python, script, mhc_class, allele, given, found], check=True, capture_output=True)
            peer = json.loads(found.read_text())
        figures[mhc_class] = {
            "ours": ours,
            "pairs_per_s": 1 / ours,
            "peer": peer["seconds"] / THEIRS,
            "ratio": peer["seconds"] / THEIRS / ours,
        }
    path = result.write(
        "presentation",
        what=f"{OURS} random 9-mers with {len(MOLECULES['I'])} class I molecules",
        ours=figures["I"]["ours"],
        peer=figures["I"]["peer"],
        peer_name="MHCnuggets",
        peer_version=peer["version"],
        unit="CPU-s per pair",
        by_class=figures,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
