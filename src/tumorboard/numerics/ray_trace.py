"""Exact integrals of an image along straight lines: water-equivalent depth, attenuation, path length."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.image import Image
from tumorboard.errors import InputError
from tumorboard.numerics._kernels.ray_trace import integrate_lines, integrate_samples, seek_first

__all__ = ["distances_to_first", "line_integral_samples", "line_integrals"]

#: Lines that one call of a kernel follows; small enough to share the work out, large enough not to matter.
_LINES_PER_CALL = 2048


def line_integrals(image: Image, starts_mm: ArrayLike, ends_mm: ArrayLike) -> NDArray[np.float64]:
    """Return the integral of an image along each line, exact to rounding.

    Voxels are boxes of constant value (faces halfway between centres) and the image is zero outside them; a
    line counts with the exact length it has in each voxel it crosses [1]_, voxel by voxel [2]_, on any grid.
    Of an image of relative stopping power this is the water-equivalent path length [mm].

    Parameters
    ----------
    image
        Any quantity, any grid.
    starts_mm, ends_mm
        Patient points (x, y, z), shapes ``(n, 3)``, or ``(3,)`` for one that all share [mm].

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, in the image's unit times mm.

    Raises
    ------
    InputError
        When points are not finite or the shapes do not fit.

    References
    ----------
    .. [1] siddon1985path
    .. [2] amanatides1987voxel

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = Image(np.ones(grid.shape), grid, Quantity.RELATIVE_STOPPING_POWER, Record("example"))
    >>> line_integrals(water, (2.0, -50.0, 3.0), [(2.0, 3.5, 3.0), (2.0, 99.0, 3.0)])
    array([ 4.5, 10. ])
    """
    lines = _Lines(image, starts_mm, ends_mm)
    out = np.empty(lines.n)
    lines.run(integrate_lines, out)
    return out


def line_integral_samples(
    image: Image, starts_mm: ArrayLike, ends_mm: ArrayLike, *, n_samples: int
) -> NDArray[np.float64]:
    """Return how the integral along each line grows: from its start to the middles of equal parts.

    Parameters
    ----------
    image
        Any quantity, any grid.
    starts_mm, ends_mm
        As in :func:`line_integrals`, shape ``(n, 3)`` or ``(3,)`` [mm].
    n_samples
        Into how many equal parts each line is cut, >= 1.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, n_samples)``, exact at each middle, in the image's unit times mm.

    Raises
    ------
    InputError
        When points are not finite, the shapes do not fit or ``n_samples`` is less than 1.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = Image(np.ones(grid.shape), grid, Quantity.RELATIVE_STOPPING_POWER, Record("example"))
    >>> line_integral_samples(water, (2.0, -3.0, 3.0), (2.0, 5.0, 3.0), n_samples=4)
    array([[0., 1., 3., 5.]])
    """
    if n_samples < 1:
        raise InputError(f"n_samples must be >= 1; got {n_samples!r}")
    lines = _Lines(image, starts_mm, ends_mm)
    out = np.empty((lines.n, n_samples))
    lines.run(integrate_samples, out)
    return out


def distances_to_first(
    image: Image, starts_mm: ArrayLike, ends_mm: ArrayLike, *, above: float
) -> NDArray[np.float64]:
    """Return how far each line goes before it enters the first voxel above a threshold.

    Parameters
    ----------
    image
        Any quantity, any grid.
    starts_mm, ends_mm
        As in :func:`line_integrals`, shape ``(n, 3)`` or ``(3,)`` [mm].
    above
        The threshold, finite, in the image's unit.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)`` [mm]; infinite where no voxel on the line is above.

    Raises
    ------
    InputError
        When points or the threshold are not finite or the shapes do not fit.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = Image(np.ones(grid.shape), grid, Quantity.RELATIVE_STOPPING_POWER, Record("example"))
    >>> distances_to_first(water, (2.0, -50.0, 3.0), (2.0, 99.0, 3.0), above=0.1)
    array([49.])
    """
    if not np.isfinite(above):
        raise InputError(f"above must be finite [{image.quantity.unit}]; got {above!r}")
    lines = _Lines(image, starts_mm, ends_mm)
    out = np.empty(lines.n)
    lines.run(seek_first, float(above), out)
    return out


class _Lines:
    """Checked lines in index space, and a thread pool over them; a line's result is its own."""

    def __init__(self, image: Image, starts_mm: ArrayLike, ends_mm: ArrayLike) -> None:
        starts, ends = (np.asarray(p, dtype=np.float64) for p in (starts_mm, ends_mm))
        for name, points in (("starts_mm", starts), ("ends_mm", ends)):
            if points.ndim not in (1, 2) or points.shape[-1:] != (3,) or not np.isfinite(points).all():
                raise InputError(
                    f"{name} must be finite points (x, y, z), shape (n, 3) or (3,) [mm]; got {points.shape}"
                )
        if starts.ndim == ends.ndim == 2 and len(starts) != len(ends):
            raise InputError(f"starts_mm and ends_mm must be as many; got {len(starts)} and {len(ends)}")
        shape = np.broadcast_shapes(np.atleast_2d(starts).shape, np.atleast_2d(ends).shape)
        lengths = np.broadcast_to(np.linalg.norm(ends - starts, axis=-1), shape[:1])
        to_index = image.grid.patient_to_index
        self.arguments: tuple[NDArray[Any], ...] = (
            image.values,
            np.ascontiguousarray(np.broadcast_to(to_index(starts), shape)),
            np.ascontiguousarray(np.broadcast_to(to_index(ends), shape)),
            np.ascontiguousarray(lengths),
        )
        self.n = shape[0]

    def run(self, kernel: Callable[..., None], *rest: Any) -> None:
        def work(first: int) -> None:
            kernel(*self.arguments, first, min(first + _LINES_PER_CALL, self.n), *rest)

        firsts = range(0, self.n, _LINES_PER_CALL)
        if len(firsts) == 1:
            work(0)
            return
        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            list(pool.map(work, firsts))
