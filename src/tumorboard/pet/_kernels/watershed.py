"""Flooding of a relief from markers, lowest first."""

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["flood"]


@njit(cache=True)
def _before(heights: NDArray[Any], ages: NDArray[Any], a: int, b: int) -> bool:
    return bool(heights[a] < heights[b] or (heights[a] == heights[b] and ages[a] < ages[b]))


@njit(cache=True)
def _swap(heights: NDArray[Any], ages: NDArray[Any], voxels: NDArray[Any], a: int, b: int) -> None:
    heights[a], heights[b] = heights[b], heights[a]
    ages[a], ages[b] = ages[b], ages[a]
    voxels[a], voxels[b] = voxels[b], voxels[a]


@njit(cache=True)
def flood(
    relief: NDArray[Any],
    labels: NDArray[Any],
    steps: NDArray[Any],
    heights: NDArray[Any],
    ages: NDArray[Any],
    voxels: NDArray[Any],
) -> None:
    """Spread the positive ``labels`` over the voxels labelled 0, lowest ``relief`` first.

    Meyer's flooding without dam lines: a voxel takes the label of the neighbour that reached it
    first; equal heights go in order of arrival. Voxels with a negative label are walls.
    ``heights``, ``ages`` and ``voxels`` are the heap's storage, one entry per voxel labelled 0.
    """
    nz, ny, nx = relief.shape
    size, age = 0, 0
    # A voxel enters the heap once, when first reached, marked by the negative of its label-to-be.
    reached = -1000000000
    for source in range(nz * ny * nx):
        z0, y0, x0 = source // (ny * nx), (source // nx) % ny, source % nx
        if labels[z0, y0, x0] <= 0:
            continue
        size, age = _reach(relief, labels, steps, heights, ages, voxels, z0, y0, x0, size, age, reached)
    while size > 0:
        flat = voxels[0]
        size -= 1
        _swap(heights, ages, voxels, 0, size)
        node = 0
        while True:
            child = 2 * node + 1
            if child >= size:
                break
            if child + 1 < size and _before(heights, ages, child + 1, child):
                child += 1
            if not _before(heights, ages, child, node):
                break
            _swap(heights, ages, voxels, child, node)
            node = child
        z0, y0, x0 = flat // (ny * nx), (flat // nx) % ny, flat % nx
        labels[z0, y0, x0] -= reached
        size, age = _reach(relief, labels, steps, heights, ages, voxels, z0, y0, x0, size, age, reached)


@njit(cache=True)
def _reach(
    relief: NDArray[Any],
    labels: NDArray[Any],
    steps: NDArray[Any],
    heights: NDArray[Any],
    ages: NDArray[Any],
    voxels: NDArray[Any],
    z0: int,
    y0: int,
    x0: int,
    size: int,
    age: int,
    reached: int,
) -> tuple[int, int]:
    """Put the neighbours labelled 0 into the heap, for the label of this voxel."""
    nz, ny, nx = relief.shape
    for s in range(len(steps)):
        z, y, x = z0 + steps[s, 0], y0 + steps[s, 1], x0 + steps[s, 2]
        if z < 0 or y < 0 or x < 0 or z >= nz or y >= ny or x >= nx or labels[z, y, x] != 0:
            continue
        labels[z, y, x] = labels[z0, y0, x0] + reached
        heights[size], ages[size], voxels[size] = relief[z, y, x], age, (z * ny + y) * nx + x
        age += 1
        node = size
        size += 1
        while node > 0:
            parent = (node - 1) // 2
            if not _before(heights, ages, node, parent):
                break
            _swap(heights, ages, voxels, node, parent)
            node = parent
    return size, age
