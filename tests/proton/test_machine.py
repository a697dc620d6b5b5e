from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core.beam import EnergySpectrum, PhaseSpace, ProtonMachine, RangeShifter
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.scattering import fermi_eyges
from tumorboard.proton.generic_machine import generic_beam_model
from tumorboard.proton.machine import (
    at_energy,
    build_machine,
    range_shifter_effect,
    range_shifter_material,
    spot_at_energy,
)
from tumorboard.proton.water_kernels import pencil_kernel

pytestmark = pytest.mark.slow

MODEL = generic_beam_model()


@pytest.fixture(scope="module")
def sparse():
    return build_machine(MODEL, [100.0, 104.0, 150.0, 152.0])


def test_at_energy__is_the_machines_own_where_it_has_one(sparse):
    spot, kernel = at_energy(sparse, 150.0004)
    assert kernel is sparse.kernels[2]
    assert spot is sparse.beam_model.spots[2]


@pytest.mark.parametrize("energy", [101.0, 102.7, 151.0])
def test_at_energy__in_between_is_near_what_physics_gives(sparse, energy):
    spot, kernel = at_energy(sparse, energy)
    exact = pencil_kernel(spot)
    assert kernel.range_mm == pytest.approx(exact.range_mm, abs=0.05)
    depth = np.linspace(1, exact.range_mm + 3, 400)
    ours = np.interp(depth, kernel.depth_mm, kernel.integrated_dose_gy_mm2)
    theirs = np.interp(depth, exact.depth_mm, exact.integrated_dose_gy_mm2)
    assert np.abs(ours - theirs).max() < 0.02 * theirs.max()
    plateau = depth < 0.8 * exact.range_mm
    assert ours[plateau] == pytest.approx(theirs[plateau], rel=0.003)
    let = np.interp(depth[plateau], kernel.depth_mm, kernel.let_kev_um)
    assert let == pytest.approx(np.interp(depth[plateau], exact.depth_mm, exact.let_kev_um), rel=0.01)


def test_at_energy__range_follows_a_power_between_its_neighbours(sparse):
    low, high = sparse.kernels[0].range_mm, sparse.kernels[1].range_mm
    _, kernel = at_energy(sparse, 102.0)
    power = np.log(high / low) / np.log(1.04)
    assert kernel.range_mm == pytest.approx(low * 1.02**power, rel=1e-9)
    assert kernel.weights.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("energy", [60.0, 240.0])
def test_at_energy__never_extrapolates(sparse, energy):
    with pytest.raises(InputError, match="must be 100 to 152"):
        at_energy(sparse, energy)


def test_spot_at_energy__refuses_to_mix_unlike_spots():
    first, second = MODEL.spots[:2]
    double = (PhaseSpace(0.5, 3.0, 3.0), PhaseSpace(0.5, 9.0, 9.0))
    model = replace(MODEL, spots=(first, replace(second, phase_space=double)))
    between = 0.5 * (first.nominal_energy_mev + second.nominal_energy_mev)
    with pytest.raises(InputError, match="equally many Gaussians"):
        spot_at_energy(model, between)
    assert spot_at_energy(model, second.nominal_energy_mev).phase_space == double


def test_at_energy__refuses_to_mix_unlike_kernels(sparse):
    one = sparse.kernels[1]
    single = replace(one, sigma_mm=one.sigma_mm[:, :1], weights=np.ones((one.depth_mm.size, 1)))
    machine = ProtonMachine(sparse.beam_model, (sparse.kernels[0], single, *sparse.kernels[2:]))
    with pytest.raises(InputError, match="equally many lateral components"):
        at_energy(machine, 102.0)


def test_build_machine__takes_energies_in_any_order_and_once():
    machine = build_machine(MODEL, [150.0, 100.0, 150.0])
    assert machine.beam_model.nominal_energies_mev.tolist() == [100.0, 150.0]
    assert machine.beam_model.range_shifters == MODEL.range_shifters


def test_build_machine__does_not_depend_on_the_number_of_threads():
    from tumorboard.numerics.threads import threads_at_most

    many = build_machine(MODEL, [90.0, 120.0, 121.0])
    with threads_at_most(1):
        one = build_machine(MODEL, [90.0, 120.0, 121.0])
    for a, b in zip(many.kernels, one.kernels, strict=True):
        assert np.array_equal(a.integrated_dose_gy_mm2, b.integrated_dose_gy_mm2)


def test_range_shifter_effect__equals_fermi_eyges_through_slab_and_gap():
    shifter = RangeShifter("RS", "Lexan", 30.0, 34.3)
    effect = range_shifter_effect(shifter, 150.0)
    air_gap_mm = 200.0
    moments, energy = fermi_eyges([(material("polycarbonate"), 30.0)], 150.0)
    behind = moments.drifted(air_gap_mm)
    assert effect.exit_energy_mev == energy
    assert effect.position_mm2 + 2 * effect.covariance_mm_rad * air_gap_mm + (
        effect.angle_rad2 * air_gap_mm**2
    ) == pytest.approx(behind.position_mm2)
    # As much water scatters more: lexan has fewer heavy nuclei for what it stops.
    assert effect.water_angle_rad2 == pytest.approx(effect.angle_rad2, rel=0.2)


def test_range_shifter_effect__what_the_kernel_holds_is_the_kernels(sparse):
    shifter = RangeShifter("RS", "water", 40.0, 40.0)
    effect = range_shifter_effect(shifter, 150.0)
    kernel = at_energy(sparse, 150.0)[1]
    core_mm2 = np.interp(40.0, kernel.depth_mm, kernel.sigma_mm[:, 0]) ** 2
    assert effect.water_position_mm2 == pytest.approx(core_mm2, rel=0.01)


def test_range_shifter__refuses_what_it_does_not_know():
    with pytest.raises(InputError, match="material of range shifter 'RS' must be one of"):
        range_shifter_material(RangeShifter("RS", "unobtainium", 30.0, 34.3))
    with pytest.raises(InputError, match="must let the beam through"):
        range_shifter_effect(RangeShifter("RS", "lexan", 60.0, 69.0), 70.0)


def test_spot_at_energy__is_linear_in_every_number():
    a, b = MODEL.spots[10], MODEL.spots[11]
    energy = 0.25 * a.nominal_energy_mev + 0.75 * b.nominal_energy_mev
    spot = spot_at_energy(MODEL, energy)
    assert spot.protons_per_mu == pytest.approx(0.25 * a.protons_per_mu + 0.75 * b.protons_per_mu)
    assert spot.spectrum.total_sigma_mev == pytest.approx(
        0.25 * a.spectrum.sigma_mev[0] + 0.75 * b.spectrum.sigma_mev[0]
    )
    assert isinstance(spot.spectrum, EnergySpectrum)
