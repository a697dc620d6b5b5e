import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError, NotConverged
from tumorboard.pet import (
    AdaptiveContrast,
    Connectivity,
    Exclusion,
    FixedThreshold,
    GradientWatershed,
    Growth,
    LesionOrder,
    LesionUptake,
    PercentOfMaximum,
    PercentOfPeak,
    Percist,
    ReferenceTissue,
    delineate_lesions,
    sphere_uptake,
)
from tumorboard.pet._kernels import region_growing, watershed
from tumorboard.pet.placement import window_of
from tumorboard.provenance import Record

MEASURED = Record("test.measured")
PART = st.floats(-0.5, 0.5)
SHELL = {"background_gap_mm": 6.0, "background_width_mm": 8.0}
W, F = Growth.WITHIN_SEED, Growth.FREE

#: Rules that put the border of a sharp-edged lesion of 10 on a background of 1 near half way.
HALF_WAY = (
    FixedThreshold(5.5),
    PercentOfMaximum(55, 3.0, F),
    PercentOfPeak(55, 3.0, F),
    AdaptiveContrast.background_adapted(percent=50, seed_threshold=3.0, growth=F, **SHELL),
    AdaptiveContrast(0.5, 0.5, 0.0, LesionUptake.MEAN_ABOVE_70_PERCENT, 6.0, 8.0, 3.0, F),
    GradientWatershed(70, 12.0, 0.0, 3.0),
)


def oblique(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    about_x, about_z = (
        np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    )
    return about_x @ about_z @ np.array(AXIAL)


def grid_of(shape, spacing_mm=(4.0, 4.0, 4.0), direction=AXIAL):
    return Grid(shape, spacing_mm, (-100.0, 30.0, 7.0), direction, frame_of_reference="1.2.3")


def suv(values, spacing_mm=(4.0, 4.0, 4.0), direction=AXIAL, quantity=Quantity.SUV_BODY_WEIGHT):
    return Image(values, grid_of(values.shape, spacing_mm, direction), quantity, MEASURED)


def mask_like(image, values):
    return Image(np.asarray(values, dtype=bool), image.grid, Quantity.LABEL, MEASURED)


def ellipsoid(grid, centre, half_axes_mm, inside=10.0, outside=1.0):
    """Uptake of an ellipsoid with a sharp edge: each voxel holds the mean of 5^3 points in it."""
    steps = (np.arange(5) + 0.5) / 5 - 0.5
    total = np.zeros(grid.shape)
    index = np.indices(grid.shape).astype(float)
    for offset in np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3):
        mm = (index + (offset - centre)[:, None, None, None]) * grid.spacing_mm[:, None, None, None]
        total += ((mm / np.array(half_axes_mm)[:, None, None, None]) ** 2).sum(0) <= 1
    return outside + (inside - outside) * total / len(steps) ** 3


def whole(lesion, grid):
    full = np.zeros(grid.shape, dtype=bool)
    full[window_of(lesion.mask.grid, grid, what="lesion and image")] = lesion.mask.values
    return full


def blobs(seed=0, shape=(30, 32, 34)):
    rng = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(rng.random(shape), 2.0)
    return 1.0 + 9.0 * (values - values.min()) / np.ptp(values)


@pytest.mark.parametrize("rule", HALF_WAY, ids=lambda rule: type(rule).__name__)
@settings(deadline=None, max_examples=8)
@given(
    half_axes_mm=st.tuples(*[st.floats(12.0, 22.0)] * 3),
    spacing=st.tuples(*[st.floats(2.5, 4.5)] * 3),
    part=st.tuples(PART, PART, PART),
    degrees=st.floats(0, 45),
)
def test_delineate_lesions__recovers_an_ellipsoid_within_one_voxel_shell(
    rule, half_axes_mm, spacing, part, degrees
):
    shape = tuple(int(2 * (a + 18) / s) + 3 for a, s in zip(half_axes_mm, spacing, strict=True))
    grid = grid_of(shape, spacing, oblique(degrees))
    centre = (np.array(shape) - 1) / 2 + part
    image = Image(ellipsoid(grid, centre, half_axes_mm), grid, Quantity.SUV_BODY_WEIGHT, MEASURED)
    [lesion] = delineate_lesions(image, rule, minimum_volume_ml=1.0)
    # Thomsen's approximation of the surface, and the volume of the shell half a voxel diagonal thick.
    a, b, c = (np.array(half_axes_mm) ** 1.6075).tolist()
    surface = 4 * math.pi * ((a * b + a * c + b * c) / 3) ** (1 / 1.6075)
    half_mm = 0.5 * float(np.linalg.norm(spacing))
    shell_mm3 = surface * half_mm
    assert lesion.volume_ml * 1e3 == pytest.approx(4 / 3 * math.pi * np.prod(half_axes_mm), abs=shell_mm3)
    np.testing.assert_allclose(lesion.centroid_mm, grid.index_to_patient(centre), atol=half_mm)
    # Voxel by voxel: none farther out than one voxel diagonal, none missing farther in.
    mm = (np.indices(shape) - centre[:, None, None, None]) * np.array(spacing)[:, None, None, None]
    axes = np.array(half_axes_mm)[:, None, None, None]
    found = whole(lesion, grid)
    assert not found[((mm / (axes + 2 * half_mm)) ** 2).sum(0) > 1].any()
    assert found[((mm / (axes - 2 * half_mm)) ** 2).sum(0) < 1].all()


