"""A formula through samples of blood: how it is fitted, and what comes out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares, nnls

from tumorboard.core._arrays import read_only
from tumorboard.core.blood import BloodCurve
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import FitFlag, KineticParameter
from tumorboard.pet.kinetics.least_squares import ILL_CONDITIONED, corrected_akaike

__all__ = ["SampleFit", "SampleWeighting", "fit_formula", "fit_separable", "starts_of", "straight_lines"]

Array = NDArray[np.float64]
Formula = Callable[..., Array]

#: Below this part of the peak, counting noise is taken for constant: no sample has none.
_LEAST_COUNTS: Final = 0.01
_UNCERTAIN: Final = 0.5
#: Steps of derivatives, over a parameter: a cube root of the rounding error.
_STEP: Final = 6e-6
#: Relative, of the sum of squares: rough in the search from many starts, fine from the best of them.
_ROUGH, _FINE, _FINISHED = 1e-4, 1e-13, 3
#: How many samples to either side of an onset are looked between, and how often it may move on.
_NEAREST, _ROUNDS = 5, 4


class SampleWeighting(Enum):
    """How much each sample counts in a fit."""

    UNIFORM = "uniform"
    """All alike: a sampler's hundreds of early samples outweigh the late ones."""

    INTERVAL = "interval"
    """By the time that a sample stands for, so that the fit follows the area under the curve."""

    COUNTING = "counting"
    """By the inverse of the value, the variance of counts; values below 1 % of the peak count as 1 %."""

    INTERVAL_COUNTING = "interval and counting"
    """By the time that a sample stands for over its value, so that the late part counts too."""

    def of(self, curve: BloodCurve) -> Array:
        """Return weights of mean 1, shape ``(n,)``."""
        weights = np.ones(curve.times_s.size)
        if self in (SampleWeighting.INTERVAL, SampleWeighting.INTERVAL_COUNTING) and weights.size > 1:
            gaps = np.diff(curve.times_s)
            weights = 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))
        if self in (SampleWeighting.COUNTING, SampleWeighting.INTERVAL_COUNTING):
            peak = float(np.abs(curve.values).max())
            if peak == 0.0:
                raise InputError("blood must not be 0 throughout for weights by counts; got only zeros")
            weights = weights / np.maximum(np.abs(curve.values), _LEAST_COUNTS * peak)
        scaled: Array = weights / weights.mean()
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class SampleFit:
    """A curve through samples, at any time.

    Parameters
    ----------
    model
        Its name, e.g. ``"Feng"``.
    parameters
        By name; empty for straight lines between the samples.
    times_s, measured, fitted, weights
        Of the samples, shape ``(n,)`` each [s].
    residual_sum
        Sum of weight times squared residual.
    aicc
        Corrected Akaike criterion; NaN where there are too few samples or no parameters.
    flags
        What to beware of.
    extends
        Whether the formula holds beyond the last sample.
    bends_s
        Where the curve has a corner or an onset [s].
    formula
        Times [s] to values.
    references
        Citation keys.
    """

    model: str
    parameters: Mapping[str, KineticParameter]
    times_s: NDArray[np.float64]
    measured: NDArray[np.float64]
    fitted: NDArray[np.float64]
    weights: NDArray[np.float64]
    residual_sum: float
    aicc: float
    flags: tuple[FitFlag, ...]
    extends: bool
    bends_s: tuple[float, ...]
    formula: Formula
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name in ("times_s", "measured", "fitted", "weights"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def at(self, times_s: ArrayLike) -> Array:
        """Return the curve at ``times_s``, shape ``(m,)`` [s]; straight lines hold their last value."""
        values: Array = self.formula(np.asarray(times_s, np.float64))
        return values

    def summary(self) -> dict[str, Any]:
        """Return name, parameters and flags for a provenance record."""
        return {
            "model": self.model,
            "parameters": {n: [p.value, p.unit] for n, p in self.parameters.items()},
            "flags": [flag.name for flag in self.flags],
        }


def straight_lines(
    curve: BloodCurve, *, at_injection: float | None, before: float | None = None
) -> SampleFit:
    """Return straight lines between samples; after the last, its value.

    Parameters
    ----------
    curve
        The samples.
    at_injection
        Value at the injection, where no sample was taken then; ``None`` for that of the first sample.
    before
        Value before the first time; ``None`` for that at the first time.

    Examples
    --------
    >>> straight_lines(BloodCurve([10.0, 20.0], [4.0, 2.0]), at_injection=0.0).at([5.0, 15.0, 99.0]).tolist()
    [2.0, 3.0, 2.0]
    """
    times, values = curve.times_s, curve.values
    if at_injection is not None and times[0] > 0.0:
        times, values = np.append(0.0, times), np.append(at_injection, values)
    return SampleFit(
        "interpolation", {}, curve.times_s, curve.values, curve.values, np.ones(curve.times_s.size), 0.0,
        math.nan, (), False, tuple(times.tolist()), partial(_lines, times, values, before),
    )  # fmt: skip


def _lines(times: Array, values: Array, before: float | None, points: Array) -> Array:
    return np.asarray(np.interp(points, times, values, left=before))


def fit_formula(
    model: str,
    formula: Formula,
    curve: BloodCurve,
    *,
    names_units: Sequence[tuple[str, str]],
    starts: Sequence[Sequence[float]],
    lower: Sequence[float],
    upper: Sequence[float],
    references: tuple[str, ...],
    bends_s: tuple[float, ...] = (),
) -> SampleFit:
    """Fit ``formula(times, *parameters)`` to samples of equal weight, from several starts, by least squares.

    Parameters
    ----------
    model, names_units, references
        Of the result.
    bends_s
        Where the formula has a corner [s].
    formula
        Smooth in its parameters.
    curve
        At least one sample more than there are parameters.
    starts, lower, upper
        Where the search begins, and its bounds.

    Returns
    -------
    SampleFit
        The best of all starts.

    Raises
    ------
    InputError
        When there are too few samples.

    Examples
    --------
    >>> samples = BloodCurve(range(5), [1.0, 0.5, 0.25, 0.125, 0.0625])
    >>> halved = fit_formula(
    ...     "half", lambda t, k: np.exp(-k * t), samples, names_units=[("k", "1/s")], starts=[[1.0]],
    ...     lower=[0.0], upper=[9.0], references=(),
    ... )
    >>> round(halved.parameters["k"].value, 6)
    0.693147
    """
    _require_samples(model, curve, len(lower))

    def residual(p: Array) -> Array:
        return np.asarray(formula(curve.times_s, *p) - curve.values)

    best = _best(residual, starts, lower, upper)
    weights = np.ones(curve.times_s.size)
    return _result(
        model, formula, curve, weights, np.asarray(best.x), names_units,
        at_bound=_at_bound(best.x, lower, upper), converged=best.status > 0, references=references,
        bends_s=bends_s,
    )  # fmt: skip


def fit_separable(
    model: str,
    basis: Callable[..., Array],
    curve: BloodCurve,
    weights: Array,
    *,
    names_units: Sequence[tuple[str, str]],
    starts: Sequence[Sequence[float]],
    lower: Sequence[float],
    upper: Sequence[float],
    report: Callable[[Array], Array],
    onsets: tuple[int, ...],
    bends: Callable[[Array], tuple[float, ...]],
    references: tuple[str, ...],
) -> SampleFit:
    """Fit a sum of shapes with amplitudes >= 0: only the shapes' parameters are searched, the rest is linear.

    Parameters
    ----------
    model, names_units, references
        Of the result; names of the shapes' parameters first, then of the amplitudes.
    basis
        ``basis(times, *shape_parameters)`` of shape ``(n, n_amplitudes)``, of the parameters as reported.
    curve, weights
        The samples, shape ``(n,)``.
    starts, lower, upper
        Of the shapes' parameters as searched.
    report
        Shapes' parameters as reported, from those searched.
    onsets
        Which of those searched are times at which the shape bends. The sum of squares has a kink where one
        passes a sample, and a minimum between many: those between the nearest samples are tried too.
    bends
        Where the curve bends, from the shapes' parameters as reported.

    Returns
    -------
    SampleFit
        The best of all starts.

    Raises
    ------
    InputError
        When there are too few samples.

    Examples
    --------
    >>> samples = BloodCurve(range(5), [2.0, 1.0, 0.5, 0.25, 0.125])
    >>> halved = fit_separable(
    ...     "half", lambda t, k: np.exp(-k * t)[:, None], samples, np.ones(5),
    ...     names_units=[("k", "1/s"), ("A", "Bq/mL")], starts=[[1.0]], lower=[0.0], upper=[9.0],
    ...     report=lambda p: p, onsets=(), bends=lambda p: (), references=(),
    ... )
    >>> round(halved.parameters["A"].value, 6)
    2.0
    """
    _require_samples(model, curve, len(names_units))
    n_shape, root = len(lower), np.sqrt(weights)
    scale = float(np.abs(curve.values).max()) or 1.0

    def amplitudes(p: Array) -> tuple[Array, Array]:
        columns = basis(curve.times_s, *report(p)) * root[:, None]
        lengths = np.linalg.norm(columns, axis=0)
        lengths[lengths == 0.0] = 1.0
        found = nnls(columns / lengths, curve.values / scale * root)[0] / lengths
        return np.asarray(found), np.asarray(columns @ found - curve.values / scale * root)

    def residual(p: Array) -> Array:
        return amplitudes(p)[1]

    best = _best(residual, starts, lower, upper)
    best = _between_samples(residual, best, onsets, curve.times_s, lower, upper)
    found = np.asarray(best.x)
    shape, heights = report(found), amplitudes(found)[0] * scale

    def formula(times: Array, *p: float) -> Array:
        return np.asarray(basis(times, *p[:n_shape]) @ np.asarray(p[n_shape:]))

    return _result(
        model, formula, curve, weights, np.concatenate((shape, heights)), names_units,
        at_bound=_at_bound(found, lower, upper) or bool((heights == 0.0).any()), converged=best.status > 0,
        references=references, bends_s=bends(shape),
    )  # fmt: skip


def starts_of(*choices: Sequence[float]) -> list[tuple[float, ...]]:
    """Return every combination of the choices of each parameter.

    Examples
    --------
    >>> starts_of((1.0, 2.0), (5.0,))
    [(1.0, 5.0), (2.0, 5.0)]
    """
    return list(itertools.product(*choices))


def _require_samples(model: str, curve: BloodCurve, n_parameters: int) -> None:
    if curve.times_s.size <= n_parameters:
        raise InputError(
            f"samples must be more than the {n_parameters} parameters of {model}; got {curve.times_s.size}; "
            "take straight lines between them"
        )


def _best(residual: Callable[[Array], Array], starts: Any, lower: Any, upper: Any) -> Any:
    """Search roughly from every start, then finely from where the best few ended."""
    rough = sorted((_search(residual, s, lower, upper, _ROUGH) for s in starts), key=lambda f: float(f.cost))
    fine = [_search(residual, found.x, lower, upper, _FINE) for found in rough[:_FINISHED]]
    return min(fine, key=lambda found: float(found.cost))


def _between_samples(
    residual: Callable[[Array], Array],
    best: Any,
    onsets: tuple[int, ...],
    times: Array,
    lower: Any,
    upper: Any,
) -> Any:
    """Search from between the samples near each onset, until none is better."""
    start = best
    for _ in range(_ROUNDS):
        before = best
        for k in onsets:
            at = int(np.searchsorted(times, before.x[k]))
            edges = times[max(at - _NEAREST, 0) : at + _NEAREST]
            for middle in 0.5 * (edges[1:] + edges[:-1]):
                moved = before.x.copy()
                moved[k] = middle
                found = _search(residual, moved, lower, upper, _ROUGH**2)
                if found.cost < best.cost * (1.0 - _ROUGH**2):
                    best = found
        if best is before:
            break
    return best if best is start else _search(residual, best.x, lower, upper, _FINE)


def _search(residual: Callable[[Array], Array], start: Any, lower: Any, upper: Any, tolerance: float) -> Any:
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    margin = 1e-9 * np.where(np.isfinite(high - low), high - low, 0.0)
    inside = np.clip(start, low + margin, high - margin)
    return least_squares(
        residual, inside, "3-point", (low, high), x_scale="jac", ftol=tolerance, xtol=1e-3 * tolerance**0.5,
        gtol=1e-15, max_nfev=200,
    )  # fmt: skip


def _at_bound(values: Any, lower: Any, upper: Any) -> bool:
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    margin = 1e-6 * np.where(np.isfinite(high - low), high - low, 0.0)
    return bool(((values - low < margin) | (high - values < margin)).any())


def _result(
    model: str,
    formula: Formula,
    curve: BloodCurve,
    weights: Array,
    values: Array,
    names_units: Sequence[tuple[str, str]],
    *,
    at_bound: bool,
    converged: bool,
    references: tuple[str, ...],
    bends_s: tuple[float, ...],
) -> SampleFit:
    fitted = formula(curve.times_s, *values)
    residual_sum = float(weights @ (fitted - curve.values) ** 2)
    errors, ill = _errors(formula, curve.times_s, values, weights, residual_sum)
    parameters = {
        name: KineticParameter(float(v), float(e), unit)
        for (name, unit), v, e in zip(names_units, values, errors, strict=True)
    }
    flags = []
    if at_bound:
        flags.append(FitFlag.AT_BOUND)
    if ill:
        flags.append(FitFlag.ILL_CONDITIONED)
    if any(not p.relative_error <= _UNCERTAIN for p in parameters.values()):
        flags.append(FitFlag.UNCERTAIN)
    if not converged:
        flags.append(FitFlag.NOT_CONVERGED)
    frozen = tuple(float(v) for v in values)
    return SampleFit(
        model, parameters, curve.times_s, curve.values, fitted, weights, residual_sum,
        corrected_akaike(residual_sum, curve.times_s.size, values.size), tuple(flags), True, bends_s,
        lambda times: np.asarray(formula(times, *frozen)), references,
    )  # fmt: skip


def _errors(
    formula: Formula, times: Array, values: Array, weights: Array, residual_sum: float
) -> tuple[Array, bool]:
    """Return standard errors by the curvature at the solution, NaN without a degree of freedom."""
    columns = np.empty((times.size, values.size))
    for k, value in enumerate(values):
        step = _STEP * max(abs(float(value)), 1e-9)
        above, below = values.copy(), values.copy()
        above[k], below[k] = value + step, value - step
        columns[:, k] = (formula(times, *above) - formula(times, *below)) / (2.0 * step)
    rows = columns * np.sqrt(weights)[:, None]
    lengths = np.linalg.norm(rows, axis=0)
    lengths[lengths == 0.0] = 1.0
    _, singular, vt = np.linalg.svd(rows / lengths, full_matrices=False)
    ill = bool(singular[-1] <= singular[0] / ILL_CONDITIONED)
    n_free = times.size - values.size
    variance = residual_sum / n_free if n_free > 0 else math.nan
    spread = (vt.T / np.maximum(singular, 1e-300)) / lengths[:, None]
    return np.sqrt(variance * (spread**2).sum(axis=1)), ill
