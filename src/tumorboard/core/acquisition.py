"""How a PET series was acquired: the facts that a standardised uptake value needs.

One noun, filled by :mod:`tumorboard.io.dicom` and read by :mod:`tumorboard.pet`. ``None`` means
that the file does not say; whoever needs the fact then refuses and names the attribute.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from tumorboard.errors import InputError, UnitError
from tumorboard.provenance import Record

__all__ = ["HEIGHT_LIMITS_M", "DecayReference", "PetAcquisition", "PetSlice", "PetUnits", "Sex", "SuvType"]


class PetUnits(Enum):
    """Units (0054,1001): the defined terms of DICOM PS3.3 C.8.9.1.1.3."""

    CNTS = "CNTS"
    NONE = "NONE"
    CM2 = "CM2"
    CM2ML = "CM2ML"
    PCNT = "PCNT"
    CPS = "CPS"
    BQML = "BQML"
    MGMINML = "MGMINML"
    UMOLMINML = "UMOLMINML"
    MLMING = "MLMING"
    MLG = "MLG"
    ONE_CM = "1CM"
    UMOLML = "UMOLML"
    PROPCNTS = "PROPCNTS"
    PROPCPS = "PROPCPS"
    MLMINML = "MLMINML"
    MLML = "MLML"
    GML = "GML"
    STDDEV = "STDDEV"


class SuvType(Enum):
    """SUV Type (0054,1006): the defined terms of DICOM PS3.3 C.8.9.1."""

    BODY_SURFACE_AREA = "BSA"
    BODY_WEIGHT = "BW"
    LEAN_BODY_MASS = "LBM"
    LEAN_BODY_MASS_JAMES_128 = "LBMJAMES128"
    LEAN_BODY_MASS_JANMAHASATIAN = "LBMJANMA"
    IDEAL_BODY_WEIGHT = "IBW"


class DecayReference(Enum):
    """Decay Correction (0054,1102): the moment to which the voxel values are corrected."""

    START = "START"
    ADMIN = "ADMIN"
    NONE = "NONE"


class Sex(Enum):
    """Patient's Sex (0010,0040)."""

    MALE = "M"
    FEMALE = "F"
    OTHER = "O"


