import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pencil_cases import CENTRAL, MODELS, NAMES, RECORD, beam_of, dose_of, influence, matrix
from scipy.spatial.transform import Rotation

from tumorboard.core import Grid, Image
from tumorboard.core.beam import PhaseSpace
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.proton.machine import range_shifter_effect
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SpotWidth, SubBeams

pytestmark = pytest.mark.slow


def expected(points_mm, geometry, position, energy, machine, depth_of, extra=None):
    """Dose at patient points from the definition: source, axis and Gaussians in plain vectors."""
    kernel = machine.kernels[[s.nominal_energy_mev for s in machine.beam_model.spots].index(energy)]
    spot = machine.beam_model.spots[machine.kernels.index(kernel)]
    sources, rotation = machine.beam_model.source_distance_mm, geometry.gantry_to_patient
    axis_x, axis_y, up = rotation.T
    crossing = geometry.isocentre_mm + position[0] * axis_x + position[1] * axis_y
    along = position[0] / sources[0] * axis_x + position[1] / sources[1] * axis_y - up
    along /= np.linalg.norm(along)
    away = points_mm - crossing
    s = away @ along
    lateral = away - s[:, None] * along
    in_a = axis_x - (axis_x @ along) * along
    in_a /= np.linalg.norm(in_a)
    a = lateral @ in_a
    b2 = (lateral**2).sum(axis=1) - a**2
    water = depth_of(points_mm)
    stretch = 1 / abs(along @ up)
    dose = np.zeros(len(points_mm))
    idd = 1e6 * np.interp(water, kernel.depth_mm, kernel.integrated_dose_gy_mm2, right=0)
    for c in range(kernel.sigma_mm.shape[1]):
        spread = np.interp(water, kernel.depth_mm, kernel.sigma_mm[:, c])
        for space in spot.phase_space:
            air = np.array([space.sigma_mm(machine.beam_model.plane_mm * stretch + d) for d in s])
            va, vb = air[:, 0] ** 2 + spread**2, air[:, 1] ** 2 + spread**2
            gauss = np.exp(-0.5 * (a**2 / va + b2 / vb)) / (2 * np.pi * np.sqrt(va * vb))
            dose += space.weight * np.interp(water, kernel.depth_mm, kernel.weights[:, c]) * idd * gauss
    return dose


@settings(max_examples=6)
@given(
    gantry=st.floats(0, 360), couch=st.floats(-90, 90), seed=st.integers(0, 99), x=st.floats(-25, 25),
    y=st.floats(-25, 25),
)  # fmt: skip
def test_dose_influence__equals_its_definition_on_an_oblique_grid(
    plain_machine, grid_around, stopping_powers, gantry, couch, seed, x, y
):
    # Water everywhere, so that the depth is the distance to where the ray enters a large box.
    elliptic = (PhaseSpace(0.8, 4.0, 5.5, 0.003, 0.002, 0.1, -0.3), PhaseSpace(0.2, 9.0, 7.0, 0.001, 0.004))
    machine = plain_machine(phase_space=elliptic)
    ct = grid_around((70, 70, 70), (3.1, 3.0, 2.9))
    rsp = stopping_powers(ct)
    geometry = BeamGeometry(gantry, couch, (4.0, -6.0, 9.0))
    dose_grid = grid_around((22, 24, 26), (4.0, 3.5, 3.0), (3.0, -2.0, 1.0), seed=seed)
    result = influence([beam_of(geometry, (x, y))], rsp, machine, dose_grid=dose_grid)
    sources = np.array(machine.beam_model.source_distance_mm)

    def depth_of(points):
        # Every point's own ray, from where it passes 500 mm upstream, through the box of water.
        gantry_points = (points - geometry.isocentre_mm) @ geometry.gantry_to_patient
        on_plane = gantry_points[:, :2] / (1 - gantry_points[:, 2:] / sources)
        start = np.column_stack([on_plane * (1 - 500 / sources), np.full(len(points), 500.0)])
        start = start @ geometry.gantry_to_patient.T + geometry.isocentre_mm
        low, high = ct.index_to_patient(np.full(3, -0.5)), ct.index_to_patient(np.array(ct.shape) - 0.5)
        t = np.stack([(low - start) / (points - start), (high - start) / (points - start)])
        entry = np.clip(t.min(axis=0).max(axis=1), 0, 1)
        leave = np.clip(t.max(axis=0).min(axis=1), 0, 1)
        return np.maximum(0, leave - entry) * np.linalg.norm(points - start, axis=1)

    found = dose_of(result).ravel()
    points = dose_grid.index_to_patient(np.argwhere(np.ones(dose_grid.shape)))
    exact = expected(points, geometry, (x, y), 120.0, machine, depth_of)
    reached = found > 0
    # float32 and a table in steps of 0.1 mm; what is not reached is the lateral cut-off.
    np.testing.assert_allclose(found[reached], exact[reached], rtol=2e-3, atol=2e-4 * exact.max())
    assert exact[~reached].max(initial=0.0) < 2e-3 * exact.max()


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_dose_influence__keeps_what_the_kernel_gives_each_plane(
    plain_machine, grid_around, stopping_powers, model
):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((60, 70, 60), (2.0, 2.0, 2.0)))
    result = influence([beam_of(BeamGeometry(0, 0, (0, -10, 0)), (0, 0))], rsp, machine, model)
    per_plane = dose_of(result).sum(axis=(0, 2)) * 4.0  # the beam runs along y
    depth = 2.0 * np.arange(70) + 1.0
    kernel = machine.kernels[1]
    exact = 1e6 * np.interp(depth, kernel.depth_mm, kernel.integrated_dose_gy_mm2, right=0)
    assert np.abs(per_plane - exact).max() < 2e-3 * exact.max()


