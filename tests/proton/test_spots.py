import numpy as np
import pytest
from scipy.spatial import cKDTree

from tumorboard.core import Image, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.plan import IonPlan
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics.ray_trace import line_integrals
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel
from tumorboard.proton.plan_dose import plan_dose
from tumorboard.proton.spots import SpotLattice, place_spots
from tumorboard.provenance import Record

pytestmark = pytest.mark.slow

RECORD = Record("test")
ENERGIES = tuple(np.arange(70.0, 161.0, 2.5))
PLAIN = {
    "name": "field",
    "spacing_mm": 6.0,
    "lattice": SpotLattice.SQUARE,
    "target_margin_mm": 0.0,
    "lateral_margin_mm": 4.0,
    "proximal_margin_mm": 0.0,
    "distal_margin_mm": 0.0,
    "layer_spacing_mm": 0.0,
}


def ball(grid, centre_mm=(0.0, 0.0, 0.0), radius_mm=22.0):
    points = grid.index_to_patient(np.argwhere(np.ones(grid.shape)))
    inside = np.linalg.norm(points - centre_mm, axis=1) <= radius_mm
    return Image(inside.reshape(grid.shape), grid, Quantity.LABEL, RECORD)


@pytest.fixture
def setup(plain_machine, grid_around, stopping_powers):
    grid = grid_around((50, 52, 54), (3.0, 3.0, 3.0), seed=6)
    rsp = stopping_powers(grid, np.random.default_rng(1).uniform(0.9, 1.1, grid.shape))
    return plain_machine(ENERGIES), rsp, ball(grid)


def seen_from_source(target, geometry, sources_mm):
    """Target voxels on the isocentre plane, and the depth of each by its own ray."""
    points = target.grid.index_to_patient(np.argwhere(target.values))
    gantry = geometry.to_gantry(points)
    on_plane = gantry[:, :2] / (1 - gantry[:, 2:] / np.array(sources_mm))
    top = np.column_stack([on_plane * (1 - 300 / np.array(sources_mm)), np.full(len(points), 300.0)])
    return on_plane, geometry.to_patient(top), points


@pytest.mark.parametrize("lattice", SpotLattice)
@pytest.mark.parametrize(("gantry", "couch"), [(0.0, 0.0), (65.0, 25.0)])
def test_place_spots__cover_the_target_in_depth_and_from_side_to_side(setup, lattice, gantry, couch):
    machine, rsp, target = setup
    geometry = BeamGeometry(gantry, couch, (1.0, 2.0, 3.0))
    beam = place_spots(target, rsp, machine, geometry, **(PLAIN | {"lattice": lattice}))
    seen, starts, points = seen_from_source(target, geometry, machine.beam_model.source_distance_mm)
    depths = line_integrals(rsp, starts, points)
    reach = {
        s.nominal_energy_mev: k.range_mm
        for s, k in zip(machine.beam_model.spots, machine.kernels, strict=True)
    }
    positions = np.unique(np.concatenate([layer.positions_mm for layer in beam.layers]), axis=0)
    # No point of the target's outline is farther from a spot than the lattice leaves.
    hole = 6.0 / np.sqrt(2.0) if lattice is SpotLattice.SQUARE else 6.0 / np.sqrt(3.0)
    assert cKDTree(positions).query(seen)[0].max() <= hole + 1e-9
    # No spot is farther from it than the margin (and half a voxel, of which the outline is made).
    assert cKDTree(seen).query(positions)[0].max() <= 4.0 + 1e-9
    for position in positions:
        ranges = sorted(
            reach[layer.nominal_energy_mev]
            for layer in beam.layers
            if (np.abs(layer.positions_mm - position) < 1e-9).all(axis=1).any()
        )
        near = np.linalg.norm(seen - position, axis=1) <= 4.0
        all_ranges = np.array(sorted(reach.values()))
        low, high = depths[near].min(), depths[near].max()
        assert ranges[-1] >= high
        step = np.diff(all_ranges).max()
        assert ranges[0] <= low + step
        # Every energy in between is there, and none that stops far from the target.
        wanted = all_ranges[(all_ranges >= ranges[0]) & (all_ranges <= ranges[-1])]
        np.testing.assert_allclose(ranges, wanted)
        assert ranges[-1] <= high + step + 3.5
        assert ranges[0] >= low - 3.5


def test_place_spots__are_on_a_lattice_through_the_isocentre(setup):
    machine, rsp, target = setup
    geometry = BeamGeometry(10.0, 0.0, (0.0, 0.0, 0.0))
    square = place_spots(target, rsp, machine, geometry, **PLAIN)
    for layer in square.layers:
        np.testing.assert_allclose(layer.positions_mm / 6.0, np.round(layer.positions_mm / 6.0), atol=1e-12)
    hexagonal = place_spots(target, rsp, machine, geometry, **(PLAIN | {"lattice": SpotLattice.HEXAGONAL}))
    positions = np.unique(np.concatenate([y.positions_mm for y in hexagonal.layers]).round(9), axis=0)
    inner = positions[np.linalg.norm(positions, axis=1) < 12]
    distances = cKDTree(positions).query(inner, k=7)[0][:, 1:]
    np.testing.assert_allclose(distances, 6.0, rtol=1e-6)


def test_place_spots__are_the_same_every_time_from_high_to_low_energy(setup):
    machine, rsp, target = setup
    geometry = BeamGeometry(40.0, 5.0, (0.0, 0.0, 0.0))
    first, second = (place_spots(target, rsp, machine, geometry, **PLAIN) for _ in range(2))
    energies = [layer.nominal_energy_mev for layer in first.layers]
    assert energies == sorted(energies, reverse=True)
    for one, two in zip(first.layers, second.layers, strict=True):
        assert (one.positions_mm == two.positions_mm).all()
        assert (one.monitor_units == 1).all()
        key = [tuple(p[::-1]) for p in one.positions_mm]
        assert key == sorted(key)


