"""What highdicom asks of the images that a derived object refers to, without reading a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from highdicom import ContributingEquipment, CoordinateSystemNames, Volume
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import UID

import tumorboard
from tumorboard.core.grid import Grid
from tumorboard.io.dicom.identity import StudyIdentity
from tumorboard.io.dicom.modules import (
    IMPLEMENTATION_CLASS_UID,
    MANUFACTURER,
    PURPOSE,
    add_frame_of_reference,
    add_patient_and_study,
    add_plane,
    as_date,
    as_datetime,
    as_time,
    new_dataset,
)
from tumorboard.io.dicom.written import ReferencedSeries

__all__ = ["contributing_equipment", "equipment", "finish", "source_datasets", "volume"]


def source_datasets(reference: ReferencedSeries, study: StudyIdentity) -> list[Dataset]:
    """Return headers of the referenced images, one per plane, with what highdicom reads of them."""
    datasets = []
    for plane, uid in enumerate(reference.sop_instance_uids):
        dataset = new_dataset(reference.sop_class_uid, uid)
        add_patient_and_study(dataset, study)
        add_frame_of_reference(dataset, reference.grid.frame_of_reference)
        add_plane(dataset, reference.grid, plane)
        # highdicom warns of names without a caret, which are allowed; the name is put right at the end.
        dataset.PatientName = "^"
        dataset.SeriesInstanceUID = reference.series_instance_uid
        dataset.Modality = reference.modality
        dataset.InstanceNumber = plane + 1
        datasets.append(dataset)
    return datasets


def volume(values: NDArray[Any], grid: Grid, *, segments: int | None = None) -> Volume:
    """Return values of shape ``(n_z, n_y, n_x)`` or ``(n_z, n_y, n_x, segments)`` as highdicom's noun."""
    return Volume(
        values,
        affine=grid.affine,
        coordinate_system=CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=grid.frame_of_reference,
        channels=None if segments is None else {"SegmentNumber": range(1, segments + 1)},
    )


def equipment() -> dict[str, Any]:
    """Return the keyword arguments of a highdicom object that say what made it."""
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": tumorboard.__version__,
        "device_serial_number": "none",
        "contributing_equipment": [contributing_equipment()],
    }


def contributing_equipment() -> ContributingEquipment:
    """Return the item that says what this software is for."""
    return ContributingEquipment(
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=tumorboard.__version__,
        purpose_of_reference=Code("109102", "DCM", "Processing Equipment"),
        contribution_description=PURPOSE,
    )


def finish(dataset: Dataset, *, study: StudyIdentity, description: str, created: datetime, uid: str) -> None:
    """Set what highdicom takes from the clock, at random, or from itself, to what the caller stated.

    Parameters
    ----------
    dataset
        A highdicom object, changed in place.
    study
        Patient and study.
    description
        Series Description (0008,103E).
    created
        Moment for all dates of making.
    uid
        Dimension Organization UID (0020,9164).
    """
    dataset.PatientName = study.patient.patient_name
    dataset.SeriesDescription = description
    dataset.SeriesDate, dataset.SeriesTime = as_date(created), as_time(created)
    dataset.ContentDate, dataset.ContentTime = as_date(created), as_time(created)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = as_date(created), as_time(created)
    for item in dataset.ContributingEquipmentSequence:
        item.ContributionDateTime = as_datetime(created)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
    dataset.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    dataset.file_meta.ImplementationVersionName = "TUMORBOARD"
