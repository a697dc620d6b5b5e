"""Blur by a Gaussian, axis by axis."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics._kernels.separable_blur import blur_along_z, blur_planes
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["FWHM_PER_SIGMA", "blurred_values", "gaussian_blur", "gaussian_taps"]

FWHM_PER_SIGMA: Final = math.sqrt(8.0 * math.log(2.0))
#: A Gaussian is cut off there: what is beyond is 6e-5 of it.
_SIGMAS: Final = 4.0
#: Samples of a narrower Gaussian are narrower still: at 0.6 voxels their width is 1 % too small.
_LEAST_SIGMA_VOXELS: Final = 0.6


def gaussian_taps(grid: Grid, fwhm_mm: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return the weights of a Gaussian's samples at voxel centres along z, y, x, from the middle one on.

    Parameters
    ----------
    grid
        For its spacing.
    fwhm_mm
        Full width at half maximum along the array axes (z, y, x); 0: no blur along that axis [mm].

    Returns
    -------
    tuple of numpy.ndarray
        Three of shape ``(n_weights,)`` each, of which the first plus twice the others is 1; they end at four
        standard deviations.

    Raises
    ------
    InputError
        When a width is negative, or neither 0 nor at least 1.42 voxels.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((9, 9, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> [len(taps) for taps in gaussian_taps(grid, (6.0, 4.0, 0.0))]
    [7, 5, 1]
    """
    widths = np.asarray(fwhm_mm, np.float64)
    if widths.shape != (3,) or not (np.isfinite(widths).all() and (widths >= 0).all()):
        raise InputError(
            f"fwhm_mm must be three finite widths >= 0 along (z, y, x) [mm]; got {widths.tolist()}"
        )
    made = []
    for width, step in zip(widths.tolist(), grid.spacing_mm.tolist(), strict=True):
        sigma = width / FWHM_PER_SIGMA / step
        if 0.0 < sigma < _LEAST_SIGMA_VOXELS:
            raise InputError(
                f"fwhm_mm must be 0 or at least {_LEAST_SIGMA_VOXELS * FWHM_PER_SIGMA:.2f} voxels; got "
                f"{width:g} mm for voxels of {step:g} mm; resample to finer voxels first"
            )
        half = np.ones(1)
        if sigma > 0:
            half = np.exp(-0.5 * (np.arange(math.ceil(_SIGMAS * sigma) + 1) / sigma) ** 2)
        made.append(half / (2.0 * half.sum() - half[0]))
    return tuple(made)


def blurred_values(
    values: NDArray[Any], taps: tuple[NDArray[np.float64], ...], *, threads: int | None
) -> NDArray[Any]:
    """Return an array blurred along its three axes; beyond the edge it stays what it is at the edge.

    Parameters
    ----------
    values
        Shape ``(nz, ny, nx)``.
    taps
        As :func:`gaussian_taps` gives them, shape ``(n_weights,)`` each.
    threads
        Number of threads; as many as numba would use where ``None``. The result does not depend on it.

    Returns
    -------
    numpy.ndarray
        Shape ``(nz, ny, nx)``; float64 when ``values`` is, else float32.

    Examples
    --------
    >>> taps = (np.ones(1), np.ones(1), np.array([0.5, 0.25]))
    >>> blurred_values(np.array([[[0.0, 4.0, 0.0, 0.0]]]), taps, threads=1).tolist()
    [[[1.0, 2.0, 1.0, 0.0]]]
    """
    dtype = np.float64 if values.dtype == np.float64 else np.float32
    source = np.ascontiguousarray(values, dtype)
    z_taps, y_taps, x_taps = (t.astype(dtype) for t in taps)
    out = np.empty(source.shape, dtype)
    # A view that cannot be written to, so that one compilation serves all callers.
    view = source.view()
    view.setflags(write=False)
    run_slabs(source.shape[1], lambda a, b: blur_along_z(view, z_taps, a, b, out), threads=threads)
    run_slabs(source.shape[0], lambda a, b: blur_planes(out, y_taps, x_taps, a, b), threads=threads)
    return out


def gaussian_blur(image: Image, fwhm_mm: ArrayLike, *, threads: int | None = None) -> Image:
    """Return an image blurred by a Gaussian.

    Beyond its edge the image is taken to stay what it is at the edge, so that a constant stays one.

    Parameters
    ----------
    image
        Of any quantity but LABEL, finite.
    fwhm_mm
        Full width at half maximum along the array axes (z, y, x); 0: no blur along that axis [mm].
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Image
        Shape ``grid.shape``; float32, or float64 when the image is float64.

    Raises
    ------
    InputError
        When the image holds labels, or a width cannot be represented by the voxels.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> point = Image(np.eye(1, 9, 4)[None], grid, Quantity.UNCALIBRATED, Record("example"))
    >>> gaussian_blur(point, (0.0, 0.0, 4.0)).values[0, 0, 3:6].round(3).tolist()
    [0.235, 0.47, 0.235]
    """
    if image.quantity is Quantity.LABEL:
        raise InputError("image must not hold labels, of which there is no mean; blur its fractions")
    taps = gaussian_taps(image.grid, fwhm_mm)
    out = blurred_values(image.values, taps, threads=threads)
    out.setflags(write=False)
    record = Record(
        "numerics.gaussian_blur",
        {"fwhm_mm": np.asarray(fwhm_mm, np.float64).tolist()},
        (image.provenance,),
    )
    return Image(out, image.grid, image.quantity, record)
