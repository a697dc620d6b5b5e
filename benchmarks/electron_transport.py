"""Whole decays of Lu-177, I-131 and Y-90 in lung, water and bone, against penRed: per core.

48 x 48 x 48 voxels of 4 mm, a third each of lung, water and bone, decays evenly in the middle 80 mm;
electrons and photons are followed on both sides down to 10 keV, dose and its uncertainty scored in voxels.
penRed has an environment of its own (``peers/penred.txt``), whose python ``TUMORBOARD_PEER_PENRED`` names,
and reads its nuclides from ``nuclear/ddep_pennuc_221_nuclides.tar.xz`` in the folder ``TUMORBOARD_DATA``:

    python -m venv peers/.venv && peers/.venv/bin/pip install -r peers/penred.txt
    TUMORBOARD_PEER_PENRED=peers/.venv/bin/python TUMORBOARD_DATA=data python electron_transport.py

Times are CPU seconds of the histories alone. The emissions are not the same tables (ENDF/B-VIII.1 with
allowed and unique shapes here, DDEP there): energies per region agree as far as these do.
"""

import csv
import json
import os
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.material import Material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import (
    ActivityImage,
    DecayEmissions,
    EmissionLines,
    EmissionSpectrum,
)
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

HERE = Path(__file__).resolve().parent
N, VOXEL_MM, BOX = 48, 4.0, 20
OURS, PEERS = 400_000, 20_000
#: Compositions by mass, densities [g/cm3]; the mean excitation energies are those that penRed takes.
REGIONS = {
    "lung": (0.26, {1: 0.103, 6: 0.105, 7: 0.031, 8: 0.761}),
    "water": (1.0, {1: 0.111894, 8: 0.888106}),
    "bone": (1.85, {1: 0.034, 6: 0.155, 7: 0.042, 8: 0.435, 15: 0.103, 20: 0.231}),
}


def emissions_of(nuclide):
    """Return what ``validation/electrons`` has of a nuclide."""
    spectra, lines = [], {}
    path = HERE.parent / "validation" / "electrons" / f"emissions_{nuclide}.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for row in rows:
        low, high, number = float(row["low_mev"]), float(row["high_mev"]), float(row["per_decay"])
        if high > low:
            spectra.append((low, high, number))
        else:
            lines.setdefault(ParticleKind[row["kind"].upper()], []).append((low, number))
    edges = np.array([s[0] for s in spectra] + [spectra[-1][1]])
    beta = EmissionSpectrum(ParticleKind.ELECTRON, edges, np.array([s[2] for s in spectra]))
    found = [EmissionLines(kind, *np.array(pairs).T) for kind, pairs in lines.items()]
    return DecayEmissions(nuclide, lines=tuple(found), spectra=(beta,))


def phantom():
    """Return material and density of each voxel, [z, y, x]; regions follow each other along x."""
    material = np.broadcast_to(np.arange(N) * 3 // N, (N, N, N)).astype(np.uint16)
    densities = np.array([density for density, _ in REGIONS.values()], np.float32)
    return material, densities[material]


def ours(nuclide, excitations):
    """Return CPU microseconds per decay and energy per region [MeV per decay]."""
    index, density = phantom()
    grid = Grid((N, N, N), (VOXEL_MM,) * 3, (VOXEL_MM / 2,) * 3, AXIAL, frame_of_reference="1.2.3")
    materials = tuple(
        Material(name, d, tuple(parts.items()), excitation)
        for (name, (d, parts)), excitation in zip(REGIONS.items(), excitations, strict=True)
    )
    medium = TransportMedium(grid, density, index, materials)
    activity = np.zeros((N, N, N), np.float32)
    middle = slice((N - BOX) // 2, (N + BOX) // 2)
    activity[middle, middle, middle] = 1.0
    source = ActivityImage(Image(activity, grid, Quantity.UNCALIBRATED, Record("benchmark")))
    emissions = emissions_of(nuclide)

    def run(n):
        start = time.process_time()
        found = transport_decays(medium, source, emissions, BatchPlan(n, 1, 1), follow_photons=True)
        return (time.process_time() - start) / n * 1e6, found

    run(400)  # compiled
    took, found = min((run(OURS) for _ in range(3)), key=lambda pair: pair[0])
    energy = found.dose.values.astype(float) * medium.mass_g / 1.602176634e-10
    return took, [float(energy[index == n].sum()) for n in range(len(REGIONS))]


def peer(python, data, nuclide, folder):
    """Return the same of penRed, its version and mean excitation energies [eV]."""
    with tarfile.open(data / "nuclear" / "ddep_pennuc_221_nuclides.tar.xz") as archive:
        archive.extract(f"data/{nuclide}", folder, filter="data")
    index, density = phantom()
    np.savez(folder / "phantom.npz", material=index, density_g_cm3=density)
    job = {
        "nuclide_file": str(folder / "data" / nuclide),
        "histories": PEERS,
        "position_mm": [N * VOXEL_MM / 2] * 3,
        "box_mm": [BOX * VOXEL_MM] * 3,
        "phantom": str(folder / "phantom.npz"),
        "voxel_mm": [VOXEL_MM] * 3,
        "materials": [{"density_g_cm3": d, "mass_fractions": parts} for d, parts in REGIONS.values()],
        "cut_kev": 10.0,
        "loss_cut_kev": 10.0,
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    script = HERE / "peers" / "penred_run.py"
    subprocess.run([python, str(script), folder / "job.json", folder / "out.npz"], check=True, timeout=600)
    with np.load(folder / "out.npz") as found:
        energy = [1e-6 * float(found["energy_ev"][index == n].sum()) for n in range(len(REGIONS))]
        took = float(found["transport_cpu_s"]) / PEERS * 1e6
        return took, energy, str(found["version"]), found["mean_excitation_energy_ev"].tolist()


def main():
    python, data = os.environ.get("TUMORBOARD_PEER_PENRED"), os.environ.get("TUMORBOARD_DATA")
    if not python or not data:
        print("penRed is left out: TUMORBOARD_PEER_PENRED and TUMORBOARD_DATA must name it and its nuclides")
        return
    for nuclide in ("Lu-177", "I-131", "Y-90"):
        with tempfile.TemporaryDirectory() as name:
            theirs, their_energy, version, excitations = peer(python, Path(data), nuclide, Path(name))
        mine, my_energy = ours(nuclide, excitations)
        print(f"{nuclide}: {1e6 / mine:,.0f} decays/s, penRed {1e6 / theirs:,.0f}; ratio {theirs / mine:.1f}")
        for region, a, b in zip(REGIONS, my_energy, their_energy, strict=True):
            print(
                f"  {region}: {1e3 * a:.2f} keV per decay, penRed {1e3 * b:.2f} ({100 * (a / b - 1):+.1f} %)"
            )
        result.write(
            f"electron_transport_{nuclide.lower()}",
            what=f"whole decays of {nuclide} in lung, water and bone, CPU time of one",
            ours=mine,
            peer=theirs,
            peer_name="penRed",
            peer_version=version,
            unit="us",
            energy_mev=dict(zip(REGIONS, my_energy, strict=True)),
            peer_energy_mev=dict(zip(REGIONS, their_energy, strict=True)),
        )


if __name__ == "__main__":
    main()
