"""When the blood that a sampler measured reaches the tissue that a scanner saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import FitFlag, KineticFit, KineticParameter, PlasmaModel
from tumorboard.pet.kinetics.input_function import InputFunction

__all__ = ["DelayFit", "fit_delay"]

#: Shifts tried before the search between the best three: closer than a bolus is long [s].
_STEP_S: Final = 2.0
_TOLERANCE_S: Final = 5e-3
_GOLDEN: Final = 0.5 * (3.0 - math.sqrt(5.0))


@dataclass(frozen=True, slots=True, eq=False)
class DelayFit:
    """The delay that lets a model follow a region best.

    Parameters
    ----------
    delay
        Positive where the tissue sees the blood later than the sampler [s]; its error is from the curvature
        of the profile, NaN at a bound.
    blood
        The input as the tissue sees it, still covering the scan.
    fit
        The region's, with that input.
    shifts_s
        That were tried, increasing, shape ``(n,)`` [s].
    residual_sums
        What each left, shape ``(n,)``.
    flags
        ``AT_BOUND`` where the lowest is at the end of the shifts allowed, and the fit's own.
    """

    delay: KineticParameter
    blood: InputFunction
    fit: KineticFit
    shifts_s: NDArray[np.float64]
    residual_sums: NDArray[np.float64]
    flags: tuple[FitFlag, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shifts_s", read_only(self.shifts_s, np.float64))
        object.__setattr__(self, "residual_sums", read_only(self.residual_sums, np.float64))


def fit_delay(
    curves: TissueCurves,
    region: str,
    blood: InputFunction,
    model: PlasmaModel,
    bounds_s: tuple[float, float],
) -> DelayFit:
    """Find the shift of the blood at which a model leaves the least of one region's curve.

    The model is fitted anew at each shift: every 2 s over the bounds, then by golden section to 5 ms between
    the neighbours of the best. That is the joint fit of shift and model [1]_, without its local minima. Where
    blood is shifted to earlier, its last value is held to the end of the scan.

    Parameters
    ----------
    curves
        Of the scan; a large region, as the whole brain, has the least noise.
    region
        Which of them.
    blood
        As sampled.
    model
        For the fits; two tissue compartments, lest a wrong model bend the shift.
    bounds_s
        Lowest and highest shift [s].

    Returns
    -------
    DelayFit

    Raises
    ------
    InputError
        When the bounds are not in order, or the blood ends before the scan.

    References
    ----------
    .. [1] tjerkaski2020kinfitr

    Examples
    --------
    >>> from tumorboard.pet.kinetics import FrameModel, Weighting
    >>> from tumorboard.provenance import Record
    >>> from tumorboard.pet.kinetics.compartments import OneTissue
    >>> from tumorboard.pet.kinetics.compartments_rates import BRAIN_BOUNDS
    >>> blood = InputFunction([0, 30, 60, 900], [0, 90, 20, 5], [0, 90, 20, 5], Record("example"))
    >>> seen = blood.delayed(7.0).parent_convolution([0.001], range(20, 900, 20))[0][0]
    >>> start = np.arange(10.0, 890.0, 20.0)
    >>> curves = TissueCurves(("brain",), start, np.full(44, 20.0), [0.002 * seen], None, Record("example"))
    >>> model = OneTissue(BRAIN_BOUNDS, 0.0, FrameModel.MID_FRAME, Weighting.UNIFORM, None)
    >>> round(fit_delay(curves, "brain", blood, model, (-20.0, 20.0)).delay.value, 1)
    7.0
    """
    low, high = (float(v) for v in bounds_s)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"bounds_s must be lowest < highest, finite [s]; got {low:g} to {high:g}")
    end_s = float(curves.frame_end_s[-1])
    blood.require_covers(end_s)
    one = replace(curves, regions=(region,), concentration_bq_ml=curves.of(region)[None])
    tried: dict[float, float] = {}

    def left(shift: float) -> float:
        if shift not in tried:
            tried[shift] = model.fit(one, _arriving(blood, shift, end_s))[0].residual_sum
        return tried[shift]

    coarse = np.linspace(low, high, max(math.ceil((high - low) / _STEP_S), 2) + 1)
    sums = np.array([left(float(s)) for s in coarse])
    k = int(np.argmin(sums))
    _golden(left, float(coarse[max(k - 1, 0)]), float(coarse[min(k + 1, len(coarse) - 1)]))
    best = min(tried, key=lambda shift: tried[shift])
    arriving = _arriving(blood, best, end_s)
    fit = model.fit(one, arriving)[0]
    at_bound = min(best - low, high - best) <= 2.0 * _TOLERANCE_S
    error = math.nan if at_bound else _error_s(left, best, fit)
    order = np.array(sorted(tried))
    flags = dict.fromkeys(((FitFlag.AT_BOUND,) if at_bound else ()) + fit.flags)
    return DelayFit(
        KineticParameter(best, error, "s"),
        arriving,
        fit,
        order,
        np.array([tried[s] for s in order]),
        tuple(flags),
    )


def _arriving(blood: InputFunction, shift_s: float, end_s: float) -> InputFunction:
    """Blood shifted, with its last value held to the end of the scan where it was moved away from it."""
    moved = blood.delayed(shift_s)
    if moved.times_s[-1] >= end_s:
        return moved
    return InputFunction(
        np.append(moved.times_s, end_s),
        np.append(moved.parent_plasma_bq_ml, moved.parent_plasma_bq_ml[-1]),
        np.append(moved.whole_blood_bq_ml, moved.whole_blood_bq_ml[-1]),
        moved.provenance,
    )


def _golden(left: Callable[[float], float], low: float, high: float) -> None:
    """Try shifts between two ends until they enclose the minimum within the tolerance."""
    a, b = low + _GOLDEN * (high - low), high - _GOLDEN * (high - low)
    while high - low > _TOLERANCE_S:
        if left(a) <= left(b):
            high, b = b, a
            a = low + _GOLDEN * (high - low)
        else:
            low, a = a, b
            b = high - _GOLDEN * (high - low)


def _error_s(left: Callable[[float], float], best: float, fit: KineticFit) -> float:
    """Return the standard error from a parabola through the profile one step to either side."""
    lowest, h = left(best), 0.25 * _STEP_S
    curvature = (left(best - h) - 2.0 * lowest + left(best + h)) / h**2
    n_free = int((fit.weights > 0).sum()) - fit.n_parameters - 1
    if curvature <= 0.0 or n_free < 1:
        return math.nan
    return math.sqrt(2.0 * lowest / n_free / curvature)
