"""Laws of proton transport that hold for each history: invariances, the account of energy, and edges."""

import numpy as np
import pytest
from proton_runs import WIDE_MM, along_depth, column, follow, grid_of, lateral_sigma, layered, pencil

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.physics.materials import material
from tumorboard.physics.scattering import scattering_sigma_mm
from tumorboard.physics.transport._kernels import proton_data as data
from tumorboard.physics.transport._kernels.proton_histories import (
    BROUGHT,
    ERROR,
    MISSED,
    STUCK,
)
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton_source import ProtonBeamlets, Slab

WATER, BONE, LUNG = (material(n) for n in ("water, liquid", "bone, cortical, ICRP", "lung, ICRP"))


def box_with_bone():
    """Water 40 x 80 x 40 mm with a block of bone, one of lung and one of vacuum."""
    grid = grid_of((20, 40, 20), (2.0, 2.0, 2.0))
    density, number = np.ones(grid.shape), np.zeros(grid.shape, int)
    for where, m, k in (((slice(0, 12), slice(8, 14)), BONE, 1), ((slice(6, 20), slice(18, 30)), LUNG, 2)):
        density[where], number[where] = m.density_g_cm3, k
    density[:, 32:34, 8:14] = 0.0
    return TransportMedium(grid, density, number, (WATER, BONE, LUNG))


def test_follow__vacuum_shifts_what_is_behind_it():
    whole = follow(column(WATER, 120.0, 1.0), pencil(100.0), 300).energy[0, :, 0]
    parts = follow(layered([(WATER, 30.0), (None, 25.0), (WATER, 90.0)], 1.0), pencil(100.0), 300).energy[
        0, :, 0
    ]
    np.testing.assert_allclose(np.delete(parts, np.arange(30, 55)), whole, rtol=0, atol=1e-9)
    assert (parts[30:55] == 0).all()


def test_follow__half_the_density_doubles_all_lengths():
    thin = grid_of((41, 60, 41), (2.0, 4.0, 2.0))
    thick = grid_of((41, 60, 41), (1.0, 2.0, 1.0))
    half = TransportMedium(thin, np.full(thin.shape, 0.5), np.zeros(thin.shape, int), (WATER,))
    a = follow(half, pencil(100.0), 300)
    b = follow(TransportMedium.homogeneous(thick, WATER), pencil(100.0), 300)
    np.testing.assert_allclose(a.energy, b.energy, rtol=0, atol=1e-9)
    np.testing.assert_allclose(a.tally[..., data.LENGTH], 2.0 * b.tally[..., data.LENGTH], rtol=0, atol=1e-8)


def test_follow__does_not_depend_on_how_finely_matter_is_divided():
    fine = follow(
        TransportMedium.homogeneous(grid_of((80, 240, 80), (0.5, 0.5, 0.5)), WATER), pencil(100.0), 300
    )
    coarse = follow(
        TransportMedium.homogeneous(grid_of((20, 60, 20), (2.0, 2.0, 2.0)), WATER), pencil(100.0), 300
    )
    summed = fine.energy.reshape(20, 4, 60, 4, 20, 4).sum(axis=(1, 3, 5))
    np.testing.assert_allclose(summed, coarse.energy, rtol=0, atol=1e-8)
    for place in (data.DEPOSITED, data.CUT, data.ESCAPED, data.HANDED_ON, data.REACTIONS):
        assert fine.totals[place] == pytest.approx(coarse.totals[place], rel=1e-9)


def test_follow__a_turned_patient_gets_the_same():
    upright = box_with_bone()
    a, b = np.deg2rad(25.0), np.deg2rad(-40.0)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    shift = np.array([100.0, -50.0, 30.0])
    old = upright.grid
    grid = Grid(
        old.shape,
        old.spacing_mm,
        turn @ old.origin_mm + shift,
        turn @ np.array(AXIAL),
        frame_of_reference="1.2.3",
    )
    tilted = TransportMedium(grid, upright.density_g_cm3, upright.material_index, upright.materials)
    source = ProtonBeamlets.pencil(
        energy_mev=90.0,
        position_mm=tuple(turn @ [1.0, -60.0, 2.0] + shift),
        direction=tuple(turn @ [0.05, 1.0, 0.02]),
        sigma_mm=0.0,
    )
    straight = ProtonBeamlets.pencil(
        energy_mev=90.0, position_mm=(1.0, -60.0, 2.0), direction=(0.05, 1.0, 0.02), sigma_mm=0.0
    )
    np.testing.assert_allclose(
        follow(tilted, source, 300).energy, follow(upright, straight, 300).energy, rtol=0, atol=1e-8
    )


