"""Run one penRed simulation of electrons, positrons, photons or whole decays and write what it scored.

Runs in an environment of its own (``peers/penred.txt``); pyPenred is AGPL, a peer of tests only:

    python penred_run.py JOB.json OUT.npz

``JOB.json`` holds, with its defaults:

* ``particle`` "electron", "positron" or "gamma" with ``energy_kev``; or ``nuclide_file`` (PENNUC format);
* ``histories``, ``threads`` 1, ``seed`` 1;
* ``position_mm`` [0, 0, 0] and ``box_mm`` null (a point) or [x, y, z] (uniform, the position its middle);
  or ``ball_mm``, the radius of a ball around the origin, inside of the sphere and of its material, with
  decays evenly in it, and ``layer_mm`` 2, that of its surface which electrons cross: then ``ball_ev`` is
  the energy left there;
* ``material``: ``density_g_cm3`` and ``mass_fractions`` {Z: fraction}, or instead of these ``listed``, the
  number of one of PENELOPE's own (278 is water), of a sphere of ``radius_mm`` around the origin; or
* ``phantom``: an npz file of ``density_g_cm3`` and ``material`` [z, y, x] (index into ``materials``),
  ``voxel_mm`` [x, y, z], the corner of voxel [0, 0, 0] being the origin; ``materials`` then is a list;
* ``shell_mm`` and ``shells``: energy in spherical shells around the origin; for a phantom: in its voxels;
* ``cut_kev`` 1.0 (of all particles), ``c1``, ``c2`` 0.05, ``loss_cut_kev`` 1.0: PENELOPE's WCC and WCR.

The mean excitation energy is PENELOPE's: 78 eV for the listed water, Bragg's rule (69.0 eV for water) for a
composition; it comes out too. Energies come out per history [eV], with standard uncertainties. Times are
of the histories alone, as penRed says.
"""

import json
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pyPenred

DEFAULTS = {
    "particle": None,
    "energy_kev": None,
    "nuclide_file": None,
    "threads": 1,
    "seed": 1,
    "position_mm": [0.0, 0.0, 0.0],
    "box_mm": None,
    "ball_mm": None,
    "layer_mm": 2.0,
    "material": None,
    "materials": None,
    "radius_mm": 150.0,
    "phantom": None,
    "voxel_mm": None,
    "shell_mm": None,
    "shells": None,
    "cut_kev": 1.0,
    "loss_cut_kev": 1.0,
    "c1": 0.05,
    "c2": 0.05,
}
LINE = "0" * 64
BALL = """{line}
SURFACE (   1)   Inner sphere
INDICES=( 1, 1, 1, 0,-1)
X-SCALE=({b:+.15E},   0)              (DEFAULT=1.0)
Y-SCALE=({b:+.15E},   0)              (DEFAULT=1.0)
Z-SCALE=({b:+.15E},   0)              (DEFAULT=1.0)
{line}
SURFACE (   2)   Sphere
INDICES=( 1, 1, 1, 0,-1)
X-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
Y-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
Z-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
{line}
BODY    (   1)   Ball
MATERIAL(   1)
SURFACE (   1), SIDE POINTER=(-1)
{line}
BODY    (   2)   Around it
MATERIAL(   2)
SURFACE (   2), SIDE POINTER=(-1)
BODY    (   1)
{line}
END      0000000000000000000000000000000000000000000000000000000
"""
SPHERE = """{line}
SURFACE (   1)   Sphere
INDICES=( 1, 1, 1, 0,-1)
X-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
Y-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
Z-SCALE=({r:+.15E},   0)              (DEFAULT=1.0)
{line}
BODY    (   1)   Sphere
MATERIAL(   1)
SURFACE (   1), SIDE POINTER=(-1)
{line}
END      0000000000000000000000000000000000000000000000000000000
"""


