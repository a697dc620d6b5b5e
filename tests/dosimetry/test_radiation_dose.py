import math

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.dosimetry.dose_kernel import dose_kernel
from tumorboard.dosimetry.dose_kernel_convolution import DensityCorrection, KernelConvolution
from tumorboard.dosimetry.local_deposition import LocalDeposition
from tumorboard.dosimetry.progeny import progeny_decays
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.dosimetry.radiation_dose import RadiationDose, emission_parts, radiation_dose
from tumorboard.dosimetry.voxel_dose import DecayMap, emitted_mev, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.provenance import Record

LIBRARY = DecayLibrary.ENDF_B_VIII_1
GRID = Grid((7, 7, 7), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
WATER = TransportMedium.homogeneous(GRID, material("water, liquid"))
ALL_STAY = LocalDeposition(photons_stay_below_mev=math.inf, least_density_g_cm3=0.0)


def with_progeny(name, assumption=ProgenyAssumption.WITH_PARENT):
    return progeny_decays(name, ProgenyFate(assumption), library=LIBRARY, until_s=math.inf).emissions()


def decays_in_the_middle(number=1e9):
    values = np.zeros(GRID.shape)
    values[3, 3, 3] = number
    return DecayMap(values, GRID, Record("test"))


@pytest.mark.parametrize("name", ["Ra-223", "Ac-225", "Pb-212", "Bi-213", "Th-227", "Lu-177", "F-18"])
def test_emission_parts__together_carry_all_energy(name):
    emissions = with_progeny(name)
    parts = emission_parts(emissions)
    energies = [emitted_mev(p) for p in (parts.alphas, parts.electrons, parts.photons) if p is not None]
    assert sum(energies) == pytest.approx(emitted_mev(emissions), rel=1e-12)


@pytest.mark.parametrize("name", ["Ra-223", "Ac-225", "Pb-212", "Bi-213", "Th-227"])
def test_radiation_dose__is_the_voxel_dose_in_parts(name):
    emissions, decays = with_progeny(name), decays_in_the_middle()
    parts = radiation_dose(decays, WATER, emissions, ALL_STAY)
    whole = voxel_dose(decays, WATER, emissions, ALL_STAY).dose.values
    np.testing.assert_allclose(parts.absorbed_gy, whole, rtol=1e-6)
    expected = 1e9 * emitted_mev(emissions) * GY_G_PER_MEV / 0.064
    assert parts.absorbed_gy[3, 3, 3] == pytest.approx(expected, rel=2e-3)  # water has 0.998 g/cm3
    weighted = parts.rbe_weighted_gy(alpha_rbe=5.0)
    np.testing.assert_allclose(weighted - parts.absorbed_gy, 4.0 * parts.alpha_gy, rtol=1e-9, atol=1e-12)


def test_radiation_dose__of_alphas_is_the_same_by_kernel_and_monte_carlo():
    emissions, decays = with_progeny("Ac-225"), decays_in_the_middle()
    plan = BatchPlan(2000, 1, 1)
    kernel = dose_kernel(
        emissions, material("water, liquid"), plan, spacing_mm=(4.0, 4.0, 4.0), shape=(13, 13, 13)
    )
    alphas = emission_parts(emissions).alphas
    by_kernel = KernelConvolution(
        dose_kernel(alphas, material("water, liquid"), plan, spacing_mm=(4.0,) * 3, shape=(1, 1, 1)),
        DensityCorrection.LOCAL,
        least_density_g_cm3=0.1,
    )
    first = voxel_dose(decays, WATER, alphas, by_kernel).dose.values
    second = voxel_dose(decays, WATER, alphas, MonteCarlo(plan, follow_photons=True)).dose.values
    local = radiation_dose(decays, WATER, emissions, ALL_STAY)
    assert first[3, 3, 3] == pytest.approx(local.alpha_gy[3, 3, 3], rel=1e-3)
    assert second[3, 3, 3] == pytest.approx(local.alpha_gy[3, 3, 3], rel=1e-3)
    # All of it: nearly all is of alphas.
    own = kernel.dose_gy[6, 6, 6] * 1e9
    assert local.alpha_gy[3, 3, 3] < own < local.absorbed_gy[3, 3, 3]


def test_radiation_dose__has_no_alphas_of_what_emits_none():
    dose = radiation_dose(decays_in_the_middle(), WATER, decay_emissions("Y-90", library=LIBRARY), ALL_STAY)
    assert dose.alpha_gy.max() < 1e-6 * dose.electron_gy.max()
    np.testing.assert_allclose(dose.rbe_weighted_gy(alpha_rbe=5.0), dose.absorbed_gy, rtol=1e-5)


def test_radiation_dose__refuses_what_is_none():
    with pytest.raises(InputError, match="one shape"):
        RadiationDose([1.0, 2.0], 1.0, 1.0, Record("test"))
    with pytest.raises(InputError, match=">= 0"):
        RadiationDose(-1.0, 1.0, 1.0, Record("test"))
    with pytest.raises(InputError, match="alpha_rbe"):
        RadiationDose(1.0, 1.0, 1.0, Record("test")).rbe_weighted_gy(alpha_rbe=0.5)
