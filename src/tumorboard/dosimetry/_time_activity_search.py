"""Least squares for sums of exponentials: all combinations of rates on a grid first, then refined.

Rates are refined as steps from one to the next, physical decay being the first, so that they keep order:
an uptake slower than a clearance would turn that term negative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
#: The fastest uptake that is fitted passes in a hundredth of the shortest time between samples: what is
#: faster cannot be told from what is at once.
_FASTEST = 100.0 * np.log(2.0)
#: The fastest clearance has ten half-lives by the first sample after administration: what is faster would be
#: extrapolated back to more than a thousand times what was seen of it.
_FASTEST_CLEARANCE = 10.0 * np.log(2.0)
#: Least step from the fastest clearance to uptake, by the time of the last sample: where both are the same
#: the amplitude is infinite.
_LEAST_UPTAKE_STEP = 1e-3
#: How close to a bound a parameter is tried at the bound itself, by its own scale.
_NEAR = 1e-3


def fitted(
    shape: CurveShape, times: Vector, activity: Vector, sigma: Vector, physical_rate: float
) -> tuple[Vector, float, NDArray[np.bool_]]:
    """Return parameters, the weighted sum of squares and which parameters are not at a bound."""
    t_scale, a_scale = float(times[-1]) or 1.0, float(activity.max())
    scales = np.array([a_scale if n.startswith("amp") else 1 / t_scale for n in shape.parameter_names])
    problem = _Problem(shape, times / t_scale, activity / a_scale, sigma / a_scale, physical_rate * t_scale)
    found = [_refined(problem, start) for start in _starts(problem)]
    point, chi_squared, free = min(found, key=lambda refined: refined[1])
    return problem.parameters(point) * scales, chi_squared, free


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
    steps = _steps(shape)[:, free]
    slopes = shapes.jacobian(shape, parameters, times, physical_rate) @ steps / sigma[:, None]
    if not free.any():
        return np.zeros((parameters.size, parameters.size))
    size = np.linalg.norm(slopes, axis=0)
    if (size > 0).all() and not np.isnan(scale):
        _, strengths, axes = np.linalg.svd(slopes / size, full_matrices=False)
        if strengths[-1] > 1e-9 * strengths[0]:
            half = axes / strengths[:, None] / size @ steps.T
            return np.asarray(scale * (half.T @ half))
    return np.full((parameters.size, parameters.size), np.nan)


def _steps(shape: CurveShape) -> Vector:
    """Return the derivative of parameters by amplitudes and steps of rates: a triangle of ones for rates."""
    matrix = np.eye(shape.n_parameters)
    rates = slice(shape.n_terms, None)
    matrix[rates, rates] = np.tril(np.ones_like(matrix[rates, rates]))
    return matrix


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Samples in units of the last time and the highest activity, and the bounds of amplitudes and steps."""

    shape: CurveShape
    t: Vector
    y: Vector
    s: Vector
    slow: float
    steps: Vector = field(init=False)
    low: Vector = field(init=False)
    high: Vector = field(init=False)

    def __post_init__(self) -> None:
        gaps = np.diff(np.concatenate([[0.0], self.t]))
        uptake = max(_FASTEST / gaps[gaps > 0].min(initial=1.0), 2.0 * self.slow)
        clearance = max(_FASTEST_CLEARANCE / self.t[self.t > 0].min(initial=1.0), 2.0 * self.slow)
        is_rate = np.array(["rate" in name for name in self.shape.parameter_names])
        low, high = np.zeros(is_rate.size), np.where(is_rate, clearance, np.inf)
        if self.shape.has_uptake:
            low[-1], high[-1] = _LEAST_UPTAKE_STEP, uptake
        object.__setattr__(self, "steps", _steps(self.shape))
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def parameters(self, point: Vector) -> Vector:
        """Return amplitudes and rates of amplitudes and steps."""
        found = self.steps @ point
        found[self.shape.n_terms :] += self.slow
        return np.asarray(found)

    def residuals(self, point: Vector) -> Vector:
        """Return what the curve is off, by the uncertainty."""
        curve = shapes.values(self.shape, self.parameters(point), self.t, self.slow)
        return np.asarray((curve - self.y) / self.s)

    def slopes(self, point: Vector) -> Vector:
        """Return the derivative of the residuals by amplitudes and steps."""
        slopes = shapes.jacobian(self.shape, self.parameters(point), self.t, self.slow)
        return np.asarray(slopes @ self.steps / self.s[:, None])


