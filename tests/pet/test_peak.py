import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.pet import PEAK_RADIUS_MM, peak_uptake, sphere_uptake
from tumorboard.pet._kernels import sphere_mean, sphere_overlap
from tumorboard.pet.peak import best_sphere
from tumorboard.provenance import Record

MEASURED = Record("test.measured")
SPACINGS = st.tuples(*[st.floats(0.8, 9.0)] * 3)
PART = st.floats(-0.5, 0.5)


def oblique(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (
        np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        @ np.array(AXIAL)
    )


def suv(values, spacing_mm=(4.0, 4.0, 4.0), direction=AXIAL):
    grid = Grid(values.shape, spacing_mm, (-100.0, 30.0, 7.0), direction, frame_of_reference="1.2.3")
    return Image(values, grid, Quantity.SUV_BODY_WEIGHT, MEASURED)


def mask_like(image, values):
    return Image(np.asarray(values, dtype=bool), image.grid, Quantity.LABEL, MEASURED)


def weights_of(radius, spacing, offset):
    half = np.ceil(radius / spacing).astype(int)
    corners, weights = np.empty(2 * half + 2), np.empty(2 * half + 1)
    sphere_overlap.fill_sphere_weights(radius, spacing, offset, corners, weights)
    return weights


@settings(deadline=None, max_examples=50)
@given(spacing=SPACINGS, part=st.tuples(PART, PART, PART))
def test_fill_sphere_weights__hold_the_sphere_whatever_its_offset(spacing, part):
    spacing = np.array(spacing)
    weights = weights_of(PEAK_RADIUS_MM, spacing, np.array(part) * spacing)
    assert weights.sum() == pytest.approx(1000.0, abs=1e-6)
    assert weights.min() >= 0
    assert weights.max() <= spacing.prod() + 1e-9


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(corner=st.tuples(*[st.floats(-1.2, 1.2)] * 3))
def test_octant_volume__equals_a_quadrature(corner):
    # An independent way: the area of a disc in a quadrant, by its one-dimensional integral, over slices.
    a, b, c = corner
    z, weight = np.polynomial.legendre.leggauss(200)
    low, high = max(-1.0, c), 1.0
    if low >= high:
        expected = 0.0
    else:
        slices = 0.5 * (high - low) * z + 0.5 * (high + low)
        area = np.zeros_like(slices)
        for n, height in enumerate(slices):
            r = math.sqrt(max(0.0, 1 - height**2))
            left = max(-r, a)
            if left < r:
                x = np.linspace(left, r, 4001)
                y = np.sqrt(np.maximum(0.0, r * r - x * x))
                area[n] = np.trapezoid(np.clip(y - np.clip(b, -y, None), 0.0, None), x)
        expected = 0.5 * (high - low) * float(weight @ area)
    assert sphere_overlap.octant_volume(a, b, c, 1.0) == pytest.approx(expected, abs=3e-4)


@given(corner=st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_octant_volume__eight_octants_make_the_ball(corner):
    total = sum(
        sphere_overlap.octant_volume(*(s * c for s, c in zip(signs, corner, strict=True)), 1.0)
        for signs in np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
    )
    assert total == pytest.approx(4 / 3 * math.pi, abs=1e-12)


def test_kernels__compiled_equals_python(monkeypatch):
    rng = np.random.default_rng(0)
    values = rng.random((7, 8, 9)).astype(np.float32)
    spacing, mask = np.array([4.0, 3.5, 5.0]), np.ones((5, 6, 7), dtype=bool)
    start = np.ones(3, dtype=int)
    compiled = best_sphere(values, mask, start, spacing, PEAK_RADIUS_MM)
    for module in (sphere_overlap, sphere_mean):
        for name, kernel in vars(module).items():
            if hasattr(kernel, "py_func"):
                monkeypatch.setattr(module, name, kernel.py_func)
    for name in ("fill_sphere_weights", "climb", "scan_cells", "scan_lattice"):
        monkeypatch.setattr(f"tumorboard.pet.peak.{name}", getattr(sphere_mean, name))
    plain = best_sphere(values, mask, start, spacing, PEAK_RADIUS_MM)
    np.testing.assert_allclose(compiled[0], plain[0], rtol=1e-12)
    np.testing.assert_allclose(compiled[1], plain[1], rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(spacing=SPACINGS, degrees=st.floats(0, 90), radius=st.floats(4, 20), part=st.tuples(PART, PART, PART))
def test_sphere_uptake__of_a_uniform_image_is_its_value(spacing, degrees, radius, part):
    image = suv(np.full((5, 6, 7), 2.37), spacing, oblique(degrees))
    centre_mm = image.grid.index_to_patient(np.array([2, 3, 3]) + part)
    got = sphere_uptake(image, centre_mm=centre_mm, radius_mm=radius)
    assert (got.mean, got.standard_deviation) == (2.37, 0.0)
    assert 0 < got.coverage <= 1


@settings(deadline=None, max_examples=5)
@given(part=st.tuples(PART, PART, PART), seed=st.integers(0, 1000))
def test_sphere_uptake__equals_fine_sampling(part, seed):
    image = suv(np.random.default_rng(seed).random((9, 9, 9)), (4.0, 3.0, 2.5), oblique(25))
    centre = np.array([4.0, 4.0, 4.0]) + part
    # An uneven step, so that samples do not line up with voxel faces.
    steps = (np.arange(83) + 0.5) / 41.5 - 1.0
    points_mm = PEAK_RADIUS_MM * np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    points_mm = points_mm[(points_mm**2).sum(1) <= PEAK_RADIUS_MM**2]
    index = np.floor(centre + points_mm / image.grid.spacing_mm + 0.5).astype(int)
    sampled = image.values[tuple(index.T)]
    got = sphere_uptake(image, centre_mm=image.grid.index_to_patient(centre), radius_mm=PEAK_RADIUS_MM)
    assert got.mean == pytest.approx(sampled.mean(), abs=4e-3)
    assert got.standard_deviation == pytest.approx(sampled.std(), abs=4e-3)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), spacing=st.tuples(*[st.floats(2.0, 6.0)] * 3))
def test_peak_uptake__is_the_highest_of_all_centres_in_the_mask(seed, spacing):
    rng = np.random.default_rng(seed)
    image = suv(rng.random((9, 9, 9)) ** 3, spacing)
    chosen = np.zeros(image.grid.shape, dtype=bool)
    chosen[3:6, 3:6, 3:6] = rng.random((3, 3, 3)) > 0.4
    chosen[4, 4, 4] = True
    got = peak_uptake(image, mask_like(image, chosen))
    others = np.argwhere(chosen)[:, None] + rng.uniform(-0.5, 0.5, (1, 40, 3))
    best = max(
        sphere_uptake(image, centre_mm=image.grid.index_to_patient(c), radius_mm=PEAK_RADIUS_MM).mean
        for c in others.reshape(-1, 3)
        if ((c + 0.5) * spacing >= PEAK_RADIUS_MM).all() and ((8.5 - c) * spacing >= PEAK_RADIUS_MM).all()
    )
    assert got.mean >= best * (1 - 1e-3)
    voxel = np.floor(image.grid.patient_to_index(got.centre_mm) + 0.5).astype(int)
    assert chosen[tuple(voxel)]
    assert got.mean <= image.values.max()
    again = sphere_uptake(image, centre_mm=got.centre_mm, radius_mm=PEAK_RADIUS_MM)
    assert again.mean == pytest.approx(got.mean, rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), part=st.tuples(PART, PART, PART))
