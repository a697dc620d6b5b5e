"""Decay chains against radioactivedecay: 100,000 pairs of a start in the Ac-225 chain and a time.

radioactivedecay has an environment of its own (``peers/radioactivedecay.txt``), whose python
``TUMORBOARD_PEER_RADIOACTIVEDECAY`` names. Both have its half-lives and branching. It is timed on some of
the pairs, ours on all; CPU seconds per pair, compiled and with the chain ready.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core.nuclide import Nuclide
from tumorboard.physics.decay_chain import DecayChain, chain_amounts

HERE = Path(__file__).resolve().parent
PAIRS, THEIRS, REPEATS = 100_000, 500, 5
#: From a second to 116 days.
TIMES = (0.0, 7.0)


def main():
    python = os.environ.get("TUMORBOARD_PEER_RADIOACTIVEDECAY")
    if not python:
        print(
            "TUMORBOARD_PEER_RADIOACTIVEDECAY names no python of an environment with "
            "peers/radioactivedecay.txt: left out"
        )
        return
    rng = np.random.default_rng(1)
    script = HERE / "peers" / "radioactivedecay_run.py"
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "in.json", Path(folder) / "out.json"
        subprocess.run([python, script, "chain", "Ac-225", found], check=True)
        peer = json.loads(found.read_text())
        names = peer["members"]
        chain = DecayChain(
            [Nuclide.named(n) for n in names], peer["half_life_s"], np.array(peer["branching"])
        )
        times = 10 ** rng.uniform(*TIMES, PAIRS)
        starts = {"any member": rng.integers(0, len(names) - 1, PAIRS), "Ac-225": np.zeros(PAIRS, np.int64)}
        figures = {}
        for what, start in starts.items():
            chain_amounts(chain, start[:10], times[:10])
            spent = []
            for _ in range(REPEATS):
                started = time.process_time()
                amounts = chain_amounts(chain, start, times)
                spent.append((time.process_time() - started) / PAIRS)
            pairs = [(names[s], t) for s, t in zip(start[:THEIRS], times[:THEIRS], strict=True)]
            given.write_text(json.dumps(pairs))
            subprocess.run([python, script, "speed", given, found], check=True)
            peer = json.loads(found.read_text())
            theirs = np.array([[row.get(n, 0.0) for n in names] for row in peer["amounts"]])
            figures[what] = {
                "ours": min(spent),
                "peer": peer["seconds_per_pair"],
                "ratio": peer["seconds_per_pair"] / min(spent),
                "largest_difference": float(abs(theirs - amounts[:THEIRS]).max()),
            }
    path = result.write(
        "decay_chains",
        what=f"{PAIRS} pairs of a start in the Ac-225 chain and a time from 1 s to 116 d",
        ours=figures["any member"]["ours"],
        peer=figures["any member"]["peer"],
        peer_name="radioactivedecay",
        peer_version=peer["version"],
        unit="CPU-s per pair",
        by_start=figures,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
