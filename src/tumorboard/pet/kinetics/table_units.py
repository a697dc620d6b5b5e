"""Whether two tables of one scan, of tissue and of blood, can be in the units that they say."""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import UnitError

__all__ = ["require_same_units"]

#: Mean of tissue over mean of blood. Tissue holds a few per cent of blood, so it is not below the first; of
#: tracers in use none has been seen to gather to the second. A factor of 1000 leaves the range for all whose
#: ratio is 0.2 to 20.
_LEAST, _MOST = 0.02, 200.0
#: How near to 60 the ratio of two lengths may be taken for minutes and seconds.
_MINUTES: Final = (40.0, 90.0)


def require_same_units(curves: TissueCurves, samples: BloodSamples) -> None:
    """Raise unless the lengths and the heights of both tables make sense side by side.

    Parameters
    ----------
    curves
        Of tissue.
    samples
        Of blood of the same scan.

    Raises
    ------
    UnitError
        When one table's times look like minutes taken for seconds, or one table's concentrations a thousand
        times the other's.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> record = Record("example")
    >>> curves = TissueCurves(("brain",), [0.0, 1800.0], [1800.0, 3600.0], [[3e3, 2e3]], None, record)
    >>> plasma = BloodCurve([0.0, 1.0, 90.0], [0.0, 9e3, 1e3])
    >>> require_same_units(curves, BloodSamples(None, plasma, None, record))
    Traceback (most recent call last):
    tumorboard.errors.UnitError: times of the two tables must both be in seconds [s]; blood ends at 90, the \
scan at 5400, 60 times apart as minutes taken for seconds would be; state the unit of the blood's times
    """
    curve = samples.plasma if samples.plasma is not None else samples.whole_blood
    if curve is None:
        return
    blood_end, scan_end = float(curve.times_s[-1]), float(curves.frame_end_s[-1])
    if blood_end > 0.0:
        for apart, which in ((scan_end / blood_end, "blood"), (blood_end / scan_end, "scan")):
            if _MINUTES[0] <= apart <= _MINUTES[1]:
                raise UnitError(
                    f"times of the two tables must both be in seconds [s]; blood ends at {blood_end:g}, the "
                    f"scan at {scan_end:g}, {apart:.0f} times apart as minutes taken for seconds would be; "
                    f"state the unit of the {which}'s times"
                )
    tissue = float(
        np.max(curves.concentration_bq_ml @ curves.frame_duration_s) / curves.frame_duration_s.sum()
    )
    blood = _mean(curve, scan_end)
    if tissue > 0.0 and blood > 0.0 and not _LEAST <= tissue / blood <= _MOST:
        raise UnitError(
            f"concentrations of the two tables must both be in Bq/mL; tissue's mean is {tissue:.3g}, "
            f"blood's {blood:.3g} [Bq/mL], which no tracer does but kBq/mL taken for Bq/mL would; state the "
            "unit of each table"
        )


def _mean(curve: BloodCurve, scan_end_s: float) -> float:
    """Return the mean of blood over the time that it and the scan share [Bq/mL]."""
    times, values = curve.times_s, curve.values
    if times.size < 2:
        return float(values[0])
    used = times <= scan_end_s
    if used.sum() < 2:
        return float(values[0])
    span = float(times[used][-1] - times[used][0])
    return float(np.trapezoid(values[used], times[used])) / span
