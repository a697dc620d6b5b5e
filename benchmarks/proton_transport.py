"""Monte Carlo transport of protons in water, against MCsquare: per core, and two threads by the clock.

2 mm voxels, a pencil beam of 3 mm sigma, the full nuclear model on both sides, dose and its statistical
uncertainty scored; and once more with LETd and prompt gammas of 3 to 6 MeV. MCsquare has an environment of
its own (``peers/mcsquare.txt``), whose python ``TUMORBOARD_PEER_MCSQUARE`` names:

    python -m venv peers/.venv && peers/.venv/bin/pip install -r peers/mcsquare.txt
    TUMORBOARD_PEER_MCSQUARE=peers/.venv/bin/python python proton_transport.py

Times are of the transport alone: MCsquare's initialisation and its writing of results do not count, and our
compilation neither. Runs of both sides take turns; the best of each counts. Water is given the mean
excitation energy that MCsquare's stopping powers amount to, so that both follow protons as far.
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
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton import ProtonScores, transport_protons
from tumorboard.physics.transport.proton_source import ProtonBeamlets

HERE = Path(__file__).resolve().parent
REPEATS = 3
VOXEL_MM = 2.0
LATERAL = 75
# Depth of the phantom [mm] and histories, about 2 s of ours each.
CASES = {70.0: (60.0, 400_000), 150.0: (200.0, 200_000), 230.0: (380.0, 100_000)}
MEAN_EXCITATION_EV = 77.7
GY_G_PER_MEV = 1.602176634e-10
WATER = replace(material("water, liquid"), mean_excitation_energy_ev=MEAN_EXCITATION_EV)


def phantom_shape(energy_mev):
    return LATERAL, int(CASES[energy_mev][0] / VOXEL_MM), LATERAL


def peer_run(python, folder, energy_mev, threads, everything):
    """Return what MCsquare took [s] and found."""
    shape = phantom_shape(energy_mev)
    phantom, job, out = folder / "phantom.npz", folder / "job.json", folder / "out.npz"
    np.savez(
        phantom,
        density_g_cm3=np.ones(shape, np.float32),
        material=np.zeros(shape, np.uint8),
        materials=np.array(["Water"]),
    )
    settings = {
        "energy_mev": energy_mev,
        "histories": CASES[energy_mev][1],
        "voxel_mm": [VOXEL_MM] * 3,
        "threads": threads,
        "uncertainty": True,
        "let": "StopPow" if everything else None,
        "prompt_gamma_mev": [3.0, 6.0] if everything else None,
    }
    job.write_text(json.dumps(settings), encoding="utf-8")
    subprocess.run([python, str(HERE / "peers" / "mcsquare_run.py"), job, phantom, out], check=True)
    with np.load(out) as found:
        return {name: found[name][()] for name in found.files if name not in ("dose", "messages", "job")}


def our_run(energy_mev, threads, everything):
    """Return what ours took [s] and found."""
    shape, histories = phantom_shape(energy_mev), CASES[energy_mev][1]
    grid = Grid(shape, (VOXEL_MM,) * 3, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    medium = TransportMedium.homogeneous(grid, WATER)
    middle = VOXEL_MM * (LATERAL // 2)
    beam = ProtonBeamlets.pencil(
        energy_mev=energy_mev,
        position_mm=(middle, -VOXEL_MM, middle),
        direction=(0.0, 1.0, 0.0),
        sigma_mm=3.0,
    )
    scores = ProtonScores(let=True, gamma_edges_mev=(3.0, 6.0)) if everything else ProtonScores()
    plan = BatchPlan(histories, 1, threads)
    wall, cpu = time.perf_counter(), time.process_time()
    found = transport_protons(medium, beam, plan, scores=scores)
    times = {"transport_cpu_s": time.process_time() - cpu, "transport_wall_s": time.perf_counter() - wall}
    energy = found.dose.values.astype(float) * medium.mass_g / GY_G_PER_MEV
    return {"energy": 1e6 * energy, "histories": found.histories, **times}


def depth_of_80_percent(energy):
    """Return R80 [mm] of a depth dose in 2 mm bins."""
    depth_dose = energy.astype(float).sum(axis=(0, 2))
    top = int(depth_dose.argmax())
    past = top + int(np.flatnonzero(depth_dose[top:] < 0.8 * depth_dose[top])[0])
    depth = (np.arange(len(depth_dose)) + 0.5) * VOXEL_MM
    pair = [past, past - 1]
    return float(np.interp(0.8 * depth_dose[top], depth_dose[pair], depth[pair]))


def compare(python, folder, energy_mev, *, threads, everything):
    """Run both sides in turns; return times per 100,000 protons [s] and what they found."""
    key = "transport_cpu_s" if threads == 1 else "transport_wall_s"
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(our_run(energy_mev, threads, everything))
        theirs.append(peer_run(python, folder, energy_mev, threads, everything))
    per = 1e5 / CASES[energy_mev][1]
    ours_s = per * min(run[key] for run in ours)
    theirs_s = per * min(float(run[key]) for run in theirs)
    return {
        "energy_mev": energy_mev,
        "threads": threads,
        "let_and_prompt_gammas": everything,
        "unit": "CPU-s" if threads == 1 else "wall s",
        "ours_s": ours_s,
        "peer_s": theirs_s,
        "ratio": theirs_s / ours_s,
        "ours_per_s": 1e5 / ours_s,
        "peer_per_s": 1e5 / theirs_s,
        "ours_r80_mm": depth_of_80_percent(ours[0]["energy"]),
        "peer_r80_mm": depth_of_80_percent(theirs[0]["energy"]),
        "ours_deposited_fraction": float(ours[0]["energy"].sum() / 1e6 / energy_mev),
        "peer_deposited_fraction": float(theirs[0]["energy"].astype(float).sum() / 1e6 / energy_mev),
        "peer_started_outside": int(theirs[0]["outside"]),
        "peer_binary": str(theirs[0]["binary"]),
        "peer_version": str(theirs[0]["version"]),
    }


def main():
    python = os.environ.get("TUMORBOARD_PEER_MCSQUARE")
    if not python:
        print("TUMORBOARD_PEER_MCSQUARE names no python of an environment with peers/mcsquare.txt: left out")
        return
    for everything in (False, True):
        our_run(70.0, 1, everything)  # compiles, or reads what was compiled
    cases = [(energy, 1, False) for energy in CASES] + [(150.0, 1, True), (150.0, 2, False)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for energy, threads, everything in cases:
            found.append(compare(python, Path(folder), energy, threads=threads, everything=everything))
            print({name: found[-1][name] for name in ("energy_mev", "threads", "ours_per_s", "peer_per_s")})
    main_case = next(case for case in found if case["energy_mev"] == 150.0)
    path = result.write(
        "proton_transport",
        what="100,000 protons of 150 MeV in water of 2 mm voxels, full nuclear model, one thread",
        ours=main_case["ours_s"],
        peer=main_case["peer_s"],
        peer_name="MCsquare",
        peer_version=f"{main_case['peer_version']}, {main_case['peer_binary']}",
        unit="CPU-s",
        cases=found,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
