"""The injected activity, decayed to the moment to which the values of a series are corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.acquisition import DecayReference, PetAcquisition
from tumorboard.core.positron_emitters import known_half_life_s
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.decay_reference import average_count_rate_time_s, half_life_of, scan_start

__all__ = ["DecayedActivity", "decayed_activity", "require_corrections"]

# After ten half-lives a thousandth is left: then a date is wrong.
_MOST_HALF_LIVES = 10.0
_HALF_LIFE_NOTED, _HALF_LIFE_REFUSED = 0.01, 0.10
# Nobody is scanned with so little; what is usually given, at most 25 MBq/kg, is less when stated in kBq.
_LEAST_BQ_PER_KG = 25e3


@dataclass(frozen=True, slots=True, eq=False)
class DecayedActivity:
    """What is left of the injected activity at the moment the values are corrected to.

    Parameters
    ----------
    activity_bq
        A scalar, or one per slice of the acquisition, shape ``(n_slices,)`` [Bq].
    decay_reference
        That moment by its DICOM name.
    reference_moment
        That moment; ``None`` when each slice has its own, or when it is not needed and not known.
    decay_s
        Time from the injection to it, a scalar or shape ``(n_slices,)`` [s].
    rule
        How it was found, in words.
    notes
        What was noticed on the way, one sentence each.
    """

    activity_bq: float | NDArray[np.float64]
    decay_reference: DecayReference
    reference_moment: datetime | None
    decay_s: float | NDArray[np.float64]
    rule: str
    notes: tuple[str, ...] = ()


def decayed_activity(acquisition: PetAcquisition) -> DecayedActivity:
    """Return the activity by which concentrations of this acquisition are normalised.

    Raises
    ------
    MissingAttribute
        When an attribute that the rule needs is absent; the message names it.
    InputError
        When the corrections, dates or half-life contradict each other.
    """
    notes = require_corrections(acquisition)
    injected_bq, reference = acquisition.injected_bq, acquisition.decay_reference
    if injected_bq is None:
        raise MissingAttribute(
            "Radionuclide Total Dose (0018,1074) must be > 0 [Bq]; the files have none; correct injected_bq"
        )
    _require_enough(injected_bq, acquisition.weight_kg)
    if reference is None:
        raise MissingAttribute(
            "Decay Correction (0054,1102) must be START, ADMIN or NONE; the files have none; correct "
            "decay_reference"
        )
    if reference is DecayReference.ADMIN:
        rule = "Decay Correction (0054,1102) ADMIN: the activity as injected"
        return DecayedActivity(injected_bq, reference, acquisition.injection, 0.0, rule, notes)
    injection, half_life_s = _injection_of(acquisition), half_life_of(acquisition)
    notes += _half_life_notes(acquisition, half_life_s)
    if reference is DecayReference.START:
        start = scan_start(acquisition)
        decay_s = (start.moment - injection).total_seconds()
        notes += start.notes + _decay_notes(acquisition, decay_s, half_life_s, injection)
        rule = "Decay Correction (0054,1102) START: activity decayed by "
        rule += f"{decay_s:g} s to the scan start, {start.rule}"
        activity_bq = injected_bq * 2.0 ** (-decay_s / half_life_s)
        return DecayedActivity(activity_bq, reference, start.moment, decay_s, rule, notes)
    times_s = _frame_times_s(acquisition, injection, half_life_s)
    first_s, last_s = float(times_s.min()), float(times_s.max())
    for extreme_s in (first_s, last_s):
        notes += _decay_notes(acquisition, extreme_s, half_life_s, injection)
    rule = "Decay Correction (0054,1102) NONE: activity decayed to the average count rate of each slice's "
    rule += f"frame, {first_s:g} to {last_s:g} s"
    if first_s == last_s:
        return DecayedActivity(
            injected_bq * 2.0 ** (-first_s / half_life_s), reference, None, first_s, rule, notes
        )
    activities_bq = injected_bq * np.exp2(-times_s / half_life_s)
    return DecayedActivity(activities_bq, reference, None, times_s, rule, notes)


def _require_enough(injected_bq: float, weight_kg: float | None) -> None:
    if weight_kg is not None and injected_bq < _LEAST_BQ_PER_KG * weight_kg:
        raise InputError(
            f"Radionuclide Total Dose (0018,1074) must be at least {_LEAST_BQ_PER_KG:g} Bq per kg of "
            f"Patient's Weight (0010,1030); got {injected_bq:g} Bq for {weight_kg:g} kg; it looks like kBq: "
            "correct injected_bq, or weight_kg"
        )


def _frame_times_s(
    acquisition: PetAcquisition, injection: datetime, half_life_s: float
) -> NDArray[np.float64]:
    if not acquisition.slices:
        raise MissingAttribute(
            "Acquisition Date (0008,0022) and Time (0008,0032) must be present for every slice, since "
            "Decay Correction "
            "(0054,1102) is NONE; the files have none; correct slices"
        )
    seconds = np.empty(len(acquisition.slices))
    for index, part in enumerate(acquisition.slices):
        if part.acquisition_start is None:
            raise MissingAttribute(
                "Acquisition Date (0008,0022) and Time (0008,0032) must be present for every slice, "
                "since Decay "
                f"Correction (0054,1102) is NONE; slice {index} has none; correct slices"
            )
        if part.frame_duration_s is None:
            raise MissingAttribute(
                "Actual Frame Duration (0018,1242) must be present for every slice, since Decay Correction "
                f"(0054,1102) is NONE; slice {index} has none; correct slices"
            )
        average_s = average_count_rate_time_s(part.frame_duration_s, half_life_s=half_life_s)
        seconds[index] = (part.acquisition_start - injection).total_seconds() + average_s
    return seconds


def _injection_of(acquisition: PetAcquisition) -> datetime:
    if acquisition.injection is None:
        raise MissingAttribute(
            "Radiopharmaceutical Start DateTime (0018,1078), or Start Time (0018,1072), must tell when "
            "the tracer was "
            f"given; the files do not{_because(acquisition)}; correct injection"
        )
    return acquisition.injection


def _because(acquisition: PetAcquisition) -> str:
    notes = [note for note in acquisition.notes if "Radiopharmaceutical Start" in note]
    return f" ({'; '.join(notes)})" if notes else ""


def _decay_notes(
    acquisition: PetAcquisition, decay_s: float, half_life_s: float, injection: datetime
) -> tuple[str, ...]:
    """Refuse a time from injection to reference that cannot be, and say what is unusual."""
    if decay_s > _MOST_HALF_LIVES * half_life_s:
        raise InputError(
            f"the scan must follow the injection within {_MOST_HALF_LIVES:g} half-lives; got "
            f"{decay_s / half_life_s:.4g} "
            f"({decay_s:.6g} s after {injection.isoformat()}); de-identification may have shifted one date: "
            "read again with AcquisitionResolution.INJECTION_ON_SCAN_DATE, or correct injection"
        )
    if decay_s >= 0:
        return ()
    ends = [
        part.acquisition_start + timedelta(seconds=part.frame_duration_s or 0.0)
        for part in acquisition.slices
        if part.acquisition_start is not None
    ]
    if not ends or injection > max(ends):
        raise InputError(
            f"the injection must not be after the scan; got {injection.isoformat()}, {-decay_s:.6g} s "
            "after the moment "
            "to which the values are corrected; read again with "
            "AcquisitionResolution.INJECTION_ON_SCAN_DATE, "
            "or correct injection"
        )
    return (f"the tracer was given {-decay_s:g} s after the reference of decay, during the scan",)


def _half_life_notes(acquisition: PetAcquisition, half_life_s: float) -> tuple[str, ...]:
    """Note a half-life that is not its nuclide's; far off, one of the two is wrong and so is the image."""
    if acquisition.radionuclide is None:
        return ("Radionuclide Code Sequence (0054,0300) is absent: its half-life could not be checked",)
    known_s = known_half_life_s(acquisition.radionuclide)
    if known_s is None:
        return ()
    off = abs(half_life_s / known_s - 1.0)
    what = f"Radionuclide Half Life (0018,1075) is {half_life_s:g} s, that of {acquisition.radionuclide} "
    what += f"is {known_s:g} s"
    if off > _HALF_LIFE_REFUSED:
        raise InputError(
            f"{what}; they must agree within {_HALF_LIFE_REFUSED:.0%}, since the scanner corrected the "
            "image with one of "
            "them; find out which, and correct half_life_s or radionuclide"
        )
    return (f"{what}; the file's is used, as the scanner did",) if off > _HALF_LIFE_NOTED else ()


def require_corrections(acquisition: PetAcquisition) -> tuple[str, ...]:
    """Demand the corrections that the QIBA pseudo-code demands, where the files list theirs, else say so.

    Raises
    ------
    InputError
        When attenuation correction is not listed, or decay correction is and the reference is NONE, or
        the other way round.
    """
    corrections = acquisition.corrected_image
    if not corrections:
        return (
            "Corrected Image (0028,0051) is absent: the values are taken as corrected for attenuation, and "
            "for decay as Decay Correction (0054,1102) says",
        )
    if "ATTN" not in corrections:
        raise InputError(
            "Corrected Image (0028,0051) must name ATTN: without attenuation correction the values are "
            "no concentration; "
            f"got {', '.join(corrections)}; choose the corrected series"
        )
    named = "DECY" in corrections
    if acquisition.decay_reference is not None and named is (
        acquisition.decay_reference is DecayReference.NONE
    ):
        raise InputError(
            "Corrected Image (0028,0051) must name DECY when Decay Correction (0054,1102) is START or "
            "ADMIN and only "
            f"then; got {', '.join(corrections)} with {acquisition.decay_reference.value}; "
            "correct corrected_image or decay_reference"
        )
    return ()
