"""What a scan of a folder found: files, series, and what was put in quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tumorboard.errors import InputError

__all__ = ["FileHeader", "Quarantined", "Series", "Study"]


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What the header scan keeps of one DICOM file. Text is stripped; ``None`` or ``""`` is absent.

    All values are the file's own, unchecked for sense: geometry is judged where volumes are assembled.

    Parameters
    ----------
    path, file_size
        Where it is, and how many bytes it has.
    transfer_syntax_uid, sop_class_uid, sop_instance_uid, study_instance_uid, series_instance_uid
        Digits and dots.
    modality, patient_id, series_description, series_number, instance_number, acquisition_number, image_type
        As in the file.
    frame_of_reference_uid
        Space in which the positions are.
    rows, columns, number_of_frames
        Size of a frame [pixel], and how many there are.
    bits_allocated, bits_stored, pixel_representation, samples_per_pixel, photometric_interpretation
        How values are stored; a representation of 1 is signed.
    image_position_mm
        Centre of the first pixel, x, y, z in patient coordinates (LPS) [mm].
    image_orientation
        Direction along a row, then along a column, three cosines each.
    pixel_spacing_mm
        Between rows, then between columns [mm].
    slice_thickness_mm, spacing_between_slices_mm
        As stated, which need not be the distance between slices [mm].
    rescale_slope, rescale_intercept, rescale_type
        Value = stored x slope + intercept.
    units
        PET and NM: Units (0054,1001), e.g. ``"BQML"``, ``"GML"``.
    suv_type
        SUV Type (0054,1006), e.g. ``"LBM"``; ``""`` means body weight when the units are ``"GML"``.
    acquisition_date, acquisition_time, acquisition_datetime, content_time
        As written, YYYYMMDD and HHMMSS.FFFFFF.
    frame_reference_time_ms, actual_frame_duration_ms, trigger_time_ms
        PET: reference time after the start of the series, duration; MR: delay after the trigger [ms].
    decay_factor
        PET: by which the values of this slice were multiplied to correct for decay.
    temporal_position
        Number in a series of volumes.
    echo_time_ms
        MR [ms].
    diffusion_b_value
        MR [s/mm2].
    pixel_offset
        Where uncompressed pixel data begin in the file [byte]; None when absent, compressed or unusual.
    pixel_length
        Length that the file states for its pixel data [byte].
    """

    path: Path
    file_size: int
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str = ""
    patient_id: str = ""
    series_description: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    acquisition_number: int | None = None
    image_type: tuple[str, ...] = ()
    frame_of_reference_uid: str = ""
    rows: int | None = None
    columns: int | None = None
    number_of_frames: int = 1
    bits_allocated: int | None = None
    bits_stored: int | None = None
    pixel_representation: int | None = None
    samples_per_pixel: int = 1
    photometric_interpretation: str = ""
    image_position_mm: tuple[float, ...] | None = None
    image_orientation: tuple[float, ...] | None = None
    pixel_spacing_mm: tuple[float, ...] | None = None
    slice_thickness_mm: float | None = None
    spacing_between_slices_mm: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    rescale_type: str = ""
    units: str = ""
    suv_type: str = ""
    acquisition_date: str = ""
    acquisition_time: str = ""
    acquisition_datetime: str = ""
    content_time: str = ""
    frame_reference_time_ms: float | None = None
    actual_frame_duration_ms: float | None = None
    decay_factor: float | None = None
    trigger_time_ms: float | None = None
    temporal_position: int | None = None
    echo_time_ms: float | None = None
    diffusion_b_value: float | None = None
    pixel_offset: int | None = None
    pixel_length: int | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that was set aside, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Series:
    """Files that share one Series Instance UID and kind of object.

    Parameters
    ----------
    uid, study_uid, sop_class_uid
        Of the series, its study and its kind of object.
    modality, description
        Of its first file.
    headers
        One per file, in no meaningful order: readers sort by geometry.
    notes
        What was noticed and resolved on the way, one sentence each (e.g. identical duplicates dropped).
    """

    uid: str
    study_uid: str
    modality: str
    sop_class_uid: str
    description: str
    headers: tuple[FileHeader, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.headers:
            raise InputError(f"series {self.uid} must have at least one file; got none")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, sorted by path."""
        return tuple(sorted(h.path for h in self.headers))


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that :func:`~tumorboard.io.dicom.scan` found below a folder.

    Parameters
    ----------
    folder
        Where the scan began.
    series
        Ordered by patient, study, series number, UID.
    quarantined
        Files set aside, with the reason; the rest of the study is unaffected.
    ignored
        Files that are not DICOM at all (e.g. a LICENSE), never an error.
    """

    folder: Path
    series: tuple[Series, ...]
    quarantined: tuple[Quarantined, ...] = ()
    ignored: tuple[Path, ...] = field(default=())

    def by_modality(self, *modalities: str) -> tuple[Series, ...]:
        """Return the series whose modality is one of ``modalities``, e.g. ``"CT"``, ``"PT"``."""
        return tuple(s for s in self.series if s.modality in modalities)
