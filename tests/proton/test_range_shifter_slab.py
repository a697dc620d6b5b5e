"""Width of a spot behind a range shifter, at every distance from it and in water."""

from dataclasses import replace

import numpy as np
import pytest
from pencil_cases import RECORD, beam_of, dose_of, influence

from tumorboard.core import Image, Quantity
from tumorboard.core.beam import PhaseSpace, RangeShifter
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.proton.machine import range_shifter_effect
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel

pytestmark = pytest.mark.slow

FINE = PencilBeamModel(DepthModel.CENTRAL_RAY, lateral_cutoff=1e-6)
FIELD = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))


def variances(dose, spacing_mm):
    """Second moment across the beam [mm2] of each plane of y; gantry 0 runs along it."""
    profile = dose.sum(axis=0)
    x = spacing_mm * (np.arange(profile.shape[1]) - (profile.shape[1] - 1) / 2)
    return profile @ x**2 / profile.sum(axis=1)


def of_kernel(kernel, depth_mm):
    """Variance that a kernel adds at a depth [mm2], all components together."""
    shares = [np.interp(depth_mm, kernel.depth_mm, w) for w in kernel.weights.T]
    spreads = [np.interp(depth_mm, kernel.depth_mm, s) ** 2 for s in kernel.sigma_mm.T]
    return sum(share * spread for share, spread in zip(shares, spreads, strict=True))


@pytest.mark.parametrize("gap_mm", [200.0, 350.0])
def test_dose_influence__behind_a_range_shifter_widens_along_the_way_in_air(
    plain_machine, grid_around, stopping_powers, gap_mm
):
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 3.0, 3.0),), energies=(150.0,))
    effect = range_shifter_effect(machine.beam_model.range_shifter("RS"), 150.0)
    grid = grid_around((101, 13, 101), (2.0, 25.0, 2.0))
    beam = beam_of(FIELD, (0, 0), 150.0, range_shifter="RS", range_shifter_distance_mm=gap_mm)
    found = variances(dose_of(influence([beam], stopping_powers(grid, 0.0), machine, FINE)), 2.0)
    d = gap_mm + 25.0 * (np.arange(13) - 6)
    moments = effect.position_mm2 + 2 * effect.covariance_mm_rad * d + effect.angle_rad2 * d**2
    rest = 9.0 + of_kernel(machine.kernels[0], 46.0) - effect.water_position_mm2
    np.testing.assert_allclose(found, rest + moments, rtol=0.003)


def test_dose_influence__behind_a_range_shifter_of_water_in_contact_is_that_in_water(
    plain_machine, grid_around
):
    # As if the water began at the shifter's upstream face: nothing is counted twice, and nothing is lost.
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 3.0, 3.0),), energies=(150.0,))
    shifter = RangeShifter("W", "water, liquid", 46.0, 46.0)
    machine = replace(machine, beam_model=replace(machine.beam_model, range_shifters=(shifter,)))
    grid = grid_around((101, 30, 101), (2.0, 2.5, 2.0))
    rsp = Image(np.ones(grid.shape, np.float32), grid, Quantity.RELATIVE_STOPPING_POWER, RECORD)
    # The grid's first face, where the water begins, is 37.5 mm before the isocentre.
    beam = beam_of(FIELD, (0, 0), 150.0, range_shifter="W", range_shifter_distance_mm=37.5)
    found = variances(dose_of(influence([beam], rsp, machine, FINE)), 2.0)
    w = 2.5 * (np.arange(30) + 0.5)
    expected = 9.0 + of_kernel(machine.kernels[0], 46.0 + w)
    np.testing.assert_allclose(found, expected, rtol=0.003)
