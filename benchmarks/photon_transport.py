"""Photons of 113, 208 and 511 keV from a point in water, bone and lung, against penRed: per core.

128 x 128 x 128 voxels of 4 mm: a body of water, uneven lungs, a spine and ribs of bone, air around;
photons are followed down to 10 keV and what they leave is scored in voxels. penRed has an environment of its
own (``peers/penred.txt``), whose python ``TUMORBOARD_PEER_PENRED`` names:

    python -m venv peers/.venv && peers/.venv/bin/pip install -r peers/penred.txt
    TUMORBOARD_PEER_PENRED=peers/.venv/bin/python python photon_transport.py

penRed follows the electrons too, which here stay where they are set free: energies per material agree all the
same, since electrons of these energies go less than a voxel. Times are CPU seconds of the histories alone.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.material import Material
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import (
    PhotonScoring,
    PhotonSteps,
    new_tallies,
    photon_arguments,
)
from tumorboard.physics.transport.photon_source import PhotonSource

HERE = Path(__file__).resolve().parent
N, VOXEL_MM, CUT_MEV = 128, 4.0, 0.01
ENERGIES_MEV = (0.113, 0.208, 0.511)
OURS, PEERS, REPEATS = 500_000, 10_000, 3
#: Densities [g/cm3] and compositions by mass.
MATERIALS = {
    "air": (1.2e-3, {7: 0.755, 8: 0.232, 18: 0.013}),
    "lung": (0.3, {1: 0.103, 6: 0.105, 7: 0.031, 8: 0.761}),
    "water": (1.0, {1: 0.111894, 8: 0.888106}),
    "bone": (1.6, {1: 0.034, 6: 0.155, 7: 0.042, 8: 0.435, 15: 0.103, 20: 0.231}),
}


def body():
    """Return material and density of each voxel, [z, y, x]."""
    axis = (np.arange(N) + 0.5) / N - 0.5
    _, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    material = np.full((N, N, N), 2, np.uint16)
    material[(abs(x) > 0.08) & (abs(x) < 0.33) & (abs(y) < 0.28)] = 1
    material[(x**2 + (y - 0.33) ** 2 < 0.004) | ((abs(x) > 0.35) & (abs(x) < 0.37))] = 3
    material[x**2 + y**2 > 0.24] = 0
    spread = 1.0 + 0.05 * np.random.default_rng(1).standard_normal((N, N, N)).clip(-3, 3)
    densities = np.array([density for density, _ in MATERIALS.values()])
    return material, (densities[material] * spread).astype(np.float32)


def ours(energy_mev, scoring):
    """Return photons per CPU second, and energy per material [MeV per photon]."""
    index, density = body()
    grid = Grid((N, N, N), (VOXEL_MM,) * 3, (VOXEL_MM / 2,) * 3, AXIAL, frame_of_reference="1.2.3")
    materials = tuple(Material(name, d, tuple(parts.items())) for name, (d, parts) in MATERIALS.items())
    medium = TransportMedium(grid, density, index, materials)
    arguments = photon_arguments(medium, PhotonSteps(cut_mev=CUT_MEV, scoring=scoring), seed=1)
    source = PhotonSource((energy_mev,), (N * VOXEL_MM / 2,) * 3)
    best = np.inf
    for _ in range(REPEATS + 1):
        tallies = new_tallies(N**3)
        started = time.process_time()
        some = source.particles(0, OURS, seed=1)
        points, directions = medium.to_grid_axes(some.position_mm, some.direction)
        arguments.follow((points, directions, some.energy_mev, some.history), tallies)
        best = min(best, time.process_time() - started)
    return OURS / best, np.bincount(index.ravel(), tallies.deposit, minlength=4) / OURS


def peers(python, energy_mev):
    """Return photons per CPU second, energy per material [MeV per photon] and penRed's version."""
    index, density = body()
    with tempfile.TemporaryDirectory() as folder:
        phantom, job, out = (Path(folder) / name for name in ("phantom.npz", "job.json", "out.npz"))
        np.savez(phantom, density_g_cm3=density, material=index)
        settings = {
            "particle": "gamma",
            "energy_kev": 1e3 * energy_mev,
            "histories": PEERS,
            "position_mm": [N * VOXEL_MM / 2] * 3,
            "phantom": str(phantom),
            "voxel_mm": [VOXEL_MM] * 3,
            "materials": [{"density_g_cm3": d, "mass_fractions": parts} for d, parts in MATERIALS.values()],
            "cut_kev": 1e3 * CUT_MEV,
        }
        job.write_text(json.dumps(settings), encoding="utf-8")
        subprocess.run([python, HERE / "peers" / "penred_run.py", job, out], check=True)
        found = dict(np.load(out))
    energy = found["energy_ev"] / 1e6
    per_material = np.bincount(index.ravel(), energy.ravel(), minlength=4)
    return PEERS / float(found["transport_cpu_s"]), per_material, str(found["version"])


def main():
    python = os.environ.get("TUMORBOARD_PEER_PENRED")
    if not python:
        print("TUMORBOARD_PEER_PENRED names no python of an environment with peers/penred.txt: left out")
        return
    rates, lengths, theirs, energies = {}, {}, {}, {}
    for energy in ENERGIES_MEV:
        rates[energy], own = ours(energy, PhotonScoring.COLLISIONS)
        lengths[energy], _ = ours(energy, PhotonScoring.TRACK_LENGTH)
        theirs[energy], other, version = peers(python, energy)
        energies[energy] = {
            name: {"ours": float(a), "peer": float(b)}
            for name, a, b in zip(MATERIALS, own, other, strict=True)
            if name != "air"
        }
    path = result.write(
        "photon_transport",
        what=f"photons of {ENERGIES_MEV} MeV in {N}^3 voxels of {VOXEL_MM} mm, per photon",
        ours=float(np.mean([1 / rate for rate in rates.values()])),
        peer=float(np.mean([1 / rate for rate in theirs.values()])),
        peer_name="penRed",
        peer_version=version,
        unit="CPU-s",
        photons_per_s={str(e): rate for e, rate in rates.items()},
        photons_per_s_track_length={str(e): rate for e, rate in lengths.items()},
        photons_per_s_peer={str(e): rate for e, rate in theirs.items()},
        energy_mev_per_photon={str(e): found for e, found in energies.items()},
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
