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
def _push(
    heights: NDArray[Any],
    ages: NDArray[Any],
    voxels: NDArray[Any],
    size: int,
    height: float,
    age: int,
    voxel: int,
) -> None:
    heights[size], ages[size], voxels[size] = height, age, voxel
    node = size
    while node > 0:
        parent = (node - 1) // 2
        if not _before(heights, ages, node, parent):
            break
        _swap(heights, ages, voxels, node, parent)
        node = parent


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

    Meyer's flooding without dam lines. A voxel takes the label from which it is reached over the
    lowest pass, a marker's own border counting as part of the way: a core that ends on a slope must
    climb it before it can run down the far side. Equal passes go in order of arrival. Voxels with a
    negative label are walls. ``heights``, ``ages`` and ``voxels`` are the heap's storage, one entry
    per voxel that is not a wall.
    """
    nz, ny, nx = relief.shape
    size, age = 0, 0
    for flat in range(nz * ny * nx):
        z, y, x = flat // (ny * nx), (flat // nx) % ny, flat % nx
        if labels[z, y, x] > 0 and _borders_unlabelled(labels, steps, z, y, x):
            _push(heights, ages, voxels, size, relief[z, y, x], age, flat)
            size += 1
            age += 1
    while size > 0:
        level, flat = heights[0], voxels[0]
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
        # Levels never fall, so who reaches a voxel first reaches it over the lowest pass.
        for s in range(len(steps)):
            z, y, x = z0 + steps[s, 0], y0 + steps[s, 1], x0 + steps[s, 2]
            if z < 0 or y < 0 or x < 0 or z >= nz or y >= ny or x >= nx or labels[z, y, x] != 0:
                continue
            labels[z, y, x] = labels[z0, y0, x0]
            _push(heights, ages, voxels, size, max(level, relief[z, y, x]), age, (z * ny + y) * nx + x)
            size += 1
            age += 1


@njit(cache=True)
def _borders_unlabelled(labels: NDArray[Any], steps: NDArray[Any], z0: int, y0: int, x0: int) -> bool:
    nz, ny, nx = labels.shape
    for s in range(len(steps)):
        z, y, x = z0 + steps[s, 0], y0 + steps[s, 1], x0 + steps[s, 2]
        if z >= 0 and y >= 0 and x >= 0 and z < nz and y < ny and x < nx and labels[z, y, x] == 0:
            return True
    return False
