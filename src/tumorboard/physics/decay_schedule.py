"""Decay chains to which something is done: irradiation, elution, administration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics._kernels.decay_chain import transition
from tumorboard.physics.decay_chain import DecayChain

__all__ = ["ScheduleStep", "ScheduledAmounts", "scheduled_amounts"]


@dataclass(frozen=True, slots=True)
class ScheduleStep:
    """What is done at a time, and goes on until the next step.

    Parameters
    ----------
    time_s
        When [s].
    kept
        Share of members that is left in place at that time, 0 to 1; others stay whole. An elution keeps
        little of the daughter.
    added
        Atoms that come at that time, after what is not kept has gone.
    production_per_s
        Atoms that are made in a second from then on until the next step [1/s].

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> elution = ScheduleStep(86400.0, kept={"Tc-99m": 0.1})
    >>> elution.kept[Nuclide.named("99mTc")]
    0.1
    """

    time_s: float
    kept: Mapping[Nuclide | str, float] = field(default_factory=dict)
    added: Mapping[Nuclide | str, float] = field(default_factory=dict)
    production_per_s: Mapping[Nuclide | str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not math.isfinite(self.time_s):
            raise InputError(f"time_s of a step must be finite [s]; got {self.time_s!r}")
        for name, most in (("kept", 1.0), ("added", math.inf), ("production_per_s", math.inf)):
            given = getattr(self, name)
            own = {k if isinstance(k, Nuclide) else Nuclide.named(k): float(v) for k, v in given.items()}
            for nuclide, value in own.items():
                if not (math.isfinite(value) and 0 <= value <= most):
                    limit = "0 to 1" if most == 1.0 else "finite and >= 0"
                    raise InputError(f"{name} of {nuclide} must be {limit}; got {value!r}")
            object.__setattr__(self, name, own)


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledAmounts:
    """What became of a chain.

    Parameters
    ----------
    atoms
        Of each member at each time, steps of that very time done, shape ``(..., n)``.
    activity_bq
        Of the same, shape ``(..., n)`` [Bq].
    removed_atoms
        What each step took away, in order of time, shape ``(n_steps, n)``.
    """

    atoms: NDArray[np.float64]
    activity_bq: NDArray[np.float64]
    removed_atoms: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("atoms", "activity_bq", "removed_atoms"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


def scheduled_amounts(
    chain: DecayChain, steps: Sequence[ScheduleStep], time_s: ArrayLike
) -> ScheduledAmounts:
    """Return how much of each member there is at times of a schedule.

    Production is constant between steps and is integrated exactly: it is a member of the chain that does not
    decay. As for :func:`~tumorboard.physics.decay_chain.chain_amounts`, nothing cancels.

    Parameters
    ----------
    chain
        Members, half-lives, branching.
    steps
        At different times, in any order. Nothing is there before the first.
    time_s
        When amounts are wanted, shape ``(...)`` [s].

    Returns
    -------
    ScheduledAmounts
        Atoms, activities, and what steps took away.

    Raises
    ------
    InputError
        When two steps have one time, a nuclide is no member, or a time is not finite.

    Examples
    --------
    An hour's irradiation for F-18, looked at at its end and two hours later:

    >>> from tumorboard.physics.decay import DecayLibrary
    >>> from tumorboard.physics.decay_chain import decay_chain
    >>> chain = decay_chain("F-18", library=DecayLibrary.ENDF_B_VIII_1)
    >>> beam = [ScheduleStep(0.0, production_per_s={"F-18": 1e11}), ScheduleStep(3600.0)]
    >>> scheduled_amounts(chain, beam, [3600.0, 10800.0]).activity_bq[:, 0].round(-7)
    array([3.154e+10, 1.478e+10])
    """
    ordered = sorted(steps, key=lambda step: step.time_s)
    if not ordered or any(a.time_s == b.time_s for a, b in itertools.pairwise(ordered)):
        raise InputError("steps must be one or more, each at a time of its own; got none, or two at once")
    times = np.asarray(time_s, dtype=np.float64)
    if not np.isfinite(times).all():
        raise InputError("time_s must be finite [s]; got others")
    n, flat = len(chain.members), times.ravel()
    atoms, removed = np.zeros((flat.size, n)), np.zeros((len(ordered), n))
    now = np.zeros(n)
    for number, step in enumerate(ordered):
        kept, added, made = (
            _vector(chain, values, other)
            for values, other in ((step.kept, 1.0), (step.added, 0.0), (step.production_per_s, 0.0))
        )
        removed[number] = (1.0 - kept) * now
        now = kept * now + added
        end = ordered[number + 1].time_s if number + 1 < len(ordered) else math.inf
        here = np.flatnonzero((flat >= step.time_s) & (flat < end))
        spans = {flat[i] - step.time_s for i in here} | ({end - step.time_s} if end < math.inf else set())
        later = {span: _after(chain, now, made, span) for span in spans}
        for i in here:
            atoms[i] = later[flat[i] - step.time_s]
        if end < math.inf:
            now = later[end - step.time_s]
    atoms = atoms.reshape(*times.shape, n)
    return ScheduledAmounts(atoms, atoms * chain.decay_constant_per_s, removed)


def _vector(chain: DecayChain, values: Mapping[Nuclide | str, float], other: float) -> NDArray[np.float64]:
    found = np.full(len(chain.members), other)
    for nuclide, value in values.items():
        found[chain.index(nuclide)] = value
    return found


def _after(
    chain: DecayChain, atoms: NDArray[np.float64], made: NDArray[np.float64], span_s: float
) -> NDArray[np.float64]:
    """Return atoms after a span of constant production."""
    n, most = atoms.size, float(made.max()) or 1.0
    rates, constants = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    rates[1:, 1:], constants[1:] = chain.rates_per_s, chain.decay_constant_per_s
    rates[1:, 0] = made / most
    out, power, other = np.empty((3, n + 1, n + 1))
    transition(rates, constants, span_s, 0, out, power, other)
    return np.asarray(np.tril(out)[1:] @ np.concatenate([[most], atoms]))
