"""Uncompressed pixels straight from many files into one array, without a copy on the way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.file_ranges import read_ranges
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.dicom.study import FileHeader

__all__ = ["read_uncompressed", "stored_dtype"]

#: Read in one call of compiled code, which an interrupt has to wait for [byte].
_BYTES_PER_TASK = 64 << 20

#: Fewer are read sooner than threads begin [byte].
_SMALL_BYTES = 8 << 20


def stored_dtype(header: FileHeader) -> np.dtype[np.generic]:
    """Return the little-endian integer type in which ``header`` says that its values are stored.

    Raises
    ------
    UnreadableFile
        When the values are not of one, two or four whole bytes.
    """
    bits = header.bits_allocated
    if bits not in (8, 16, 32):
        raise UnreadableFile(f"BitsAllocated must be 8, 16 or 32 bit; got {bits!r} in {header.path.name}")
    return np.dtype(f"<{'i' if header.pixel_representation == 1 else 'u'}{bits // 8}")


def read_uncompressed(headers: Sequence[FileHeader], *, jobs: int) -> np.ndarray:
    """Read the stored values of files that have one plain frame each.

    Parameters
    ----------
    headers
        In the order wanted. All have ``pixel_offset``, one frame, one sample, and the same rows, columns and
        stored type.
    jobs
        Threads at most.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_files, rows, columns)``, the stored type, no rescale applied.

    Raises
    ------
    InputError
        When a header does not fit the others or its pixels cannot be read this way.
    UnreadableFile
        When a file ends before its pixels do.
    """
    if not headers:
        raise InputError("headers must name at least one file; got none")
    first = headers[0]
    layout = _layout(first)
    if not first.rows or not first.columns:
        raise InputError(f"rows and columns must be >= 1; got {layout[:2]} in {first.path.name}")
    for header in headers:
        if header.pixel_offset is None or header.number_of_frames != 1 or header.samples_per_pixel != 1:
            raise InputError(
                f"{header.path.name} must hold one uncompressed frame of one sample a pixel; "
                "read it with sandbox.decode_pixels"
            )
        if _layout(header) != layout:
            raise InputError(
                f"rows, columns, bits and sign of {header.path.name} must be those of {first.path.name}, "
                f"{layout}; got {_layout(header)}"
            )
    values = np.empty((len(headers), first.rows, first.columns), stored_dtype(first))
    rows = values.reshape(len(headers), -1).view(np.uint8)
    offsets = np.array([header.pixel_offset for header in headers], np.int64)
    per_task = max(1, min(-(-len(headers) // jobs), _BYTES_PER_TASK // rows.shape[1]))

    def read(begin: int) -> None:
        some = slice(begin, begin + per_task)
        _, held = read_ranges([header.path for header in headers[some]], offsets[some], rows[some])
        for i in (begin + np.flatnonzero(held < rows.shape[1])).tolist():
            _read_into(rows[i].data, headers[i])

    starts = range(0, len(headers), per_task)
    if jobs == 1 or values.nbytes <= _SMALL_BYTES:
        for begin in starts:
            read(begin)
    else:
        with ThreadPoolExecutor(jobs) as executor:
            list(executor.map(read, starts))
    return values


def _layout(header: FileHeader) -> tuple[int | None, ...]:
    return header.rows, header.columns, header.bits_allocated, header.pixel_representation


def _read_into(target: memoryview, header: FileHeader) -> None:
    fd = open_regular(header.path)
    try:
        offset, done = header.pixel_offset or 0, 0
        while done < len(target):
            count = os.preadv(fd, [target[done:]], offset + done)
            if count == 0:
                raise UnreadableFile(
                    f"{header.path.name} must hold {len(target)} bytes of pixels; it ends after {done}"
                )
            done += count
    finally:
        os.close(fd)