@pytest.mark.parametrize("cutoff", [0.05, 0.01, 0.001])
def test_dose_influence__loses_the_fraction_that_it_says(plain_machine, grid_around, stopping_powers, cutoff):
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 6.0, 6.0),))
    rsp = stopping_powers(grid_around((80, 60, 80), (2.0, 2.0, 2.0)))
    model = PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=cutoff)
    beam = beam_of(BeamGeometry(0, 0, (0, -10, 0)), (0, 0))
    kept, all_ = (
        dose_of(influence([beam], rsp, machine, m)).sum(axis=(0, 2))
        for m in (model, PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-6))
    )
    plateau = slice(2, 45)
    # Plane by plane the edge of the reach falls between voxels; over many planes that averages out.
    assert (1 - kept[plateau] / all_[plateau]).mean() == pytest.approx(cutoff, rel=0.03)
    stated = influence([beam], rsp, machine, model).provenance.parameters
    assert stated["lateral_lost_fraction"] == cutoff


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_dose_influence__does_not_change_when_all_is_turned(
    plain_machine, grid_around, stopping_powers, model
):
    # Patient, grids and beam turn together about the patient's long axis: gantry 25 becomes gantry 60.
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 4.0, 6.0, 0.002, 0.003),))
    ct, dose_grid = (
        grid_around((30, 40, 40), (5.0, 4.0, 4.0), seed=3),
        grid_around((20, 30, 24), (5, 4, 4), seed=4),
    )
    rng = np.random.default_rng(0)
    rsp = stopping_powers(ct, rng.uniform(0.6, 1.4, ct.shape))
    turn = Rotation.from_euler("z", 35, degrees=True).as_matrix()

    def turned(grid):
        return Grid(
            grid.shape,
            grid.spacing_mm,
            turn @ grid.origin_mm,
            turn @ grid.direction,
            frame_of_reference="1.2.3",
        )

    isocentre = np.array([8.0, -5.0, 3.0])
    first = influence(
        [beam_of(BeamGeometry(25, 0, isocentre), (10, -8))], rsp, machine, model, dose_grid, with_let=True
    )
    second = influence(
        [beam_of(BeamGeometry(60, 0, turn @ isocentre), (10, -8))],
        Image(rsp.values, turned(ct), rsp.quantity, RECORD), machine, model, turned(dose_grid), with_let=True,
    )  # fmt: skip
    one, two = dose_of(first), dose_of(second)
    assert np.abs(one - two).max() < 1e-5 * one.max()
    assert matrix(first, first.dose_let_gy_kev_um).sum() == pytest.approx(
        matrix(second, second.dose_let_gy_kev_um).sum(), rel=1e-5
    )


def test_dose_influence__is_that_of_an_equal_setup_with_other_angles(
    plain_machine, grid_around, stopping_powers
):
    # Feet first with the couch turned by 180 degrees is head first from the other side.
    machine = plain_machine(source_mm=(2000.0, 2000.0))
    grid = grid_around((30, 34, 36), (4.0, 4.0, 4.0), seed=8)
    rsp = stopping_powers(grid, np.random.default_rng(1).uniform(0.7, 1.3, grid.shape))
    one = BeamGeometry(40, 0, (3, 4, 5))
    feet = PatientPosition.FEET_FIRST_SUPINE
    two = BeamGeometry(-40, 180, (3, 4, 5))
    np.testing.assert_allclose(one.travel_direction, two.travel_direction, atol=1e-12)
    # The same travel, x and y of the gantry turned by 180 degrees: the spot at (x, y) is at (-x, -y).
    first = dose_of(influence([beam_of(one, (12, -7))], rsp, machine))
    second = dose_of(influence([beam_of(two, (-12, 7))], rsp, machine))
    assert np.abs(first - second).max() < 1e-5 * first.max()
    third = BeamGeometry(40, 180, (3, 4, 5), patient_position=feet)
    same = third.gantry_to_patient.T @ one.gantry_to_patient
    np.testing.assert_allclose(same, np.eye(3), atol=1e-12)
    again = dose_of(influence([beam_of(third, (12, -7))], rsp, machine))
    assert np.abs(first - again).max() < 1e-5 * first.max()


