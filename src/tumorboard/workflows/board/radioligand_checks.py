"""What the headers of scans of a radioligand say against themselves about decay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tumorboard.core.acquisition import DecayReference
from tumorboard.pet.decay_reference import average_count_rate_time_s, half_life_of
from tumorboard.workflows.radioligand.time_course import ActivityScan, RegionCourse, scan_time_s

__all__ = ["decay_factor_notes"]

#: Decay Factors nearer to what they should be than this are rounded, or take a time of the frame for another.
_TOLERANCE: Final = 0.005


def decay_factor_notes(scans: Sequence[ActivityScan], total: RegionCourse) -> tuple[str, ...]:
    """Return what to know where Decay Factor (0054,1321) contradicts Decay Correction (0054,1102).

    Parameters
    ----------
    scans
        Of one administration.
    total
        Of the whole scan, by the decay correction.
    """
    told = []
    ordered = sorted(scans, key=scan_time_s)
    for scan in ordered:
        stated, due = _stated(scan), _due(scan)
        if stated is not None and due is not None and abs(stated / due - 1.0) > _TOLERANCE:
            told.append((scan, stated, due))
    if not told:
        return ()
    reference = told[0][0].acquisition.decay_reference
    words = (
        "Decay Factor (0054,1321) contradicts Decay Correction (0054,1102): "
        + "; ".join(
            f"{scan.title} at {scan_time_s(scan) / 3600:.1f} h states {stated:g}, and "
            f"{reference.value if reference else ''} with its times means {due:.4f}"
            for scan, stated, due in told
        )
        + ". Decay Correction was believed"
    )
    named = all("DECY" in scan.acquisition.corrected_image for scan, _, _ in told)
    words += ", since Corrected Image (0028,0051) names DECY as well" if named else ""
    share = {id(scan): due / stated for scan, stated, due in told}
    first, last = (share.get(id(scan), 1.0) for scan in (ordered[0], ordered[-1]))
    words += (
        ". Were the factor right, activities would be higher, by "
        + ", ".join(f"{100 * (share.get(id(scan), 1.0) - 1.0):.1f} %" for scan in ordered)
        + (_other_half_life(total, last / first) if len(ordered) > 1 else "")
        + "."
    )
    return (words,)


def _stated(scan: ActivityScan) -> float | None:
    """Return the largest factor of the slices; ``None`` where none is stated."""
    return max((s.decay_factor for s in scan.acquisition.slices if s.decay_factor), default=None)


def _due(scan: ActivityScan) -> float | None:
    """Return by what the values were multiplied, if they were as Decay Correction says."""
    acquisition = scan.acquisition
    half_life_s = half_life_of(acquisition)
    if acquisition.decay_reference is DecayReference.NONE:
        return 1.0
    if acquisition.decay_reference is DecayReference.ADMIN:
        return float(2.0 ** (scan_time_s(scan) / half_life_s))
    if acquisition.decay_reference is DecayReference.START:
        frame_s = max((s.frame_duration_s or 0.0 for s in acquisition.slices), default=0.0)
        return float(2.0 ** (average_count_rate_time_s(frame_s, half_life_s=half_life_s) / half_life_s))
    return None


def _other_half_life(total: RegionCourse, ratio: float) -> str:
    """Return in words what the total's half-life from the first to the last scan would be instead."""
    times, activity = total.samples.times_s, total.samples.activity_bq
    rates = [
        math.log(float(activity[0] / activity[-1]) / r) / float(times[-1] - times[0]) for r in (1.0, ratio)
    ]
    if min(rates) <= 0:
        return ", and the whole scan's would not fall"
    now, then = (math.log(2.0) / rate / 3600.0 for rate in rates)
    return f", and the half-life of the whole scan between first and last {then:.1f} h instead of {now:.1f} h"
