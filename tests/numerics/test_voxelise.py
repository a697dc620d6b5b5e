import itertools
import sys

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as PolygonPath
from scipy.spatial.transform import Rotation

from tumorboard.core import AXIAL, Contour, Grid, Image, Quantity, Structure
from tumorboard.errors import GeometryError, GridMismatch, InputError
from tumorboard.numerics import structure_mask, voxelise
from tumorboard.provenance import Record

SEEDS = st.integers(0, 2**32 - 1)


def make_grid(shape, spacing_mm, centre_mm=(0.0, 0.0, 0.0), direction=AXIAL):
    """Grid around a centre."""
    at_zero = Grid(shape, spacing_mm, (0.0, 0.0, 0.0), direction, frame_of_reference="1.2.3")
    origin_mm = np.array(centre_mm) - at_zero.index_to_patient((np.array(shape) - 1) / 2)
    return Grid(shape, spacing_mm, origin_mm, direction, frame_of_reference="1.2.3")


def polygon(points_mm, z_mm=0.0):
    points_mm = np.asarray(points_mm, float)
    return Contour(np.column_stack([points_mm, np.full(len(points_mm), z_mm)]))


def star(rng, n_points, radius_mm, centre_mm=(0.0, 0.0)):
    """Simple polygon around a centre: no two neighbours stand half a turn or more apart."""
    angle = (np.arange(n_points) + rng.uniform(0, 0.9, n_points)) * 2 * np.pi / n_points
    radius = rng.uniform(0.3, 1, n_points) * radius_mm
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + centre_mm


def shoelace(points):
    x, y = np.asarray(points)[:, :2].T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def volume_mm3(fraction):
    return fraction.values.sum(dtype=float) * fraction.grid.spacing_mm.prod()


def square(low, high):
    return [(low, low), (high, low), (high, high), (low, high)]


@settings(deadline=None, max_examples=40)
@given(
    seed=SEEDS,
    spacing_mm=st.tuples(*[st.floats(0.7, 7)] * 3),
    contour_spacing_mm=st.floats(0.5, 6),
    order=st.sampled_from(list(itertools.permutations(range(3)))),
)
def test_voxelise__volume_is_area_times_thickness(seed, spacing_mm, contour_spacing_mm, order):
    rng = np.random.default_rng(seed)
    outlines = [star(rng, rng.integers(5, 20), 12.0) for _ in range(4)]
    contours = tuple(
        polygon(p[:: rng.choice([-1, 1])], i * contour_spacing_mm) for i, p in enumerate(outlines)
    )
    spin = Rotation.from_euler("z", rng.uniform(0, 90), degrees=True).as_matrix()
    spacing_mm = np.array(spacing_mm)
    grid = make_grid(
        (np.ceil(40 / spacing_mm) + 3).astype(int),
        spacing_mm,
        (*rng.uniform(-1, 1, 2), 1.5 * contour_spacing_mm),
        (spin @ AXIAL)[:, order],
    )
    want = sum(shoelace(p) for p in outlines) * contour_spacing_mm
    assert volume_mm3(voxelise(Structure("a", contours), grid)) == pytest.approx(want, rel=1e-6)


def brute_force(polygons, grid, n=40):
    """Even-odd area of each pixel by a lattice of points."""
    step = (np.arange(n) + 0.5) / n - 0.5
    y, x = (np.add.outer(np.arange(s), step).ravel() for s in grid.shape[1:])
    points = grid.index_to_patient(np.stack(np.broadcast_arrays(0, y[:, None], x[None]), -1)).reshape(-1, 3)
    inside = np.zeros(len(points), bool)
    for p in polygons:
        inside ^= PolygonPath(p).contains_points(points[:, :2])
    return inside.reshape(grid.shape[1], n, grid.shape[2], n).mean(axis=(1, 3))


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_voxelise__follows_the_even_odd_rule_for_any_polygons(seed):
    rng = np.random.default_rng(seed)
    # Points in random order cross themselves; two outlines overlap each other.
    polygons = [rng.uniform(-8, 8, (rng.integers(4, 9), 2)), star(rng, 9, 7.0, rng.uniform(-4, 4, 2))]
    grid = make_grid((1, 13, 12), (3.0, 1.1, 1.3), rng.uniform(-2, 2, 3) * [1, 1, 0])
    got = voxelise(Structure("a", tuple(polygon(p) for p in polygons)), grid).values[0]
    want = brute_force(polygons, grid)
    np.testing.assert_allclose(got, want, atol=0.05)
    assert got.sum() == pytest.approx(want.sum(), rel=5e-3)