def make_material(folder, number, material):
    """Create penRed's file of a material; return its density [g/cm3] and mean excitation energy [eV]."""
    path = folder / f"material{number}.mat"
    density = float(material["density_g_cm3"])
    if "listed" in material:
        pyPenred.simulation.materials.createListed(material["listed"], str(path))
    else:
        composition = [(int(z), float(f)) for z, f in material["mass_fractions"].items()]
        pyPenred.simulation.materials.create(f"material{number}", density, composition, str(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    for n, line in enumerate(lines):
        if line.strip().startswith("Mass density"):
            lines[n] = f" Mass density = {density:.8E} g/cm**3"
        if line.strip().startswith("Mean excitation energy"):
            mean_excitation = float(line.split("=")[1].split()[0])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return density, mean_excitation


def points_of_ball(radius, layer):
    """Return the share of a ball and the distance from its middle of points that stand for it.

    By symmetry decays at one distance count as those of their whole shell: Gauss's points of the inside, and
    of a layer at the surface that electrons cross.
    """
    found = []
    for low, high, number in ((0.0, max(radius - layer, 0.0), 8), (max(radius - layer, 0.0), radius, 16)):
        nodes, weights = np.polynomial.legendre.leggauss(number)
        distance = 0.5 * (high + low) + 0.5 * (high - low) * nodes
        share = 1.5 * (high - low) * weights * distance**2 / radius**3
        found += [*zip(share, distance, strict=True)] if high > low else []
    return found


def source_lines(job):
    """Return the configuration of all sources; penRed has no balls, so points stand for one."""
    if not job["ball_mm"]:
        return one_source(job, "source", job["histories"], job["position_mm"])
    lines = []
    for n, (share, distance) in enumerate(points_of_ball(job["ball_mm"], job["layer_mm"])):
        histories = max(1.0, np.rint(share * job["histories"]))
        lines += one_source(job, f"point{n}", histories, (0.0, 0.0, distance))
    return lines


def one_source(job, name, histories, position):
    """Return the configuration of a source, a point or a box."""
    key = f"sources/generic/{name}"
    lines = [f"{key}/nhist {float(histories)}"]
    x, y, z = (v / 10 for v in position)
    if job["box_mm"]:
        dx, dy, dz = (v / 10 for v in job["box_mm"])
        lines += [f'{key}/spatial/type "BOX"']
        lines += [f"{key}/spatial/size/dx {dx}", f"{key}/spatial/size/dy {dy}", f"{key}/spatial/size/dz {dz}"]
    else:
        lines += [f'{key}/spatial/type "POINT"']
    lines += [f"{key}/spatial/position/x {x}", f"{key}/spatial/position/y {y}"]
    lines += [f"{key}/spatial/position/z {z}"]
    if job["nuclide_file"]:
        lines += [f'{key}/kpar "electron"', f'{key}/specific/type "PENNUC"']
        lines += [f'{key}/specific/nucleide_filename "{Path(job["nuclide_file"]).resolve()}"']
        lines += [f"{key}/specific/age false"]
    else:
        lines += [f'{key}/kpar "{job["particle"]}"', f'{key}/direction/type "SOLID_ANGLE"']
        lines += [f"{key}/direction/{v}" for v in ("u 0.0", "v 0.0", "w 1.0", "theta0 0.0", "theta1 180.0")]
        lines += [f"{key}/direction/phi0 0.0", f"{key}/direction/dphi 360.0"]
        lines += [f'{key}/energy/type "MONOENERGETIC"', f"{key}/energy/energy {1e3 * job['energy_kev']}"]
    return lines


def geometry_lines(job, folder, densities):
    """Write the geometry; return its configuration and the tallies'."""
    tallies = ['tallies/matter/type "EDEP_MAT"', f"tallies/matter/nmat {len(densities)}"]
    if job["phantom"] is None:
        ball = (job["ball_mm"] or 0.0) / 10
        text = (BALL if ball else SPHERE).format(line=LINE, r=job["radius_mm"] / 10, b=ball)
        (folder / "sphere.geo").write_text(text, encoding="ascii")
        lines = ['geometry/type "PEN_QUADRIC"', 'geometry/input-file "sphere.geo"']
        lines += ['geometry/processed-geo-file "report.geo"']
        if job["shells"]:
            tallies += ['tallies/shells/type "SPHERICAL_DOSE_DISTRIB"', "tallies/shells/print-xyz true"]
            tallies += ["tallies/shells/rmin 0.0", f"tallies/shells/nr {job['shells']}"]
            tallies += [f"tallies/shells/rmax {job['shell_mm'] * job['shells'] / 10}"]
        return lines, tallies
    phantom = np.load(job["phantom"])
    shape = phantom["material"].shape
    voxel = np.asarray(job["voxel_mm"]) / 10
    factor = phantom["density_g_cm3"] / np.asarray(densities)[phantom["material"]]
    rows = np.stack([phantom["material"].ravel() + 1.0, factor.ravel()], axis=1)
    with (folder / "voxels.dat").open("w", encoding="ascii") as file:
        file.write(f"{shape[2]} {shape[1]} {shape[0]}\n{voxel[0]} {voxel[1]} {voxel[2]}\n")
        np.savetxt(file, rows, fmt=("%d", "%.6e"))
    lines = ['geometry/type "VOXEL"', 'geometry/filename "voxels.dat"', "geometry/ascii true"]
    lines += ["geometry/enclosure-margin 0.0001", "geometry/enclosure-material 1"]
    tallies += ['tallies/voxels/type "SPATIAL_DOSE_DISTRIB"', "tallies/voxels/print-xyz false"]
    for name, count, width in zip("xyz", shape[::-1], voxel, strict=True):
        tallies += [f"tallies/voxels/{name}min 0.0", f"tallies/voxels/{name}max {count * width}"]
        tallies += [f"tallies/voxels/n{name} {count}"]
    return lines, tallies


def configuration(job, folder):
    """Write all files of a job; return the configuration."""
    materials = (
        [job["material"]] * (2 if job["ball_mm"] else 1) if job["phantom"] is None else job["materials"]
    )
    densities, excitations = zip(
        *(make_material(folder, n + 1, m) for n, m in enumerate(materials)), strict=True
    )
    lines = source_lines(job)
    geometry, tallies = geometry_lines(job, folder, densities)
    lines += geometry + tallies
    for n in range(1, len(materials) + 1):
        key = f"materials/m{n}"
        lines += [f"{key}/number {n}", f'{key}/filename "material{n}.mat"']
        lines += [f"{key}/eabs/{p} {1e3 * job['cut_kev']}" for p in ("electron", "positron", "gamma")]
        lines += [f"{key}/C1 {job['c1']}", f"{key}/C2 {job['c2']}"]
        lines += [f"{key}/WCC {1e3 * job['loss_cut_kev']}", f"{key}/WCR {1e3 * job['loss_cut_kev']}"]
    lines += [f"simulation/threads {job['threads']}", f"simulation/seedPair {job['seed']}"]
    lines += ["simulation/dump-interval 1e6", "simulation/ascii-results true"]
    return "\n".join(lines) + "\n", excitations


def times(folder):
    """Return penRed's own times of the histories, without its initialisation [s]."""
    log = (folder / "simulation.log").read_text(encoding="utf-8", errors="replace")
    found = {}
    for name, key in (
        ("transport_wall_s", "Simulation real time:"),
        ("transport_cpu_s", "Simulation user time:"),
    ):
        found[name] = float(log.split(key)[1].split()[0])
    return found


def rows_of(folder, name):
    """Return the numbers of a results file, one row per line, of all threads together."""
    (path,) = folder.glob(f"{name}-th0-*.dat")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return np.array([line.split() for line in lines if not line.lstrip().startswith("#")], dtype=float)


def results(job, folder):
    """Return what was scored: energies per history and standard uncertainties [eV]."""
    matter = rows_of(folder, "matter")
    found = {"deposited_ev": matter[:, 1].sum(), "deposited_u_ev": np.hypot.reduce(matter[:, 2] / 2)}
    if job["ball_mm"]:
        found |= {"ball_ev": matter[0, 1], "ball_u_ev": matter[0, 2] / 2}
    if job["phantom"] is None and job["shells"]:
        rows = rows_of(folder, "shells")
        # The last two columns are the energy in the shell, though called eV/cm, and twice its uncertainty.
        found |= {"shell_ev": rows[:, -2], "shell_u_ev": rows[:, -1] / 2}
        found["radius_mm"] = (np.arange(len(rows)) + 0.5) * job["shell_mm"]
    if job["phantom"] is not None:
        rows = rows_of(folder, "voxels")
        shape = np.load(job["phantom"])["material"].shape
        # Each row ends with the energy in a voxel, twice its uncertainty and a mass; x runs fastest.
        found["energy_ev"] = rows[:, -3].reshape(shape)
        found["energy_u_ev"] = rows[:, -2].reshape(shape) / 2
    return found


def main(job_path, out_path):
    job = {**DEFAULTS, **json.loads(Path(job_path).read_text(encoding="utf-8"))}
    for name in ("phantom", "nuclide_file"):
        if job[name]:
            job[name] = str(Path(job[name]).resolve())
    out, found = Path(out_path).resolve(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)  # penRed reads and writes where it is
        pyPenred.simulation.setConfigurationLog("configuration.log")
        pyPenred.simulation.setSimulationLog("simulation.log")
        text, found["mean_excitation_energy_ev"] = configuration(job, folder)
        (folder / "config.in").write_text(text, encoding="ascii")
        simulator = pyPenred.simulation.create()
        simulator.configFromFile("config.in")
        simulator.simulate()
        found |= results(job, folder) | times(folder)
        os.chdir(out.parent)
    np.savez(out, **found, job=json.dumps(job), version=f"pyPenred {metadata.version('pyPenred')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
