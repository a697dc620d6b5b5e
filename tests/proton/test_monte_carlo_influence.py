from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core import AXIAL, EnergyLayer, Grid, Image, IonBeam, IonPlan, Quantity
from tumorboard.core.beam import EnergySpectrum, PhaseSpace, ProtonMachine
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import relative_stopping_power, schneider2000
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.proton.generic_machine import generic_machine
from tumorboard.proton.monte_carlo import monte_carlo_dose, patient_medium
from tumorboard.proton.monte_carlo_influence import monte_carlo_influence
from tumorboard.proton.plan_dose import spot_weights
from tumorboard.provenance import Record

MADE = Record("test")
GRID = Grid((21, 21, 40), (5.0, 5.0, 5.0), (-97.5, -50.0, -50.0), AXIAL, frame_of_reference="1.2.3")
FEW = {"histories_per_beamlet": 2000, "seed": 4, "threads": 1, "least_share": 0.0, "with_let": True}


@pytest.fixture(scope="module")
def medium():
    hu = np.zeros(GRID.shape, np.float32)
    hu[..., 30:34] = 900.0
    ct = Image(hu, GRID, Quantity.CT_NUMBER, MADE)
    table = schneider2000()
    return patient_medium(ct, relative_stopping_power(ct, table), table, GRID)


def machine_of_two_gaussians():
    machine = generic_machine()
    spaces = (PhaseSpace(0.8, 4.0, 4.0), PhaseSpace(0.2, 10.0, 10.0))
    spots = tuple(
        replace(s, phase_space=spaces, spectrum=EnergySpectrum([s.nominal_energy_mev], [0.5], [1.0]))
        for s in machine.beam_model.spots
    )
    return ProtonMachine(replace(machine.beam_model, spots=spots), machine.kernels)


def fields(machine, units=(1.0, 3.0, 2.0)):
    energies = machine.beam_model.nominal_energies_mev
    lower = EnergyLayer(float(energies[5]), [[0.0, 0.0], [10.0, 0.0]], units[:2])
    upper = EnergyLayer(float(energies[15]), [[0.0, 5.0]], units[2:])
    geometry = BeamGeometry(90.0, 0.0, (50.0, 0.0, 0.0))
    return (IonBeam("a", geometry, (lower,)), IonBeam("b", geometry, (upper,)))


def test_monte_carlo_influence__times_weights_is_the_dose_of_the_plan(medium):
    machine = machine_of_two_gaussians()
    beams = fields(machine)
    plan = IonPlan("test", machine.beam_model.name, beams, 1, MADE, "1.2.3")
    made = monte_carlo_influence(beams, machine, medium, **FEW)
    assert made.n_spots == 3
    assert made.beam_of_spot.tolist() == [0, 0, 1]
    weights = np.repeat(spot_weights(plan, machine), np.diff(made.column_starts))
    summed = np.bincount(made.voxels, made.dose_gy * weights, GRID.shape[0] * GRID.shape[1] * GRID.shape[2])
    direct = monte_carlo_dose(plan, machine, medium, BatchPlan(20_000, 9, 1, batches=10))
    ours, whole = (d.reshape(GRID.shape).sum(axis=(0, 1)) for d in (summed, direct.dose.values))
    high = whole > 0.2 * whole.max()
    np.testing.assert_allclose(ours[high], whole[high], rtol=0.04)


def test_monte_carlo_influence__let_is_that_of_its_depth(medium):
    machine = generic_machine()
    made = monte_carlo_influence(fields(machine)[:1], machine, medium, **FEW)
    first = slice(made.column_starts[0], made.column_starts[1])
    let = made.dose_let_gy_kev_um[first].sum() / made.dose_gy[first].sum()
    assert 1.0 < let < 6.0


def test_monte_carlo_influence__threads_change_nothing(medium):
    machine = generic_machine()
    one, two = (
        monte_carlo_influence(fields(machine), machine, medium, **(FEW | {"threads": n, "with_let": False}))
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.dose_gy, two.dose_gy)
    np.testing.assert_array_equal(one.voxels, two.voxels)
    assert one.dose_let_gy_kev_um is None


def test_monte_carlo_influence__leaves_small_entries_out(medium):
    machine = generic_machine()
    whole, less = (
        monte_carlo_influence(fields(machine), machine, medium, **(FEW | {"least_share": share}))
        for share in (0.0, 0.01)
    )
    assert less.dose_gy.size < 0.7 * whole.dose_gy.size
    assert less.dose_gy.sum() > 0.95 * whole.dose_gy.sum()


def test_monte_carlo_influence__refuses_no_histories(medium):
    machine = generic_machine()
    with pytest.raises(InputError, match="histories_per_beamlet must be >= 1; got 0"):
        monte_carlo_influence(fields(machine), machine, medium, **(FEW | {"histories_per_beamlet": 0}))
