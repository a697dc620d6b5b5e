"""Which attributes a header scan keeps, and what makes a value of each kind readable.

One table serves both readers: the compiled scan, which sees bytes, and pydicom, which sees objects.
The compiled scan hands every value that is not plainly written to pydicom, so the readers of bytes here
return :data:`UNUSUAL` where the readers of objects decide, or raise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from tumorboard.errors import UnreadableFile

__all__ = [
    "FIELDS",
    "SIEMENS",
    "SIEMENS_B_VALUE",
    "SIEMENS_CREATOR",
    "UNUSUAL",
    "Field",
    "Kind",
    "from_bytes",
    "from_value",
]


class Kind(Enum):
    """How a value is written and what it becomes."""

    TEXT = "text"
    UID = "uid"
    WORDS = "words"
    WHOLE = "whole"
    WHOLE_AS_FLOAT = "whole_as_float"
    DECIMAL = "decimal"
    DECIMALS = "decimals"
    UINT16 = "uint16"
    FLOAT64 = "float64"


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of :class:`~tumorboard.io.dicom.FileHeader`.

    Parameters
    ----------
    name
        The field of the header.
    keyword
        DICOM's own name, for messages.
    tag
        Group and element, ``0xGGGGEEEE``.
    vr
        Value representation by the data dictionary; another one in a file is unusual.
    kind
        How to read the value.
    default
        What an absent or empty attribute becomes.
    """

    name: str
    keyword: str
    tag: int
    vr: str
    kind: Kind
    default: Any = None


def _text(name: str, keyword: str, tag: int, vr: str) -> Field:
    return Field(name, keyword, tag, vr, Kind.TEXT, "")


FIELDS: Final = (
    Field("image_type", "ImageType", 0x00080008, "CS", Kind.WORDS, ()),
    Field("sop_class_uid", "SOPClassUID", 0x00080016, "UI", Kind.UID, ""),
    Field("sop_instance_uid", "SOPInstanceUID", 0x00080018, "UI", Kind.UID, ""),
    _text("acquisition_date", "AcquisitionDate", 0x00080022, "DA"),
    _text("acquisition_datetime", "AcquisitionDateTime", 0x0008002A, "DT"),
    _text("acquisition_time", "AcquisitionTime", 0x00080032, "TM"),
    _text("content_time", "ContentTime", 0x00080033, "TM"),
    _text("modality", "Modality", 0x00080060, "CS"),
    _text("series_description", "SeriesDescription", 0x0008103E, "LO"),
    _text("patient_id", "PatientID", 0x00100020, "LO"),
    Field("slice_thickness_mm", "SliceThickness", 0x00180050, "DS", Kind.DECIMAL),
    Field("echo_time_ms", "EchoTime", 0x00180081, "DS", Kind.DECIMAL),
    Field("spacing_between_slices_mm", "SpacingBetweenSlices", 0x00180088, "DS", Kind.DECIMAL),
    Field("trigger_time_ms", "TriggerTime", 0x00181060, "DS", Kind.DECIMAL),
    Field("actual_frame_duration_ms", "ActualFrameDuration", 0x00181242, "IS", Kind.WHOLE_AS_FLOAT),
    Field("diffusion_b_value", "DiffusionBValue", 0x00189087, "FD", Kind.FLOAT64),
    Field("study_instance_uid", "StudyInstanceUID", 0x0020000D, "UI", Kind.UID, ""),
    Field("series_instance_uid", "SeriesInstanceUID", 0x0020000E, "UI", Kind.UID, ""),
    Field("series_number", "SeriesNumber", 0x00200011, "IS", Kind.WHOLE),
    Field("acquisition_number", "AcquisitionNumber", 0x00200012, "IS", Kind.WHOLE),
    Field("instance_number", "InstanceNumber", 0x00200013, "IS", Kind.WHOLE),
    Field("image_position_mm", "ImagePositionPatient", 0x00200032, "DS", Kind.DECIMALS),
    Field("image_orientation", "ImageOrientationPatient", 0x00200037, "DS", Kind.DECIMALS),
    Field("frame_of_reference_uid", "FrameOfReferenceUID", 0x00200052, "UI", Kind.UID, ""),
    Field("temporal_position", "TemporalPositionIdentifier", 0x00200100, "IS", Kind.WHOLE),
    Field("samples_per_pixel", "SamplesPerPixel", 0x00280002, "US", Kind.UINT16, 1),
    _text("photometric_interpretation", "PhotometricInterpretation", 0x00280004, "CS"),
    Field("number_of_frames", "NumberOfFrames", 0x00280008, "IS", Kind.WHOLE, 1),
    Field("rows", "Rows", 0x00280010, "US", Kind.UINT16),
    Field("columns", "Columns", 0x00280011, "US", Kind.UINT16),
    Field("pixel_spacing_mm", "PixelSpacing", 0x00280030, "DS", Kind.DECIMALS),
    Field("bits_allocated", "BitsAllocated", 0x00280100, "US", Kind.UINT16),
    Field("bits_stored", "BitsStored", 0x00280101, "US", Kind.UINT16),
    Field("pixel_representation", "PixelRepresentation", 0x00280103, "US", Kind.UINT16),
    Field("rescale_intercept", "RescaleIntercept", 0x00281052, "DS", Kind.DECIMAL),
    Field("rescale_slope", "RescaleSlope", 0x00281053, "DS", Kind.DECIMAL),
    _text("rescale_type", "RescaleType", 0x00281054, "LO"),
    _text("units", "Units", 0x00541001, "CS"),
    _text("suv_type", "SUVType", 0x00541006, "CS"),
    Field("frame_reference_time_ms", "FrameReferenceTime", 0x00541300, "DS", Kind.DECIMAL),
    Field("decay_factor", "DecayFactor", 0x00541321, "DS", Kind.DECIMAL),
)
"""Attributes by ascending tag, the order in which a data set is written."""

