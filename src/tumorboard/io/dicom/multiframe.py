"""The frames of enhanced multi-frame files (CT, MR, PET, parametric maps), each as if it were a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from pydicom import Dataset

from tumorboard.errors import MissingAttribute
from tumorboard.io.dicom.frames import Frame, RealWorldMapping
from tumorboard.io.dicom.study import FileHeader

__all__ = ["enhanced_frames", "functional_group", "numbers", "real_world_mapping"]

_FRAME_TYPES: Final = (
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "ParametricMapFrameTypeSequence",
)


def enhanced_frames(header: FileHeader, dataset: Dataset) -> tuple[Frame, ...]:
    """Return the frames of one enhanced file, with what the functional groups say of each put in its header.

    A value in the per-frame groups goes before the shared groups, these before the top of the data set.

    Raises
    ------
    MissingAttribute
        When the file has no functional groups, so that its frames have no place.
    """
    per_frame: Sequence[Dataset] = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    if len(per_frame) < header.number_of_frames:
        raise MissingAttribute(
            "PerFrameFunctionalGroupsSequence (5200,9230) must describe each of the "
            f"{header.number_of_frames} frames; it has {len(per_frame)} in {header.path.name}; "
            "a multi-frame file without it (a film, a screenshot) is not a volume"
        )
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    units = header.units or _text(
        _group(shared, shared, "UnassignedSharedConvertedAttributesSequence"), "Units"
    )
    header = replace(header, units=units)
    return tuple(
        _frame(header, dataset, shared, per_frame[i], index=i) for i in range(header.number_of_frames)
    )


def functional_group(dataset: Dataset, frame_index: int, keyword: str) -> Dataset:
    """Return one functional group of a frame (from 0): per frame, else shared, else an empty data set."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    own = per_frame[frame_index] if frame_index < len(per_frame) else Dataset()
    return _group(own, shared, keyword)


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...] | None:
    """Return the numbers of an attribute, or ``None`` when it is absent or empty."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return (float(value),)
    return tuple(float(v) for v in value) or None


def real_world_mapping(group: Dataset) -> RealWorldMapping | None:
    """Return the linear real-world mapping in an item of (0040,9096), or ``None``."""
    slope, intercept = numbers(group, "RealWorldValueSlope"), numbers(group, "RealWorldValueIntercept")
    units = group.get("MeasurementUnitsCodeSequence")
    if slope is None or intercept is None or not units:
        return None
    # Codes of more than 16 characters, e.g. for James's lean body mass, have an attribute of their own.
    unit_code = _text(units[0], "CodeValue") or _text(units[0], "LongCodeValue")
    explanation = _text(group, "LUTExplanation")
    return RealWorldMapping(slope[0], intercept[0], unit_code, explanation)


def _frame(header: FileHeader, dataset: Dataset, shared: Dataset, own: Dataset, *, index: int) -> Frame:
    def group(keyword: str) -> Dataset:
        return _group(own, shared, keyword)

    measures, value = group("PixelMeasuresSequence"), group("PixelValueTransformationSequence")
    content = group("FrameContentSequence")
    diffusion, timing = group("MRDiffusionSequence"), group("TemporalPositionSequence")
    changes: dict[str, Any] = {
        "image_position_mm": numbers(group("PlanePositionSequence"), "ImagePositionPatient"),
        "image_orientation": numbers(group("PlaneOrientationSequence"), "ImageOrientationPatient"),
        "pixel_spacing_mm": numbers(measures, "PixelSpacing"),
        "slice_thickness_mm": _first(measures, "SliceThickness"),
        "spacing_between_slices_mm": _first(measures, "SpacingBetweenSlices"),
        "rescale_slope": _first(value, "RescaleSlope"),
        "rescale_intercept": _first(value, "RescaleIntercept"),
        "rescale_type": _text(value, "RescaleType"),
        "diffusion_b_value": _first(diffusion, "DiffusionBValue"),
        "echo_time_ms": _first(group("MREchoSequence"), "EffectiveEchoTime"),
        "trigger_time_ms": _first(group("CardiacSynchronizationSequence"), "NominalCardiacTriggerDelayTime"),
        "temporal_position": _whole(_first(content, "TemporalPositionIndex")),
        "acquisition_number": _whole(_first(content, "FrameAcquisitionNumber")),
        "actual_frame_duration_ms": _first(content, "FrameAcquisitionDuration"),
        "frame_reference_time_ms": _scaled(_first(timing, "TemporalPositionTimeOffset"), 1000.0),
        "image_type": _frame_type(group),
    }
    # Legacy converted files keep attributes of the classic file here.
    unassigned = group("UnassignedPerFrameConvertedAttributesSequence")
    for name, keyword in (
        ("frame_reference_time_ms", "FrameReferenceTime"),
        ("trigger_time_ms", "TriggerTime"),
    ):
        if changes[name] is None:
            changes[name] = _first(unassigned, keyword)
    stated = {name: got for name, got in changes.items() if got not in (None, "", ())}
    return Frame(
        replace(header, **stated),
        index=index,
        dimension=tuple(int(v) for v in numbers(content, "DimensionIndexValues") or ()),
        acquired=_text(content, "FrameAcquisitionDateTime"),
        real_world=real_world_mapping(group("RealWorldValueMappingSequence")),
    )


def _group(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    for groups in (own, shared):
        items = groups.get(keyword)
        if items:
            first: Dataset = items[0]
            return first
    return Dataset()


def _frame_type(group: Any) -> tuple[str, ...]:
    for keyword in _FRAME_TYPES:
        value = group(keyword).get("FrameType")
        if value:
            return (value,) if isinstance(value, str) else tuple(value)
    return ()


def _text(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip()


def _first(dataset: Dataset, keyword: str) -> float | None:
    values = numbers(dataset, keyword)
    return values[0] if values else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
