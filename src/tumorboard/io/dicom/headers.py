"""Headers of many files: a compiled scan for the plainly written ones, pydicom in a sandbox for the rest."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.dataelem import RawDataElement

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.header_fields import (
    FIELDS,
    SIEMENS_B_VALUE,
    SIEMENS_CREATOR,
    Field,
    from_value,
)
from tumorboard.io.dicom.study import FileHeader

__all__ = ["header_of"]

_UNCOMPRESSED: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
_PIXEL_DATA: Final = 0x7FE00010


def header_of(dataset: pydicom.Dataset, path: Path, file_size: int) -> FileHeader:
    """Return what a header scan would keep of ``dataset``.

    Parameters
    ----------
    dataset
        As :func:`pydicom.dcmread` returns it, with or without its pixels.
    path
        Where it was read from.
    file_size
        Size of that file [byte].

    Returns
    -------
    FileHeader
        ``pixel_offset`` and ``pixel_length`` are known only when the data set was read with its pixels, in
        Little Endian, uncompressed, and they were not touched since.

    Raises
    ------
    UnreadableFile
        When an attribute is not of the kind that the standard asks for; the message names it.

    Examples
    --------
    >>> from pathlib import Path
    >>> dataset = pydicom.Dataset()
    >>> dataset.Modality, dataset.ImagePositionPatient = "CT", [1.5, 0, -200]
    >>> header_of(dataset, Path("slice.dcm"), 0).image_position_mm
    (1.5, 0.0, -200.0)
    """
    values: dict[str, Any] = {field.name: _value(dataset, field) for field in FIELDS}
    if values["diffusion_b_value"] is None and _value(dataset, SIEMENS_CREATOR) == "SIEMENS MR HEADER":
        values["diffusion_b_value"] = _value(dataset, SIEMENS_B_VALUE)
    syntax = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", "") or "")
    offset, length = _pixel_range(dataset, syntax)
    return FileHeader(
        path=path,
        file_size=file_size,
        transfer_syntax_uid=syntax.strip(" \0"),
        pixel_offset=offset,
        pixel_length=length,
        **values,
    )


def _value(dataset: pydicom.Dataset, field: Field) -> Any:
    if field.tag not in dataset:
        return field.default
    with warnings.catch_warnings():
        # pydicom warns about values that break the rules of writing, which this scan judges itself.
        warnings.simplefilter("ignore")
        try:
            value = dataset[field.tag].value
        except Exception as error:
            raise UnreadableFile(f"{field.keyword} must be readable as {field.vr}; {error}") from error
    return from_value(value, field)


def _pixel_range(dataset: pydicom.Dataset, syntax: str) -> tuple[int | None, int | None]:
    if syntax not in _UNCOMPRESSED or _PIXEL_DATA not in dataset:
        return None, None
    element = dataset.get_item(_PIXEL_DATA, keep_deferred=True)
    if not isinstance(element, RawDataElement) or element.length == 0xFFFFFFFF:
        return None, None
    return int(element.value_tell), int(element.length)
