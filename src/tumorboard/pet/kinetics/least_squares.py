"""Weighted straight fits of few parameters, with their uncertainty, and the criterion to compare fits by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["ILL_CONDITIONED", "LinearFit", "corrected_akaike", "weighted_least_squares"]

#: Condition number, of columns scaled to length 1, above which two columns are taken for the same.
ILL_CONDITIONED: Final = 1e7


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """A weighted least-squares solution.

    Parameters
    ----------
    coefficients
        Shape ``(n_columns,)``.
    covariance
        Scaled by the residuals' variance, shape ``(n_columns, n_columns)``; NaN without a degree of freedom.
    fitted
        Design times coefficients, at every row, shape ``(n_rows,)``.
    residual_sum
        Sum of weight times squared residual.
    n_used
        Rows of weight > 0.
    ill_conditioned
        Whether columns are hardly told apart.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    fitted: NDArray[np.float64]
    residual_sum: float
    n_used: int
    ill_conditioned: bool


def weighted_least_squares(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> LinearFit:
    """Minimise the weighted sum of squared residuals.

    Parameters
    ----------
    design
        Shape ``(n_rows, n_columns)``.
    values, weights
        Shape ``(n_rows,)``; rows of weight 0 do not count.

    Returns
    -------
    LinearFit

    Raises
    ------
    InputError
        When fewer rows than columns have a weight.

    Examples
    --------
    >>> import numpy as np
    >>> design = np.c_[np.arange(3.0), np.ones(3)]
    >>> line = weighted_least_squares(design, np.array([1.0, 3.0, 5.0]), np.ones(3))
    >>> line.coefficients.round(12).tolist()
    [2.0, 1.0]
    """
    used = weights > 0
    n, p = int(used.sum()), design.shape[1]
    if n < p:
        raise InputError(f"frames of weight > 0 must be at least {p} to fit {p} parameters; got {n}")
    root = np.sqrt(weights[used])
    rows = design[used] * root[:, None]
    lengths = np.linalg.norm(rows, axis=0)
    lengths[lengths == 0] = 1.0
    u, singular, vt = np.linalg.svd(rows / lengths, full_matrices=False)
    smallest = singular[-1] if singular.size else 0.0
    ill = bool(smallest <= singular[0] / ILL_CONDITIONED)
    inverse = np.where(singular > singular[0] * 1e-14, 1.0 / np.maximum(singular, 1e-300), 0.0)
    coefficients = (vt.T * inverse) @ (u.T @ (values[used] * root)) / lengths
    fitted = design @ coefficients
    residual_sum = float(weights[used] @ (values[used] - fitted[used]) ** 2)
    variance = residual_sum / (n - p) if n > p else math.nan
    spread = (vt.T * inverse) / lengths[:, None]
    return LinearFit(coefficients, variance * (spread @ spread.T), fitted, residual_sum, n, ill)


def corrected_akaike(residual_sum: float, n_used: int, n_parameters: int) -> float:
    """Return Akaike's criterion for small samples, from a sum of weighted squares [1]_.

    The variance counts as one more parameter.

    Parameters
    ----------
    residual_sum
        Sum of weight times squared residual, >= 0; weights of the models compared must be the same.
    n_used
        Frames of weight > 0.
    n_parameters
        Free ones of the model.

    Returns
    -------
    float
        NaN where there are too few frames, minus infinity for a fit without residuals.

    References
    ----------
    .. [1] hurvich1989aicc

    Examples
    --------
    >>> round(corrected_akaike(1.0, 20, 2), 3)
    -52.415
    """
    k = n_parameters + 1
    if n_used - k - 1 <= 0:
        return math.nan
    if residual_sum <= 0.0:
        return -math.inf
    return n_used * math.log(residual_sum / n_used) + 2.0 * k * n_used / (n_used - k - 1)
