import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics import compare_masks
from tumorboard.provenance import Record


def image(values, spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0)):
    grid = Grid(values.shape, spacing_mm, origin_mm, AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, Quantity.LABEL, Record("test"))


def blob(rng, shape):
    """Smoothed noise above a random level: holes, islands, and now and then the image's border."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(0.5, 2.5))
    return noise > np.quantile(noise, rng.uniform(0.3, 0.95))


def by_simpleitk(a, b, spacing_mm):
    """Overlap and distances by the filters and the recipe of SimpleITK's segmentation evaluation notebook."""
    images = []
    for mask in (a, b):
        images.append(sitk.GetImageFromArray(mask.astype(np.uint8)))
        images[-1].SetSpacing([float(s) for s in spacing_mm[::-1]])
    measures, hausdorff = sitk.LabelOverlapMeasuresImageFilter(), sitk.HausdorffDistanceImageFilter()
    measures.Execute(*images)
    hausdorff.Execute(*images)
    distances = []
    for one, other in (images, images[::-1]):
        far = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
        edge = sitk.GetArrayFromImage(sitk.LabelContour(one)) > 0
        distances.append(sitk.GetArrayFromImage(far)[edge])
    pooled = np.concatenate(distances)
    return {
        "dice": measures.GetDiceCoefficient(),
        "jaccard": measures.GetJaccardCoefficient(),
        "hausdorff_mm": hausdorff.GetHausdorffDistance(),
        "hd95_mm": max(np.percentile(d, 95) for d in distances),
        "hd95_pooled_mm": np.percentile(pooled, 95),
        "mean_surface_distance_mm": pooled.mean(),
    }


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    spacing_mm=st.tuples(st.floats(0.5, 6), st.floats(0.5, 3), st.floats(0.5, 3)),
)
def test_compare_masks__equals_simpleitk(seed, spacing_mm):
    rng = np.random.default_rng(seed)
    a, b = (blob(rng, (9, 14, 17)) for _ in range(2))
    result = compare_masks(image(a, spacing_mm), image(b, spacing_mm))
    for name, value in by_simpleitk(a, b, spacing_mm).items():
        assert getattr(result, name) == pytest.approx(value, rel=1e-5, abs=1e-6), name


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 10))
def test_compare_masks__is_symmetric_and_scales(seed, scale):
    rng = np.random.default_rng(seed)
    a, b = (image(blob(rng, (8, 9, 10)), (3.0, 2.0, 1.0)) for _ in range(2))
    there, back = compare_masks(a, b), compare_masks(b, a, threads=1)
    larger = compare_masks(*(image(m.values, scale * m.grid.spacing_mm) for m in (a, b)))
    assert there.volume_difference_ml == -back.volume_difference_ml
    assert there.dice == back.dice == larger.dice
    for name in ("hausdorff_mm", "hd95_mm", "hd95_pooled_mm", "mean_surface_distance_mm"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), rel=1e-12)
        assert getattr(larger, name) == pytest.approx(scale * getattr(there, name), rel=1e-9)


def test_compare_masks__of_a_mask_with_itself_and_shifted_by_one_voxel():
    mask = np.zeros((12, 12, 12), bool)
    mask[3:8, 3:8, 3:8] = True
    same = compare_masks(image(mask), image(mask))
    assert (same.dice, same.hausdorff_mm, same.mean_surface_distance_mm) == (1.0, 0.0, 0.0)
    shifted = compare_masks(image(mask, (2.5, 1, 1)), image(np.roll(mask, 1, axis=0), (2.5, 1, 1)))
    assert shifted.hausdorff_mm == 2.5
    assert shifted.dice == 0.8


def test_compare_masks__says_what_is_wrong():
    mask, empty = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
    mask[1:3, 1:3, 1:3] = True
    with pytest.raises(InputError, match="second mask must have at least one voxel inside; it is empty"):
        compare_masks(image(mask), image(empty))
    with pytest.raises(InputError, match="first mask must have at least one voxel outside"):
        compare_masks(image(~empty), image(mask))
    with pytest.raises(GridMismatch, match="first and second mask must share a grid"):
        compare_masks(image(mask), image(mask, origin_mm=(0.0, 0.0, 1.0)))
    grid = image(mask).grid
    with pytest.raises(InputError, match="first mask must be a boolean LABEL image"):
        compare_masks(Image(mask.astype(float), grid, Quantity.FRACTION, Record("test")), image(mask))
