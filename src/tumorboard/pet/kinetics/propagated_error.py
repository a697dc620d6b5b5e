"""Errors of linear fits whose points share the noise of the curve's integral."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.repeated_integrals import FrameTerms, measured_terms

__all__ = ["frame_operators", "propagated_covariance"]


def frame_operators(
    start_s: NDArray[np.float64], end_s: NDArray[np.float64], frame_model: FrameModel
) -> FrameTerms:
    """Return the matrices that make of a measured curve what an analysis takes from it.

    Parameters
    ----------
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    frame_model
        Averages over frames, or values at their middle.

    Returns
    -------
    FrameTerms
        Of matrices, shape ``(n_frames, n_frames)``: rows are where, columns which frame's measurement.

    Examples
    --------
    >>> frame_operators(
    ...     np.array([0.0, 2.0]), np.array([2.0, 4.0]), FrameModel.FRAME_AVERAGE
    ... ).integral.tolist()
    [[1.0, 0.0], [2.0, 1.0]]
    """
    terms = measured_terms(np.eye(len(start_s)), start_s, end_s, frame_model)
    return FrameTerms(terms.concentration.T, terms.integral.T, terms.double_integral.T)


def propagated_covariance(
    design: NDArray[np.float64],
    point_weights: NDArray[np.float64],
    residual_sum: float,
    noise: NDArray[np.float64],
    frame_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the covariance of coefficients from independent noise of the frames.

    Where a curve's own integral is in the design or in what it explains, each frame's noise is in all later
    points, and the covariance of ordinary least squares is too small: errors of MRTM's binding potential or
    of MA1's volume come out at a quarter to two thirds. To first order the residuals are a matrix N times the
    frames' noise, so that the coefficients' covariance is s^2 A N V N' A', where A = (X'WX)^-1 X'W, V holds
    one over the frames' weights, and s^2 is the residual sum over its expectation for s = 1.

    Parameters
    ----------
    design
        X, shape ``(n_points, n_columns)``.
    point_weights
        W's diagonal, shape ``(n_points,)``; points of weight 0 are left out.
    residual_sum
        Sum of point weight times squared residual.
    noise
        N: derivative of each point's residual with each frame's measurement, shape ``(n_points, n_frames)``.
    frame_weights
        Shape ``(n_frames,)``; frames of weight 0 are taken for exact.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_columns, n_columns)``; NaN without a degree of freedom.

    Examples
    --------
    >>> design = np.ones((4, 1))
    >>> propagated_covariance(design, np.ones(4), 3.0, np.eye(4), np.ones(4)).tolist()
    [[0.25]]
    """
    used = point_weights > 0
    n, p = int(used.sum()), design.shape[1]
    if n <= p:
        return np.full((p, p), math.nan)
    root = np.sqrt(point_weights[used])
    rows = design[used] * root[:, None]
    lengths = np.linalg.norm(rows, axis=0)
    lengths[lengths == 0] = 1.0
    q, r = np.linalg.qr(rows / lengths)
    spread = np.where(frame_weights > 0, 1.0 / np.sqrt(np.where(frame_weights > 0, frame_weights, 1.0)), 0.0)
    scatter = noise[used] * root[:, None] * spread
    along = q.T @ scatter
    # What of the noise the fit cannot follow is what residuals show.
    expected = float((scatter**2).sum() - (along**2).sum())
    if expected <= 0.0:
        return np.full((p, p), math.nan)
    gain = np.linalg.lstsq(r, along, rcond=1e-14)[0] / lengths[:, None]
    covariance: NDArray[np.float64] = residual_sum / expected * (gain @ gain.T)
    return covariance
