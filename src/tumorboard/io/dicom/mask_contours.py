"""Contours around masks, plane by plane.

A boolean mask is outlined along its voxel edges. Marching squares at 0.5 would look smoother, but cuts an
eighth off each corner, so that a single voxel comes back as half a voxel and is lost or kept by rounding;
along the edges, area and mask survive exactly. A fraction image knows where within a voxel the surface is,
so there marching squares at 0.5 is right.
"""

from __future__ import annotations

from typing import Any, Final

import contourpy
import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image
from tumorboard.core.structures import Contour

__all__ = ["mask_contours"]

# Directions right, down, left, up as steps of (row, column); the inside is always at the right hand.
_STEPS: Final = ((0, 1), (1, 0), (0, -1), (-1, 0))


def mask_contours(mask: Image) -> tuple[Contour, ...]:
    """Outline a mask in each of its planes.

    Parameters
    ----------
    mask
        Boolean image, or fractions in [0, 1].

    Returns
    -------
    tuple of Contour
        Polygons on the planes of the mask's grid; those of one plane combine by exclusive or, so that an
        inner one is a hole.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((1, 3, 3), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> voxel = np.zeros(grid.shape, bool)
    >>> voxel[0, 1, 1] = True
    >>> (contour,) = mask_contours(Image(voxel, grid, Quantity.LABEL, Record("example")))
    >>> contour.points_mm.tolist()
    [[0.5, 0.5, 0.0], [1.5, 0.5, 0.0], [1.5, 1.5, 0.0], [0.5, 1.5, 0.0]]
    """
    outline = _edges if mask.values.dtype == bool else _level
    contours = []
    for plane in np.flatnonzero(mask.values.any(axis=(1, 2))):
        for rows_columns in outline(mask.values[plane]):
            index = np.column_stack((np.full(len(rows_columns), float(plane)), rows_columns))
            contours.append(Contour(mask.grid.index_to_patient(index)))
    return tuple(contours)


def _edges(inside: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the corners of the outlines of ``inside``, each of shape ``(n, 2)`` as (row, column)."""
    padded = np.pad(inside, 1)
    # edge[d] holds the corners from which an edge of the outline sets out in direction d.
    centre = padded[1:-1, 1:-1]
    edges: list[set[tuple[int, int]]] = [set(), set(), set(), set()]
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    starts = ((0, 0), (0, 1), (1, 1), (1, 0))
    for edge, neighbour, start in zip(edges, neighbours, starts, strict=True):
        edge.update(map(tuple, (np.argwhere(centre & ~neighbour) + start).tolist()))
    outlines = []
    for corner in sorted(edges[0]):
        # Every outline has an edge to the right; those of outlines already walked are gone.
        if corner in edges[0]:
            outlines.append(np.array(_walk(corner, edges), dtype=np.float64) - 0.5)
    return outlines


def _walk(corner: tuple[int, int], edges: list[set[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Follow one outline, taking its edges out of ``edges``; return the corners where it turns."""
    direction, turns = 0, []
    while corner in edges[direction]:
        edges[direction].discard(corner)
        corner = (corner[0] + _STEPS[direction][0], corner[1] + _STEPS[direction][1])
        # Turning to the inside first keeps voxels that touch at a corner only in outlines of their own.
        for turn in (1, 0, 3):
            if corner in edges[(direction + turn) % 4]:
                break
        else:
            turn = 1  # back at the start, where the first edge is gone: outlines start at a corner
        if turn:
            turns.append(corner)
        direction = (direction + turn) % 4
    return [turns[-1], *turns[:-1]]


def _level(fraction: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return the lines at 0.5 of ``fraction``, each of shape ``(n, 2)`` as (row, column)."""
    generator = contourpy.contour_generator(
        z=np.pad(fraction.astype(np.float64), 1), line_type=contourpy.LineType.Separate
    )
    # Just below 0.5: the house rule counts a fraction of exactly 0.5 as inside.
    lines = generator.lines(float(np.nextafter(0.5, 0.0)))
    # The padding closes every line, and its last point repeats the first; (x, y) becomes (row, column).
    rings = [np.asarray(line, dtype=np.float64)[:-1, ::-1] - 1.0 for line in lines]
    return [ring for ring in rings if len(ring) >= 3]
