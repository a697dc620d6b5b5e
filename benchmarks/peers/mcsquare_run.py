"""Run one MCsquare simulation of scanned spots in a voxel phantom and write what it scored to one npz file.

Runs in an environment of its own (``peers/mcsquare.txt``); MCsquare's binaries and materials come in the
opentps-core wheel, nothing else of OpenTPS is used:

    python mcsquare_run.py JOB.json PHANTOM.npz OUT.npz

``PHANTOM.npz`` holds ``density_g_cm3`` and ``material`` (index into ``materials``, names of MCsquare's
own list), both [z, y, x]. Beams at gantry 0 travel along +y. ``JOB.json`` holds, with its defaults:

* ``energy_mev`` (one number or one per spot), ``histories``, ``voxel_mm`` ([x, y, z]): no default;
* ``sigma_mm`` 3.0, ``divergence_rad`` 0.0, ``correlation`` 0.0: of both axes, at ``nozzle_mm`` (0.1)
  before the isocentre, from where to the phantom MCsquare has air;
* ``energy_spread_percent`` 0.0, ``spots`` [[0, 0, 1]] (x, y [mm], weight [protons]), ``gantry_deg`` 0.0;
* ``isocentre_mm``: from the outer corner of voxel [0, 0, 0]; default the middle of the entrance face;
* ``threads`` 1, ``seed`` 1, ``nuclear`` true, ``beamlets`` false, ``uncertainty`` false;
* ``let`` "StopPow" (or "DepositedEnergy", or null for none), ``prompt_gamma_mev`` [low, high] or null;
* ``materials_dir``: another folder of materials than MCsquare's own; ``extra``: more lines of its config;
* ``cut_mev`` 0.5, ``binary``: "MCsquare_linux" or one of its siblings; default the best for the processor.

Four traps. A correlation of 0 or a divergence of 0 makes every proton miss the phantom without a word (the
covariance is no longer positive): tiny ones stand in for them here. MCsquare takes off what air between
nozzle and phantom costs, 0.115 mm of range per 100 mm. A file with CRLF line ends is read wrongly. A rate
means nothing before the deposited energy has been looked at: it is in the output.

Times are of the transport alone, between MCsquare's own messages: wall and CPU seconds of the process.
"""

import json
import os
import pty
import resource
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from mcsquare_binary import home, install

HU_STEP = 100
TINY_DIVERGENCE_RAD = 1e-6
TINY_CORRELATION = 1e-3
DEFAULTS = {
    "sigma_mm": 3.0,
    "divergence_rad": 0.0,
    "correlation": 0.0,
    "nozzle_mm": 0.1,
    "energy_spread_percent": 0.0,
    "spots": [[0.0, 0.0, 1.0]],
    "gantry_deg": 0.0,
    "isocentre_mm": None,
    "threads": 1,
    "seed": 1,
    "nuclear": True,
    "beamlets": False,
    "uncertainty": False,
    "let": "StopPow",
    "prompt_gamma_mev": [3.0, 6.0],
    "cut_mev": 0.5,
    "binary": None,
    "extra": {},
}


def material_numbers():
    """Return MCsquare's number of each of its materials."""
    lines = (home() / "Materials" / "list.dat").read_text(encoding="utf-8").splitlines()
    words = [line.split("#")[0].split() for line in lines]
    return {pair[1]: int(pair[0]) for pair in words if len(pair) == 2}


def write_image(folder, name, values, voxel_mm):
    """Write an image [z, y, x]; MCsquare wants x and y reversed and the corner as its offset."""
    values[:, ::-1, ::-1].astype("<f4").tofile(folder / f"{name}.raw")
    size = " ".join(map(str, values.shape[::-1]))
    (folder / f"{name}.mhd").write_text(
        "ObjectType = Image\nNDims = 3\n"
        f"DimSize = {size}\nElementSpacing = {' '.join(map(str, voxel_mm))}\nOffset = 0 0 0\n"
        f"ElementType = MET_FLOAT\nElementByteOrderMSB = False\nElementDataFile = {name}.raw\n",
        encoding="ascii",
    )


def read_image(path, shape):
    return np.fromfile(path, dtype="<f4").reshape(shape)[:, ::-1, ::-1]


