"""The best rate of models whose other parameters are linear (variable projection)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.derived_parameters import parameter_flags
from tumorboard.pet.kinetics.fit import FitFlag, KineticFit, KineticParameter
from tumorboard.pet.kinetics.least_squares import corrected_akaike, weighted_least_squares
from tumorboard.provenance import Record

__all__ = ["best_rate", "explained_squares", "nonlinear_fit"]


def explained_squares(
    designs: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much of the curves' weighted squares each of many small designs explains.

    Parameters
    ----------
    designs
        Shape ``(n_designs, n_frames, n_columns)``, n_columns 1 or 2.
    values
        Shape ``(n_curves, n_frames)``.
    weights
        Shape ``(n_frames,)``, >= 0.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_curves, n_designs)``.

    Examples
    --------
    >>> explained_squares(np.array([[[1.0], [1.0]]]), np.array([[1.0, 3.0]]), np.ones(2)).round(9).tolist()
    [[8.0]]
    """
    root = np.sqrt(weights)
    y = values * root
    first = designs[..., 0] * root
    first = first / np.maximum(np.linalg.norm(first, axis=-1, keepdims=True), 1e-300)
    explained: NDArray[np.float64] = (y @ first.T) ** 2
    if designs.shape[-1] == 2:
        # The second column without its part along the first.
        second = designs[..., 1] * root
        second = second - (second * first).sum(axis=-1, keepdims=True) * first
        second = second / np.maximum(np.linalg.norm(second, axis=-1, keepdims=True), 1e-300)
        explained = explained + (y @ second.T) ** 2
    return explained


def best_rate(
    rates: NDArray[np.float64],
    grid: NDArray[np.float64],
    design: Callable[[float], tuple[NDArray[np.float64], NDArray[np.float64]]],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, bool]:
    """Return the rate of the least weighted sum of squares, and whether it is at the end of the range [1]_.

    Parameters
    ----------
    rates, grid
        Ascending rates, shape ``(n_rates,)``, and designs there, shape ``(n_rates, n_frames, n_columns)``.
    design
        The design and its derivative at any rate, each of shape ``(n_frames, n_columns)``.
    values, weights
        Shape ``(n_frames,)``.

    Returns
    -------
    tuple
        The rate, to ten digits, not bound to the grid.

    References
    ----------
    .. [1] golub1973varpro

    Examples
    --------
    >>> t, rates = np.arange(9.0), np.geomspace(0.1, 1.0, 9)
    >>> def design(k):
    ...     column = np.exp(-k * t)[:, None]
    ...     return column, -t[:, None] * column
    >>> rate, _ = best_rate(
    ...     rates, np.stack([design(k)[0] for k in rates]), design, 5.0 * np.exp(-0.3 * t), np.ones(9)
    ... )
    >>> round(rate, 9)
    0.3
    """
    best = int(explained_squares(grid, values[None], weights)[0].argmax())
    low, high = rates[max(best - 1, 0)], rates[min(best + 1, len(rates) - 1)]

    def gradient(log_rate: float) -> float:
        rate = math.exp(log_rate)
        columns, slope = design(rate)
        found = weighted_least_squares(columns, values, weights)
        residual = weights * (values - found.fitted)
        # At the best linear coefficients only the design's own change counts.
        return -2.0 * rate * float(residual @ (slope @ found.coefficients))

    below, above = gradient(math.log(low)), gradient(math.log(high))
    if below < 0.0 < above:
        return math.exp(brentq(gradient, math.log(low), math.log(high), xtol=1e-11, rtol=1e-11)), False
    # The gradient keeps its sign: the least sum is at an end, or a curve that no rate explains is flat.
    return float(low if below >= 0.0 else high), True


def nonlinear_fit(
    model: str,
    curves: TissueCurves,
    region: int,
    parameters: Mapping[str, KineticParameter],
    fitted: NDArray[np.float64],
    weights: NDArray[np.float64],
    search: tuple[int, bool, bool],
    provenance: Record,
) -> KineticFit:
    """Return a fit of a whole curve with its residuals, criterion and flags.

    Parameters
    ----------
    model
        Its name.
    curves, region
        What was measured, and the index of the region.
    parameters
        By name.
    fitted
        Shape ``(n_frames,)`` [Bq/mL].
    weights
        Of the fit, shape ``(n_frames,)``.
    search
        The number of free parameters, whether one is at a bound, whether two are hardly told apart.
    provenance
        Of the fit.

    Returns
    -------
    KineticFit
    """
    n_parameters, at_bound, ill_conditioned = search
    measured = curves.concentration_bq_ml[region]
    residual_sum = float(weights @ (measured - fitted) ** 2)
    flags = parameter_flags(parameters, ill_conditioned)
    return KineticFit(
        model=model,
        region=curves.regions[region],
        parameters=parameters,
        mid_s=curves.mid_s,
        measured_bq_ml=measured,
        fitted_bq_ml=fitted,
        weights=weights,
        residual_sum=residual_sum,
        n_parameters=n_parameters,
        aicc=corrected_akaike(residual_sum, int((weights > 0).sum()), n_parameters),
        flags=(*flags, FitFlag.AT_BOUND) if at_bound else flags,
        plot=None,
        provenance=provenance,
    )
