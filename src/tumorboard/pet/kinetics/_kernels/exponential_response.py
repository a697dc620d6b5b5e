"""Convolution of a piecewise linear curve with exponentials, its integral, and both by the rate."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["respond"]

#: Steps that differ by less than this part are one: a uniform grid's differ in the last digits only.
_SAME_STEP = 1e-10


@numba.njit(cache=True, nogil=True)
def _phi(x: float, out: NDArray[np.float64]) -> None:
    """Fill out[0] with exp(-x), out[k] to 4 with the integral of exp(-x (1 - s)) s^(k-1)/(k-1)! over s."""
    e = math.exp(-x)
    out[0] = e
    if x > 0.3:
        out[1] = (1.0 - e) / x
        out[2] = (1.0 - out[1]) / x
        out[3] = (0.5 - out[2]) / x
        out[4] = (1.0 / 6.0 - out[3]) / x
        return
    # Going down loses no digits where going up does: the fourth by its series.
    fourth, term = 0.0, 1.0 / 24.0
    for n in range(10):
        fourth += term
        term *= -x / (n + 5.0)
    out[4] = fourth
    out[3] = 1.0 / 6.0 - x * fourth
    out[2] = 0.5 - x * out[3]
    out[1] = 1.0 - x * out[2]


@numba.njit(cache=True, nogil=True)
def _advance(
    state: NDArray[np.float64],
    h: float,
    c: float,
    rise: float,
    w: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Carry (y, z, dy/drate, dz/drate) over a step h, on which the input goes from c to c + rise."""
    y, z, dy, dz = state[0], state[1], state[2], state[3]
    first, second, third, fourth = w[1], w[2], w[3], w[4]
    d_first, d_second, d_third = second - first, 2.0 * third - second, 3.0 * fourth - third
    out[0] = w[0] * y + h * (first * c + second * rise)
    out[1] = z + h * (first * y + h * (second * c + third * rise))
    out[2] = w[0] * (dy - h * y) + h * h * (d_first * c + d_second * rise)
    out[3] = dz + h * (first * dy + h * (d_first * y + h * (d_second * c + d_third * rise)))


@numba.njit(cache=True, nogil=True)
def respond(
    times_s: NDArray[np.float64],
    values: NDArray[np.float64],
    rates_per_s: NDArray[np.float64],
    points_s: NDArray[np.float64],
    response: NDArray[np.float64],
) -> None:
    """Fill response[:, r, p] with y, its integral z from the beginning, and their derivatives by the rate.

    ``y`` is the curve convolved with exp(-rate t) at a point. ``times_s`` (n,) increase, ``values`` (n,) are
    joined by straight lines and are 0 before the first; ``points_s`` (m,) increase and end no later than the
    last time. ``response`` has shape (4, rates, m).
    """
    n = times_s.size
    state, fresh, w, part = np.zeros(4), np.zeros(4), np.zeros(5), np.zeros(5)
    for r in range(rates_per_s.size):
        rate = rates_per_s[r]
        state[:] = 0.0
        k, last_step = 0, -1.0
        for p in range(points_s.size):
            point = points_s[p]
            while k + 1 < n and times_s[k + 1] <= point:
                h = times_s[k + 1] - times_s[k]
                if abs(h - last_step) > _SAME_STEP * h:
                    _phi(rate * h, w)
                    last_step = h
                _advance(state, h, values[k], values[k + 1] - values[k], w, fresh)
                state, fresh = fresh, state
                k += 1
            h = point - times_s[k]
            if h < 0.0:
                response[:, r, p] = 0.0
            elif h == 0.0 or k + 1 >= n:
                response[:, r, p] = state
            else:
                _phi(rate * h, part)
                rise = (values[k + 1] - values[k]) * h / (times_s[k + 1] - times_s[k])
                _advance(state, h, values[k], rise, part, fresh)
                response[:, r, p] = fresh
