"""What must hold before a file is believed: valid UIDs, and pixels that are all there."""

from __future__ import annotations

import functools
import os
import re
import struct
from dataclasses import dataclass
from typing import Final

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.dicom.study import FileHeader

__all__ = ["DEFLATED", "UNCOMPRESSED", "PixelElement", "why_broken"]

UNCOMPRESSED: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_ALWAYS_IMAGES: Final = frozenset(
    "1.2.840.10008.5.1.4.1.1." + last
    for last in ("1", "2", "2.1", "4", "4.1", "7", "20", "128", "130", "66.4", "30")
)
"""CR, CT, MR, SC, NM, PET, SEG and parametric maps; an RT Dose may hold histograms alone."""
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_LONGEST_UID: Final = 64
_MOST_FRAGMENTS: Final = 200_000
_FULL_422: Final = "YBR_FULL_422"


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where a file's pixel data are.

    Parameters
    ----------
    tag
        (7FE0,0010), or (7FE0,0008) and (7FE0,0009) for floating point.
    offset
        Of the first byte of the value in the file [byte].
    length
        As stated [byte]; None when undefined, as encapsulated (compressed) data are.
    """

    tag: int
    offset: int
    length: int | None


def why_broken(header: FileHeader, pixels: PixelElement | None) -> str | None:
    """Return in one sentence why a file is not to be used, or None when nothing is wrong.

    Parameters
    ----------
    header
        As read.
    pixels
        The file's own; None when it has none or (deflated) they are not in the file as they are.
    """
    return _why_uids_broken(header) or _why_pixels_broken(header, pixels)


def _why_uids_broken(header: FileHeader) -> str | None:
    if (
        _is_uid(header.sop_instance_uid)
        and _is_uid(header.series_instance_uid)
        and _is_uid(header.study_instance_uid)
        and _is_uid(header.sop_class_uid)
        and (not header.frame_of_reference_uid or _is_uid(header.frame_of_reference_uid))
    ):
        return None
    for name, uid in (
        ("SOPInstanceUID (0008,0018)", header.sop_instance_uid),
        ("SeriesInstanceUID (0020,000E)", header.series_instance_uid),
        ("StudyInstanceUID (0020,000D)", header.study_instance_uid),
        ("SOPClassUID (0008,0016)", header.sop_class_uid),
        ("FrameOfReferenceUID (0020,0052)", header.frame_of_reference_uid),
    ):
        if not uid:
            return f"{name} must be given; it is absent"
        if not _is_uid(uid):
            return f"{name} must be numbers and dots, {_LONGEST_UID} characters at most; got {uid[:80]!r}"
    return None


@functools.lru_cache(maxsize=4096)
def _is_uid(uid: str) -> bool:
    return len(uid) <= _LONGEST_UID and _UID.fullmatch(uid) is not None


def _why_pixels_broken(header: FileHeader, pixels: PixelElement | None) -> str | None:
    if header.transfer_syntax_uid == DEFLATED:
        return None  # the decoder will see
    if pixels is None:
        if header.rows is None and header.sop_class_uid in _ALWAYS_IMAGES:
            return "the file must be whole; its kind of object is an image, and it ends before its pixels"
        if header.rows is None:
            return None
        return f"the file must be whole; it states {header.rows} x {header.columns} pixels and holds none"
    if not header.rows or not header.columns or not header.bits_allocated or header.number_of_frames < 1:
        return (
            "Rows, Columns, BitsAllocated and NumberOfFrames of pixels must be >= 1; got "
            f"{header.rows}, {header.columns}, {header.bits_allocated}, {header.number_of_frames}"
        )
    uncompressed = header.transfer_syntax_uid in UNCOMPRESSED
    if pixels.length is None:
        if uncompressed:
            return "pixels must be uncompressed, as the transfer syntax declares; they are in fragments"
        return _why_fragments_broken(header, pixels.offset)
    if not uncompressed:
        return "pixels must be compressed fragments, as the transfer syntax declares; they are one raw block"
    if pixels.offset + pixels.length > header.file_size:
        there = max(0, header.file_size - pixels.offset)
        return f"the file must be whole; it states {pixels.length} bytes of pixels and holds {there}"
    bits = header.rows * header.columns * header.samples_per_pixel * header.number_of_frames
    needed = (bits * header.bits_allocated + 7) // 8
    if header.photometric_interpretation == _FULL_422:
        needed = needed * 2 // 3
    if pixels.length < needed:
        return (
            f"pixel data must fill {header.number_of_frames} x {header.rows} x {header.columns} at "
            f"{header.bits_allocated} bit, {needed} bytes; {pixels.length} are given"
        )
    return None


def _why_fragments_broken(header: FileHeader, start: int) -> str | None:
    """Walk over the fragments' lengths, which a file cut short leads past its end."""
    try:
        fd = open_regular(header.path)
    except UnreadableFile as error:
        return str(error)
    cut = "the file must be whole; it ends in the middle of its compressed pixels"
    try:
        at = start
        for fragments in range(_MOST_FRAGMENTS):
            head = os.pread(fd, 8, at)
            if len(head) < 8:
                return cut
            tag, length = struct.unpack("<LL", head)
            if tag == 0xE0DDFFFE:
                frames = fragments - 1  # the first item is the table of offsets
                if frames < header.number_of_frames:
                    return f"{header.number_of_frames} frames must be there; {max(frames, 0)} fragments are"
                return None
            if tag != 0xE000FFFE:
                return "compressed pixels must be in fragments; something else is between them"
            at += 8 + length
            if at > header.file_size:
                return cut
    finally:
        os.close(fd)
    return f"compressed pixels must be in at most {_MOST_FRAGMENTS} fragments; there are more"
