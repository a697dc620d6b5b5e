"""Shapes of activity against time: sums of exponentials, with and without an uptake phase."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["CurveShape"]

Vector: TypeAlias = NDArray[np.float64]


class CurveShape(Enum):
    r"""What is fitted; every rate is effective, hence at least the physical one.

    Without uptake :math:`A(t) = \sum_i a_i e^{-\lambda_i t}`, with it each term is
    :math:`a_i (e^{-\lambda_i t} - e^{-\lambda_u t})`: nothing is there at administration. Terms are in order
    of rate, the slowest first, and amplitudes are not negative.
    """

    PHYSICAL_DECAY = "physical_decay"
    MONO_EXPONENTIAL = "mono_exponential"
    BI_EXPONENTIAL = "bi_exponential"
    TRI_EXPONENTIAL = "tri_exponential"
    MONO_EXPONENTIAL_UPTAKE = "mono_exponential_uptake"
    BI_EXPONENTIAL_UPTAKE = "bi_exponential_uptake"

    @property
    def n_terms(self) -> int:
        """How many exponentials clear the activity."""
        return {"bi": 2, "tri": 3}.get(self.value.partition("_")[0], 1)

    @property
    def has_uptake(self) -> bool:
        """Whether activity rises from nothing first."""
        return self.value.endswith("_uptake")

    @property
    def n_parameters(self) -> int:
        """How many numbers are fitted."""
        if self is CurveShape.PHYSICAL_DECAY:
            return 1
        return 2 * self.n_terms + self.has_uptake

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the fitted numbers, amplitudes [Bq] before rates [1/s]."""
        terms = range(1, self.n_terms + 1)
        names = [f"amplitude_{i}" for i in terms]
        if self is not CurveShape.PHYSICAL_DECAY:
            names += [f"rate_{i}" for i in terms]
        return (*names, "uptake_rate") if self.has_uptake else tuple(names)


def split(shape: CurveShape, parameters: Vector, physical_rate: float) -> tuple[Vector, Vector, float]:
    """Return amplitudes, rates and the rate of uptake (infinite without)."""
    m = shape.n_terms
    if shape is CurveShape.PHYSICAL_DECAY:
        return parameters[:1], np.array([physical_rate]), np.inf
    return parameters[:m], parameters[m : 2 * m], float(parameters[2 * m]) if shape.has_uptake else np.inf


def basis(times: Vector, rates: Vector, uptake_rate: float) -> Vector:
    """Return each term of unit amplitude, shape ``(n_times, n_terms)``."""
    columns = np.exp(-np.outer(times, rates))
    if np.isfinite(uptake_rate):
        columns -= np.exp(-uptake_rate * times)[:, None]
    return columns


def values(shape: CurveShape, parameters: Vector, times: Vector, physical_rate: float) -> Vector:
    """Return the activity at ``times``, shape ``(n_times,)``."""
    amplitudes, rates, uptake_rate = split(shape, parameters, physical_rate)
    return np.asarray(basis(times, rates, uptake_rate) @ amplitudes)


def jacobian(shape: CurveShape, parameters: Vector, times: Vector, physical_rate: float) -> Vector:
    """Return the derivative of each value by each parameter, shape ``(n_times, n_parameters)``."""
    amplitudes, rates, uptake_rate = split(shape, parameters, physical_rate)
    columns = [basis(times, rates, uptake_rate)]
    if shape is not CurveShape.PHYSICAL_DECAY:
        columns.append(-times[:, None] * np.exp(-np.outer(times, rates)) * amplitudes)
    if shape.has_uptake:
        columns.append((amplitudes.sum() * times * np.exp(-uptake_rate * times))[:, None])
    return np.hstack(columns)


def integral(shape: CurveShape, parameters: Vector, physical_rate: float) -> tuple[float, Vector]:
    """Return the integral from administration to infinity, and its derivative by each parameter.

    A term that never clears (rate 0, possible only of a nuclide that does not decay) makes it infinite.
    """
    amplitudes, rates, uptake_rate = split(shape, parameters, physical_rate)
    if (rates[amplitudes > 0] <= 0).any():
        return np.inf, np.full(parameters.shape, np.nan)
    residence = 1.0 / np.where(rates > 0, rates, np.inf)  # what has no amplitude may have no rate
    uptake = 0.0 if np.isinf(uptake_rate) else 1.0 / uptake_rate
    gradient = [residence - uptake]
    if shape is not CurveShape.PHYSICAL_DECAY:
        gradient.append(-amplitudes * residence**2)
    if shape.has_uptake:
        gradient.append(np.array([amplitudes.sum() * uptake**2]))
    return float(amplitudes @ (residence - uptake)), np.concatenate(gradient)
