"""Convolution of a piecewise linear curve with exponentials, exact at any time, and its integral."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["convolve"]


@numba.njit(cache=True, nogil=True)
def _weights(x: float) -> tuple[float, float, float, float]:
    """Return exp(-x) and the integrals (1 - e)/x, (1 - first)/x, (1/2 - second)/x, without cancellation."""
    e = math.exp(-x)
    if x > 0.3:
        first = (1.0 - e) / x
        second = (1.0 - first) / x
        return e, first, second, (0.5 - second) / x
    # Taylor: the k-th is sum of (-x)^n / (n + k)!; ten terms leave 0.3^10/13! of the third.
    third, term = 0.0, 1.0 / 6.0
    for n in range(10):
        third += term
        term *= -x / (n + 4.0)
    second = 0.5 - x * third
    first = 1.0 - x * second
    return e, first, second, third


@numba.njit(cache=True, nogil=True)
def convolve(
    times_s: NDArray[np.float64],
    values: NDArray[np.float64],
    rates_per_s: NDArray[np.float64],
    points_s: NDArray[np.float64],
    convolved: NDArray[np.float64],
    integrals: NDArray[np.float64],
) -> None:
    """Fill, for each rate and point, the convolution of the curve with exp(-rate t), and its integral from 0.

    ``times_s`` (n,) increase, ``values`` (n,) are joined by straight lines, and are 0 before the first;
    ``points_s`` (m,) increase and end no later than the last time. Both outputs have shape (rates, m). The
    state goes from node to node in closed form, so that steps of any length are exact.
    """
    n, m = times_s.size, points_s.size
    for r in range(rates_per_s.size):
        rate = rates_per_s[r]
        y, z, k = 0.0, 0.0, 0
        e = first = second = third = 0.0
        last_step = -1.0
        for p in range(m):
            point = points_s[p]
            while k + 1 < n and times_s[k + 1] <= point:
                h = times_s[k + 1] - times_s[k]
                if h != last_step:
                    e, first, second, third = _weights(rate * h)
                    last_step = h
                c = values[k]
                slope_h = values[k + 1] - c
                z += h * (first * y + h * (second * c + third * slope_h))
                y = e * y + h * (first * c + second * slope_h)
                k += 1
            h = point - times_s[k]
            if h <= 0.0 or k + 1 >= n:
                convolved[r, p] = y if h >= 0.0 else 0.0
                integrals[r, p] = z if h >= 0.0 else 0.0
            else:
                pe, pf, ps, pt = _weights(rate * h)
                c = values[k]
                slope_h = (values[k + 1] - c) * h / (times_s[k + 1] - times_s[k])
                integrals[r, p] = z + h * (pf * y + h * (ps * c + pt * slope_h))
                convolved[r, p] = pe * y + h * (pf * c + ps * slope_h)
