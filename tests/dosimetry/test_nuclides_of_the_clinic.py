"""The nuclides of nuclear medicine, each with its progeny: emissions, energy, spheres and voxels."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.dosimetry.dose_kernel import dose_kernel
from tumorboard.dosimetry.local_deposition import LocalDeposition
from tumorboard.dosimetry.progeny import progeny_decays
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.dosimetry.sphere import sphere_model
from tumorboard.dosimetry.voxel_dose import DecayMap, emitted_mev, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.physics.decay import DecayLibrary, EmissionKind, decay_data
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.provenance import Record

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "decay"
LIBRARY = DecayLibrary.ENDF_B_VIII_1
WATER = material("water, liquid")
GRID = Grid((5, 5, 5), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
MEDIUM = TransportMedium.homogeneous(GRID, WATER)
#: What each emits itself, and how many members of its chain decay within a life, itself included.
BETA, GAMMA, CE = EmissionKind.BETA_MINUS, EmissionKind.GAMMA, EmissionKind.CONVERSION_ELECTRON
PLUS, ALPHA = EmissionKind.BETA_PLUS, EmissionKind.ALPHA
X_RAY, AUGER = EmissionKind.X_RAY, EmissionKind.AUGER_ELECTRON
NUCLIDES = {
    "F-18": ((PLUS, EmissionKind.ANNIHILATION), 1),
    "Ga-68": ((PLUS, GAMMA, EmissionKind.ANNIHILATION), 1),
    "Cu-64": ((PLUS, BETA, GAMMA, X_RAY, AUGER), 1),
    "Zr-89": ((PLUS, GAMMA, X_RAY, AUGER), 2),
    "I-124": ((PLUS, GAMMA, X_RAY, AUGER, CE), 1),
    "Tc-99m": ((GAMMA, CE, X_RAY, AUGER), 1),
    "In-111": ((GAMMA, CE, X_RAY, AUGER), 1),
    "Lu-177": ((BETA, GAMMA, CE, X_RAY, AUGER), 1),
    "I-131": ((BETA, GAMMA, CE, X_RAY, AUGER), 2),
    "Y-90": ((BETA, CE), 1),
    "Tb-161": ((BETA, GAMMA, CE, X_RAY, AUGER), 1),
    "Sm-153": ((BETA, GAMMA, CE, X_RAY, AUGER), 1),
    "Ho-166": ((BETA, GAMMA, CE, X_RAY, AUGER), 1),
    "Re-188": ((BETA, GAMMA, CE, X_RAY, AUGER), 1),
    "Ra-223": ((ALPHA, GAMMA, CE, X_RAY, AUGER), 7),
    "Ac-225": ((ALPHA, GAMMA, CE, X_RAY, AUGER), 7),
    "Pb-212": ((BETA, GAMMA, CE, X_RAY, AUGER), 4),
    "Bi-213": ((ALPHA, BETA, GAMMA, CE, X_RAY, AUGER), 4),
    "Th-227": ((ALPHA, GAMMA, CE, X_RAY, AUGER), 8),
}


def whole(name, library=LIBRARY):
    fate = ProgenyFate(ProgenyAssumption.WITH_PARENT)
    return progeny_decays(name, fate, library=library, until_s=math.inf)


@pytest.mark.parametrize("library", DecayLibrary)
@pytest.mark.parametrize("name", NUCLIDES)
def test_progeny_decays__of_the_clinic_are_complete(name, library):
    kinds, members = NUCLIDES[name]
    data = decay_data(name, library=library)
    for kind in kinds:
        assert data.yield_per_decay(kind) > 0, kind
    found = whole(name, library)
    # Branches rarer than one in 1000 come on top.
    assert (found.in_place > 1e-3).sum() == members
    parts = [
        (decay_data(m, library=library), n) for m, n in zip(found.members, found.in_place, strict=True) if n
    ]
    every = [e for e in EmissionKind if e not in (EmissionKind.ANNIHILATION, EmissionKind.NEUTRON)]
    energy = sum(n * (sum(map(d.energy_mev, every)) + d.recoil_mev) for d, n in parts)
    positrons = sum(n * d.yield_per_decay(PLUS) for d, n in parts)
    # Bins hold betas' energy to 1e-4 of it.
    assert emitted_mev(found.emissions()) == pytest.approx(energy + 1.02199790 * positrons, rel=1e-4)


@pytest.mark.parametrize("name", NUCLIDES)
def test_voxel_dose__of_the_clinic_keeps_energy(name):
    emissions = whole(name).emissions()
    values = np.zeros(GRID.shape)
    values[2, 2, 2] = 1e9
    decays = DecayMap(values, GRID, Record("test"))
    for stay in (0.0, 0.01, math.inf):
        local = voxel_dose(decays, MEDIUM, emissions, LocalDeposition(stay, least_density_g_cm3=0.1))
        balance = local.balance
        assert balance.deposited_mev + balance.handed_on_mev == pytest.approx(balance.brought_mev, rel=1e-9)
        deposited = float((local.dose.values * MEDIUM.mass_g).sum()) / GY_G_PER_MEV / 1e9
        assert deposited == pytest.approx(balance.deposited_mev, rel=1e-6)
    followed = voxel_dose(decays, MEDIUM, emissions, MonteCarlo(BatchPlan(500, 1, 1), follow_photons=True))
    b = followed.balance
    assert b.deposited_mev + b.escaped_mev + b.missed_mev + b.handed_on_mev == pytest.approx(
        b.brought_mev, rel=1e-6
    )
    kernel = dose_kernel(emissions, WATER, BatchPlan(240, 1, 1), spacing_mm=(4.0,) * 3, shape=(5, 5, 5))
    assert kernel.energy_mev.sum() + kernel.missing_mev == pytest.approx(emitted_mev(emissions), rel=1e-6)
    assert kernel.missing_mev <= kernel.photons_mev + 0.4 * emitted_mev(emissions)


@pytest.mark.parametrize("name", NUCLIDES)
def test_sphere_model__of_the_clinic_absorbs_what_it_can(name):
    emissions = whole(name).emissions()
    model = sphere_model(
        emissions, WATER, BatchPlan(600, 1, 1), largest_mass_g=100.0, highest_density_g_cm3=1.0
    )
    shares = [model.absorbed_fraction(m, density_g_cm3=1.0) for m in (0.1, 1.0, 10.0, 100.0)]
    assert (np.diff(shares) > 0).all()
    assert emissions.local_mev / emitted_mev(emissions) < shares[0] < shares[-1] < 1
    if emissions.local_mev > 1.0:
        # Spheres keep all of alphas and recoils: at least their S-value.
        least = emissions.local_mev * GY_G_PER_MEV / 0.1
        assert model.s_value_gy(0.1, density_g_cm3=1.0) > least


def kept():
    with (VALIDATION / "mean_energies.csv").open(encoding="utf-8") as file:
        return [*csv.DictReader(file)]


@pytest.mark.parametrize("row", kept(), ids=lambda row: row["nuclide"])
def test_mean_energies__are_those_of_the_table_that_is_kept(row):
    for library, prefix in ((LIBRARY, "endf"), (DecayLibrary.JEFF_4_0, "jeff")):
        data = decay_data(row["nuclide"], library=library)
        assert data.half_life_s == pytest.approx(float(row[f"{prefix}_half_life_s"]), rel=1e-5)
        beta = 1e3 * (data.energy_mev(BETA) + data.energy_mev(PLUS))
        assert beta == pytest.approx(float(row[f"{prefix}_beta_kev"]), rel=1e-4, abs=1e-6)
        for kind in (CE, AUGER, GAMMA, X_RAY, ALPHA):
            name = kind.value.removesuffix("_electron")
            stated = float(row[f"{prefix}_{name}_kev"])
            assert 1e3 * data.energy_mev(kind) == pytest.approx(stated, rel=1e-4, abs=1e-6)
