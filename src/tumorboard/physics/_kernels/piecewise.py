"""Piecewise linear functions of CT numbers."""

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["evaluate_pieces", "find_pieces"]


@njit(cache=True, nogil=True, inline="always")
def _piece(value: float, edges: NDArray[Any], first: NDArray[Any], low: float) -> Any:
    """Return the last piece whose lower edge is not above ``value``.

    ``first[n]`` is that of the lower end of the n-th cell, 1 HU wide, from ``low`` on; in the cell only a
    few edges can follow.
    """
    cell = int(value - low) if value > low else 0
    if cell >= first.size:
        cell = first.size - 1
    piece = first[cell]
    while piece + 1 < edges.size and edges[piece + 1] <= value:
        piece += 1
    return piece


@njit(cache=True, nogil=True)
def evaluate_pieces(
    values: NDArray[Any],
    edges: NDArray[Any],
    offsets: NDArray[Any],
    slopes: NDArray[Any],
    first: NDArray[Any],
    low: float,
    high: float,
    out: NDArray[Any],
) -> None:
    """Write ``offsets + slopes * (value - edge)`` of the piece of each value, clipped to low and high.

    What is not a number stays so.
    """
    for n in range(values.size):
        value = float(values[n])
        if value != value:
            out[n] = value
            continue
        value = min(max(value, low), high)
        piece = _piece(value, edges, first, low)
        out[n] = offsets[piece] + slopes[piece] * (value - edges[piece])


@njit(cache=True, nogil=True)
def find_pieces(
    values: NDArray[Any], edges: NDArray[Any], first: NDArray[Any], low: float, out: NDArray[Any]
) -> None:
    """Write the piece of each value; the first below all edges, and where it is not a number."""
    for n in range(values.size):
        value = float(values[n])
        out[n] = _piece(value, edges, first, low) if value == value else 0
