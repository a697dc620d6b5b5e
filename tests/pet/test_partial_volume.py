"""Partial volume correction of phantoms whose concentrations are known."""

import numpy as np
import pytest
from grid_points import points_of
from scipy import ndimage

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity, TissueCurves
from tumorboard.dosimetry.recovery import sphere_recovery
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics import gaussian_blur
from tumorboard.pet import (
    FractionPartition,
    GaussianPsf,
    IterativeYang,
    LabelPartition,
    RegionVoxelwise,
    correct_dynamic,
    correct_image,
    corrected_frames,
    psf_sensitivity,
    region_curves,
    region_means,
    transfer_matrix,
)
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((26, 36, 32), (3.0, 2.0, 2.0), (-31.0, -35.0, -37.5), AXIAL, frame_of_reference="1.2")
PSF = GaussianPsf((7.0, 6.0, 6.0))
NAMES = {0: "background", 1: "white", 2: "grey", 5: "left", 9: "right"}
TRUE = {"background": 0.2, "white": 2.0, "grey": 8.0, "left": 12.0, "right": 10.0}
CONCENTRATION = Quantity.ACTIVITY_CONCENTRATION


def drawn(grid=GRID):
    """Shells and two nuclei in an ellipsoid."""
    p = points_of(grid)
    radius = np.linalg.norm(p / [26.0, 30.0, 28.0], axis=-1)
    labels = np.zeros(grid.shape, np.int16)
    labels[radius < 1.0] = 2
    labels[radius < 0.75] = 1
    labels[np.linalg.norm(p - [8, 0, 0], axis=-1) < 5.5] = 5
    labels[np.linalg.norm(p - [-8, -2, 0], axis=-1) < 6.5] = 9
    return Image(labels, grid, Quantity.LABEL, MADE)


def soft(grid=GRID):
    """The same regions as fractions, the largest not given."""
    labels = drawn(grid).values
    blurred = {k: ndimage.gaussian_filter((labels == k).astype(float), 0.7, truncate=2) for k in NAMES}
    total = sum(blurred.values())
    return {
        NAMES[k]: Image((v / total).astype(np.float32), grid, Quantity.FRACTION, MADE)
        for k, v in blurred.items()
        if k
    }


@pytest.fixture(scope="module", params=["labels", "fractions"])
def partition(request):
    if request.param == "labels":
        return LabelPartition(drawn(), NAMES)
    return FractionPartition(soft(), rest="background")


def sharp_image(partition):
    whole = tuple(slice(0, n) for n in partition.grid.shape)
    values = sum(
        TRUE[name] * partition.fractions(k, whole).astype(float) for k, name in enumerate(partition.names)
    )
    return Image(values, partition.grid, CONCENTRATION, MADE)


def truth(partition):
    return np.array([TRUE[name] for name in partition.names])


def test_transfer_matrix__undoes_the_same_blur(partition):
    seen = gaussian_blur(sharp_image(partition), PSF.fwhm_mm)
    matrix = transfer_matrix(partition, PSF)
    measured = region_means(seen, partition)
    assert np.abs(measured / truth(partition) - 1).max() > 0.2
    np.testing.assert_allclose(matrix.corrected(measured), truth(partition), rtol=1e-6)


def test_transfer_matrix__rows_add_up_to_one_and_nothing_is_negative(partition):
    matrix = transfer_matrix(partition, PSF).matrix
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-12)
    assert matrix.min() > -1e-9


def test_transfer_matrix__what_leaves_a_region_arrives_in_the_others(partition):
    """The Gaussian is the same both ways: voxels times matrix is symmetric away from the field's edge."""
    flow = transfer_matrix(partition, PSF).matrix * partition.voxels[:, None]
    np.testing.assert_allclose(flow, flow.T, rtol=2e-3, atol=0.1)


