"""How far the points of a plot can be trusted."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

__all__ = ["PointWeights", "logan_point_weights", "ratio_point_weights"]


class PointWeights(Enum):
    """Where the weight of a point in a graphical plot comes from."""

    FRAME = "frame"
    """Its frame's weight as it is."""
    PROPAGATED = "propagated"
    """One over the variance of the point's ordinate that follows from those of the frames."""


def logan_point_weights(
    concentration_bq_ml: NDArray[np.float64],
    integral: NDArray[np.float64],
    duration_s: NDArray[np.float64],
    weights: NDArray[np.float64],
    kind: PointWeights,
) -> NDArray[np.float64]:
    """Return weights of ordinates that are a curve's integral over the curve.

    Parameters
    ----------
    concentration_bq_ml, integral
        At each frame's middle, shape ``(n_curves, n_frames)`` [Bq/mL], [Bq s/mL].
    duration_s, weights
        Of the frames, shape ``(n_frames,)`` [s]; those of weight 0 add nothing to the integral's variance.
    kind
        See :class:`PointWeights`.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_curves, n_frames)``, >= 0.

    Notes
    -----
    With y = (S + d C/2)/C, S the integral of the frames before, dy/dC_j = d_j/C and dy/dC = -S/C^2.

    Examples
    --------
    >>> logan_point_weights(
    ...     np.array([[1.0, 1.0]]), np.array([[0.5, 1.5]]), np.ones(2), np.ones(2), PointWeights.PROPAGATED
    ... ).tolist()
    [[0.0, 0.5]]
    """
    c = np.asarray(concentration_bq_ml, np.float64)
    if kind is PointWeights.FRAME:
        return np.broadcast_to(weights, c.shape).copy()
    variance = np.where(weights > 0, 1.0 / np.where(weights > 0, weights, 1.0), 0.0)
    parts = variance * duration_s**2
    earlier = np.concatenate([[0.0], np.cumsum(parts)[:-1]])
    before = integral - 0.5 * duration_s * c
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = earlier / c**2 + variance * before**2 / c**4
    # The first frame's ordinate is half its duration whatever was measured: it says nothing of the line.
    known = (weights > 0) & np.isfinite(spread) & (spread > 0)
    return np.where(known, 1.0 / np.where(known, spread, 1.0), 0.0)


def ratio_point_weights(
    denominator: NDArray[np.float64],
    n_curves: int,
    weights: NDArray[np.float64],
    kind: PointWeights,
) -> NDArray[np.float64]:
    """Return weights of ordinates that are a curve over another that is taken for exact.

    Parameters
    ----------
    denominator
        Shape ``(n_frames,)``.
    n_curves
        How many curves there are.
    weights
        Of the frames, shape ``(n_frames,)``.
    kind
        See :class:`PointWeights`.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_curves, n_frames)``.

    Examples
    --------
    >>> ratio_point_weights(np.array([1.0, 3.0]), 1, np.ones(2), PointWeights.PROPAGATED).tolist()
    [[1.0, 9.0]]
    """
    each = weights if kind is PointWeights.FRAME else weights * denominator**2
    return np.broadcast_to(each, (n_curves, len(weights))).copy()
