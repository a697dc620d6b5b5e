import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.outcomes._kernels import gamma_search
from tumorboard.outcomes.gamma_index import GAMMA_TOLERANCE, GammaCriteria, GammaNormalisation, gamma_index
from tumorboard.provenance import Record

MADE = Record("test.made")
CRITERIA = GammaCriteria(2.0, 2.0, 10.0, 3.0, GammaNormalisation.GLOBAL, normalisation_dose_gy=None)


def dose(values, spacing=(2.5, 2.5, 2.5), origin=(0.0, 0.0, 0.0), frame="1.2.3"):
    values = np.asarray(values, dtype=np.float64)
    grid = Grid(values.shape, spacing, origin, AXIAL, frame_of_reference=frame)
    return Image(values, grid, Quantity.DOSE, MADE)


def bumpy(shape=(12, 14, 16), seed=3):
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    return 60 * np.exp(-2 * (z**2 + y**2 + x**2)) + 0.3 * rng.random(shape)


def test_gamma_index__of_equal_doses_is_zero():
    image = dose(bumpy())
    result = gamma_index(image, image, CRITERIA)
    assert np.nanmax(result.gamma.values) == 0.0
    assert result.pass_rate_percent == 100.0


def test_gamma_index__of_a_uniform_difference_is_the_difference_by_the_criterion():
    flat, higher = dose(np.full((6, 6, 6), 50.0)), dose(np.full((6, 6, 6), 50.5))
    result = gamma_index(flat, higher, CRITERIA)
    np.testing.assert_allclose(result.gamma.values, 0.5 / 1.0, atol=2 * GAMMA_TOLERANCE)


def test_gamma_index__of_a_shifted_ramp_is_the_analytic_one():
    # Dose g x against g (x - s): the nearest point of the line in the plane of distance and dose.
    gradient, shift, spacing = 1.5, 1.2, 2.5
    x = np.arange(40) * spacing
    ramp = np.broadcast_to(10 + gradient * x, (4, 4, 40))
    moved = np.broadcast_to(10 + gradient * (x - shift), (4, 4, 40))
    result = gamma_index(dose(ramp), dose(moved), CRITERIA)
    dose_criterion = 0.02 * ramp.max()
    expected = (gradient * shift / dose_criterion) / math.hypot(1.0, gradient * 2.0 / dose_criterion)
    np.testing.assert_allclose(result.gamma.values[1:3, 1:3, 8:-8], expected, atol=2 * GAMMA_TOLERANCE)


def test_gamma_index__does_not_depend_on_the_number_of_threads():
    a, b = dose(bumpy(seed=1)), dose(bumpy(seed=2))
    one, two = (gamma_index(a, b, CRITERIA, threads=n).gamma.values for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_gamma_index__a_finer_search_grid_by_brute_force_comes_down_to_it():
    a, b = dose(bumpy((7, 8, 9), seed=4)), dose(bumpy((7, 8, 9), seed=5), origin=(0.7, -0.4, 0.3))
    result = gamma_index(a, b, CRITERIA)
    fine = 12
    axes = [np.arange(0, (n - 1) * fine + 1) / fine for n in b.values.shape]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    from scipy.interpolate import RegularGridInterpolator

    values = RegularGridInterpolator([np.arange(n) for n in b.values.shape], b.values)(index)
    points = b.grid.index_to_patient(index)
    for voxel in [(2, 3, 4), (4, 2, 6), (3, 5, 1)]:
        at, here = a.grid.index_to_patient(voxel), a.values[voxel]
        squared = ((points - at) ** 2).sum(axis=1) / 2.0**2 + ((values - here) / (0.02 * a.values.max())) ** 2
        brute = math.sqrt(squared.min())
        assert result.gamma.values[voxel] <= brute + GAMMA_TOLERANCE
        # A lattice a twelfth of a voxel wide is at most this far from the minimum.
        assert brute - result.gamma.values[voxel] < 0.1


def test_gamma_index__local_criterion_is_that_of_each_point():
    low, high = dose(np.full((4, 4, 4), 10.0)), dose(np.full((4, 4, 4), 10.2))
    local = GammaCriteria(2.0, 2.0, 10.0, 3.0, GammaNormalisation.LOCAL, normalisation_dose_gy=100.0)
    assert np.nanmax(gamma_index(low, high, local).gamma.values) == pytest.approx(
        1.0, abs=2 * GAMMA_TOLERANCE
    )


def test_gamma_index__says_what_is_wrong():
    image = dose(bumpy())
    with pytest.raises(GridMismatch, match="must share a frame of reference"):
        gamma_index(image, dose(bumpy(), frame="9"), CRITERIA)
    with pytest.raises(InputError, match=r"dose_percent must be finite and > 0 \[%\]; got 0"):
        GammaCriteria(0, 2.0, 10.0, 2.0, GammaNormalisation.GLOBAL, None)
    with pytest.raises(InputError, match="must reach the threshold"):
        gamma_index(
            image,
            image,
            GammaCriteria(2.0, 2.0, 10.0, 2.0, GammaNormalisation.GLOBAL, normalisation_dose_gy=1e4),
        )


def test_cell_extremes__compiled_equals_python():
    values = bumpy((5, 6, 7))
    made = []
    for function in (gamma_search.cell_extremes, gamma_search.cell_extremes.py_func):
        lows, highs = np.zeros((4, 5, 6)), np.zeros((4, 5, 6))
        function(values, 0, 4, lows, highs)
        made.append((lows, highs))
    np.testing.assert_array_equal(made[0], made[1])


def test_search_points__compiled_equals_python(monkeypatch):
    a, b = dose(bumpy((5, 6, 7), seed=6)), dose(bumpy((5, 6, 7), seed=7), origin=(0.6, 0.2, -0.9))
    compiled = gamma_index(a, b, CRITERIA, threads=1)
    for name, kernel in list(vars(gamma_search).items()):
        if hasattr(kernel, "py_func"):
            monkeypatch.setattr(gamma_search, name, kernel.py_func)
    for name in ("cell_extremes", "search_points"):
        monkeypatch.setattr(f"tumorboard.outcomes.gamma_index.{name}", getattr(gamma_search, name))
    plain = gamma_index(a, b, CRITERIA, threads=1)
    np.testing.assert_allclose(compiled.gamma.values, plain.gamma.values, atol=1e-6)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), factor=st.floats(0.2, 5.0))
