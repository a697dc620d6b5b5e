"""The modules of DICOM PS3.3 that all written objects share: patient, study, series, equipment, plane."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

import tumorboard
from tumorboard.core.grid import Grid
from tumorboard.io.dicom.identity import StudyIdentity, require_text, require_uid
from tumorboard.io.files import atomic_write

__all__ = [
    "IMPLEMENTATION_CLASS_UID",
    "MANUFACTURER",
    "PURPOSE",
    "add_equipment",
    "add_frame_of_reference",
    "add_patient_and_study",
    "add_plane",
    "add_series",
    "as_date",
    "as_datetime",
    "as_decimals",
    "as_time",
    "coded",
    "content_digest",
    "new_dataset",
    "right_handed",
    "save",
]

MANUFACTURER: Final = "tumorboard"
PURPOSE: Final = "Research use only. Not for diagnosis or treatment."
#: Implementation Class UID (0002,0012), made once with ``make_uid("implementation", seed="tumorboard")``.
IMPLEMENTATION_CLASS_UID: Final = "2.25.87933189762227929321080640379388106673"


def new_dataset(sop_class_uid: str, sop_instance_uid: str, *, transfer_syntax: str | None = None) -> Dataset:
    """Return a dataset with its file meta information; explicit little endian unless told."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax or ExplicitVRLittleEndian)
    dataset.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    dataset.file_meta.ImplementationVersionName = "TUMORBOARD"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = sop_instance_uid
    return dataset


def add_patient_and_study(dataset: Dataset, study: StudyIdentity) -> None:
    """Add the Patient and General Study modules (C.7.1.1, C.7.2.1)."""
    patient = study.patient
    dataset.PatientName = patient.patient_name
    dataset.PatientID = patient.patient_id
    dataset.PatientBirthDate = as_date(patient.birth_date) if patient.birth_date else ""
    dataset.PatientSex = patient.sex.value if patient.sex else ""
    dataset.StudyInstanceUID = study.study_instance_uid
    dataset.StudyID = study.study_id
    dataset.StudyDate = as_date(study.start)
    dataset.StudyTime = as_time(study.start)
    dataset.StudyDescription = study.description
    dataset.AccessionNumber = study.accession_number
    dataset.ReferringPhysicianName = study.referring_physician
    if study.start.utcoffset() is not None:
        dataset.TimezoneOffsetFromUTC = study.start.strftime("%z")[:5]


def add_series(
    dataset: Dataset,
    *,
    modality: str,
    series_instance_uid: str,
    number: int,
    description: str,
    start: datetime,
) -> None:
    """Add the General Series module (C.7.3.1)."""
    require_text("description of the series", description, longest=64)
    dataset.Modality = modality
    dataset.SeriesInstanceUID = series_instance_uid
    dataset.SeriesNumber = number
    dataset.SeriesDescription = description
    dataset.SeriesDate = as_date(start)
    dataset.SeriesTime = as_time(start)


def add_equipment(dataset: Dataset) -> None:
    """Add the General Equipment module (C.7.5.1) and say what this software is for."""
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MANUFACTURER
    dataset.DeviceSerialNumber = "none"
    dataset.SoftwareVersions = tumorboard.__version__
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded("109102", "DCM", "Processing Equipment")]
    item.Manufacturer = MANUFACTURER
    item.ManufacturerModelName = MANUFACTURER
    item.SoftwareVersions = tumorboard.__version__
    item.ContributionDescription = PURPOSE
    dataset.ContributingEquipmentSequence = [item]


def add_frame_of_reference(dataset: Dataset, frame_of_reference: str) -> None:
    """Add the Frame of Reference module (C.7.4.1)."""
    require_uid("frame_of_reference", frame_of_reference)
    dataset.FrameOfReferenceUID = frame_of_reference
    dataset.PositionReferenceIndicator = ""


def add_plane(dataset: Dataset, grid: Grid, plane: int) -> None:
    """Add the Image Plane module (C.7.6.2) for one plane of a grid."""
    dataset.PixelSpacing = as_decimals(grid.spacing_mm[1:])
    dataset.SliceThickness = as_decimals(grid.spacing_mm[:1])[0]
    # "Row" cosines are the direction in which the column index grows: the grid's x axis. What is below
    # 1e-12 is arithmetic's rest, and ITK's decomposition of the directions fails on denormal numbers.
    cosines = np.round([*grid.direction[:, 2], *grid.direction[:, 1]], 12)
    dataset.ImageOrientationPatient = as_decimals(cosines)
    dataset.ImagePositionPatient = as_decimals(grid.index_to_patient((plane, 0, 0)))
    dataset.Rows, dataset.Columns = grid.shape[1:]


def right_handed(values: NDArray[Any], grid: Grid) -> tuple[NDArray[Any], Grid]:
    """Return values of shape ``grid.shape`` with planes in the direction of their normal, rows x columns.

    DICOM has no left-handed volumes: planes are ordered along the cross product of row and column
    directions. A right-handed grid comes back as it is.
    """
    normal = np.cross(grid.direction[:, 2], grid.direction[:, 1])
    if normal @ grid.direction[:, 0] > 0:
        return values, grid
    direction = grid.direction * (-1.0, 1.0, 1.0)
    last = grid.index_to_patient((grid.shape[0] - 1, 0, 0))
    flipped = Grid(grid.shape, grid.spacing_mm, last, direction, frame_of_reference=grid.frame_of_reference)
    return values[::-1], flipped


def save(dataset: Dataset, path: Path) -> None:
    """Write a dataset to ``path``, whole or not at all."""
    with atomic_write(path) as partial:
        dataset.save_as(partial, enforce_file_format=True)


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """Return one item of a code sequence."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def as_decimals(values: Iterable[float] | NDArray[Any]) -> list[str]:
    """Return numbers, shape ``(n,)``, as Decimal Strings of at most 16 characters, the nearest that fit."""
    return [format_number_as_ds(float(value)) for value in values]


def as_date(moment: date) -> str:
    """Return a DICOM date."""
    return moment.strftime("%Y%m%d")


def as_time(moment: datetime) -> str:
    """Return a DICOM time with microseconds where there are any."""
    return moment.strftime("%H%M%S.%f" if moment.microsecond else "%H%M%S")


def as_datetime(moment: datetime) -> str:
    """Return a DICOM date-time, with its offset where there is one."""
    return as_date(moment) + as_time(moment) + moment.strftime("%z")[:5]


def content_digest(*parts: NDArray[Any] | str) -> str:
    """Return a digest of arrays of any shape and texts: a seeded UID changes with what it stands for."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(b"\x00")
    return digest.hexdigest()
