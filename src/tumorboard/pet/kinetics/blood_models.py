r"""Formulas for a concentration in blood after a bolus, and straight lines between its samples.

Feng's formula [1]_ rises from 0 at :math:`t_0`; with :math:`u = t - t_0 > 0`,

.. math:: c(t) = (A u - B - C) e^{-\alpha u} + B e^{-\beta u} + C e^{-\gamma u}.

The other one rises along a straight line from :math:`t_0` to the peak at :math:`t_p` and falls as a sum of
three exponentials, both continuous at the peak.

References
----------
.. [1] feng1993input
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.sample_fit import (
    SampleFit,
    SampleWeighting,
    fit_separable,
    starts_of,
    straight_lines,
)

__all__ = ["BloodModel", "Feng", "Interpolation", "TriExponential"]

Array = NDArray[np.float64]

#: Natural logarithms of what is searched: the fastest rate, 1/1000 to 2 [1/s], and each rate over the one
#: before it. Rates in order keep two terms from making one of another shape out of their difference.
_FASTEST: Final = (math.log(1e-3), math.log(2.0))
_RATIO: Final = (math.log(1e-4), math.log(0.9))
#: Rates to start from: 0.1/s, a tenth and a hundredth of it, and so on.
_STARTS: Final = ((math.log(0.1),), (math.log(0.2), math.log(0.03)), (math.log(0.1), math.log(0.01)))
#: Part of the peak that the onset is sought below.
_ONSET: Final = 0.05


class BloodModel(Protocol):
    """A configuration that makes a curve of samples."""

    def fit(self, curve: BloodCurve) -> SampleFit:
        """Return the curve through, or past, the samples."""
        ...


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Straight lines between the samples, from 0 at the injection to the first.

    Examples
    --------
    >>> Interpolation().fit(BloodCurve([10.0, 20.0], [4.0, 2.0])).at([0.0, 5.0, 15.0, 99.0]).tolist()
    [0.0, 2.0, 3.0, 2.0]
    """

    def fit(self, curve: BloodCurve) -> SampleFit:
        """Return the lines; a sample at the injection itself is kept as it is."""
        return straight_lines(curve, at_injection=0.0, before=0.0)


@dataclass(frozen=True, slots=True)
class Feng:
    """Feng's formula for a bolus [1]_.

    Parameters
    ----------
    weighting
        Of the samples.

    References
    ----------
    .. [1] feng1993input

    Examples
    --------
    >>> t = np.r_[0:120:2, 150:6000:150].astype(float)
    >>> u = np.maximum(t - 20, 0)
    >>> c = (900 * u - 2000 - 1500) * np.exp(-0.12 * u) + 2000 * np.exp(-0.011 * u) + 1500 * np.exp(-2e-4 * u)
    >>> fit = Feng(SampleWeighting.UNIFORM).fit(BloodCurve(t, np.where(t > 20, c, 0.0)))
    >>> [round(fit.parameters[name].value, 6) for name in ("t0", "alpha", "gamma")]
    [20.0, 0.12, 0.0002]
    """

    weighting: SampleWeighting

    def fit(self, curve: BloodCurve) -> SampleFit:
        """Return the formula with ``t0`` [s], ``alpha`` > ``beta`` > ``gamma`` [1/s], ``A``, ``B``, ``C``."""
        peak = _peak(curve, "Feng's formula")
        onset = _onsets(curve, peak)
        return fit_separable(
            "Feng",
            _feng_basis,
            curve,
            self.weighting.of(curve),
            names_units=(
                ("t0", "s"),
                *(((name, "1/s")) for name in ("alpha", "beta", "gamma")),
                ("A", "Bq/mL/s"),
                ("B", "Bq/mL"),
                ("C", "Bq/mL"),
            ),
            starts=starts_of(onset, *_STARTS),
            lower=(0.0, _FASTEST[0], _RATIO[0], _RATIO[0]),
            upper=(float(curve.times_s[peak]), _FASTEST[1], _RATIO[1], _RATIO[1]),
            onsets=(0,),
            report=lambda p: np.append(p[0], np.exp(np.cumsum(p[1:]))),
            bends=lambda p: (float(p[0]),),
            references=("feng1993input",),
        )


