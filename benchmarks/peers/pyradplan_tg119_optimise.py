"""Export pyRadPlan's TG119 dose influence with its structures and objectives, and time its optimiser on it.

Runs in pyRadPlan's environment: ``python pyradplan_tg119_optimise.py FOLDER ANGLE[,ANGLE...]`` writes
``FOLDER/matrix.npz`` and ``FOLDER/optimiser.npz`` (objective against CPU seconds, final weights).
"""

import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.optimize
import SimpleITK as sitk  # noqa: N813

warnings.filterwarnings("ignore")

import pyRadPlan  # noqa: E402
import pyRadPlan.optimization.solvers._scipy_solver as scipy_solver  # noqa: E402
from pyRadPlan import (  # noqa: E402
    IonPlan,
    calc_dose_influence,
    fluence_optimization,
    generate_stf,
    load_tg119,
)


def cpu_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(folder, angles):
    ct, cst = load_tg119()
    plan = IonPlan(radiation_mode="protons", machine="Generic")
    plan.prop_stf = {"gantry_angles": angles, "couch_angles": [0.0] * len(angles), "bixel_width": 5.0}
    plan.prop_dose_calc = {
        "engine": "HongPB",
        "dose_grid": {"resolution": {"x": 3.0, "y": 3.0, "z": 3.0}},
    }
    stf = generate_stf(ct, cst, plan)
    before = cpu_s()
    dij = calc_dose_influence(ct, cst, stf, plan)
    dij_cpu_s = cpu_s() - before
    matrix = dij.physical_dose.flat[0].tocsc()
    grid = dij.dose_grid
    like = sitk.Image([int(v) for v in grid.dimensions], sitk.sitkUInt8)
    like.SetSpacing([grid.resolution[axis] for axis in "xyz"])
    like.SetOrigin([float(v) for v in grid.origin])
    masks = {}
    for voi in cst.vois:
        resampled = sitk.Resample(voi.mask, like, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        masks[voi.name] = sitk.GetArrayFromImage(resampled).ravel() > 0
    objectives = {
        v.name: [
            (o.name, getattr(o, "d_ref", None) or getattr(o, "d_max", None), o.priority) for o in v.objectives
        ]
        for v in cst.vois
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "matrix.npz",
        indptr=matrix.indptr.astype(np.int64),
        indices=matrix.indices.astype(np.int32),
        data=matrix.data.astype(np.float32),
        shape=np.array(matrix.shape),
        dimensions=np.array(grid.dimensions),
        origin=np.array(grid.origin),
        objectives=np.array(repr(objectives)),
        dij_cpu_s=dij_cpu_s,
        **{f"mask_{name}": mask for name, mask in masks.items()},
    )

    history = []
    minimize = scipy.optimize.minimize

    def recorded(fun, x0, *args, **kwargs):
        start, first = cpu_s(), time.perf_counter()

        def value(x, *more):
            found = fun(x, *more)
            history.append((cpu_s() - start, time.perf_counter() - first, float(found)))
            return found

        result = minimize(value, x0, *args, **kwargs)
        recorded.start, recorded.result = np.array(x0), result
        return result

    scipy_solver.minimize = recorded
    weights = np.asarray(fluence_optimization(ct, cst, stf, dij, plan)).ravel()
    result = recorded.result
    np.savez(
        folder / "optimiser.npz",
        history=np.array(history),
        weights=weights,
        start=recorded.start,
        iterations=result.nit,
        version=np.array(pyRadPlan.__version__),
        message=np.array(str(result.message)),
    )
    print(result.nit, result.message, history[-1])
    # Fluence optimisation splits voxels by pyRadPlan's overlap priorities; report what it used.
    print(objectives)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [float(a) for a in sys.argv[2].split(",")])
