"""Decay chains by radioactivedecay, in its own environment.

``python radioactivedecay_run.py chain NUCLIDE OUT.json``: members, half-lives [s] and branching of its data.
``python radioactivedecay_run.py speed PAIRS.json OUT.json``: CPU seconds per pair (start, time [s]).
``python radioactivedecay_run.py precise NUCLIDE... OUT.json``: the chains, and amounts in high precision.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import radioactivedecay as rd


def chain(name):
    """Return members, parents first, with half-lives [s] and branching[daughter][parent]."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in rd.DEFAULTDATA.nuclides:
            continue
        found.add(one)
        waiting += rd.Nuclide(one).progeny()
    members = [str(n) for n in rd.DEFAULTDATA.nuclides if n in found]
    branching = np.zeros((len(members), len(members)))
    for i, one in enumerate(members):
        nuclide = rd.Nuclide(one)
        for daughter, share in zip(nuclide.progeny(), nuclide.branching_fractions(), strict=True):
            if daughter in members:
                branching[members.index(daughter), i] += share
    half_lives = [float(rd.Nuclide(n).half_life("s")) for n in members]
    return {"members": members, "half_life_s": half_lives, "branching": branching.tolist()}


def speed(pairs):
    """Return CPU seconds for each pair of a start and a time."""
    inventories = {name: rd.Inventory({name: 1.0}, "num") for name in {name for name, _ in pairs}}
    started = time.process_time()
    amounts = [inventories[name].decay(seconds, "s").numbers() for name, seconds in pairs]
    spent = (time.process_time() - started) / len(pairs)
    return {"seconds_per_pair": spent, "version": rd.__version__, "amounts": amounts}


def precise(name):
    """Return the chain and its amounts from a microsecond to 1e17 s in high precision."""
    found = chain(name)
    found["rows"] = []
    for seconds in np.geomspace(1e-6, 1e17, 24):
        amounts = rd.InventoryHP({name: 1.0}, "num").decay(float(seconds), "s").numbers()
        row = [float(amounts.get(n, 0.0)) for n in found["members"]]
        found["rows"].append((float(seconds), row))
    return found


def main(what, *given):
    """Write what is asked for."""
    *given, target = given
    if what == "chain":
        found = chain(given[0])
    elif what == "speed":
        found = speed(json.loads(Path(given[0]).read_text(encoding="utf-8")))
    else:
        found = {name: precise(name) for name in given}
    Path(target).write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
