"""Two tissue compartments as two exponentials, with derivatives."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["two_exponentials"]

#: The two exponents are kept apart by at least this part of their sum, where their amplitudes stay finite.
_APART = 1e-7


@numba.njit(cache=True, nogil=True)
def two_exponentials(
    rates: NDArray[np.float64],
    amplitudes: NDArray[np.float64],
    exponents: NDArray[np.float64],
    d_amplitudes: NDArray[np.float64],
    d_exponents: NDArray[np.float64],
) -> None:
    """Fill amplitudes (2,) and exponents (2,), the faster first, and derivatives (2, 4) by K1, k2, k3, k4."""
    k1, k2, k3, k4 = rates[0], rates[1], rates[2], rates[3]
    s = k2 + k3 + k4
    # (k2 - k4)^2 + k3^2 + 2 k3 (k2 + k4) is what s^2 - 4 k2 k4 is, without cancellation.
    d = math.sqrt((k2 - k4) ** 2 + k3 * (k3 + 2.0 * (k2 + k4)))
    d = max(d, _APART * s, 1e-30)
    exponents[0] = 0.5 * (s + d)
    exponents[1] = k2 * k4 / exponents[0]
    surplus = k2 - k3 - k4
    # d^2 - surplus^2 = 4 k2 k3: of the two forms of the slow share, the one without cancellation.
    slow = 0.5 * (d - surplus) / d if surplus <= 0.0 else 2.0 * k2 * k3 / ((d + surplus) * d)
    amplitudes[0] = k1 * (1.0 - slow)
    amplitudes[1] = k1 * slow
    for p in range(4):
        d_s = 0.0 if p == 0 else 1.0
        d_surplus = 0.0 if p == 0 else (1.0 if p == 1 else -1.0)
        d_d = 0.0 if p == 0 else (k2 + k3 - k4 if p == 1 else (s if p == 2 else k3 + k4 - k2)) / d
        d_exponents[0, p] = 0.5 * (d_s + d_d)
        d_exponents[1, p] = 0.5 * (d_s - d_d)
        d_slow = 0.5 * (surplus * d_d / d - d_surplus) / d
        d_amplitudes[0, p] = -k1 * d_slow
        d_amplitudes[1, p] = k1 * d_slow
    d_amplitudes[0, 0] = 1.0 - slow
    d_amplitudes[1, 0] = slow
