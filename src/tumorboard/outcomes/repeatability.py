"""Two measurements of the same people: how well the second repeats the first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Interval", "Repeatability", "repeatability"]

#: Limits of agreement hold 95 % of differences, as their authors define them, whatever the intervals' level.
_LIMIT: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and its confidence interval.

    Parameters
    ----------
    value
        The estimate.
    low, high
        Of its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Repeatability:
    """What two measurements of ``n`` subjects say of the method.

    Parameters
    ----------
    name
        What was measured, e.g. ``"whole brain VT"``.
    unit
        Of the measurements.
    first, second
        Shape ``(n,)``, in ``unit``.
    variability_percent
        Mean over subjects of the absolute difference over the two measurements' mean [%].
    variability_sd_percent
        Standard deviation over subjects of the same [%].
    within_cov_percent
        Within-subject coefficient of variation: root mean square over subjects of the standard deviation of
        two measurements over their mean [%].
    icc_agreement
        Intraclass correlation ICC(2,1): single measurements, a shift between the two counts as error.
    icc_consistency
        ICC(3,1): a shift of all subjects does not count.
    within_sd
        Within-subject standard deviation, in ``unit``.
    repeatability_coefficient
        Below which the difference of two measurements lies in 95 % of cases, in ``unit``.
    bias
        Mean of second less first, in ``unit``.
    lower_limit, upper_limit
        Bland's and Altman's 95 % limits of agreement, in ``unit``.
    confidence
        Of all intervals.
    provenance
        With citations.
    """

    name: str
    unit: str
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    variability_percent: float
    variability_sd_percent: float
    within_cov_percent: float
    icc_agreement: Interval
    icc_consistency: Interval
    within_sd: Interval
    repeatability_coefficient: Interval
    bias: Interval
    lower_limit: Interval
    upper_limit: Interval
    confidence: float
    provenance: Record


def repeatability(
    first: ArrayLike, second: ArrayLike, *, name: str, unit: str, confidence: float, provenance: Record
) -> Repeatability:
    r"""Compare a test with its retest.

    The within-subject variance is half the mean square difference, so a bias is part of it; its interval
    and that of the repeatability coefficient, :math:`1.96 \sqrt 2` times its root, follow chi-square with n
    degrees of freedom [1]_. Limits of agreement are the bias ± 1.96 standard deviations of the differences,
    with intervals by their standard error :math:`s \sqrt{1/n + 1.96^2 / (2 (n - 1))}` [2]_. Intervals of the
    intraclass correlations are those of F, for ICC(2,1) with Satterthwaite's degrees of freedom [3]_.

    Parameters
    ----------
    first, second
        Of the same subjects in the same order, shape ``(n,)``, n >= 3.
    name
        What was measured.
    unit
        Of the measurements.
    confidence
        Of intervals, e.g. 0.95.
    provenance
        Of the measurements.

    Returns
    -------
    Repeatability
        All measures.

    Raises
    ------
    InputError
        When shapes differ, a value is missing, means are not > 0, or nothing varies.

    References
    ----------
    .. [1] bland1999agreement
    .. [2] bland1986agreement
    .. [3] mcgraw1996icc

    Examples
    --------
    >>> found = repeatability(
    ...     [4.0, 5.0, 6.0, 8.0], [4.2, 4.8, 6.5, 7.7], name="VT", unit="mL/cm3", confidence=0.95,
    ...     provenance=Record("example"),
    ... )
    >>> round(found.variability_percent, 2), round(found.icc_consistency.value, 3)
    (5.2, 0.975)
    """
    a, b = read_only(first, np.float64), read_only(second, np.float64)
    _check(a, b, name, unit, confidence)
    n = len(a)
    mean, difference = 0.5 * (a + b), b - a
    share = np.abs(difference) / mean
    spread = float(difference.std(ddof=1))
    within_variance = float((difference**2).mean()) / 2.0
    tail = 0.5 * (1.0 - confidence)
    chi = stats.chi2.ppf([1.0 - tail, tail], n)
    within = [math.sqrt(within_variance * factor) for factor in (1.0, *(n / chi))]
    coverage = _LIMIT * math.sqrt(2.0)
    student = float(stats.t.isf(tail, n - 1))
    bias = float(difference.mean())
    half_bias = student * spread / math.sqrt(n)
    half_limit = student * spread * math.sqrt(1.0 / n + _LIMIT**2 / (2.0 * (n - 1)))
    limits = [bias + side * _LIMIT * spread for side in (-1.0, 1.0)]
    agreement, consistency = _intraclass(a, b, tail)
    record = Record(
        "outcomes.repeatability",
        {"name": name, "confidence": confidence},
        (provenance,),
        ("bland1986agreement", "bland1999agreement", "mcgraw1996icc"),
    )
    return Repeatability(
        name=name,
        unit=unit,
        first=a,
        second=b,
        variability_percent=100.0 * float(share.mean()),
        variability_sd_percent=100.0 * float(share.std(ddof=1)),
        within_cov_percent=100.0 * math.sqrt(float((difference**2 / (2.0 * mean**2)).mean())),
        icc_agreement=agreement,
        icc_consistency=consistency,
        within_sd=Interval(*within),
        repeatability_coefficient=Interval(*(coverage * w for w in within)),
        bias=Interval(bias, bias - half_bias, bias + half_bias),
        lower_limit=Interval(limits[0], limits[0] - half_limit, limits[0] + half_limit),
        upper_limit=Interval(limits[1], limits[1] - half_limit, limits[1] + half_limit),
        confidence=confidence,
        provenance=record,
    )


def _check(a: NDArray[np.float64], b: NDArray[np.float64], name: str, unit: str, confidence: float) -> None:
    if a.ndim != 1 or a.shape != b.shape or len(a) < 3:
        raise InputError(
            f"first and second must be of the same >= 3 subjects; got shapes {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"first and second of {name!r} must be finite [{unit}]; leave subjects out who lack one"
        )
    if not (a + b > 0).all():
        raise InputError(f"means of the two measurements of {name!r} must be > 0 [{unit}]")
    if np.ptp(a + b) == 0.0 or np.ptp(b - a) == 0.0:
        raise InputError(f"{name!r} must vary between subjects and between measurements [{unit}]")
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence must be between 0 and 1; got {confidence}")


def _intraclass(a: NDArray[np.float64], b: NDArray[np.float64], tail: float) -> tuple[Interval, Interval]:
    """Return ICC(2,1) and ICC(3,1) of two measurements."""
    n, k = len(a), 2
    table = np.column_stack([a, b])
    overall = table.mean()
    subjects = k * float(((table.mean(axis=1) - overall) ** 2).sum()) / (n - 1)
    sessions = n * float(((table.mean(axis=0) - overall) ** 2).sum()) / (k - 1)
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + overall
    error = float((left**2).sum()) / ((n - 1) * (k - 1))

    ratio = subjects / error
    low, high = (ratio / stats.f.isf(tail, n - 1, n - 1), ratio * stats.f.isf(tail, n - 1, n - 1))
    consistency = Interval(
        (subjects - error) / (subjects + (k - 1) * error),
        float((low - 1.0) / (low + k - 1)),
        float((high - 1.0) / (high + k - 1)),
    )

    value = (subjects - error) / (subjects + (k - 1) * error + k * (sessions - error) / n)
    share = k * value / (n * (1.0 - value))
    rest = 1.0 + k * value * (n - 1) / (n * (1.0 - value))
    freedom = (share * sessions + rest * error) ** 2 / (
        (share * sessions) ** 2 / (k - 1) + (rest * error) ** 2 / ((n - 1) * (k - 1))
    )
    below = float(stats.f.isf(tail, n - 1, freedom))
    above = float(stats.f.isf(tail, freedom, n - 1))
    mixed = k * sessions + (k * n - k - n) * error
    agreement = Interval(
        value,
        n * (subjects - below * error) / (below * mixed + n * subjects),
        n * (above * subjects - error) / (mixed + n * above * subjects),
    )
    return agreement, consistency