def _starts(problem: _Problem) -> list[Vector]:
    shape, t, y, s, slow = problem.shape, problem.t, problem.y, problem.s, problem.slow
    if shape is CurveShape.PHYSICAL_DECAY:
        column = np.exp(-slow * (t - t[0])) / s
        return [np.array([column @ (y / s) / (column @ column) * np.exp(slow * t[0])])]
    m = shape.n_terms
    grid = np.concatenate([[0.0], np.geomspace(1e-2, problem.high[m], _N_RATES)])
    uptakes = np.geomspace(1e-1, min(problem.high[-1], 1e4), _N_RATES) if shape.has_uptake else [np.inf]
    tried = []
    for *clearing, uptake in ((*c, u) for c in combinations(grid, m) for u in uptakes if u > c[-1]):
        columns = shapes.basis(t, slow + np.array(clearing), slow + uptake)
        amplitudes, residual = nnls(columns / s[:, None], y / s)
        rates = [*clearing, uptake] if shape.has_uptake else clearing
        tried.append((residual, np.concatenate([amplitudes, np.diff(rates, prepend=0.0)])))
    tried.sort(key=lambda pair: pair[0])
    return [start for _, start in tried[: _N_REFINED * (shape.n_parameters // 2)]]


def _refined(problem: _Problem, start: Vector) -> tuple[Vector, float, NDArray[np.bool_]]:
    """Refine one start; then hold at their bounds, one by one, what does as well there."""
    shape, low, high = problem.shape, problem.low, problem.high
    free = np.ones(start.size, dtype=bool)
    point, cost = _descended(problem, start, free)
    rounding = 1e-24 * float(np.sum((problem.y / problem.s) ** 2))
    for i in np.argsort(np.minimum(point - low, high - point)):
        at = low[i] if point[i] - low[i] <= high[i] - point[i] else high[i]
        if shape.has_uptake and i == point.size - 1 and point[i] > 1.0:
            at = high[i]  # hardly felt long before it is reached
        elif not np.isfinite(at) or abs(point[i] - at) > _NEAR * max(1.0, abs(at)):
            continue
        trial, trial_free = point.copy(), free.copy()
        trial[i], trial_free[i] = at, False
        trial, trial_cost = _descended(problem, trial, trial_free)
        if trial_cost <= cost * (1 + 1e-9) + rounding:
            point, cost, free = trial, trial_cost, trial_free
    m = shape.n_terms
    if shape is not CurveShape.PHYSICAL_DECAY:
        for i in range(m):
            if point[i] == 0.0:
                free[i] = free[m + i] = False  # a term that is not there has no rate
    return point, cost, free


def _descended(problem: _Problem, start: Vector, free: NDArray[np.bool_]) -> tuple[Vector, float]:
    point = np.clip(start, problem.low, problem.high)

    def full(part: Vector) -> Vector:
        whole = point.copy()
        whole[free] = part
        return whole

    if free.any():
        # Two terms that are alike make the trust region degenerate; what it finds is judged by its cost.
        with np.errstate(all="ignore"):
            found = least_squares(
                lambda part: problem.residuals(full(part)),
                point[free],
                lambda part: problem.slopes(full(part))[:, free],
                bounds=(problem.low[free], problem.high[free]),
                x_scale=np.maximum(np.abs(point[free]), 1e-3),
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                max_nfev=400,
            )
        if np.isfinite(found.x).all():
            point = full(found.x)
    r = problem.residuals(point)
    return point, float(r @ r)
