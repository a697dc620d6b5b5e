"""Dose influence of one proton field on TG119, against pyRadPlan: same base data, stopping powers and spots.

TG119 comes with pyRadPlan; 3 mm dose grid, spots 5 mm apart, 4,882 of them, dose and LET. pyRadPlan has an
environment of its own (``peers/pyradplan.txt``), whose python ``TUMORBOARD_PEER_PYRADPLAN`` names:

    python -m venv peers/.venv && peers/.venv/bin/pip install -r peers/pyradplan.txt
    TUMORBOARD_PEER_PYRADPLAN=peers/.venv/bin/python python proton_influence.py

Both times are CPU seconds, so that a busy machine does not count. What is compared is the dose of all spots
with equal weights; the differences are explained in ``docs/explanation/proton-dose.md``.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import result

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.beam import BeamModel, EnergySpectrum, PhaseSpace, ProtonMachine, SpotModel
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.core.plan import EnergyLayer, IonBeam
from tumorboard.proton.pencil_beam import dose_influence
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SpotWidth
from tumorboard.provenance import Record

HERE = Path(__file__).resolve().parent
MEV_CM2_G = 1.602176634e-8  # Gy mm2
REPEATS = 5
RECORD = Record("benchmark")


def phase_space(distance_mm, sigma_mm, source_distance_mm, plane_mm):
    """Return the phase space through the peer's table between 500 mm before the isocentre and there."""
    near = (distance_mm >= source_distance_mm - 500) & (distance_mm <= source_distance_mm)
    downstream = distance_mm[near].astype(float) - (source_distance_mm - plane_mm)
    square, mixed, variance = np.polyfit(downstream, sigma_mm[near] ** 2, 2)
    theta, sigma = np.sqrt(max(square, 0.0)), np.sqrt(variance)
    rho = mixed / (2 * sigma * theta) if theta > 0 else 0.0
    return PhaseSpace(1.0, sigma, sigma, theta, theta, rho, rho)


def machine_of(peer):
    """Return the peer's base data as a machine of ours."""
    distance, plane = float(peer["source_distance"]), float(peer["bams_to_iso"])
    spots, kernels = [], []
    for n, energy in enumerate(peer["energies"]):
        depth = peer[f"depths_{n}"] + float(peer[f"offset_{n}"])
        if str(peer["lateral_model"]) == "single":
            sigma, weights = peer[f"sigma_{n}"][:, None], np.ones((len(depth), 1))
        else:
            broad = peer[f"weight_{n}"]
            sigma = np.stack([peer[f"sigma_1_{n}"], peer[f"sigma_2_{n}"]], axis=1)
            weights = np.stack([1 - broad, broad], axis=1)
        dose = MEV_CM2_G * peer[f"idd_{n}"]
        kernels.append(PencilKernel(energy, depth, dose, sigma, weights, RECORD, peer[f"let_{n}"]))
        spread = phase_space(
            np.ravel(peer[f"focus_distance_{n}"]), np.ravel(peer[f"focus_sigma_{n}"]), distance, plane
        )
        spots.append(SpotModel(energy, EnergySpectrum([energy], [0.0], [1.0]), (spread,), 1e6))
    model = BeamModel("Generic", tuple(spots), plane, (distance, distance), RECORD)
    return ProtonMachine(model, tuple(kernels))


def beam_of(peer):
    """Return the peer's spots, and where each is in its matrix."""
    layers, columns = [], []
    for energy in peer["energies"]:
        mine = np.flatnonzero(peer["energy"] == energy)
        layers.append(EnergyLayer(energy, peer["positions"][mine], np.ones(len(mine))))
        columns.append(mine)
    geometry = BeamGeometry(0.0, 0.0, peer["isocentre"])
    return IonBeam("field", geometry, tuple(layers)), np.concatenate(columns)


def best_cpu(function):
    """Return the least CPU time of several runs [s] and the last outcome; a first run compiles, untimed."""
    function()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        outcome = function()
        times.append(time.process_time() - start)
    return min(times), outcome


def summed(voxels, values, size):
    return np.bincount(voxels, weights=values, minlength=size)


def differences(ours, theirs, mask):
    """Return what the difference is where the dose exceeds 10 %, in % of the maximum."""
    high = mask & (theirs > 0.1 * theirs.max())
    percent = 100 * (ours - theirs)[high] / theirs.max()
    return {
        "rms_percent": float(np.sqrt((percent**2).mean())),
        "p99_percent": float(np.percentile(np.abs(percent), 99)),
        "mean_percent": float(percent.mean()),
    }


