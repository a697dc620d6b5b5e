"""Mono-exponentials in 128^3 voxels at 4 times against lmfit, which fits some hundred of the same voxels.

lmfit has an environment of its own (``peers/lmfit.txt``), whose python ``TUMORBOARD_PEER_LMFIT`` names. Times
are CPU seconds of one thread without compilation, by voxel; both have the same weights and the same bound.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.dosimetry.time_activity_samples import DecayConvention
from tumorboard.dosimetry.time_activity_voxels import VoxelFitConfig, VoxelModel, VoxelNoise
from tumorboard.provenance import Record

HERE = Path(__file__).resolve().parent
SHAPE, N_PEER, REPEATS = (128, 128, 128), 500, 3
H = 3600.0
TIMES_S, LU177_S = np.array([4.0, 24.0, 72.0, 168.0]) * H, 159.5 * H
NOISE = VoxelNoise(100.0, 0.05, estimated=False)


def main():
    python = os.environ.get("TUMORBOARD_PEER_LMFIT")
    if not python:
        print("TUMORBOARD_PEER_LMFIT names no python of an environment with peers/lmfit.txt: left out")
        return
    rng = np.random.default_rng(0)
    amplitude, half_life = rng.uniform(1e4, 1e5, SHAPE), rng.uniform(30, 120, SHAPE) * H
    grid = Grid(SHAPE, [4.0] * 3, [0.0] * 3, AXIAL, frame_of_reference="1.2.3")
    values = [amplitude * np.exp2(-t / half_life) * rng.normal(1, 0.05, SHAPE).clip(0.5) for t in TIMES_S]
    images = [Image(v, grid, Quantity.ACTIVITY_CONCENTRATION, Record("benchmark")) for v in values]
    model = VoxelModel(VoxelFitConfig(LU177_S, NOISE, 1e9, LU177_S, 0.0))
    known = {"times_s": TIMES_S, "convention": DecayConvention.AS_SCANNED, "reference_s": 0.0, "threads": 1}
    model.fit([image.crop((0, 0, 0), (1, 1, 1)) for image in images], **known)
    seconds = []
    for _ in range(REPEATS):
        started = time.process_time()
        found = model.fit(images, **known)
        seconds.append(time.process_time() - started)
    some = np.stack([v.ravel()[:N_PEER] for v in values], axis=1)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        sigma = np.hypot(NOISE.floor_bq_ml, NOISE.relative * some)
        np.savez(source, t=TIMES_S / H, y=some, sigma=sigma, slowest=np.log(2) / LU177_S * H)
        subprocess.run([python, HERE / "peers" / "lmfit_mono.py", source, target], check=True)
        peer = dict(np.load(target))
    a, rate, _, rate_error = peer["found"].T
    ours = found.time_integrated_activity_bq_s_ml.ravel()[:N_PEER]
    rates = np.log(2) / found.effective_half_life_s.ravel()[:N_PEER] * H
    errors = (found.effective_half_life_uncertainty_s / found.effective_half_life_s).ravel()[:N_PEER] * rates
    # At the bound lmfit's errors are of another kind: its parameter is transformed.
    inside = rates > 1.02 * np.log(2) / LU177_S * H
    path = result.write(
        "time_activity",
        what=f"mono-exponential of a voxel, {TIMES_S.size} times, {SHAPE} voxels (lmfit: {N_PEER})",
        ours=min(seconds) / amplitude.size,
        peer=float(peer["seconds"]) / N_PEER,
        peer_name="lmfit",
        peer_version=str(peer["version"]),
        unit="CPU-s",
        seconds_for_all=min(seconds),
        largest_relative_difference={
            "time_integrated_activity": float(np.max(np.abs(ours / (a / rate * H) - 1)[inside])),
            "rate_standard_error": float(np.nanmax(np.abs(errors / rate_error - 1)[inside])),
        },
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
