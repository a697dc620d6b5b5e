from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core import AXIAL, EnergyLayer, Grid, IonBeam
from tumorboard.core.beam import BeamModel, EnergySpectrum, PhaseSpace, ProtonMachine, RangeShifter, SpotModel
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.errors import InputError
from tumorboard.proton._monte_carlo_source import spot_beamlets
from tumorboard.proton.generic_machine import generic_machine

GRID = Grid((40, 40, 40), (5.0, 5.0, 5.0), (-97.5, -97.5, -97.5), AXIAL, frame_of_reference="1.2.3")
POSITIONS = np.array([[0.0, 0.0], [30.0, 0.0], [-20.0, 45.0]])


def beam(machine, *, gantry=90.0, couch=0.0, isocentre=(10.0, -5.0, 3.0), **more):
    energy = float(machine.beam_model.nominal_energies_mev[20])
    layer = EnergyLayer(energy, POSITIONS, np.ones(len(POSITIONS)))
    return IonBeam("field", BeamGeometry(gantry, couch, isocentre), (layer,), **more)


def two_gaussians(machine):
    """Return the machine with a halo and a spectrum of two Gaussians at each energy."""
    core = PhaseSpace(0.9, 5.0, 4.0, 0.003, 0.002, -0.5, 0.3)
    halo = PhaseSpace(0.1, 12.0, 10.0, 0.01, 0.008, 0.0, 0.0)
    model = machine.beam_model

    def changed(spot):
        mean = spot.nominal_energy_mev
        spectrum = EnergySpectrum([mean, mean - 2.0], [0.5, 1.5], [0.7, 0.3])
        return SpotModel(mean, spectrum, (core, halo), spot.protons_per_mu)

    return ProtonMachine(replace(model, spots=tuple(map(changed, model.spots))), machine.kernels)


@pytest.mark.parametrize(("gantry", "couch"), [(0.0, 0.0), (90.0, 0.0), (37.0, -20.0), (270.0, 90.0)])
def test_spot_beamlets__cross_the_isocentre_plane_at_the_spots_positions(gantry, couch):
    machine = generic_machine()
    field = beam(machine, gantry=gantry, couch=couch)
    made = spot_beamlets([field], machine, GRID).beamlets
    start, along = (
        field.geometry.to_gantry(p) for p in (made.position_mm, made.position_mm + made.direction)
    )
    direction = along - start
    crossing = start - direction * (start[:, 2:] / direction[:, 2:])
    np.testing.assert_allclose(crossing, np.column_stack([POSITIONS, np.zeros(3)]), atol=1e-9)
    assert (direction[:, 2] < 0).all()


def test_spot_beamlets__come_from_the_virtual_sources():
    machine = generic_machine()
    field = beam(machine)
    made = spot_beamlets([field], machine, GRID).beamlets
    start = field.geometry.to_gantry(made.position_mm)
    direction = made.direction @ field.geometry.gantry_to_patient
    for axis, source_mm in enumerate(machine.beam_model.source_distance_mm):
        at_source = start + direction * ((source_mm - start[:, 2:]) / direction[:, 2:])
        np.testing.assert_allclose(at_source[:, axis], 0.0, atol=1e-9)


def test_spot_beamlets__start_above_the_grid_and_the_range_shifter():
    machine = generic_machine()
    plain = beam(machine)
    shifted = beam(machine, range_shifter="RS40", range_shifter_distance_mm=500.0)
    for field, above in ((plain, machine.beam_model.plane_mm), (shifted, 540.0)):
        made = spot_beamlets([field], machine, GRID).beamlets
        heights = field.geometry.to_gantry(made.position_mm)[:, 2]
        assert (heights > max(above, field.geometry.to_gantry(GRID.corners_mm)[:, 2].max())).all()


