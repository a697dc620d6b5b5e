"""Rows of a table of exponential responses between its rates."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["cubic", "interpolate"]


@numba.njit(cache=True, nogil=True)
def cubic(low: float, rise: float, a: float, b: float, t: float) -> tuple[float, float]:
    """Return a cubic and its slope at t, 0 to 1, from its value at 0, its rise to 1 and its slopes there.

    ``a`` is the slope at 0 less the rise, ``b`` the rise less the slope at 1.
    """
    bend = (1.0 - t) * a + t * b
    return low + t * (rise + (1.0 - t) * bend), rise + (1.0 - 2.0 * t) * bend + t * (1.0 - t) * (b - a)


@numba.njit(cache=True, nogil=True)
def interpolate(
    table_rates: NDArray[np.float64],
    basis: NDArray[np.float64],
    derivative: NDArray[np.float64],
    offset: float,
    rates: NDArray[np.float64],
    value: NDArray[np.float64],
    slope: NDArray[np.float64],
) -> None:
    """Fill value and slope by rate, each (rates, frames), by cubics through the table's values and slopes.

    ``table_rates`` (n,) begin at 0 and are even in ln(rate + offset); ``basis`` and ``derivative`` have shape
    (n, frames). Rates outside are taken for the nearest inside.
    """
    n = table_rates.size
    span = math.log1p(table_rates[n - 1] / offset)
    step = span / (n - 1)
    for r in range(rates.size):
        place = min(max(math.log1p(rates[r] / offset), 0.0), span) / step
        k = min(int(place), n - 2)
        t = place - k
        # The table's derivatives are by the rate; along the grid d(rate) = (rate + offset) step.
        low_scale, high_scale = (table_rates[k] + offset) * step, (table_rates[k + 1] + offset) * step
        to_rate = 1.0 / ((rates[r] + offset) * step)
        for f in range(basis.shape[1]):
            low = basis[k, f]
            rise = basis[k + 1, f] - low
            a = derivative[k, f] * low_scale - rise
            b = rise - derivative[k + 1, f] * high_scale
            value[r, f], along = cubic(low, rise, a, b, t)
            slope[r, f] = along * to_rate
