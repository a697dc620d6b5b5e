"""How a PET series was acquired, from its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorboard.core.acquisition import (
    HEIGHT_LIMITS_M,
    DecayReference,
    PetAcquisition,
    PetSlice,
    PetUnits,
    Sex,
    SuvType,
)
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom import times
from tumorboard.io.dicom.acquired_slices import slice_of_dataset, slice_of_header, slices_of_frames
from tumorboard.io.dicom.enhanced_pet import is_enhanced_pet, series_level
from tumorboard.io.dicom.injected_activity import AcquisitionResolution, injected_activity
from tumorboard.io.dicom.injection_moment import injection_moment
from tumorboard.io.dicom.private_elements import PrivateCreator, private_text
from tumorboard.io.dicom.radionuclide_codes import nuclide_of_code
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.series_values import SeriesValues, distinct, nonzero, term_of, text_of
from tumorboard.io.dicom.study import FileHeader, Quarantined, Series
from tumorboard.provenance import Record

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["pet_acquisition_of", "read_pet_acquisition"]

_SAME_MOMENT: Final = timedelta(seconds=1)


def read_pet_acquisition(
    series: Series,
    *,
    limits: Limits | None = None,
    jobs: int = 2,
    resolutions: Collection[AcquisitionResolution] = (),
    corrections: Mapping[str, Any] | None = None,
) -> PetAcquisition:
    """Read the acquisition of a PET series from its files.

    What each slice says for itself is in the headers of the scan. What all files share (patient, tracer,
    decay correction, private elements) is read from the first file, the outermost in space, and the earliest
    and the latest, which must agree; the unit of the values must be the same in all headers. The files in
    between are taken to say what these say. Multi-frame files are all read. The result is that of
    :func:`pet_acquisition_of` over all files, at a fraction of the time.

    Parameters
    ----------
    series
        A PET series that :func:`~tumorboard.io.dicom.scan` found.
    limits
        What a file may cost to parse; the default limits when ``None``.
    jobs
        Number of processes that parse multi-frame files; the few others need one.
    resolutions, corrections
        As in :func:`pet_acquisition_of`.

    Raises
    ------
    UnreadableFile
        When a file cannot be read.
    InputError
        As in :func:`pet_acquisition_of`.
    """
    limits = limits or Limits()
    if any(header.number_of_frames > 1 for header in series.headers):
        datasets = _read(series, series.paths, limits=limits, jobs=jobs)
        return pet_acquisition_of(datasets, resolutions=resolutions, corrections=corrections)
    headers = sorted(series.headers, key=lambda header: header.path)
    values = SeriesValues(_read(series, _spokesmen(headers), limits=limits, jobs=1))
    for name in ("units", "suv_type"):
        values.agreed(name, [getattr(header, name) for header in headers], str)
    return _acquisition(
        values,
        lambda: tuple(slice_of_header(values, header) for header in headers),
        resolutions=resolutions,
        corrections=corrections,
    )


def pet_acquisition_of(
    datasets: Sequence[Dataset],
    *,
    resolutions: Collection[AcquisitionResolution] = (),
    corrections: Mapping[str, Any] | None = None,
) -> PetAcquisition:
    """Take the acquisition of a PET series from its data sets, which need no pixels [1]_.

    An empty value, and a weight, height, activity, half-life or vendor factor of zero, count as absent.
    Nothing is guessed: a value that cannot be read is left out and noted, and the injected activity is read
    as MBq only where no other unit is possible
    (see :func:`~tumorboard.io.dicom.injected_activity.injected_activity`), which is noted too.

    Parameters
    ----------
    datasets
        One per file, of one series: PET or nuclear medicine, classic or enhanced.
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
    values = SeriesValues([series_level(d) if is_enhanced_pet(d) else d for d in datasets])

    def slices() -> tuple[PetSlice, ...]:
        found: list[PetSlice] = []
        for dataset in datasets:
            found += (
                slices_of_frames(values, dataset)
                if is_enhanced_pet(dataset)
                else [slice_of_dataset(values, dataset)]
            )
        return tuple(found)

    return _acquisition(values, slices, resolutions=resolutions, corrections=corrections)


