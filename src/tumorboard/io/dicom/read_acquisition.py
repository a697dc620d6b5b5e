"""How a PET series was acquired, from its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex, SuvType
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom import times
from tumorboard.io.dicom.private_elements import PrivateCreator, private_text
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.study import Quarantined, Series
from tumorboard.provenance import Record
from tumorboard.units import BQ_PER_MBQ, S_PER_H, S_PER_MS

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["AcquisitionResolution", "pet_acquisition_of", "read_pet_acquisition"]

_Value = TypeVar("_Value")
_Terms = TypeVar("_Terms", bound=Enum)

_MBQ_LIMIT_BQ = 1e5
# An injection time without a date is dated only where a day earlier or later is impossible to image.
_LONGEST_DATED_HALF_LIFE_S = 4 * S_PER_H


class AcquisitionResolution(Enum):
    """Ways out of a contradiction in the files, each taken only when asked for, and then noted."""

    INJECTION_ON_SCAN_DATE = "injection_on_scan_date"
    """Take only the time of day of the injection, and the latest date that fits the scan
    (for files in which de-identification shifted one date and not the other)."""
    ACTIVITY_IN_MBQ = "activity_in_mbq"
    """Read a Radionuclide Total Dose below 1e5 as megabecquerel."""


def read_pet_acquisition(
    series: Series,
    *,
    limits: Limits | None = None,
    jobs: int = 2,
    resolutions: Collection[AcquisitionResolution] = (),
    corrections: Mapping[str, Any] | None = None,
) -> PetAcquisition:
    """Read the acquisition of a PET series from its files.

    Parameters
    ----------
    series
        A PET series that :func:`~tumorboard.io.dicom.scan` found.
    limits
        What a file may cost to parse; the default limits when ``None``.
    jobs
        Number of processes that parse.
    resolutions, corrections
        As in :func:`pet_acquisition_of`.

    Raises
    ------
    UnreadableFile
        When a file of the series cannot be read.
    InputError
        As in :func:`pet_acquisition_of`.
    """
    found = read_datasets(series.paths, limits=limits or Limits(), jobs=jobs, stop_before_pixels=True)
    datasets: list[Dataset] = []
    for item in found:
        if isinstance(item, Quarantined):
            raise UnreadableFile(
                f"every file of PET series {series.uid} must be readable; {item.path.name} is not: "
                f"{item.reason}; leave the file out of the folder"
            )
        datasets.append(item)
    return pet_acquisition_of(datasets, resolutions=resolutions, corrections=corrections)


def pet_acquisition_of(
    datasets: Sequence[Dataset],
    *,
    resolutions: Collection[AcquisitionResolution] = (),
    corrections: Mapping[str, Any] | None = None,
) -> PetAcquisition:
    """Take the acquisition of a PET series from its data sets, which need no pixels [1]_.

    An empty value, and a weight, height, activity, half-life or vendor factor of zero, count as absent.
    Nothing is guessed: a value that cannot be read is left out and noted.

    Parameters
    ----------
    datasets
        One per file, of one series.
    resolutions
        Ways out of contradictions that may be taken.
    corrections
        Values that replace the files', by field of :class:`~tumorboard.core.acquisition.PetAcquisition`,
        e.g. ``{"weight_kg": 70.0}``; each is noted.

    Raises
    ------
    InputError
        When there is no data set, the files disagree about the patient, tracer or units, a defined term
        is not DICOM's, or a correction has no such field.
    UnitError
        When a magnitude is impossible in its unit.

    References
    ----------
    .. [1] dicomPS33
    """
    if not datasets:
        raise InputError(
            "datasets must hold at least one file of a PET series; got none; pass the series' files"
        )
    reader = _Reader(datasets)
    resolutions = frozenset(resolutions)
    facts = _series_facts(reader)
    facts["injected_bq"] = _injected_bq(reader, resolutions)
    facts |= _vendor_facts(reader)
    facts["slices"] = tuple(_slice_of(reader, dataset) for dataset in datasets)
    facts["injection"] = _injection(reader, facts, resolutions)
    for name, value in (corrections or {}).items():
        if name not in PetAcquisition.__dataclass_fields__ or name in ("notes", "provenance"):
            raise InputError(f"corrections must name fields of PetAcquisition; got {name!r}; see there")
        reader.note(f"{name} was corrected by the caller from {facts.get(name)!s} to {value!s}")
        facts[name] = value
    record = Record(
        "io.dicom.pet_acquisition_of",
        {
            "series": str(datasets[0].get("SeriesInstanceUID", "")),
            "resolutions": sorted(item.value for item in resolutions),
            "corrections": {name: str(value) for name, value in (corrections or {}).items()},
        },
        references=("dicomPS33",),
    )
    return PetAcquisition(**facts, notes=tuple(dict.fromkeys(reader.notes)), provenance=record)


class _Reader:
    """Values of a series by keyword: stripped, the same in every file, and noted when unreadable."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = datasets
        self.notes: list[str] = []
        items = [dataset.get("RadiopharmaceuticalInformationSequence") or [None] for dataset in datasets]
        if max(len(item) for item in items) > 1:
            raise InputError(
                "Radiopharmaceutical Information Sequence (0054,0016) must have one item; got several; "
                "a standardised uptake value of a mixture of tracers is not defined"
            )
        self.tracers = [item[0] for item in items if item[0] is not None]
        zone = self.one(datasets, "TimezoneOffsetFromUTC", times.parse_utc_offset)
        self.zone: timezone | None = zone

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def one(
        self, sources: Sequence[Dataset], keyword: str, parse: Callable[[str], _Value | None]
    ) -> _Value | None:
        """Return the value that the files agree on; an empty value agrees with any."""
        texts = dict.fromkeys(text for source in sources if (text := _text(source, keyword)))
        values = list(
            dict.fromkeys(v for text in texts if (v := self.read(keyword, text, parse)) is not None)
        )
        if len(values) > 1:
            raise InputError(
                f"{keyword} must be the same in every file of the series; got "
                f"{', '.join(map(str, values[:4]))}; split the series, or correct the files"
            )
        return values[0] if values else None

    def read(self, keyword: str, text: str, parse: Callable[[str], _Value | None]) -> _Value | None:
        try:
            return parse(text)
        except InputError:
            raise
        except ValueError:
            self.note(f"{keyword} is unreadable and left out: {text!r}")
            return None

    def moment(self, keyword: str, parse: Callable[[], datetime | None]) -> datetime | None:
        """Return a moment on the clock of the files; an unreadable one is left out and noted."""
        try:
            moment = parse()
        except InputError as reason:
            self.note(f"{keyword} is left out: {reason}")
            return None
        if moment is None:
            return None
        if self.zone is None and moment.tzinfo is not None:
            self.note(
                f"{keyword} has a time zone and the file's other times have none: taken as the same clock"
            )
        return times.on_clock(moment, self.zone)


