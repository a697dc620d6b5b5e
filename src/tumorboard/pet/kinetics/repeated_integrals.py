"""Integrals of curves over time, once, twice and three times, and what of them a frame holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics.fit import FrameModel

__all__ = ["FrameTerms", "measured_terms", "node_terms", "repeated_integrals"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameTerms:
    """A curve in each frame, and its integrals since injection.

    Parameters
    ----------
    concentration
        Shape ``(..., n_frames)`` [Bq/mL].
    integral
        Over time, shape ``(..., n_frames)`` [Bq s/mL].
    double_integral
        Of the integral, shape ``(..., n_frames)`` [Bq s2/mL].
    """

    concentration: NDArray[np.float64]
    integral: NDArray[np.float64]
    double_integral: NDArray[np.float64]


def repeated_integrals(
    times_s: NDArray[np.float64], values: NDArray[np.float64], points_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Integrate a piecewise linear curve once, twice and three times, exactly.

    Parameters
    ----------
    times_s, values
        Nodes, increasing, and their values, shape ``(n,)`` each; 0 before the first, the last stays [s].
    points_s
        Where the integrals are wanted, shape ``(m,)`` [s].

    Returns
    -------
    numpy.ndarray
        Shape ``(3, m)``.

    Examples
    --------
    >>> repeated_integrals(np.array([0.0, 2.0]), np.array([0.0, 2.0]), np.array([2.0])).round(12).tolist()
    [[2.0], [1.333333333333], [0.666666666667]]
    """
    points = np.asarray(points_s, np.float64)
    grid = np.union1d(times_s, points[points > times_s[0]])
    value, h = np.interp(grid, times_s, values), np.diff(grid)
    a, b = value[:-1], value[1:]
    first = _running(0.5 * h * (a + b))
    second = _running(h * first[:-1] + h**2 * (2.0 * a + b) / 6.0)
    third = _running(h * second[:-1] + 0.5 * h**2 * first[:-1] + h**3 * (3.0 * a + b) / 24.0)
    at = np.searchsorted(grid, points)
    return np.where(
        points > times_s[0], np.stack([first, second, third])[:, np.minimum(at, grid.size - 1)], 0.0
    )


def _running(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(parts)])


def node_terms(
    times_s: NDArray[np.float64],
    values: NDArray[np.float64],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    frame_model: FrameModel,
) -> FrameTerms:
    """Return what frames hold of a piecewise linear curve, exactly.

    Parameters
    ----------
    times_s, values
        Nodes and their values, shape ``(n,)`` each; 0 before the first, the last value stays [s], [Bq/mL].
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    frame_model
        Averages over each frame, of the integrals too, or values at its middle.

    Returns
    -------
    FrameTerms
        Arrays of shape ``(n_frames,)``.

    Examples
    --------
    >>> terms = node_terms(
    ...     np.array([0.0, 9.0]), np.array([3.0, 3.0]), np.array([0.0, 2.0]), np.array([2.0, 4.0]),
    ...     FrameModel.FRAME_AVERAGE,
    ... )
    >>> terms.integral.tolist()
    [3.0, 9.0]
    """
    if frame_model is FrameModel.FRAME_AVERAGE:
        gained = repeated_integrals(times_s, values, end_s) - repeated_integrals(times_s, values, start_s)
        return FrameTerms(*(gained / (end_s - start_s)))
    mid = 0.5 * (start_s + end_s)
    first, second, _ = repeated_integrals(times_s, values, mid)
    return FrameTerms(np.interp(mid, times_s, values, left=0.0), first, second)


def measured_terms(
    concentration_bq_ml: NDArray[np.float64],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    frame_model: FrameModel,
) -> FrameTerms:
    """Return what frames hold of measured curves, taken for constant within each frame.

    The integral at a frame's middle is that of the frames before and half of this one's. With
    ``FRAME_AVERAGE`` the integrals are averages over the frame: for the first that is the same number, for
    the second it is more by the frame's own part. Where no frame measured, the curve is a straight line
    between its neighbours, from 0 at injection.

    Parameters
    ----------
    concentration_bq_ml
        Shape ``(n_curves, n_frames)`` [Bq/mL].
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    frame_model
        See above.

    Returns
    -------
    FrameTerms
        Arrays of shape ``(n_curves, n_frames)``.

    Examples
    --------
    >>> terms = measured_terms(
    ...     np.array([[1.0, 3.0]]), np.array([0.0, 2.0]), np.array([2.0, 4.0]), FrameModel.FRAME_AVERAGE
    ... )
    >>> terms.integral.tolist()
    [[1.0, 5.0]]
    """
    c = np.asarray(concentration_bq_ml, np.float64)
    d, gap = end_s - start_s, start_s - np.concatenate([[0.0], end_s[:-1]])
    before = np.concatenate([np.zeros_like(c[:, :1]), c[:, :-1]], axis=1)
    # At injection the curve is 0, so that a gap before the first frame is a triangle.
    across = 0.5 * gap * (before + c)
    begun = np.cumsum(across + np.concatenate([np.zeros_like(c[:, :1]), (d * c)[:, :-1]], axis=1), axis=1)
    ended = np.concatenate([np.zeros_like(begun[:, :1]), (begun + d * c)[:, :-1]], axis=1)
    twice = np.cumsum(
        gap * ended
        + gap**2 * (2.0 * before + c) / 6.0
        + np.concatenate([np.zeros_like(begun[:, :1]), (d * begun + 0.5 * d**2 * c)[:, :-1]], axis=1),
        axis=1,
    )
    own = 6.0 if frame_model is FrameModel.FRAME_AVERAGE else 8.0
    return FrameTerms(c, begun + 0.5 * d * c, twice + 0.5 * d * begun + d**2 * c / own)
