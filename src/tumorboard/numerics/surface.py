"""Area of the surface of a mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image
from tumorboard.errors import InputError
from tumorboard.numerics._kernels.surface_area import iso_surface_area
from tumorboard.numerics._marching_cubes import EDGES, loop_table
from tumorboard.numerics._mask import bounding_box, mask_values
from tumorboard.numerics._slabs import run_slabs

__all__ = ["surface_area_mm2"]

_LEVEL = 0.5


def surface_area_mm2(mask: Image, *, threads: int | None = None) -> float:
    """Return the area of the surface that encloses a mask [mm2].

    The surface is the marching-cubes mesh [1]_ at level 0.5 through the voxel centres, closed at the
    border of the image (beyond it is outside), as the IBSI's mesh-based surface area [2]_.

    A FRACTION image holds where the surface passes: a sphere comes out within 2 % from a radius of 5
    voxels on and within 0.5 % from 10 on. A boolean mask has lost that: its staircase keeps the same
    slopes at any resolution, so a sphere comes out 8 % too large with cubic voxels and 16 % with voxels
    3 times as thick as wide, however small they are. Pass the fractions of
    :func:`tumorboard.numerics.voxelise` where there are any, and compare areas of boolean masks only
    with areas of boolean masks.

    Parameters
    ----------
    mask
        Boolean LABEL image, or a FRACTION image in [0, 1].
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    float
        Area [mm2]; 0 when no voxel is inside.

    Raises
    ------
    InputError
        When the image is neither a boolean label nor a fraction, or holds NaN.

    References
    ----------
    .. [1] lorensen1987marching
    .. [2] zwanenburg2020ibsi

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((40, 40, 40), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> distance = np.linalg.norm(np.indices(grid.shape) - 19.5, axis=0)
    >>> ball = Image(np.clip(15.5 - distance, 0, 1), grid, Quantity.FRACTION, Record("example"))
    >>> round(surface_area_mm2(ball) / (4 * np.pi * 15**2), 2)
    1.0
    """
    values = _box_of_inside(mask_values(mask))
    if values is None:
        return 0.0
    area_mm2 = np.zeros(len(values) - 1)
    spacing_mm, edges = mask.grid.spacing_mm, np.array(EDGES)

    def kernel(start: int, stop: int) -> None:
        iso_surface_area(values, _LEVEL, spacing_mm, edges, loop_table(), start, stop, area_mm2)

    run_slabs(len(area_mm2), kernel, threads=threads)
    total = math.fsum(area_mm2)
    if not math.isfinite(total):
        raise InputError("mask must hold no NaN; got some next to its surface; decide what they are first")
    return total


def _box_of_inside(values: NDArray[Any]) -> NDArray[np.float32] | None:
    """Return the values around the inside, one voxel more on every side (0 beyond the image)."""
    inside = values if values.dtype == bool else values >= _LEVEL
    box = bounding_box(inside)
    if box is None:
        return None
    around = np.zeros([stop - start + 2 for start, stop in box], np.float32)
    source, target = [], []
    for (start, stop), size in zip(box, values.shape, strict=True):
        low, high = max(0, start - 1), min(size, stop + 1)
        source.append(slice(low, high))
        target.append(slice(low - start + 1, high - start + 1))
    around[tuple(target)] = values[tuple(source)]
    return around
