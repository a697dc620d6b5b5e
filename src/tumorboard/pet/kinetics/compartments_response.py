"""What a scanner would see, frame by frame, of tissue that answers a bolus with an exponential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics._kernels.exponential_response import respond
from tumorboard.pet.kinetics._kernels.response_table import interpolate
from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.input_function import InputFunction

__all__ = ["FrameResponse", "frame_basis", "frame_blood", "rate_grid_per_s", "require_varying"]

#: Distance of the table's rates in ln(rate + offset): cubic interpolation then errs by some 1e-8.
_STEP: Final = 0.05
#: The offset times the scan's length: rates below it hardly bend the curve, and go evenly down to 0.
_OFFSET_PER_SCAN: Final = 0.1


def require_varying(curves: TissueCurves) -> None:
    """Raise an InputError where a region's curve is the same in every frame, which no rate explains."""
    spread = np.ptp(curves.concentration_bq_ml, axis=1)
    for region, flat, value in zip(
        curves.regions, spread == 0.0, curves.concentration_bq_ml[:, 0], strict=True
    ):
        if flat:
            raise InputError(
                f"the curve of {region!r} must change in time [Bq/mL]; got {value:g} in every frame; leave "
                "the region out, or look at its mask"
            )


def _points_s(curves: TissueCurves, frame_model: FrameModel) -> NDArray[np.float64]:
    if frame_model is FrameModel.MID_FRAME:
        return curves.mid_s
    return np.stack([curves.frame_start_s, curves.frame_end_s], axis=1).ravel()


