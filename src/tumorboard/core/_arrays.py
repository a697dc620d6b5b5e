"""How nouns take arrays: once, and read-only from then on; and indices of one slice of theirs."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["read_only", "slice_indices"]


def read_only(values: ArrayLike, dtype: Any = None) -> NDArray[Any]:
    """Return ``values`` as a C-ordered read-only array.

    An array that is read-only all the way down is taken as it is, a memory map opened for reading too, so
    passing a volume from noun to noun copies nothing; anything else is copied.
    """
    array = np.asarray(values, dtype=dtype)
    # A memory map is a subclass, which asarray makes a plain view of.
    same = array is values or (isinstance(values, np.memmap) and array.base is values)
    if same and _is_frozen(array) and array.flags.c_contiguous:
        return array
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def slice_indices(shape: tuple[int, int, int], k: int) -> NDArray[np.float64]:
    """Return the indices (k, y, x) of the voxels of a slice, shape ``(ny, nx, 3)``."""
    y, x = np.indices(shape[1:], np.float64)
    return np.stack([np.full(y.shape, float(k)), y, x], axis=-1)


def _is_frozen(array: NDArray[Any]) -> bool:
    while True:
        if array.flags.writeable:
            return False
        if array.base is None:
            return True
        if isinstance(array.base, mmap.mmap):
            # A file mapped for reading alone stays on disk; nobody writes to it through this.
            return memoryview(array.base).readonly
        if not isinstance(array.base, np.ndarray):
            return False  # a buffer of someone else's, who may still write to it
        array = array.base
