"""Errors of setup and range that a plan should withstand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tumorboard.errors import InputError
from tumorboard.proton.influence import DoseInfluence

__all__ = ["Scenario", "random_scenarios", "scenario_influences", "scenario_set"]


@dataclass(frozen=True)
class Scenario:
    """One error, the same in all fractions.

    Parameters
    ----------
    name
        For tables.
    setup_shift_mm
        How far the patient lies from the planned place, in patient directions (x, y, z) [mm]. Seen from the
        patient the isocentre moves the other way: see :meth:`isocentre_mm`.
    range_scale
        Factor of the patient's relative stopping power, > 0; above 1 protons stop earlier.
    """

    name: str
    setup_shift_mm: tuple[float, float, float]
    range_scale: float

    def __post_init__(self) -> None:
        shift = tuple(float(v) for v in self.setup_shift_mm)
        if len(shift) != 3 or not all(map(math.isfinite, shift)):
            raise InputError(
                f"setup_shift_mm of {self.name!r} must be three finite numbers [mm]; got {shift}"
            )
        if not 0.5 < self.range_scale < 2.0:
            raise InputError(
                f"range_scale of {self.name!r} must be a factor between 0.5 and 2; got {self.range_scale!r}; "
                "an error of 3.5 % is 1.035"
            )
        object.__setattr__(self, "setup_shift_mm", shift)

    @property
    def is_nominal(self) -> bool:
        """Whether there is no error."""
        return not any(self.setup_shift_mm) and self.range_scale == 1.0

    def isocentre_mm(self, planned_mm: Sequence[float]) -> tuple[float, float, float]:
        """Return where the isocentre is in the shifted patient (x, y, z) [mm].

        Parameters
        ----------
        planned_mm
            Where it was planned (x, y, z) [mm].
        """
        x, y, z = (float(p) - s for p, s in zip(planned_mm, self.setup_shift_mm, strict=True))
        return x, y, z


def scenario_set(*, setup_mm: float, range_percent: float) -> tuple[Scenario, ...]:
    """Return the nominal scenario, one shift each way along each axis, and both range errors: 9 in all.

    Parameters
    ----------
    setup_mm
        Length of the shifts, >= 0; with 0 there are none [mm].
    range_percent
        Change of the relative stopping power, >= 0; with 0 there is none [%].

    Examples
    --------
    >>> [s.name for s in scenario_set(setup_mm=5, range_percent=3.5)][:3]
    ['nominal', 'x +5 mm', 'x -5 mm']
    """
    if not 0 <= setup_mm < math.inf or not 0 <= range_percent < 50:
        raise InputError(
            f"setup_mm must be >= 0 [mm] and range_percent >= 0 and < 50 [%]; "
            f"got {setup_mm!r} and {range_percent!r}"
        )
    found = [Scenario("nominal", (0.0, 0.0, 0.0), 1.0)]
    if setup_mm:
        for i, axis in enumerate("xyz"):
            for sign in (1.0, -1.0):
                shift = [0.0, 0.0, 0.0]
                shift[i] = sign * setup_mm
                found.append(Scenario(f"{axis} {sign * setup_mm:+g} mm", (shift[0], shift[1], shift[2]), 1.0))
    if range_percent:
        for sign in (1.0, -1.0):
            change = sign * range_percent
            found.append(Scenario(f"range {change:+g} %", (0.0, 0.0, 0.0), 1.0 + change / 100.0))
    return tuple(found)


def random_scenarios(
    n: int, *, setup_sd_mm: float, range_sd_percent: float, seed: int
) -> tuple[Scenario, ...]:
    """Return the nominal scenario and ``n`` with normally distributed errors.

    Parameters
    ----------
    n
        >= 1.
    setup_sd_mm
        Standard deviation of the shift along each axis, >= 0 [mm].
    range_sd_percent
        Standard deviation of the change of relative stopping power, >= 0 [%].
    seed
        Of the random numbers: the same seed gives the same scenarios.
    """
    if n < 1 or setup_sd_mm < 0 or range_sd_percent < 0:
        raise InputError(
            f"n must be >= 1, setup_sd_mm and range_sd_percent >= 0 [mm, %]; "
            f"got {n!r}, {setup_sd_mm!r}, {range_sd_percent!r}"
        )
    draws = np.random.default_rng(seed).standard_normal((n, 4))
    found = [Scenario("nominal", (0.0, 0.0, 0.0), 1.0)]
    for i, (x, y, z, r) in enumerate(draws, 1):
        shift = (setup_sd_mm * x, setup_sd_mm * y, setup_sd_mm * z)
        found.append(Scenario(f"random {i}", shift, 1.0 + range_sd_percent / 100.0 * r))
    return tuple(found)


def scenario_influences(
    scenarios: Sequence[Scenario], influence_of: Callable[[Scenario], DoseInfluence]
) -> Iterator[DoseInfluence]:
    """Yield the dose influence of each scenario, one at a time, the nominal one first.

    Parameters
    ----------
    scenarios
        The first is the nominal one.
    influence_of
        Calculates one, with the isocentres of :meth:`Scenario.isocentre_mm` and relative stopping powers
        times ``range_scale``; the spots stay the same.

    Raises
    ------
    InputError
        When the first scenario is not the nominal one.
    """
    if not scenarios or not scenarios[0].is_nominal:
        raise InputError(
            f"scenarios must begin with the nominal one; got {[s.name for s in scenarios][:1] or 'none'}"
        )
    for scenario in scenarios:
        yield influence_of(scenario)
