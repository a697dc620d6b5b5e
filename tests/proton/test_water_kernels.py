import numpy as np
import pytest

from tumorboard.core.beam import EnergySpectrum, PhaseSpace, SpotModel
from tumorboard.errors import InputError
from tumorboard.physics.depth_dose import depth_dose
from tumorboard.physics.materials import material
from tumorboard.physics.scattering import scattering_sigma_mm
from tumorboard.proton.water_kernels import MEV_CM2_G_TO_GY_MM2, pencil_kernel

pytestmark = pytest.mark.slow

WATER = material("water, liquid")


def spot(energy, sigma=0.8):
    return SpotModel(energy, EnergySpectrum([energy], [sigma], [1.0]), (PhaseSpace(1.0, 4.0, 4.0),))


@pytest.mark.parametrize("energy", [70.0, 150.0, 230.0])
def test_pencil_kernel__holds_the_energy(energy):
    kernel = pencil_kernel(spot(energy))
    made = depth_dose(spot(energy).spectrum, WATER)
    # 1 g/cm3: the integral over depth [Gy mm3] times 1e-6 kg/mm3 is the energy [J].
    joule = 1e-6 * np.trapezoid(kernel.integrated_dose_gy_mm2, kernel.depth_mm)
    assert joule / 1.602176634e-13 == pytest.approx(energy - made.lost_mev, rel=1e-3)


@pytest.mark.parametrize("energy", [70.0, 150.0, 230.0])
def test_pencil_kernel__has_a_core_and_a_wider_halo(energy):
    kernel = pencil_kernel(spot(energy))
    core, halo = kernel.sigma_mm.T
    assert ((kernel.weights >= 0) & (kernel.weights <= 1)).all()
    assert (halo >= core).all()
    inside = kernel.depth_mm < kernel.range_mm
    assert core[inside] == pytest.approx(scattering_sigma_mm(WATER, energy, kernel.depth_mm[inside]))
    # It grows with the energy: 14 %, 20 % and 23 % at the most, before the peak.
    assert 0.05 < kernel.weights[inside, 1].max() < 0.3


def test_pencil_kernel__let_rises_to_the_end():
    kernel = pencil_kernel(spot(150.0))
    near = (kernel.depth_mm > 20) & (kernel.depth_mm < kernel.range_mm + 3)
    assert (np.diff(kernel.let_kev_um[near]) > 0).all()
    # At the surface there are only primaries: the stopping power at 150 MeV.
    assert kernel.let_kev_um[0] == pytest.approx(0.5443, rel=0.05)


def test_pencil_kernel__converges_in_the_step():
    coarse, fine = (
        pencil_kernel(spot(100.0), depth_step_mm=0.4),
        pencil_kernel(spot(100.0), depth_step_mm=0.1),
    )
    assert coarse.range_mm == pytest.approx(fine.range_mm, abs=0.02)
    between = np.interp(fine.depth_mm, coarse.depth_mm, coarse.integrated_dose_gy_mm2)
    assert np.abs(between - fine.integrated_dose_gy_mm2).max() < 0.01 * fine.integrated_dose_gy_mm2.max()


def test_pencil_kernel__refuses_steps_that_lose_the_peak():
    with pytest.raises(InputError, match="depth_step_mm must be"):
        pencil_kernel(spot(100.0), depth_step_mm=5.0)


def test_mev_cm2_g__is_so_many_gy_mm2():
    # 1 MeV cm2/g = 1.602176634e-13 J * 100 mm2 / 1e-3 kg.
    assert pytest.approx(1.602176634e-13 * 100 / 1e-3) == MEV_CM2_G_TO_GY_MM2