def _series_facts(reader: _Reader) -> dict[str, Any]:
    files, tracers = reader.datasets, reader.tracers
    first = files[0]
    codes = [code for tracer in tracers for code in (tracer.get("RadionuclideCodeSequence") or [])]
    corrected = first.get("CorrectedImage") or ()
    return {
        "units": reader.one(files, "Units", _term_of(PetUnits, "Units (0054,1001)")),
        "suv_type": reader.one(files, "SUVType", _term_of(SuvType, "SUV Type (0054,1006)")),
        "decay_reference": reader.one(
            files, "DecayCorrection", _term_of(DecayReference, "Decay Correction (0054,1102)")
        ),
        "corrected_image": (corrected,) if isinstance(corrected, str) else tuple(map(str, corrected)),
        "radionuclide": reader.one(codes, "CodeMeaning", str),
        "radionuclide_code": reader.one(codes, "CodeValue", str),
        "radiopharmaceutical": reader.one(tracers, "Radiopharmaceutical", str),
        "half_life_s": reader.one(tracers, "RadionuclideHalfLife", _nonzero),
        "series_start": _series_start(reader),
        "weight_kg": reader.one(files, "PatientWeight", _nonzero),
        "height_m": reader.one(files, "PatientSize", _nonzero),
        "sex": reader.one(files, "PatientSex", Sex),
        "age": reader.one(files, "PatientAge", str),
        "manufacturer": reader.one(files, "Manufacturer", str),
    }


def _series_start(reader: _Reader) -> datetime | None:
    def start_of(dataset: Dataset) -> datetime | None:
        return reader.moment(
            "Series Date and Time (0008,0021), (0008,0031)",
            lambda: times.combine(
                _text(dataset, "SeriesDate"), _text(dataset, "SeriesTime"), zone=reader.zone
            ),
        )

    starts = [start_of(dataset) for dataset in _distinct(reader.datasets, "SeriesDate", "SeriesTime")]
    return min((start for start in starts if start is not None), default=None)


def _slice_of(reader: _Reader, dataset: Dataset) -> PetSlice:
    position = dataset.get("ImagePositionPatient")
    try:
        position_mm = tuple(float(v) for v in position) if position else None
    except (TypeError, ValueError):
        position_mm = None

    def number(keyword: str, scale: float = 1.0) -> float | None:
        text = _text(dataset, keyword)
        value = reader.read(keyword, text, float) if text else None
        return None if value is None else value * scale

    def start() -> datetime | None:
        # Some writers give only the joint attribute.
        return times.combine(
            _text(dataset, "AcquisitionDate"), _text(dataset, "AcquisitionTime"), zone=reader.zone
        ) or times.parse_datetime(_text(dataset, "AcquisitionDateTime"), zone=reader.zone)

    return PetSlice(
        position_mm=position_mm if position_mm is not None and len(position_mm) == 3 else None,
        acquisition_start=reader.moment("Acquisition Date and Time (0008,0022), (0008,0032)", start),
        frame_reference_time_s=number("FrameReferenceTime", S_PER_MS),
        frame_duration_s=number("ActualFrameDuration", S_PER_MS),
        decay_factor=number("DecayFactor"),
    )


