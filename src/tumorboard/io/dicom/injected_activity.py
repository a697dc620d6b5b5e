"""How much activity was given, in Bq: the one attribute of PET whose unit files get wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final

from tumorboard.core.positron_emitters import KNOWN_HALF_LIFE_S, positron_emitter
from tumorboard.io.dicom.series_values import SeriesValues, nonzero, text_of
from tumorboard.units import BQ_PER_MBQ

__all__ = ["AcquisitionResolution", "DoseUnit", "injected_activity"]

_LEAST_BQ: Final = 1e5
_LEAST_BQ_INSTEAD_OF_MBQ: Final = 1e7
_IN_MBQ_BY_THE_STANDARD: Final = {
    "1.2.840.10008.5.1.4.1.1.20": "C.8.4.10.1.7",  # Nuclear Medicine Image
    "1.2.840.10008.5.1.4.1.1.130": "C.8.22.4",  # Enhanced PET Image
}
# Where these are given, 60 mCi (2.2 GBq) never is: the most are 40 mCi of C-11, 22 of N-13, 20 of F-18.
_NEVER_60_MCI: Final = ("C-11", "N-13", "F-18", "Cu-64", "Ga-68")
_DEDUCED_FROM, _DEDUCED_TO = 60.0, 1500.0
_MOST_MBQ_PER_KG: Final = 25.0
_SAME_HALF_LIFE: Final = 0.01


class AcquisitionResolution(Enum):
    """Ways out of a contradiction in the files, each taken only when asked for, and then noted."""

    INJECTION_ON_SCAN_DATE = "injection_on_scan_date"
    """Take only the time of day of the injection, and the latest date that fits the scan
    (for files in which de-identification shifted one date and not the other)."""
    ACTIVITY_IN_MBQ = "activity_in_mbq"
    """Read a Radionuclide Total Dose below 1e5 as megabecquerel."""


class DoseUnit(Enum):
    """In which unit Radionuclide Total Dose (0018,1074) was read, and why."""

    BQ = "Bq"
    BQ_SINCE_TOO_LARGE = "Bq, since too large for MBq"
    MBQ_BY_THE_STANDARD = "MBq, by the standard"
    MBQ_DEDUCED = "MBq, deduced"
    MBQ_AS_ASKED = "MBq, as asked"


def injected_activity(
    values: SeriesValues, facts: Mapping[str, Any], resolutions: Collection[AcquisitionResolution]
) -> tuple[float | None, DoseUnit | None]:
    """Return the injected activity [Bq] and how its unit was settled; ``None`` where files are silent.

    Classic PET states Bq; Nuclear Medicine and Enhanced PET state MBq [1]_. Files of classic PET that state
    MBq nevertheless are common enough to be expected and wrong by a million, so a value that is too small for
    Bq is read as MBq when no other unit is possible, which is noted. All of these must hold:

    * The value is 60 to 1500. In Bq or kBq that is no scan of a patient. In mCi it is 2.2 to 56 GBq, and in
      GBq more still, which nobody is given of the tracers below. In MBq it is what adults and larger children
      are given; up to 1480 MBq of C-11 have been.
    * The nuclide is C-11, N-13, F-18, Cu-64 or Ga-68, by name, or by half-life within 1 % where it has none.
      O-15 and Rb-82 are left out because 60 mCi and more of them are given; Zr-89 and I-124 because an
      adult's 37 to 74 MBq are 1000 to 2000 uCi; therapeutic nuclides because 200 mCi of Lu-177 are 7.4 GBq.
    * The weight is known and the activity at most 25 MBq/kg. Read as MBq, a child's 37 MBq stated as
      1000 uCi would be far more, and so would an animal's activity in uCi or kBq.

    A value below 60 may be mCi and is left as it is, for :class:`~tumorboard.core.acquisition.PetAcquisition`
    to refuse; ``AcquisitionResolution.ACTIVITY_IN_MBQ`` is the way out, e.g. for the 20 MBq of an infant.

    Parameters
    ----------
    values
        The series.
    facts
        What is known of ``weight_kg`` [kg], ``radionuclide`` and ``half_life_s`` [s].
    resolutions
        Ways out of contradictions that may be taken.

    References
    ----------
    .. [1] dicomPS33
    """
    stated = values.one(values.tracers, "RadionuclideTotalDose", nonzero)
    if stated is None:
        return None, None
    attribute = f"Radionuclide Total Dose (0018,1074) of {stated:g}"
    section = _IN_MBQ_BY_THE_STANDARD.get(text_of(values.datasets[0], "SOPClassUID"))
    if section is not None and stated < _LEAST_BQ_INSTEAD_OF_MBQ:
        values.note(f"{attribute} is in MBq in this kind of file (DICOM PS3.3 {section})")
        return stated * BQ_PER_MBQ, DoseUnit.MBQ_BY_THE_STANDARD
    if section is not None:
        values.note(f"{attribute} is too large for MBq, the unit of this kind of file, and was read as Bq")
        return stated, DoseUnit.BQ_SINCE_TOO_LARGE
    if stated >= _LEAST_BQ:
        return stated, DoseUnit.BQ
    if AcquisitionResolution.ACTIVITY_IN_MBQ in resolutions:
        values.note(f"{attribute} was read as MBq, as asked")
        return stated * BQ_PER_MBQ, DoseUnit.MBQ_AS_ASKED
    if _only_mbq_is_possible(stated, facts):
        values.note(
            f"{attribute} was read as MBq: for {_nuclide(facts)} and {facts['weight_kg']:g} kg no other unit "
            "is possible"
        )
        return stated * BQ_PER_MBQ, DoseUnit.MBQ_DEDUCED
    return stated, DoseUnit.BQ


def _only_mbq_is_possible(stated: float, facts: Mapping[str, Any]) -> bool:
    weight_kg = facts.get("weight_kg")
    return (
        _DEDUCED_FROM <= stated <= _DEDUCED_TO
        and _nuclide(facts) in _NEVER_60_MCI
        and weight_kg is not None
        and stated <= _MOST_MBQ_PER_KG * weight_kg
    )


def _nuclide(facts: Mapping[str, Any]) -> str | None:
    radionuclide, half_life_s = facts.get("radionuclide"), facts.get("half_life_s")
    if radionuclide:
        return positron_emitter(radionuclide)
    if half_life_s is None:
        return None
    close = [
        name
        for name, known_s in KNOWN_HALF_LIFE_S.items()
        if abs(half_life_s / known_s - 1) < _SAME_HALF_LIFE
    ]
    return close[0] if close else None
