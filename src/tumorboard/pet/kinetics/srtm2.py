"""The simplified reference tissue model with one k2' for all regions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.derived_parameters import derive
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.least_squares import weighted_least_squares
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.mrtm2 import require_k2_prime
from tumorboard.pet.kinetics.reference_basis import ReferenceBasis, reference_basis, require_rates
from tumorboard.pet.kinetics.reference_curve import ReferenceInterpolation
from tumorboard.pet.kinetics.separable_search import best_rate, explained_squares, nonlinear_fit

__all__ = ["SRTM2", "CoupledK2Prime", "GivenK2Prime"]

#: How many shared k2' are tried, in equal ratios, before the search between the best's neighbours.
_TRIED: Final = 41


@dataclass(frozen=True, slots=True)
class GivenK2Prime:
    """A k2' from elsewhere, taken for exact.

    Parameters
    ----------
    per_min
        > 0 [1/min].
    """

    per_min: float

    def __post_init__(self) -> None:
        require_k2_prime(self.per_min)


@dataclass(frozen=True, slots=True)
class CoupledK2Prime:
    """The k2' that fits all regions together best, each frame with the same weight in each region.

    Parameters
    ----------
    lowest_per_min, highest_per_min
        What is searched, > 0 [1/min].
    """

    lowest_per_min: float
    highest_per_min: float

    def __post_init__(self) -> None:
        require_rates("range of k2'", (self.lowest_per_min, self.highest_per_min))


@dataclass(frozen=True, slots=True, kw_only=True)
class SRTM2:
    """SRTM with a k2' that all regions share, since they share the reference [1]_.

    Parameters
    ----------
    k2_prime
        Given, or found by fitting all regions together.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    interpolation
        What the reference curve is between its frames.
    k2a_range_per_min
        Lowest and highest apparent clearance k2a = k2 / (1 + BPND) that is searched, > 0 [1/min].

    References
    ----------
    .. [1] wu2002srtm2

    Examples
    --------
    >>> SRTM2(
    ...     k2_prime=GivenK2Prime(0.1), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION,
    ...     interpolation=ReferenceInterpolation.AVERAGE_PRESERVING, k2a_range_per_min=(0.002, 1.0),
    ... ).k2_prime.per_min
    0.1
    """

    k2_prime: GivenK2Prime | CoupledK2Prime
    frame_model: FrameModel
    weighting: Weighting
    interpolation: ReferenceInterpolation
    k2a_range_per_min: tuple[float, float]

    def __post_init__(self) -> None:
        require_rates("k2a_range_per_min", self.k2a_range_per_min)

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return ``BPND``, ``R1``, ``k2``, ``k2a`` and ``k2'`` of each region.

        Parameters
        ----------
        curves
            Frames since injection.
        reference
            One region without specific binding, on the same frames.

        Returns
        -------
        tuple of KineticFit
            In the order of the regions. Errors include that of a coupled k2', and treat a given one as exact.

        Raises
        ------
        InputError
            When the frames differ, the reference has several regions, a curve never changes, or there are too
            few frames.
        """
        basis = reference_basis(
            curves, reference, self.frame_model, self.interpolation, self.k2a_range_per_min
        )
        weights, values = self.weighting.of(curves), curves.concentration_bq_ml
        coupled = isinstance(self.k2_prime, CoupledK2Prime)
        k2_prime, at_end = _shared(self.k2_prime, basis, values, weights)
        regions = [_one(basis, k2_prime, y, weights) for y in values]
        found = np.array([[r1, k2a, k2_prime] for r1, k2a, _ in regions])
        covariances, ill = _covariances(basis, found, values, weights, coupled)
        record = model_record(
            self, (curves.provenance, reference.provenance), ("wu2002srtm2", "golub1973varpro")
        )
        return tuple(
            nonlinear_fit(
                "SRTM2",
                curves,
                k,
                derive(found[k], covariances[k], _parameters.srtm2, _parameters.REFERENCE),
                _curve(basis, found[k]),
                weights,
                (3 if coupled else 2, regions[k][2] or at_end, ill),
                record,
            )
            for k in range(len(values))
        )


def _curve(basis: ReferenceBasis, c: NDArray[np.float64]) -> NDArray[np.float64]:
    curve: NDArray[np.float64] = c[0] * (basis.reference + (c[2] - c[1]) * basis.at(c[1])[0])
    return curve


