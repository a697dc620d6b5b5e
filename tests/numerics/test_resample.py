import itertools

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics import Interpolation, resample
from tumorboard.provenance import Record

LINEAR, NEAREST, CONSERVATIVE = Interpolation.LINEAR, Interpolation.NEAREST, Interpolation.CONSERVATIVE
SEEDS = st.integers(0, 2**32 - 1)


def make_grid(shape, spacing_mm, centre_mm=(0.0, 0.0, 0.0), direction=AXIAL, frame="1.2.3"):
    """Grid around a centre."""
    at_zero = Grid(shape, spacing_mm, (0.0, 0.0, 0.0), direction, frame_of_reference=frame)
    origin_mm = np.array(centre_mm) - at_zero.index_to_patient((np.array(shape) - 1) / 2)
    return Grid(shape, spacing_mm, origin_mm, direction, frame_of_reference=frame)


def random_grid(rng, shape, spacing=(0.8, 3.0)):
    return make_grid(
        shape, rng.uniform(*spacing, 3), rng.uniform(-2, 2, 3), Rotation.random(rng=rng).as_matrix()
    )


def aligned_grid(rng, shape, spacing=(0.8, 3.0)):
    """Axes along the patient's, in any order and sense."""
    direction = np.eye(3)[:, rng.permutation(3)] * rng.choice([-1, 1], 3)
    return make_grid(shape, rng.uniform(*spacing, 3), rng.uniform(-2, 2, 3), direction)


def image(values, grid, quantity=Quantity.DOSE):
    return Image(values, grid, quantity, Record("test"))


def to_sitk(im):
    out = sitk.GetImageFromArray(im.values)
    out.SetSpacing(im.grid.spacing_mm[::-1].tolist())
    out.SetOrigin(im.grid.origin_mm.tolist())
    out.SetDirection(im.grid.direction[:, ::-1].ravel().tolist())
    return out


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, dtype=st.sampled_from([np.int16, np.float32, np.float64, np.uint16]))
def test_resample__to_the_same_grid_is_exact(seed, dtype):
    rng = np.random.default_rng(seed)
    grid = random_grid(rng, (4, 5, 6))
    values = rng.uniform(0, 1000, grid.shape).astype(dtype)
    for method in Interpolation:
        np.testing.assert_array_equal(
            resample(image(values, grid), grid, method=method, outside=0).values, values
        )


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, oblique=st.booleans())
def test_resample__to_a_crop_is_exact_even_with_nan_next_to_it(seed, oblique):
    rng = np.random.default_rng(seed)
    grid = (random_grid if oblique else aligned_grid)(rng, (6, 7, 8))
    values = rng.uniform(0, 1000, grid.shape)
    values[0], values[:, :, -1] = np.nan, np.nan
    for method in Interpolation:
        got = resample(image(values, grid), grid.crop((1, 2, 3), (5, 7, 7)), method=method, outside=0).values
        np.testing.assert_allclose(got, values[1:5, 2:7, 3:7], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, aligned=st.booleans())
def test_resample__linear_reproduces_linear_fields(seed, aligned):
    rng = np.random.default_rng(seed)
    source = (aligned_grid if aligned else random_grid)(rng, (30, 30, 30), (2.0, 3.0))
    target = (aligned_grid if aligned else random_grid)(rng, (8, 9, 10), (0.5, 2.0))
    slope = rng.uniform(-5, 5, 3)

    def field(grid):
        return grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1)) @ slope + 7

    got = resample(image(field(source), source), target, method=LINEAR, outside=np.nan).values
    np.testing.assert_allclose(got, field(target), rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, aligned=st.booleans(), method=st.sampled_from([LINEAR, NEAREST]))
