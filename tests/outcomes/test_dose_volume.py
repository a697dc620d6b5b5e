import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.outcomes.conformity import conformity
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram, dose_volume_histogram
from tumorboard.outcomes.homogeneity import homogeneity_index, homogeneity_ratio
from tumorboard.provenance import Record

MADE = Record("test.made")
DOSES = st.lists(st.floats(0, 100), min_size=2, max_size=30)


def image(values, quantity, spacing=(2.0, 2.0, 2.0)):
    grid = Grid(np.shape(values), spacing, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, quantity, MADE)


@given(DOSES, st.integers(0, 10))
def test_histogram__mean_is_the_integral_of_the_curve(doses, seed):
    volumes = np.random.default_rng(seed).random(len(doses)) + 0.01
    histogram = DoseVolumeHistogram("x", np.array(doses), volumes, MADE)
    assert histogram.mean_gy == pytest.approx(np.average(doses, weights=volumes), abs=1e-9)
    at = np.linspace(0, 101, 4001)
    curve = histogram.cumulative_percent(at)
    assert (np.diff(curve) <= 1e-9).all()
    assert curve[0] == pytest.approx(100)
    middles = 0.5 * (curve[1:] + curve[:-1])
    assert np.sum(middles * np.diff(at)) / 100 == pytest.approx(histogram.mean_gy, abs=0.02)


@given(DOSES)
def test_histogram__does_not_depend_on_the_order_of_voxels(doses):
    volumes = np.linspace(0.5, 2.0, len(doses))
    forward = DoseVolumeHistogram("x", np.array(doses), volumes, MADE)
    backward = DoseVolumeHistogram("x", np.array(doses)[::-1], volumes[::-1], MADE)
    for percent in (2, 50, 95):
        assert forward.dose_at_volume_gy(percent=percent) == backward.dose_at_volume_gy(percent=percent)


def test_histogram__of_a_uniform_dose_is_a_step():
    histogram = DoseVolumeHistogram("x", np.full(5, 20.0), np.ones(5), MADE)
    assert histogram.dose_at_volume_gy(percent=2) == histogram.dose_at_volume_gy(percent=98) == 20.0
    assert histogram.volume_at_dose_percent(20.0) == 100.0
    assert histogram.volume_at_dose_percent(20.1) == 0.0
    assert homogeneity_index(histogram) == 0.0
    assert homogeneity_ratio(histogram) == 1.0
    for exponent in (0.5, 1.0, 8.0):
        assert histogram.generalised_eud_gy(exponent) == pytest.approx(20.0)


def test_dose_volume_histogram__counts_each_voxel_by_its_part():
    dose = image(np.arange(8.0).reshape(2, 2, 2), Quantity.DOSE)
    part = image(np.array([0, 0.25, 0.5, 1, 0, 0, 0, 1.0]).reshape(2, 2, 2), Quantity.FRACTION)
    histogram = dose_volume_histogram(dose, part, name="x")
    assert histogram.total_ml == pytest.approx(2.75 * 8e-3)
    assert histogram.mean_gy == pytest.approx((0.25 + 1.0 + 3.0 + 7.0) / 2.75)


def test_dose_volume_histogram__of_a_sphere_in_a_ramp_is_the_analytic_one():
    n, radius = 41, 16.0
    centre = (n - 1) / 2
    z, y, x = np.meshgrid(*[np.arange(n) - centre] * 3, indexing="ij")
    offsets = (np.arange(5) - 2) / 5
    inside = np.zeros((n, n, n))
    for a in offsets:
        for b in offsets:
            for c in offsets:
                inside += ((z + a) ** 2 + (y + b) ** 2 + (x + c) ** 2) * 4 <= radius**2
    part = image(inside / 125, Quantity.FRACTION)
    ramp = image(50.0 + 2.0 * x, Quantity.DOSE)  # 1 Gy per mm
    histogram = dose_volume_histogram(ramp, part, name="sphere", subdivisions=3)
    # Volume of a ball beyond a plane at h from its centre; planes between the parts of voxels, 2/3 mm wide.
    for h in np.array([-8.0, 0.0, 6.0, 12.0]) + 1 / 3:
        cap = np.pi * (radius - h) ** 2 * (2 * radius + h) / 3
        whole = 4 / 3 * np.pi * radius**3
        assert histogram.volume_at_dose_percent(50.0 + h) == pytest.approx(100 * cap / whole, abs=0.5)


def test_dose_volume_histogram__says_what_is_wrong():
    dose = image(np.ones((2, 2, 2)), Quantity.DOSE)
    with pytest.raises(GridMismatch):
        dose_volume_histogram(
            dose, image(np.ones((2, 2, 2)), Quantity.FRACTION, spacing=(3.0, 2.0, 2.0)), name="x"
        )
    with pytest.raises(InputError, match="volume"):
        dose_volume_histogram(dose, image(np.zeros((2, 2, 2)), Quantity.FRACTION), name="x")


def test_conformity__of_a_perfect_plan_is_one():
    target = DoseVolumeHistogram("PTV", np.array([60.0, 61.0]), np.array([1.0, 2.0]), MADE)
    body = DoseVolumeHistogram("body", np.array([60.0, 61.0, 10.0]), np.array([1.0, 2.0, 50.0]), MADE)
    found = conformity(target, body, prescribed_gy=60.0)
    assert (found.paddick_index, found.rtog_index, found.gradient_index) == (1.0, 1.0, 1.0)
    with pytest.raises(InputError, match="body must hold the target"):
        conformity(body, target, prescribed_gy=60.0)