def test_voxelise__of_rings_islands_and_overlaps_has_the_area_of_the_even_odd_rule():
    grid = make_grid((1, 30, 30), (1.0, 0.9, 1.1))
    nested = [square(-9, 9), square(-6, 6), square(-3, 3)]
    for flips in itertools.product([1, -1], repeat=3):
        contours = tuple(polygon(p[::f]) for p, f in zip(nested, flips, strict=True))
        assert volume_mm3(voxelise(Structure("a", contours), grid)) == pytest.approx(324 - 144 + 36, rel=1e-6)
    crossing = tuple(polygon(p) for p in (square(-5, 3), square(-1, 7)))
    assert volume_mm3(voxelise(Structure("a", crossing), grid)) == pytest.approx(64 + 64 - 2 * 16, rel=1e-6)
    twice = (polygon(square(-5, 3)),) * 2
    assert volume_mm3(voxelise(Structure("a", twice), grid)) == pytest.approx(0, abs=1e-6)
    # A hole cut with a keyhole: the same line there and back.
    keyhole = [*square(-9, 9), (-9, -9), *square(-6, 6)[::-1], square(-6, 6)[-1]]
    assert volume_mm3(voxelise(Structure("a", (polygon(keyhole),)), grid)) == pytest.approx(
        324 - 144, rel=1e-6
    )


def test_voxelise__is_cut_off_at_the_border_of_the_grid():
    rng = np.random.default_rng(3)
    contours = tuple(polygon(star(rng, 15, 12.0), z) for z in (0.0, 2.0, 4.0))
    grid = make_grid((9, 40, 40), (1.0, 1.0, 1.0), (0.3, 0.2, 2.1))
    whole = voxelise(Structure("a", contours), grid).values
    part = voxelise(Structure("a", contours), grid.crop((3, 18, 15), (5, 23, 30))).values
    np.testing.assert_allclose(part, whole[3:5, 18:23, 15:30], atol=1e-6)
    away = make_grid((3, 4, 4), (1.0, 1.0, 1.0), (100.0, 0.0, 0.0))
    assert not voxelise(Structure("a", contours), away).values.any()


def test_voxelise__slabs_reach_half_way_and_leave_gaps_open():
    planes_mm = (0.0, 3.0, 6.0, 9.0, 21.0, 24.0)
    structure = Structure("a", tuple(polygon(square(-2, 2), z) for z in planes_mm))
    grid = make_grid((46, 6, 6), (1.0, 1.0, 1.0), (0.0, 0.0, 14.5))  # slices from -8 to 37
    column = voxelise(structure, grid).values[:, 2, 2]
    z_mm = grid.index_to_patient(np.indices(grid.shape)[:, :, 2, 2].T)[:, 2]
    # Slabs from -1.5 to 10.5 and from 19.5 to 25.5: their end slices are half full.
    distance_mm = np.minimum(np.abs(z_mm - 4.5) - 6, np.abs(z_mm - 22.5) - 3)
    np.testing.assert_allclose(column, np.clip(0.5 - distance_mm, 0, 1), atol=1e-6)
    assert column.sum() == pytest.approx(6 * 3.0, rel=1e-6)
    wide = voxelise(structure, grid, contour_spacing_mm=12.0)
    assert wide.values[:, 2, 2].sum() == pytest.approx(24 + 12, rel=1e-6)


