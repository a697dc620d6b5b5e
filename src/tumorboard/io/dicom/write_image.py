"""Images out: CT, PT and MR series of single-frame files."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.patient_position import PatientPosition
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.identity import StudyIdentity
from tumorboard.io.dicom.modules import (
    PURPOSE,
    add_equipment,
    add_frame_of_reference,
    add_patient_and_study,
    add_plane,
    add_series,
    as_date,
    as_decimals,
    as_time,
    content_digest,
    new_dataset,
    right_handed,
)
from tumorboard.io.dicom.pet_modules import PET_QUANTITIES, PetPlanes
from tumorboard.io.dicom.written import ReferencedSeries, WrittenSeries
from tumorboard.io.files import atomic_folder

__all__ = ["ImageModality", "write_image_series"]


class ImageModality(Enum):
    """Modality (0008,0060) of the series that can be written."""

    CT = "CT"
    PT = "PT"
    MR = "MR"


_SOP_CLASS = {
    ImageModality.CT: CTImageStorage,
    ImageModality.PT: PositronEmissionTomographyImageStorage,
    ImageModality.MR: MRImageStorage,
}
_QUANTITIES = {
    ImageModality.CT: (Quantity.CT_NUMBER,),
    ImageModality.PT: tuple(PET_QUANTITIES),
    ImageModality.MR: (Quantity.MR_SIGNAL,),
}


def write_image_series(
    image: Image,
    folder: Path | str,
    *,
    study: StudyIdentity,
    modality: ImageModality,
    description: str,
    series_number: int,
    acquired: datetime | None = None,
    acquisition: PetAcquisition | None = None,
    patient_position: PatientPosition | None = None,
    replace: bool = False,
) -> WrittenSeries:
    """Write an image as a DICOM series, one file per plane [1]_.

    Parameters
    ----------
    image
        CT: whole CT numbers that fit 16 bits [HU], written exactly. MR: whole signals 0 to 65535, written
        exactly. PT: activity concentration [Bq/mL], uptake values or counts, written with one slope per
        plane, to within half that slope; 16 bits unsigned, or signed where a plane has negative values.
    folder
        New or empty folder for the files ``0001.dcm``, ``0002.dcm``, ...; its parent must exist. It appears
        when all files are written, not before.
    study
        Patient and study.
    modality
        Kind of series.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    acquired
        When the images were acquired: required for CT and MR; for PT the acquisition says it.
    acquisition
        How the PET was acquired: required for PT, not allowed otherwise.
    patient_position
        Written empty when ``None``, which stands for unknown.
    replace
        Whether an existing folder may be replaced.

    Returns
    -------
    WrittenSeries
        Files in array order, and how later objects refer to the series.

    Raises
    ------
    InputError
        When quantity, values or texts do not fit the modality.
    MissingAttribute
        When ``acquired`` or a fact that a PT file must have is absent.

    References
    ----------
    .. [1] dicomPS33

    Examples
    --------
    >>> import tempfile
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.io.dicom.identity import PatientIdentity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((2, 4, 5), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> air = Image(np.full(grid.shape, -1000, np.int16), grid, Quantity.CT_NUMBER, Record("example"))
    >>> ada = PatientIdentity(patient_id="P01", patient_name="Phantom^Ada")
    >>> study = StudyIdentity(patient=ada, start=datetime(2024, 5, 17, 9), description="Demo", seed="demo")
    >>> written = write_image_series(
    ...     air, Path(tempfile.mkdtemp()) / "ct", study=study, modality=ImageModality.CT,
    ...     description="air", series_number=1, acquired=datetime(2024, 5, 17, 9, 5),
    ... )
    >>> [path.name for path in written.paths]
    ['0001.dcm', '0002.dcm']
    """
    folder = Path(folder)
    if image.quantity not in _QUANTITIES[modality]:
        allowed = ", ".join(quantity.name for quantity in _QUANTITIES[modality])
        raise InputError(
            f"quantity of a {modality.value} series must be {allowed}; got {image.quantity.name}; "
            "other quantities go into tumorboard.io.dicom.write_parametric_map"
        )
    values, grid = right_handed(image.values, image.grid)
    pet = _pet_planes(modality, acquisition, image.quantity, grid, study)
    start = study.local(
        pet.series_start if pet else _required(acquired, modality), what="start of the series"
    )
    digest = content_digest(values, repr(grid.to_dict()), modality.value, description, str(series_number))
    sop_class = _SOP_CLASS[modality]
    reference = ReferencedSeries(
        study.uid("series", digest),
        sop_class,
        tuple(study.uid("image", digest, str(plane)) for plane in range(grid.shape[0])),
        grid,
        modality.value,
    )

    template = new_dataset(sop_class, reference.sop_instance_uids[0])
    add_patient_and_study(template, study)
    add_series(
        template,
        modality=modality.value,
        series_instance_uid=reference.series_instance_uid,
        number=series_number,
        description=description,
        start=start,
    )
    add_equipment(template)
    add_frame_of_reference(template, grid.frame_of_reference)
    template.AcquisitionDate, template.AcquisitionTime = as_date(start), as_time(start)
    template.ContentDate, template.ContentTime = as_date(start), as_time(start)
    template.ImageComments = PURPOSE
    template.Laterality = ""
    if modality is not ImageModality.PT:
        template.PatientPosition = patient_position.value if patient_position else ""
    _add_modality(template, modality)
    if pet:
        pet.add_series_level(template)

    paths = []
    with atomic_folder(folder, replace=replace) as partial:
        for plane in range(grid.shape[0]):
            dataset = copy.copy(template)
            dataset.file_meta = copy.copy(template.file_meta)
            dataset.file_meta.MediaStorageSOPInstanceUID = UID(reference.sop_instance_uids[plane])
            dataset.SOPInstanceUID = reference.sop_instance_uids[plane]
            dataset.InstanceNumber = plane + 1
            add_plane(dataset, grid, plane)
            if pet:
                pet.add_plane_level(dataset, plane)
            _add_pixels(dataset, _encoded(values[plane], modality))
            name = f"{plane + 1:04d}.dcm"
            # The folder is atomic already, so the files in it need not be.
            dataset.save_as(partial / name, enforce_file_format=True)
            paths.append(folder / name)
    return WrittenSeries(tuple(paths), reference)


@dataclass(frozen=True, slots=True)
class _Encoded:
    codes: NDArray[Any]
    slope: str | None


def _encoded(values: NDArray[Any], modality: ImageModality) -> _Encoded:
    if modality is ImageModality.PT:
        return _encoded_with_slope(values)
    dtype = np.dtype("<i2" if modality is ImageModality.CT else "<u2")
    limits = np.iinfo(dtype)
    whole = values if values.dtype.kind in "biu" else np.rint(values)
    if not (np.equal(whole, values).all() and whole.min() >= limits.min and whole.max() <= limits.max):
        what = "CT numbers [HU]" if modality is ImageModality.CT else "MR signals"
        raise InputError(
            f"{what} must be whole and from {limits.min} to {limits.max}; "
            f"got values from {values.min()} to {values.max()} that are not; "
            "clip and round them first: np.rint(values)"
        )
    return _Encoded(whole.astype(dtype), "1" if modality is ImageModality.CT else None)


def _encoded_with_slope(values: NDArray[Any]) -> _Encoded:
    if not np.isfinite(values).all():
        raise InputError(
            "values of a PT series must be finite; got NaN or infinity; decide what they stand for"
        )
    exact = values.astype(np.float64)
    dtype = np.dtype("<u2" if exact.min() >= 0 else "<i2")
    largest = np.iinfo(dtype).max
    peak = float(np.abs(exact).max())
    # The slope that the file holds is the rounded one: codes are made with that.
    slope = as_decimals([peak / largest if peak > 0 else 1.0])[0]
    codes = np.clip(np.rint(exact / float(slope)), np.iinfo(dtype).min, largest)
    return _Encoded(codes.astype(dtype), slope)


def _add_pixels(dataset: Dataset, encoded: _Encoded) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(encoded.codes.dtype.kind == "i")
    if encoded.slope is not None:
        dataset.RescaleIntercept, dataset.RescaleSlope = "0", encoded.slope
    dataset.PixelData = encoded.codes.tobytes()


def _add_modality(dataset: Dataset, modality: ImageModality) -> None:
    # Not ORIGINAL: that says that the pixels come from a scanner, and these come from a program.
    if modality is ImageModality.CT:
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        dataset.KVP = None
        dataset.AcquisitionNumber = None
        dataset.RescaleType = "HU"
    elif modality is ImageModality.MR:
        dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        dataset.ScanningSequence = "RM"
        dataset.SequenceVariant = "NONE"
        dataset.ScanOptions = ""
        dataset.MRAcquisitionType = ""
        dataset.EchoTime = None
        dataset.EchoTrainLength = None
        dataset.RepetitionTime = None
    else:
        # The PET module allows PRIMARY only.
        dataset.ImageType = ["DERIVED", "PRIMARY"]


def _required(acquired: datetime | None, modality: ImageModality) -> datetime:
    if acquired is None:
        raise MissingAttribute(
            f"acquired must say when the {modality.value} was acquired; got None; pass a datetime"
        )
    return acquired


def _pet_planes(
    modality: ImageModality,
    acquisition: PetAcquisition | None,
    quantity: Quantity,
    grid: Grid,
    study: StudyIdentity,
) -> PetPlanes | None:
    if modality is ImageModality.PT:
        if acquisition is None:
            raise MissingAttribute("acquisition of a PT series must be a PetAcquisition; got None; pass one")
        return PetPlanes(acquisition, quantity, grid, study)
    if acquisition is not None:
        raise InputError(f"acquisition must be None for a {modality.value} series; it describes a PET scan")
    return None