def frame_basis(
    blood: InputFunction, curves: TissueCurves, frame_model: FrameModel, rates_per_s: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the parent convolved with exp(-rate t) as frames see it, and its derivative by the rate.

    Without discretisation, for an input of straight lines between its nodes.

    Parameters
    ----------
    blood
        The input; reaches to the end of the last frame.
    curves
        Whose frames are asked for; values play no part.
    frame_model
        Average over each frame, or value at its middle.
    rates_per_s
        Shape ``(n_rates,)``, >= 0 [1/s].

    Returns
    -------
    tuple of numpy.ndarray
        Basis [Bq s/mL] and derivative [Bq s2/mL], each of shape ``(n_rates, n_frames)``.

    Raises
    ------
    InputError
        When the blood ends before the scan, or a rate is negative or not finite.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> curves = TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 2.0]], None, Record("example"))
    >>> blood = InputFunction([0.0, 120.0], [1.0, 1.0], [1.0, 1.0], Record("example"))
    >>> frame_basis(blood, curves, FrameModel.FRAME_AVERAGE, [0.0])[0].round(6).tolist()
    [[30.0, 90.0]]
    """
    rates = np.ascontiguousarray(rates_per_s, np.float64)
    if rates.ndim != 1 or not np.isfinite(rates).all() or (rates < 0).any():
        raise InputError(f"rates_per_s must be 1-D, finite and >= 0 [1/s]; got {rates.tolist()}")
    blood.require_covers(float(curves.frame_end_s[-1]))
    points = _points_s(curves, frame_model)
    times, values = blood.times_s, blood.parent_plasma_bq_ml
    if points[-1] > times[-1]:
        times, values = np.append(times, points[-1]), np.append(values, values[-1])
    response = np.empty((4, rates.size, points.size))
    respond(np.ascontiguousarray(times), np.ascontiguousarray(values), rates, points, response)
    if frame_model is FrameModel.MID_FRAME:
        return np.ascontiguousarray(response[0]), np.ascontiguousarray(response[2])
    lengths = points[1::2] - points[::2]
    average = (response[1::2, :, 1::2] - response[1::2, :, ::2]) / lengths
    return np.ascontiguousarray(average[0]), np.ascontiguousarray(average[1])


def frame_blood(blood: InputFunction, curves: TissueCurves, frame_model: FrameModel) -> NDArray[np.float64]:
    """Return whole blood as the frames see it, shape ``(n_frames,)`` [Bq/mL].

    Parameters
    ----------
    blood
        The input; reaches to the end of the last frame.
    curves
        Whose frames are asked for; values play no part.
    frame_model
        Average over each frame, or value at its middle.

    Raises
    ------
    InputError
        When the blood ends before the scan.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> curves = TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 2.0]], None, Record("example"))
    >>> blood = InputFunction([0.0, 120.0], [1.0, 1.0], [0.0, 4.0], Record("example"))
    >>> frame_blood(blood, curves, FrameModel.MID_FRAME).tolist()
    [1.0, 3.0]
    """
    blood.require_covers(float(curves.frame_end_s[-1]))
    points = _points_s(curves, frame_model)
    seen: NDArray[np.float64]
    if frame_model is FrameModel.MID_FRAME:
        seen = np.interp(points, blood.times_s, blood.whole_blood_bq_ml, left=0.0)
    else:
        integral = blood.whole_blood_integral(points)
        seen = (integral[1::2] - integral[::2]) / (points[1::2] - points[::2])
    return seen


def rate_grid_per_s(fastest_per_s: float, scan_end_s: float) -> NDArray[np.float64]:
    """Return rates from 0 to ``fastest_per_s``, even in ln(rate + 0.1/scan), shape ``(n,)`` [1/s].

    Parameters
    ----------
    fastest_per_s
        > 0 [1/s].
    scan_end_s
        End of the last frame, > 0 [s].

    Examples
    --------
    >>> grid = rate_grid_per_s(0.05, 5400.0)
    >>> len(grid), float(grid[0]), round(float(grid[-1]), 9)
    (160, 0.0, 0.05)
    """
    if not (np.isfinite(fastest_per_s) and fastest_per_s > 0):
        raise InputError(f"fastest_per_s must be > 0 [1/s]; got {fastest_per_s}")
    offset = _OFFSET_PER_SCAN / scan_end_s
    span = float(np.log1p(fastest_per_s / offset))
    grid: NDArray[np.float64] = offset * np.expm1(np.linspace(0.0, span, int(np.ceil(span / _STEP)) + 1))
    return grid


@dataclass(frozen=True, slots=True, eq=False)
class FrameResponse:
    """The response of one scan's frames to any rate, from a table made once.

    Parameters
    ----------
    rates_per_s
        The table's, from :func:`rate_grid_per_s`, shape ``(n_rates,)`` [1/s].
    basis
        Shape ``(n_rates, n_frames)`` [Bq s/mL].
    derivative
        Of the basis by the rate, shape ``(n_rates, n_frames)`` [Bq s2/mL].
    whole_blood_bq_ml
        As the frames see it, shape ``(n_frames,)`` [Bq/mL].
    offset_per_s
        Rates are even in ln(rate + offset) [1/s].
    """

    rates_per_s: NDArray[np.float64]
    basis: NDArray[np.float64]
    derivative: NDArray[np.float64]
    whole_blood_bq_ml: NDArray[np.float64]
    offset_per_s: float

    @classmethod
    def of(
        cls, blood: InputFunction, curves: TissueCurves, frame_model: FrameModel, fastest_per_s: float
    ) -> FrameResponse:
        """Tabulate rates from 0 to ``fastest_per_s`` [1/s]."""
        end = float(curves.frame_end_s[-1])
        rates = rate_grid_per_s(fastest_per_s, end)
        basis, derivative = frame_basis(blood, curves, frame_model, rates)
        seen = frame_blood(blood, curves, frame_model)
        return cls(rates, basis, derivative, seen, _OFFSET_PER_SCAN / end)

    def at(self, rates_per_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Interpolate basis and derivative, each ``(n, n_frames)``, at rates of shape ``(n,)`` [1/s]."""
        rates = np.ascontiguousarray(rates_per_s, np.float64)
        value = np.empty((rates.size, self.basis.shape[1]))
        slope = np.empty_like(value)
        interpolate(self.rates_per_s, self.basis, self.derivative, self.offset_per_s, rates, value, slope)
        return value, slope
