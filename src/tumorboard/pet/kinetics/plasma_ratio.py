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
from tumorboard.pet.kinetics.sample_fit import SampleFit, fit_formula, straight_lines

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
        return _polynomial("mean ratio", _measured(samples), 1)


@dataclass(frozen=True, slots=True)
class LinearRatio:
    """A straight line in time through the samples that both were measured in."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the line, with standard errors."""
        return _polynomial("linear ratio", _measured(samples), 2)


@dataclass(frozen=True, slots=True)
class InterpolatedRatio:
    """Straight lines between the samples that both were measured in; the first one's before them."""

    def fit(self, samples: BloodSamples) -> SampleFit:
        """Return the lines."""
        return straight_lines(_measured(samples), at_injection=None)


def _measured(samples: BloodSamples) -> BloodCurve:
    """Return plasma over whole blood at the times of the sparser of the two tables."""
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
    return BloodCurve(times[used], above[used] / below[used])


def _polynomial(name: str, ratios: BloodCurve, n: int) -> SampleFit:
    names = (("ratio", "1"), ("slope", "1/s"))[:n]
    return fit_formula(
        name, _line, ratios, names_units=names, starts=[(float(ratios.values.mean()), 0.0)[:n]],
        lower=(-np.inf,) * n, upper=(np.inf,) * n, references=(),
    )  # fmt: skip


def _line(times: Array, ratio: float, slope: float = 0.0) -> Array:
    return np.asarray(ratio + slope * times)