def _one(
    basis: ReferenceBasis, k2_prime: float, values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float, bool]:
    """Return R1 and k2a of one curve for a k2', and whether k2a is at the end of its range."""
    rates = basis.rates_per_min
    grid = basis.reference + (k2_prime - rates)[:, None] * basis.table

    def design(rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        here, change = basis.at(rate)
        column = basis.reference + (k2_prime - rate) * here
        return column[:, None], ((k2_prime - rate) * change - here)[:, None]

    rate, at_bound = best_rate(rates, grid[..., None], design, values, weights)
    linear = weighted_least_squares(design(rate)[0], values, weights)
    return float(linear.coefficients[0]), rate, at_bound


def _shared(
    rule: GivenK2Prime | CoupledK2Prime,
    basis: ReferenceBasis,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, bool]:
    """Return k2', and whether it is at the end of its range."""
    if isinstance(rule, GivenK2Prime):
        return rule.per_min, False

    def gradient(log_k2_prime: float) -> float:
        # With R1 and k2a at their best for this k2', only its own change counts.
        k2_prime, total = math.exp(log_k2_prime), 0.0
        for y in values:
            r1, k2a, _ = _one(basis, k2_prime, y, weights)
            here = basis.at(k2a)[0]
            residual = y - r1 * (basis.reference + (k2_prime - k2a) * here)
            total -= 2.0 * k2_prime * r1 * float((weights * residual) @ here)
        return total

    tried = np.geomspace(rule.lowest_per_min, rule.highest_per_min, _TRIED)
    best = int(np.argmax([_explained(basis, k, values, weights) for k in tried]))
    low, high = tried[max(best - 2, 0)], tried[min(best + 2, _TRIED - 1)]
    below, above = gradient(math.log(low)), gradient(math.log(high))
    if below < 0.0 < above:
        return math.exp(brentq(gradient, math.log(low), math.log(high), xtol=1e-12, rtol=1e-13)), False
    return float(low if below >= 0.0 else high), True


def _explained(
    basis: ReferenceBasis, k2_prime: float, values: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return how much of all curves' squares the best tabulated k2a, and a parabola about it, explain."""
    grid = basis.reference + (k2_prime - basis.rates_per_min)[:, None] * basis.table
    squares = explained_squares(grid[..., None], values, weights)
    best = np.clip(squares.argmax(axis=1), 1, squares.shape[1] - 2)
    left, here, right = (squares[np.arange(len(values)), best + k] for k in (-1, 0, 1))
    bend = left - 2.0 * here + right
    top = np.where(bend < 0, here - (right - left) ** 2 / (8.0 * np.where(bend < 0, bend, -1.0)), here)
    return float(np.maximum(top, squares.max(axis=1)).sum())


def _covariances(
    basis: ReferenceBasis,
    found: NDArray[np.float64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    coupled: bool,
) -> tuple[NDArray[np.float64], bool]:
    """Return those of (R1, k2a, k2') of each region, shape ``(n_regions, 3, 3)``."""
    n, frames = values.shape
    covariances, blocks, residuals = np.zeros((n, 3, 3)), [], []
    for r1, k2a, k2_prime in found:
        here, change = basis.at(k2a)
        blocks.append(
            np.stack(
                [
                    basis.reference + (k2_prime - k2a) * here,
                    r1 * ((k2_prime - k2a) * change - here),
                    r1 * here,
                ],
                axis=-1,
            )
        )
    residuals = [y - _curve(basis, c) for y, c in zip(values, found, strict=True)]
    if not coupled:
        each = [weighted_least_squares(b[:, :2], r, weights) for b, r in zip(blocks, residuals, strict=True)]
        for k, one in enumerate(each):
            covariances[k, :2, :2] = one.covariance
        return covariances, any(one.ill_conditioned for one in each)
    jacobian = np.zeros((n * frames, 2 * n + 1))
    for k, block in enumerate(blocks):
        rows = slice(k * frames, (k + 1) * frames)
        jacobian[rows, 2 * k : 2 * k + 2], jacobian[rows, -1] = block[:, :2], block[:, 2]
    joint = weighted_least_squares(jacobian, np.concatenate(residuals), np.tile(weights, n))
    for k in range(n):
        own = [2 * k, 2 * k + 1, 2 * n]
        covariances[k] = joint.covariance[np.ix_(own, own)]
    return covariances, joint.ill_conditioned