@pytest.mark.parametrize(
    ("heights_mm", "thickness_mm"),
    [
        ((-30, 30), 6),  # two nodes on one 3 mm slice each, not one slab of 120 mm
        ((-40, -10, 30), 9),
        ((-40, -37, 30), 9),
        ((-30, -15, 0, 15), 60),  # drawn on every fifth slice: the distance repeats
        ((0, 10), 20),
    ],
)
def test_voxelise__does_not_take_the_distance_of_two_finds_for_a_slice(heights_mm, thickness_mm):
    grid = make_grid((61, 12, 12), (3.0, 1.0, 1.0))
    found = Structure("nodes", tuple(polygon(square(-2, 2), z_mm=z) for z in heights_mm))
    assert volume_mm3(voxelise(found, grid)) == pytest.approx(16 * thickness_mm, rel=1e-6)


def test_voxelise__takes_a_single_plane_to_be_one_slice_thick():
    structure = Structure("a", (polygon(square(-2, 2)),))
    grid = make_grid((3, 8, 8), (2.5, 1.0, 1.0))
    assert volume_mm3(voxelise(structure, grid)) == pytest.approx(16 * 2.5)
    assert volume_mm3(voxelise(structure, grid, contour_spacing_mm=1.0)) == pytest.approx(16.0)


@settings(deadline=None, max_examples=8)
@given(seed=SEEDS)
def test_voxelise__at_an_angle_keeps_the_volume(seed):
    rng = np.random.default_rng(seed)
    outlines = [star(rng, 30, 25.0) for _ in range(12)]
    structure = Structure("a", tuple(polygon(p, 3.0 * i) for i, p in enumerate(outlines)))
    direction = Rotation.random(rng=rng).as_matrix()
    grid = make_grid((40, 90, 90), (2.4, 1.0, 1.0), (0.0, 0.0, 16.5), direction)
    want = 3 * sum(shoelace(p) for p in outlines)
    assert volume_mm3(voxelise(structure, grid)) == pytest.approx(want, rel=2e-3)


@pytest.mark.slow
def test_voxelise__at_an_angle_agrees_with_a_grid_along_the_contours():
    """Oblique contours on an axial grid hold what the contours hold on a grid of their own."""
    rng = np.random.default_rng(1)
    turn = Rotation.from_euler("xyz", [20, -15, 40], degrees=True).as_matrix()
    outlines = [star(rng, 30, 20.0) for _ in range(8)]
    contours = tuple(Contour(polygon(p, 2.0 * i).points_mm @ turn.T) for i, p in enumerate(outlines))
    structure = Structure("a", contours)
    along = make_grid((30, 100, 100), (0.6, 0.6, 0.6), turn @ [0.0, 0.0, 7.0], turn @ AXIAL)
    axial = make_grid((50, 50, 50), (1.2, 1.2, 1.2), turn @ [0.0, 0.0, 7.0])
    exact = voxelise(structure, along)
    assert volume_mm3(exact) == pytest.approx(
        2 * sum(shoelace(c.points_mm @ turn) for c in contours), rel=1e-6
    )
    got = voxelise(structure, axial)
    assert volume_mm3(got) == pytest.approx(volume_mm3(exact), rel=1e-3)
    want = counted_fractions(outlines, axial, turn)
    assert np.abs(got.values - want).mean(where=want > 0) < 0.015


def counted_fractions(outlines, grid, turn):
    """Count which of 8^3 points of each voxel lie in the slab of a polygon, 2 mm thick and ``turn``ed."""
    offsets = (np.arange(8) + 0.5) / 8 - 0.5
    inside = np.zeros(grid.shape)
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1).reshape(-1, 3)
    for offset in np.stack(np.meshgrid(offsets, offsets, offsets), -1).reshape(-1, 3):
        points = grid.index_to_patient(voxels + offset) @ turn
        plane = np.floor((points[:, 2] + 1.0) / 2.0)
        for i, outline in enumerate(outlines):
            (of_plane,) = np.nonzero(plane == i)
            hit = PolygonPath(outline).contains_points(points[of_plane, :2])
            inside.flat[of_plane[hit]] += 1
    return inside / 512


