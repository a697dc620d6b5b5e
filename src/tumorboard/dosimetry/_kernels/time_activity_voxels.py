"""Mono-exponentials through the activity of voxels: one rate each, its amplitude eliminated."""

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["fit_voxels"]

_STEPS = 60
_TOLERANCE = 1e-9

#: What became of a voxel, as VoxelOutcome of the caller.
_EMPTY, _FITTED, _AT_PHYSICAL, _FALLBACK = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def _sums(times, values, weights, rate):
    """Weighted sums of e e, t e e, t t e e, y e and t y e for e = exp(-rate t)."""
    s0 = s1 = s2 = y0 = y1 = 0.0
    for k in range(times.size):
        e = math.exp(-rate * times[k])
        t = times[k]
        we = weights[k] * e
        s0 += we * e
        s1 += we * e * t
        s2 += we * e * t * t
        y0 += we * values[k]
        y1 += we * values[k] * t
    return s0, s1, s2, y0, y1


@njit(cache=True, nogil=True)
def _best_rate(times, values, weights, slowest, fastest, start):
    """Return the rate of least squares within bounds: Gauss-Newton kept in a bracket of the slope's sign.

    With the amplitude eliminated, a = y0 / s0, the sum of squares falls with the rate where y1 s0 < y0 s1.
    """
    low, high = slowest, fastest
    low_tried = high_tried = False
    rate = min(max(start, low), high)
    for _ in range(_STEPS):
        s0, s1, s2, y0, y1 = _sums(times, values, weights, rate)
        a = y0 / s0
        slope = a * (y1 - a * s1)  # half the derivative of the sum of squares
        if slope < 0.0:
            low = rate
        else:
            high = rate
        if low >= high:
            return rate
        curvature = a * a * (s2 - s1 * s1 / s0)
        following = rate - slope / curvature if curvature > 0.0 else -1.0
        if not low <= following <= high:
            # A bound is tried as it is, once, before the bracket is halved.
            if following < low and low == slowest and not low_tried:
                following, low_tried = slowest, True
            elif following > high and high == fastest and not high_tried:
                following, high_tried = fastest, True
            else:
                following = math.sqrt(low * high)
        if abs(following - rate) <= _TOLERANCE * rate:
            return following
        rate = following
    return rate


@njit(cache=True, nogil=True)
def _integral_variance(rate, s0, s1, spread, scale):
    """Variance of amplitude / rate by the covariance of both."""
    both = s1 / (s0 * rate) - 1.0 / (rate * rate)
    return scale * (1.0 / (s0 * rate * rate) + both * both / spread)


@njit(cache=True, nogil=True)
def _scale(times, values, weights, rate, amplitude, scaled):
    """Sum of squares by degree of freedom where the noise is to be estimated, else 1."""
    if not scaled:
        return 1.0
    squares = 0.0
    for k in range(times.size):
        r = values[k] - amplitude * math.exp(-rate * times[k])
        squares += weights[k] * r * r
    return squares / (times.size - 2)


@njit(cache=True, nogil=True)
def fit_voxels(
    first: int,
    last: int,
    times: NDArray[Any],
    activity: NDArray[Any],
    floor_variance: float,
    relative_variance: float,
    scaled: bool,
    physical_rate: float,
    fastest_rate: float,
    fallback_rate: float,
    fallback_relative_variance: float,
    most_relative_error: float,
    work: NDArray[Any],
    integral: NDArray[Any],
    integral_error: NDArray[Any],
    half_life: NDArray[Any],
    half_life_error: NDArray[Any],
    outcome: NDArray[Any],
) -> None:
    """Fit voxels ``first`` to ``last`` of ``activity``, shape ``(n_times, n_voxels)``.

    ``work`` holds two rows of ``n_times``: the values and weights of one voxel.
    """
    n = times.size
    values, weights = work[0], work[1]
    for v in range(first, last):
        largest, present = 0.0, 0
        for k in range(n):
            y = float(activity[k, v])
            values[k] = y
            weights[k] = 1.0 / (floor_variance + relative_variance * y * y)
            largest = max(largest, y)
            present += y > 0.0
        if largest <= 0.0:
            integral[v] = integral_error[v] = half_life[v] = half_life_error[v] = 0.0
            outcome[v] = _EMPTY
            continue
        rate, state, rate_error = fallback_rate, _FALLBACK, 0.0
        if present >= 2:
            start = physical_rate
            if values[0] > 0.0 and values[n - 1] > 0.0:
                start = math.log(values[0] / values[n - 1]) / (times[n - 1] - times[0])
            rate = _best_rate(times, values, weights, physical_rate, fastest_rate, start)
            if rate < fastest_rate:
                state = _AT_PHYSICAL if rate <= physical_rate * (1.0 + 1e-12) else _FITTED
        s0, s1, s2, y0, _ = _sums(times, values, weights, rate)
        amplitude = y0 / s0
        scale = _scale(times, values, weights, rate, amplitude, scaled)
        spread = s2 - s1 * s1 / s0
        if state == _FITTED:
            rate_error = math.inf
            if spread > 0.0:
                rate_error = math.sqrt(scale / spread) / amplitude
            if rate_error > most_relative_error * rate:
                state = _FALLBACK
        if state == _FALLBACK:
            rate = fallback_rate
            s0, s1, s2, y0, _ = _sums(times, values, weights, rate)
            amplitude = y0 / s0
            scale = _scale(times, values, weights, rate, amplitude, scaled)
            rate_error = math.sqrt(fallback_relative_variance) * rate
        integral[v] = amplitude / rate
        if state == _FITTED:
            variance = _integral_variance(rate, s0, s1, spread, scale)
        else:
            # Of a rate that is held, how uncertain it is comes from elsewhere.
            moved = integral[v] * (1.0 - rate * s1 / s0) * rate_error / rate
            variance = scale / (s0 * rate * rate) + moved * moved
        integral_error[v] = math.sqrt(variance)
        half_life[v] = math.log(2.0) / rate
        half_life_error[v] = half_life[v] * rate_error / rate
        outcome[v] = state