def test_scan_cells__bounds_every_sphere_centred_in_the_voxel(seed, part):
    values, spacing = np.random.default_rng(seed).random((9, 9, 9)), np.array([3.0, 4.0, 5.0])
    half = np.ceil(PEAK_RADIUS_MM / spacing).astype(int)
    corners, weights = np.empty(2 * half + 2), np.empty(2 * half + 1)
    sphere_overlap.fill_sphere_weights(PEAK_RADIUS_MM, spacing, np.zeros(3), corners, weights)
    mean, bound, moments = np.empty(1), np.empty(1), np.empty(3)
    reach = 0.5 * np.linalg.norm(spacing) * 0.75 / PEAK_RADIUS_MM
    sphere_mean.scan_cells(values, np.array([[4, 4, 4]]), weights, reach, mean, bound)
    centre = np.array([4.0, 4.0, 4.0]) + part
    sphere_mean.sphere_moments(values, centre, spacing, PEAK_RADIUS_MM, corners, weights, moments)
    assert moments[0] <= bound[0] + 1e-12


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2)])
def test_peak_uptake__does_not_depend_on_the_array_s_orientation(axes, flips):
    values = np.random.default_rng(3).random((9, 10, 11))
    chosen = np.zeros(values.shape, dtype=bool)
    chosen[3:7, 3:7, 3:7] = True
    spacing, direction = np.array([4.0, 3.0, 5.0]), oblique(20)
    image = suv(values, spacing, direction)
    origin = np.array([n - 1 if a in flips else 0 for a, n in enumerate(values.shape)])
    signs = np.array([-1.0 if a in flips else 1.0 for a in range(3)])
    turned, turned_mask = np.flip(values, flips).transpose(axes), np.flip(chosen, flips).transpose(axes)
    grid = Grid(
        turned.shape,
        spacing[list(axes)],
        image.grid.index_to_patient(origin),
        (direction * signs)[:, list(axes)],
        frame_of_reference="1.2.3",
    )
    other = Image(turned, grid, Quantity.SUV_BODY_WEIGHT, MEASURED)
    a, b = peak_uptake(image, mask_like(image, chosen)), peak_uptake(other, mask_like(other, turned_mask))
    assert a.mean == pytest.approx(b.mean, rel=1e-4)
    np.testing.assert_allclose(a.centre_mm, b.centre_mm, atol=0.3)