@pytest.mark.parametrize(("gantry", "couch"), [(0, 0), (90, 0), (217, 0), (35, 20), (300, 75), (120, -50)])
def test_dose_influence__peaks_where_the_axis_has_run_its_range(
    plain_machine, grid_around, stopping_powers, gantry, couch
):
    # Independent of BeamGeometry: IEC 61217 rotations of a head-first supine patient, written out by hand.
    machine = plain_machine()
    g, c = math.radians(gantry), math.radians(couch)
    # Couch axes in LPS: x to the patient's left, y to the head, z up (anterior).
    to_lps = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=float)
    fixed_source = np.array([math.sin(g), 0, math.cos(g)])
    fixed_x, fixed_y = np.array([math.cos(g), 0, -math.sin(g)]), np.array([0.0, 1.0, 0.0])
    unturn = np.array([[math.cos(c), math.sin(c), 0], [-math.sin(c), math.cos(c), 0], [0, 0, 1]])
    up, axis_x, axis_y = (unturn @ v @ to_lps for v in (fixed_source, fixed_x, fixed_y))
    radius, x, y = 70.0, 14.0, -9.0
    ct = grid_around((80, 80, 80), (2.5, 2.5, 2.5), seed=11)
    rsp = stopping_powers(ct, lambda p: (np.linalg.norm(p, axis=-1) < radius).astype(np.float32))
    dose_grid = grid_around((62, 63, 64), (2.6, 2.6, 2.6), seed=12)
    isocentre = np.array([0.0, 0.0, 0.0])
    crossing = x * axis_x + y * axis_y
    along = x / 1900 * axis_x + y / 2300 * axis_y - up
    along /= np.linalg.norm(along)
    entry = -(crossing @ along) - math.sqrt((crossing @ along) ** 2 - crossing @ crossing + radius**2)
    kernel = machine.kernels[0]
    peak_mm = kernel.depth_mm[np.argmax(kernel.integrated_dose_gy_mm2)]
    stop = crossing + (entry + peak_mm) * along
    found = influence(
        [beam_of(BeamGeometry(gantry, couch, isocentre), (x, y), 100.0)], rsp, machine, CENTRAL, dose_grid
    )
    dose = dose_of(found)
    # The dose-weighted middle of the hottest voxels, against voxels of 2.5 mm that make a rough sphere.
    hot = dose > 0.8 * dose.max()
    middle = (dose[hot][:, None] * dose_grid.index_to_patient(np.argwhere(hot))).sum(axis=0) / dose[hot].sum()
    assert np.linalg.norm(np.cross(middle - crossing, along)) < 0.6
    assert abs((middle - stop) @ along) < 3.0


def test_dose_influence__of_a_spot_widens_with_the_air_gap_behind_a_range_shifter(
    plain_machine, grid_around, stopping_powers
):
    # In air the variance is that of the spot plus A2 + 2 A1 d + A0 d2 [Fermi-Eyges]; matRad leaves it out.
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 3.0, 3.0),), energies=(150.0,))
    # The thin kernel of the plain machine holds no water scattering that would have to be taken out.
    effect = range_shifter_effect(machine.beam_model.range_shifter("RS"), 150.0)
    grid = grid_around((110, 3, 110), (1.5, 1.5, 1.5))
    air = stopping_powers(grid, 0.0)
    found = []
    for gap in (50.0, 150.0, 300.0):
        beam = beam_of(
            BeamGeometry(0, 0, (0, 0, 0)), (0, 0), 150.0, range_shifter="RS", range_shifter_distance_mm=gap
        )
        plane = dose_of(influence([beam], air, machine))[:, 1, :]
        profile = plane.sum(axis=1)
        z = 1.5 * (np.arange(110) - 54.5)
        found.append((profile * z**2).sum() / profile.sum())
    d = np.array([50.0, 150.0, 300.0])
    kernel = machine.kernels[0]
    at = [np.interp(46.0, kernel.depth_mm, kernel.sigma_mm[:, c]) ** 2 for c in (0, 1)]
    base = 9.0 + 0.94 * at[0] + 0.06 * at[1] - effect.water_position_mm2
    moments = effect.position_mm2 + 2 * effect.covariance_mm_rad * d + effect.angle_rad2 * d**2
    np.testing.assert_allclose(found, base + moments, rtol=0.01)


