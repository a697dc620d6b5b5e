"""Blur by a Gaussian."""

import numpy as np
import pytest
from scipy import ndimage

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics import gaussian_blur
from tumorboard.numerics._kernels.separable_blur import blur_along_z, blur_planes
from tumorboard.numerics.gaussian_blur import blurred_values, gaussian_taps
from tumorboard.provenance import Record

GRID = Grid((11, 13, 12), (3.0, 2.0, 2.5), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
FWHM_MM = (8.0, 6.0, 5.0)
VALUES = np.random.default_rng(2).random(GRID.shape)


def made(values, quantity=Quantity.UNCALIBRATED):
    return Image(values, GRID, quantity, Record("test.made"))


def test_gaussian_blur__equals_scipy():
    sigma = np.array(FWHM_MM) / np.sqrt(8 * np.log(2)) / GRID.spacing_mm
    reach = [len(t) - 1 for t in gaussian_taps(GRID, FWHM_MM)]
    expected = ndimage.gaussian_filter(VALUES, sigma, mode="nearest", radius=reach)
    np.testing.assert_allclose(gaussian_blur(made(VALUES), FWHM_MM).values, expected, rtol=1e-12)


def test_gaussian_blur__is_the_same_for_any_number_of_threads():
    one, two = (gaussian_blur(made(VALUES.astype(np.float32)), FWHM_MM, threads=n).values for n in (1, 2))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, two)


def test_gaussian_blur__has_the_stated_width_and_keeps_a_constant():
    grid = Grid((41, 41, 41), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2")
    point = np.zeros(grid.shape)
    point[20, 20, 20] = 1.0
    spread = gaussian_blur(Image(point, grid, Quantity.UNCALIBRATED, Record("x")), (8.0, 6.0, 5.0)).values
    assert spread.sum() == pytest.approx(1.0, abs=1e-12)
    step = (np.arange(41) - 20.0) * 2.0
    for axis, fwhm in enumerate((8.0, 6.0, 5.0)):
        along = spread.sum(axis=tuple({0, 1, 2} - {axis}))
        assert np.sqrt(8 * np.log(2) * (along @ step**2)) == pytest.approx(fwhm, rel=2e-3)
    np.testing.assert_allclose(gaussian_blur(made(np.full(GRID.shape, 3.0)), FWHM_MM).values, 3.0)


def test_blur_kernels__compiled_equal_plain():
    taps = gaussian_taps(GRID, FWHM_MM)
    out = np.empty(GRID.shape)
    blur_along_z.py_func(VALUES, taps[0], 0, GRID.shape[1], out)
    blur_planes.py_func(out, taps[1], taps[2], 0, GRID.shape[0])
    np.testing.assert_allclose(blurred_values(VALUES, taps, threads=1), out, rtol=1e-13)


def test_gaussian_blur__refuses_labels_and_widths_below_the_voxels():
    with pytest.raises(InputError, match="labels"):
        gaussian_blur(made(np.zeros(GRID.shape, int), Quantity.LABEL), FWHM_MM)
    with pytest.raises(InputError, match="finer voxels"):
        gaussian_blur(made(VALUES), (3.0, 6.0, 5.0))
    with pytest.raises(InputError, match="three finite widths"):
        gaussian_blur(made(VALUES), (6.0, -6.0, 5.0))
