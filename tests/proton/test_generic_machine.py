import numpy as np
import pytest

from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import electronic_mass_stopping_power_mev_cm2_g
from tumorboard.proton.generic_machine import GENERIC_MACHINE_NAME, generic_beam_model, generic_machine

pytestmark = pytest.mark.slow


def test_generic_beam_model__focuses_at_the_isocentre():
    model = generic_beam_model()
    assert model.name == GENERIC_MACHINE_NAME
    for spot, sigma in ((model.spots[0], 6.0), (model.spots[-1], 3.0)):
        (space,) = spot.phase_space
        assert space.sigma_mm(model.plane_mm) == pytest.approx((sigma, sigma))
        near = [space.sigma_mm(model.plane_mm + d)[0] for d in (-50.0, 0.0, 50.0)]
        assert near[1] < near[0] == pytest.approx(near[2])


def test_generic_beam_model__monitor_units_follow_the_stopping_power_of_air():
    model, air = generic_beam_model(), material("air, dry")
    energies = model.nominal_energies_mev
    per_mu = np.array([s.protons_per_mu for s in model.spots])
    constant = per_mu * electronic_mass_stopping_power_mev_cm2_g(air, energies)
    assert constant == pytest.approx(constant[0], rel=1e-12)
    # 3 nC at 34.44 J/C, in 10 mm of air.
    assert constant[0] * 1.20479e-3 * 1.602176634e-13 == pytest.approx(3e-9 * 34.44, rel=1e-9)


def test_generic_machine__layers_are_three_millimetres_apart():
    machine = generic_machine()
    ranges = np.array([k.range_mm for k in machine.kernels])
    assert ranges[0] == pytest.approx(41, abs=0.5)
    assert ranges[-1] == pytest.approx(329, abs=1.0)
    assert np.diff(ranges) == pytest.approx(3.0, abs=0.1)
    assert generic_machine() is machine


def test_generic_machine__layers_add_up_to_a_flat_depth_dose():
    machine = generic_machine()
    kernels = machine.kernels[30:45]
    depth = np.linspace(kernels[3].range_mm, kernels[11].range_mm, 300)
    doses = np.stack([np.interp(depth, k.depth_mm, k.integrated_dose_gy_mm2) for k in kernels], axis=1)
    from scipy.optimize import nnls

    weights, _ = nnls(doses, np.full(depth.size, doses.max()))
    total = doses @ weights / doses.max()
    assert np.abs(total - 1).max() < 0.01
