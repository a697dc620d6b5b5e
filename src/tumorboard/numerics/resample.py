"""Carry an image to another grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import CORNER_TOLERANCE_MM, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics._axis_taps import Taps, conservative_taps, linear_taps, nearest_taps
from tumorboard.numerics._kernels.resample_aligned import blend_axes
from tumorboard.numerics._kernels.resample_oblique import (
    linear_oblique,
    mean_oblique,
    nearest_oblique,
    spread_oblique,
)
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["Interpolation", "resample"]

#: Points along each axis of a voxel, for each voxel of the other grid that it reaches across, where
#: grids stand at an angle and overlaps are sampled.
_POINTS_PER_VOXEL: Final = 3
_MAX_POINTS: Final = 24


class Interpolation(Enum):
    """How values between voxel centres are made."""

    LINEAR = "linear"
    NEAREST = "nearest"
    CONSERVATIVE = "conservative"


def resample(
    image: Image, grid: Grid, *, method: Interpolation, outside: float, threads: int | None = None
) -> Image:
    """Return the image on another grid of the same frame of reference.

    ``LINEAR`` interpolates between voxel centres. ``NEAREST`` takes the nearest voxel, the one of
    higher index of two equally near ones. Both reach half a voxel beyond the outermost centres, that
    is to the edge of the box of voxels, with the value at the outermost centre; farther out everything
    is ``outside``.

    ``CONSERVATIVE`` takes the source as constant in each voxel and ``outside`` beyond its box, and
    returns the mean of that over each target voxel, so the integral over a common box is kept: right
    for dose and activity concentration when voxels become larger. Counts, an amount per voxel, are
    divided among the target voxels by shared volume, so their sum is kept. Where the axes of both
    grids are parallel (to 0.01 mm at the corners, in any order and sense) the shared volumes are
    exact. At an angle they are sampled on a regular lattice of points, 3 for every voxel of the other
    grid along each axis (3 to 24): the sum of counts is still exact, a single voxel at a sharp edge is
    off by a few percent of the step, and an integral by less than 0.1 %.

    A voxel made of NaN is NaN; a NaN of weight zero does not count. When both grids are the same,
    the values are returned as they are.

    Parameters
    ----------
    image
        What to carry over. A LABEL image allows only ``NEAREST``, COUNTS only ``CONSERVATIVE``.
    grid
        Where to; its frame of reference must be the image's.
    method
        How values between voxel centres are made.
    outside
        Value beyond the image, in its unit; NaN is allowed for floating-point results. For counts
        it must be 0.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Image
        Shape ``grid.shape``. ``NEAREST`` keeps the dtype; the other methods return float32, or float64
        when the image is float64.

    Raises
    ------
    GridMismatch
        When the frames of reference differ.
    InputError
        When the method does not suit the quantity, or ``outside`` does not fit the dtype.

    References
    ----------
    .. [1] jones1999conservative

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> fine = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> dose = Image(np.arange(8.0).reshape(2, 2, 2), fine, Quantity.DOSE, Record("example"))
    >>> coarse = fine.with_spacing((2.0, 2.0, 2.0))
    >>> resample(dose, coarse, method=Interpolation.CONSERVATIVE, outside=0.0).values
    array([[[3.5]]])
    """
    _check(image, grid, method, outside)
    record = Record(
        "numerics.resample",
        {
            "grid": grid.to_dict(),
            "method": method.value,
            "outside": outside if math.isfinite(outside) else str(outside),
        },
        (image.provenance,),
        ("jones1999conservative",) if method is Interpolation.CONSERVATIVE else (),
    )
    if grid_difference(image.grid, grid) is None:
        return Image(image.values, grid, image.quantity, record)
    source = image.values.view(np.uint8) if image.values.dtype == bool else image.values
    dtype = source.dtype
    if method is not Interpolation.NEAREST:
        dtype = np.dtype(np.float64 if source.dtype == np.float64 else np.float32)
        if source.dtype not in (np.int16, np.uint8, np.float32, np.float64):
            source = source.astype(np.float64)  # spares a compilation for each rare dtype
            source.setflags(write=False)
    out = np.empty(grid.shape, dtype)
    pair = _Pair.of(image.grid, grid)
    extensive = image.quantity.is_extensive
    if pair.parallel_axes is None:
        _oblique(source, pair, method, extensive, outside, threads, out)
    else:
        _aligned(source, pair, pair.parallel_axes, method, extensive, outside, threads, out)
    out.setflags(write=False)
    if image.values.dtype == bool and method is Interpolation.NEAREST:
        out = out.view(bool)
    return Image(out, grid, image.quantity, record)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Target index to source index, ``matrix @ index + shift``, and which axes run along each other."""

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    parallel_axes: tuple[int, ...] | None

    @classmethod
    def of(cls, source: Grid, target: Grid) -> _Pair:
        shift = source.patient_to_index(target.index_to_patient(np.zeros(3)))
        steps = np.diag(target.spacing_mm) @ target.direction.T + target.origin_mm
        matrix = (source.patient_to_index(steps) - source.patient_to_index(target.origin_mm)).T
        axes = np.abs(matrix * source.spacing_mm[:, None]).argmax(axis=0)
        if len(set(axes.tolist())) < 3:
            return cls(matrix, shift, None)
        across = np.abs(matrix) * source.spacing_mm[:, None] * np.array(target.shape)
        across[axes, range(3)] = 0
        parallel = across.max() <= CORNER_TOLERANCE_MM
        return cls(matrix, shift, tuple(int(a) for a in axes) if parallel else None)


