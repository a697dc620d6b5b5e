"""What a sandboxed worker does to one file: parse it with pydicom, and notice what pydicom forgives."""

from __future__ import annotations

import io
import math
import os
import resource
import struct
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.integrity import DEFLATED, PixelElement
from tumorboard.io.dicom.opening import open_regular

if TYPE_CHECKING:
    import numpy as np
    import pydicom

__all__ = ["decode_stored_pixels", "parse_file", "read_whole_dataset"]

DEEPEST_NESTING: Final = 64
_MIB: Final = 1 << 20
_UNDEFINED: Final = 0xFFFFFFFF
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_MOST_EXPANSION: Final = 1000
_DECODER: Final = {
    "1.2.840.10008.1.2.5": "pylibjpeg",  # RLE, by pylibjpeg-rle
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",  # JPEG 2000, by pylibjpeg-openjpeg
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
    # JPEG by gdcm, never by pylibjpeg-libjpeg, whose licence is the GPL.
    "1.2.840.10008.1.2.4.50": "gdcm",
    "1.2.840.10008.1.2.4.51": "gdcm",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
}


class _BoundedReader(io.BufferedReader):
    """A file of which nobody can ask for more than it has, and so be given that much memory first."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self.size = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self.size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def parse_file(
    path: Path, *, stop_before_pixels: bool = True
) -> tuple[pydicom.FileDataset, int, PixelElement | None]:
    """Parse one file and check that it is whole, in the encoding that it declares.

    Parameters
    ----------
    path
        The file.
    stop_before_pixels
        Leave out the pixel data and what follows them.

    Returns
    -------
    dataset, file_size, pixels
        Size in bytes; ``pixels`` is None where there are none, or where the file does not hold them as they
        are (deflated).

    Raises
    ------
    UnreadableFile
        When the file is cut short or is not what it declares.
    """
    import pydicom

    raw = io.FileIO(open_regular(path))
    with _BoundedReader(raw) as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        size = file.size
        file.seek(128)
        has_preamble = file.read(4) == b"DICM"
        file.seek(0)
        dataset = pydicom.dcmread(file, stop_before_pixels=True, force=not has_preamble)
        syntax = _name_syntax(dataset)
        pixels = None if syntax == DEFLATED else _pixel_element(file, syntax, dataset)
        _check_whole(dataset, [str(warning.message) for warning in caught])
        if not stop_before_pixels:
            file.seek(0)
            dataset = pydicom.dcmread(file, force=not has_preamble)
            _name_syntax(dataset)
            _check_whole(dataset, [str(warning.message) for warning in caught])
    return dataset, size, pixels


def _name_syntax(dataset: pydicom.FileDataset) -> str:
    """Return the transfer syntax; a file without that statement gets the one that its bytes show."""
    from pydicom.uid import UID

    stated = str(dataset.file_meta.get("TransferSyntaxUID", "") or "")
    if not stated:
        implicit, little = dataset.original_encoding
        stated = "1.2.840.10008.1.2" + ("" if implicit else ".1" if little else ".2")
        dataset.file_meta.TransferSyntaxUID = UID(stated)
    return stated


def _pixel_element(file: BinaryIO, syntax: str, dataset: pydicom.Dataset) -> PixelElement | None:
    """Read the tag and length at which pydicom stopped, where it stopped for pixels."""
    order = ">" if syntax == _BIG_ENDIAN else "<"
    head = file.read(12)
    if len(head) < 8:
        return None
    group, element = struct.unpack(order + "HH", head[:4])
    if group != 0x7FE0 or element not in (0x08, 0x09, 0x10):
        return None
    here = file.tell() - len(head)
    if dataset.original_encoding[0]:
        width, (length,) = 8, struct.unpack(order + "L", head[4:8])
    elif head[4:6] in (b"OB", b"OW", b"OF", b"OD", b"UN", b"OL", b"OV") and len(head) == 12:
        width, (length,) = 12, struct.unpack(order + "L", head[8:12])
    else:
        width, (length,) = 8, struct.unpack(order + "H", head[6:8])
    return PixelElement(group << 16 | element, here + width, None if length == _UNDEFINED else length)


def _check_whole(dataset: pydicom.FileDataset, messages: list[str]) -> None:
    from pydicom.dataelem import RawDataElement

    for message in messages:
        if message.startswith("Expected") and "VR, but found" in message:
            raise UnreadableFile(
                f"the data must be written as the transfer syntax declares; {message.split(' - ')[0]}"
            )
        if message.startswith("End of file") or "EOF" in message or "Unexpected end of file" in message:
            raise UnreadableFile("the file must be whole; it ends in the middle of a sequence")
    for tag in dataset.keys():
        element = dataset.get_item(tag, keep_deferred=True)
        if isinstance(element, RawDataElement) and element.length not in (0, _UNDEFINED):
            held = len(element.value or b"")
            if held != element.length:
                there = f"{element.tag} states {element.length} bytes and {held} are there"
                raise UnreadableFile(f"the file must be whole; {there}")


def read_whole_dataset(path: Path, *, stop_before_pixels: bool) -> pydicom.FileDataset:
    """Parse a file with every sequence in it, values staying as they were written until asked for.

    Raises
    ------
    UnreadableFile
        As :func:`parse_file`, or when sequences are nested deeper than 64 levels.
    """
    dataset, _, _ = parse_file(path, stop_before_pixels=stop_before_pixels)
    _parse_sequences(dataset, 0)
    dataset.filename = str(path)
    return dataset


def _parse_sequences(dataset: pydicom.Dataset, depth: int) -> None:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR
    from pydicom.dataelem import RawDataElement

    if depth > DEEPEST_NESTING:
        raise UnreadableFile(
            f"sequences must be nested at most {DEEPEST_NESTING} deep; these are nested deeper"
        )
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag, keep_deferred=True)
        if isinstance(raw, RawDataElement):
            vr = raw.VR
            if vr in (None, "UN"):
                vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "SQ"  # private: only trying tells
            if vr != "SQ":
                continue
        try:
            element = dataset[tag]
        except ValueError:
            if tag.is_private:
                continue  # stays as its bytes: nobody can say what it should be
            raise
        if element.VR == "SQ":
            for item in element.value:
                _parse_sequences(item, depth + 1)


def decode_stored_pixels(path: Path) -> np.ndarray[Any, Any]:
    """Return the stored values of a file, decompressed where need be.

    Address space is allowed for twice the decoded size that the header states and twice the size of the
    file, once the statement is plausible: at most 1000 times the size of the file (deflate cannot do more,
    RLE not nearly) or what the worker's limit allows anyway.

    Raises
    ------
    UnreadableFile
        When the stated size is not plausible, or the decoder refuses.
    """
    import numpy as np
    from pydicom.pixels.utils import pixel_array

    dataset, size, _ = parse_file(path)
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    numbers = [
        int(dataset.get(name) or 1) for name in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")
    ]
    stated = math.prod(numbers) * max(8, int(dataset.get("BitsAllocated") or 8)) // 8
    allowance = _raise_memory(0)
    if min(numbers) < 1 or stated > max(_MOST_EXPANSION * size, allowance):
        raise UnreadableFile(
            f"pixels must be at most {_MOST_EXPANSION} times the size of their file; "
            f"{stated / _MIB:.0f} MB are stated and the file has {size / _MIB:.3g} MB"
        )
    _raise_memory(2 * stated + 2 * size)
    dataset, _, _ = parse_file(path, stop_before_pixels=False)
    return np.ascontiguousarray(pixel_array(dataset, raw=True, decoding_plugin=_DECODER.get(syntax, "")))


def _raise_memory(extra_bytes: int) -> int:
    """Allow more address space and return the limit [byte]."""
    if sys.platform != "linux":
        return sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    soft = soft + extra_bytes if hard == resource.RLIM_INFINITY else min(soft + extra_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return soft