def test_spot_beamlets__are_as_wide_everywhere_as_the_machines_phase_space():
    machine = two_gaussians(generic_machine())
    field = beam(machine, range_shifter="RS40", range_shifter_distance_mm=600.0)
    made = spot_beamlets([field], machine, GRID)
    rows = made.beamlets
    assert len(rows.weight) == 3 * 4
    middle = np.flatnonzero(made.spot_of_beamlet == 0)
    spot = machine.beam_model.spots[20]
    start_mm = field.geometry.to_gantry(rows.position_mm[0])[2]
    for z_mm in (300.0, 0.0, -150.0):
        d = start_mm - z_mm
        wide = rows.sigma_mm**2 + (rows.divergence_rad * d) ** 2
        wide += 2.0 * rows.correlation * rows.sigma_mm * rows.divergence_rad * d
        for row in middle:
            expected = [p.sigma_mm(machine.beam_model.plane_mm - z_mm) for p in spot.phase_space]
            gap = np.abs(np.sqrt(wide[row]) - np.array(expected)).max(axis=1).min()
            assert gap < 1e-9


def test_spot_beamlets__shares_of_a_spot_add_up_to_one_and_keep_its_energy():
    machine = two_gaussians(generic_machine())
    made = spot_beamlets([beam(machine), beam(machine)], machine, GRID)
    assert made.n_spots == 6
    total = np.bincount(made.spot_of_beamlet, made.beamlets.weight)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    mean = np.bincount(made.spot_of_beamlet, made.beamlets.weight * made.beamlets.energy_mev)
    np.testing.assert_allclose(mean, machine.beam_model.spots[20].spectrum.total_mean_mev, rtol=1e-12)


def test_spot_beamlets__lateral_axes_are_at_right_angles():
    machine = generic_machine()
    made = spot_beamlets([beam(machine, gantry=37.0, couch=15.0)], machine, GRID).beamlets
    axes = np.stack([made.lateral_x, made.lateral_y, made.direction], axis=1)
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.tile(np.eye(3), (3, 1, 1)), atol=1e-12)


def test_spot_beamlets__the_range_shifter_stands_where_the_plan_says():
    machine = generic_machine()
    field = beam(machine, range_shifter="RS40", range_shifter_distance_mm=180.0)
    made = spot_beamlets([beam(machine), field], machine, GRID)
    assert made.beamlets.slab_index.tolist() == [-1, -1, -1, 0, 0, 0]
    (slab,) = made.beamlets.slabs
    assert slab.material.name == "polycarbonate"
    assert slab.thickness_mm == 40.0
    np.testing.assert_allclose(field.geometry.to_gantry(slab.entrance_mm), (0.0, 0.0, 220.0), atol=1e-9)
    np.testing.assert_allclose(slab.axis, field.geometry.travel_direction)


def test_spot_beamlets__refuses_a_grid_that_reaches_the_magnets():
    machine = generic_machine()
    long = Grid((40, 40, 40), (5.0, 5.0, 100.0), (-97.5, -97.5, -97.5), AXIAL, frame_of_reference="1.2.3")
    with pytest.raises(InputError, match=r"must lie below its virtual source at 1700 mm .* crop the CT"):
        spot_beamlets([beam(machine)], machine, long)


def test_spot_beamlets__refuses_a_material_that_nobody_knows():
    machine = generic_machine()
    odd = replace(machine.beam_model, range_shifters=(RangeShifter("RS", "unobtainium", 10.0, 10.0),))
    field = beam(machine, range_shifter="RS", range_shifter_distance_mm=200.0)
    with pytest.raises(InputError, match="material of range shifter 'RS'"):
        spot_beamlets([field], ProtonMachine(odd, machine.kernels), GRID)


def test_spot_beamlets__a_beam_model_at_the_isocentre_is_carried_upstream():
    machine = generic_machine()
    flat = PhaseSpace(1.0, 4.0, 4.0, 0.003, 0.003, 0.0, 0.0)
    spots = tuple(replace(s, phase_space=(flat,)) for s in machine.beam_model.spots)
    model: BeamModel = replace(machine.beam_model, spots=spots, plane_mm=0.0)
    field = beam(machine)
    made = spot_beamlets([field], ProtonMachine(model, machine.kernels), GRID).beamlets
    d = field.geometry.to_gantry(made.position_mm[0])[2]
    np.testing.assert_allclose(made.sigma_mm[0], np.hypot(4.0, 0.003 * d), rtol=1e-12)
    assert (made.correlation[0] < 0).all()