def test_transfer_matrix__equals_a_dense_matrix_of_the_blur():
    grid = Grid((7, 9, 8), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    labels = np.zeros(grid.shape, int)
    labels[2:5, 3:7, 2:5] = 1
    labels[3:6, 1:4, 5:8] = 2
    found = transfer_matrix(
        LabelPartition(Image(labels, grid, Quantity.LABEL, MADE), {0: "a", 1: "b", 2: "c"}), PSF
    )
    dense = np.eye(1)
    for n, fwhm, step in zip(grid.shape, PSF.fwhm_mm, grid.spacing_mm, strict=True):
        sigma = fwhm / 2.3548200450309493 / step
        reach = int(np.ceil(4 * sigma))
        weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        axis = np.zeros((n, n))
        for to in range(n):
            for k, w in zip(range(-reach, reach + 1), weight / weight.sum(), strict=True):
                axis[to, min(max(to + k, 0), n - 1)] += w
        dense = np.kron(dense, axis)
    masks = np.array([labels.ravel() == k for k in range(3)], float)
    expected = masks @ dense @ masks.T / masks.sum(axis=1)[:, None]
    np.testing.assert_allclose(found.matrix, expected, atol=1e-12)
    values = np.array([3.0, 40.0, 7.0])
    everything = np.linalg.solve(dense, dense @ masks.T @ values)
    measured = masks @ dense @ masks.T @ values / masks.sum(axis=1)
    regions = masks @ everything / masks.sum(axis=1)
    np.testing.assert_allclose(found.corrected(measured), regions, rtol=1e-6)


@pytest.mark.parametrize("radius_mm", [5.0, 8.0, 12.0])
def test_transfer_matrix__recovers_a_sphere_as_the_closed_form_says(radius_mm):
    grid = Grid((41, 41, 41), (1.5, 1.5, 1.5), (-30.0, -30.0, -30.0), AXIAL, frame_of_reference="1.2")
    steps = (np.arange(5) - 2) * 0.3
    p = points_of(grid)
    inside = np.zeros(grid.shape)
    for dz in steps:
        for dy in steps:
            for dx in steps:
                inside += np.linalg.norm(p - [dx, dy, dz], axis=-1) < radius_mm
    ball = Image(inside / 125, grid, Quantity.FRACTION, MADE)
    found = transfer_matrix(FractionPartition({"ball": ball}, rest="rest"), GaussianPsf((7.0, 7.0, 7.0)))
    volume_ml = 4.0 / 3.0 * np.pi * radius_mm**3 / 1e3
    expected = sphere_recovery(volume_ml=volume_ml, fwhm_mm=7.0).mean
    # Voxels are wider than points: their own width blurs besides.
    assert found.recovery[0] == pytest.approx(expected, rel=0.03)


@pytest.mark.slow
def test_noise_amplification__is_that_of_repetition(partition):
    rng = np.random.default_rng(5)
    matrix = transfer_matrix(partition, PSF)
    shape = partition.grid.shape
    means = np.array(
        [
            region_means(Image(rng.standard_normal(shape), GRID, CONCENTRATION, MADE), partition)
            for _ in range(400)
        ]
    )
    ratio = matrix.corrected(means.T).std(axis=1) / means.std(axis=0)
    np.testing.assert_allclose(ratio, matrix.noise_amplification, rtol=0.15)
    assert (matrix.noise_amplification[1:] > 1).all()


def test_corrected_curves__have_the_covariance_of_repetition(partition):
    matrix = transfer_matrix(partition, PSF)
    measured = matrix.matrix @ truth(partition)
    error = 0.02 * measured
    curves = TissueCurves(
        partition.names, [0.0], [60.0], measured[:, None], None, MADE
    )  # hard regions: errors are independent
    found = matrix.corrected_curves(curves, standard_error_bq_ml=error[:, None])
    np.testing.assert_allclose(found.curves.concentration_bq_ml[:, 0], truth(partition), rtol=1e-9)
    scale = np.sqrt(np.diag(matrix.noise))
    spread = np.linalg.cholesky(matrix.noise / np.outer(scale, scale)) * 1.0
    rng = np.random.default_rng(7)
    noisy = measured + (rng.standard_normal((20000, len(error))) @ spread.T) * error
    sample = np.cov(matrix.corrected(noisy.T))
    np.testing.assert_allclose(found.covariance_bq2_ml2[0], sample, rtol=0.1, atol=3e-4)
    np.testing.assert_allclose(
        found.standard_error_bq_ml[:, 0] ** 2, np.diag(found.covariance_bq2_ml2[0]), rtol=1e-12
    )


def test_corrected_curves__keep_the_order_and_need_all_regions(partition):
    matrix = transfer_matrix(partition, PSF)
    measured = matrix.matrix @ truth(partition)
    names = partition.names[::-1]
    curves = TissueCurves(names, [0.0], [60.0], measured[::-1, None], None, MADE)
    found = matrix.corrected_curves(curves, standard_error_bq_ml=np.ones((len(names), 1)))
    assert found.curves.regions == names
    np.testing.assert_allclose(found.curves.concentration_bq_ml[::-1, 0], truth(partition), rtol=1e-9)
    few = TissueCurves(names[:2], [0.0], [60.0], measured[:2, None], None, MADE)
    with pytest.raises(InputError, match="the background too"):
        matrix.corrected_curves(few, standard_error_bq_ml=None)


def test_region_voxelwise__restores_uniform_regions_and_their_means(partition):
    sharp = sharp_image(partition)
    seen = gaussian_blur(sharp, PSF.fwhm_mm)
    found = correct_image(seen, partition, PSF, RegionVoxelwise())
    np.testing.assert_allclose(found.means, truth(partition), rtol=1e-5)
    np.testing.assert_allclose(
        region_means(found.image, partition), region_means(sharp, partition), rtol=1e-5
    )
    np.testing.assert_allclose(found.image.values, sharp.values, rtol=1e-4)
    assert (found.voxel_noise_amplification > 0.5).all()
    assert found.kept == ()
    assert found.changes == ()


def test_iterative_yang__ends_at_the_means_of_the_transfer_matrix(partition):
    seen = gaussian_blur(sharp_image(partition), PSF.fwhm_mm)
    found = correct_image(seen, partition, PSF, IterativeYang(iterations=200, tolerance=1e-7))
    assert len(found.changes) < 200
    by_matrix = transfer_matrix(partition, PSF).corrected(region_means(seen, partition))
    np.testing.assert_allclose(found.means, by_matrix, rtol=1e-4)
    np.testing.assert_allclose(found.means, truth(partition), rtol=1e-4)


def test_iterative_yang__equals_the_whole_field_done_plainly():
    """The definition, on the whole field with scipy's filter, of a noisy scan."""
    partition = LabelPartition(drawn(), NAMES)
    labels = np.searchsorted(sorted(NAMES), drawn().values)
    seen = gaussian_blur(sharp_image(partition), PSF.fwhm_mm).values
    seen = seen + 0.3 * np.random.default_rng(1).standard_normal(seen.shape)
    sigma = np.array(PSF.fwhm_mm) / 2.3548200450309493 / GRID.spacing_mm
    now = seen
    for _ in range(10):
        means = ndimage.mean(now, labels, range(len(NAMES)))
        sharp = means[labels]
        now = seen * sharp / ndimage.gaussian_filter(sharp, sigma, mode="nearest", truncate=4.0)
    image = Image(seen, GRID, CONCENTRATION, MADE)
    found = correct_image(image, partition, PSF, IterativeYang(iterations=10, tolerance=None))
    np.testing.assert_allclose(found.image.values, now, rtol=2e-4, atol=1e-4)
    assert len(found.changes) == 10


def test_correct_image__keeps_regions_that_are_not_above_zero():
    partition = LabelPartition(drawn(), NAMES)
    values = gaussian_blur(sharp_image(partition), PSF.fwhm_mm).values.copy()
    values[drawn().values == 0] = -0.1
    image = Image(values, GRID, CONCENTRATION, MADE)
    found = correct_image(image, partition, PSF, IterativeYang(iterations=5, tolerance=None))
    assert found.kept == ("background",)
    np.testing.assert_array_equal(found.image.values[drawn().values == 0], np.float32(-0.1))
    assert np.isfinite(found.image.values).all()


@pytest.mark.parametrize("method", [RegionVoxelwise(), IterativeYang(iterations=3, tolerance=None)])
def test_correct_dynamic__is_each_frame_corrected_and_ends_when_told(method):
    partition = LabelPartition(drawn(), NAMES)
    seen = gaussian_blur(sharp_image(partition), PSF.fwhm_mm).values
    values = np.stack([seen, 0.5 * seen, 2.0 * seen]).astype(np.float32)
    scan = DynamicImage(values, GRID, CONCENTRATION, [0, 60, 120], [60, 60, 60], "injection", MADE)
    told = []
    found = correct_dynamic(scan, partition, PSF, method, threads=2, progress=lambda *one: told.append(one))
    alone = correct_image(scan.frame(1), partition, PSF, method, threads=1)
    np.testing.assert_array_equal(found.image.values[1], alone.image.values)
    np.testing.assert_array_equal(found.means[:, 1], alone.means)
    assert told == [("frames", k, 3) for k in range(3)]
    streamed = corrected_frames(map(scan.frame, range(3)), partition, PSF, method)
    for k, one in enumerate(streamed):
        np.testing.assert_array_equal(one.image.values, found.image.values[k])

    def stop(_what, k, _n):
        if k == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        correct_dynamic(scan, partition, PSF, RegionVoxelwise(), progress=stop)
    curves = transfer_matrix(partition, PSF).corrected_curves(
        region_curves(scan, partition), standard_error_bq_ml=None
    )
    assert curves.curves.of("left")[2] == pytest.approx(2 * TRUE["left"], rel=1e-5)


def test_psf_sensitivity__wider_corrects_more_where_it_is_hotter():
    partition = LabelPartition(drawn(), NAMES)
    seen = gaussian_blur(sharp_image(partition), PSF.fwhm_mm)
    found = psf_sensitivity(seen, partition, PSF, [0.8, 0.9, 1.1, 1.2])
    np.testing.assert_allclose(found.stated, truth(partition), rtol=1e-6)
    left = found.relative[:, partition.names.index("left")]
    assert (np.diff(left) > 0).all()
    assert left[0] < -0.02 < 0.02 < left[-1]


def test_partitions__must_fill_the_field():
    with pytest.raises(InputError, match="fill the whole field"):
        LabelPartition(drawn(), {k: v for k, v in NAMES.items() if k})
    with pytest.raises(InputError, match="fill the whole field"):
        FractionPartition(soft(), rest=None)
    one = soft()["grey"]
    with pytest.raises(InputError, match="overlap"):
        FractionPartition({"a": one, "b": one}, rest="rest")
    with pytest.raises(InputError, match="moon has none"):
        LabelPartition(drawn(), {**NAMES, 77: "moon"})


def test_fraction_partition__takes_all_regions_or_the_rest():
    given = soft()
    rest = 1.0 - sum(image.values for image in given.values())
    every = {**given, "background": Image(np.clip(rest, 0, 1), GRID, Quantity.FRACTION, MADE)}
    a = transfer_matrix(FractionPartition(given, rest="background"), PSF).matrix
    b = transfer_matrix(FractionPartition(every, rest=None), PSF).matrix
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_partial_volume__refuses_what_it_cannot_do():
    partition = LabelPartition(drawn(), NAMES)
    with pytest.raises(InputError, match="point or line source"):
        GaussianPsf((6.0, -1.0, 6.0))
    with pytest.raises(InputError, match="finer voxels"):
        transfer_matrix(partition, GaussianPsf((6.0, 1.0, 6.0)))
    grid = Grid(GRID.shape, (3, 2, 2), (0, 0, 0), AXIAL, frame_of_reference="1.2")
    elsewhere = Image(np.ones(GRID.shape), grid, CONCENTRATION, MADE)
    with pytest.raises(GridMismatch):
        region_means(elsewhere, partition)
    broken = np.ones(GRID.shape)
    broken[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        correct_image(Image(broken, GRID, CONCENTRATION, MADE), partition, PSF, RegionVoxelwise())
    with pytest.raises(InputError, match="iterations"):
        IterativeYang(iterations=0, tolerance=None)
    half = Image(np.full(GRID.shape, 0.5), GRID, Quantity.FRACTION, MADE)
    with pytest.raises(InputError, match="join regions"):
        transfer_matrix(FractionPartition({"a": half, "b": half}, rest=None), PSF)
    with pytest.raises(InputError, match="share all voxels"):
        correct_image(
            Image(np.ones(GRID.shape), GRID, CONCENTRATION, MADE),
            FractionPartition({"a": half, "b": half}, rest=None),
            PSF,
            IterativeYang(iterations=1, tolerance=None),
        )
