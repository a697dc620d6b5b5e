"""Loop for :func:`tumorboard.numerics.surface.surface_area_mm2`. Arrays and numbers only."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["iso_surface_area"]


@njit(cache=True, nogil=True)
def iso_surface_area(
    values: NDArray[Any],
    level: float,
    spacing: NDArray[Any],
    edges: NDArray[Any],
    loops: NDArray[Any],
    start: int,
    stop: int,
    out_area: NDArray[Any],
) -> None:
    """Write the area of the surface ``values == level`` between layers z and z + 1 into ``out_area[z]``.

    Each loop of the case table is spanned by the triangles that have the least area of all
    triangulations, so turning or mirroring the array changes nothing.
    """
    _, ny, nx = values.shape
    corner = np.empty(8)
    vertex = np.empty((12, 3))
    least = np.zeros((12, 12))
    for z in range(start, stop):
        area = 0.0
        for y in range(ny - 1):
            # Bits of the four corners at x; those at x + 1 come in at each step.
            case = 0
            for c in range(4):
                if values[z + (c >> 1), y + (c & 1), 0] >= level:
                    case |= 2 << (2 * c)
            for x in range(nx - 1):
                case = (case & 0b10101010) >> 1
                for c in range(4):
                    if values[z + (c >> 1), y + (c & 1), x + 1] >= level:
                        case |= 2 << (2 * c)
                if case == 0 or case == 255:
                    continue
                for c in range(8):
                    corner[c] = values[z + (c >> 2), y + (c >> 1 & 1), x + (c & 1)]
                area += _cell_area(corner, level, spacing, edges, loops[case], vertex, least)
        out_area[z] = area


@njit(cache=True, nogil=True)
def _cell_area(
    corner: NDArray[Any],
    level: float,
    spacing: NDArray[Any],
    edges: NDArray[Any],
    row: NDArray[Any],
    vertex: NDArray[Any],
    least: NDArray[Any],
) -> float:
    area = 0.0
    at = 0
    while at < row.size and row[at] > 0:
        n = row[at]
        for i in range(n):
            a, b = edges[row[at + 1 + i]]
            t = (level - corner[a]) / (corner[b] - corner[a])
            vertex[i, 0] = ((a >> 2) + t * ((b >> 2) - (a >> 2))) * spacing[0]
            vertex[i, 1] = ((a >> 1 & 1) + t * ((b >> 1 & 1) - (a >> 1 & 1))) * spacing[1]
            vertex[i, 2] = ((a & 1) + t * ((b & 1) - (a & 1))) * spacing[2]
        area += _least_area(vertex, n, least)
        at += n + 1
    return area


@njit(cache=True, nogil=True)
def _least_area(vertex: NDArray[Any], n: int, least: NDArray[Any]) -> float:
    """Return the area of the triangulation of a loop of ``n`` vertices that has the least."""
    for i in range(n - 1):
        least[i, i + 1] = 0.0
    for reach in range(2, n):
        for i in range(n - reach):
            j = i + reach
            best = math.inf
            for k in range(i + 1, j):
                area = least[i, k] + least[k, j] + _triangle(vertex, i, k, j)
                if not area >= best:  # so that NaN comes through
                    best = area
            least[i, j] = best
    return float(least[0, n - 1])


@njit(cache=True, nogil=True)
def _triangle(p: NDArray[Any], i: int, j: int, k: int) -> float:
    uz, uy, ux = p[j, 0] - p[i, 0], p[j, 1] - p[i, 1], p[j, 2] - p[i, 2]
    vz, vy, vx = p[k, 0] - p[i, 0], p[k, 1] - p[i, 1], p[k, 2] - p[i, 2]
    nz, ny, nx = uy * vx - ux * vy, ux * vz - uz * vx, uz * vy - uy * vz
    return 0.5 * math.sqrt(nz * nz + ny * ny + nx * nx)
