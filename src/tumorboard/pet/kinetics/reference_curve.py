"""A reference region's curve between its frames, and its convolution with exponentials."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.input_function import piecewise_convolution
from tumorboard.pet.kinetics.linear_analysis import require_reference
from tumorboard.pet.kinetics.repeated_integrals import FrameTerms, measured_terms

__all__ = ["ReferenceInterpolation", "convolved_in_frames", "reference_nodes", "reference_terms"]


class ReferenceInterpolation(Enum):
    """What a reference curve, measured as averages over frames, is between them. From 0 at injection."""

    LINEAR = "linear between mid-frames"
    """Straight lines between the frames' middles; after the last, the last value."""

    AVERAGE_PRESERVING = "piecewise linear with the measured averages"
    """Straight lines between the edges and the middle of each frame. At an edge the line between the middles
    is taken, carried on beyond the last; the middle is what keeps the frame's average."""


def reference_nodes(
    concentration_bq_ml: NDArray[np.float64],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    interpolation: ReferenceInterpolation,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the nodes between which a reference curve is straight.

    Parameters
    ----------
    concentration_bq_ml
        Averages over the frames, shape ``(n_frames,)`` [Bq/mL].
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    interpolation
        See :class:`ReferenceInterpolation`.

    Returns
    -------
    tuple of numpy.ndarray
        Times [s] and values [Bq/mL], shape ``(n_nodes,)`` each, from 0 at injection to the end of the last
        frame.

    Examples
    --------
    >>> times, values = reference_nodes(
    ...     np.array([1.0, 3.0]), np.array([0.0, 2.0]), np.array([2.0, 4.0]),
    ...     ReferenceInterpolation.AVERAGE_PRESERVING,
    ... )
    >>> times.tolist(), values.tolist()
    ([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0])
    """
    c, mid = np.asarray(concentration_bq_ml, np.float64), 0.5 * (start_s + end_s)
    t, v = np.concatenate([[0.0], mid]), np.concatenate([[0.0], c])
    if interpolation is ReferenceInterpolation.LINEAR:
        return np.append(t, end_s[-1]), np.append(v, c[-1])
    begins, ends = np.interp(start_s, t, v), np.interp(end_s, t, v)
    if len(c) > 1:
        ends[-1] = c[-1] + (c[-1] - c[-2]) * (end_s[-1] - mid[-1]) / (mid[-1] - mid[-2])
    middle = 2.0 * c - 0.5 * (begins + ends)
    times = np.concatenate([[0.0], np.stack([start_s, mid, end_s], axis=1).ravel()])
    values = np.concatenate([[0.0], np.stack([begins, middle, ends], axis=1).ravel()])
    # Frames that meet share an edge.
    kept = np.concatenate([[True], np.diff(times) > 0])
    return times[kept], values[kept]


def convolved_in_frames(
    times_s: NDArray[np.float64],
    values: NDArray[np.float64],
    rates_per_s: ArrayLike,
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    frame_model: FrameModel,
) -> NDArray[np.float64]:
    """Return a piecewise linear curve's convolution with exponentials, exactly, in each frame.

    Parameters
    ----------
    times_s, values
        Nodes and their values, shape ``(n,)`` each [s], [Bq/mL].
    rates_per_s
        Shape ``(n_rates,)``, >= 0 [1/s].
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    frame_model
        Averages over frames, or values at their middle.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_rates, n_frames)`` [Bq s/mL].

    Examples
    --------
    >>> convolved_in_frames(
    ...     np.array([0.0, 9.0]), np.array([1.0, 1.0]), [0.0], np.array([0.0]), np.array([2.0]),
    ...     FrameModel.FRAME_AVERAGE,
    ... ).tolist()
    [[1.0]]
    """
    if frame_model is FrameModel.MID_FRAME:
        return piecewise_convolution(times_s, values, rates_per_s, 0.5 * (start_s + end_s))[0]
    edges, at = np.unique(np.concatenate([start_s, end_s]), return_inverse=True)
    integrals = piecewise_convolution(times_s, values, rates_per_s, edges)[1]
    n = len(start_s)
    averages: NDArray[np.float64] = (integrals[:, at[n:]] - integrals[:, at[:n]]) / (end_s - start_s)
    return averages


def reference_terms(
    curves: TissueCurves, reference: TissueCurves, frame_model: FrameModel
) -> tuple[FrameTerms, FrameTerms]:
    """Check curves and their reference, and integrate both.

    Parameters
    ----------
    curves
        What was measured.
    reference
        One region on the same frames.
    frame_model
        Averages over frames, or values at their middle.

    Returns
    -------
    tuple of FrameTerms
        Of the curves, shape ``(n_regions, n_frames)``, and of the reference, shape ``(n_frames,)``.

    Raises
    ------
    InputError
        When the frames differ or begin late, the reference has several regions, or a curve never changes.
    """
    require_reference(curves, reference)
    start, end = curves.frame_start_s, curves.frame_end_s
    own = measured_terms(reference.concentration_bq_ml, start, end, frame_model)
    return (
        measured_terms(curves.concentration_bq_ml, start, end, frame_model),
        FrameTerms(own.concentration[0], own.integral[0], own.double_integral[0]),
    )