def _injected_bq(reader: _Reader, resolutions: Collection[AcquisitionResolution]) -> float | None:
    dose = reader.one(reader.tracers, "RadionuclideTotalDose", _nonzero)
    wanted = AcquisitionResolution.ACTIVITY_IN_MBQ in resolutions
    if dose is None or dose >= _MBQ_LIMIT_BQ or not wanted:
        return dose
    reader.note(f"Radionuclide Total Dose (0018,1074) of {dose:g} was read as MBq, as asked")
    return dose * BQ_PER_MBQ


def _vendor_facts(reader: _Reader) -> dict[str, Any]:
    first = reader.datasets[0]

    def moment(group: int, element: int, creator: PrivateCreator, name: str) -> datetime | None:
        text = private_text(first, group, element, creator=creator)
        return reader.moment(name, lambda: times.parse_datetime(text, zone=reader.zone))

    def factor(element: int, name: str) -> float | None:
        text = private_text(first, 0x7053, element, creator=PrivateCreator.PHILIPS)
        value = reader.read(name, text, float) if text else None
        return value if value is not None and value > 0 else None

    return {
        "ge_scan_start": moment(0x0009, 0x0D, PrivateCreator.GE, "GE scan date and time (0009,100D)"),
        "siemens_scan_start": moment(0x0071, 0x22, PrivateCreator.SIEMENS, "Siemens decay time (0071,1022)"),
        "philips_suv_factor": factor(0x00, "Philips SUV scale factor (7053,1000)"),
        "philips_activity_factor": factor(0x09, "Philips activity concentration scale factor (7053,1009)"),
    }


def _injection(
    reader: _Reader, facts: Mapping[str, Any], resolutions: Collection[AcquisitionResolution]
) -> datetime | None:
    """Return when the tracer was given: as dated, or its time of day on the date that fits the scan."""
    stated = reader.moment(
        "Radiopharmaceutical Start DateTime (0018,1078)",
        lambda: reader.one(
            reader.tracers,
            "RadiopharmaceuticalStartDateTime",
            lambda text: times.parse_datetime(text, zone=reader.zone),
        ),
    ) or reader.moment(
        "GE administration date and time (0009,103B)",
        lambda: times.parse_datetime(
            private_text(reader.datasets[0], 0x0009, 0x3B, creator=PrivateCreator.GE), zone=reader.zone
        ),
    )
    redate = AcquisitionResolution.INJECTION_ON_SCAN_DATE in resolutions
    if stated is not None and not redate:
        return stated
    try:
        time_of_day = (
            stated.time()
            if stated is not None
            else reader.one(reader.tracers, "RadiopharmaceuticalStartTime", times.parse_time)
        )
    except InputError as reason:
        reader.note(f"Radiopharmaceutical Start Time (0018,1072) is left out: {reason}")
        return None
    last = _latest_possible_injection(reader, facts)
    half_life_s = facts["half_life_s"]
    if time_of_day is None or last is None:
        return None
    if half_life_s is not None and half_life_s > _LONGEST_DATED_HALF_LIFE_S and not redate:
        reader.note(
            "Radiopharmaceutical Start Time (0018,1072) has no date, and a tracer this long-lived may "
            "have been given on an earlier day: the injection is left out"
        )
        return None
    injection = times.latest_at_time_of_day(time_of_day, not_after=last)
    why = "as asked" if stated is not None else "its attribute (0018,1078) is absent"
    reader.note(f"the date of the injection is the latest that fits the scan, {injection.isoformat()}: {why}")
    return injection


def _latest_possible_injection(reader: _Reader, facts: Mapping[str, Any]) -> datetime | None:
    slices: tuple[PetSlice, ...] = facts["slices"]
    starts = [part.acquisition_start for part in slices if part.acquisition_start is not None]
    if not starts:
        series_start: datetime | None = facts["series_start"]
        return series_start
    series_type = reader.datasets[0].get("SeriesType") or ("",)
    if (series_type if isinstance(series_type, str) else series_type[0]) != "DYNAMIC":
        return min(starts)
    # A dynamic scan often runs already when the tracer is given.
    first = min(part.frame_duration_s or 0.0 for part in slices)
    return max(starts) + timedelta(seconds=first)


def _distinct(datasets: Sequence[Dataset], *keywords: str) -> list[Dataset]:
    return list({tuple(_text(d, k) for k in keywords): d for d in datasets}.values())


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def _nonzero(text: str) -> float | None:
    return float(text) or None


def _term_of(terms: type[_Terms], attribute: str) -> Callable[[str], _Terms]:
    def parse(text: str) -> _Terms:
        try:
            return terms(text)
        except ValueError as reason:
            known = ", ".join(str(term.value) for term in terms)
            raise InputError(
                f"{attribute} must be one of {known}; got {text!r}; correct the file"
            ) from reason

    return parse
