"""Pixels of one bit each, eight to a byte, as binary segmentations have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.dicom.study import FileHeader

__all__ = ["packed_planes"]

_BITS_PER_BYTE = 8


def packed_planes(header: FileHeader) -> Callable[[Sequence[int]], NDArray[np.uint8]]:
    """Return a function that gives chosen frames of a file, shape ``(n_chosen, rows, columns)``, 0 or 1.

    The bytes are kept packed: a whole-body segmentation of a hundred segments is gigabytes unpacked. Frames
    follow each other without padding, so one may begin in the middle of a byte; the first pixel is the lowest
    bit (PS3.5, 8.1.1).

    Raises
    ------
    UnreadableFile
        When the file holds fewer pixels than its header says.
    """
    rows, columns = header.rows or 0, header.columns or 0
    size = rows * columns
    needed = -(-size * header.number_of_frames // _BITS_PER_BYTE)
    held = min(header.pixel_length or 0, header.file_size)
    content = b""
    if held >= needed:
        with os.fdopen(open_regular(header.path), "rb") as file:
            file.seek(header.pixel_offset or 0)
            content = file.read(needed)
            held = len(content)
    if held < needed:
        raise UnreadableFile(
            f"pixel data of {header.path.name} must hold {needed} bytes for {header.number_of_frames} frames "
            f"of {rows} x {columns} bits; got {held}; fetch the file again"
        )
    packed = np.frombuffer(content, dtype=np.uint8)

    def planes(chosen: Sequence[int]) -> NDArray[np.uint8]:
        out = np.empty((len(chosen), size), dtype=np.uint8)
        for plane, frame in zip(out, chosen, strict=True):
            begin, end = frame * size, (frame + 1) * size
            first = begin // _BITS_PER_BYTE
            bits = np.unpackbits(packed[first : -(-end // _BITS_PER_BYTE)], bitorder="little")
            plane[:] = bits[begin - first * _BITS_PER_BYTE :][:size]
        return out.reshape(len(chosen), rows, columns)

    return planes