@pytest.mark.parametrize("rule", HALF_WAY[1:], ids=lambda rule: type(rule).__name__)
@settings(deadline=None, max_examples=5)
@given(factor=st.floats(0.01, 1000.0))
def test_delineate_lesions__relative_rules_do_not_see_the_unit(rule, factor):
    image = suv(blobs(shape=(18, 20, 22)))
    scaled = suv(image.values * factor, quantity=Quantity.ACTIVITY_CONCENTRATION)
    one = delineate_lesions(image, replace(rule, seed_threshold=8.0), minimum_volume_ml=0)
    many = delineate_lesions(scaled, replace(rule, seed_threshold=8.0 * factor), minimum_volume_ml=0)
    assert len(one) == len(many) >= 1
    # A voxel on the threshold may fall to either side when the factor rounds.
    for a, b in zip(one, many, strict=True):
        assert np.count_nonzero(whole(a, image.grid) ^ whole(b, image.grid)) <= 1


@pytest.mark.parametrize(
    "rule", [*HALF_WAY, PercentOfMaximum(41, 8.0, W)], ids=lambda rule: type(rule).__name__
)
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("flips", [(), (0, 2)])
def test_delineate_lesions__does_not_depend_on_the_array_s_orientation(rule, axes, flips):
    image = suv(blobs(1), (4.0, 3.0, 5.0), oblique(20))
    origin = np.array([n - 1 if a in flips else 0 for a, n in enumerate(image.grid.shape)])
    signs = np.array([-1.0 if a in flips else 1.0 for a in range(3)])
    turned = np.flip(image.values, flips).transpose(axes)
    grid = Grid(
        turned.shape,
        image.grid.spacing_mm[list(axes)],
        image.grid.index_to_patient(origin),
        (image.grid.direction * signs)[:, list(axes)],
        frame_of_reference="1.2.3",
    )
    if hasattr(rule, "seed_threshold"):
        rule = replace(rule, seed_threshold=8.0)
    one = delineate_lesions(image, rule, minimum_volume_ml=0.2)
    two = delineate_lesions(Image(turned, grid, image.quantity, MEASURED), rule, minimum_volume_ml=0.2)
    assert len(one) == len(two) >= 1
    for a, b in zip(one, two, strict=True):
        same = np.flip(whole(a, image.grid), flips).transpose(axes) == whole(b, grid)
        assert np.count_nonzero(~same) <= 0.01 * np.count_nonzero(a.mask.values)
        np.testing.assert_allclose(a.centroid_mm, b.centroid_mm, atol=1.0)


@settings(deadline=None, max_examples=10)
@given(shift=st.tuples(*[st.integers(-3, 3)] * 3))
def test_delineate_lesions__follows_a_translation_by_whole_voxels(shift):
    values = np.ones((24, 24, 24))
    values[8:16, 8:16, 8:16] = 4.0 + ndimage.gaussian_filter(np.random.default_rng(2).random((8, 8, 8)), 1.0)
    image, moved = suv(values), suv(np.roll(values, shift, axis=(0, 1, 2)))
    for rule in HALF_WAY[1:]:
        [one] = delineate_lesions(image, rule, minimum_volume_ml=0)
        [two] = delineate_lesions(moved, rule, minimum_volume_ml=0)
        step_mm = image.grid.index_to_patient(shift) - image.grid.origin_mm
        assert two.volume_ml == one.volume_ml
        np.testing.assert_allclose(two.centroid_mm, one.centroid_mm + step_mm, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(low=st.floats(2.0, 9.0), rise=st.floats(0.0, 3.0))
def test_delineate_lesions__total_volume_falls_with_the_threshold(low, rise):
    image = suv(blobs(3))
    volumes = [
        sum(lesion.volume_ml for lesion in delineate_lesions(image, FixedThreshold(t), minimum_volume_ml=0))
        for t in (low, low + rise)
    ]
    assert volumes[0] >= volumes[1]
    # Without a smallest volume the lesions are all of the voxels above the threshold.
    assert volumes[0] == pytest.approx(np.count_nonzero(image.values >= low) * image.grid.voxel_volume_ml)


def test_delineate_lesions__connectivity_decides_what_touches():
    values = np.ones((6, 6, 6))
    values[1:3, 1:3, 1:3] = values[3:5, 3:5, 3:5] = 6.0  # two cubes that share one corner
    lesions = {
        kind: delineate_lesions(suv(values), FixedThreshold(4.0), minimum_volume_ml=0, connectivity=kind)
        for kind in Connectivity
    }
    assert [len(lesions[kind]) for kind in (Connectivity.CORNERS, Connectivity.FACES)] == [1, 2]


def test_delineate_lesions__drops_what_is_smaller_than_the_least_volume():
    values = np.ones((12, 12, 12))
    values[1:3, 1:3, 1:3], values[6:9, 6:9, 6:9] = 6.0, 5.0
    image = suv(values)  # 0.512 mL and 1.728 mL
    assert len(delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=0.512)) == 2
    assert len(delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=0.513)) == 1
    assert delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=2.0) == ()