@pytest.mark.parametrize("axis", [0, 1, 2], ids="xyz")
@pytest.mark.parametrize("sign", [1, -1])
def test_follow__all_axes_are_alike(axis, sign):
    # Slices of 1 mm along the axis, columns of 0.25 mm along another one.
    n, size = [1, 1, 1], [WIDE_MM] * 3
    n[axis], size[axis] = 90, 1.0
    across = (axis + 1) % 3
    n[across], size[across] = 121, 0.25
    middle = np.array([0.0, 45.0 if axis == 1 else 0.5 * size[1] * n[1], 0.0])
    direction = np.eye(3)[axis] * sign
    source = ProtonBeamlets.pencil(
        energy_mev=100.0,
        position_mm=tuple(middle - direction * 60.0),
        direction=tuple(direction),
        sigma_mm=0.0,
    )
    medium = TransportMedium.homogeneous(grid_of(n, size), WATER)
    found = follow(medium, source, 4000, nuclear=False)
    energy = found.energy.transpose(2, 1, 0).sum(axis=3 - axis - across)
    energy = energy if axis < across else energy.T
    energy = energy[::sign]
    assert energy.sum() == pytest.approx(100.0, abs=1e-9)
    depth = np.arange(90) + 0.5
    slices = energy.sum(axis=1)
    reference = along_depth(follow(column(WATER, 90.0, 1.0), pencil(100.0), 4000, nuclear=False).energy)
    assert (slices * depth).sum() == pytest.approx((reference * depth).sum(), rel=2e-3)
    expected = float(scattering_sigma_mm(WATER, 100.0, 60.5))
    # 4000 protons: 1.1 %.
    assert lateral_sigma(energy[60], 0.25) == pytest.approx(expected, rel=0.05)


def test_follow__energy_of_each_history_is_accounted_for():
    medium, source = box_with_bone(), pencil(110.0, sigma_mm=9.0, from_mm=-10.0)
    several = follow(medium, source, 400)
    assert several.totals[ERROR] < 1e-9
    assert several.totals[STUCK] == 0
    parts = np.zeros_like(several.totals)
    for history in range(400):
        totals = follow(medium, source, 1, first=history).totals
        closed = totals[[data.DEPOSITED, data.ESCAPED, data.HANDED_ON]].sum()
        assert closed == pytest.approx(totals[BROUGHT], abs=1e-9)
        assert totals[BROUGHT] + totals[MISSED] == pytest.approx(110.0, abs=1e-9)
        assert 0.0 <= totals[data.CUT] <= totals[data.DEPOSITED] + 1e-12
        parts += totals
    kinds = [data.DEPOSITED, data.CUT, data.ESCAPED, data.HANDED_ON, data.REACTIONS, MISSED, BROUGHT]
    assert parts[kinds] == pytest.approx(several.totals[kinds], rel=1e-12)
    assert several.energy.sum() * 400 == pytest.approx(several.totals[data.DEPOSITED], rel=1e-12)
    # All of it happened: some missed, some left, some reacted.
    assert (several.totals[[MISSED, data.ESCAPED, data.HANDED_ON, data.REACTIONS]] > 0).all()


@pytest.mark.parametrize("energy", [0.0, 1e-9, 0.3, 0.5, 0.500001, 3.0])
def test_follow__slow_protons_stop_where_they_enter(energy):
    found = follow(column(WATER, 10.0, 1.0), pencil(energy), 20)
    assert found.energy[0, 0, 0] == pytest.approx(energy, abs=1e-12)
    assert found.energy.sum() == pytest.approx(energy, abs=1e-12)
    assert found.totals[STUCK] == 0
    if energy <= 0.5:
        assert found.totals[data.CUT] == pytest.approx(20 * energy)


def test_follow__the_highest_energy_stays_within_the_tables():
    for m, beam in (
        (layered([(None, 10.0), (WATER, 20.0)], 1.0), pencil(300.0)),
        (column(WATER, 20.0, 1.0), pencil(300.0)),
        (column(WATER, 20.0, 1.0), pencil(300.0, from_mm=15.0, direction=(0.0, -1.0, 0.0))),
    ):
        found = follow(m, beam, 500)
        assert np.isfinite(found.tally).all()
        assert found.totals[ERROR] < 1e-9
        assert found.totals[data.ESCAPED] > 0.9 * found.totals[BROUGHT]


def test_follow__vacuum_alone_lets_all_through():
    grid = grid_of((3, 10, 3), (2.0, 2.0, 2.0))
    empty = TransportMedium(grid, np.zeros(grid.shape), np.zeros(grid.shape, int), (WATER,))
    found = follow(empty, pencil(70.0), 50)
    assert found.totals[data.ESCAPED] == pytest.approx(50 * 70.0)
    assert found.tally[..., data.LENGTH].sum() == pytest.approx(20.0)
    assert (found.energy == 0).all()


def test_follow__nearly_nothing_is_no_trap():
    # A gas so thin that a proton could go on for ever, in voxels so small that it meets many.
    grid = grid_of((5, 2000, 5), (0.01, 0.01, 0.01))
    thin = TransportMedium(grid, np.full(grid.shape, 1e-30), np.zeros(grid.shape, int), (WATER,))
    found = follow(thin, pencil(70.0), 20)
    assert found.totals[STUCK] == 0
    assert found.totals[data.ESCAPED] == pytest.approx(20 * 70.0)


