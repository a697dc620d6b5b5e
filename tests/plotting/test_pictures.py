import io
import tracemalloc
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics.trim import trimmed
from tumorboard.plotting import (
    Outline,
    Plane,
    PointLink,
    acquired_plane,
    fused_slices,
    maximum_intensity_projection,
    montage_slices,
    series_thumbnail,
    structure_rgb,
)
from tumorboard.plotting._planes import OrientedGrid
from tumorboard.provenance import Record

MADE = Record("test.made")
SPACING = np.array([3.0, 2.0, 1.5])
ORIGIN = np.array([-20.0, 10.0, -300.0])


def volume(shape=(10, 14, 16), quantity=Quantity.SUV_BODY_WEIGHT, *, hot=None):
    grid = Grid(shape, SPACING, ORIGIN, AXIAL, frame_of_reference="1.2.3")
    values = np.zeros(shape, np.float32)
    if hot is not None:
        values[hot] = 10.0
    return Image(values, grid, quantity, MADE)


def stored_otherwise(image, order, flips):
    """Return the same image with its array axes in another order and direction."""
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    signs = np.where(flips, -1.0, 1.0)
    first = np.where(flips, np.array(image.grid.shape)[list(order)] - 1, 0)
    corner = np.zeros(3)
    corner[list(order)] = first
    grid = Grid(
        np.array(image.grid.shape)[list(order)],
        image.grid.spacing_mm[list(order)],
        image.grid.index_to_patient(corner),
        image.grid.direction[:, list(order)] * signs,
        frame_of_reference="1.2.3",
    )
    return Image(image.values.transpose(order)[steps], grid, image.quantity, MADE)


def pixels(png):
    return imread(io.BytesIO(png))[..., :3]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_oriented_grid__does_not_depend_on_how_the_volume_is_stored(order, flips):
    image = volume()
    image = Image(np.arange(image.values.size).reshape(image.values.shape), image.grid, image.quantity, MADE)
    other = stored_otherwise(image, order, flips)
    oriented = OrientedGrid(other.grid)
    np.testing.assert_array_equal(oriented.orient(other.values), image.values)
    np.testing.assert_allclose(oriented.spacing_mm, SPACING)
    assert oriented.voxel_of((-20.0 + 1.5 * 4, 10.0 + 2.0 * 5, -300.0 + 3.0 * 6)) == (6, 5, 4)


@settings(deadline=None)
@given(tilt=st.floats(-0.7, 0.7), turn=st.floats(-0.7, 0.7))
def test_oriented_grid__finds_the_voxel_of_a_point_on_oblique_grids(tilt, turn):
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    direction = np.array(about_x) @ np.array(about_z) @ np.array(AXIAL)
    grid = Grid((10, 14, 16), SPACING, ORIGIN, direction, frame_of_reference="1.2.3")
    values = np.arange(10 * 14 * 16).reshape(grid.shape)
    oriented = OrientedGrid(grid)
    point = grid.index_to_patient([3, 4, 5])
    assert oriented.orient(values)[oriented.voxel_of(tuple(point))] == values[3, 4, 5]


def test_oriented_grid__a_point_outside_is_an_error():
    with pytest.raises(
        InputError, match=r"point_mm must lie inside the volume; got \(1000.0, 0.0, 0.0\) \[mm\]"
    ):
        OrientedGrid(volume().grid).voxel_of((1000.0, 0.0, 0.0))


def dark_centre(png):
    """Fraction of width and height at which the darkest large spot of a projection lies."""
    grey = pixels(png).mean(axis=2)
    rows, columns = np.nonzero(grey[:, : int(0.45 * grey.shape[1])] < 0.05)
    return columns.mean() / grey.shape[1], rows.mean() / grey.shape[0]


def test_maximum_intensity_projection__left_is_right_and_head_is_up():
    shape = (40, 40, 40)
    middle = [
        dark_centre(
            maximum_intensity_projection(volume(shape, hot=hot), window=(0, 5), directions=(Plane.CORONAL,))
        )
        for hot in ((slice(28, 34), 20, slice(5, 10)), (slice(6, 12), 20, slice(15, 20)))
    ]
    (right_x, head_y), (left_x, foot_y) = middle
    assert right_x < left_x, "the patient's right (small x in LPS) is at the left"
    assert head_y < foot_y, "the head (large z) is at the top"


def test_maximum_intensity_projection__is_the_same_for_every_storage_order():
    image = volume(hot=(slice(2, 5), 3, slice(8, 12)))
    points = (PointLink("lesion", (0.0, 20.0, -290.0)), PointLink("outside", (900.0, 0.0, 0.0)))
    expected = maximum_intensity_projection(image, window=(0.0, 5.0), points=points)
    other = stored_otherwise(image, (2, 0, 1), (True, False, True))
    assert maximum_intensity_projection(other, window=(0.0, 5.0), points=points) == expected


def test_maximum_intensity_projection__takes_voxels_without_value():
    image = volume(hot=(2, 3, 4))
    values = image.values.copy()
    values[:, 3, :] = np.nan
    maximum_intensity_projection(Image(values, image.grid, image.quantity, MADE), window=(0.0, 5.0))


