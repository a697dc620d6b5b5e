import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics._kernels import ray_trace as kernels
from tumorboard.numerics.ray_trace import distances_to_first, line_integral_samples, line_integrals
from tumorboard.provenance import Record

SEEDS = st.integers(0, 2**32 - 1)
RECORD = Record("test")


def volume(rng, shape=(7, 9, 8), direction=None, values=None):
    """Random stopping powers on an oblique grid."""
    if direction is None:
        direction = Rotation.random(rng=rng).as_matrix()
    grid = Grid(
        shape, rng.uniform(0.7, 4.0, 3), rng.uniform(-30, 30, 3), direction, frame_of_reference="1.2.3"
    )
    filled = rng.uniform(0, 2, shape) if values is None else np.full(shape, values)
    return Image(filled, grid, Quantity.RELATIVE_STOPPING_POWER, RECORD)


def lines(rng, image, n=40):
    """Lines through and past the volume, with ends inside and outside."""
    size = np.array(image.grid.shape)
    ends = [image.grid.index_to_patient(rng.uniform(-1.0, 2.0, (n, 3)) * size) for _ in range(2)]
    return ends[0], ends[1]


@given(seed=SEEDS)
def test_line_integrals__are_the_same_backwards(seed):
    rng = np.random.default_rng(seed)
    image = volume(rng)
    starts, ends = lines(rng, image)
    np.testing.assert_allclose(
        line_integrals(image, starts, ends), line_integrals(image, ends, starts), rtol=1e-11, atol=1e-11
    )


@given(seed=SEEDS, part=st.floats(0.0, 1.0))
def test_line_integrals__add_up_along_a_line(seed, part):
    rng = np.random.default_rng(seed)
    image = volume(rng)
    starts, ends = lines(rng, image)
    between = starts + part * (ends - starts)
    both = line_integrals(image, starts, between) + line_integrals(image, between, ends)
    np.testing.assert_allclose(both, line_integrals(image, starts, ends), rtol=1e-10, atol=1e-10)


@given(seed=SEEDS)
def test_line_integrals__of_a_uniform_box_are_the_chord(seed):
    # An independent way: the slab method on the box's six faces, in its own axes.
    rng = np.random.default_rng(seed)
    image = volume(rng, values=1.5)
    starts, ends = lines(rng, image)
    grid = image.grid
    a, b = (
        (p - grid.index_to_patient(np.full(3, -0.5))) @ grid.direction / (grid.spacing_mm * grid.shape)
        for p in (starts, ends)
    )
    with np.errstate(divide="ignore"):
        t = np.stack([-a / (b - a), (1 - a) / (b - a)])
    enter, leave = np.clip(t.min(axis=0).max(axis=1), 0, 1), np.clip(t.max(axis=0).min(axis=1), 0, 1)
    chord = np.maximum(0.0, leave - enter) * np.linalg.norm(ends - starts, axis=1)
    np.testing.assert_allclose(line_integrals(image, starts, ends), 1.5 * chord, rtol=1e-10, atol=1e-9)


@given(seed=SEEDS)
def test_line_integrals__are_linear_and_equal_the_sum_over_voxels(seed):
    # Each voxel alone is a box whose chord is known; together they make the image.
    rng = np.random.default_rng(seed)
    image = volume(rng, shape=(2, 3, 2))
    starts, ends = lines(rng, image, 10)
    total = np.zeros(len(starts))
    for index in np.ndindex(image.grid.shape):
        one = np.zeros(image.grid.shape)
        one[index] = image.values[index]
        total += line_integrals(Image(one, image.grid, image.quantity, RECORD), starts, ends)
    np.testing.assert_allclose(total, line_integrals(image, starts, ends), rtol=1e-10, atol=1e-10)


