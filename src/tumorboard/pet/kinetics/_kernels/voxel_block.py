"""Curves of some voxels at a time, side by side, so that arithmetic goes across voxels."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["LANES", "load_block"]

#: Voxels side by side: 26 frames of them in double precision stay in the processor's nearest memory.
LANES: Final = 64


@numba.njit(cache=True, nogil=True, error_model="numpy")
def load_block(
    data: NDArray[Any],
    index: NDArray[np.int64],
    first: int,
    scale: float,
    shift: NDArray[np.float64],
    block: NDArray[np.float64],
) -> int:
    """Fill block (frames, LANES) with scale times curves of ``index[first:]`` plus shift; return how many.

    ``data`` has shape (frames, voxels). Lanes past the last voxel repeat it, so that each lane's arithmetic
    is the same wherever a voxel stands.
    """
    count = min(LANES, index.size - first)
    begin = index[first]
    if count == LANES and index[first + LANES - 1] - begin == LANES - 1:
        for f in range(block.shape[0]):
            for v in range(LANES):
                block[f, v] = data[f, begin + v] * scale + shift[f]
        return count
    for f in range(block.shape[0]):
        for v in range(LANES):
            block[f, v] = data[f, index[first + min(v, count - 1)]] * scale + shift[f]
    return count