SIEMENS: Final = "SIEMENS MR HEADER"
SIEMENS_CREATOR: Final = Field("", "Private Creator", 0x00190010, "LO", Kind.TEXT, "")
SIEMENS_B_VALUE: Final = Field("", "B_value of SIEMENS MR HEADER", 0x0019100C, "IS", Kind.WHOLE_AS_FLOAT)
"""Where Siemens wrote the b-value before the standard had an attribute for it; often stored as OB or UN."""

UNUSUAL: Final = object()
"""A value that the reader of bytes leaves to pydicom."""

_UID = re.compile(rb"[0-9]+(?:\.[0-9]+)*")
_WHOLE = re.compile(rb" *[+-]?[0-9]{1,9} *")
_DECIMAL = re.compile(rb" *[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})? *")
_PADDING = " \0"


def from_bytes(raw: bytes, kind: Kind, default: Any, encoding: str) -> Any:
    """Return the value that ``raw`` plainly holds, or :data:`UNUSUAL`.

    Parameters
    ----------
    raw
        The value field of one element, little endian.
    kind, default
        As in :class:`Field`.
    encoding
        Python's name of the character set, one of ``"ascii"``, ``"latin-1"``, ``"utf-8"``.
    """
    return _FROM_BYTES[kind](raw, default, encoding)


def _text_from_bytes(raw: bytes, default: Any, encoding: str) -> Any:
    try:
        text = raw.rstrip(b"\0 ").decode(encoding)
    except UnicodeDecodeError:
        return UNUSUAL
    if not text.isprintable():
        return UNUSUAL
    return "\\".join([part.strip(" ") for part in text.split("\\")]) or default


def _uid_from_bytes(raw: bytes, default: Any, _: str) -> Any:
    uid = raw.rstrip(b"\0 ")
    if not uid:
        return default
    return uid.decode("ascii") if len(uid) <= 64 and _UID.fullmatch(uid) else UNUSUAL


def _words_from_bytes(raw: bytes, default: Any, encoding: str) -> Any:
    text = _text_from_bytes(raw, "", encoding)
    if text is UNUSUAL:
        return text
    return tuple(text.split("\\")) if text else default


def _whole_from_bytes(raw: bytes, default: Any, _: str) -> Any:
    if not raw.strip(b" "):
        return default
    return int(raw) if _WHOLE.fullmatch(raw) else UNUSUAL


def _whole_as_float_from_bytes(raw: bytes, default: Any, encoding: str) -> Any:
    value = _whole_from_bytes(raw, default, encoding)
    return float(value) if type(value) is int else value


def _decimal_from_bytes(raw: bytes, default: Any, _: str) -> Any:
    if not raw.strip(b" "):
        return default
    if not _DECIMAL.fullmatch(raw):
        return UNUSUAL
    value = float(raw)
    return value if math.isfinite(value) else UNUSUAL


def _decimals_from_bytes(raw: bytes, default: Any, encoding: str) -> Any:
    if not raw.strip(b" "):
        return default
    values = tuple([_decimal_from_bytes(part, UNUSUAL, encoding) for part in raw.split(b"\\")])
    return UNUSUAL if UNUSUAL in values else values


def _uint16_from_bytes(raw: bytes, default: Any, _: str) -> Any:
    if not raw:
        return default
    return int.from_bytes(raw, "little") if len(raw) == 2 else UNUSUAL


def _float64_from_bytes(raw: bytes, default: Any, _: str) -> Any:
    if not raw:
        return default
    if len(raw) != 8:
        return UNUSUAL
    value = float(memoryview(raw).cast("d")[0])
    return value if math.isfinite(value) else UNUSUAL


_FROM_BYTES: Final[dict[Kind, Callable[[bytes, Any, str], Any]]] = {
    Kind.TEXT: _text_from_bytes,
    Kind.UID: _uid_from_bytes,
    Kind.WORDS: _words_from_bytes,
    Kind.WHOLE: _whole_from_bytes,
    Kind.WHOLE_AS_FLOAT: _whole_as_float_from_bytes,
    Kind.DECIMAL: _decimal_from_bytes,
    Kind.DECIMALS: _decimals_from_bytes,
    Kind.UINT16: _uint16_from_bytes,
    Kind.FLOAT64: _float64_from_bytes,
}


def from_value(value: Any, field: Field) -> Any:
    """Return what a value of pydicom's means for ``field``.

    Raises
    ------
    UnreadableFile
        When the value is not of the kind that the attribute needs; the message names the attribute.
    """
    parts = _parts(value)
    if not any(parts):
        return field.default
    if field.kind in (Kind.TEXT, Kind.UID):
        return "\\".join(parts)
    if field.kind is Kind.WORDS:
        return tuple(parts)
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise UnreadableFile(f"{field.keyword} must hold finite numbers; got {_shown(value)}")
    if field.kind is Kind.DECIMALS:
        return numbers
    if len(numbers) != 1:
        raise UnreadableFile(f"{field.keyword} must hold one number; got {_shown(value)}")
    if field.kind in (Kind.DECIMAL, Kind.FLOAT64):
        return numbers[0]
    if numbers[0] != int(numbers[0]):
        raise UnreadableFile(f"{field.keyword} must be a whole number; got {_shown(value)}")
    return numbers[0] if field.kind is Kind.WHOLE_AS_FLOAT else int(numbers[0])


def _parts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        value = value.split("\\")
    elif not hasattr(value, "__iter__"):
        value = [value]
    return [str(part).strip(_PADDING) for part in value]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
