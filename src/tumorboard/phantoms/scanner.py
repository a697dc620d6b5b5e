"""Simple scanners in image space: what a CT and a PET make of a known object."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import FWHM_PER_SIGMA
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.provenance import Record

__all__ = ["simulate_ct", "simulate_pet"]

_SIGMA_PER_FWHM = 1.0 / FWHM_PER_SIGMA


def simulate_ct(truth_hu: Image, *, fwhm_mm: float, noise_hu: float, seed: int) -> Image:
    """Blur an object with a Gaussian and add correlated noise, rounded to whole CT numbers.

    Parameters
    ----------
    truth_hu
        The object [HU].
    fwhm_mm
        Full width at half maximum of the Gaussian, in all directions, >= 0 [mm].
    noise_hu
        Standard deviation of the noise, which is white before the blur's own width is applied in-plane [HU].
    seed
        Of the random stream.

    Returns
    -------
    Image
        int16 CT numbers on the same grid [HU].
    """
    _require(truth_hu, Quantity.CT_NUMBER, fwhm_mm=fwhm_mm, noise_hu=noise_hu)
    values = _blur(truth_hu.values, truth_hu.grid, fwhm_mm)
    noise = np.random.default_rng(seed).standard_normal(values.shape, dtype=np.float32)
    for plane in noise:
        ndimage.gaussian_filter(plane, 0.8, output=plane)
    values += noise * np.float32(noise_hu / max(float(noise[0].std()), 1e-6))
    np.clip(values, -1024, 3071, out=values)
    made = Record(
        "phantoms.simulate_ct",
        {"fwhm_mm": fwhm_mm, "noise_hu": noise_hu, "seed": seed},
        (truth_hu.provenance,),
    )
    return Image(np.rint(values).astype(np.int16), truth_hu.grid, Quantity.CT_NUMBER, made)


def simulate_pet(
    truth_bq_ml: Image,
    grid: Grid,
    *,
    intrinsic_fwhm_mm: float,
    filter_fwhm_mm: float,
    counts_per_bq: float,
    seed: int,
) -> Image:
    """Blur activity by the scanner, count it with Poisson noise, and smooth as a reconstruction does.

    A model in image space: the noise is Poisson per voxel before the post-filter, so it scales and
    correlates as in a filtered reconstruction, but attenuation and scatter leave no trace in it.

    Parameters
    ----------
    truth_bq_ml
        The object [Bq/mL].
    grid
        Grid of the PET image.
    intrinsic_fwhm_mm
        Blur before counting, >= 0 [mm].
    filter_fwhm_mm
        Blur after counting, >= 0 [mm].
    counts_per_bq
        Counts detected per becquerel in a voxel during the scan, > 0 [1/Bq].
    seed
        Of the random stream.

    Returns
    -------
    Image
        float32 activity concentration on ``grid`` [Bq/mL].
    """
    _require(
        truth_bq_ml,
        Quantity.ACTIVITY_CONCENTRATION,
        intrinsic_fwhm_mm=intrinsic_fwhm_mm,
        filter_fwhm_mm=filter_fwhm_mm,
    )
    if not counts_per_bq > 0:
        raise InputError(f"counts_per_bq must be > 0 [1/Bq]; got {counts_per_bq!r}")
    object_there = resample(truth_bq_ml, grid, method=Interpolation.CONSERVATIVE, outside=0.0)
    expected = _blur(object_there.values, grid, intrinsic_fwhm_mm)
    counts_per_value = counts_per_bq * grid.voxel_volume_ml
    counts = np.random.default_rng(seed).poisson(np.maximum(expected, 0.0) * counts_per_value)
    values = _blur(counts.astype(np.float32) / np.float32(counts_per_value), grid, filter_fwhm_mm)
    made = Record(
        "phantoms.simulate_pet",
        {
            "intrinsic_fwhm_mm": intrinsic_fwhm_mm,
            "filter_fwhm_mm": filter_fwhm_mm,
            "counts_per_bq": counts_per_bq,
            "seed": seed,
        },
        (truth_bq_ml.provenance,),
    )
    return Image(values, grid, Quantity.ACTIVITY_CONCENTRATION, made)


def _blur(values: NDArray[np.generic], grid: Grid, fwhm_mm: float) -> NDArray[np.float32]:
    sigma = fwhm_mm * _SIGMA_PER_FWHM / grid.spacing_mm
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(
        np.asarray(values, np.float32), sigma, mode="nearest"
    )
    return blurred


def _require(image: Image, quantity: Quantity, **not_negative: float) -> None:
    if image.quantity is not quantity:
        raise InputError(f"image must be {quantity.value} [{quantity.unit}]; got {image.quantity.value}")
    for name, value in not_negative.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be finite and >= 0; got {value!r}")
