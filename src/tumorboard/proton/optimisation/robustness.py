"""How the values of several scenarios become one, with exact gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["RobustMethod", "Robustness", "worst_tail"]


class RobustMethod(Enum):
    """What is made small.

    ``EXPECTED``: the mean over scenarios by their probabilities. ``CVAR``: the mean of the worst part of that
    distribution. ``COMPOSITE_WORST``: the largest sum of the robust objectives among scenarios.
    ``OBJECTIVE_WORST``: the sum of each objective's largest value, each in a scenario of its own.
    ``VOXEL_WORST``: the objectives of a dose made of each voxel's worst: the lowest of all scenarios for
    objectives that want more, the highest for those that want less, both for a deviation.
    """

    EXPECTED = "expected"
    CVAR = "cvar"
    COMPOSITE_WORST = "composite_worst"
    OBJECTIVE_WORST = "objective_worst"
    VOXEL_WORST = "voxel_worst"


@dataclass(frozen=True)
class Robustness:
    """A robust method with its parameters.

    Parameters
    ----------
    method
        What is made small.
    tail
        Share of the probability that is the worst part, > 0 to 1; of ``CVAR``, and only needed there.
    smoothing
        How near to the worst a scenario must be to count, as a share of the mean over scenarios, > 0. The
        worst value is a kink where two scenarios are equally bad, which is where robust plans end;
        gradient methods need it rounded. What is made small is at most ``smoothing / 2`` of the mean below
        the true worst.
    """

    method: RobustMethod
    tail: float | None = None
    smoothing: float = 0.02

    def __post_init__(self) -> None:
        if self.method is RobustMethod.CVAR and (self.tail is None or not 0 < self.tail <= 1):
            raise InputError(f"tail must be > 0 and <= 1 for CVAR; got {self.tail!r}")
        if self.method is not RobustMethod.CVAR and self.tail is not None:
            raise InputError(f"tail must be given for CVAR only; got {self.tail!r} for {self.method.value}")
        if not (math.isfinite(self.smoothing) and self.smoothing > 0):
            raise InputError(f"smoothing must be > 0; got {self.smoothing!r}")

    def combine(
        self, values: NDArray[np.float64], probabilities: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return one value for those of the scenarios, and its derivative by each, shape ``(n_scenarios,)``.

        Parameters
        ----------
        values
            One per scenario, >= 0, shape ``(n_scenarios,)``.
        probabilities
            Of the scenarios, sum 1, shape ``(n_scenarios,)``.
        """
        if self.method is RobustMethod.EXPECTED:
            return float(probabilities @ values), probabilities
        if self.method is RobustMethod.CVAR and self.tail is not None:
            return worst_tail(values, probabilities, probabilities / self.tail, self.smoothing)
        return worst_tail(values, probabilities, np.ones_like(values), self.smoothing)


def worst_tail(
    values: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    caps: NDArray[np.float64],
    smoothing: float,
) -> tuple[float, NDArray[np.float64]]:
    """Return the smoothed largest mean of values by weights that are at most ``caps``, and its gradient.

    ``max over q of sum(q values) - smoothing / 2 * mean * sum((q - p)**2)`` with ``0 <= q <= caps`` and
    ``sum(q) = 1``, where ``p`` are the probabilities and ``mean = sum(p values)``. With caps of 1 it is the
    worst value, with caps of ``p / tail`` the conditional value at risk [rockafellar2000optimization], each
    rounded [nesterov2005smooth]. It scales with the values.

    Parameters
    ----------
    values
        One per scenario, >= 0, shape ``(n_scenarios,)``.
    probabilities
        Sum 1, shape ``(n_scenarios,)``.
    caps
        Sum at least 1, shape ``(n_scenarios,)``.
    smoothing
        > 0.

    Returns
    -------
    tuple
        The value, and its gradient of shape ``(n_scenarios,)``.
    """
    mean = float(probabilities @ values)
    strength = smoothing * mean
    if strength <= 0.0:
        return 0.0, probabilities
    # q = clip(p + (values - t) / strength, 0, caps) with t such that q sums to 1, which falls with t.
    target = probabilities + values / strength
    knots = np.sort(np.concatenate([target - caps, target]))
    sums = np.array([np.clip(target - k, 0.0, caps).sum() for k in knots])
    after = int(np.searchsorted(-sums, -1.0))
    after = min(max(after, 1), len(knots) - 1)
    low, high, above, below = knots[after - 1], knots[after], sums[after - 1], sums[after]
    t = low if above == below else low + (high - low) * (above - 1.0) / (above - below)
    q = np.clip(target - t, 0.0, caps)
    spread = float(((q - probabilities) ** 2).sum())
    value = float(q @ values) - 0.5 * strength * spread
    return value, q - 0.5 * smoothing * spread * probabilities