def _feng_basis(t: Array, t0: float, alpha: float, beta: float, gamma: float) -> Array:
    u = np.maximum(t - t0, 0.0)
    fast = np.exp(-alpha * u)
    return np.stack((u * fast, np.exp(-beta * u) - fast, np.exp(-gamma * u) - fast), axis=1)


@dataclass(frozen=True, slots=True)
class TriExponential:
    """A straight rise to a peak, then a sum of three exponentials.

    Onset and peak are fitted, the peak between the neighbours of the largest sample [1]_.

    Parameters
    ----------
    weighting
        Of the samples.

    References
    ----------
    .. [1] matheson2019kinfitr

    Examples
    --------
    >>> t = np.r_[0:120:2, 150:6000:150].astype(float)
    >>> fall = sum(a * np.exp(-k * (t - 41)) for a, k in ((5e4, 0.1), (3e3, 0.01), (1e3, 2e-4)))
    >>> fit = TriExponential(SampleWeighting.UNIFORM).fit(
    ...     BloodCurve(t, np.where(t > 41, fall, 54e3 * np.clip((t - 25) / 16, 0, 1)))
    ... )
    >>> [round(fit.parameters[name].value, 4) for name in ("t0", "peak")]
    [25.0, 41.0]
    """

    weighting: SampleWeighting

    def fit(self, curve: BloodCurve) -> SampleFit:
        """Return the formula with ``t0``, ``peak`` [s], ``lambda1`` > ... [1/s] and ``A1``, ... [Bq/mL]."""
        k = _peak(curve, "a rise and three exponentials")
        if k == 0:
            raise InputError(
                "samples must begin before the peak for a straight rise; the first is the largest; take "
                "straight lines between samples"
            )
        before, after = float(curve.times_s[k - 1]), float(curve.times_s[min(k + 1, curve.times_s.size - 1)])
        at = float(curve.times_s[k])
        return fit_separable(
            "tri-exponential",
            _exponential_basis,
            curve,
            self.weighting.of(curve),
            names_units=(
                ("t0", "s"),
                ("peak", "s"),
                *((f"lambda{n}", "1/s") for n in (1, 2, 3)),
                *((f"A{n}", "Bq/mL") for n in (1, 2, 3)),
            ),
            starts=starts_of(_onsets(curve, k), (at, 0.5 * (before + at)), *_STARTS),
            lower=(0.0, before, _FASTEST[0], _RATIO[0], _RATIO[0]),
            upper=(at, after, _FASTEST[1], _RATIO[1], _RATIO[1]),
            onsets=(0, 1),
            report=lambda p: np.concatenate((p[:2], np.exp(np.cumsum(p[2:])))),
            bends=lambda p: (float(p[0]), float(p[1])),
            references=("matheson2019kinfitr",),
        )


def _exponential_basis(t: Array, t0: float, peak: float, *rates: float) -> Array:
    # An onset at or after the peak would be a step: a rise of a hundredth of a second stands for it.
    rise = np.clip((t - t0) / max(peak - t0, 0.01), 0.0, 1.0)
    late = t > peak
    return np.stack([np.where(late, np.exp(-k * np.maximum(t - peak, 0.0)), rise) for k in rates], axis=1)


def _peak(curve: BloodCurve, what: str) -> int:
    k = int(np.argmax(curve.values))
    if curve.values[k] <= 0.0:
        raise InputError(f"blood must rise above 0 [Bq/mL] to fit {what}; its largest is {curve.values[k]:g}")
    return k


def _onsets(curve: BloodCurve, peak: int) -> list[float]:
    """Return times at which to start the search for the onset: where the rise leaves the ground."""
    low = np.flatnonzero(curve.values[: peak + 1] <= _ONSET * curve.values[peak])
    first = float(curve.times_s[low[-1]]) if low.size else 0.0
    end = float(curve.times_s[peak])
    return sorted({max(first - 0.1 * (end - first), 0.0), first, first + 0.3 * (end - first)})
