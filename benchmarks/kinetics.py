"""Parametric maps of 26 frames against PETPAL (Logan), NiftyPAD, dynamicpet (SRTM) and scipy (2TCM).

PETPAL and NiftyPAD have environments of their own (``peers/NAME.txt``), whose pythons are named by
``TUMORBOARD_PEER_PETPAL`` and ``TUMORBOARD_PEER_NIFTYPAD``; the latter runs dynamicpet's algorithm and
curve_fit too. Times are CPU seconds of one thread without compilation, by voxel; all fit the same noisy
curves, of which slow peers get the first ones. Bias and scatter, against the truth, are of voxels both fit.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import kinetics_curves as known
import numpy as np
import result

from tumorboard.core import AXIAL, DynamicImage, Grid, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.compartments import Binding, TwoTissue
from tumorboard.pet.kinetics.compartments_rates import BRAIN_BOUNDS
from tumorboard.pet.kinetics.fit import FrameModel, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.logan import Logan
from tumorboard.pet.kinetics.point_weights import PointWeights
from tumorboard.pet.kinetics.reference_curve import ReferenceInterpolation
from tumorboard.pet.kinetics.srtm import SRTM
from tumorboard.pet.kinetics.t_star import FromTime
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.provenance import Record

HERE, RECORD = Path(__file__).resolve().parent, Record("benchmark")
N, REPEATS, T_STAR_MIN, K2A_RANGE = 400_000, 5, 30.0, (0.006, 0.6)
#: Name, peer's script, python, voxels it gets, our model's parameter, what curves are made of.
PEERS = (
    ("logan", "petpal_logan", "PETPAL", "PETPAL", 200_000, "VT", "2tcm"),
    ("srtm", "niftypad_srtm", "NIFTYPAD", "NiftyPAD", 3_000, "BPND", "1tcm"),
    ("srtm", "dynamicpet_srtm", "NIFTYPAD", "dynamicpet", 20_000, "BPND", "1tcm"),
    ("two_tissue", "scipy_two_tissue", "NIFTYPAD", "scipy curve_fit", 200, "VT", "2tcm"),
)
FRAMES, DURATION = FrameModel.FRAME_AVERAGE, Weighting.DURATION
MODELS = {
    "logan": Logan(
        t_star=FromTime(T_STAR_MIN * 60),
        frame_model=FRAMES,
        weighting=Weighting.UNIFORM,
        point_weights=PointWeights.FRAME,
        blood_fraction=0.0,
    ),
    "srtm": SRTM(
        frame_model=FRAMES,
        weighting=DURATION,
        interpolation=ReferenceInterpolation.AVERAGE_PRESERVING,
        k2a_range_per_min=K2A_RANGE,
    ),
    "two_tissue": TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.0, FRAMES, DURATION, None),
}


def image(y):
    """Curves (n, 26) as an image with a row of voxels [kBq/mL to Bq/mL]."""
    grid = Grid((1, 1, len(y)), [2.0] * 3, [0.0] * 3, AXIAL, frame_of_reference="1.2.3")
    values = np.ascontiguousarray(1e3 * y.T, np.float32).reshape(len(known.START_MIN), 1, 1, len(y))
    times = (known.START_MIN * 60, known.DURATION_MIN * 60)
    return DynamicImage(values, grid, Quantity.ACTIVITY_CONCENTRATION, *times, "injection", RECORD)


def drive_of(name, reference):
    """Blood, or the reference region."""
    if name == "srtm":
        times = (known.START_MIN * 60, known.DURATION_MIN * 60)
        return TissueCurves(("reference",), *times, 1e3 * reference[None], None, RECORD)
    t = np.unique(np.concatenate([np.arange(0, 3, 0.02), np.arange(3, known.END_MIN[-1] + 0.1, 0.25)]))
    return InputFunction(t * 60, 1e3 * known.plasma(t), 1e3 * known.plasma(t), RECORD)


def ours(name, parameter, scan, drive, *, threads, errors):
    """Return the map and CPU and wall seconds, the least of some runs."""
    config = VoxelConfig((parameter,), standard_errors=errors, outside=Outside.NAN, spatial=None)
    cpu, wall = [], []
    for _ in range(REPEATS):
        started, begun = time.process_time(), time.perf_counter()
        found = fit_voxels(MODELS[name], scan, drive, None, config, threads=threads)
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - begun)
    return found.maps[parameter].values.ravel().astype(float), min(cpu), min(wall)


def peer(script, python, y, reference, plasma):
    """Return what a peer found in curves, its CPU seconds and its version."""
    grid = np.arange(0, known.END_MIN[-1] + 1e-9, 1 / 60)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            source,
            y=y,
            reference=reference,
            plasma=plasma,
            t_star_min=T_STAR_MIN,
            mid_min=known.MID_MIN,
            start_min=known.START_MIN,
            end_min=known.END_MIN,
            duration_min=known.DURATION_MIN,
            k2a_range_per_min=K2A_RANGE,
            grid_min=grid,
            on_grid=known.plasma(grid),
        )
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        command = [python, HERE / "peers" / f"{script}.py", source, target]
        subprocess.run(command, check=True, env={**os.environ, **one})
        return dict(np.load(target))


def quality(found, truth):
    """Bias, scatter and median of relative errors; binding potentials near 0 are left out."""
    kept = (truth > 0.2) & np.isfinite(found)
    error = found[kept] / truth[kept] - 1
    quarters = np.percentile(error, [25, 50, 75])
    return {
        "bias": float(error.mean()),
        "sd": float(error.std()),
        "median": float(quarters[1]),
        "quartiles_apart": float(quarters[2] - quarters[0]),
    }


def main():
    for name, script, variable, called, n_peer, parameter, kind in PEERS:
        python = os.environ.get(f"TUMORBOARD_PEER_{variable}")
        if not python:
            print(f"TUMORBOARD_PEER_{variable} names no python of an environment with it: {called} left out")
            continue
        y, reference, plasma, truth = known.curves(N, kind)
        scan, drive = image(y), drive_of(name, reference)
        found, cpu, wall = ours(name, parameter, scan, drive, threads=1, errors=False)
        _, with_errors, _ = ours(name, parameter, scan, drive, threads=1, errors=True)
        _, cpu_two, wall_two = ours(name, parameter, scan, drive, threads=2, errors=False)
        theirs = peer(script, python, y[:n_peer], reference, plasma)
        both = np.isfinite(theirs["found"]) & np.isfinite(found[:n_peer])
        path = result.write(
            f"kinetics_{script}",
            what=f"{type(MODELS[name]).__name__} of a voxel, 26 frames, {N} voxels ({called}: {n_peer})",
            ours=cpu / N,
            peer=float(theirs["seconds"]) / n_peer,
            peer_name=called,
            peer_version=str(theirs["version"]),
            unit="CPU-s",
            voxels_per_s={
                "ours": N / cpu,
                "with_errors": N / with_errors,
                "peer": n_peer / float(theirs["seconds"]),
            },
            two_threads={"wall": wall / wall_two, "most_by_cpu": 2 * cpu / cpu_two},
            against_truth={
                "ours": quality(found[:n_peer][both], truth[:n_peer][both]),
                "peer": quality(theirs["found"][both], truth[:n_peer][both]),
            },
            correlation=float(np.corrcoef(found[:n_peer][both], theirs["found"][both])[0, 1]),
        )
        print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
