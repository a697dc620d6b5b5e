import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.dosimetry.local_deposition import LocalDeposition, staying_photons_mev
from tumorboard.dosimetry.voxel_dose import DecayMap, emitted_mev, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.errors import GridMismatch, InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines, EmissionSpectrum
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

WATER = material("water, liquid")
LUTETIUM = emissions_of("Lu-177")
LOCAL = LocalDeposition(photons_stay_below_mev=0.0, least_density_g_cm3=0.1)


def box(shape=(9, 10, 11), spacing=(4.0, 4.4, 4.4)):
    return Grid(shape, spacing, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


def lungs(grid):
    """Water, lung from half of x on, and air in the last column."""
    density = np.ones(grid.shape, np.float32)
    density[..., grid.shape[2] // 2 :] = 0.26
    density[..., -1] = 0.0012
    return TransportMedium(grid, density, np.zeros(grid.shape, np.uint16), (WATER,))


def some_decays(grid, seed=1):
    return DecayMap(np.random.default_rng(seed).uniform(0, 1e12, grid.shape), grid, Record("test"))


def energy_mev(found, medium):
    return float((found.dose.values.astype(float) * medium.mass_g).sum() / GY_G_PER_MEV)


def test_voxel_dose__of_local_deposition_closes_and_leaves_air_alone():
    grid = box()
    medium, decays = lungs(grid), some_decays(grid)
    found = voxel_dose(decays, medium, LUTETIUM, LOCAL)
    balance = found.balance
    assert balance.brought_mev == pytest.approx(emitted_mev(LUTETIUM), rel=1e-12)
    parts = balance.deposited_mev + balance.escaped_mev + balance.handed_on_mev
    assert parts == pytest.approx(balance.brought_mev, rel=1e-12)
    assert energy_mev(found, medium) == pytest.approx(balance.deposited_mev * decays.total, rel=1e-6)
    assert (found.dose.values[..., -1] == 0).all()
    assert balance.handed_on_mev == pytest.approx(LUTETIUM.energy_mev(ParticleKind.PHOTON))


def test_voxel_dose__of_local_deposition_is_linear_and_says_how_lutetium_does():
    grid = box()
    medium = TransportMedium.homogeneous(grid, WATER)
    one, two = some_decays(grid, 1), some_decays(grid, 2)
    both = DecayMap(one.decays + 2 * two.decays, grid, Record("test"))
    found = [voxel_dose(d, medium, LUTETIUM, LOCAL).dose.values.astype(float) for d in (one, two, both)]
    np.testing.assert_allclose(found[0] + 2 * found[1], found[2], rtol=1e-6)
    # 1 MBq h/mL of 147 keV.
    map_ = DecayMap.of_concentration(np.full(grid.shape, 3.6e9), grid, Record("test"))
    dose = voxel_dose(map_, medium, LUTETIUM, LOCAL).dose.values.mean()
    assert dose == pytest.approx(0.0848 * material("water, liquid").density_g_cm3, rel=0.02)


def test_staying_photons_mev__counts_lines_bins_and_annihilation_below():
    lines = EmissionLines(ParticleKind.PHOTON, np.array([0.01, 0.2]), np.array([2.0, 0.1]))
    bins = EmissionSpectrum(ParticleKind.PHOTON, np.array([0.0, 0.1]), np.array([1.0]))
    positrons = EmissionLines(ParticleKind.POSITRON, np.array([0.25]), np.array([0.5]))
    emissions = DecayEmissions("mixed", lines=(lines, positrons), spectra=(bins,))
    assert staying_photons_mev(emissions, 0.0) == 0.0
    assert staying_photons_mev(emissions, 0.05) == pytest.approx(0.02 + 0.0125)
    assert staying_photons_mev(emissions, np.inf) == pytest.approx(0.04 + 0.05 + 0.51099895)
    keeps = LocalDeposition(photons_stay_below_mev=np.inf, least_density_g_cm3=0.0)
    grid = box()
    found = voxel_dose(some_decays(grid), lungs(grid), emissions, keeps)
    assert found.balance.deposited_mev == pytest.approx(emitted_mev(emissions), rel=1e-9)


def test_voxel_dose__of_monte_carlo_closes_and_agrees_with_local_deposition_where_it_is_right():
    grid = box((12, 12, 12), (6.0, 6.0, 6.0))
    medium = TransportMedium.homogeneous(grid, WATER)
    decays = DecayMap(np.full(grid.shape, 1e10), grid, Record("test"))
    found = voxel_dose(decays, medium, LUTETIUM, MonteCarlo(BatchPlan(40_000, 1, 1), follow_photons=False))
    local = voxel_dose(decays, medium, LUTETIUM, LOCAL)
    assert energy_mev(found, medium) == pytest.approx(found.balance.deposited_mev * decays.total, rel=1e-6)
    inner = (slice(1, -1),) * 3
    ratio = found.dose.values[inner].mean() / local.dose.values[inner].mean()
    # 1000 inner voxels of 40 decays each: 0.4 %, and bremsstrahlung leaves.
    assert ratio == pytest.approx(1.0, abs=0.012)
    assert found.relative_uncertainty.values[inner].mean() < 0.3
    assert "sempau2000dpm" in set(found.provenance.citations())


def test_voxel_dose__adds_daughters():
    grid = box()
    medium = lungs(grid)
    alpha = DecayEmissions("alpha", local_mev=6.0)
    one = voxel_dose(some_decays(grid, 1), medium, LUTETIUM, LOCAL)
    two = voxel_dose(some_decays(grid, 2), medium, alpha, LOCAL)
    both = one + two
    np.testing.assert_allclose(both.dose.values, one.dose.values.astype(float) + two.dose.values, rtol=1e-6)
    energy = sum(d.balance.deposited_mev * d.decays for d in (one, two))
    assert both.balance.deposited_mev * both.decays == pytest.approx(energy)


def test_voxel_dose__refuses_what_does_not_fit():
    grid = box()
    decays = some_decays(grid)
    with pytest.raises(GridMismatch, match="decays and medium"):
        voxel_dose(decays, TransportMedium.homogeneous(box((9, 10, 12)), WATER), LUTETIUM, LOCAL)
    with pytest.raises(InputError, match="noise"):
        DecayMap(np.full(grid.shape, -1.0), grid, Record("test"))
    with pytest.raises(InputError, match="shape"):
        DecayMap(np.ones((2, 2, 2)), grid, Record("test"))
    with pytest.raises(InputError, match="photons_stay_below_mev"):
        LocalDeposition(photons_stay_below_mev=-1.0, least_density_g_cm3=0.1)
