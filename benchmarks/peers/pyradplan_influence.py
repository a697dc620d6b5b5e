"""Write pyRadPlan's dose influence of TG119, and all that went into it, to one npz file.

Runs in an environment of its own (``peers/pyradplan.txt``):

    python pyradplan_influence.py OUT.npz LATERAL_MODEL

The times are CPU seconds of ``calc_dose_influence`` alone; the first run warms caches up.
"""

import logging
import sys
import time

import numpy as np
import pyRadPlan
import SimpleITK as sitk  # noqa: N813
from pyRadPlan import IonPlan, generate_stf, load_tg119
from pyRadPlan.core import resample_image
from pyRadPlan.dose.engines import get_engine

REPEATS = 3


def main(path, lateral_model):
    logging.disable(logging.INFO)
    ct, cst = load_tg119()
    plan = IonPlan(radiation_mode="protons", machine="Generic")
    plan.prop_stf = {"gantry_angles": [0.0], "couch_angles": [0.0], "bixel_width": 5.0}
    plan.prop_dose_calc = {
        "engine": "HongPB",
        "lateral_model": lateral_model,
        # The air between nozzle and patient is left out, as on our side.
        "air_offset_correction": False,
        "dose_grid": {"resolution": {"x": 3.0, "y": 3.0, "z": 3.0}},
    }
    stf = generate_stf(ct, cst, plan)
    cpu_s = []
    for _ in range(REPEATS):
        engine = get_engine(plan)
        start = time.process_time()
        dij = engine.calc_dose_influence(ct, cst, stf)
        cpu_s.append(time.process_time() - start)
    matrix, let = dij.physical_dose.flat[0], dij.let_dose.flat[0]
    beam = stf.beams[0]
    rays = [(ray.ray_pos_bev, beamlet.energy) for ray in beam.rays for beamlet in ray.beamlets]
    traced = resample_image(
        input_image=engine.cube_wed, interpolator=sitk.sitkLinear, target_grid=engine.dose_grid
    )
    machine = engine._machine
    energies = sorted({energy for _, energy in rays})
    data = {}
    for n, energy in enumerate(energies):
        index = machine.get_energy_index(energy, 4)
        kernel = machine.get_kernel_by_index(np.int64(index))
        focus = machine.get_foci_by_index(np.int64(index))[0]
        for name in ("depths", "idd", "sigma", "sigma_1", "sigma_2", "weight", "let"):
            value = getattr(kernel, name, None)
            if value is not None:
                data[f"{name}_{n}"] = np.asarray(value)
        data[f"focus_distance_{n}"], data[f"focus_sigma_{n}"] = focus.dist, focus.sigma
        data[f"offset_{n}"] = kernel.offset
    grid = engine.dose_grid
    mask = np.zeros(grid.num_voxels, bool)
    mask[np.asarray(engine._vdose_grid)] = True
    np.savez(
        path,
        version=pyRadPlan.__version__,
        cpu_s=cpu_s,
        lateral_model=engine.lateral_model,
        data=matrix.data,
        let_data=let.data,
        indices=matrix.indices,
        indptr=matrix.indptr,
        origin=np.asarray(grid.origin),
        spacing=[grid.resolution[a] for a in "xyz"],
        rsp=sitk.GetArrayFromImage(traced),
        mask=mask,
        isocentre=np.asarray(beam.iso_center),
        source_distance=beam.sad,
        bams_to_iso=machine.bams_to_iso_dist,
        positions=np.array([p for p, _ in rays])[:, [0, 2]],
        energy=np.array([e for _, e in rays]),
        energies=energies,
        **data,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
