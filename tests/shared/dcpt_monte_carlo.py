"""The clinical plan of the DCPT measurements, recalculated by Monte Carlo from its RT Ion Plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import dcpt_plan as dcpt
import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.material import Material
from tumorboard.core.plan import IonPlan
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.machines.dcpt import read_dcpt_beam_model
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.proton import ProtonScores, transport_protons
from tumorboard.physics.transport.proton_arguments import ProtonSteps
from tumorboard.physics.transport.proton_source import ProtonBeamlets, Slab
from tumorboard.proton.machine import build_machine
from tumorboard.proton.monte_carlo import plan_beamlets

PLAN = "RN.1.2.246.352.71.5.37402163639.178319.20221207095327.dcm"

#: Centres of the bins along the beam, which are also those of the data set's ``Z_narrow`` [mm].
Z_MM = np.arange(-102.0, 103.0)
#: Half of the PMMA plate [mm], and the phantom's face [mm].
_HALF_PLATE_MM = 2.5
_FACE_MM = -102.5


class Scored(NamedTuple):
    """In bins of 1 mm, by position across the beam, (x, bin, z): per proton.

    Dose to medium and to water [MeV/g], LETd and LETt in water [keV/um], fluence of protons [1/cm2].
    """

    dose: NDArray[np.float64]
    dose_to_water: NDArray[np.float64]
    let_d: NDArray[np.float64]
    let_t: NDArray[np.float64]
    fluence: NDArray[np.float64]

    def along(self, half: int = 0) -> Scored:
        """Return the means of the middle ``2 half + 1`` squared columns, LET weighted as it is defined."""
        n = len(self.dose) // 2
        part = slice(n - half, n + half + 1)
        dose, water, let_d, let_t, fluence = (values[part][:, :, part] for values in self)
        axes = (0, 2)
        mean = np.maximum(dose.mean(axes), 1e-300), np.maximum(fluence.mean(axes), 1e-300)
        return Scored(
            dose.mean(axes),
            water.mean(axes),
            (let_d * dose).mean(axes) / mean[0],
            (let_t * fluence).mean(axes) / mean[1],
            fluence.mean(axes),
        )


def read(folder: Path) -> tuple[IonPlan, ProtonMachine]:
    """Return the clinic's plan and its machine."""
    plan = read_ion_plan(folder / "plan01_sobp" / PLAN)
    model = read_dcpt_beam_model(
        folder / "dcpt_beam_model" / "DCPT_beam_model__v2.csv", source_distance_mm=dcpt.SOURCES_MM
    )
    return plan, build_machine(model, {layer.nominal_energy_mev for layer in plan.beams[0].layers})


def phantom(
    plan: IonPlan, detector_mm: float, *, solid_water: Material = dcpt.SOLID_WATER, column_mm: float = 20.0
) -> TransportMedium:
    """Return 205 mm of solid water with the plate; the beam travels along +y, columns across it."""
    columns = 2 * int(150.0 / column_mm) + 1
    edge = -column_mm * (columns // 2)
    grid = Grid(
        (columns, Z_MM.size, columns),
        (column_mm, 1.0, column_mm),
        (edge, float(Z_MM[0]), edge),
        AXIAL,
        frame_of_reference=plan.frame_of_reference,
    )
    index = np.zeros(grid.shape, np.uint16)
    index[:, np.abs(Z_MM - detector_mm) < _HALF_PLATE_MM, :] = 1
    materials = (solid_water, material("PMMA"))
    density = np.array([m.density_g_cm3 for m in materials], np.float32)[index]
    return TransportMedium(grid, density, index, materials)


def through_air(source: ProtonBeamlets) -> ProtonBeamlets:
    """Return the beamlets with the air from the plane of the beam model to the phantom in their way."""
    air = Slab(
        material("air, dry"), _FACE_MM + 500.0, np.array([0.0, -500.0, 0.0]), np.array([0.0, 1.0, 0.0])
    )
    return replace(source, slabs=(air,), slab_index=np.zeros(source.weight.size, np.int64))


def simulate(
    folder: Path,
    detector_mm: float,
    *,
    histories: int,
    seed: int = 1,
    threads: int = 1,
    solid_water: Material = dcpt.SOLID_WATER,
    column_mm: float = 20.0,
    steps: ProtonSteps | None = None,
) -> Scored:
    """Return what the plan does to the phantom whose plate is centred at ``detector_mm``."""
    plan, machine = read(folder)
    medium = phantom(plan, detector_mm, solid_water=solid_water, column_mm=column_mm)
    result = transport_protons(
        medium,
        through_air(plan_beamlets(plan, machine, medium.grid)),
        BatchPlan(histories, seed, threads),
        scores=ProtonScores(let=True, dose_to_water=True, fluence=True),
        steps=steps,
    )
    images = (result.dose, result.dose_to_water, result.dose_averaged_let, result.track_averaged_let)
    dose, water, let_d, let_t = (np.asarray(image.values, np.float64) for image in images)
    fluence = 100.0 * np.asarray(result.fluence.values, np.float64)
    return Scored(dose / GY_G_PER_MEV, water / GY_G_PER_MEV, let_d, let_t, fluence)
