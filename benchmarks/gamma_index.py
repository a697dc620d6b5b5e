"""Gamma index in three dimensions against pymedphys: 100^3 voxels of 2.5 mm, 2 %/2 mm, global, above 10 %.

pymedphys has an environment of its own (``peers/pymedphys.txt``), whose python ``TUMORBOARD_PEER_PYMEDPHYS``
names. It searches a lattice of points, ``interp_fraction`` of them per distance criterion, so that its
gamma is never below ours and comes down to it as the lattice becomes finer. How far is measured on one part
of the points for all lattices, across a steep side. Times are CPU seconds without compilation.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result
from scipy.ndimage import gaussian_filter

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.outcomes.gamma_index import GammaCriteria, GammaNormalisation, gamma_index
from tumorboard.provenance import Record

HERE = Path(__file__).resolve().parent
SHAPE, SPACING_MM = (100, 100, 100), 2.5
CRITERIA = GammaCriteria(2.0, 2.0, 10.0, 2.0, GammaNormalisation.GLOBAL, normalisation_dose_gy=None)
REPEATS = 3
#: Where lattices are compared (z, y, x): a side of the box, where dose falls from all to nothing.
PART = (slice(40, 60), slice(40, 60), slice(62, 82))


def doses():
    """Return a box of dose with steep sides and ripples, and the same shifted, scaled and a little noisy."""
    axis = (np.arange(SHAPE[0]) - 49.5) * SPACING_MM
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")

    def field(shift, scale):
        inside = (np.abs(x - shift) < 60) & (np.abs(y) < 50) & (np.abs(z) < 70)
        return scale * gaussian_filter(60.0 * inside * (1 + 0.05 * np.sin(x / 15) * np.cos(y / 20)), 2.0)

    noise = np.random.default_rng(1).normal(0, 0.2, SHAPE)
    return axis, field(0.0, 1.0), field(1.3, 1.01) + gaussian_filter(noise, 1.0)


def main():
    python = os.environ.get("TUMORBOARD_PEER_PYMEDPHYS")
    if not python:
        print(
            "TUMORBOARD_PEER_PYMEDPHYS names no python of an environment with peers/pymedphys.txt: left out"
        )
        return
    axis, reference, evaluation = doses()
    grid = Grid(SHAPE, [SPACING_MM] * 3, [axis[0]] * 3, AXIAL, frame_of_reference="1.2.3")
    record = Record("benchmark")
    ours = [Image(values, grid, Quantity.DOSE, record) for values in (reference, evaluation)]
    gamma_index(*ours, CRITERIA)
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        found = gamma_index(*ours, CRITERIA)
        times.append(time.process_time() - started)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        c = CRITERIA
        np.savez(
            source,
            reference=reference,
            evaluation=evaluation,
            part=reference[PART],
            criteria=[c.dose_percent, c.distance_mm, c.threshold_percent, c.maximum],
            **{f"axis_{n}": axis for n in range(3)},
            **{f"part_axis_{n}": axis[part] for n, part in enumerate(PART)},
        )
        subprocess.run([python, HERE / "peers" / "pymedphys_gamma.py", source, target], check=True)
        peer = dict(np.load(target))
    differences = {}
    for fraction in (10, 20, 40):
        theirs, own = peer[f"gamma_{fraction}"], found.gamma.values[PART]
        theirs = theirs[PART] if theirs.shape == SHAPE else theirs
        both = np.isfinite(theirs) & np.isfinite(own) & (own < c.maximum - 1e-6)
        apart = theirs[both] - own[both]
        differences[str(fraction)] = {
            "lowest": float(apart.min()),
            "mean": float(apart.mean()),
            "largest": float(apart.max()),
        }
    theirs = peer["gamma_10"]
    path = result.write(
        "gamma_index",
        what=f"gamma 2 %/2 mm of {found.n_points} points in {SHAPE} voxels",
        ours=min(times),
        peer=float(peer["seconds_10"]),
        peer_name="pymedphys",
        peer_version=str(peer["version"]),
        unit="CPU-s",
        pass_rate_percent={
            "ours": found.pass_rate_percent,
            "peer": float(100 * np.mean(theirs[np.isfinite(theirs)] <= 1)),
        },
        peer_minus_ours_by_interp_fraction=differences,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
