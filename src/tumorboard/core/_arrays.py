"""How nouns take arrays: once, and read-only from then on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["read_only"]


def read_only(values: ArrayLike, dtype: Any = None) -> NDArray[Any]:
    """Return ``values`` as a C-ordered read-only array.

    An array that is read-only all the way down is taken as it is, so passing a
    volume from noun to noun copies nothing; anything else is copied.
    """
    array = np.asarray(values, dtype=dtype)
    if array is values and _is_frozen(array) and array.flags.c_contiguous:
        return array
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def _is_frozen(array: NDArray[Any]) -> bool:
    while True:
        if array.flags.writeable:
            return False
        if array.base is None:
            return True
        if not isinstance(array.base, np.ndarray):
            return False  # a buffer of someone else's, who may still write to it
        array = array.base
