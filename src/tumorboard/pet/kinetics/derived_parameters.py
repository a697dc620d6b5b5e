"""Parameters with standard errors, from coefficients that a fit found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics.fit import FitFlag, KineticParameter

__all__ = ["derive", "parameter_flags"]

_STEP = 1e-30


def derive(
    coefficients: NDArray[np.float64],
    covariance: NDArray[np.float64],
    quantities: Callable[[NDArray[np.complex128]], Mapping[str, complex]],
    units: Mapping[str, str],
) -> dict[str, KineticParameter]:
    """Return functions of coefficients with errors to first order (the delta method).

    Derivatives are taken by a step along the imaginary axis, which loses no digits.

    Parameters
    ----------
    coefficients, covariance
        Shape ``(n,)`` and ``(n, n)``.
    quantities
        Analytic functions of the coefficients, shape ``(n,)``, by name.
    units
        By the same names.

    Returns
    -------
    dict
        In the order of ``units``; NaN where a function has no finite value.

    Examples
    --------
    >>> ratio = derive(
    ...     np.array([6.0, 2.0]), np.diag([0.36, 0.04]), lambda c: {"VT": c[0] / c[1]}, {"VT": "mL/cm3"}
    ... )
    >>> ratio["VT"].value, round(ratio["VT"].standard_error, 4)
    (3.0, 0.4243)
    """
    centre = coefficients.astype(np.complex128)
    with np.errstate(all="ignore"):
        values = quantities(centre)
        slopes: dict[str, list[float]] = {name: [] for name in units}
        for k in range(len(coefficients)):
            moved = centre.copy()
            moved[k] += 1j * _STEP
            stepped = quantities(moved)
            for name in units:
                slopes[name].append(float(np.imag(stepped[name])) / _STEP)
        found = {}
        for name, unit in units.items():
            slope = np.array(slopes[name])
            value, variance = float(np.real(values[name])), float(slope @ covariance @ slope)
            if not math.isfinite(value):
                value, variance = math.nan, math.nan
            found[name] = KineticParameter(value, math.sqrt(variance) if variance >= 0 else math.nan, unit)
    return found


def parameter_flags(parameters: Mapping[str, KineticParameter], ill_conditioned: bool) -> tuple[FitFlag, ...]:
    """Return what of a fit's parameters to beware of.

    Parameters
    ----------
    parameters
        By name.
    ill_conditioned
        Whether the fit's columns are hardly told apart.

    Examples
    --------
    >>> parameter_flags({"K1": KineticParameter(-1.0, 0.1, "mL/cm3/min")}, False)[0].name
    'NEGATIVE'
    """
    flags = []
    # A value at rounding error of 0, as of a reference region against itself, is no sign of a bad fit.
    if any(p.relative_error > 0.5 and p.standard_error > 1e-9 for p in parameters.values()):
        flags.append(FitFlag.UNCERTAIN)
    if ill_conditioned or any(math.isnan(p.value) for p in parameters.values()):
        flags.append(FitFlag.ILL_CONDITIONED)
    if any(p.value < -1e-9 for name, p in parameters.items() if name != "intercept"):
        flags.append(FitFlag.NEGATIVE)
    return tuple(flags)