@given(seed=SEEDS)
def test_line_integrals__do_not_change_when_all_is_turned(seed):
    rng = np.random.default_rng(seed)
    image = volume(rng)
    starts, ends = lines(rng, image)
    turn, shift = Rotation.random(rng=rng).as_matrix(), rng.uniform(-99, 99, 3)
    grid = image.grid
    turned = Grid(
        grid.shape, grid.spacing_mm, turn @ grid.origin_mm + shift, turn @ grid.direction,
        frame_of_reference="1.2.3",
    )  # fmt: skip
    moved = Image(image.values, turned, image.quantity, RECORD)
    np.testing.assert_allclose(
        line_integrals(moved, starts @ turn.T + shift, ends @ turn.T + shift),
        line_integrals(image, starts, ends),
        rtol=1e-9,
        atol=1e-7,
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("offset", [-0.5, 0.0, 0.5, 1.5])
def test_line_integrals__along_voxel_faces_count_one_of_the_neighbours(axis, offset):
    grid = Grid((5, 5, 5), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    image = Image(np.ones(grid.shape), grid, Quantity.RELATIVE_STOPPING_POWER, RECORD)
    start, end = np.full(3, offset), np.full(3, offset)
    start[axis], end[axis] = -10.0, 10.0
    length = line_integrals(image, grid.index_to_patient(start), grid.index_to_patient(end))
    assert length == pytest.approx(5.0 * grid.spacing_mm[axis], rel=1e-12)


@given(seed=SEEDS)
def test_line_integral_samples__are_integrals_to_the_middles(seed):
    rng = np.random.default_rng(seed)
    image = volume(rng)
    starts, ends = lines(rng, image, 8)
    samples = line_integral_samples(image, starts, ends, n_samples=11)
    for n in range(11):
        middles = starts + (n + 0.5) / 11 * (ends - starts)
        np.testing.assert_allclose(
            samples[:, n], line_integrals(image, starts, middles), rtol=1e-10, atol=1e-10
        )


@given(seed=SEEDS)
def test_distances_to_first__have_nothing_before_and_something_behind(seed):
    rng = np.random.default_rng(seed)
    image = volume(rng)
    high = Image((image.values > 1.5).astype(float), image.grid, image.quantity, RECORD)
    starts, ends = lines(rng, image)
    found = distances_to_first(image, starts, ends, above=1.5)
    lengths = np.linalg.norm(ends - starts, axis=1)
    hit = np.isfinite(found)
    np.testing.assert_allclose(line_integrals(high, starts[~hit], ends[~hit]), 0.0, atol=1e-10)
    along = (ends - starts)[hit] / lengths[hit, None]
    reached = starts[hit] + found[hit, None] * along
    np.testing.assert_allclose(line_integrals(high, starts[hit], reached), 0.0, atol=1e-9)
    assert (line_integrals(high, starts[hit], ends[hit]) > 0).all()


def test_line_integrals__do_not_depend_on_how_the_work_is_shared_out():
    rng = np.random.default_rng(5)
    image = volume(rng)
    starts, ends = lines(rng, image, 5000)
    together = line_integrals(image, starts, ends)
    pieces = [line_integrals(image, starts[n : n + 7], ends[n : n + 7]) for n in range(0, 5000, 7)]
    assert (together == np.concatenate(pieces)).all()


@settings(max_examples=5)
@given(seed=SEEDS)
def test_kernels__equal_plain_python(seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 2, (3, 4, 5))
    starts, ends = rng.uniform(-2, 6, (6, 3)), rng.uniform(-2, 6, (6, 3))
    lengths = rng.uniform(1, 2, 6)
    for kernel, out, rest in (
        (kernels.integrate_lines, np.empty(6), ()),
        (kernels.integrate_samples, np.empty((6, 5)), ()),
        (kernels.seek_first, np.empty(6), (1.2,)),
    ):
        plain = np.empty_like(out)
        kernel(values, starts, ends, lengths, 0, 6, *rest, out)
        kernel.py_func(values, starts, ends, lengths, 0, 6, *rest, plain)
        np.testing.assert_allclose(out, plain, rtol=1e-12, atol=1e-13)
    for n in range(6):
        arguments = (values, starts[n], ends[n], 0, np.inf, np.empty(0))
        assert kernels.walk_line(*arguments) == pytest.approx(
            kernels.walk_line.py_func(*arguments), rel=1e-12
        )


@pytest.mark.parametrize(
    ("starts", "ends", "message"),
    [
        ((0, 0), (0, 0, 0), "starts_mm must be finite points"),
        ((0, 0, np.nan), (0, 0, 0), "starts_mm must be finite points"),
        (np.zeros((3, 3)), np.zeros((4, 3)), "as many; got 3 and 4"),
    ],
)
def test_line_integrals__refuse_what_is_not_a_line(starts, ends, message):
    with pytest.raises(InputError, match=message):
        line_integrals(volume(np.random.default_rng(1)), starts, ends)
