"""Dose of proton beamlets one by one, by Monte Carlo, against OpenTPS, which runs MCsquare spot by spot.

A water box of 3 mm voxels, three layers of 49 spots, 2,000 protons each; both return a sparse matrix, without
the values that OpenTPS leaves out (ours: the same share of each spot's largest dose). OpenTPS has an
environment of its own (``peers/mcsquare.txt``), whose python ``TUMORBOARD_PEER_MCSQUARE`` names:

    python -m venv peers/.venv && peers/.venv/bin/pip install -r peers/mcsquare.txt
    TUMORBOARD_PEER_MCSQUARE=peers/.venv/bin/python python proton_beamlets.py

Times are CPU seconds from the plan to the matrix, our compilation left out. OpenTPS starts MCsquare in its
best build here, not in the plain one that its script takes on processors that are not Intel's.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import result

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.physics.materials import material
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton_influence import proton_influence
from tumorboard.physics.transport.proton_source import ProtonBeamlets

HERE = Path(__file__).resolve().parent
REPEATS = 3
SHAPE = (50, 70, 50)
VOXEL_MM = 3.0
ENERGIES_MEV = (100.0, 125.0, 150.0)
SIGMA_MM = 5.0
HISTORIES = 2000
# OpenTPS keeps what exceeds 20,000 eV/g per proton; the largest dose of a spot is some 1e8.
LEAST_SHARE = 2e-4
MEAN_EXCITATION_EV = 77.7  # what MCsquare's stopping powers of water amount to
MEV_PER_GY_G = 1 / 1.602176634e-10


def spots_xy():
    offsets = 6.0 * np.arange(-3, 4)
    return np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2)


def peer_run(python, folder):
    job, out = folder / "job.json", folder / "out.npz"
    layers = [{"energy_mev": energy, "xy_mm": spots_xy().tolist()} for energy in ENERGIES_MEV]
    settings = {"shape": SHAPE, "voxel_mm": VOXEL_MM, "sigma_mm": SIGMA_MM, "histories": HISTORIES}
    job.write_text(json.dumps({**settings, "layers": layers}), encoding="utf-8")
    script = str(HERE / "peers" / "mcsquare_beamlets.py")
    subprocess.run([python, script, job, out], check=True, stdout=subprocess.DEVNULL)
    with np.load(out) as found:
        return {name: found[name][()] for name in found.files}


def source():
    """Return all spots, at gantry 0: along +y."""
    xy = np.tile(spots_xy(), (len(ENERGIES_MEV), 1))
    n = len(xy)
    middle = (np.array(SHAPE) - 1) / 2 * VOXEL_MM
    position = np.stack([middle[0] + xy[:, 0], np.full(n, -VOXEL_MM), middle[2] + xy[:, 1]], axis=1)
    return ProtonBeamlets(
        position_mm=position,
        direction=np.tile([0.0, 1.0, 0.0], (n, 1)),
        lateral_x=np.tile([1.0, 0.0, 0.0], (n, 1)),
        lateral_y=np.tile([0.0, 0.0, 1.0], (n, 1)),
        sigma_mm=np.full((n, 2), SIGMA_MM),
        divergence_rad=np.zeros((n, 2)),
        correlation=np.zeros((n, 2)),
        energy_mev=np.repeat(ENERGIES_MEV, n // len(ENERGIES_MEV)),
        energy_sigma_mev=np.zeros(n),
        weight=np.ones(n),
        slab_index=np.full(n, -1),
    )


def our_run():
    water = replace(material("water, liquid"), mean_excitation_energy_ev=MEAN_EXCITATION_EV)
    grid = Grid(SHAPE[::-1], (VOXEL_MM,) * 3, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    start = time.process_time()
    medium = TransportMedium.homogeneous(grid, water)
    found = proton_influence(
        medium,
        source(),
        histories_per_beamlet=HISTORIES,
        seed=1,
        threads=1,
        least_share=LEAST_SHARE,
        with_let=False,
    )
    cpu_s = time.process_time() - start
    total = np.bincount(found.voxels, weights=found.dose_gy, minlength=medium.mass_g.size)
    return {"cpu_s": cpu_s, "dose": total.reshape(SHAPE[::-1]), "entries": len(found.voxels)}


def deposited_mev(dose):
    """Return the energy of all spots together, per proton of each [MeV]."""
    return float(dose.sum() * 1e-3 * VOXEL_MM**3 * MEV_PER_GY_G)


def main():
    python = os.environ.get("TUMORBOARD_PEER_MCSQUARE")
    if not python:
        print("TUMORBOARD_PEER_MCSQUARE names no python of an environment with peers/mcsquare.txt: left out")
        return
    our_run()  # compiles, or reads what was compiled
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(REPEATS):
            ours.append(our_run())
            theirs.append(peer_run(python, Path(folder)))
    n = len(ENERGIES_MEV) * len(spots_xy())
    ours_s, theirs_s = (min(float(run["cpu_s"]) for run in runs) for runs in (ours, theirs))
    depth = [ours[0]["dose"].sum(axis=(0, 2)), theirs[0]["dose"].sum(axis=(0, 2))]
    path = result.write(
        "proton_beamlets",
        what=f"influence of {n} spots of 2,000 protons in water of 3 mm voxels by Monte Carlo",
        ours=ours_s,
        peer=theirs_s,
        peer_name="OpenTPS",
        peer_version=f"{theirs[0]['version']}, {theirs[0]['binary']}",
        unit="CPU-s",
        ours_spots_per_s=n / ours_s,
        peer_spots_per_s=n / theirs_s,
        ours_entries=ours[0]["entries"],
        peer_entries=int(theirs[0]["entries"]),
        ours_deposited_mev=deposited_mev(ours[0]["dose"]),
        peer_deposited_mev=deposited_mev(theirs[0]["dose"]),
        ours_peak_mm=float(depth[0].argmax() * VOXEL_MM),
        peer_peak_mm=float(depth[1].argmax() * VOXEL_MM),
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