def _check(image: Image, grid: Grid, method: Interpolation, outside: float) -> None:
    if not isinstance(method, Interpolation):
        raise InputError(f"method must be an Interpolation; got {method!r}; try Interpolation.LINEAR")
    if image.grid.frame_of_reference != grid.frame_of_reference:
        raise GridMismatch(
            "image and grid must share a frame of reference; got "
            f"{image.grid.frame_of_reference} and {grid.frame_of_reference}; register the image first"
        )
    if image.quantity.is_extensive and method is not Interpolation.CONSERVATIVE:
        raise InputError(
            f"method for {image.quantity.value}, an amount per voxel, must be CONSERVATIVE; got {method.name}"
        )
    if image.quantity.is_extensive and outside != 0:
        raise InputError(
            f"outside must be 0 for {image.quantity.value}, so that the sum is kept; got {outside!r}"
        )
    if image.quantity is Quantity.LABEL and method is not Interpolation.NEAREST:
        raise InputError(
            f"method for a LABEL image must be NEAREST; got {method.name}; for partial volumes make it a "
            "FRACTION image (values as float32) first"
        )
    if method is Interpolation.NEAREST:
        dtype = image.values.dtype
        fits = dtype.kind == "f" or (math.isfinite(outside) and _holds(dtype, outside))
        if not fits:
            raise InputError(f"outside must be a value of the image's dtype {dtype}; got {outside!r}")


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "b":
        return value in (0, 1)
    limits = np.iinfo(dtype)
    return float(value).is_integer() and limits.min <= value <= limits.max


def _aligned(
    source: NDArray[Any],
    pair: _Pair,
    axes: tuple[int, ...],
    method: Interpolation,
    extensive: bool,
    outside: float,
    threads: int | None,
    out: NDArray[Any],
) -> None:
    if axes != (0, 1, 2):
        source = np.ascontiguousarray(source.transpose(axes))
        source.setflags(write=False)
    taps: list[Taps] = []
    for target_axis, source_axis in enumerate(axes):
        line = (
            float(pair.shift[source_axis]),
            float(pair.matrix[source_axis, target_axis]),
            out.shape[target_axis],
            source.shape[target_axis],
        )
        if method is Interpolation.LINEAR:
            taps.append(linear_taps(*line))
        elif method is Interpolation.NEAREST:
            taps.append(nearest_taps(*line))
        else:
            taps.append(conservative_taps(*line, share_of_source=extensive))
    if method is Interpolation.NEAREST:
        _pick(source, taps, outside, threads, out)
        return
    tz, ty, tx = taps

    def kernel(start: int, stop: int) -> None:
        blend_axes(
            source,
            tz.first,
            tz.count,
            tz.weight,
            tz.covered,
            ty.first,
            ty.count,
            ty.weight,
            ty.covered,
            tx.first,
            tx.count,
            tx.weight,
            tx.covered,
            float(outside),
            start,
            stop,
            out,
        )

    run_slabs(len(out), kernel, threads=threads)


def _pick(
    source: NDArray[Any], taps: list[Taps], outside: float, threads: int | None, out: NDArray[Any]
) -> None:
    z_taps, y_taps, x_taps = taps
    beyond_y, beyond_x = y_taps.count == 0, x_taps.count == 0

    def kernel(start: int, stop: int) -> None:
        for z in range(start, stop):
            if z_taps.count[z] == 0:
                out[z] = outside
                continue
            source[z_taps.first[z]].take(y_taps.first, axis=0).take(x_taps.first, axis=1, out=out[z])
            out[z, beyond_y] = outside
            out[z, :, beyond_x] = outside

    run_slabs(len(out), kernel, threads=threads)


def _oblique(
    source: NDArray[Any],
    pair: _Pair,
    method: Interpolation,
    extensive: bool,
    outside: float,
    threads: int | None,
    out: NDArray[Any],
) -> None:
    if extensive:
        inverse = np.linalg.inv(pair.matrix)
        total = np.zeros(out.shape)
        spread_oblique(source, inverse, -inverse @ pair.shift, _lattice(inverse), total)
        out[...] = total
        return

    def kernel(start: int, stop: int) -> None:
        if method is Interpolation.LINEAR:
            linear_oblique(source, pair.matrix, pair.shift, float(outside), start, stop, out)
        elif method is Interpolation.NEAREST:
            nearest_oblique(source, pair.matrix, pair.shift, source.dtype.type(outside), start, stop, out)
        else:
            points = _lattice(pair.matrix)
            mean_oblique(source, pair.matrix, pair.shift, points, float(outside), start, stop, out)

    run_slabs(len(out), kernel, threads=threads)


def _lattice(matrix: NDArray[np.floating]) -> NDArray[np.int64]:
    reach = np.ceil(_POINTS_PER_VOXEL * np.abs(matrix).max(axis=0) - 1e-6)
    return np.asarray(np.clip(reach, _POINTS_PER_VOXEL, _MAX_POINTS), np.int64)