def test_delineate_lesions__orders_and_names():
    values = np.ones((20, 12, 12))
    values[1:3, 1:3, 1:3], values[6:10, 6:10, 6:10], values[15:18, 1:4, 1:4] = 9.0, 5.0, 7.0
    heights = {}
    for order in LesionOrder:
        lesions = delineate_lesions(suv(values), FixedThreshold(4.0), minimum_volume_ml=0, order=order)
        assert [lesion.name for lesion in lesions] == ["lesion 1", "lesion 2", "lesion 3"]
        heights[order] = [round((lesion.centroid_mm[2] - 7.0) / 4.0, 1) for lesion in lesions]
    assert heights[LesionOrder.BURDEN] == [7.5, 16.0, 1.5]
    assert heights[LesionOrder.MAXIMUM] == [1.5, 16.0, 7.5]
    assert heights[LesionOrder.CRANIO_CAUDAL] == [16.0, 7.5, 1.5]


def test_delineate_lesions__keeps_to_the_region_and_out_of_what_is_excluded():
    values = np.ones((20, 20, 20))
    values[2:6, 2:6, 2:6], values[12:18, 12:18, 12:18] = 9.0, 8.0
    image = suv(values)
    organ = np.zeros(values.shape, dtype=bool)
    organ[12:18, 12:18, 12:17] = True  # all but the last layer of the second
    rule = FixedThreshold(4.0)

    def volumes(**options):
        return [
            round(x.volume_ml / 0.064) for x in delineate_lesions(image, rule, minimum_volume_ml=0, **options)
        ]

    assert volumes() == [216, 64]
    assert volumes(region=image.grid.crop((0, 0, 0), (10, 10, 10))) == [64]
    assert volumes(region=mask_like(image, organ)) == [180]
    assert volumes(exclude=[mask_like(image, organ)]) == [64, 36]
    assert volumes(exclude=[mask_like(image, organ).crop((11, 11, 11), (19, 19, 19))]) == [64, 36]
    assert volumes(exclude=[mask_like(image, organ)], exclude_margin_mm=4.0) == [64]
    assert volumes(exclude=[mask_like(image, organ)], exclusion=Exclusion.DROP_BY_MAXIMUM) == [64]
    assert volumes(exclude=[mask_like(image, values > 99)]) == [216, 64]


def test_delineate_lesions__takes_parts_of_the_region_as_seeds():
    values = blobs(4)
    image = suv(values)
    region = np.zeros(values.shape, dtype=bool)
    region[2:12, 2:12, 2:12] = region[18:28, 18:28, 18:28] = True
    lesions = delineate_lesions(
        image, PercentOfMaximum(80, None, F), minimum_volume_ml=0, region=mask_like(image, region)
    )
    assert len(lesions) == 2
    for lesion in lesions:
        assert not (whole(lesion, image.grid) & ~region).any()
    with pytest.raises(InputError, match=r"seed_threshold may be None only when a region is given"):
        delineate_lesions(image, PercentOfMaximum(80, None, F), minimum_volume_ml=0)


def test_percent_of_maximum__growth_decides_whether_a_faint_lesion_leaves_its_seed():
    values = np.ones((16, 16, 16))
    values[4:12, 4:12, 4:12], values[6:10, 6:10, 6:10] = 2.5, 5.0
    volumes = [
        delineate_lesions(suv(values), PercentOfMaximum(41, 4.0, growth), minimum_volume_ml=0)[0].volume_ml
        for growth in (W, F)
    ]
    assert volumes == pytest.approx([64 * 0.064, 512 * 0.064])


