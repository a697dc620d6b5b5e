"""One region's curve against compartments: the residual, the starts, the best fit and its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.pet.kinetics.compartments_rates import exponentials, rates_of
from tumorboard.pet.kinetics.compartments_refine import Refined, Residual, refine
from tumorboard.pet.kinetics.compartments_response import FrameResponse
from tumorboard.pet.kinetics.compartments_search import best_pairs, best_singles

__all__ = ["RegionProblem", "covariance_of", "fit_region"]

Response = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]

#: Every second rate of the table is near enough for a start.
_STRIDE: Final = 2
_STARTS: Final = 4
_BLOOD_LEVELS: Final = 3
_MOST_STEPS: Final = 200
#: Part of the curve's own sum of squares that is left by rounding alone.
_ROUNDING: Final = 1e-24


@dataclass(frozen=True, slots=True, eq=False)
class RegionProblem:
    """What is fitted: a curve, and where its parameters may lie.

    Parameters are K1, k2 [, k3, k4], and the blood volume last; a fixed one has equal bounds.

    Parameters
    ----------
    curve_bq_ml
        Shape ``(n_frames,)`` [Bq/mL].
    weights
        Shape ``(n_frames,)``.
    table
        Of the scan.
    exact
        From rates [1/s] to basis and derivative without a table's error.
    lower, upper
        Shape ``(3,)`` for one tissue compartment, ``(5,)`` for two [1/s].
    """

    curve_bq_ml: NDArray[np.float64]
    weights: NDArray[np.float64]
    table: FrameResponse
    exact: Response
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @property
    def two(self) -> bool:
        """Whether there are two tissue compartments."""
        return len(self.lower) == 5

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which parameters are searched, shape ``(n,)``."""
        found: NDArray[np.bool_] = self.upper > self.lower
        return found

    def modelled(
        self, x: NDArray[np.float64], response: Response
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the curve, shape ``(n_frames,)``, and its Jacobian, ``(n_frames, n)`` [Bq/mL]."""
        seen, share = self.table.whole_blood_bq_ml, x[-1]
        tissue, change = _tissue(x[:-1], response)
        jacobian = np.empty((len(seen), len(x)))
        jacobian[:, :-1] = (1.0 - share) * change.T
        jacobian[:, -1] = seen - tissue
        return (1.0 - share) * tissue + share * seen, jacobian

    def residual(self, response: Response) -> Residual:
        """Return the function from parameters to weighted residual and Jacobian."""
        root = np.sqrt(self.weights)

        def weighted(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            curve, jacobian = self.modelled(x, response)
            return (curve - self.curve_bq_ml) * root, jacobian * root[:, None]

        return weighted

    def starts(self) -> list[NDArray[np.float64]]:
        """Return parameters, shape ``(n,)`` each: the table's lowest places, and the lowest within bounds."""
        low, high = float(self.lower[-1]), float(self.upper[-1])
        levels = np.linspace(low, high, _BLOOD_LEVELS) if high > low else np.array([low])
        found: list[tuple[float, NDArray[np.float64]]] = []
        inside: list[tuple[float, NDArray[np.float64]]] = []
        for share in levels:
            target = (self.curve_bq_ml - share * self.table.whole_blood_bq_ml) / (1.0 - share)
            parameters, left = self._landscape(target)
            left = left * (1.0 - share) ** 2
            x = np.concatenate([parameters, np.full((*left.shape, 1), share)], axis=-1)
            hollow = np.flatnonzero(_hollows(left))
            order = hollow[np.argsort(left.ravel()[hollow], kind="stable")][:_STARTS]
            flat = x.reshape(-1, x.shape[-1])
            found += [(float(left.ravel()[k]), flat[k]) for k in order]
            allowed = left.ravel().copy()
            for column, lower, upper in zip(flat.T, self.lower, self.upper, strict=True):
                allowed[(column < lower) | (column > upper)] = np.inf
            best = int(np.argmin(allowed))
            if np.isfinite(allowed[best]):
                inside.append((float(allowed[best]), flat[best]))
        found.sort(key=lambda pair: pair[0])
        inside.sort(key=lambda pair: pair[0])
        return [x for _, x in found[:_STARTS] + inside[:1]]

    def _landscape(self, target: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return rates (..., 2 or 4) and residual sums (...) with amplitudes best for each rate or pair."""
        rates, basis = self.table.rates_per_s[::_STRIDE], self.table.basis[::_STRIDE]
        if not self.two:
            amplitudes, left = best_singles(basis, target, self.weights)
            return np.stack([amplitudes, rates], axis=-1), left
        amplitudes, left = best_pairs(basis, target, self.weights)
        exponents = np.stack(np.meshgrid(rates, rates, indexing="ij"), axis=-1)
        nothing = amplitudes[..., 0] + amplitudes[..., 1] <= 0
        amplitudes[nothing] = 1e-12
        exponents[np.triu_indices(len(rates))] = (1.0, 0.0)
        if self.upper[3] == 0.0:
            left[:, 1:] = np.inf
        return rates_of(amplitudes, exponents), left


def _tissue(
    rates: NDArray[np.float64], response: Response
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tissue without blood, shape ``(n_frames,)``, and its derivatives by the rates."""
    if len(rates) == 2:
        basis, slope = response(rates[1:])
        return rates[0] * basis[0], np.stack([basis[0], rates[0] * slope[0]])
    amplitudes, exponents, d_amplitudes, d_exponents = exponentials(rates)
    basis, slope = response(exponents)
    change = d_amplitudes.T @ basis + d_exponents.T @ (amplitudes[:, None] * slope)
    return amplitudes @ basis, change


def _hollows(left: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Places no higher than any neighbour, diagonal ones too."""
    padded = np.pad(left, 1, constant_values=np.inf)
    found = np.isfinite(left)
    for shift in np.ndindex(*(3,) * left.ndim):
        window = tuple(slice(s, s + n) for s, n in zip(shift, left.shape, strict=True))
        found &= left <= padded[window]
    return found


def fit_region(problem: RegionProblem) -> Refined:
    """Return the best fit from every start: first with the table, then without its error.

    Two exponentials are refined as such first, where the valley is straighter than along the rates. Only if
    that ends outside the bounds of the rates, all starts are followed between them.

    Parameters
    ----------
    problem
        The curve and its bounds.

    Returns
    -------
    Refined
    """
    starts = problem.starts()
    if problem.two:
        followed = sorted((_follow(problem, start) for start in starts), key=lambda pair: pair[0])
        best = followed[0][1]
        if ((best >= problem.lower) & (best <= problem.upper)).all():
            return _refined(problem, problem.exact, best, 1e-12)
        starts = [x for _, x in followed] + starts
    tries = [_refined(problem, problem.table.at, start, 1e-9) for start in starts]
    lowest = min(tries, key=lambda r: r.residual_sum)
    return _refined(problem, problem.exact, lowest.parameters, 1e-12)


def _refined(
    problem: RegionProblem, response: Response, start: NDArray[np.float64], enough: float
) -> Refined:
    return refine(
        problem.residual(response),
        start,
        problem.lower,
        problem.upper,
        most_steps=_MOST_STEPS,
        enough=enough,
        negligible=_ROUNDING * float(problem.weights @ problem.curve_bq_ml**2),
    )


def _follow(problem: RegionProblem, start: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Refine amplitudes and exponents >= 0, and return what they leave and the rates that they are."""
    root, seen = np.sqrt(problem.weights), problem.table.whole_blood_bq_ml

    def weighted(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        basis, slope = problem.table.at(x[2:4])
        tissue, share = x[:2] @ basis, x[4]
        columns = np.vstack([basis, x[:2, None] * slope, (seen - tissue) / (1.0 - share)])
        modelled = (1.0 - share) * tissue + share * seen
        return (modelled - problem.curve_bq_ml) * root, (1.0 - share) * columns.T * root[:, None]

    fastest = float(problem.table.rates_per_s[-1])
    slow_limit = fastest if problem.upper[3] > 0.0 else 0.0
    lower = np.array([0.0, 0.0, 0.0, 0.0, problem.lower[4]])
    upper = np.array([np.inf, np.inf, fastest, slow_limit, problem.upper[4]])
    amplitudes, exponents, _, _ = exponentials(start[:4])
    x = np.concatenate([amplitudes, exponents, start[4:]])
    negligible = _ROUNDING * float(problem.weights @ problem.curve_bq_ml**2)
    found = refine(weighted, x, lower, upper, most_steps=_MOST_STEPS, enough=1e-9, negligible=negligible)
    order = np.argsort(-found.parameters[2:4], kind="stable")
    amplitudes, exponents = found.parameters[:2][order], found.parameters[2:4][order]
    if not (amplitudes.sum() > 0 and exponents[0] > 0):
        return math.inf, start
    return found.residual_sum, np.append(rates_of(amplitudes, exponents), found.parameters[4])


def covariance_of(found: Refined, free: NDArray[np.bool_], n_used: int) -> tuple[NDArray[np.float64], float]:
    """Return the parameters' covariance to first order, and the condition number it rests on.

    From the residuals' variance and the whole Jacobian: a parameter at its bound counts as free, so that
    the error says what the curve tells, not what the bound does.

    Parameters
    ----------
    found
        A fit.
    free
        Which parameters are searched, shape ``(n,)``.
    n_used
        Frames of weight > 0.

    Returns
    -------
    tuple
        Covariance, shape ``(n, n)``, 0 where fixed, NaN without a degree of freedom; and the ratio of the
        largest to the smallest singular value of columns scaled to length 1.
    """
    n_free = int(free.sum())
    columns = found.jacobian[:, free]
    lengths = np.linalg.norm(columns, axis=0)
    lengths[lengths == 0] = np.finfo(float).tiny ** 0.25
    _, singular, vt = np.linalg.svd(columns / lengths, full_matrices=False)
    floor = singular[0] * 1e-12
    spread = (vt.T / np.maximum(singular, floor)) / lengths[:, None]
    variance = found.residual_sum / (n_used - n_free) if n_used > n_free else math.nan
    covariance = np.zeros((len(free), len(free)))
    covariance[np.ix_(free, free)] = variance * (spread @ spread.T)
    return covariance, float(singular[0] / max(float(singular[-1]), floor))
