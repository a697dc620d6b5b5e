"""What each slice of an emission scan says of its own acquisition: from data sets or scanned headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tumorboard.core.acquisition import PetSlice
from tumorboard.io.dicom import times
from tumorboard.io.dicom.multiframe import functional_group
from tumorboard.io.dicom.series_values import SeriesValues, text_of
from tumorboard.io.dicom.study import FileHeader
from tumorboard.units import S_PER_MS

if TYPE_CHECKING:
    from datetime import datetime

    from pydicom import Dataset

__all__ = ["slice_of_dataset", "slice_of_header", "slices_of_frames"]


def slice_of_dataset(values: SeriesValues, dataset: Dataset) -> PetSlice:
    """Return the slice that a data set of its own describes; what cannot be read is noted and left out."""
    return PetSlice(
        position_mm=_position_mm(dataset.get("ImagePositionPatient")),
        acquisition_start=_start(
            values,
            text_of(dataset, "AcquisitionDate"),
            text_of(dataset, "AcquisitionTime"),
            text_of(dataset, "AcquisitionDateTime"),
        ),
        frame_reference_time_s=_number(values, dataset, "FrameReferenceTime", S_PER_MS),
        frame_duration_s=_number(values, dataset, "ActualFrameDuration", S_PER_MS),
        decay_factor=_number(values, dataset, "DecayFactor"),
    )


def slice_of_header(values: SeriesValues, header: FileHeader) -> PetSlice:
    """Return the slice that a scanned header describes: what :func:`slice_of_dataset` finds in its file."""
    reference_ms, duration_ms = header.frame_reference_time_ms, header.actual_frame_duration_ms
    return PetSlice(
        position_mm=_position_mm(header.image_position_mm),
        acquisition_start=_start(
            values, header.acquisition_date, header.acquisition_time, header.acquisition_datetime
        ),
        frame_reference_time_s=None if reference_ms is None else reference_ms * S_PER_MS,
        frame_duration_s=None if duration_ms is None else duration_ms * S_PER_MS,
        decay_factor=header.decay_factor,
    )


def slices_of_frames(values: SeriesValues, dataset: Dataset) -> list[PetSlice]:
    """Return the slices of an enhanced multi-frame file, one per frame.

    Frame Acquisition DateTime (0018,9074) and Duration (0018,9220) stand for those of a file of its own.
    Frame Reference Time (0054,1300) is known only where a classic series was converted.
    """
    slices = []
    for index in range(len(dataset.get("PerFrameFunctionalGroupsSequence") or ())):
        content = functional_group(dataset, index, "FrameContentSequence")
        converted = functional_group(dataset, index, "UnassignedPerFrameConvertedAttributesSequence")
        factors = functional_group(dataset, index, "PETFrameCorrectionFactorsSequence")
        place = functional_group(dataset, index, "PlanePositionSequence")
        slices.append(
            PetSlice(
                position_mm=_position_mm(place.get("ImagePositionPatient")),
                acquisition_start=_start(values, "", "", text_of(content, "FrameAcquisitionDateTime")),
                frame_reference_time_s=_number(values, converted, "FrameReferenceTime", S_PER_MS),
                frame_duration_s=_number(values, content, "FrameAcquisitionDuration", S_PER_MS),
                decay_factor=_number(values, factors, "DecayFactor")
                or _number(values, converted, "DecayFactor"),
            )
        )
    return slices


def _position_mm(position: Sequence[float] | None) -> tuple[float, float, float] | None:
    try:
        x, y, z = (float(v) for v in position or ())
    except (TypeError, ValueError):
        return None
    return x, y, z


def _number(values: SeriesValues, dataset: Dataset, keyword: str, scale: float = 1.0) -> float | None:
    text = text_of(dataset, keyword)
    value = values.read(keyword, text, float) if text else None
    return None if value is None else value * scale


def _start(values: SeriesValues, date: str, time: str, joint: str) -> datetime | None:
    def parse() -> datetime | None:
        # Some writers give only the joint attribute.
        return times.combine(date, time, zone=values.zone) or times.parse_datetime(joint, zone=values.zone)

    return values.moment("Acquisition Date and Time (0008,0022), (0008,0032)", parse)
