"""What was measured in arterial blood after an injection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["BloodCurve", "BloodSamples"]


@dataclass(frozen=True, slots=True, eq=False)
class BloodCurve:
    """One quantity of blood at some times.

    Parameters
    ----------
    times_s
        After injection, shape ``(n,)``, strictly increasing, >= 0 [s].
    values
        Shape ``(n,)``, finite: a concentration decay-corrected to injection [Bq/mL], or a fraction.

    Raises
    ------
    InputError
        When times do not increase or a value is not finite.

    Examples
    --------
    >>> BloodCurve([0.0, 10.0], [0.0, 5.0]).values.tolist()
    [0.0, 5.0]
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        times, values = read_only(self.times_s, np.float64), read_only(self.values, np.float64)
        if times.ndim != 1 or times.size < 1 or not np.isfinite(times).all() or (times < 0).any():
            raise InputError("times_s of blood must be 1-D, finite and >= 0 [s], at least one")
        if (np.diff(times) <= 0).any():
            k = int(np.flatnonzero(np.diff(times) <= 0)[0])
            raise InputError(
                f"times_s of blood must increase [s]; sample {k + 2} at {times[k + 1]:g} s follows one at "
                f"{times[k]:g} s; sort them, and average samples of the same moment"
            )
        if values.shape != times.shape or not np.isfinite(values).all():
            raise InputError(f"values of blood must be {times.size} finite numbers; got shape {values.shape}")
        object.__setattr__(self, "times_s", times)
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, slots=True, eq=False)
class BloodSamples:
    """Arterial samples of one scan, each quantity at times of its own.

    Parameters
    ----------
    whole_blood
        All radioactivity in whole blood; ``None`` where not measured [Bq/mL].
    plasma
        All radioactivity in plasma; ``None`` where not measured [Bq/mL].
    parent_fraction
        Share of plasma's radioactivity that is unchanged tracer, 0 to 1; ``None`` where not measured.
    provenance
        How they were measured.

    Raises
    ------
    InputError
        When neither whole blood nor plasma is there, or a fraction is outside 0 to 1.
    """

    whole_blood: BloodCurve | None
    plasma: BloodCurve | None
    parent_fraction: BloodCurve | None
    provenance: Record

    def __post_init__(self) -> None:
        if self.whole_blood is None and self.plasma is None:
            raise InputError("blood must hold whole blood or plasma [Bq/mL]; got neither")
        fraction = self.parent_fraction
        if fraction is not None and ((fraction.values < 0) | (fraction.values > 1)).any():
            bad = float(fraction.values[(fraction.values < 0) | (fraction.values > 1)][0])
            raise InputError(
                f"parent_fraction must be 0 to 1; got {bad:g}; a table in percent must say so in its unit"
            )