def _acquisition(
    values: SeriesValues,
    slices: Callable[[], tuple[PetSlice, ...]],
    *,
    resolutions: Collection[AcquisitionResolution],
    corrections: Mapping[str, Any] | None,
) -> PetAcquisition:
    corrections, resolutions = corrections or {}, frozenset(resolutions)
    for name in corrections:
        if name not in PetAcquisition.__dataclass_fields__ or name in ("notes", "provenance"):
            raise InputError(f"corrections must name fields of PetAcquisition; got {name!r}; see there")
    facts = _series_facts(values)
    facts["injected_bq"], dose_unit = injected_activity(values, {**facts, **corrections}, resolutions)
    facts |= _vendor_facts(values)
    facts["slices"] = slices()
    facts["injection"] = injection_moment(values, facts, resolutions)
    if _is_corrected_to_injection(facts):
        facts["decay_reference"] = DecayReference.ADMIN
    for name, value in corrections.items():
        values.note(f"{name} was corrected by the caller from {facts.get(name)!s} to {value!s}")
        facts[name] = value
    record = Record(
        "io.dicom.pet_acquisition_of",
        {
            "series": text_of(values.datasets[0], "SeriesInstanceUID"),
            "radionuclide_total_dose_unit": dose_unit.value if dose_unit else None,
            "resolutions": sorted(item.value for item in resolutions),
            "corrections": {name: str(value) for name, value in corrections.items()},
        },
        references=("dicomPS33",),
    )
    return PetAcquisition(**facts, notes=tuple(dict.fromkeys(values.notes)), provenance=record)


def _read(series: Series, paths: Sequence[Path], *, limits: Limits, jobs: int) -> list[Dataset]:
    datasets: list[Dataset] = []
    for item in read_datasets(paths, limits=limits, jobs=jobs, stop_before_pixels=True):
        if isinstance(item, Quarantined):
            raise UnreadableFile(
                f"every file of PET series {series.uid} must be readable; {item.path.name} is not: "
                f"{item.reason}; leave the file out of the folder"
            )
        datasets.append(item)
    return datasets


def _spokesmen(headers: Sequence[FileHeader]) -> list[Path]:
    """Return the first file, the outermost in space, and the earliest and latest."""
    chosen = {headers[0].path}
    placed = [header for header in headers if len(header.image_position_mm or ()) == 3]
    for axis in range(3):
        along = [(header.image_position_mm or (0.0, 0.0, 0.0))[axis] for header in placed]
        if along and min(along) < max(along):
            chosen |= {placed[along.index(min(along))].path, placed[along.index(max(along))].path}
    when = [
        (h.acquisition_date, h.acquisition_time, h.acquisition_datetime, h.frame_reference_time_ms or 0.0)
        for h in headers
    ]
    chosen |= {headers[when.index(min(when))].path, headers[when.index(max(when))].path}
    return sorted(chosen)


def _series_facts(values: SeriesValues) -> dict[str, Any]:
    files, tracers = values.datasets, values.tracers
    codes = [code for tracer in tracers for code in (tracer.get("RadionuclideCodeSequence") or [])]
    return {
        "units": values.one(files, "Units", term_of(PetUnits, "Units (0054,1001)")),
        "suv_type": values.one(files, "SUVType", term_of(SuvType, "SUV Type (0054,1006)")),
        "decay_reference": values.one(
            files, "DecayCorrection", term_of(DecayReference, "Decay Correction (0054,1102)")
        ),
        "decay_corrected_to": _decay_corrected_to(values),
        "corrected_image": _corrected_image(values),
        "radionuclide": _radionuclide(values, codes),
        "radionuclide_code": values.one(codes, "CodeValue", str),
        "radiopharmaceutical": values.one(tracers, "Radiopharmaceutical", str),
        "half_life_s": values.one(tracers, "RadionuclideHalfLife", nonzero),
        "series_start": _series_start(values),
        "weight_kg": values.one(files, "PatientWeight", nonzero),
        "height_m": _height_m(values),
        "sex": values.one(files, "PatientSex", Sex),
        "age": values.one(files, "PatientAge", str),
        "manufacturer": values.one(files, "Manufacturer", str),
    }


