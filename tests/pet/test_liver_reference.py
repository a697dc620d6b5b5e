import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, MissingData
from tumorboard.pet import LIVER_SPHERE_RADIUS_MM, find_liver, liver_reference
from tumorboard.provenance import Record

MEASURED = Record("test.measured")
LIVER_MM = np.array([-70.0, 0.0, 0.0])  # LPS: on the patient's right


def trunk(seed=0, scale=1.0, *, flipped=False, liver=True):
    """Return a trunk 36 x 24 x 40 cm with lungs, liver on the right, spleen and a hot heart on the left."""
    shape, spacing = (100, 72, 104), (4.0, 4.0, 4.0)
    direction = np.array(AXIAL)
    origin = [-206.0, -142.0, -198.0]
    if flipped:  # columns of the array run from left to right instead
        direction = direction * [1, 1, -1]
        origin[0] = 206.0
    grid = Grid(shape, spacing, origin, direction, frame_of_reference="1.2.3")
    x, y, z = np.moveaxis(grid.index_to_patient(np.stack(np.indices(shape), -1)), -1, 0)
    values = np.where((x / 180) ** 2 + (y / 120) ** 2 <= 1, 0.6, 0.0)

    def put(centre, axes, uptake):
        inside = sum(((c - m) / a) ** 2 for c, m, a in zip((x, y, z), centre, axes, strict=True)) <= 1
        values[inside] = uptake

    put((-80, 0, 120), (60, 70, 75), 0.4)
    put((80, 0, 120), (60, 70, 75), 0.4)
    put((40, -30, 90), (35, 35, 40), 7.0)
    if liver:
        put(LIVER_MM, (70, 75, 60), 2.2)
    put((100, 40, 0), (30, 35, 45), 1.9)
    rng = np.random.default_rng(seed)
    blurred = ndimage.gaussian_filter(values * (1 + 0.35 * rng.standard_normal(shape)), 0.8)
    return Image(blurred.astype(np.float32) * np.float32(scale), grid, Quantity.SUV_BODY_WEIGHT, MEASURED)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("scale", [1.0, 4000.0])
def test_find_liver__points_into_the_right_lobe(flipped, scale):
    image = trunk(scale=scale, flipped=flipped)
    centre_mm = find_liver(image)
    assert np.linalg.norm((centre_mm - LIVER_MM) / (70 - 15, 75 - 15, 60 - 15)) < 1
    got = liver_reference(image, centre_mm=centre_mm)
    assert got.mean == pytest.approx(2.2 * scale, rel=0.03)
    assert got.radius_mm == LIVER_SPHERE_RADIUS_MM == 15.0
    np.testing.assert_array_equal(got.centre_mm, centre_mm)


def test_find_liver__says_when_there_is_none():
    with pytest.raises(MissingData, match=r"pass a liver mask or a centre_mm to liver_reference"):
        find_liver(trunk(liver=False))


@pytest.mark.slow
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 100))
def test_liver_reference__in_a_mask_lies_deep_in_its_right_half(seed):
    image = trunk(seed)
    index = np.stack(np.indices(image.grid.shape), -1)
    offsets = (image.grid.index_to_patient(index) - LIVER_MM) / (70, 75, 60)
    mask = Image((offsets**2).sum(-1) <= 1, image.grid, Quantity.LABEL, MEASURED)
    got = liver_reference(image, liver=mask)
    assert got.centre_mm[0] <= LIVER_MM[0] + 4.0
    assert ((got.centre_mm - LIVER_MM) ** 2).sum() < 30**2
    # Four standard errors: voxel noise of 35 % over the voxels of 4 mm in the sphere.
    voxels = 4 / 3 * np.pi * (LIVER_SPHERE_RADIUS_MM / 4.0) ** 3
    assert got.mean == pytest.approx(2.2, rel=4 * 0.35 / np.sqrt(voxels))
    # Voxel noise of 35 % blurred by 0.8 voxels leaves about 7 %.
    assert 0.02 < got.standard_deviation / got.mean < 0.15


def test_liver_reference__says_what_is_wrong():
    image = trunk()
    small = np.zeros(image.grid.shape, dtype=bool)
    small[48:52, 34:38, 34:38] = True
    mask = Image(small, image.grid, Quantity.LABEL, MEASURED)
    with pytest.raises(InputError, match=r"liver must hold a sphere of radius 15.0 mm in its right half"):
        liver_reference(image, liver=mask)
    with pytest.raises(InputError, match=r"exactly one of liver and centre_mm must be given; got neither"):
        liver_reference(image)
    with pytest.raises(InputError, match=r"exactly one of liver and centre_mm must be given; got both"):
        liver_reference(image, liver=mask, centre_mm=(0, 0, 0))
