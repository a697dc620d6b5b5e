"""Headers of many files: a compiled scan for the plainly written ones, pydicom in a sandbox for the rest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.header_fields import (
    FIELDS,
    SIEMENS,
    SIEMENS_B_VALUE,
    SIEMENS_CREATOR,
    Field,
    from_value,
)
from tumorboard.io.dicom.header_window import Verdict, scan_windows
from tumorboard.io.dicom.integrity import why_broken
from tumorboard.io.dicom.parse import parse_file
from tumorboard.io.dicom.sandbox import Limits, run
from tumorboard.io.dicom.study import FileHeader, Quarantined

__all__ = ["header_of", "read_headers"]

_UNCOMPRESSED: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
_PIXEL_DATA: Final = 0x7FE00010
_DICOMDIR: Final = "1.2.840.10008.1.3.10"


if TYPE_CHECKING:
    import pydicom


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
    >>> import pydicom
    >>> dataset = pydicom.Dataset()
    >>> dataset.Modality, dataset.ImagePositionPatient = "CT", [1.5, 0, -200]
    >>> header_of(dataset, Path("slice.dcm"), 0).image_position_mm
    (1.5, 0.0, -200.0)
    """
    values: dict[str, Any] = {field.name: _value(dataset, field) for field in FIELDS}
    if values["diffusion_b_value"] is None and _value(dataset, SIEMENS_CREATOR) == SIEMENS:
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
    from pydicom.dataelem import RawDataElement

    if syntax not in _UNCOMPRESSED or _PIXEL_DATA not in dataset:
        return None, None
    element = dataset.get_item(_PIXEL_DATA, keep_deferred=True)
    if not isinstance(element, RawDataElement) or element.length == 0xFFFFFFFF:
        return None, None
    return int(element.value_tell), int(element.length)


def read_headers(
    paths: Sequence[Path],
    *,
    jobs: int,
    limits: Limits,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[FileHeader], list[Quarantined], list[Path]]:
    """Read the headers of many files that nobody vouches for.

    Parameters
    ----------
    paths
        Files, or what claims to be.
    jobs
        Threads, and processes where pydicom must parse, at a time.
    limits
        What each file that pydicom parses may cost.
    progress
        Called with the number of files read so far and of all.

    Returns
    -------
    headers, quarantined, ignored
        Each in the order of ``paths``; together they name every path once. Ignored are files that are not
        DICOM, and DICOMDIR, which is an index that may be wrong.
    """
    outcomes: list[FileHeader | Quarantined | Verdict] = []
    for part in scan_windows(paths, jobs=jobs):
        outcomes += part
        if progress is not None:
            progress(len(outcomes) - sum(outcome is Verdict.UNUSUAL for outcome in outcomes), len(paths))
    unusual = [i for i, outcome in enumerate(outcomes) if outcome is Verdict.UNUSUAL]
    if unusual:
        judged = run(header_of_file, [paths[i] for i in unusual], limits=limits, jobs=jobs)
        for i, outcome in zip(unusual, judged, strict=True):
            outcomes[i] = Verdict.NOT_DICOM if outcome is None else outcome
        if progress is not None:
            progress(len(paths), len(paths))
    headers = [outcome for outcome in outcomes if isinstance(outcome, FileHeader)]
    quarantined = [outcome for outcome in outcomes if isinstance(outcome, Quarantined)]
    ignored = [path for path, outcome in zip(paths, outcomes, strict=True) if outcome is Verdict.NOT_DICOM]
    return headers, quarantined, ignored


def header_of_file(path: Path) -> FileHeader | None:
    """Read one header with pydicom: the slow way, which runs in the sandbox.

    Returns
    -------
    FileHeader or None
        None for what is not DICOM after all, or a DICOMDIR.

    Raises
    ------
    UnreadableFile
        When the file is broken.
    """
    dataset, file_size, pixels = parse_file(path)
    if str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == _DICOMDIR:
        return None
    header = header_of(dataset, path, file_size)
    if not dataset.preamble and not (header.sop_class_uid and header.sop_instance_uid):
        return None
    reason = why_broken(header, pixels)
    if reason is not None:
        raise UnreadableFile(reason)
    if pixels is None or pixels.tag != _PIXEL_DATA or header.transfer_syntax_uid not in _UNCOMPRESSED:
        return header
    return replace(header, pixel_offset=pixels.offset, pixel_length=pixels.length)
