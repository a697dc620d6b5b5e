"""Integrate activity by trapezoids, with a stated beginning and tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Beginning", "Tail", "TrapezoidConfig", "TrapezoidFit", "TrapezoidModel"]


class Beginning(Enum):
    """What happens between administration and the first sample."""

    FROM_ZERO = "from_zero"
    """Activity rises from nothing along a straight line."""

    CONSTANT = "constant"
    """Activity is that of the first sample all the while."""

    PHYSICAL_DECAY = "physical_decay"
    """All that is there at the first sample was there from the start: physical decay back in time."""


class Tail(Enum):
    """What happens after the last sample."""

    PHYSICAL_DECAY = "physical_decay"
    """Nothing leaves any more: the highest integral possible unless activity comes in."""

    LAST_TWO = "last_two"
    """The exponential through the last two samples."""


@dataclass(frozen=True, slots=True)
class TrapezoidConfig:
    """How to integrate.

    Parameters
    ----------
    physical_half_life_s
        Of the nuclide, finite, > 0 [s].
    beginning
        Before the first sample.
    tail
        After the last sample.
    """

    physical_half_life_s: float
    beginning: Beginning
    tail: Tail

    def __post_init__(self) -> None:
        if not (math.isfinite(self.physical_half_life_s) and self.physical_half_life_s > 0):
            raise InputError(
                f"physical_half_life_s must be finite and > 0 [s]; got {self.physical_half_life_s!r}"
            )
        if not isinstance(self.beginning, Beginning) or not isinstance(self.tail, Tail):
            raise InputError(
                f"beginning and tail must be a Beginning and a Tail; got {self.beginning!r}, {self.tail!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class TrapezoidFit:
    """An integral by trapezoids.

    Parameters
    ----------
    config
        How it was made.
    samples
        Of what.
    parts_bq_s
        Before the first sample, between samples, and after the last, shape ``(3,)`` [Bq s].
    time_integrated_activity_uncertainty_bq_s
        From the uncertainties of the samples; NaN when they are not known. What the straight lines and the
        assumptions about beginning and tail do to it is not in it [Bq s].
    provenance
        Of the integral.
    """

    config: TrapezoidConfig
    samples: ActivitySamples
    parts_bq_s: NDArray[np.float64]
    time_integrated_activity_uncertainty_bq_s: float
    provenance: Record

    @property
    def time_integrated_activity_bq_s(self) -> float:
        """Number of decays from administration to infinity [Bq s]."""
        return float(self.parts_bq_s.sum())

    @property
    def extrapolated_fraction(self) -> float:
        """Share of the integral after the last sample: above about a fifth it was not measured."""
        return float(self.parts_bq_s[2] / self.parts_bq_s.sum())


class TrapezoidModel:
    """Straight lines between samples; what is before and after them as the configuration states.

    Parameters
    ----------
    config
        How to integrate.

    Examples
    --------
    >>> samples = ActivitySamples([0.0, 10.0], [2.0, 1.0], Record("example"))
    >>> config = TrapezoidConfig(10.0 * math.log(2.0), Beginning.CONSTANT, Tail.PHYSICAL_DECAY)
    >>> TrapezoidModel(config).fit(samples).parts_bq_s
    array([ 0., 15., 10.])
    """

    def __init__(self, config: TrapezoidConfig) -> None:
        self.config = config

    def fit(self, samples: ActivitySamples) -> TrapezoidFit:
        """Integrate the samples of one region.

        Parameters
        ----------
        samples
            As scanned; at least one, or two where the tail goes through them.

        Raises
        ------
        InputError
            When there are too few samples, all are zero, or the last two fall more slowly than the nuclide.
        """
        t, y = samples.times_s, samples.activity_bq
        if not y.any():
            raise InputError(
                "activity_bq must be > 0 [Bq] at some time; got zeros only; leave the region out"
            )
        mean_life_s = self.config.physical_half_life_s / math.log(2.0)
        parts, slopes = np.zeros(3), np.zeros(t.size)
        first = {
            Beginning.FROM_ZERO: 0.5 * t[0],
            Beginning.CONSTANT: t[0],
            Beginning.PHYSICAL_DECAY: mean_life_s * math.expm1(t[0] / mean_life_s),
        }[self.config.beginning]
        parts[0], slopes[0] = y[0] * first, first
        steps = np.diff(t)
        parts[1] = 0.5 * float(steps @ (y[1:] + y[:-1]))
        slopes[1:] += 0.5 * steps
        slopes[:-1] += 0.5 * steps
        if self.config.tail is Tail.PHYSICAL_DECAY:
            parts[2] = y[-1] * mean_life_s
            slopes[-1] += mean_life_s
        else:
            parts[2] = self._through_last_two(t, y, mean_life_s, slopes)
        sigma = samples.uncertainty_bq
        uncertainty = math.nan if sigma is None else float(np.linalg.norm(slopes * sigma))
        record = Record(
            "dosimetry.TrapezoidModel.fit",
            {
                "physical_half_life_s": self.config.physical_half_life_s,
                "beginning": self.config.beginning.value,
                "tail": self.config.tail.value,
            },
            (samples.provenance,),
        )
        parts.setflags(write=False)
        return TrapezoidFit(self.config, samples, parts, uncertainty, record)

    @staticmethod
    def _through_last_two(
        t: NDArray[np.float64], y: NDArray[np.float64], mean_life_s: float, slopes: NDArray[np.float64]
    ) -> float:
        """Return y1 / rate with rate = ln(y0 / y1) / (t1 - t0), and add its slopes."""
        if t.size < 2 or not (y[-2:] > 0).all():
            raise InputError(
                f"activity_bq must be > 0 [Bq] at the last two times for Tail.LAST_TWO; got {y[-2:].tolist()}"
                "; use Tail.PHYSICAL_DECAY"
            )
        step = t[-1] - t[-2]
        rate = math.log(y[-2] / y[-1]) / step
        if rate * mean_life_s < 1.0:
            raise InputError(
                "the last two activities must fall at least as fast as the nuclide decays for Tail.LAST_TWO; "
                f"got {y[-2]:g} and {y[-1]:g} Bq after {step:g} s; use Tail.PHYSICAL_DECAY"
            )
        slopes[-1] += 1.0 / rate + 1.0 / (step * rate**2)
        slopes[-2] -= y[-1] / (y[-2] * step * rate**2)
        return float(y[-1] / rate)
