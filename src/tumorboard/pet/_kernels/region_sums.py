"""Sums over the regions of a partition."""

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["add_by_label"]


@njit(cache=True, nogil=True)
def add_by_label(
    index: NDArray[Any], values: NDArray[Any], start: int, stop: int, sums: NDArray[Any]
) -> None:
    """Add values of slices ``start`` to ``stop`` to ``sums[z, index]``, in double precision.

    Each slice has its own sums, so that they do not depend on the threads.
    """
    for z in range(start, stop):
        for y in range(index.shape[1]):
            for x in range(index.shape[2]):
                sums[z, index[z, y, x]] += values[z, y, x]
