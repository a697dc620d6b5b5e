"""Energy that protons bring, and energy that the dose says they left: the two must agree."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.integrate import trapezoid

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.image import Image
from tumorboard.core.plan import IonPlan
from tumorboard.numerics.resample import Interpolation, resample

__all__ = ["brought_energy_j", "deposited_energy_j"]

#: Mass of water [kg/mm3]: kernels give dose to water.
_KG_PER_MM3: Final = 1e-6


def brought_energy_j(plan: IonPlan, machine: ProtonMachine) -> float:
    """Return what the protons of a plan leave in endless water behind their range shifters [J].

    Parameters
    ----------
    plan
        Its monitor units, of all fractions.
    machine
        That it is for; its kernels say what a proton leaves at each depth.
    """
    energies = machine.beam_model.nominal_energies_mev.tolist()
    total = 0.0
    for beam in plan.beams:
        before_mm = 0.0
        if beam.range_shifter is not None:
            shifter = machine.beam_model.range_shifter(beam.range_shifter)
            before_mm = shifter.water_equivalent_thickness_mm
        for layer in beam.layers:
            n = energies.index(layer.nominal_energy_mev)
            kernel, per_mu = machine.kernels[n], machine.beam_model.spots[n].protons_per_mu or np.nan
            behind = kernel.depth_mm[kernel.depth_mm > before_mm]
            depth = np.concatenate([[before_mm], behind])
            dose = np.interp(depth, kernel.depth_mm, kernel.integrated_dose_gy_mm2)
            total += float(trapezoid(dose, depth) * layer.monitor_units.sum() * per_mu)
    return total * plan.n_fractions * _KG_PER_MM3


def deposited_energy_j(dose: Image, rsp: Image) -> float:
    """Return the energy that a dose to water means, each voxel as deep as its stopping power says [J].

    Parameters
    ----------
    dose
        Physical, DOSE [Gy].
    rsp
        RELATIVE_STOPPING_POWER that the dose was calculated on, any grid.
    """
    ratio = resample(rsp, dose.grid, method=Interpolation.CONSERVATIVE, outside=0.0)
    water_mm3 = ratio.values.astype(np.float64) * (1000.0 * dose.grid.voxel_volume_ml)
    return float((dose.values.astype(np.float64) * water_mm3).sum()) * _KG_PER_MM3