def picture(path, ours, theirs, shape):
    """Save the two doses and their difference in the plane of the largest difference."""
    from matplotlib.figure import Figure

    ours, theirs = ours.reshape(shape), theirs.reshape(shape)
    plane = int(np.abs(ours - theirs).max(axis=(1, 2)).argmax())
    figure = Figure(figsize=(12, 4), layout="constrained")
    top = theirs.max()
    for axes, values, title in zip(
        figure.subplots(1, 3),
        (100 * theirs[plane] / top, 100 * ours[plane] / top, 100 * (ours - theirs)[plane] / top),
        ("pyRadPlan, % of maximum", "tumorboard, % of maximum", "difference, % of maximum"),
        strict=True,
    ):
        limits = (
            {"vmin": -2, "vmax": 2, "cmap": "RdBu_r"} if "difference" in title else {"vmin": 0, "vmax": 100}
        )
        shown = axes.imshow(values, **limits)
        axes.set_title(f"{title} (z = {plane})")
        figure.colorbar(shown, ax=axes, shrink=0.8)
    figure.savefig(path, dpi=110)


def compare(peer, lateral_model):
    """Time our side, compare with the peer's matrix and return what was found."""
    shape = peer["rsp"].shape
    grid = Grid(shape, peer["spacing"][::-1], peer["origin"], AXIAL, frame_of_reference="1.2.3")
    rsp = Image(peer["rsp"], grid, Quantity.RELATIVE_STOPPING_POWER, RECORD)
    mask = Image(peer["mask"].reshape(shape), grid, Quantity.LABEL, RECORD)
    machine, (beam, columns) = machine_of(peer), beam_of(peer)
    model = PencilBeamModel(
        DepthModel.VOXELWISE, lateral_cutoff=0.005, spot_width=SpotWidth.AT_SURFACE, surface_rsp=0.05
    )

    def run():
        return dose_influence(
            [beam], rsp, machine, dose_grid=grid, model=model, with_let=True, memory_limit_gb=2.0, mask=mask
        )

    ours_s, influence = best_cpu(run)
    size, inside = mask.values.size, mask.values.ravel()
    found = {}
    for name, mine, their in (
        ("dose", influence.dose_gy, peer["data"]),
        ("dose_let", influence.dose_let_gy_kev_um, peer["let_data"]),
    ):
        # The peer scales what its cut-off leaves by 1 / 0.995.
        theirs = 0.995 * summed(peer["indices"], their, size)
        ours = summed(influence.voxels, mine, size)
        found[name] = differences(ours, theirs, inside)
        if name == "dose":
            result.RESULTS.mkdir(exist_ok=True)
            picture(result.RESULTS / f"proton_influence_{lateral_model}.png", ours, theirs, shape)
    found["ours_s"], found["peer_s"] = ours_s, float(min(peer["cpu_s"][1:]))
    found["ours_entries"], found["peer_entries"] = len(influence.dose_gy), len(peer["data"])
    found["n_spots"] = len(columns)
    return found


def main():
    python = os.environ.get("TUMORBOARD_PEER_PYRADPLAN")
    if not python:
        print(
            "TUMORBOARD_PEER_PYRADPLAN names no python of an environment with peers/pyradplan.txt: left out"
        )
        return
    found, version = {}, ""
    with tempfile.TemporaryDirectory() as folder:
        for lateral_model in ("single", "double"):
            path = Path(folder) / f"{lateral_model}.npz"
            script = HERE / "peers" / "pyradplan_influence.py"
            subprocess.run([python, str(script), str(path), lateral_model], check=True)
            with np.load(path) as peer:
                loaded = dict(peer)
            path.unlink()
            version = str(loaded["version"])
            found[lateral_model] = compare(loaded, lateral_model)
            del loaded
    path = result.write(
        "proton_influence",
        what="dose and LET influence of TG119, one field, 3 mm, spots 5 mm apart, single Gaussian",
        ours=found["single"]["ours_s"],
        peer=found["single"]["peer_s"],
        peer_name="pyRadPlan",
        peer_version=version,
        unit="CPU-s",
        by_lateral_model=found,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