def test_resample__equals_simpleitk(seed, aligned, method):
    rng = np.random.default_rng(seed)
    make = aligned_grid if aligned else random_grid
    scan = image(rng.uniform(-1000, 2000, (12, 14, 16)).astype(np.float32), make(rng, (12, 14, 16)))
    target = make(rng, (11, 13, 15))
    how = {LINEAR: sitk.sitkLinear, NEAREST: sitk.sitkNearestNeighbor}[method]
    like = to_sitk(image(np.zeros(target.shape, np.float32), target))
    want = sitk.GetArrayFromImage(sitk.Resample(to_sitk(scan), like, sitk.Transform(), how, -1024.0))
    got = resample(scan, target, method=method, outside=-1024.0).values
    # At the very edge, or half-way between two voxels, rounding decides: leave such voxels out.
    at = scan.grid.patient_to_index(target.index_to_patient(np.moveaxis(np.indices(target.shape), 0, -1)))
    clear = (np.abs(at + 0.5 - np.round(at + 0.5)) > 1e-6).all(axis=-1)
    np.testing.assert_allclose(got[clear], want[clear], rtol=1e-5, atol=2e-3)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_resample__conservative_keeps_counts_and_integrals_on_parallel_grids(seed):
    rng = np.random.default_rng(seed)
    source, target = aligned_grid(rng, (6, 7, 8)), aligned_grid(rng, (40, 40, 40), (1.0, 3.0))
    values = rng.uniform(0, 100, source.shape)
    counts = resample(image(values, source, Quantity.COUNTS), target, method=CONSERVATIVE, outside=0)
    dose = resample(image(values, source), target, method=CONSERVATIVE, outside=0)
    assert counts.values.sum() == pytest.approx(values.sum(), rel=1e-12)
    integral = values.sum() * source.voxel_volume_ml
    assert dose.values.sum() * target.voxel_volume_ml == pytest.approx(integral, rel=1e-12)
    back = resample(dose, target.crop((5, 5, 5), (25, 25, 25)), method=CONSERVATIVE, outside=0)
    np.testing.assert_allclose(back.values, dose.values[5:25, 5:25, 5:25], rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(seed=SEEDS)
def test_resample__conservative_at_an_angle_keeps_counts_and_nearly_the_integral(seed):
    rng = np.random.default_rng(seed)
    source = random_grid(rng, (9, 10, 11), (2.0, 3.0))
    target = random_grid(rng, (60, 60, 60), (1.0, 2.0))
    values = rng.uniform(50, 100, source.shape)
    counts = resample(image(values, source, Quantity.COUNTS), target, method=CONSERVATIVE, outside=0)
    dose = resample(image(values, source), target, method=CONSERVATIVE, outside=0)
    assert counts.values.sum() == pytest.approx(values.sum(), rel=1e-12)
    integral = values.sum() * source.voxel_volume_ml
    assert dose.values.sum() * target.voxel_volume_ml == pytest.approx(integral, rel=2e-3)


def test_resample__conservative_is_the_mean_with_the_outside_in_it():
    source = make_grid((2, 2, 2), (1.0, 1.0, 1.0))
    target = make_grid((1, 1, 1), (2.0, 2.0, 4.0))
    ones = image(np.ones((2, 2, 2)), source)
    assert resample(ones, target, method=CONSERVATIVE, outside=3.0).values.item() == pytest.approx(2.0)
    assert np.isnan(resample(ones, target, method=CONSERVATIVE, outside=np.nan).values.item())


@pytest.mark.parametrize("oblique", [False, True])
def test_resample__reaches_to_the_edge_of_the_outermost_voxels(oblique):
    direction = Rotation.from_euler("x", 30 if oblique else 0, degrees=True).as_matrix() @ AXIAL
    source = make_grid((3, 3, 3), (1.0, 1.0, 1.0), direction=direction)
    values = np.arange(27.0).reshape(3, 3, 3)
    # A row of points through the middle, out to beyond the box; for the oblique loop, nudge its axes.
    nudge = Rotation.from_euler("z", 1e-2 if oblique else 0, degrees=False).as_matrix()
    target = make_grid((1, 1, 41), (1.0, 1.0, 0.1), direction=nudge @ direction)
    got = resample(image(values, source), target, method=LINEAR, outside=-1.0).values[0, 0]
    at = source.patient_to_index(target.index_to_patient([[0, 0, i] for i in range(41)]))[:, 2]
    assert (got[(at < -0.51) | (at > 2.51)] == -1).all()
    assert (got[(at > -0.49) & (at < 2.49)] >= 11).all()
    if not oblique:
        np.testing.assert_allclose(got[(at > -0.49) & (at < 0)], 12)


def test_resample__nan_spreads_to_what_is_made_of_it():
    source = make_grid((3, 3, 3), (1.0, 1.0, 1.0))
    values = np.zeros((3, 3, 3), np.float32)
    values[1, 1, 1] = np.nan
    target = make_grid((3, 3, 3), (0.5, 1.0, 1.0))
    for method in (LINEAR, CONSERVATIVE):
        got = resample(image(values, source), target, method=method, outside=0.0).values
        want = np.zeros((3, 3, 3), bool)
        want[:, 1, 1] = True
        np.testing.assert_array_equal(np.isnan(got), want)


def test_resample__is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    scan = image(rng.random((12, 12, 12)), aligned_grid(rng, (12, 12, 12)))
    for target, method in itertools.product(
        (aligned_grid(rng, (9, 9, 9)), random_grid(rng, (9, 9, 9))), Interpolation
    ):
        one, three = (resample(scan, target, method=method, outside=0.0, threads=n).values for n in (1, 3))
        np.testing.assert_array_equal(one, three)


def test_resample__keeps_dtype_where_values_are_picked():
    grid, finer = make_grid((3, 3, 3), (2.0, 2.0, 2.0)), make_grid((6, 6, 6), (1.0, 1.0, 1.0))
    mask = image(np.random.default_rng(0).random((3, 3, 3)) > 0.5, grid, Quantity.LABEL)
    carried = resample(mask, finer, method=NEAREST, outside=0)
    assert carried.values.dtype == bool
    np.testing.assert_array_equal(carried.values, mask.values.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    scan = image(np.zeros((3, 3, 3), np.int16), grid, Quantity.CT_NUMBER)
    assert resample(scan, finer, method=NEAREST, outside=-1000).values.dtype == np.int16
    assert resample(scan, finer, method=LINEAR, outside=-1000).values.dtype == np.float32


def test_resample__says_what_is_wrong():
    grid, other = make_grid((3, 3, 3), (2.0, 2.0, 2.0)), make_grid((3, 3, 3), (1.0, 1.0, 1.0))
    values = np.zeros((3, 3, 3), np.int16)
    counts, label, scan = (
        image(values, grid, q) for q in (Quantity.COUNTS, Quantity.LABEL, Quantity.CT_NUMBER)
    )
    elsewhere = make_grid((3, 3, 3), (1.0, 1.0, 1.0), frame="9")
    for im, to, method, outside, error, message in (
        (scan, elsewhere, LINEAR, 0, GridMismatch, "got 1.2.3 and 9; register the image first"),
        (counts, other, LINEAR, 0, InputError, "an amount per voxel, must be CONSERVATIVE; got LINEAR"),
        (counts, other, CONSERVATIVE, 1, InputError, "outside must be 0 for counts"),
        (label, other, LINEAR, 0, InputError, "method for a LABEL image must be NEAREST; got LINEAR"),
        (
            scan,
            other,
            NEAREST,
            np.nan,
            InputError,
            "outside must be a value of the image's dtype int16; got nan",
        ),
        (scan, other, "linear", 0, InputError, "method must be an Interpolation; got 'linear'"),
    ):
        with pytest.raises(error, match=message):
            resample(im, to, method=method, outside=outside)


def test_resample__carries_provenance():
    grid, finer = make_grid((3, 3, 3), (2.0, 2.0, 2.0)), make_grid((6, 6, 6), (1.0, 1.0, 1.0))
    scan = image(np.zeros((3, 3, 3)), grid)
    one, other = (resample(scan, finer, method=m, outside=np.nan).provenance for m in (LINEAR, CONSERVATIVE))
    assert one.inputs == (scan.provenance,)
    assert one.digest != other.digest
    assert list(other.citations()) == ["jones1999conservative"]