def test_percist__threshold_is_that_of_the_paper():
    image = suv(blobs(5))
    reference = sphere_uptake(image, centre_mm=image.grid.index_to_patient((15, 15, 15)), radius_mm=15.0)
    mean, deviation = reference.mean, reference.standard_deviation
    assert Percist(reference, ReferenceTissue.LIVER).threshold == pytest.approx(1.5 * mean + 2 * deviation)
    assert Percist(reference, ReferenceTissue.BLOOD_POOL).threshold == pytest.approx(2 * mean + 2 * deviation)
    rule = Percist(reference, ReferenceTissue.LIVER)
    found = delineate_lesions(image, rule, minimum_volume_ml=0)
    same = delineate_lesions(image, FixedThreshold(rule.threshold), minimum_volume_ml=0)
    assert [x.volume_ml for x in found] == [x.volume_ml for x in same]
    assert all(lesion.provenance.parameters["threshold"] == rule.threshold for lesion in found)
    lean = Image(image.values, image.grid, Quantity.SUV_LEAN_BODY_MASS_JAMES, MEASURED)
    with pytest.raises(InputError, match=r"Percist needs image and reference in one quantity"):
        delineate_lesions(lean, rule, minimum_volume_ml=0)


@pytest.mark.parametrize(
    ("rule", "equation"),
    [
        (AdaptiveContrast.black(seed_threshold=4.0, growth=F), lambda u, m, b: 0.307 * u + 0.588),
        (AdaptiveContrast.nestle(seed_threshold=4.0, growth=F, **SHELL), lambda u, m, b: 0.15 * m + b),
    ],
)
def test_adaptive_contrast__satisfies_its_equation(rule, equation):
    grid = grid_of((25, 25, 25))
    values = ndimage.gaussian_filter(ellipsoid(grid, (12.2, 12.0, 11.7), (16.0, 18.0, 20.0)), 1.2)
    [lesion] = delineate_lesions(suv(values), rule, minimum_volume_ml=0)
    found, threshold = whole(lesion, grid), lesion.provenance.parameters["threshold"]
    assert (found == (values >= threshold)).all()
    uptake, core = values[found].mean(), values[found & (values >= 0.7 * values.max())].mean()
    distance_mm = ndimage.distance_transform_edt(~found, sampling=grid.spacing_mm)
    background = values[(distance_mm > 6.0) & (distance_mm <= 14.0)].mean()
    assert threshold == pytest.approx(equation(uptake, core, background), rel=0.02)
    assert set(rule.references) <= set(lesion.provenance.citations())


def test_adaptive_contrast__says_when_no_threshold_satisfies_it():
    values = np.full((9, 9, 9), 0.2)
    values[3:6, 3:6, 3:6] = 0.7
    with pytest.raises(NotConverged, match=r"raise seed_threshold or choose another rule"):
        delineate_lesions(
            suv(values), AdaptiveContrast.black(seed_threshold=0.5, growth=F), minimum_volume_ml=0
        )


def test_gradient_watershed__parts_touching_lesions():
    grid = grid_of((21, 21, 41))
    near = ellipsoid(grid, (10, 10, 13), (16, 16, 16)) + ellipsoid(grid, (10, 10, 27), (16, 16, 16)) - 1.0
    values = ndimage.gaussian_filter(near, 1.5)
    lesions = delineate_lesions(
        suv(values), GradientWatershed(90, 16.0, 0.0, 0.8 * values.max()), minimum_volume_ml=0
    )
    assert len(lesions) == 2
    first, second = (whole(lesion, grid) for lesion in lesions)
    assert not (first & second).any()
    # Mirror images of each other, but for the plane in the middle, which one of them has.
    assert abs(int(first.sum()) - int(second.sum())) <= np.count_nonzero((first | second)[:, :, 20])


def test_grow__compiled_equals_python_and_scipy():
    values = blobs(6, (8, 9, 10))
    steps = np.argwhere(np.ones((3, 3, 3))) - 1
    steps = steps[(steps != 0).any(1)]
    zone = np.ones(values.shape, dtype=np.uint8)
    seed = int(values.argmax())
    results = []
    for kernel in (region_growing.grow, region_growing.grow.py_func):
        labels, queue = np.zeros(values.shape, dtype=np.int32), np.empty(values.size, dtype=np.int64)
        count = kernel(values, zone, 1, seed, 6.0, steps, labels, 3, queue)
        assert count == np.count_nonzero(labels == 3)
        results.append(labels)
    np.testing.assert_array_equal(*results)
    parts, _ = ndimage.label(values >= 6.0, structure=np.ones((3, 3, 3)))
    np.testing.assert_array_equal(results[0] == 3, parts == parts.reshape(-1)[seed])


