"""Compute beamlets with OpenTPS, that is MCsquare spot by spot, in a water box; write one npz file.

Runs in an environment of its own (``peers/mcsquare.txt``):

    python mcsquare_beamlets.py JOB.json OUT.npz

``JOB.json``: ``shape`` [x, y, z], ``voxel_mm``, ``sigma_mm``, ``histories`` per spot; and ``layers``, a list
of {``energy_mev``, ``xy_mm``: [[x, y], ...]}. The beam comes at gantry 0, along +y, its isocentre in the
middle of the entrance face. OpenTPS's own settings of beamlets hold, but its start script is passed by:
MCsquare is started in its best build for the processor (``mcsquare_binary.py``). OpenTPS drops values below
its threshold.

Times are of ``computeBeamlets``, from the plan to the sparse matrix in memory, children included.
"""

import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from mcsquare_binary import home, install
from opentps.core.data.CTCalibrations.MCsquareCalibration import MCsquareCTCalibration
from opentps.core.data.images import CTImage
from opentps.core.data.MCsquare import BDL
from opentps.core.data.plan import PlanProtonBeam, PlanProtonLayer, ProtonPlan
from opentps.core.io import mcsquareIO
from opentps.core.processing.doseCalculation.protons.mcsquareDoseCalculator import MCsquareDoseCalculator

WATER = 17  # in MCsquare's list of materials
NOZZLE_MM = 0.1
# MCsquare's own traps, see mcsquare_run.py.
DIVERGENCE_RAD, CORRELATION = 1e-6, 1e-3


class Calculator(MCsquareDoseCalculator):
    """OpenTPS's calculator, but for the start of MCsquare."""

    def _startMCsquare(self, opti=False):  # noqa: N802
        folder = Path(self._mcsquareSimuDir)
        program, self.binary = install(folder / "best")
        environment = {**os.environ, "MCsquare_Materials_Dir": str(home() / "Materials")}
        subprocess.run([str(program)], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def beam_model(job):
    """Return a beam data library of parallel monoenergetic beams."""
    energies = np.array([layer["energy_mev"] for layer in job["layers"]] + [250.0])
    same = np.ones_like(energies)
    model = BDL()
    model.nozzle_isocenter, model.smx, model.smy = NOZZLE_MM, 1e6, 1e6
    model.nominalEnergy, model.meanEnergy, model.energySpread = energies, energies, 0 * same
    model.protonsMU, model.weight1, model.weight2 = 1e6 * same, same, 0 * same
    for n in "12":
        for axis in "xy":
            setattr(model, f"spotSize{n}{axis}", job["sigma_mm"] * same)
            setattr(model, f"divergence{n}{axis}", DIVERGENCE_RAD * same)
            setattr(model, f"correlation{n}{axis}", CORRELATION * same)
    return model


def plan_of(job, isocentre):
    beam = PlanProtonBeam()
    beam.gantryAngle, beam.couchAngle, beam.isocenterPosition = 0.0, 0.0, isocentre
    for rows in job["layers"]:
        layer = PlanProtonLayer(rows["energy_mev"])
        xy = np.asarray(rows["xy_mm"], float)
        layer.appendSpot(xy[:, 0], xy[:, 1], np.ones(len(xy)))
        beam.appendLayer(layer)
    plan = ProtonPlan()
    plan.appendBeam(beam)
    return plan


def cpu_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main(job_path, out_path):
    logging.disable(logging.INFO)
    # It compares a sparse matrix with a list, which scipy refuses by now.
    mcsquareIO._print_memory_usage = lambda matrix: None
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    voxel = job["voxel_mm"]
    ct = CTImage(imageArray=np.zeros(job["shape"], np.float32), origin=(0, 0, 0), spacing=[voxel] * 3)
    middle = (np.asarray(job["shape"]) - 1) / 2 * voxel
    calculator = Calculator()
    calculator.beamModel = beam_model(job)
    calculator.nbPrimaries = int(job["histories"])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "MCsquare_simulation" / "best").mkdir(parents=True)
        material = Path(folder) / "material.txt"
        material.write_text(f"-1000 {WATER}\n", encoding="ascii")
        calculator.ctCalibration = MCsquareCTCalibration(
            ([-1000.0, 1000.0], [1.0, 1.0]), fromFiles=(None, str(material), str(home() / "Materials"))
        )
        calculator.simulationDirectory = folder
        plan = plan_of(job, [middle[0], -voxel / 2, middle[2]])
        wall, cpu = time.perf_counter(), cpu_s()
        beamlets = calculator.computeBeamlets(ct, plan)
        times = {"cpu_s": cpu_s() - cpu, "wall_s": time.perf_counter() - wall}
    matrix = beamlets._sparseBeamlets.tocsc()
    # A column is flattened x first after OpenTPS flipped x and y: y back to the beam's way.
    total = np.asarray(matrix.sum(axis=1)).reshape(job["shape"], order="F")[::-1, ::-1]
    np.savez(
        out_path,
        **times,
        dose=total / 1e6,  # Gy per proton and spot
        entries=matrix.nnz,
        spots=matrix.shape[1],
        binary=calculator.binary,
        version=f"opentps-core {metadata.version('opentps-core')}",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
