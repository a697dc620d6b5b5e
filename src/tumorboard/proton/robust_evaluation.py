"""How a plan's dose changes over scenarios: bands of dose-volume histograms, pass rates of goals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.proton.optimisation.structure_voxels import StructureVoxels
from tumorboard.proton.robust_scenarios import Scenario

__all__ = ["DoseGoal", "DvhBand", "GoalMetric", "RobustEvaluation", "evaluate_robust"]


class GoalMetric(Enum):
    """What a goal is about: ``DOSE_AT_VOLUME`` is D95, ``VOLUME_AT_DOSE`` V20Gy."""

    DOSE_AT_VOLUME = "dose_at_volume"
    VOLUME_AT_DOSE = "volume_at_dose"
    MEAN = "mean"


@dataclass(frozen=True)
class DoseGoal:
    """A clinical goal.

    Parameters
    ----------
    structure
        Name of the structure.
    metric
        What is measured.
    at
        Volume [%] of ``DOSE_AT_VOLUME``, dose [Gy] of ``VOLUME_AT_DOSE``, ``None`` of ``MEAN``.
    lower
        Wanted at least, in Gy or, of ``VOLUME_AT_DOSE``, in percent; or ``None``.
    upper
        Wanted at most.
    """

    structure: str
    metric: GoalMetric
    at: float | None = None
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if (self.metric is GoalMetric.MEAN) != (self.at is None):
            raise InputError(
                f"at of the goal of {self.structure!r} must be given unless it is a mean; got {self.at!r}"
            )
        if self.metric is GoalMetric.DOSE_AT_VOLUME and self.at is not None and not 0 <= self.at <= 100:
            raise InputError(f"at of the goal of {self.structure!r} must be 0 to 100 [%]; got {self.at!r}")
        if self.lower is None and self.upper is None:
            raise InputError(f"the goal of {self.structure!r} must have lower or upper; got neither")

    @property
    def label(self) -> str:
        """For tables, e.g. ``"PTV D95 >= 57 Gy"``."""
        name, unit = {
            GoalMetric.DOSE_AT_VOLUME: (f"D{self.at or 0:g}", "Gy"),
            GoalMetric.VOLUME_AT_DOSE: (f"V{self.at or 0:g}Gy", "%"),
            GoalMetric.MEAN: ("mean", "Gy"),
        }[self.metric]
        bounds = [f">= {self.lower:g} {unit}"] if self.lower is not None else []
        bounds += [f"<= {self.upper:g} {unit}"] if self.upper is not None else []
        return f"{self.structure} {name} {' and '.join(bounds)}"


@dataclass(frozen=True, slots=True, eq=False)
class DvhBand:
    """Cumulative dose-volume histograms over scenarios.

    Parameters
    ----------
    dose_gy
        Ascending, shape ``(n_doses,)`` [Gy].
    nominal_percent
        Volume with that dose or more in the nominal scenario, shape ``(n_doses,)`` [%].
    lowest_percent
        The lowest of all scenarios, shape ``(n_doses,)`` [%].
    highest_percent
        The highest of all scenarios, shape ``(n_doses,)`` [%].
    """

    dose_gy: NDArray[np.float64]
    nominal_percent: NDArray[np.float64]
    lowest_percent: NDArray[np.float64]
    highest_percent: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RobustEvaluation:
    """Dose of structures in scenarios, the nominal one first.

    Parameters
    ----------
    scenarios
        Their order is that of the doses.
    structures
        By name.
    doses_gy
        Of each structure's voxels, shape ``(n_scenarios, n_voxels)`` each [Gy].
    """

    scenarios: tuple[Scenario, ...]
    structures: Mapping[str, StructureVoxels]
    doses_gy: Mapping[str, NDArray[np.float32]]

    def dvh(self, structure: str, dose_gy: ArrayLike) -> NDArray[np.float64]:
        """Return the volume with a dose or more [%], shape ``(n_scenarios, n_doses)``.

        Parameters
        ----------
        structure
            Name of the structure.
        dose_gy
            Shape ``(n_doses,)`` [Gy].
        """
        weights = self._known(structure).volume_weights
        at = np.asarray(dose_gy, dtype=np.float64)
        found = np.empty((len(self.scenarios), len(at)))
        for row, dose in zip(found, self.doses_gy[structure], strict=True):
            order = np.argsort(dose)
            above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
            row[:] = 100.0 * above[np.searchsorted(dose[order], at)]
        return found

    def dvh_band(self, structure: str, dose_gy: ArrayLike) -> DvhBand:
        """Return the band of the histograms of all scenarios.

        Parameters
        ----------
        structure
            Name of the structure.
        dose_gy
            Where, ascending, shape ``(n_doses,)`` [Gy].
        """
        found = self.dvh(structure, dose_gy)
        return DvhBand(
            read_only(dose_gy, np.float64),
            read_only(found[0]),
            read_only(found.min(axis=0)),
            read_only(found.max(axis=0)),
        )

    def values(self, goal: DoseGoal) -> NDArray[np.float64]:
        """Return the goal's metric in each scenario, in Gy or %, shape ``(n_scenarios,)``.

        Parameters
        ----------
        goal
            Which metric of which structure.
        """
        weights = self._known(goal.structure).volume_weights
        doses = self.doses_gy[goal.structure].astype(np.float64)
        if goal.at is None:
            mean: NDArray[np.float64] = doses @ weights
            return mean
        if goal.metric is GoalMetric.VOLUME_AT_DOSE:
            return self.dvh(goal.structure, [goal.at])[:, 0]
        return np.array([_dose_at_volume(dose, weights, goal.at) for dose in doses])

    def passes(self, goal: DoseGoal) -> NDArray[np.bool_]:
        """Return in which scenarios the goal is met, shape ``(n_scenarios,)``.

        Parameters
        ----------
        goal
            Which one.
        """
        values = self.values(goal)
        met = np.ones(len(values), dtype=bool)
        if goal.lower is not None:
            met &= values >= goal.lower
        if goal.upper is not None:
            met &= values <= goal.upper
        return met

    def pass_rate_percent(self, goal: DoseGoal) -> float:
        """Return the share of scenarios in which the goal is met [%].

        Parameters
        ----------
        goal
            Which one.
        """
        return float(100.0 * self.passes(goal).mean())

    def _known(self, structure: str) -> StructureVoxels:
        if structure not in self.structures:
            raise InputError(f"structure must be one of {', '.join(self.structures)}; got {structure!r}")
        return self.structures[structure]


def evaluate_robust(
    doses_gy: Iterable[ArrayLike],
    scenarios: Sequence[Scenario],
    structures: Sequence[StructureVoxels],
) -> RobustEvaluation:
    """Return the dose of each structure in each scenario.

    Parameters
    ----------
    doses_gy
        Dose of each scenario on the whole dose grid, shape ``(n_z, n_y, n_x)`` or flat; used one after the
        other and not kept [Gy].
    scenarios
        As many, the nominal one first.
    structures
        Which ones.

    Raises
    ------
    InputError
        When doses and scenarios are not as many, or the first is not the nominal one.
    """
    scenarios = tuple(scenarios)
    if not scenarios or not scenarios[0].is_nominal:
        raise InputError("scenarios must begin with the nominal one; got none of it")
    kept = {s.name: np.empty((len(scenarios), len(s.voxels)), dtype=np.float32) for s in structures}
    n = 0
    for dose in doses_gy:
        if n < len(scenarios):
            flat = np.asarray(dose).ravel()
            for s in structures:
                kept[s.name][n] = flat[s.voxels]
        n += 1
    if n != len(scenarios):
        raise InputError(f"doses_gy must be as many as the scenarios ({len(scenarios)}); got {n}")
    return RobustEvaluation(
        scenarios,
        MappingProxyType({s.name: s for s in structures}),
        MappingProxyType({name: read_only(values) for name, values in kept.items()}),
    )


def _dose_at_volume(dose: NDArray[np.float64], weights: NDArray[np.float64], percent: float) -> float:
    """Return the dose that the hottest ``percent`` has at least, between voxels by their volume."""
    order = np.argsort(-dose, kind="stable")
    middle = 100.0 * (np.cumsum(weights[order]) - 0.5 * weights[order])
    return float(np.interp(percent, middle, dose[order]))
