"""Gamma of two doses by pymedphys, in its own environment: ``python pymedphys_gamma.py IN.npz OUT.npz``."""

import sys
import time
from importlib import metadata

import numpy as np
import pymedphys

FRACTIONS = (10, 20, 40)


def main(source, target):
    given = np.load(source)
    axes = tuple(given[f"axis_{n}"] for n in range(3))
    dose_percent, distance_mm, threshold, maximum = given["criteria"].tolist()
    found = {"version": np.array(metadata.version("pymedphys"))}
    # Compiles what it compiles, untimed.
    few = tuple(axis[:4] for axis in axes)
    some = np.ones((4, 4, 4))
    pymedphys.gamma(few, some, few, some, dose_percent, distance_mm, interp_fraction=2, max_gamma=maximum)
    for fraction in FRACTIONS:
        # The finer searches show where it converges, on a part of the points: they take minutes on all.
        part = given["reference"] if fraction == FRACTIONS[0] else given["part"]
        part_axes = axes if fraction == FRACTIONS[0] else tuple(given[f"part_axis_{n}"] for n in range(3))
        started = time.process_time()
        found[f"gamma_{fraction}"] = pymedphys.gamma(
            part_axes,
            part,
            axes,
            given["evaluation"],
            dose_percent,
            distance_mm,
            lower_percent_dose_cutoff=threshold,
            interp_fraction=fraction,
            max_gamma=maximum,
            local_gamma=False,
            global_normalisation=float(given["reference"].max()),
            quiet=True,
        )
        found[f"seconds_{fraction}"] = np.array(time.process_time() - started)
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
