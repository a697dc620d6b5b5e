"""How much more radioactivity plasma holds than whole blood, where only one was sampled throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import KineticParameter
from tumorboard.pet.kinetics.sample_fit import SampleFit, fit_formula

__all__ = ["GivenRatio", "InterpolatedRatio", "LinearRatio", "MeanRatio", "RatioModel"]

Array = NDArray[np.float64]


class RatioModel(Protocol):
    """A configuration that gives plasma over whole blood."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the ratio against time."""
        ...


@dataclass(frozen=True, slots=True)
class GivenRatio:
    """One number for all times, from elsewhere.

    Parameters
    ----------
    value
        Plasma over whole blood, > 0.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> samples = BloodSamples(BloodCurve([0.0, 9.0], [0.0, 5.0]), None, None, Record("example"))
    >>> GivenRatio(1.2).fit(samples).at([5.0]).tolist()
    [1.2]
    """

    value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0.0):
            raise InputError(f"ratio of plasma to whole blood must be > 0; got {self.value:g}")

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the number."""
        none = np.empty(0)
        parameters = {"ratio": KineticParameter(self.value, math.nan, "1")}
        return SampleFit(
            "given ratio", parameters, none, none, none, none, 0.0, math.nan, (), True, (),
            partial(_constant, self.value),
        )  # fmt: skip


def _constant(value: float, times: Array) -> Array:
    return np.full(times.shape, value)


@dataclass(frozen=True, slots=True)
class MeanRatio:
    """The mean over the samples that both were measured in."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the mean, with its standard error."""
        times, ratios = _measured(samples)
        return _polynomial("mean ratio", times, ratios, 1)


@dataclass(frozen=True, slots=True)
class LinearRatio:
    """A straight line in time through the samples that both were measured in."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the line, with standard errors."""
        times, ratios = _measured(samples)
        return _polynomial("linear ratio", times, ratios, 2)


@dataclass(frozen=True, slots=True)
class InterpolatedRatio:
    """Straight lines between the samples that both were measured in; the first one's before them."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the lines."""
        times, ratios = _measured(samples)
        return SampleFit(
            "interpolation", {}, times, ratios, ratios, np.ones(times.size), 0.0, math.nan, (), False,
            tuple(times.tolist()), partial(_lines, times, ratios),
        )  # fmt: skip


def _lines(times: Array, values: Array, points: Array) -> Array:
    return np.asarray(np.interp(points, times, values))


def _measured(samples: BloodSamples) -> tuple[Array, Array]:
    """Return times of the sparser of the two tables, and plasma over whole blood there."""
    plasma, whole = samples.plasma, samples.whole_blood
    if plasma is None or whole is None:
        raise InputError(
            "samples must hold plasma and whole blood for a ratio of the two; one is absent; give the "
            "number: GivenRatio(value)"
        )
    times = min((plasma.times_s, whole.times_s), key=len)
    shared = (times >= max(plasma.times_s[0], whole.times_s[0])) & (
        times <= min(plasma.times_s[-1], whole.times_s[-1])
    )
    times = times[shared]
    below = np.interp(times, whole.times_s, whole.values)
    above = np.interp(times, plasma.times_s, plasma.values)
    used = below > 0.0
    if not used.any():
        raise InputError("samples must hold plasma and whole blood at the same times; they share none")
    return times[used], above[used] / below[used]


def _polynomial(name: str, times: Array, ratios: Array, n: int) -> SampleFit:
    names = (("ratio", "1"), ("slope", "1/s"))[:n]
    return fit_formula(
        name, _line, BloodCurve(times, ratios), names_units=names,
        starts=[(float(ratios.mean()), 0.0)[:n]], lower=(-np.inf,) * n, upper=(np.inf,) * n, references=(),
    )  # fmt: skip


def _line(times: Array, ratio: float, slope: float = 0.0) -> Array:
    return np.asarray(ratio + slope * times)
