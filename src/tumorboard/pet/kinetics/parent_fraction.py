r"""Formulas for the share of plasma's radioactivity that is still the tracer [1]_, as kinfitr has them [2]_.

With :math:`t` after the delay, and :math:`f_0` before it:

.. math::

    \text{Hill: } f_0 - \frac{(f_0 - a)\, t^b}{10^c + t^b}, \qquad
    \text{power: } \frac{f_0}{(1 + (a t)^b)^c}, \qquad
    \text{exponentials: } a e^{-b t} + (f_0 - a) e^{-c t}.

References
----------
.. [1] tonietto2016parent
.. [2] matheson2019kinfitr
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from tumorboard.core.blood import BloodCurve
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.sample_fit import SampleFit, fit_formula, starts_of, straight_lines

__all__ = [
    "ExponentialFraction",
    "HillFraction",
    "InterpolatedFraction",
    "ParentModel",
    "PlasmaIsParent",
    "PowerFraction",
]

Array = NDArray[np.float64]

_REFERENCES: Final = ("tonietto2016parent", "matheson2019kinfitr")


class ParentModel(Protocol):
    """A configuration that makes a parent fraction of samples."""

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return the fraction; ``None`` is for plasma that is the parent already."""
        ...


@dataclass(frozen=True, slots=True)
class PlasmaIsParent:
    """The plasma's values are the parent's: metabolites were subtracted already, or there are none.

    Examples
    --------
    >>> PlasmaIsParent().fit(None).at([0.0, 100.0]).tolist()
    [1.0, 1.0]
    """

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return 1 at all times; a table that has fractions is refused."""
        if curve is not None:
            raise InputError(
                "parent_fraction must be absent where plasma is taken for the parent; the samples have one; "
                "choose a model of it, or leave it out where plasma is corrected for metabolites already"
            )
        none = np.empty(0)
        return SampleFit(
            "plasma is the parent", {}, none, none, none, none, 0.0, math.nan, (), True, (), np.ones_like
        )


@dataclass(frozen=True, slots=True)
class InterpolatedFraction:
    """Straight lines between the samples, from a value at the injection.

    Parameters
    ----------
    at_injection
        The fraction at the injection, where no sample was taken then; above 0, at most 1.

    Examples
    --------
    >>> line = InterpolatedFraction(at_injection=1.0).fit(BloodCurve([100.0, 200.0], [0.8, 0.4]))
    >>> line.at([0.0, 50.0, 150.0]).round(12).tolist()
    [1.0, 0.9, 0.6]
    """

    at_injection: float

    def __post_init__(self) -> None:
        _require_start(self.at_injection)

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return the lines."""
        return straight_lines(_required(curve), at_injection=self.at_injection)


@dataclass(frozen=True, slots=True)
class HillFraction:
    """Hill's function [1]_, samples weighted alike.

    Parameters
    ----------
    at_injection
        The fraction before anything was metabolised; ``None`` to fit it, from 0.8 to 1.
    delay_s
        When metabolites appear first, fixed [s].

    References
    ----------
    .. [1] tonietto2016parent

    Examples
    --------
    >>> t = np.array([120.0, 300, 600, 1200, 2400, 3600, 5400])
    >>> samples = BloodCurve(t, 1 - 0.95 * t**2.6 / (10**6.9 + t**2.6))
    >>> fit = HillFraction(at_injection=1.0, delay_s=0.0).fit(samples)
    >>> [round(fit.parameters[name].value, 5) for name in "abc"]
    [0.05, 2.6, 6.9]
    """

    at_injection: float | None
    delay_s: float

    def __post_init__(self) -> None:
        _require_start(self.at_injection)

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return the function with ``a``, ``b``, ``c``, and ``f0`` where it is fitted."""
        samples = _required(curve)
        exponents, half_times = (1.0, 2.0, 4.0), _half_times(samples)
        starts = [
            (a, b, b * math.log10(half)) for a, b, half in starts_of((0.05, 0.4), exponents, half_times)
        ]
        return _fit("Hill", _hill, samples, self, starts, (0.0, 0.5, 0.0), (1.0, 20.0, 60.0), ("1", "1", "1"))


def _hill(t: Array, a: float, b: float, c: float, f0: float) -> Array:
    # As a logistic of the logarithm of time, which cannot overflow.
    with np.errstate(divide="ignore"):
        return np.asarray(f0 - (f0 - a) * expit(b * np.log(t) - c * math.log(10.0)))


@dataclass(frozen=True, slots=True)
class PowerFraction:
    """The power function [1]_, samples weighted alike.

    Parameters
    ----------
    at_injection
        The fraction before anything was metabolised; ``None`` to fit it, from 0.8 to 1.
    delay_s
        When metabolites appear first, fixed [s].

    References
    ----------
    .. [1] tonietto2016parent

    Examples
    --------
    >>> t = np.array([120.0, 200, 300, 600, 1200, 2400, 3600, 5400])
    >>> samples = BloodCurve(t, 1 / (1 + (0.004 * t) ** 4.5) ** 0.27)
    >>> fit = PowerFraction(at_injection=1.0, delay_s=0.0).fit(samples)
    >>> [round(fit.parameters[name].value, 5) for name in "abc"]
    [0.004, 4.5, 0.27]
    """

    at_injection: float | None
    delay_s: float

    def __post_init__(self) -> None:
        _require_start(self.at_injection)

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return the function with ``a`` [1/s], ``b``, ``c``, and ``f0`` where it is fitted."""
        samples = _required(curve)
        starts = starts_of([1.0 / half for half in _half_times(samples)], (1.0, 2.0, 4.0), (0.2, 1.0))
        return _fit(
            "power", _power, samples, self, starts, (1e-7, 0.5, 0.0), (1.0, 20.0, 10.0), ("1/s", "1", "1")
        )