@pytest.mark.parametrize("seed", range(3))
def test_voxelise__at_an_angle_leaves_out_only_samples_that_change_nothing(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    planes_mm = np.cumsum(rng.choice([3.0, 3.0, 9.0], 8))
    contours = [polygon(star(rng, 20, radius), z) for z in planes_mm for radius in (20.0, 6.0)]
    direction = Rotation.random(rng=rng).as_matrix()
    grid = make_grid((30, 40, 40), rng.uniform(0.8, 3, 3), (0.0, 0.0, planes_mm.mean()), direction)
    got = voxelise(Structure("a", tuple(contours)), grid).values
    module = sys.modules["tumorboard.numerics.voxelise"]
    monkeypatch.setattr(module, "mark_tiles", lambda cover, tile, start, stop, out: out[start:stop].fill(2))
    np.testing.assert_array_equal(got, voxelise(Structure("a", tuple(contours)), grid).values)


def test_voxelise__carries_a_mask_where_there_are_no_contours():
    rng = np.random.default_rng(0)
    grid = make_grid((6, 6, 6), (3.0, 1.0, 1.0))
    mask = Image(rng.random(grid.shape) > 0.5, grid, Quantity.LABEL, Record("test"))
    structure = Structure("a", mask=mask)
    np.testing.assert_array_equal(structure_mask(structure, grid).values, mask.values)
    finer = make_grid((40, 20, 20), (0.7, 0.6, 0.8), (0.1, 0.2, 0.3))
    want = mask.values.sum() * grid.spacing_mm.prod()
    assert volume_mm3(voxelise(structure, finer)) == pytest.approx(want, rel=1e-6)


def test_voxelise__is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    structure = Structure("a", tuple(polygon(star(rng, 15, 12.0), float(z)) for z in range(4)))
    for direction in (AXIAL, Rotation.from_euler("x", 20, degrees=True).as_matrix() @ AXIAL):
        grid = make_grid((12, 20, 20), (0.7, 1.5, 1.5), (0.0, 0.0, 1.5), direction)
        one, three = (voxelise(structure, grid, threads=n).values for n in (1, 3))
        np.testing.assert_array_equal(one, three)


def test_structure_mask__counts_ties_as_inside_whatever_the_decimals():
    grid = make_grid((3, 9, 9), (2.0, 1.0, 1.0))
    for off_mm in (-1e-4, 0.0, 1e-4):
        contours = tuple(polygon(np.array(square(-3, 3)) + off_mm, z) for z in (-2.0, 0.0, 2.0))
        # Contours through voxel centres cover half of the voxels at the sides, a quarter at the corners.
        mask = structure_mask(Structure("a", contours), grid).values
        assert mask[1].sum() == 7 * 7 - 4
    assert mask.dtype == bool


def test_voxelise__says_what_is_wrong():
    grid = make_grid((3, 9, 9), (2.0, 1.0, 1.0))
    flat = polygon(square(-3, 3))
    upright = Contour(flat.points_mm[:, [0, 2, 1]])
    bent = Contour([[0, 0, 0], [5, 0, 0], [5, 5, 1], [0, 5, 0]])
    for contours in ((flat, upright), (bent,)):
        with pytest.raises(GeometryError, match="contours of 'a' must lie in parallel planes"):
            voxelise(Structure("a", contours), grid)
    with pytest.raises(GeometryError, match="must enclose an area > 0"):
        voxelise(Structure("a", (Contour([[0, 0, 0], [1, 0, 0], [2, 0, 0]]),)), grid)
    with pytest.raises(InputError, match=r"contour_spacing_mm must be finite and > 0 \[mm\]; got 0"):
        voxelise(Structure("a", (flat,)), grid, contour_spacing_mm=0.0)
    with pytest.raises(GridMismatch, match="must share a frame of reference; got 9 and 1"):
        voxelise(Structure("a", (flat,)), grid, frame_of_reference="9")


def read_case(folder):
    """Return the grid of the slices and the structures, straight from pydicom."""
    files = [pydicom.dcmread(f) for f in sorted(folder.rglob("*.dcm"))]
    slices = sorted(
        (f for f in files if f.Modality in ("CT", "PT")), key=lambda f: float(f.ImagePositionPatient[2])
    )
    first, last = (np.array(f.ImagePositionPatient, float) for f in (slices[0], slices[-1]))
    spacing_mm = ((last - first)[2] / (len(slices) - 1), *map(float, slices[0].PixelSpacing))
    shape = (len(slices), slices[0].Rows, slices[0].Columns)
    grid = Grid(shape, spacing_mm, first, AXIAL, frame_of_reference="1.2.3")
    rt = next(f for f in files if f.Modality == "RTSTRUCT")
    names = {r.ROINumber: r.ROIName for r in rt.StructureSetROISequence}
    structures = [
        Structure(
            names[roi.ReferencedROINumber],
            tuple(
                Contour(np.array(c.ContourData, float).reshape(-1, 3))
                for c in roi.ContourSequence
                if len(c.ContourData) >= 9
            ),
        )
        for roi in rt.ROIContourSequence
    ]
    return grid, structures


def centres_inside_mm3(structure, grid):
    """Even-odd count of voxel centres in the contours (by matplotlib), times the voxel volume."""
    planes = {}
    for contour in structure.contours:
        index = grid.patient_to_index(contour.points_mm)
        y0, x0 = np.floor(index.min(axis=0)).astype(int)[1:]
        y1, x1 = np.ceil(index.max(axis=0)).astype(int)[1:]
        y, x = np.mgrid[y0 : y1 + 1, x0 : x1 + 1]
        inside = PolygonPath(index[:, [2, 1]]).contains_points(np.column_stack([x.ravel(), y.ravel()]))
        plane = planes.setdefault(round(float(index[:, 0].mean())), np.zeros(grid.shape[1:], bool))
        plane[y0 : y1 + 1, x0 : x1 + 1] ^= inside.reshape(y.shape)
    return sum(np.count_nonzero(p) for p in planes.values()) * grid.spacing_mm.prod()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["lung_ct_rtstruct", "sarcoma_pet"])