def test_fused_slices__shows_colour_only_where_the_overlay_takes_up():
    ct = volume(quantity=Quantity.CT_NUMBER)
    windows = {"background_window": (-160.0, 240.0), "overlay_window": (0.0, 20.0)}
    point = (-10.0, 20.0, -290.0)

    def colourfulness(suv):
        rgb = pixels(fused_slices(ct, suv, point_mm=point, **windows))
        body = rgb[:, : int(0.8 * rgb.shape[1])]  # the colour scale is at the right
        return (np.ptp(body, axis=2) > 0.4).mean()

    cold, hot = volume(), volume(hot=np.s_[2:8, 2:12, 2:12])
    assert colourfulness(hot) > colourfulness(cold) + 0.1


def test_fused_slices__refuses_what_stands_on_another_grid():
    ct, elsewhere = volume(quantity=Quantity.CT_NUMBER), volume((10, 14, 15))
    point, window = (-10.0, 20.0, -290.0), (-160.0, 240.0)
    with pytest.raises(GridMismatch, match="background and overlay must share a grid"):
        fused_slices(ct, elsewhere, point_mm=point, background_window=window, overlay_window=(0.0, 5.0))
    larger = volume((10, 14, 17)).grid
    mask = Image(np.ones(larger.shape, bool), larger, Quantity.LABEL, MADE)
    with pytest.raises(GridMismatch, match="background and mask of 'GTV' must share a grid"):
        fused_slices(
            ct, None, point_mm=point, background_window=window, outlines=(Outline("GTV", mask, (9, 9, 9)),)
        )
    with pytest.raises(InputError, match="overlay and overlay_window must be given together"):
        fused_slices(ct, volume(), point_mm=point, background_window=window)


@pytest.mark.parametrize("name", [r"$\frac{", "_hidden", "a\nb\x00", "腫瘍", "x" * 500, "%s{}"])
def test_montage_slices__draws_any_name(name):
    ct = volume(quantity=Quantity.CT_NUMBER)
    mask = np.zeros(ct.grid.shape, bool)
    mask[3:7, 2:9, 2:9] = True
    gtv = Outline(name, Image(mask, ct.grid, Quantity.LABEL, MADE), structure_rgb(0))
    rgb = pixels(montage_slices(ct, window=(-160.0, 240.0), outlines=(gtv,), count=4))
    blue = (np.abs(rgb - np.array(structure_rgb(0)) / 255).max(axis=2) < 0.05).sum()
    assert blue > 100


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True), (False, True, False)])
@pytest.mark.parametrize("plane", list(Plane))
def test_montage_slices__draws_a_part_of_a_mask_where_the_whole_has_it(order, flips, plane):
    ct = stored_otherwise(volume(quantity=Quantity.CT_NUMBER), order, flips)
    values = np.zeros(volume().grid.shape, bool)
    values[3:7, 2:9, 4:11] = True
    values[5, 9, 6] = True
    mask = stored_otherwise(Image(values, volume().grid, Quantity.LABEL, MADE), order, flips)
    whole, part = (Outline("GTV", m, structure_rgb(0)) for m in (mask, trimmed(mask)))
    assert part.mask.values.size < whole.mask.values.size
    shown = {"window": (-160.0, 240.0), "count": 3, "plane": plane}
    assert montage_slices(ct, outlines=(part,), **shown) == montage_slices(ct, outlines=(whole,), **shown)


@pytest.mark.slow
def test_montage_slices__of_many_small_structures_takes_little_memory():
    grid = Grid((8, 256, 256), (3.0, 1.0, 1.0), ORIGIN, AXIAL, frame_of_reference="1.2.3")
    values = np.zeros(grid.shape, bool)
    values[:, 100:110, 50:60] = True
    mask = trimmed(Image(values, grid, Quantity.LABEL, MADE))
    outlines = [Outline(str(k), mask, (9, 9, 9)) for k in range(30)]
    ct = Image(np.zeros(grid.shape, np.int16), grid, Quantity.CT_NUMBER, MADE)
    montage_slices(ct, window=(-160.0, 240.0), outlines=outlines[:1])  # fonts and such
    tracemalloc.start()
    try:
        montage_slices(ct, window=(-160.0, 240.0), outlines=outlines)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6  # coordinates of every pixel for each outline would be 250e6 bytes


def test_pictures__are_the_same_bytes_each_time():
    image = volume(hot=(2, 3, 4))
    assert montage_slices(image, window=(0.0, 5.0)) == montage_slices(image, window=(0.0, 5.0))


def test_pictures__refuse_a_window_that_does_not_ascend():
    with pytest.raises(InputError, match=r"window must be finite with low < high \[g/mL\]"):
        maximum_intensity_projection(volume(), window=(5.0, 5.0))


@pytest.mark.parametrize("quantity", [Quantity.CT_NUMBER, Quantity.SUV_BODY_WEIGHT, Quantity.MR_SIGNAL])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 14, 16), (10, 14, 16)])
def test_series_thumbnail__takes_volumes_of_any_size(quantity, shape):
    assert pixels(series_thumbnail(volume(shape, quantity))).size


def test_acquired_plane__is_normal_to_the_coarsest_axis():
    direction = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # slices step along patient x
    grid = Grid((12, 64, 64), (4.0, 1.0, 1.0), ORIGIN, direction, frame_of_reference="1.2.3")
    assert acquired_plane(Image(np.zeros(grid.shape), grid, Quantity.MR_SIGNAL, MADE)) is Plane.SAGITTAL
