"""Least squares for sums of exponentials: all combinations of rates on a grid first, then refined."""

from __future__ import annotations

from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from tumorboard.dosimetry import time_activity_shapes as shapes
from tumorboard.dosimetry.time_activity_shapes import CurveShape

Vector: TypeAlias = NDArray[np.float64]

#: Rates on the grid beside physical decay, and how many of the best combinations are refined, by rate fitted.
_N_RATES, _N_REFINED = 16, 2
#: The fastest rate that is fitted passes in a hundredth of the shortest time between samples: what is faster
#: cannot be told from what is at once.
_FASTEST = 100.0 * np.log(2.0)
#: How close to a bound a parameter is tried at the bound itself, by its own scale.
_NEAR = 1e-3


def fitted(
    shape: CurveShape, times: Vector, activity: Vector, sigma: Vector, physical_rate: float
) -> tuple[Vector, float, NDArray[np.bool_]]:
    """Return parameters, the weighted sum of squares and which parameters are not at a bound."""
    t_scale, a_scale = float(times[-1]) or 1.0, float(activity.max())
    scales = np.array([a_scale if n.startswith("amp") else 1 / t_scale for n in shape.parameter_names])
    t, y, s, slow = times / t_scale, activity / a_scale, sigma / a_scale, physical_rate * t_scale
    low, high = _bounds(shape, t, slow)
    best: tuple[Vector, float, NDArray[np.bool_]] | None = None
    for start in _starts(shape, t, y, s, slow, float(high[-1])):
        found = _refined(shape, t, y, s, slow, start, low, high)
        if best is None or found[1] < best[1]:
            best = found
    assert best is not None  # noqa: S101 the grid is never empty
    parameters, chi_squared, free = best
    order = _order(shape, parameters)
    return parameters[order] * scales, chi_squared, free[order]


def covariance(
    shape: CurveShape,
    parameters: Vector,
    free: NDArray[np.bool_],
    times: Vector,
    sigma: Vector,
    physical_rate: float,
    *,
    scale: float,
) -> Vector:
    """Return the inverse of the normal matrix of the free parameters, times ``scale``; NaN where singular."""
    result = np.zeros((parameters.size, parameters.size))
    slopes = shapes.jacobian(shape, parameters, times, physical_rate)[:, free] / sigma[:, None]
    size = np.linalg.norm(slopes, axis=0)
    singular = not (size > 0).all()
    if not singular and slopes.size:
        _, strengths, axes = np.linalg.svd(slopes / size, full_matrices=False)
        singular = strengths[-1] < 1e-9 * strengths[0]
        if not singular:
            half = axes / strengths[:, None] / size
            result[np.ix_(free, free)] = scale * (half.T @ half)
    return np.full_like(result, np.nan) if singular or np.isnan(scale) else result


def _bounds(shape: CurveShape, t: Vector, slow: float) -> tuple[Vector, Vector]:
    positive = np.diff(np.concatenate([[0.0], t]))
    fastest = max(_FASTEST / positive[positive > 0].min(initial=1.0), 2 * slow)
    is_rate = np.array(["rate" in name for name in shape.parameter_names])
    return np.where(is_rate, slow, 0.0), np.where(is_rate, fastest, np.inf)


def _starts(
    shape: CurveShape, t: Vector, y: Vector, s: Vector, slow: float, fastest: float
) -> list[Vector]:
    if shape is CurveShape.PHYSICAL_DECAY:
        column = np.exp(-slow * t) / s
        return [np.array([column @ (y / s) / (column @ column)])]
    fastest = min(fastest, 1e4)
    grid = np.concatenate([[slow * (1 + 1e-6) + 1e-9], slow + np.geomspace(1e-2, fastest - slow, _N_RATES)])
    tried = []
    for rates in combinations(grid, shape.n_terms + shape.has_uptake):
        clearing, uptake = np.array(rates[: shape.n_terms]), rates[-1] if shape.has_uptake else np.inf
        amplitudes, residual = nnls(shapes.basis(t, clearing, uptake) / s[:, None], y / s)
        tried.append((residual, np.concatenate([amplitudes, rates])))
    tried.sort(key=lambda pair: pair[0])
    return [start for _, start in tried[: _N_REFINED * (shape.n_parameters // 2)]]


def _refined(
    shape: CurveShape, t: Vector, y: Vector, s: Vector, slow: float, start: Vector, low: Vector, high: Vector
) -> tuple[Vector, float, NDArray[np.bool_]]:
    """Refine one start; then hold at their bounds, one by one, parameters that do as well there."""
    free = np.ones(start.size, dtype=bool)
    point, cost = _descended(shape, t, y, s, slow, start, free, low, high)
    for i in np.argsort(np.minimum(point - low, high - point)):
        at = low[i] if point[i] - low[i] <= high[i] - point[i] else high[i]
        if shape.has_uptake and i == point.size - 1:
            at = high[i]  # hardly felt long before it is reached
        elif not np.isfinite(at) or abs(point[i] - at) > _NEAR * max(1.0, abs(at)):
            continue
        trial, trial_free = point.copy(), free.copy()
        trial[i], trial_free[i] = at, False
        trial, trial_cost = _descended(shape, t, y, s, slow, trial, trial_free, low, high)
        if trial_cost <= cost * (1 + 1e-9) + 1e-24 * float((y / s) @ (y / s)):
            point, cost, free = trial, trial_cost, trial_free
    m = shape.n_terms
    if shape is not CurveShape.PHYSICAL_DECAY:
        for i in range(m):
            if point[i] == 0.0:
                free[i] = free[m + i] = False  # a term that is not there has no rate
    return point, cost, free


def _descended(
    shape: CurveShape,
    t: Vector,
    y: Vector,
    s: Vector,
    slow: float,
    start: Vector,
    free: NDArray[np.bool_],
    low: Vector,
    high: Vector,
) -> tuple[Vector, float]:
    point = np.clip(start, low, high)

    def full(part: Vector) -> Vector:
        whole = point.copy()
        whole[free] = part
        return whole

    def residuals(part: Vector) -> Vector:
        return np.asarray((shapes.values(shape, full(part), t, slow) - y) / s)

    if free.any():
        found = least_squares(
            residuals,
            point[free],
            lambda part: shapes.jacobian(shape, full(part), t, slow)[:, free] / s[:, None],
            bounds=(low[free], high[free]),
            x_scale="jac",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=400,
        )
        point = full(found.x)
    r = residuals(point[free])
    return point, float(r @ r)


def _order(shape: CurveShape, parameters: Vector) -> NDArray[np.intp]:
    """Return the order in which the slowest term comes first."""
    m = shape.n_terms
    if m == 1:
        return np.arange(parameters.size)
    terms = np.argsort(parameters[m : 2 * m])
    return np.concatenate([terms, m + terms, np.arange(2 * m, parameters.size)])