def write_phantom(folder, phantom, voxel_mm):
    """Write the phantom as HU, one number for each pair of material and density, and both conversions."""
    numbers = material_numbers()
    names = [str(name) for name in phantom["materials"]]
    density = np.round(phantom["density_g_cm3"].astype(float), 6)
    pairs, inverse = np.unique(
        np.stack([phantom["material"].ravel().astype(float), density.ravel()], axis=1),
        axis=0,
        return_inverse=True,
    )
    hu = HU_STEP * (1 + np.arange(len(pairs)))
    # Densities are interpolated linearly: at the very HU of a pair the conversion is exact.
    densities = [(-1000, pairs[0, 1])] + [(h, p[1]) for h, p in zip(hu, pairs, strict=True)]
    materials = [(h - HU_STEP // 2, numbers[names[int(p[0])]]) for h, p in zip(hu, pairs, strict=True)]
    materials[0] = (-1000, materials[0][1])
    for name, rows in (("density", densities), ("material", materials)):
        (folder / f"{name}.txt").write_text("".join(f"{a} {b}\n" for a, b in rows), encoding="ascii")
    write_image(folder, "CT", hu[inverse].reshape(density.shape), voxel_mm)


def write_beam(folder, job, energies):
    """Write the beam data library: one Gaussian per energy, the second of weight 0."""
    divergence = max(job["divergence_rad"], TINY_DIVERGENCE_RAD)
    correlation = job["correlation"] or TINY_CORRELATION
    axis = f"{job['sigma_mm']} {divergence} {correlation}"
    # Always one energy more: with a single one MCsquare interpolates from before its table.
    table = sorted({*energies, max(energies) + 1.0})
    rows = "".join(
        f"{e} {e} {job['energy_spread_percent']} 1.0 1.0 {axis} {axis} 0.0 {axis} {axis}\n" for e in table
    )
    (folder / "BDL.txt").write_text(
        "--UPenn beam model (double gaussian)--\n\n"
        f"Nozzle exit to Isocenter distance\n{job['nozzle_mm']}\n\n"
        "SMX to Isocenter distance\n1000000.0\n\nSMY to Isocenter distance\n1000000.0\n\n"
        f"Beam parameters\n{len(table)} energies\n\n"
        "NominalEnergy MeanEnergy EnergySpread ProtonsMU Weight1 SpotSize1x Divergence1x Correlation1x "
        "SpotSize1y Divergence1y Correlation1y Weight2 SpotSize2x Divergence2x Correlation2x SpotSize2y "
        f"Divergence2y Correlation2y\n{rows}",
        encoding="ascii",
    )


def write_plan(folder, job, energies, isocentre):
    spots = np.asarray(job["spots"], float)
    layers = sorted(set(energies))
    weights = [sum(s[2] for s, e in zip(spots, energies, strict=True) if e == layer) for layer in layers]
    lines = ["#TREATMENT-PLAN-DESCRIPTION", "#PlanName", "plan", "#NumberOfFractions", "1"]
    lines += ["##FractionID", "1", "##NumberOfFields", "1", "###FieldsID", "1"]
    lines += [
        "#TotalMetersetWeightOfAllFields",
        f"{sum(weights)}",
        "",
        "#FIELD-DESCRIPTION",
        "###FieldID",
        "1",
    ]
    lines += ["###FinalCumulativeMeterSetWeight", f"{sum(weights)}", "###GantryAngle", f"{job['gantry_deg']}"]
    lines += [
        "###PatientSupportAngle",
        "0.0",
        "###IsocenterPosition",
        " ".join(f"{v:.6f}" for v in isocentre),
    ]
    lines += ["###NumberOfControlPoints", f"{len(layers)}", "", "#SPOTS-DESCRIPTION"]
    total = 0.0
    for n, layer in enumerate(layers):
        mine = [s for s, e in zip(spots, energies, strict=True) if e == layer]
        total += weights[n]
        lines += ["####ControlPointIndex", f"{n + 1}", "####SpotTunnedID", "1"]
        lines += ["####CumulativeMetersetWeight", f"{total}", "####Energy (MeV)", f"{layer}"]
        lines += ["####NbOfScannedSpots", f"{len(mine)}", "####X Y Weight"]
        lines += [f"{x} {y} {w}" for x, y, w in mine]
    (folder / "Plan.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


def write_config(folder, job):
    gamma = job["prompt_gamma_mev"]
    config = {
        "Num_Threads": job["threads"],
        "RNG_Seed": job["seed"],
        "Num_Primaries": int(job["histories"]),
        "E_Cut_Pro": job["cut_mev"],
        "CT_File": "CT.mhd",
        "HU_Density_Conversion_File": "density.txt",
        "HU_Material_Conversion_File": "material.txt",
        "BDL_Machine_Parameter_File": "BDL.txt",
        "BDL_Plan_File": "Plan.txt",
        "Simulate_Nuclear_Interactions": bool(job["nuclear"]),
        "Beamlet_Mode": bool(job["beamlets"]),
        "Compute_stat_uncertainty": bool(job["uncertainty"]),
        "Output_Directory": "Outputs",
        "Energy_MHD_Output": not job["beamlets"],
        "Dose_MHD_Output": not job["beamlets"],
        "Dose_Sparse_Output": bool(job["beamlets"]),
        "LET_MHD_Output": bool(job["let"]) and not job["beamlets"],
        "LET_Calculation_Method": job["let"] or "StopPow",
        "Score_PromptGammas": bool(gamma),
        **job["extra"],
    }
    if gamma:
        # One gamma image and a spectrum of 0.1 MeV bins.
        config |= {"PG_LowEnergyCut": gamma[0], "PG_HighEnergyCut": gamma[1]}
    lines = "".join(f"{name} {value}\n" for name, value in config.items())
    (folder / "config.txt").write_text(lines, encoding="ascii")


def cpu_seconds(pid):
    """Return the CPU time of a living process [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(folder, job):
    """Run MCsquare in a folder; return its messages and the times of its parts [s]."""
    environment = {
        **os.environ,
        "MCsquare_Materials_Dir": job.get("materials_dir") or str(home() / "Materials"),
    }
    program, binary = install(folder, job["binary"])
    master, slave = pty.openpty()  # a terminal, so that each line comes when it is written
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [str(program), "config.txt"], cwd=folder, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    text, pending, marks = [], b"", {}
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        pending += piece
        *lines, pending = pending.split(b"\n")
        for line in lines:
            line = line.decode("utf-8", "replace").strip()
            text.append(line)
            for key in ("Initialization time", "MC computation time"):
                if key in line and key not in marks:
                    try:
                        marks[key] = (time.perf_counter() - start, cpu_seconds(process.pid))
                    except (OSError, IndexError):
                        pass
    code = process.wait()
    os.close(master)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ours = {"wall_s": time.perf_counter() - start, "cpu_s": used}
    if len(marks) == 2:
        begin, end = marks["Initialization time"], marks["MC computation time"]
        ours |= {"transport_wall_s": end[0] - begin[0], "transport_cpu_s": end[1] - begin[1]}
    for name, key in (("init_s", "Initialization time"), ("transport_s", "MC computation time")):
        said = [line for line in text if key in line]
        if said:
            ours[name] = float(said[0].split(":")[1].split()[0])
    if code:
        raise SystemExit("MCsquare failed:\n" + "\n".join(text[-20:]))
    return text, {"binary": binary, **ours}


def simulated(text):
    """Return the protons simulated and those that MCsquare started outside the phantom."""
    lines = [line for line in text if "Nbr primaries simulated" in line]
    if not lines:
        return 0, 0
    words = lines[-1].replace("(", " ").split()
    return int(words[3]), int(words[4]) if len(words) > 4 else 0


def main(job_path, phantom_path, out_path):
    job = {**DEFAULTS, **json.loads(Path(job_path).read_text(encoding="utf-8"))}
    phantom = np.load(phantom_path)
    shape, voxel = phantom["density_g_cm3"].shape, np.asarray(job["voxel_mm"], float)
    size = voxel * shape[::-1]
    isocentre = job["isocentre_mm"] or [size[0] / 2, 0.0, size[2] / 2]
    # MCsquare's y runs the other way.
    theirs = [isocentre[0], size[1] - isocentre[1], isocentre[2]]
    energies = list(np.broadcast_to(job["energy_mev"], len(job["spots"])).astype(float))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantom(folder, phantom, voxel)
        write_beam(folder, job, energies)
        write_plan(folder, job, energies, theirs)
        write_config(folder, job)
        (folder / "Outputs").mkdir()
        text, times = run(folder, job)
        histories, outside = simulated(text)
        found = {"histories": histories, "outside": outside, "messages": "\n".join(text), **times}
        outputs = folder / "Outputs"
        for key, file in (
            ("energy", "Energy.raw"),
            ("dose", "Dose.raw"),
            ("let_d_kev_um", "LET.raw"),
        ):
            if (outputs / file).is_file():
                found[key] = read_image(outputs / file, shape)
        if (outputs / "PromptGamma.dat").is_file():
            # One row per voxel: its number along each axis from 1, and the gammas per proton.
            rows = np.fromfile(outputs / "PromptGamma.dat", sep=" ").reshape(-1, 4)
            found["prompt_gamma"] = rows[:, 3].reshape(shape)[:, ::-1, ::-1].astype(np.float32)
        if (outputs / "PromptGamma_spectrum.dat").is_file():
            found["prompt_gamma_spectrum"] = np.fromfile(
                outputs / "PromptGamma_spectrum.dat", sep=" "
            ).reshape(-1, 2)
    np.savez(
        out_path,
        **found,
        job=json.dumps(job),
        version=f"opentps-core {metadata.version('opentps-core')}",
        voxel_mm=voxel,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
