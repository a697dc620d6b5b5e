"""Connected voxels: what they hold, and how they grow from a seed."""

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["grow", "label_extremes"]


@njit(cache=True)
def label_extremes(
    labels: NDArray[Any], values: NDArray[Any], counts: NDArray[Any], peaks: NDArray[Any], boxes: NDArray[Any]
) -> None:
    """Write voxel count, flat index of the highest value, and box of each label from 1 on.

    ``counts`` and ``peaks`` have one entry and ``boxes`` (n, 6: first and last z, y, x) one row
    per label; entry ``n`` belongs to label ``n + 1``.
    """
    counts[:] = 0
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                n = labels[z, y, x] - 1
                if n < 0:
                    continue
                flat = (z * ny + y) * nx + x
                if counts[n] == 0:
                    peaks[n] = flat
                    boxes[n, 0], boxes[n, 2], boxes[n, 4] = z, y, x
                    boxes[n, 1], boxes[n, 3], boxes[n, 5] = z, y, x
                else:
                    p = peaks[n]
                    if values[z, y, x] > values[p // (ny * nx), (p // nx) % ny, p % nx]:
                        peaks[n] = flat
                    boxes[n, 1] = z
                    boxes[n, 2] = min(boxes[n, 2], y)
                    boxes[n, 3] = max(boxes[n, 3], y)
                    boxes[n, 4] = min(boxes[n, 4], x)
                    boxes[n, 5] = max(boxes[n, 5], x)
                counts[n] += 1


@njit(cache=True)
def grow(
    values: NDArray[Any],
    zone: NDArray[Any],
    zone_label: int,
    seed: int,
    threshold: float,
    steps: NDArray[Any],
    labels: NDArray[Any],
    label: int,
    queue: NDArray[Any],
) -> int:
    """Give ``label`` to the voxels joined to flat index ``seed`` with at least ``threshold``.

    Only voxels whose ``zone`` equals ``zone_label`` and whose label is 0 are entered; ``steps``
    (m, 3) are the neighbours. Returns how many; their flat indices begin ``queue``.
    """
    nz, ny, nx = values.shape
    z, y, x = seed // (ny * nx), (seed // nx) % ny, seed % nx
    if labels[z, y, x] != 0 or zone[z, y, x] != zone_label or values[z, y, x] < threshold:
        return 0
    labels[z, y, x] = label
    queue[0] = seed
    head, tail = 0, 1
    while head < tail:
        flat = queue[head]
        head += 1
        z0, y0, x0 = flat // (ny * nx), (flat // nx) % ny, flat % nx
        for s in range(len(steps)):
            z, y, x = z0 + steps[s, 0], y0 + steps[s, 1], x0 + steps[s, 2]
            if z < 0 or y < 0 or x < 0 or z >= nz or y >= ny or x >= nx:
                continue
            if labels[z, y, x] != 0 or zone[z, y, x] != zone_label or values[z, y, x] < threshold:
                continue
            labels[z, y, x] = label
            queue[tail] = (z * ny + y) * nx + x
            tail += 1
    return tail
