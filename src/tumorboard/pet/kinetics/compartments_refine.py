"""Nonlinear least squares between bounds, from a start that is near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Refined", "refine"]

_STEP_TOLERANCE: Final = 1e-11
#: Cosine between the residual and each column of the Jacobian below which no step would help.
_FLAT: Final = 1e-7
#: Keeps the normal equations solvable where two columns are the same.
_LEAST_DAMPING: Final = 1e-9

Residual = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """Where a search ended.

    Parameters
    ----------
    parameters
        Shape ``(n,)``.
    residual
        Shape ``(n_frames,)``.
    jacobian
        Of the residual, shape ``(n_frames, n)``.
    residual_sum
        Sum of squares.
    at_bound
        Which parameters lie on a bound that they were pushed to, shape ``(n,)``.
    converged
        Whether no step between the bounds lowers the sum any more.
    """

    parameters: NDArray[np.float64]
    residual: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    residual_sum: float
    at_bound: NDArray[np.bool_]
    converged: bool


def refine(
    model: Residual,
    start: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    *,
    most_steps: int,
    enough: float,
    negligible: float,
) -> Refined:
    """Lower a sum of squares step by step (Levenberg and Marquardt [1]_), each step cut at the bounds.

    Parameters
    ----------
    model
        From parameters to residual and Jacobian.
    start
        Shape ``(n,)``; moved between the bounds.
    lower, upper
        Shape ``(n,)``; equal where a parameter is fixed.
    most_steps
        After which the search ends without convergence.
    enough
        It has converged when two steps in turn lower the sum by a smaller part than this.
    negligible
        Or when the sum is no more than this, as of a curve that the model made.

    Returns
    -------
    Refined

    References
    ----------
    .. [1] marquardt1963leastsquares

    Examples
    --------
    >>> def line(p):
    ...     return p - np.array([3.0, -1.0]), np.eye(2)
    >>> low, high = np.zeros(2), np.full(2, 9.0)
    >>> found = refine(line, np.ones(2), low, high, most_steps=50, enough=1e-12, negligible=0.0)
    >>> found.parameters.round(9).tolist(), found.at_bound.tolist(), found.converged
    ([3.0, 0.0], [False, True], True)
    """
    x = np.clip(start, lower, upper)
    residual, jacobian = model(x)
    total, damping, small, converged = float(residual @ residual), 1e-3, 0, False
    for _ in range(most_steps):
        gradient = jacobian.T @ residual
        free = _free(x, gradient, jacobian, lower, upper)
        if not free.any() or total <= negligible:
            converged = True
            break
        stepped = _step(model, x, free, (residual, jacobian, total), (lower, upper), damping)
        if stepped is None:
            break
        moved, residual, jacobian, lowered, damping = stepped
        small = small + 1 if total - lowered <= enough * total else 0
        still = bool(np.all(np.abs(moved - x) <= _STEP_TOLERANCE * np.abs(x)))
        x, total = moved, lowered
        if still or small == 2:
            converged = True
            break
    gradient = jacobian.T @ residual
    free = _free(x, gradient, jacobian, lower, upper)
    lengths = np.linalg.norm(jacobian, axis=0) * np.sqrt(total)
    flat = bool(np.all(np.abs(gradient[free]) <= _FLAT * lengths[free]))
    at_bound = ((x <= lower) | (x >= upper)) & (upper > lower)
    return Refined(x, residual, jacobian, total, at_bound, converged or flat)


def _free(
    x: NDArray[np.float64],
    gradient: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Parameters that matter and may go where the sum falls."""
    held = ((x <= lower) & (gradient >= 0)) | ((x >= upper) & (gradient <= 0))
    free: NDArray[np.bool_] = ~held & (np.abs(jacobian).max(axis=0) > 0) & (upper > lower)
    return free


def _step(
    model: Residual,
    x: NDArray[np.float64],
    free: NDArray[np.bool_],
    now: tuple[NDArray[np.float64], NDArray[np.float64], float],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    damping: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float, float] | None:
    """Return parameters, residual, Jacobian, sum and damping after a step that lowers the sum."""
    residual, jacobian, total = now
    columns = jacobian[:, free]
    normal, gradient = columns.T @ columns, columns.T @ residual
    scale = np.diag(normal).copy()
    at_once = True
    while damping < 1e12:
        change = np.linalg.solve(normal + damping * np.diag(scale), -gradient)
        moved = x.copy()
        moved[free] = np.clip(x[free] + change, bounds[0][free], bounds[1][free])
        new_residual, new_jacobian = model(moved)
        lowered = float(new_residual @ new_residual)
        if lowered < total:
            # After a step that had to be cut the next is not tried longer, else each would fail once.
            eased = max(0.1 * damping, _LEAST_DAMPING) if at_once else damping
            return moved, new_residual, new_jacobian, lowered, eased
        at_once = False
        damping *= 10.0
    return None
