"""How far apart two groups are, in their own spread, and how many subjects it takes to see it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, special, stats

from tumorboard.errors import InputError, NotConverged

__all__ = ["EffectSize", "group_size_for", "hedges_effect", "power_of_two_groups"]

#: Larger groups are no study of this kind.
_MOST_SUBJECTS = 1_000_000


@dataclass(frozen=True, slots=True)
class EffectSize:
    """A standardised difference.

    Parameters
    ----------
    value
        Hedges' g.
    low, high
        Its confidence interval.
    """

    value: float
    low: float
    high: float


def hedges_effect(
    difference: float, pooled_sd: float, n_first: int, n_second: int, *, confidence: float
) -> EffectSize:
    """Return Hedges' g: a difference over the pooled spread without small groups' bias, with exact interval.

    The interval holds the noncentralities of t at whose tails the difference lies [1]_, with the same
    correction as g.

    Parameters
    ----------
    difference
        Second mean less first.
    pooled_sd
        > 0, in the same unit.
    n_first, n_second
        Subjects, >= 1 each, >= 4 together.
    confidence
        Of the interval, e.g. 0.95.

    Returns
    -------
    EffectSize
        Without unit.

    Raises
    ------
    InputError
        When the spread is 0 or the groups are too small.

    References
    ----------
    .. [1] hedges1981g

    Examples
    --------
    >>> g = hedges_effect(1.0, 2.0, 20, 20, confidence=0.95)
    >>> round(g.value, 4), round(g.low, 3), round(g.high, 3)
    (0.4901, -0.13, 1.104)
    """
    freedom = n_first + n_second - 2
    # With one degree of freedom the correction is 0, and g says nothing.
    if min(n_first, n_second) < 1 or freedom < 2:
        raise InputError(f"groups must have >= 1 subjects each, >= 4 together; got {n_first} and {n_second}")
    if not (pooled_sd > 0 and math.isfinite(pooled_sd) and math.isfinite(difference)):
        raise InputError(
            f"pooled_sd must be finite and > 0; got {pooled_sd} for a difference of {difference}"
        )
    _require_fraction("confidence", confidence)
    scale = math.sqrt(1.0 / n_first + 1.0 / n_second)
    # Exact, by logarithms of gamma functions, for any freedom.
    ratio = math.exp(special.gammaln(freedom / 2.0) - special.gammaln((freedom - 1) / 2.0))
    correction = ratio / math.sqrt(freedom / 2.0)
    t = difference / (pooled_sd * scale)
    tail = 0.5 * (1.0 - confidence)
    low, high = (_noncentrality(t, freedom, level) for level in (1.0 - tail, tail))
    return EffectSize(
        correction * difference / pooled_sd, correction * low * scale, correction * high * scale
    )


def _noncentrality(t: float, freedom: int, level: float) -> float:
    """Return the noncentrality with which t lies at this level of its distribution."""

    def above(shift: float) -> float:
        return float(stats.nct.cdf(t, freedom, shift)) - level

    reach = 5.0
    while above(t - reach) < 0 or above(t + reach) > 0:
        reach *= 2.0
        if reach > 1e4:
            raise NotConverged(f"interval of the effect size must be found within t ± 10000; t is {t:g}")
    return float(optimize.brentq(above, t - reach, t + reach, xtol=1e-10))


def power_of_two_groups(effect: float, n_first: int, n_second: int, *, alpha: float) -> float:
    """Return the chance that a two-sided t test of two groups finds a true effect [1]_.

    Parameters
    ----------
    effect
        True difference of the means over the common standard deviation.
    n_first, n_second
        Subjects, >= 2 each.
    alpha
        Level of the test, 0 to 1; for several regions, that of one after correction.

    Returns
    -------
    float
        0 to 1.

    References
    ----------
    .. [1] cohen1988power

    Examples
    --------
    >>> round(power_of_two_groups(0.5, 64, 64, alpha=0.05), 4)
    0.8015
    """
    if min(n_first, n_second) < 2:
        raise InputError(f"groups must have >= 2 subjects each; got {n_first} and {n_second}")
    _require_fraction("alpha", alpha)
    freedom = n_first + n_second - 2
    shift = abs(effect) / math.sqrt(1.0 / n_first + 1.0 / n_second)
    critical = float(stats.t.isf(0.5 * alpha, freedom))
    # The far tail of a large shift is 0; scipy's series may give NaN there.
    below = float(stats.nct.cdf(-critical, freedom, shift)) if shift < 20 else 0.0
    return float(stats.nct.sf(critical, freedom, shift)) + (0.0 if math.isnan(below) else below)


def group_size_for(effect: float, *, power: float, alpha: float, ratio: float) -> tuple[int, int]:
    """Return the smallest groups in which a two-sided t test finds a true effect with the wanted chance.

    Parameters
    ----------
    effect
        True difference of the means over the common standard deviation, not 0.
    power
        Wanted chance, 0 to 1.
    alpha
        Level of the test, 0 to 1.
    ratio
        Second group over the first, > 0; rounded up to whole subjects.

    Returns
    -------
    tuple of int
        Subjects in the first and the second group.

    Raises
    ------
    InputError
        When no groups of a million subjects or fewer suffice.

    References
    ----------
    .. [1] cohen1988power

    Examples
    --------
    >>> group_size_for(0.5, power=0.8, alpha=0.05, ratio=1.0)
    (64, 64)
    """
    _require_fraction("power", power)
    if not (ratio > 0 and math.isfinite(ratio)):
        raise InputError(f"ratio must be > 0; got {ratio}")

    def groups(n: int) -> tuple[int, int]:
        return n, max(2, math.ceil(ratio * n))

    def enough(n: int) -> bool:
        return power_of_two_groups(effect, *groups(n), alpha=alpha) >= power

    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_SUBJECTS:
            raise InputError(f"effect must be seen with fewer than {_MOST_SUBJECTS} subjects; got {effect}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return groups(high)


def _require_fraction(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} must be between 0 and 1; got {value}")