def test_place_spots__margins_add_spots_and_take_none_away(setup):
    machine, rsp, target = setup
    geometry = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))

    def as_set(**change):
        beam = place_spots(target, rsp, machine, geometry, **(PLAIN | change))
        return {(y.nominal_energy_mev, *p) for y in beam.layers for p in y.positions_mm.tolist()}

    plain = as_set()
    for change in ("target_margin_mm", "lateral_margin_mm", "proximal_margin_mm", "distal_margin_mm"):
        more = as_set(**{change: PLAIN[change] + 6.0})
        assert plain < more, change


def test_place_spots__layer_spacing_thins_the_layers_and_keeps_the_deepest(setup):
    machine, rsp, target = setup
    geometry = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))
    reach = {
        s.nominal_energy_mev: k.range_mm
        for s, k in zip(machine.beam_model.spots, machine.kernels, strict=True)
    }
    all_, some = (
        [reach[y.nominal_energy_mev] for y in place_spots(
            target, rsp, machine, geometry, **(PLAIN | {"layer_spacing_mm": spacing})
        ).layers]
        for spacing in (0.0, 8.0)
    )  # fmt: skip
    assert some[0] == all_[0]
    assert len(some) < len(all_)
    assert (-np.diff(some) >= 8.0 - 1e-6).all()


def test_place_spots__range_shifter_moves_the_energies_up(setup):
    machine, rsp, target = setup
    geometry = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))
    without = place_spots(target, rsp, machine, geometry, **PLAIN)
    behind = place_spots(
        target, rsp, machine, geometry, range_shifter="RS", range_shifter_distance_mm=120.0, **PLAIN
    )
    reach = {
        s.nominal_energy_mev: k.range_mm
        for s, k in zip(machine.beam_model.spots, machine.kernels, strict=True)
    }
    deepest = [reach[b.layers[0].nominal_energy_mev] for b in (without, behind)]
    assert deepest[1] - deepest[0] == pytest.approx(46.0, abs=5.0)
    assert behind.range_shifter == "RS"


def test_place_spots__leave_no_part_of_the_target_without_dose(setup, grid_around):
    # Equal weights give the distal end the most; even so every part gets much more than the surroundings do.
    machine, rsp, target = setup
    geometry = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))
    beam = place_spots(
        target, rsp, machine, geometry, **(PLAIN | {"distal_margin_mm": 2.0, "lateral_margin_mm": 8.0})
    )
    plan = IonPlan("plan", "plain", (beam,), 1, RECORD)
    model = PencilBeamModel(DepthModel.VOXELWISE, 0.002)
    dose = plan_dose(plan, machine, rsp, dose_grid=rsp.grid, model=model, with_let=False).dose.values
    inside, outside = dose[target.values], dose[~target.values]
    assert inside.min() > 5 * outside.mean()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"empty": True}, InputError, "at least one voxel; it is empty"),
        ({"centre": (150.0, 0.0, 0.0)}, InputError, "must lie inside the CT.*take a CT that holds it"),
        ({"target_margin_mm": 80.0}, InputError, r"with its margin of 80 mm must lie inside the CT"),
        ({"energies": (70.0, 80.0, 90.0)}, InputError, r"ends at a water-equivalent depth of .* reaches 63"),
        ({"energies": (140.0, 150.0)}, InputError, "put a range shifter into the beam"),
        ({"isocentre": (0.0, 0.0, 0.0), "spacing_mm": 300.0, "lateral_margin_mm": 0.0, "at": (20.0, 0, 0)},
         InputError, "choose a smaller spacing"),
        ({"spacing_mm": 0.0}, InputError, "spacing_mm must be finite and > 0"),
        ({"lateral_margin_mm": -1.0}, InputError, "lateral_margin_mm must be finite and >= 0"),
        ({"range_shifter": "RX", "range_shifter_distance_mm": 10.0}, InputError, "must be one of RS"),
        ({"range_shifter": "RS"}, InputError, "range_shifter_distance_mm of beam 'field' must be given"),
        ({"frame": True}, GridMismatch, "one frame of reference"),
    ],
)  # fmt: skip
def test_place_spots__refuse_what_cannot_be_planned(setup, plain_machine, change, error, message):
    machine, rsp, target = setup
    settings = PLAIN | {k: v for k, v in change.items() if k.endswith("_mm") or k == "range_shifter"}
    if "energies" in change:
        machine = plain_machine(change["energies"])
    if change.get("empty"):
        target = Image(np.zeros(target.grid.shape, bool), target.grid, Quantity.LABEL, RECORD)
    if "centre" in change:
        target = ball(target.grid.with_spacing(3.0 * np.ones(3)), (0, 0, 0), 20.0)
        grid = target.grid
        moved = type(grid)(
            grid.shape,
            grid.spacing_mm,
            grid.origin_mm + change["centre"],
            grid.direction,
            frame_of_reference="1.2.3",
        )
        target = Image(target.values, moved, Quantity.LABEL, RECORD)
    if "at" in change:
        target = ball(target.grid, change["at"], 4.0)
    if change.get("frame"):
        grid = target.grid
        other = type(grid)(
            grid.shape, grid.spacing_mm, grid.origin_mm, grid.direction, frame_of_reference="9"
        )
        target = Image(target.values, other, Quantity.LABEL, RECORD)
    geometry = BeamGeometry(0.0, 0.0, (0.0, 0.0, 0.0))
    with pytest.raises(error, match=message):
        place_spots(target, rsp, machine, geometry, **settings)
