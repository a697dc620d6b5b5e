r"""To which moment the values of a PET series are decay-corrected.

Decay Correction (0054,1102) names the moment only as START or ADMIN. When START was is found as the
vendor-neutral pseudo-code of the QIBA profile has it [1]_, with two departures, both stated in the result:

* A vendor's private statement of the moment is believed before Series Time, as the software MIRP does,
  which shares an author with the manual and reference objects of the Image Biomarker Standardisation
  Initiative [2]_; where the two agree, as they do in unaltered series, nothing changes.
* Counting back from Frame Reference Time starts at the frame with the smallest one, and takes GE's for
  what it is: the start of the frame, not the moment of its average count rate.

During a frame of length :math:`T` a source that decays with :math:`\lambda` has its average count rate at

.. math:: t_\mathrm{avg} = \frac{1}{\lambda} \ln \frac{\lambda T}{1 - e^{-\lambda T}}

after the start of the frame.

References
----------
.. [1] qiba2016fdg
.. [2] ibsi2026suv
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.errors import InputError, MissingAttribute

__all__ = ["ScanStart", "average_count_rate_time_s", "half_life_of", "scan_start"]

_SAME_MOMENT = timedelta(seconds=1)
#: A scanner may take this long from the start of a series to that of the first frame.
_SETTING_UP = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ScanStart:
    """The moment that START stands for, and by which rule it was found.

    Parameters
    ----------
    moment
        The moment.
    rule
        Where it comes from, in words.
    notes
        What else the files say, one sentence each.
    """

    moment: datetime
    rule: str
    notes: tuple[str, ...] = ()


def average_count_rate_time_s(frame_duration_s: float, *, half_life_s: float) -> float:
    """Return when a decaying source has its average count rate, after the start of the frame [s].

    Parameters
    ----------
    frame_duration_s
        Length of the frame, >= 0 [s].
    half_life_s
        Physical half-life, > 0 [s].

    Examples
    --------
    >>> round(average_count_rate_time_s(300.0, half_life_s=6586.2), 3)  # F-18: just before the middle
    149.605
    >>> round(average_count_rate_time_s(300.0, half_life_s=76.4), 1)  # Rb-82: well before it
    117.9
    """
    decays = math.log(2) * frame_duration_s / half_life_s
    if decays < 1e-8:
        return frame_duration_s / 2  # the limit; the quotient below would be 0 / 0
    return math.log(decays / -math.expm1(-decays)) * half_life_s / math.log(2)


def scan_start(acquisition: PetAcquisition) -> ScanStart:
    """Return the moment to which a series with Decay Correction START is corrected.

    In this order: Decay Correction DateTime (0018,9701), which only enhanced PET has; the GE private scan
    date and time (0009,100D); the Siemens private decay correction date and time (0071,1022); Series Date
    and Time when not later than the first acquisition (it is later in series that were processed
    afterwards); the first acquisition less its frame reference time.

    Raises
    ------
    MissingAttribute
        When no attribute tells.
    InputError
        When Series Time is before the injection, and the frames count from a moment after it.
    """
    earliest = acquisition.earliest_acquisition_start
    series = acquisition.series_start
    for stated, rule in (
        (acquisition.decay_corrected_to, "Decay Correction DateTime (0018,9701)"),
        (acquisition.ge_scan_start, "GE scan date and time (0009,100D)"),
        (acquisition.siemens_scan_start, "Siemens decay correction date and time (0071,1022)"),
    ):
        if stated is not None:
            return ScanStart(stated, rule, _disagreement(stated, series, earliest))
    if earliest is None:
        raise MissingAttribute(
            "Acquisition Date (0008,0022) and Time (0008,0032) must tell when the scan began, since Decay "
            "Correction (0054,1102) is START and Series Time (0008,0031) alone may be that of later "
            "processing; "
            "the files have none; correct slices or ge_scan_start of the acquisition"
        )
    if series is not None and series <= earliest:
        notes = _against_frames(acquisition, series, earliest)
        return ScanStart(series, "Series Date and Time (0008,0021), (0008,0031)", notes)
    moment, rule = _counted_back(acquisition, earliest)
    why = "absent" if series is None else "later than the first acquisition"
    return ScanStart(moment, f"{rule}, since Series Time (0008,0031) is {why}")


def _counted_back(acquisition: PetAcquisition, earliest: datetime) -> tuple[datetime, str]:
    """Return the scan start by the frame with the smallest frame reference time, and the rule."""
    frames = [
        (part.frame_reference_time_s, part.acquisition_start, part.frame_duration_s or 0.0)
        for part in acquisition.slices
        if part.acquisition_start is not None and part.frame_reference_time_s is not None
    ]
    first_s = min((reference_s for reference_s, _, _ in frames), default=0.0)
    if first_s <= 0:
        return earliest, "earliest Acquisition Date and Time (0008,0022), (0008,0032)"
    last_s = max(reference_s for reference_s, _, _ in frames)
    if last_s - first_s > 1 and len({start for _, start, _ in frames}) == 1:
        # As in GE's whole-body series: 0, 243, 486 s after one and the same Acquisition Time.
        return earliest, "Acquisition Date and Time (0008,0022), (0008,0032), the same for every frame"
    reference_s, start, duration_s = min(frames)
    back = "Acquisition Date and Time less Frame Reference Time (0054,1300)"
    if (acquisition.manufacturer or "").upper().startswith(("GE ", "GEMS")):
        return start - timedelta(seconds=reference_s), f"{back}, which GE counts to the start of the frame"
    if duration_s <= 0:
        raise MissingAttribute(
            "Actual Frame Duration (0018,1242) must be > 0 [s] to find the moment of the average count rate; "
            "the files have none; correct slices or ge_scan_start of the acquisition"
        )
    average_s = average_count_rate_time_s(duration_s, half_life_s=half_life_of(acquisition))
    return start + timedelta(
        seconds=average_s - reference_s
    ), f"{back} plus the time of the average count rate"


def _against_frames(acquisition: PetAcquisition, series: datetime, earliest: datetime) -> tuple[str, ...]:
    """Say when the frames count from another moment than the series' start; refuse where that cannot be."""
    if not any((part.frame_reference_time_s or 0.0) > 0 for part in acquisition.slices):
        return ()
    try:
        counted, _ = _counted_back(acquisition, earliest)
        half_life_s = half_life_of(acquisition)
    except MissingAttribute:
        return ()
    if abs(counted - series) <= _SETTING_UP:
        return ()
    both = (
        f"Series Date and Time (0008,0021), (0008,0031) is {series.isoformat()}, Frame Reference Time "
        f"(0054,1300) counts from {counted.isoformat()}"
    )
    injection = acquisition.injection
    if injection is not None and series < injection <= min(counted, earliest):
        raise InputError(
            f"the scan must not start before the injection, {injection.isoformat()}; {both}; "
            "find out to which the values are decay-corrected, and correct series_start"
        )
    ratio = 2.0 ** ((counted - series).total_seconds() / half_life_s)
    return (f"{both}: the former is used; with the latter, uptake values would be {ratio:.4g} times these",)


def half_life_of(acquisition: PetAcquisition) -> float:
    """Return the half-life that the file states [s].

    Raises
    ------
    MissingAttribute
        When it states none: the scanner corrected with its own, so a table would be a guess.
    """
    if acquisition.half_life_s is None:
        raise MissingAttribute(
            "Radionuclide Half Life (0018,1075) must be > 0 [s]; the files have none; correct half_life_s "
            "to the value that the scanner used, e.g. 6586.2 for F-18"
        )
    return acquisition.half_life_s


def _disagreement(moment: datetime, series: datetime | None, earliest: datetime | None) -> tuple[str, ...]:
    notes = []
    if series is not None and abs(series - moment) > _SAME_MOMENT:
        notes.append(f"Series Date and Time is {series.isoformat()}, the vendor states {moment.isoformat()}")
    if earliest is not None and moment - earliest > _SAME_MOMENT:
        notes.append(
            f"the first acquisition, {earliest.isoformat()}, is before the scan start that the vendor states"
        )
    return tuple(notes)
