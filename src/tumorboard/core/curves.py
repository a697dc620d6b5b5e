"""Activity against time, for regions or voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["TimeActivityCurves"]


@dataclass(frozen=True, slots=True, eq=False)
class TimeActivityCurves:
    """Measured activity of ``n_regions`` regions at ``n_times`` times.

    Parameters
    ----------
    times_s
        Time after administration, shape ``(n_times,)``, strictly increasing [s].
    activity_bq
        Activity, *not* decay-corrected, shape ``(n_regions, n_times)`` [Bq].
    provenance
        Record of how the curves were measured.

    Raises
    ------
    InputError
        When times do not increase, or a shape or a value does not fit.

    Examples
    --------
    >>> curves = TimeActivityCurves([0.0, 3600.0], [[2.0, 1.0]], Record("example"))
    >>> curves.activity_bq.shape
    (1, 2)
    """

    times_s: NDArray[np.float64]
    activity_bq: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        times_s = read_only(self.times_s, np.float64)
        activity_bq = read_only(self.activity_bq, np.float64)
        if (
            times_s.ndim != 1
            or times_s.size < 2
            or not np.isfinite(times_s).all()
            or times_s[0] < 0
            or (np.diff(times_s) <= 0).any()
        ):
            raise InputError(
                f"times_s must be 1-D, >= 2 long, finite, >= 0 and increasing [s]; got {times_s!r}"
            )
        if activity_bq.ndim != 2 or activity_bq.shape[1:] != times_s.shape:
            raise InputError(
                f"activity_bq must have shape (n_regions, {times_s.size}); got {activity_bq.shape}"
            )
        if not np.isfinite(activity_bq).all():
            raise InputError("activity_bq must be finite [Bq]; got NaN or infinity; leave the sample out")
        object.__setattr__(self, "times_s", times_s)
        object.__setattr__(self, "activity_bq", activity_bq)