def test_gamma_index__scales_with_dose_and_with_length(seed, factor):
    a, b = bumpy((6, 7, 8), seed), bumpy((6, 7, 8), seed + 1)
    plain = gamma_index(dose(a), dose(b), CRITERIA).gamma.values
    brighter = gamma_index(dose(factor * a), dose(factor * b), CRITERIA).gamma.values
    np.testing.assert_allclose(brighter, plain, atol=2 * GAMMA_TOLERANCE)
    longer = GammaCriteria(2.0, 2.0 * factor, 10.0, 3.0, GammaNormalisation.GLOBAL, None)
    wide = [dose(values, spacing=(2.5 * factor,) * 3) for values in (a, b)]
    np.testing.assert_allclose(gamma_index(*wide, longer).gamma.values, plain, atol=2 * GAMMA_TOLERANCE)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_gamma_index__does_not_depend_on_the_array_s_orientation(seed):
    a, b = bumpy((6, 7, 8), seed), bumpy((6, 7, 8), seed + 1)
    plain = gamma_index(dose(a), dose(b), CRITERIA).gamma.values
    turned = gamma_index(*(dose(v[::-1].transpose(2, 0, 1)) for v in (a, b)), CRITERIA).gamma.values
    back = turned.transpose(1, 2, 0)[::-1]
    np.testing.assert_allclose(back, plain, atol=2 * GAMMA_TOLERANCE)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_gamma_index__is_at_most_the_difference_at_the_point_and_the_maximum(seed):
    a, b = bumpy((6, 7, 8), seed), bumpy((6, 7, 8), seed + 1)
    gamma = gamma_index(dose(a), dose(b), CRITERIA).gamma.values
    at_point = np.abs(a - b) / (0.02 * a.max())
    seen = np.isfinite(gamma)
    assert (gamma[seen] <= np.minimum(at_point, 3.0)[seen] + 1e-6).all()
    assert (seen == (a >= 0.1 * a.max())).all()


def test_gamma_index__points_beyond_the_evaluation_meet_its_rim():
    reference = dose(np.full((4, 4, 10), 50.0))
    short = dose(np.full((4, 4, 8), 50.0))
    result = gamma_index(reference, short, CRITERIA)
    assert result.n_outside == 2 * 16
    # The rim is 2.5 and 5 mm away: at 2 mm distance to agreement, 1.25 and 2.5.
    np.testing.assert_allclose(result.gamma.values[..., 8], 1.25, atol=1e-6)
    np.testing.assert_allclose(result.gamma.values[..., 9], 2.5, atol=1e-6)
    assert result.pass_rate_percent == 80.0