def _radionuclide(values: SeriesValues, codes: Sequence[Dataset]) -> str | None:
    """Return the nuclide by its name, or by its code where the name is none; what contradicts is noted."""
    meaning: str | None = values.one(codes, "CodeMeaning", str)
    code: str | None = values.one(codes, "CodeValue", str)
    scheme: str | None = values.one(codes, "CodingSchemeDesignator", str)
    coded = nuclide_of_code(code or "", scheme or "")
    if coded is None:
        return meaning
    named = _nuclide_name(meaning)
    stated = f"{code} ({scheme or 'no scheme'})"
    if named is None:
        values.note(
            f"Radionuclide Code Sequence (0054,0300) has the code {stated} of {coded}; its Code Meaning "
            f"(0008,0104), {meaning or 'absent'}, names no nuclide: taken by the code"
        )
        return coded
    if named != coded:
        values.note(
            f"Radionuclide Code Sequence (0054,0300) contradicts itself: {stated} is {coded}, Code Meaning "
            f"(0008,0104) is {meaning}, which was taken"
        )
    return meaning


def _nuclide_name(meaning: str | None) -> str | None:
    try:
        return Nuclide.named(meaning or "").name
    except InputError:
        return None


def _height_m(values: SeriesValues) -> float | None:
    """Return the height, or nothing and a note where it cannot be metres: most uptake values need none."""
    stated: float | None = values.one(values.datasets, "PatientSize", nonzero)
    if stated is None or HEIGHT_LIMITS_M[0] <= stated <= HEIGHT_LIMITS_M[1]:
        return stated
    values.note(
        f"Patient's Size (0010,1020) of {stated:g} m is impossible and was left out: uptake values by lean "
        "body mass, ideal weight or surface area need it"
    )
    return None


def _corrected_image(values: SeriesValues) -> tuple[str, ...]:
    stated = [dataset.get("CorrectedImage") or () for dataset in values.datasets]
    texts = ["\\".join([words] if isinstance(words, str) else map(str, words)) for words in stated]
    agreed = values.agreed("CorrectedImage", texts, str)
    return tuple(agreed.split("\\")) if agreed else ()


def _decay_corrected_to(values: SeriesValues) -> datetime | None:
    enhanced = [dataset for dataset in values.datasets if is_enhanced_pet(dataset)]
    return values.moment(
        "Decay Correction DateTime (0018,9701)",
        lambda: values.one(
            enhanced, "DecayCorrectionDateTime", lambda text: times.parse_datetime(text, zone=values.zone)
        ),
    )


def _is_corrected_to_injection(facts: Mapping[str, Any]) -> bool:
    reference, injection = facts["decay_corrected_to"], facts["injection"]
    return reference is not None and injection is not None and abs(reference - injection) < _SAME_MOMENT


def _series_start(values: SeriesValues) -> datetime | None:
    def start_of(dataset: Dataset) -> datetime | None:
        return values.moment(
            "Series Date and Time (0008,0021), (0008,0031)",
            lambda: times.combine(
                text_of(dataset, "SeriesDate"), text_of(dataset, "SeriesTime"), zone=values.zone
            ),
        )

    starts = [start_of(dataset) for dataset in distinct(values.datasets, "SeriesDate", "SeriesTime")]
    return min((start for start in starts if start is not None), default=None)


def _vendor_facts(values: SeriesValues) -> dict[str, Any]:
    def texts(group: int, element: int, creator: PrivateCreator) -> list[str]:
        return [private_text(dataset, group, element, creator=creator) for dataset in values.datasets]

    def moment(group: int, element: int, creator: PrivateCreator, name: str) -> datetime | None:
        stated = texts(group, element, creator)
        return values.moment(
            name,
            lambda: values.agreed(name, stated, lambda text: times.parse_datetime(text, zone=values.zone)),
        )

    def factor(element: int, name: str) -> float | None:
        value = values.agreed(name, texts(0x7053, element, PrivateCreator.PHILIPS), float)
        return value if value is not None and value > 0 else None

    return {
        "ge_scan_start": moment(0x0009, 0x0D, PrivateCreator.GE, "GE scan date and time (0009,100D)"),
        "siemens_scan_start": moment(0x0071, 0x22, PrivateCreator.SIEMENS, "Siemens decay time (0071,1022)"),
        "philips_suv_factor": factor(0x00, "Philips SUV scale factor (7053,1000)"),
        "philips_activity_factor": factor(0x09, "Philips activity concentration scale factor (7053,1009)"),
    }