@dataclass(frozen=True, slots=True)
class PetSlice:
    """What one slice (one file, or one frame of a multi-frame file) says of its own acquisition.

    Parameters
    ----------
    position_mm
        Centre of the first voxel, patient (x, y, z), LPS [mm]; it tells which plane of an image this is.
    acquisition_start
        Acquisition Date and Time, (0008,0022) and (0008,0032).
    frame_reference_time_s
        Frame Reference Time (0054,1300): from the series' reference to the moment of the frame's
        average count rate [s].
    frame_duration_s
        Actual Frame Duration (0018,1242) [s].
    decay_factor
        Decay Factor (0054,1321), by which the values were multiplied.
    """

    position_mm: tuple[float, float, float] | None = None
    acquisition_start: datetime | None = None
    frame_reference_time_s: float | None = None
    frame_duration_s: float | None = None
    decay_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PetAcquisition:
    """Everything a standardised uptake value needs, checked for sense; ``None`` where the file is silent.

    All moments stand on one clock: either all have a time zone or none has.

    Parameters
    ----------
    units
        Unit of the values after rescaling, (0054,1001).
    suv_type
        Which uptake value ``GML`` is, (0054,1006).
    decay_reference
        Moment the values are decay-corrected to, (0054,1102).
    decay_corrected_to
        That moment, where the files state it: Decay Correction DateTime (0018,9701) of enhanced PET.
    corrected_image
        Corrections applied, (0028,0051), e.g. ``("DECY", "ATTN")``.
    radionuclide, radionuclide_code, radiopharmaceutical
        Code meaning and value of (0054,0300), and (0018,0031).
    half_life_s
        Radionuclide Half Life (0018,1075), > 0 [s].
    injected_bq
        Radionuclide Total Dose (0018,1074), 1e5 to 1e11 [Bq].
    injection
        Radiopharmaceutical Start DateTime (0018,1078), or the time (0018,1072) with its date found.
    series_start
        Series Date and Time, (0008,0021) and (0008,0031).
    slices
        One per file, in the order they were read.
    weight_kg
        Patient's Weight (0010,1030), up to 700 [kg].
    height_m
        Patient's Size (0010,1020), 0.2 to 2.8 [m].
    sex
        Patient's Sex (0010,0040).
    age
        Patient's Age (0010,1010) as written, e.g. ``"064Y"``.
    manufacturer
        (0008,0070).
    ge_scan_start
        GE private scan date and time (0009,100D).
    siemens_scan_start
        Siemens private decay correction date and time (0071,1022).
    philips_suv_factor
        Philips private SUV scale factor (7053,1000) [g/mL per count].
    philips_activity_factor
        Philips private activity concentration scale factor (7053,1009) [Bq/mL per count].
    notes
        What was noticed and resolved on the way, one sentence each.
    provenance
        Where the facts come from.

    Raises
    ------
    UnitError
        When a magnitude is impossible in its unit (grams, centimetres, MBq, minutes).
    InputError
        When moments with and without a time zone are mixed.

    Examples
    --------
    >>> PetAcquisition(weight_kg=70.0, half_life_s=6586.2).height_m is None
    True
    """

    units: PetUnits | None = None
    suv_type: SuvType | None = None
    decay_reference: DecayReference | None = None
    decay_corrected_to: datetime | None = None
    corrected_image: tuple[str, ...] = ()
    radionuclide: str | None = None
    radionuclide_code: str | None = None
    radiopharmaceutical: str | None = None
    half_life_s: float | None = None
    injected_bq: float | None = None
    injection: datetime | None = None
    series_start: datetime | None = None
    slices: tuple[PetSlice, ...] = ()
    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    age: str | None = None
    manufacturer: str | None = None
    ge_scan_start: datetime | None = None
    siemens_scan_start: datetime | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None
    notes: tuple[str, ...] = ()
    provenance: Record = field(default_factory=lambda: Record("core.PetAcquisition"))

    def __post_init__(self) -> None:
        for name, low, high, unit, attribute, hint in _LIMITS:
            _require_within(getattr(self, name), name, low, high, unit, attribute, hint)
        for part in self.slices:
            _require_within(
                part.frame_duration_s,
                "frame_duration_s",
                0.0,
                1e6,
                "s",
                "Actual Frame Duration (0018,1242)",
                "DICOM states it in ms, this noun in s",
            )
        _require_one_clock(self._moments())

    @property
    def earliest_acquisition_start(self) -> datetime | None:
        """Start of the first slice or bed position, ``None`` when no slice says."""
        return min((s.acquisition_start for s in self.slices if s.acquisition_start), default=None)

    def _moments(self) -> Iterable[datetime | None]:
        yield from (self.injection, self.series_start, self.decay_corrected_to)
        yield from (self.ge_scan_start, self.siemens_scan_start)
        yield from (part.acquisition_start for part in self.slices)


#: Lowest and highest believable height of a patient [m].
HEIGHT_LIMITS_M: Final = (0.2, 2.8)

# name, lowest and highest believable value, unit, attribute, what the usual mistake is
_LIMITS = (
    ("half_life_s", 1.0, 1e10, "s", "Radionuclide Half Life (0018,1075)", "give seconds"),
    (
        "injected_bq",
        1e5,
        1e11,
        "Bq",
        "Radionuclide Total Dose (0018,1074)",
        "it looks like MBq or mCi: correct injected_bq, or read with AcquisitionResolution.ACTIVITY_IN_MBQ",
    ),
    ("weight_kg", 1e-3, 700.0, "kg", "Patient's Weight (0010,1030)", "it looks like grams: state kilograms"),
    (
        "height_m",
        *HEIGHT_LIMITS_M,
        "m",
        "Patient's Size (0010,1020)",
        "it looks like centimetres: state metres",
    ),
    (
        "philips_suv_factor",
        1e-30,
        1e30,
        "g/mL per count",
        "Philips SUV scale factor (7053,1000)",
        "leave it out",
    ),
    (
        "philips_activity_factor",
        1e-30,
        1e30,
        "Bq/mL per count",
        "Philips activity concentration scale factor (7053,1009)",
        "leave it out",
    ),
)


def _require_within(
    value: float | None, name: str, low: float, high: float, unit: str, attribute: str, hint: str
) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise UnitError(f"{name}, {attribute}, must be {low:g} to {high:g} [{unit}]; got {value!r}; {hint}")


def _require_one_clock(moments: Iterable[datetime | None]) -> None:
    zoned = {moment.utcoffset() is not None for moment in moments if moment is not None}
    if len(zoned) > 1:
        raise InputError(
            "moments of one acquisition must all have a time zone or all have none; got both; "
            "give Timezone Offset From UTC (0008,0201) for the ones without"
        )