def test_peak_uptake__stays_whole_at_the_edge_when_it_can():
    values = np.ones((11, 11, 11))
    values[0] = 9.0
    image = suv(values)
    got = peak_uptake(image, mask_like(image, values > 0))
    assert got.coverage == 1.0
    # Whole inside: the centre is one radius from the hot slice's outer face, to the last step of 0.02 mm.
    assert image.grid.patient_to_index(got.centre_mm)[0] == pytest.approx(PEAK_RADIUS_MM / 4 - 0.5, abs=0.005)
    only_slice = peak_uptake(image, mask_like(image, values > 1))
    assert only_slice.coverage < 1.0
    assert only_slice.mean > got.mean
    # As near to whole as the mask allows: on the inner face of the slice.
    assert image.grid.patient_to_index(only_slice.centre_mm)[0] == pytest.approx(0.5, abs=1e-6)


def test_peak_uptake__finds_the_one_place_where_the_sphere_fits():
    # 13 mm along each axis: the sphere of 12.407 mm fits between the lattice's centres only.
    image = suv(np.random.default_rng(1).random((4, 4, 4)), (3.25, 3.25, 3.25))
    chosen = np.zeros(image.grid.shape, dtype=bool)
    chosen[0], chosen[2, 1, 1] = True, True
    got = peak_uptake(image, mask_like(image, chosen))
    assert got.coverage == 1.0
    np.testing.assert_allclose(image.grid.patient_to_index(got.centre_mm), [1.5, 1.5, 1.5], atol=0.1)
    # An image too small for any whole sphere: the one about its middle, and what of it is inside.
    small = suv(np.random.default_rng(1).random((3, 3, 3)))
    assert 0.9 < peak_uptake(small, mask_like(small, small.values >= 0)).coverage < 1.0


def test_peak_uptake__says_what_is_wrong():
    image = suv(np.ones((5, 5, 5)))
    with pytest.raises(InputError, match=r"mask must have at least one voxel; it is empty"):
        peak_uptake(image, mask_like(image, np.zeros((5, 5, 5))))
    with pytest.raises(GridMismatch, match=r"mask and image must share a grid"):
        peak_uptake(image, mask_like(suv(np.ones((5, 5, 6))), np.ones((5, 5, 6))))
    with pytest.raises(InputError, match=r"finite voxel values"):
        peak_uptake(suv(np.full((5, 5, 5), np.nan)), mask_like(image, np.ones((5, 5, 5))))
    with pytest.raises(InputError, match=r"radius_mm must be finite and > 0 \[mm\]; got 0"):
        sphere_uptake(image, centre_mm=(0, 0, 0), radius_mm=0)
    with pytest.raises(InputError, match=r"centre_mm must be a patient point .* inside the image"):
        sphere_uptake(image, centre_mm=(0, 0, 0), radius_mm=5)
