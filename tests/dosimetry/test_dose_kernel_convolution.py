import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.dosimetry.dose_kernel import DoseKernel, dose_kernel
from tumorboard.dosimetry.dose_kernel_convolution import DensityCorrection, KernelConvolution
from tumorboard.dosimetry.voxel_dose import DecayMap, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.provenance import Record

WATER = material("water, liquid")
LUTETIUM = emissions_of("Lu-177")
SPACING = (4.0, 5.0, 5.0)
LOCAL = DensityCorrection.LOCAL


@pytest.fixture(scope="module")
def kernel():
    return dose_kernel(LUTETIUM, WATER, BatchPlan(20_000, 1, 1), spacing_mm=SPACING, shape=(9, 11, 7))


def box(shape=(10, 11, 12)):
    return Grid(shape, SPACING, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


def of_density(grid, density):
    return TransportMedium(
        grid, np.broadcast_to(np.float32(density), grid.shape), np.zeros(grid.shape, np.uint16), (WATER,)
    )


def doses(decays, kernel, density=1.0, correction=LOCAL, **more):
    grid = box(decays.shape)
    method = KernelConvolution(kernel, correction, least_density_g_cm3=0.1, **more)
    return voxel_dose(DecayMap(decays, grid, Record("test")), of_density(grid, density), LUTETIUM, method)


def test_kernel_convolution__is_the_sum_over_all_pairs(kernel):
    rng = np.random.default_rng(1)
    # An uneven kernel shows which way round it lies; a grid smaller than half of it, that nothing wraps.
    uneven = DoseKernel(
        **{f: getattr(kernel, f) for f in kernel.__slots__}
        | {"energy_mev": kernel.energy_mev * rng.uniform(0.5, 1, kernel.energy_mev.shape)}
    )
    decays = rng.uniform(0, 1e12, (3, 8, 6))
    expected = np.zeros(decays.shape)
    half = [n // 2 for n in uneven.energy_mev.shape]
    for source in np.ndindex(decays.shape):
        for target in np.ndindex(decays.shape):
            at = tuple(t - s + h for t, s, h in zip(target, source, half, strict=True))
            if all(0 <= i < n for i, n in zip(at, uneven.energy_mev.shape, strict=True)):
                expected[target] += decays[source] * uneven.energy_mev[at]
    found = doses(decays, uneven)
    np.testing.assert_allclose(found.dose.values, expected * GY_G_PER_MEV / uneven.mass_g, rtol=1e-6)


def test_kernel_convolution__closes_is_linear_and_moves_with_its_source(kernel):
    rng = np.random.default_rng(2)
    density = rng.uniform(0.3, 1.8, (10, 11, 12))
    density[:, :, -1] = 0.0012
    decays = rng.uniform(0, 1e12, density.shape)
    found = doses(decays, kernel, density)
    balance = found.balance
    mass = np.float32(density) * 0.1
    inside = (found.dose.values.astype(float) * mass).sum() / GY_G_PER_MEV
    assert inside == pytest.approx(balance.deposited_mev * decays.sum(), rel=1e-6)
    parts = balance.deposited_mev + balance.escaped_mev + balance.handed_on_mev
    assert parts == pytest.approx(balance.brought_mev, rel=1e-12)
    assert balance.escaped_mev > 0
    assert (found.dose.values[:, :, -1] == 0).all()
    np.testing.assert_allclose(
        doses(3 * decays, kernel, density).dose.values, 3 * found.dose.values.astype(float), rtol=1e-6
    )
    point = np.zeros((20, 20, 20))
    point[6, 7, 8] = 1e12
    there = np.zeros((20, 20, 20))
    there[9, 8, 12] = 1e12
    one, two = (doses(d, kernel).dose.values for d in (point, there))
    np.testing.assert_allclose(np.roll(one, (3, 1, 4), (0, 1, 2)), two, rtol=1e-5, atol=1e-12 * one.max())
    inner = doses(point, kernel).balance
    assert inner.escaped_mev == pytest.approx(0.0, abs=1e-12)
    assert inner.handed_on_mev == pytest.approx(kernel.missing_mev, rel=1e-9)


def test_density_correction__divides_by_the_own_mass_or_not(kernel):
    decays = np.full((10, 11, 12), 1e10)
    water, lung = doses(decays, kernel), doses(decays, kernel, 0.26)
    np.testing.assert_allclose(lung.dose.values, water.dose.values / 0.26, rtol=1e-5)
    none = doses(decays, kernel, 0.26, DensityCorrection.NONE)
    np.testing.assert_allclose(none.dose.values, water.dose.values, rtol=1e-5)


@pytest.mark.slow
def test_kernel_convolution__equals_monte_carlo_in_water(kernel):
    decays = np.zeros((10, 11, 12))
    decays[3:7, 3:8, 4:8] = 1e10
    grid = box(decays.shape)
    map_ = DecayMap(decays, grid, Record("test"))
    found = voxel_dose(
        map_,
        of_density(grid, 1.0),
        LUTETIUM,
        MonteCarlo(BatchPlan(400_000, 1, 1), follow_photons=True),
    )
    by_kernel = doses(decays, kernel)
    hot = decays > 0
    ratio = by_kernel.dose.values[hot] / found.dose.values[hot]
    assert ratio.mean() == pytest.approx(1.0, abs=0.005)
    spread = np.hypot(found.relative_uncertainty.values[hot], by_kernel.relative_uncertainty.values[hot])
    assert np.sqrt((((ratio - 1) / spread) ** 2).mean()) < 1.5


def test_kernel_convolution__carries_the_kernels_uncertainty(kernel):
    decays = np.zeros((10, 11, 12))
    decays[5, 5, 5] = 1e10
    found = doses(decays, kernel).relative_uncertainty.values
    assert found[5, 5, 5] == pytest.approx(kernel.relative_uncertainty[4, 5, 3], rel=1e-4)
    assert found[5, 5, 7] == pytest.approx(kernel.relative_uncertainty[4, 5, 5], rel=1e-3)
    assert doses(decays, kernel, uncertainty=False).relative_uncertainty is None


def test_kernel_convolution__of_a_clinical_size_closes():
    rng = np.random.default_rng(3)
    values = np.exp(-rng.uniform(0, 20, (51, 51, 51)))
    kernel = DoseKernel(
        energy_mev=0.17 * values / values.sum(),
        spacing_mm=np.array(SPACING),
        density_g_cm3=1.0,
        nuclide="Lu-177",
        emitted_mev=dose_kernel(
            LUTETIUM, WATER, BatchPlan(100, 1, 1), spacing_mm=SPACING, shape=(1, 1, 1)
        ).emitted_mev,
        photons_mev=0.035,
        relative_uncertainty=np.zeros(values.shape),
        provenance=Record("test"),
    )
    decays = rng.uniform(0, 1e10, (128, 128, 128))
    grid = box(decays.shape)
    map_, medium = DecayMap(decays, grid, Record("test")), of_density(grid, 1.0)
    method = KernelConvolution(kernel, LOCAL, least_density_g_cm3=0.1, uncertainty=False, threads=2)
    # How long it takes: benchmarks/voxel_dose.py.
    found = voxel_dose(map_, medium, LUTETIUM, method)
    inside = (found.dose.values.astype(float) * 0.1).sum() / GY_G_PER_MEV
    assert inside == pytest.approx(found.balance.deposited_mev * decays.sum(), rel=1e-6)


def test_kernel_convolution__refuses_what_does_not_fit(kernel):
    decays = np.ones((3, 3, 3))
    grid = Grid(decays.shape, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    method = KernelConvolution(kernel, LOCAL, least_density_g_cm3=0.1)
    with pytest.raises(InputError, match=r"make one: dosimetry\.dose_kernel"):
        voxel_dose(DecayMap(decays, grid, Record("test")), of_density(grid, 1.0), LUTETIUM, method)
    with pytest.raises(InputError, match="Y-90"):
        voxel_dose(
            DecayMap(decays, box((3, 3, 3)), Record("test")),
            of_density(box((3, 3, 3)), 1.0),
            emissions_of("Y-90"),
            method,
        )
    with pytest.raises(InputError, match="threads"):
        KernelConvolution(kernel, LOCAL, least_density_g_cm3=0.1, threads=0)
