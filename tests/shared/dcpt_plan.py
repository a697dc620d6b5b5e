"""The clinical plans of the DCPT measurements, recalculated with kernels in water in slabs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from tumorboard.core.beam import BeamModel, EnergySpectrum
from tumorboard.core.material import Material
from tumorboard.io.machines.dcpt import read_dcpt_beam_model
from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import stopping_power_ratio
from tumorboard.proton.machine import spot_at_energy
from tumorboard.proton.water_kernels import MEV_CM2_G_TO_GY_MM2, pencil_kernel_of_spectrum

#: Virtual sources of the gantry rooms [mm], as the plans state them.
SOURCES_MM = (2000.0, 2560.0)

#: Composition that the data set documents, at the density of Solid Water HE that it documents [g/cm3].
SOLID_WATER = Material(
    "Solid Water HE",
    1.032,
    ((1, 0.08), (6, 0.673), (7, 0.0239), (8, 0.1987), (17, 0.0014), (20, 0.0231)),
)

#: At this energy [MeV] materials are turned into water; between 60 and 150 MeV it matters 0.1 %.
RATIO_AT_MEV = 100.0


class Slab(NamedTuple):
    """From ``start_mm`` to ``end_mm`` along the beam, the isocentre at 0."""

    material: Material
    start_mm: float
    end_mm: float


def phantom(
    detector_mm: float, *, surface_mm: float = -102.5, solid_water: Material = SOLID_WATER
) -> list[Slab]:
    """Return air, and 205 mm of solid water with 5 mm of PMMA centred at ``detector_mm``."""
    near, far = detector_mm - 2.5, detector_mm + 2.5
    return [
        Slab(material("air, dry"), -500.0, surface_mm),
        Slab(solid_water, surface_mm, near),
        Slab(material("PMMA"), near, far),
        Slab(solid_water, far, surface_mm + 205.0),
    ]


def water_depth_mm(slabs: Sequence[Slab], z_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the water-equivalent depth at each z."""
    depth = np.zeros_like(z_mm)
    for slab in slabs:
        ratio = float(stopping_power_ratio(slab.material, RATIO_AT_MEV))
        depth += ratio * np.clip(z_mm - slab.start_mm, 0.0, slab.end_mm - slab.start_mm)
    return depth


def read_spots(path: Path) -> NDArray[np.float64]:
    """Return energy [MeV], spread [MeV], x, y [mm] and protons of each spot, shape (n, 5)."""
    table = np.loadtxt(path)
    return table[:, [0, 1, 2, 3, 6]] * np.array([1e3, 1e3, 10.0, 10.0, 1.0])


def _fraction(centre: NDArray[np.float64], sigma: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    root = np.sqrt(2.0) * sigma
    return 0.5 * (erf((half - centre) / root) + erf((half + centre) / root))


def nominal_energies(model: BeamModel, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nominal energies of the real ones that the spot list names."""
    means = np.array([s.spectrum.total_mean_mev for s in model.spots])
    return np.interp(energies_mev, means, model.nominal_energies_mev)


def narrow_profile(
    folder: Path,
    spots: NDArray[np.float64],
    slabs: Sequence[Slab],
    z_mm: NDArray[np.float64],
    *,
    half_mm: float = 10.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return dose to water [MeV/g] per proton and LETd [keV/um] in a square of ``half_mm`` about the axis."""
    model = read_dcpt_beam_model(
        folder / "dcpt_beam_model" / "DCPT_beam_model__v2.csv", source_distance_mm=SOURCES_MM
    )
    water = water_depth_mm(slabs, z_mm)
    dose, with_let = np.zeros_like(z_mm), np.zeros_like(z_mm)
    for energy in np.unique(spots[:, 0]):
        mine = spots[spots[:, 0] == energy]
        kernel = pencil_kernel_of_spectrum(float(energy), EnergySpectrum([energy], [mine[0, 1]], [1.0]))
        space = spot_at_energy(model, float(nominal_energies(model, energy))).phase_space[0]
        # Across the beam all is smooth along it: every 2 mm is enough.
        along = np.arange(z_mm[0], z_mm[-1] + 2.0, 2.0)
        deep = np.interp(along, z_mm, water)
        air = np.array([space.sigma_mm(model.plane_mm + z) for z in along])
        x = mine[:, 2, None] * (1.0 + along / SOURCES_MM[0])
        y = mine[:, 3, None] * (1.0 + along / SOURCES_MM[1])
        layer = np.zeros_like(z_mm)
        for c in range(kernel.weights.shape[1]):
            spread = np.interp(deep, kernel.depth_mm, kernel.sigma_mm[:, c])
            caught = _fraction(x, np.hypot(air[:, 0], spread), half_mm)
            caught *= _fraction(y, np.hypot(air[:, 1], spread), half_mm)
            fraction = np.interp(z_mm, along, mine[:, 4] @ caught)
            layer += fraction * np.interp(water, kernel.depth_mm, kernel.weights[:, c])
        layer *= np.interp(water, kernel.depth_mm, kernel.integrated_dose_gy_mm2, right=0.0)
        dose += layer
        with_let += layer * np.interp(water, kernel.depth_mm, kernel.let_kev_um)
    let = with_let / np.maximum(dose, 1e-300)
    area_cm2 = (0.2 * half_mm) ** 2
    gy_mm2 = dose / spots[:, 4].sum()
    return gy_mm2 / MEV_CM2_G_TO_GY_MM2 / area_cm2, let


def scored(folder: Path, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return z [mm] of the bins' centres and the values of a scored profile."""
    table = np.loadtxt(folder / name)
    return 10.0 * table[:, 0], table[:, 1]


def distal_mm(z_mm: NDArray[np.float64], dose: NDArray[np.float64], level: float) -> float:
    """Return where the dose falls for the last time through ``level``."""
    k = int(np.flatnonzero(dose >= level)[-1])
    return float(np.interp(-level, -dose[k : k + 2], z_mm[k : k + 2]))