@pytest.mark.parametrize("tilt", [0.0, 1e-15, 1e-11, 1e-6])
def test_follow__protons_along_faces_are_no_trap(tilt):
    # On the border of two columns of voxels, in the direction of the border.
    grid = grid_of((4, 100, 4), (2.0, 2.0, 2.0))
    source = pencil(120.0, direction=(tilt, 1.0, -tilt), x_mm=0.0)
    found = follow(TransportMedium.homogeneous(grid, WATER), source, 50, scattering=False)
    assert found.totals[STUCK] == 0
    assert found.totals[ERROR] < 1e-9
    assert found.totals[BROUGHT] == pytest.approx(50 * 120.0)


def test_follow__a_beam_half_beside_misses_by_half():
    grid = grid_of((10, 20, 1), (2.0, 2.0, WIDE_MM))
    found = follow(TransportMedium.homogeneous(grid, WATER), pencil(60.0, sigma_mm=3.0, x_mm=10.0), 20_000)
    # 20,000 protons: 0.35 % of all.
    assert found.totals[MISSED] / (20_000 * 60.0) == pytest.approx(0.5, abs=0.014)
    assert found.totals[MISSED] + found.totals[BROUGHT] == pytest.approx(20_000 * 60.0)


def test_follow__a_beam_may_start_inside_and_go_either_way():
    medium = column(WATER, 200.0, 1.0)
    ahead = follow(medium, pencil(100.0, from_mm=60.0), 300, nuclear=False).energy[0, :, 0]
    back = follow(medium, pencil(100.0, from_mm=140.0, direction=(0, -1.0, 0)), 300, nuclear=False).energy[
        0, :, 0
    ]
    assert [ahead[:60].sum(), back[140:].sum()] == pytest.approx([0.0, 0.0], abs=1e-9)
    outside = follow(medium, pencil(100.0), 300, nuclear=False).energy[0, :, 0]
    np.testing.assert_allclose(ahead[60:], outside[:-60], rtol=0, atol=1e-9)
    assert back[::-1][60:].sum() == pytest.approx(100.0)
    assert follow(medium, pencil(100.0, from_mm=-1.0, direction=(0, -1.0, 0)), 30).totals[BROUGHT] == 0


def beamlets_of(weight, x_mm, energy_mev, **more):
    one = pencil(100.0)
    n = len(weight)
    given = {
        "position_mm": np.array([[x, -50.0, 0.0] for x in x_mm]),
        **{
            name: np.repeat(getattr(one, name), n, axis=0) for name in ("direction", "lateral_x", "lateral_y")
        },
        **{name: np.zeros((n, 2)) for name in ("sigma_mm", "divergence_rad", "correlation")},
        "energy_mev": np.array(energy_mev),
        "energy_sigma_mev": np.zeros(n),
        "weight": np.array(weight),
        "slab_index": np.full(n, -1),
    }
    return ProtonBeamlets(**(given | more))


def test_follow__beamlets_bring_their_weights():
    medium = TransportMedium.homogeneous(grid_of((4, 60, 1), (50.0, 1.0, WIDE_MM)), WATER)
    source = beamlets_of([3.0, 0.0, 1.0], [-75.0, 25.0, 75.0], [60.0, 60.0, 60.0])
    found = follow(medium, source, 8_000, nuclear=False).energy.sum(axis=(0, 1))
    assert found[0] == pytest.approx(45.0, rel=1e-3)
    assert found[3] == pytest.approx(15.0, rel=3e-3)
    assert (found[1:3] == 0).all()


def test_follow__a_range_shifter_is_the_same_slab_of_voxels():
    pmma = material("PMMA")
    slab = Slab(pmma, 40.0, np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    n, gap = 20_000, 60.0
    voxels = follow(layered([(pmma, 40.0), (None, gap), (WATER, 120.0)], 2.0), pencil(120.0), n)
    water = column(WATER, 120.0, 2.0)
    shifted = Grid(
        water.grid.shape,
        water.grid.spacing_mm,
        water.grid.origin_mm + np.array([0.0, 40.0 + gap, 0.0]),
        AXIAL,
        frame_of_reference="1.2.3",
    )
    behind = TransportMedium.homogeneous(shifted, WATER)
    source = beamlets_of([1.0], [0.0], [120.0], slabs=(slab,), slab_index=np.array([0]))
    found = follow(behind, source, n)
    a, b = found.energy[0, :, 0], voxels.energy[0, 50:, 0]
    # What leaves the water backward meets the slab in one case only: a thousandth.
    assert a.sum() == pytest.approx(b.sum(), rel=4e-3)
    depth = np.arange(a.size)
    assert (a * depth).sum() / a.sum() == pytest.approx((b * depth).sum() / b.sum(), rel=4e-3)
    assert np.abs(a - b).max() < 0.03 * b.max()
    assert found.totals[ERROR] < 1e-9
    assert found.totals[MISSED] + found.totals[BROUGHT] == pytest.approx(n * 120.0)
    # The slab keeps what the voxels keep.
    assert found.totals[BROUGHT] / n == pytest.approx(a.sum() + found.totals[2:4].sum() / n, rel=1e-9)