def test_dose_influence__range_shifter_pulls_the_range_back(plain_machine, grid_around, stopping_powers):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((30, 120, 30), (4.0, 1.5, 4.0)))
    geometry = BeamGeometry(0, 0, (0, 0, 0))
    without = dose_of(influence([beam_of(geometry, (0, 0), 150.0)], rsp, machine)).sum(axis=(0, 2))
    beam = beam_of(geometry, (0, 0), 150.0, range_shifter="RS", range_shifter_distance_mm=100.0)
    behind = dose_of(influence([beam], rsp, machine)).sum(axis=(0, 2))
    kernel = machine.kernels[2]
    depth = 1.5 * (np.arange(120) + 0.5)
    exact = 1e6 * np.interp(depth + 46.0, kernel.depth_mm, kernel.integrated_dose_gy_mm2, right=0) / 16.0
    assert np.abs(behind - exact).max() < 0.02 * exact.max()
    assert without[:30].max() < without.max()


def test_dose_influence__sub_beams_equal_the_whole_spot_in_water(plain_machine, grid_around, stopping_powers):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((60, 60, 60), (2.5, 2.5, 2.5)))
    beam = beam_of(BeamGeometry(0, 0, (0, -10, 0)), (5, 8), 100.0)
    whole = dose_of(influence([beam], rsp, machine, CENTRAL))
    for sub_beams, tolerance in ((SubBeams(5, 0.7), 0.006), (SubBeams(9, 0.5), 0.006)):
        model = PencilBeamModel(DepthModel.SUB_BEAMS, 1e-4, sub_beams=sub_beams)
        split = dose_of(influence([beam], rsp, machine, model))
        assert np.abs(split - whole).max() < tolerance * whole.max()
        assert split.sum() == pytest.approx(whole.sum(), rel=3e-4)


def test_dose_influence__sub_beams_smear_the_range_behind_an_edge(
    plain_machine, grid_around, stopping_powers
):
    # Half of the spot passes bone. Each half must end at its own depth; the central ray sees one of them.
    machine = plain_machine()
    grid = grid_around((50, 70, 50), (2.0, 2.0, 2.0))

    def half_bone(points):
        x, y = points[..., 0], points[..., 1]
        return np.where((x > 0) & (y > -60) & (y < -40), 1.6, 1.0)

    rsp = stopping_powers(grid, half_bone)
    model = PencilBeamModel(DepthModel.SUB_BEAMS, 1e-3, sub_beams=SubBeams(9, 0.5))
    split = dose_of(influence([beam_of(BeamGeometry(0, 0, (0, 0, 0)), (0, 0), 100.0)], rsp, machine, model))
    # Mirror images of the spot far from the edge on either side.
    ends = []
    for half in (slice(0, 20), slice(30, 50)):
        along = split[:, :, half].sum(axis=(0, 2))
        top = along.argmax()
        below = top + np.argmax(along[top:] < 0.5 * along[top])
        ends.append(2.0 * below)
    kernel = machine.kernels[0]
    assert ends[0] - ends[1] == pytest.approx(0.6 * 20.0, abs=3.0)
    assert ends[0] == pytest.approx(kernel.range_mm, abs=4.0)


def test_dose_influence__at_surface_keeps_the_width_of_the_entrance(
    plain_machine, grid_around, stopping_powers
):
    space = PhaseSpace(1.0, 3.0, 3.0, 0.006, 0.006)
    machine = plain_machine(phase_space=(space,))
    grid = grid_around((60, 70, 60), (2.0, 2.0, 2.0))
    rsp = stopping_powers(grid)
    model = PencilBeamModel(DepthModel.VOXELWISE, 1e-5, spot_width=SpotWidth.AT_SURFACE, surface_rsp=0.05)
    dose = dose_of(influence([beam_of(BeamGeometry(0, 0, (0, 0, 0)), (0, 0), 150.0)], rsp, machine, model))
    z = 2.0 * (np.arange(60) - 29.5)
    kernel = machine.kernels[2]
    at_surface = space.sigma_mm(400.0 - 70.0)[0] ** 2
    for row in (5, 20, 40):
        profile = dose[:, row, :].sum(axis=1)
        depth = 2.0 * row + 1.0
        narrow, broad = (np.interp(depth, kernel.depth_mm, kernel.sigma_mm[:, c]) ** 2 for c in (0, 1))
        exact = at_surface + 0.94 * narrow + 0.06 * broad
        assert (profile * z**2).sum() / profile.sum() == pytest.approx(exact, rel=0.01)
