import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import InputError
from tumorboard.phantoms import simulate_ct, simulate_pet
from tumorboard.provenance import Record

GRID = Grid((20, 40, 40), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
MADE = Record("test.made")


def activity(values):
    return Image(values, GRID, Quantity.ACTIVITY_CONCENTRATION, MADE)


def pet(truth, *, counts_per_bq=10.0, seed=1):
    return simulate_pet(
        truth, GRID, intrinsic_fwhm_mm=4.0, filter_fwhm_mm=3.0, counts_per_bq=counts_per_bq, seed=seed
    )


def test_simulate_pet__keeps_the_mean_and_has_poisson_noise():
    # Without blur each voxel is Poisson: variance over mean of the counts is 1.
    image = simulate_pet(
        activity(np.full(GRID.shape, 1000.0)),
        GRID,
        intrinsic_fwhm_mm=0.0,
        filter_fwhm_mm=0.0,
        counts_per_bq=2.0,
        seed=3,
    )
    counts = image.values.astype(float) * 2.0 * GRID.voxel_volume_ml
    assert counts.mean() == pytest.approx(2000 * GRID.voxel_volume_ml, rel=0.01)
    # 32,000 voxels: the standard error of the ratio is sqrt(2/32000) = 0.8 %.
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.04)


def test_simulate_pet__blur_of_a_point_has_the_stated_width():
    values = np.zeros(GRID.shape)
    values[10, 20, 20] = 1e6
    image = pet(activity(values), counts_per_bq=1e6)
    profile = image.values.sum(axis=(0, 1)).astype(float)
    x = np.arange(40) * 2.0
    centre = (profile * x).sum() / profile.sum()
    sigma = np.sqrt((profile * (x - centre) ** 2).sum() / profile.sum())
    assert sigma * 2.3548 == pytest.approx(np.hypot(4.0, 3.0), rel=0.02)


def test_simulate__same_seed_same_image():
    truth = activity(np.full(GRID.shape, 500.0))
    np.testing.assert_array_equal(pet(truth).values, pet(truth).values)
    assert (pet(truth).values != pet(truth, seed=2).values).any()


def test_simulate_ct__noise_has_the_stated_deviation_and_values_are_whole():
    truth = Image(np.full(GRID.shape, 40.0, np.float32), GRID, Quantity.CT_NUMBER, MADE)
    image = simulate_ct(truth, fwhm_mm=1.0, noise_hu=15.0, seed=1)
    assert image.values.dtype == np.int16
    assert image.values.mean() == pytest.approx(40.0, abs=1.0)
    assert image.values.std() == pytest.approx(15.0, rel=0.05)


def test_simulate__says_what_is_wrong():
    truth = activity(np.zeros(GRID.shape))
    with pytest.raises(InputError, match="counts_per_bq must be > 0"):
        pet(truth, counts_per_bq=0.0)
    with pytest.raises(InputError, match="image must be ct_number"):
        simulate_ct(truth, fwhm_mm=1.0, noise_hu=1.0, seed=1)
    with pytest.raises(InputError, match="noise_hu must be finite and >= 0"):
        simulate_ct(
            Image(np.zeros(GRID.shape), GRID, Quantity.CT_NUMBER, MADE), fwhm_mm=1.0, noise_hu=-1.0, seed=1
        )
