"""Two groups of people, region by region: by how much they differ, and how sure that is.

A linear model of the group and the covariates is fitted to each region by least squares (analysis of
covariance); the group's coefficient over its standard error follows Student's t exactly where residuals are
normal and alike in both groups. Where they may not be, residuals under the covariates alone are permuted
[1]_.

References
----------
.. [1] freedman1983permutation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.outcomes.effect_size import EffectSize, hedges_effect
from tumorboard.outcomes.multiplicity import Multiplicity, corrected_p
from tumorboard.provenance import Record

__all__ = ["GroupComparison", "GroupComparisonConfig", "GroupStudy", "RegionDifference", "compare_groups"]

#: Numbers that are permuted at once, so that memory stays small.
_BATCH: Final = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class GroupStudy:
    """One number for each subject and region, and what is known of the subjects.

    Parameters
    ----------
    regions
        Names, unique.
    unit
        Of the numbers, e.g. ``"mL/cm3"``.
    values
        NaN where a subject has none, shape ``(n_subjects, n_regions)``.
    in_second
        Whether a subject is in the second group, e.g. the patients, shape ``(n_subjects,)``.
    groups
        Names of the first and the second group.
    covariates
        E.g. age, or sex as 0 and 1, each of shape ``(n_subjects,)``, finite; may be empty.
    provenance
        Where they come from.

    Raises
    ------
    InputError
        When shapes disagree, a name repeats, or a covariate is not finite.
    """

    regions: tuple[str, ...]
    unit: str
    values: NDArray[np.float64]
    in_second: NDArray[np.bool_]
    groups: tuple[str, str]
    covariates: Mapping[str, NDArray[np.float64]]
    provenance: Record

    def __post_init__(self) -> None:
        regions = tuple(self.regions)
        values, second = read_only(self.values, np.float64), read_only(self.in_second, bool)
        if not regions or len(set(regions)) != len(regions):
            raise InputError(f"regions must be unique names, at least one; got {', '.join(regions)}")
        if second.ndim != 1 or values.shape != (len(second), len(regions)):
            raise InputError(
                f"values must have shape (n_subjects, {len(regions)}) and in_second (n_subjects,); got "
                f"{values.shape} and {second.shape}"
            )
        if np.isinf(values).any():
            raise InputError("values must be finite, or NaN where a subject has none; got infinity")
        covariates = {}
        for name, column in self.covariates.items():
            covariates[name] = read_only(column, np.float64)
            if covariates[name].shape != second.shape or not np.isfinite(covariates[name]).all():
                raise InputError(f"covariate {name!r} must be {len(second)} finite numbers; got {column}")
        for name, value in (
            ("regions", regions),
            ("values", values),
            ("in_second", second),
            ("covariates", MappingProxyType(covariates)),
        ):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupComparisonConfig:
    """How groups are compared.

    Parameters
    ----------
    multiplicity
        Correction for the number of regions.
    confidence
        Of intervals, e.g. 0.95; of each alone, not of all regions together.
    permutations
        Number of random permutations for p values without the assumption of normal residuals; ``None`` for
        none.
    seed
        Of the permutations.

    Examples
    --------
    >>> config = GroupComparisonConfig(
    ...     multiplicity=Multiplicity.HOLM, confidence=0.95, permutations=None, seed=0
    ... )
    >>> config.confidence
    0.95
    """

    multiplicity: Multiplicity
    confidence: float
    permutations: int | None
    seed: int

    def __post_init__(self) -> None:
        if not 0.0 < self.confidence < 1.0:
            raise InputError(f"confidence must be between 0 and 1; got {self.confidence}")
        if self.permutations is not None and self.permutations < 1:
            raise InputError(f"permutations must be >= 1, or None; got {self.permutations}")


@dataclass(frozen=True, slots=True)
class RegionDifference:
    """The second group less the first in one region.

    Parameters
    ----------
    region
        Its name.
    n_first, n_second
        Subjects with a value.
    mean_first, mean_second
        As measured, in the study's unit.
    difference
        Adjusted for the covariates, in the study's unit.
    low, high
        Its confidence interval.
    percent
        Difference over the first group's mean [%].
    standard_error
        Of the difference.
    t
        The difference over it.
    degrees_of_freedom
        Of t.
    p
        Two-sided.
    p_corrected
        For the number of regions.
    p_permuted
        By permutation; NaN without.
    p_permuted_corrected
        Chance that the largest t of all regions is as large by permutation; NaN without.
    effect
        Hedges' g of the measured means, without covariates.
    """

    region: str
    n_first: int
    n_second: int
    mean_first: float
    mean_second: float
    difference: float
    low: float
    high: float
    percent: float
    standard_error: float
    t: float
    degrees_of_freedom: int
    p: float
    p_corrected: float
    p_permuted: float
    p_permuted_corrected: float
    effect: EffectSize


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """All regions.

    Parameters
    ----------
    regions
        In the study's order.
    unit
        Of means and differences.
    groups
        Names.
    covariates
        Names of those that were adjusted for.
    provenance
        With the configuration.
    """

    regions: tuple[RegionDifference, ...]
    unit: str
    groups: tuple[str, str]
    covariates: tuple[str, ...]
    provenance: Record


def compare_groups(study: GroupStudy, config: GroupComparisonConfig) -> GroupComparison:
    """Compare two groups in each region, adjusted for covariates [1]_.

    A subject without a value in a region is left out of that region; permutation, which keeps a subject's
    regions together, needs all values.

    Parameters
    ----------
    study
        The numbers.
    config
        How.

    Returns
    -------
    GroupComparison
        One row for each region.

    Raises
    ------
    InputError
        When a group has fewer than two subjects, covariates leave no freedom or tell the group themselves, a
        region does not vary, or values are missing for permutation.

    References
    ----------
    .. [1] freedman1983permutation

    Examples
    --------
    >>> study = GroupStudy(
    ...     ("thalamus",), "mL/cm3", [[20.0], [21.0], [19.0], [16.0], [18.0], [17.0]],
    ...     [False, False, False, True, True, True], ("controls", "patients"), {}, Record("example"),
    ... )
    >>> config = GroupComparisonConfig(
    ...     multiplicity=Multiplicity.HOLM, confidence=0.95, permutations=None, seed=0
    ... )
    >>> row = compare_groups(study, config).regions[0]
    >>> round(row.difference, 6), round(row.percent, 1), round(row.p, 4)
    (-3.0, -15.0, 0.0213)
    """
    design = _design(study)
    rows = [_fit_region(study, design, k) for k in range(len(study.regions))]
    corrected = corrected_p([row.p for row in rows], config.multiplicity)
    alone, largest = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if config.permutations is not None:
        t = np.array([row.t for row in rows])
        alone, largest = _permuted(study, design, t, config.permutations, config.seed)
    regions = tuple(
        RegionDifference(
            region=study.regions[k],
            n_first=len(row.first),
            n_second=len(row.second),
            mean_first=float(row.first.mean()),
            mean_second=float(row.second.mean()),
            difference=row.difference,
            low=row.difference - row.half_width(config.confidence),
            high=row.difference + row.half_width(config.confidence),
            percent=float(100.0 * row.difference / row.first.mean()) if row.first.mean() else float("nan"),
            standard_error=row.standard_error,
            t=row.t,
            degrees_of_freedom=row.freedom,
            p=row.p,
            p_corrected=float(corrected[k]),
            p_permuted=float(alone[k]),
            p_permuted_corrected=float(largest[k]),
            effect=_effect(row, config.confidence),
        )
        for k, row in enumerate(rows)
    )
    record = Record(
        "outcomes.compare_groups",
        {
            "multiplicity": config.multiplicity.value,
            "confidence": config.confidence,
            "permutations": config.permutations,
            "seed": config.seed,
            "covariates": list(study.covariates),
        },
        (study.provenance,),
        _references(config),
    )
    return GroupComparison(regions, study.unit, study.groups, tuple(study.covariates), record)


@dataclass(frozen=True, slots=True)
class _Fitted:
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    difference: float
    standard_error: float
    freedom: int

    @property
    def t(self) -> float:
        return self.difference / self.standard_error

    @property
    def p(self) -> float:
        return float(2.0 * stats.t.sf(abs(self.t), self.freedom))

    def half_width(self, confidence: float) -> float:
        return float(stats.t.isf(0.5 * (1.0 - confidence), self.freedom)) * self.standard_error


def _fit_region(study: GroupStudy, whole: NDArray[np.float64], k: int) -> _Fitted:
    values = study.values[:, k]
    there = np.isfinite(values)
    region, y = study.regions[k], values[there]
    design = whole[there]
    for name, rows in zip(study.groups, (~study.in_second, study.in_second), strict=True):
        if (rows & there).sum() < 2:
            raise InputError(f"group {name!r} must have >= 2 subjects with a value of {region!r}")
    freedom = len(y) - design.shape[1]
    if freedom < 1:
        raise InputError(
            f"subjects must outnumber group, mean and {len(study.covariates)} covariates in {region!r}; got "
            f"{len(y)}; leave covariates out"
        )
    scaled = design / np.abs(design).max(axis=0).clip(min=1e-300)
    if np.linalg.matrix_rank(scaled) < design.shape[1]:
        raise InputError(
            f"covariates must not follow from the group or from each other in {region!r}; got "
            f"{', '.join(study.covariates)}; leave one out"
        )
    # By QR, of which the group is the last column: its diagonal gives the error of its coefficient.
    q, r = linalg.qr(design, mode="economic")
    along = q.T @ y
    residual = y - q @ along
    spread = float(np.sqrt(residual @ residual / freedom))
    if not spread > 1e-12 * float(np.abs(y).max()):
        raise InputError(f"values of {region!r} must vary within the groups; got {y.tolist()}")
    second = study.in_second[there]
    return _Fitted(
        y[~second], y[second], float(along[-1] / r[-1, -1]), spread / abs(float(r[-1, -1])), freedom
    )


def _design(study: GroupStudy) -> NDArray[np.float64]:
    return np.column_stack(
        [
            np.ones(len(study.in_second)),
            *(column - column.mean() for column in study.covariates.values()),
            study.in_second.astype(np.float64),
        ]
    )


def _effect(row: _Fitted, confidence: float) -> EffectSize:
    n = len(row.first), len(row.second)
    within = row.first.var() * n[0] + row.second.var() * n[1]
    pooled = float(np.sqrt(within / (n[0] + n[1] - 2)))
    return hedges_effect(float(row.second.mean() - row.first.mean()), pooled, *n, confidence=confidence)


def _permuted(
    study: GroupStudy, design: NDArray[np.float64], t: NDArray[np.float64], permutations: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p values of each region alone, and against the largest of all regions."""
    if np.isnan(study.values).any():
        raise InputError("values must not be missing for permutation; leave out regions or subjects without")
    reduced, _ = linalg.qr(design[:, :-1], mode="economic")
    group = design[:, -1] - reduced @ (reduced.T @ design[:, -1])
    group /= np.linalg.norm(group)
    left = study.values - reduced @ (reduced.T @ study.values)
    rng = np.random.default_rng(seed)
    # As large as seen but for rounding counts as large.
    seen = np.abs(t) * (1.0 - 1e-9)
    alone, largest = np.ones(len(t)), np.ones(len(t))
    freedom = len(left) - design.shape[1]
    batch = max(1, _BATCH // left.size)
    for start in range(0, permutations, batch):
        count = min(batch, permutations - start)
        order = rng.permuted(np.tile(np.arange(len(left)), (count, 1)), axis=1)
        shuffled = left[order]
        shuffled = shuffled - np.einsum("nk,bkr->bnr", reduced, np.einsum("nk,bnr->bkr", reduced, shuffled))
        along = np.einsum("n,bnr->br", group, shuffled)
        rest = (shuffled**2).sum(axis=1) - along**2
        found = np.abs(along) / np.sqrt(np.maximum(rest, 1e-300) / freedom)
        alone += (found >= seen).sum(axis=0)
        largest += (found.max(axis=1)[:, None] >= seen).sum(axis=0)
    return alone / (permutations + 1), largest / (permutations + 1)


def _references(config: GroupComparisonConfig) -> tuple[str, ...]:
    keys = ["hedges1981g"]
    if config.multiplicity is Multiplicity.HOLM:
        keys.append("holm1979procedure")
    if config.multiplicity is Multiplicity.BENJAMINI_HOCHBERG:
        keys.append("benjamini1995fdr")
    if config.permutations is not None:
        keys.append("freedman1983permutation")
    return tuple(keys)