def test_voxelise__of_real_structures_agrees_with_polygon_areas_and_voxel_centres(data_dir, case):
    grid, structures = read_case(data_dir / case)
    for structure in structures:
        fraction, mask = voxelise(structure, grid), structure_mask(structure, grid)
        centres = centres_inside_mm3(structure, grid)
        assert mask.values.sum() * grid.spacing_mm.prod() == pytest.approx(centres, rel=5e-3)
        if structure.name.startswith(("GTV-1", "GTV_Mass", "Spinal")):  # neither holes nor overlaps
            area = sum(shoelace(c.points_mm) for c in structure.contours)
            assert volume_mm3(fraction) == pytest.approx(area * grid.spacing_mm[0], rel=1e-5)


def test_voxelise__one_voxel_on_an_oblique_grid_leaves_its_neighbour_empty():
    """Rounding puts the outline's upright edges on both sides of a voxel's border: no area may come of it."""
    turn = Rotation.from_euler("xyz", (20, -35, 110), degrees=True).as_matrix()
    grid = make_grid((2, 1, 2), (3.0, 1.2, 0.9), (-10.0, 20.0, 30.0), turn @ AXIAL)
    corners = [(1, -0.5, -0.5), (1, -0.5, 0.5), (1, 0.5, 0.5), (1, 0.5, -0.5)]
    structure = Structure("a", (Contour(grid.index_to_patient(corners)),))
    np.testing.assert_allclose(voxelise(structure, grid).values, [[[0, 0]], [[1, 0]]], atol=1e-6)