def _power(t: Array, a: float, b: float, c: float, f0: float) -> Array:
    return np.asarray(f0 * np.exp(-c * np.log1p((a * t) ** b)))


@dataclass(frozen=True, slots=True)
class ExponentialFraction:
    """A sum of two exponentials [1]_, samples weighted alike.

    Parameters
    ----------
    at_injection
        The fraction before anything was metabolised; ``None`` to fit it, from 0.8 to 1.
    delay_s
        When metabolites appear first, fixed [s].

    References
    ----------
    .. [1] tonietto2016parent

    Examples
    --------
    >>> t = np.array([120.0, 300, 600, 1200, 2400, 3600, 5400])
    >>> samples = BloodCurve(t, 0.6 * np.exp(-0.002 * t) + 0.4 * np.exp(-1e-4 * t))
    >>> fit = ExponentialFraction(at_injection=1.0, delay_s=0.0).fit(samples)
    >>> [round(fit.parameters[name].value, 5) for name in "abc"]
    [0.6, 0.002, 0.0001]
    """

    at_injection: float | None
    delay_s: float

    def __post_init__(self) -> None:
        _require_start(self.at_injection)

    def fit(self, curve: BloodCurve | None) -> SampleFit:
        """Return the sum with ``a`` and the faster ``b`` and slower ``c`` [1/s]."""
        samples = _required(curve)
        # The slower rate is searched as its ratio to the faster, so that the two cannot change places.
        starts = starts_of((0.3, 0.8), [0.7 / half for half in _half_times(samples)], (0.01, 0.1, 0.5))

        def formula(t: Array, a: float, b: float, ratio: float, f0: float) -> Array:
            return _exponentials(t, a, b, ratio * b, f0)

        first = _fit(
            "exponentials", formula, samples, self, starts, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0),
            ("1", "1/s", "1"),
        )  # fmt: skip
        a, b, ratio = (first.parameters[name].value for name in "abc")
        return _fit(
            "exponentials", _exponentials, samples, self, [(a, b, ratio * b)], (0.0, 0.0, 0.0),
            (1.0, 1.0, 1.0), ("1", "1/s", "1/s"),
        )  # fmt: skip


def _exponentials(t: Array, a: float, b: float, c: float, f0: float) -> Array:
    return np.asarray(a * np.exp(-b * t) + (f0 - a) * np.exp(-c * t))


def _required(curve: BloodCurve | None) -> BloodCurve:
    if curve is None:
        raise InputError(
            "samples must hold a parent fraction for a model of it; they hold none; where plasma is "
            "corrected for metabolites already say so: PlasmaIsParent()"
        )
    return curve


def _require_start(at_injection: float | None) -> None:
    if at_injection is not None and not 0.0 < at_injection <= 1.0:
        raise InputError(f"at_injection must be above 0, at most 1; got {at_injection:g}; or None to fit it")


def _half_times(curve: BloodCurve) -> tuple[float, ...]:
    """Return times around which the fraction may have fallen half-way, spread over the samples [s]."""
    times = curve.times_s[curve.times_s > 0.0]
    first, last = (float(times[0]), float(times[-1])) if times.size else (1.0, 1.0)
    return tuple(float(t) for t in np.geomspace(max(first, 1.0), max(last, 2.0), 4))


def _fit(
    name: str,
    formula: Callable[..., Array],
    samples: BloodCurve,
    config: HillFraction | PowerFraction | ExponentialFraction,
    starts: Sequence[tuple[float, ...]],
    lower: tuple[float, ...],
    upper: tuple[float, ...],
    units: tuple[str, ...],
) -> SampleFit:
    fixed = config.at_injection
    names = [*zip("abc", units, strict=True)]
    if fixed is None:
        names.append(("f0", "1"))
        starts = [(*start, 0.98) for start in starts]
        lower, upper = (*lower, 0.8), (*upper, 1.0)

    def at(t: Array, *p: float) -> Array:
        f0 = p[3] if fixed is None else fixed
        after = np.maximum(t - config.delay_s, 0.0)
        return np.asarray(np.where(t > config.delay_s, formula(after, *p[:3], f0), f0))

    return fit_formula(
        name, at, samples, names_units=names, starts=starts, lower=lower, upper=upper, references=_REFERENCES,
        bends_s=(config.delay_s,) if config.delay_s > 0.0 else (),
    )  # fmt: skip
