"""Exact Euclidean distance to a set of voxels, and the voxels at a mask's surface."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["mark_surface", "squared_distance_across", "squared_distance_in_slices"]


@njit(cache=True, nogil=True)
def mark_surface(inside: NDArray[Any], by_face: bool, start: int, stop: int, out: NDArray[Any]) -> None:
    """Mark inside voxels of slices ``start`` to ``stop`` that have a neighbour outside.

    Neighbours share a face, or at least a corner when ``by_face`` is false. Beyond the array there are none.
    """
    nz, ny, nx = inside.shape
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                found = False
                if inside[z, y, x]:
                    for dz in range(-1, 2):
                        for dy in range(-1, 2):
                            for dx in range(-1, 2):
                                if by_face and abs(dz) + abs(dy) + abs(dx) != 1:
                                    continue
                                i, j, k = z + dz, y + dy, x + dx
                                if 0 <= i < nz and 0 <= j < ny and 0 <= k < nx and not inside[i, j, k]:
                                    found = True
                out[z, y, x] = found


@njit(cache=True, nogil=True)
def _lower_envelope(line: NDArray[Any], step: float, apex: NDArray[Any], edge: NDArray[Any]) -> None:
    """Replace ``line[i]`` by the least of ``line[j] + (step (i - j))^2`` over j.

    Parabolas are added from left to right; ``apex`` keeps those on the envelope and ``edge`` where each
    begins. Infinite ones are never on it.
    """
    n = line.size
    top = -1
    value = line.copy()
    for i in range(n):
        if value[i] == np.inf:
            continue
        height = value[i] + (step * i) ** 2
        begin = -np.inf
        while top >= 0:
            j = apex[top]
            begin = (height - value[j] - (step * j) ** 2) / (2 * step * step * (i - j))
            if begin > edge[top]:
                break
            top -= 1
            begin = -np.inf
        top += 1
        apex[top] = i
        edge[top] = begin
    if top < 0:
        return
    at = 0
    for i in range(n):
        while at < top and edge[at + 1] < i:
            at += 1
        line[i] = value[apex[at]] + (step * (i - apex[at])) ** 2


@njit(cache=True, nogil=True)
def squared_distance_in_slices(
    seeds: NDArray[Any], spacing: NDArray[Any], start: int, stop: int, out: NDArray[Any]
) -> None:
    """Write, for slices ``start`` to ``stop``, the squared distance to the slice's own seeds [mm2]."""
    _, ny, nx = seeds.shape
    apex, edge = np.empty(max(ny, nx), np.int64), np.empty(max(ny, nx))
    column = np.empty(ny)
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                out[z, y, x] = 0.0 if seeds[z, y, x] else np.inf
            _lower_envelope(out[z, y], spacing[2], apex, edge)
        for x in range(nx):
            for y in range(ny):
                column[y] = out[z, y, x]
            _lower_envelope(column, spacing[1], apex, edge)
            for y in range(ny):
                out[z, y, x] = column[y]


@njit(cache=True, nogil=True)
def squared_distance_across(step: float, start: int, stop: int, out: NDArray[Any]) -> None:
    """Turn distances within slices into distances in the volume, for rows ``start`` to ``stop``."""
    nz, _, nx = out.shape
    apex, edge, column = np.empty(nz, np.int64), np.empty(nz), np.empty(nz)
    for y in range(start, stop):
        for x in range(nx):
            for z in range(nz):
                column[z] = out[z, y, x]
            _lower_envelope(column, step, apex, edge)
            for z in range(nz):
                out[z, y, x] = column[z]
