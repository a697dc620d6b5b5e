"""Dose out: RT Dose."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import RTDoseStorage, RTIonPlanStorage, RTPlanStorage

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.io.dicom.identity import StudyIdentity, require_uid
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
    save,
)
from tumorboard.io.dicom.written import WrittenObject

__all__ = ["DoseType", "PlanKind", "write_rtdose"]

_LARGEST_CODE: Final = 2**32 - 1


class DoseType(Enum):
    """Dose Type (3004,0004)."""

    PHYSICAL = "PHYSICAL"
    EFFECTIVE = "EFFECTIVE"


class PlanKind(Enum):
    """SOP class of the plan that a dose refers to."""

    RT_PLAN = str(RTPlanStorage)
    RT_ION_PLAN = str(RTIonPlanStorage)


def write_rtdose(
    dose: Image,
    path: Path | str,
    *,
    study: StudyIdentity,
    dose_type: DoseType,
    plan_kind: PlanKind,
    plan_sop_instance_uid: str,
    description: str,
    series_number: int,
    created: datetime,
) -> WrittenObject:
    """Write a dose as one multi-frame RT Dose [1]_.

    Values are stored in 32 bits, to within half of Dose Grid Scaling: the largest dose over 2^32 - 1.
    The dose is that of a whole plan; doses of single beams would have to name the plan's beams.

    Parameters
    ----------
    dose
        Quantity DOSE, finite and >= 0 [Gy]; any orientation.
    path
        The file to make or replace, as one.
    study
        Patient and study.
    dose_type
        Physical, or effective (weighted by relative biological effectiveness).
    plan_kind, plan_sop_instance_uid
        The plan that the dose belongs to: DICOM requires one. For a dose without a plan, such as that of a
        radiopharmaceutical, pass ``study.uid("no plan")`` and say so in the description.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    created
        When the dose was computed, on the study's clock.

    Returns
    -------
    WrittenObject
        Path and UIDs.

    Raises
    ------
    InputError
        When the quantity is not DOSE, or a value is negative or not finite.

    References
    ----------
    .. [1] dicomPS33
    """
    path = Path(path)
    if dose.quantity is not Quantity.DOSE:
        raise InputError(f"quantity of an RT Dose must be DOSE [Gy]; got {dose.quantity.name}")
    values, grid = right_handed(dose.values, dose.grid)
    lowest, peak = float(values.min()), float(values.max())
    if not (np.isfinite(lowest) and np.isfinite(peak) and lowest >= 0):
        raise InputError(
            f"dose must be finite and >= 0 [Gy]; got {lowest:g} to {peak:g}; "
            "differences of doses go into tumorboard.io.dicom.write_parametric_map"
        )
    require_uid("plan_sop_instance_uid", plan_sop_instance_uid)
    created = study.local(created, what="created")
    digest = content_digest(values, repr(grid.to_dict()), dose_type.value, description)
    uid, series_uid = study.uid("rtdose", digest, plan_sop_instance_uid), study.uid("series", digest)
    # The scaling that the file holds is the rounded one: codes are made with that.
    scaling = as_decimals([peak / _LARGEST_CODE if peak > 0 else 1.0])[0]
    codes = np.clip(np.rint(values.astype(np.float64) / float(scaling)), 0, _LARGEST_CODE).astype("<u4")

    dataset = new_dataset(RTDoseStorage, uid)
    add_patient_and_study(dataset, study)
    add_series(
        dataset,
        modality="RTDOSE",
        series_instance_uid=series_uid,
        number=series_number,
        description=description,
        start=created,
    )
    dataset.OperatorsName = ""
    add_equipment(dataset)
    add_frame_of_reference(dataset, grid.frame_of_reference)
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = as_date(created), as_time(created)
    add_plane(dataset, grid, 0)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 32, 32, 31
    dataset.PixelRepresentation = 0
    dataset.NumberOfFrames = grid.shape[0]
    dataset.FrameIncrementPointer = Tag(0x3004, 0x000C)
    # Offsets relative to the first plane along the normal: the form that holds for any orientation.
    dataset.GridFrameOffsetVector = as_decimals(np.arange(grid.shape[0]) * grid.spacing_mm[0])
    dataset.DoseUnits = "GY"
    dataset.DoseType = dose_type.value
    dataset.DoseSummationType = "PLAN"
    dataset.DoseComment = PURPOSE
    dataset.DoseGridScaling = scaling
    plan = Dataset()
    plan.ReferencedSOPClassUID = plan_kind.value
    plan.ReferencedSOPInstanceUID = plan_sop_instance_uid
    dataset.ReferencedRTPlanSequence = [plan]
    dataset.PixelData = codes.tobytes()
    dataset["PixelData"].VR = "OW"
    save(dataset, path)
    return WrittenObject(path, series_uid, RTDoseStorage, uid)