def test_label_extremes__compiled_equals_python_and_scipy():
    values = blobs(7, (8, 9, 10))
    labels, count = ndimage.label(values >= 6.0)
    results = []
    for kernel in (region_growing.label_extremes, region_growing.label_extremes.py_func):
        out = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, 6), np.int64)
        kernel(labels, values, *out)
        results.append(out)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    counts, peaks, boxes = results[0]
    np.testing.assert_array_equal(counts, np.bincount(labels.reshape(-1))[1:])
    np.testing.assert_array_equal(
        values.reshape(-1)[peaks], ndimage.maximum(values, labels, range(1, count + 1))
    )
    expected = [[b for s in box for b in (s.start, s.stop - 1)] for box in ndimage.find_objects(labels)]
    np.testing.assert_array_equal(boxes, expected)


def test_flood__compiled_equals_python(monkeypatch):
    relief = blobs(8, (6, 7, 8)).astype(np.float32)
    steps = np.argwhere(np.ones((3, 3, 3))) - 1
    steps = steps[(steps != 0).any(1)]
    start = np.zeros(relief.shape, dtype=np.int32)
    start[0, 0, 0], start[5, 6, 7], start[3] = 1, 2, -1
    start[3, 3, 3] = 0
    size = np.count_nonzero(start >= 0)

    def run(kernel):
        labels = start.copy()
        kernel(
            relief,
            labels,
            steps,
            np.empty(size, np.float32),
            np.empty(size, np.int64),
            np.empty(size, np.int64),
        )
        return labels

    compiled = run(watershed.flood)
    plain = watershed.flood.py_func
    for name in ("_before", "_swap", "_push", "_borders_unlabelled"):
        monkeypatch.setattr(watershed, name, getattr(watershed, name).py_func)
    np.testing.assert_array_equal(compiled, run(plain))
    assert set(np.unique(compiled)) == {-1, 1, 2}


def test_delineate_lesions__says_what_is_wrong():
    image = suv(np.ones((5, 5, 5)))
    activity = Image(image.values, image.grid, Quantity.ACTIVITY_CONCENTRATION, MEASURED)
    ct = Image(image.values, image.grid, Quantity.CT_NUMBER, MEASURED)
    with pytest.raises(InputError, match=r"FixedThreshold needs an SUV image"):
        delineate_lesions(activity, FixedThreshold(4.0), minimum_volume_ml=0)
    with pytest.raises(InputError, match=r"with an offset needs an SUV image"):
        delineate_lesions(activity, AdaptiveContrast.black(seed_threshold=4.0, growth=F), minimum_volume_ml=0)
    with pytest.raises(InputError, match=r"needs a standardised uptake value or an activity concentration"):
        delineate_lesions(ct, FixedThreshold(4.0), minimum_volume_ml=0)
    with pytest.raises(InputError, match=r"minimum_volume_ml must be finite and >= 0; got -1"):
        delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=-1)
    elsewhere = Grid((5, 5, 5), (4.0, 4.0, 4.0), (1.0, 30.0, 7.0), AXIAL, frame_of_reference="9")
    mask = Image(np.ones((5, 5, 5), dtype=bool), elsewhere, Quantity.LABEL, MEASURED)
    with pytest.raises(GridMismatch, match=r"exclude\[0\] and image must share a grid"):
        delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=0, exclude=[mask])
    with pytest.raises(InputError, match=r"suv must be finite and > 0; got 0"):
        FixedThreshold(0)
    with pytest.raises(InputError, match=r"percent must be > 0 and <= 100 \[%\]; got 141"):
        PercentOfMaximum(141, 4.0, F)


def test_delineate_lesions__carries_provenance():
    values = np.ones((9, 9, 9))
    values[3:6, 3:6, 3:6] = 9.0
    a, b = (
        delineate_lesions(suv(values), PercentOfMaximum(p, 4.0, W), minimum_volume_ml=0)[0].provenance
        for p in (41, 50)
    )
    assert a.inputs == (MEASURED,)
    assert a.digest != b.digest
    assert a.parameters["rule"] == "PercentOfMaximum"
    assert a.parameters["rule_parameters"] == {"percent": 41, "seed_threshold": 4.0, "growth": "within_seed"}
    assert a.parameters["threshold"] == pytest.approx(0.41 * 9)
    assert list(a.citations()) == ["boellaard2015fdg"]
