"""Rate constants of compartments, the exponentials they make, and what of them is searched."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.pet.kinetics._kernels.two_tissue import two_exponentials

__all__ = [
    "BRAIN_BOUNDS",
    "FittedBloodVolume",
    "RateBounds",
    "blood_range",
    "check_blood_volume",
    "exponentials",
    "rates_of",
]


@dataclass(frozen=True, slots=True)
class RateBounds:
    """Between what rate constants are searched.

    Parameters
    ----------
    k1_ml_cm3_min
        Lowest and highest K1, 0 <= lowest < highest [mL/cm3/min].
    k2_per_min, k3_per_min, k4_per_min
        Likewise [1/min].

    Raises
    ------
    InputError
        When a pair is not in order.

    Examples
    --------
    >>> RateBounds((0.0, 2.0), (0.0, 2.0), (0.0, 2.0), (0.0, 1.0)).k4_per_min
    (0.0, 1.0)
    """

    k1_ml_cm3_min: tuple[float, float]
    k2_per_min: tuple[float, float]
    k3_per_min: tuple[float, float]
    k4_per_min: tuple[float, float]

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = (float(v) for v in getattr(self, field.name))
            if not 0.0 <= low < high < np.inf:
                raise InputError(f"{field.name} must be 0 <= lowest < highest; got {low:g} to {high:g}")
            object.__setattr__(self, field.name, (low, high))


#: For small molecules in the brain: K1 is at most its blood flow, below 2 mL/cm3/min even in grey matter at
#: rest by far; half-lives in a compartment from 20 s to days.
BRAIN_BOUNDS: Final = RateBounds((1e-4, 2.0), (1e-4, 2.0), (1e-4, 2.0), (1e-4, 2.0))


@dataclass(frozen=True, slots=True)
class FittedBloodVolume:
    """Share of a region that is blood, found with the rates between two bounds.

    Parameters
    ----------
    lowest, highest
        0 <= lowest < highest < 1.

    Raises
    ------
    InputError
        When the bounds are not in order.

    Examples
    --------
    >>> FittedBloodVolume(0.0, 0.2).highest
    0.2
    """

    lowest: float
    highest: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.lowest < self.highest < 1.0:
            raise InputError(
                f"blood volume must be searched in 0 <= lowest < highest < 1; got {self.lowest} to "
                f"{self.highest}"
            )


def check_blood_volume(blood_volume: float | FittedBloodVolume) -> None:
    """Raise an InputError unless a fixed share of blood is 0 to below 1."""
    if not isinstance(blood_volume, FittedBloodVolume) and not 0.0 <= blood_volume < 1.0:
        raise InputError(
            f"blood_volume must be a fraction from 0 to below 1, or FittedBloodVolume; got {blood_volume}"
        )


def blood_range(blood_volume: float | FittedBloodVolume) -> tuple[float, float]:
    """Return the lowest and the highest share of blood, the same where it is fixed.

    Examples
    --------
    >>> blood_range(0.05), blood_range(FittedBloodVolume(0.0, 0.2))
    ((0.05, 0.05), (0.0, 0.2))
    """
    if isinstance(blood_volume, FittedBloodVolume):
        return blood_volume.lowest, blood_volume.highest
    return blood_volume, blood_volume


def exponentials(
    rates_per_s: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the amplitudes and exponents of two tissue compartments' response to a bolus [1]_.

    Parameters
    ----------
    rates_per_s
        K1, k2, k3, k4, all >= 0, k2 + k3 + k4 > 0, shape ``(4,)`` [mL/cm3/s], [1/s].

    Returns
    -------
    tuple of numpy.ndarray
        Amplitudes, shape ``(2,)``, the faster first [mL/cm3/s]; exponents, shape ``(2,)`` [1/s]; and the
        derivatives of both by the rates, shape ``(2, 4)``.

    References
    ----------
    .. [1] gunn2001compartments

    Examples
    --------
    >>> amplitudes, exponents, _, _ = exponentials(np.array([0.1, 0.1, 0.0, 0.05]))
    >>> amplitudes.round(9).tolist(), exponents.round(9).tolist()
    ([0.1, 0.0], [0.1, 0.05])
    """
    amplitudes, exponents = np.empty(2), np.empty(2)
    d_amplitudes, d_exponents = np.empty((2, 4)), np.empty((2, 4))
    two_exponentials(
        np.ascontiguousarray(rates_per_s, np.float64), amplitudes, exponents, d_amplitudes, d_exponents
    )
    return amplitudes, exponents, d_amplitudes, d_exponents


def rates_of(amplitudes: NDArray[np.float64], exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return K1, k2, k3, k4 that make two exponentials, the inverse of :func:`exponentials`.

    Parameters
    ----------
    amplitudes
        Shape ``(..., 2)``, >= 0, not both 0.
    exponents
        Shape ``(..., 2)``, >= 0, the first the larger, > 0.

    Returns
    -------
    numpy.ndarray
        Shape ``(..., 4)``, all >= 0.

    Examples
    --------
    >>> rates = np.array([0.1, 0.2, 0.05, 0.04])
    >>> bool(np.allclose(rates_of(*exponentials(rates)[:2]), rates))
    True
    """
    # Written out, for numpy sums short axes slowly.
    fast, slow = exponents[..., 0], exponents[..., 1]
    k1 = amplitudes[..., 0] + amplitudes[..., 1]
    k2 = (amplitudes[..., 0] * fast + amplitudes[..., 1] * slow) / k1
    with np.errstate(divide="ignore", invalid="ignore"):
        k4 = np.where(k2 > 0, fast * slow / k2, 0.0)
    k3 = np.maximum(fast + slow - k2 - k4, 0.0)
    return np.stack([k1, k2, k3, k4], axis=-1)
