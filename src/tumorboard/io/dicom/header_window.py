"""Headers from the first bytes of each file, by a compiled scan that several threads run at a time.

Only plainly written files are answered here. The rest is named, for pydicom in the sandbox to judge.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from enum import Enum
from itertools import compress
from pathlib import Path
from typing import Any, Final

import numpy as np

from tumorboard.errors import UnreadableFile
from tumorboard.io._kernels import header_scan as kernel
from tumorboard.io.dicom.file_ranges import read_ranges
from tumorboard.io.dicom.header_fields import (
    FIELDS,
    SIEMENS,
    SIEMENS_B_VALUE,
    SIEMENS_CREATOR,
    UNUSUAL,
    Field,
    Kind,
    from_bytes,
)
from tumorboard.io.dicom.integrity import PixelElement, why_broken
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.dicom.study import FileHeader, Quarantined

__all__ = ["Verdict", "scan_windows"]

WINDOW_BYTES: Final = 16 << 10
LARGER_WINDOWS_BYTES: Final = (256 << 10, 32 << 20)
ROOM_BYTES: Final = 4096
DEEPEST_NESTING: Final = 32
FILES_PER_CHUNK: Final = 256
CHUNKS_PER_ROUND: Final = 32

_CHARACTER_SET: Final = Field("", "SpecificCharacterSet", 0x00080005, "CS", Kind.TEXT, "")
_REQUIRED: Final = ("sop_class_uid", "sop_instance_uid", "study_instance_uid", "series_instance_uid")
_PIXEL_DATA: Final = 0x7FE00010
_SYNTAX_FIELD: Final = Field("", "TransferSyntaxUID", 0x00020010, "UI", Kind.TEXT, "")
_MEDIA_CLASS_FIELD: Final = Field("", "MediaStorageSOPClassUID", 0x00020002, "UI", Kind.TEXT, "")
_DICOMDIR: Final = "1.2.840.10008.1.3.10"


class Verdict(Enum):
    """Who judges a file that the compiled scan has no header of."""

    NOT_DICOM = "not_dicom"
    UNUSUAL = "unusual"


def _code(vr: str) -> int:
    return ord(vr[0]) | ord(vr[1]) << 8


def _lengths_by_vr() -> np.ndarray[Any, Any]:
    table = np.zeros(1 << 16, np.uint8)
    for vr in "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split():
        table[_code(vr)] = kernel.SHORT_LENGTH
    for vr in "OB OD OF OL OV OW SQ SV UC UN UR UT UV".split():
        table[_code(vr)] = kernel.LONG_LENGTH
    return table


def _wanted() -> tuple[list[int], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    allowed: dict[int, tuple[str, ...]] = {field.tag: (field.vr,) for field in FIELDS}
    allowed |= {field.tag: (field.vr,) for field in (_MEDIA_CLASS_FIELD, _SYNTAX_FIELD, _CHARACTER_SET)}
    allowed |= {SIEMENS_CREATOR.tag: ("LO", "UN"), SIEMENS_B_VALUE.tag: ("IS", "OB", "UN")}
    tags = sorted(allowed)
    vrs = np.zeros((len(tags), 3), np.int64)
    for row, tag in zip(vrs, tags, strict=True):
        for k, vr in enumerate(allowed[tag]):
            row[k] = _code(vr)
    return tags, np.array(tags, np.int64), vrs


_SLOT_SETTERS: Final = [(field.name, getattr(FileHeader, field.name).__set__) for field in fields(FileHeader)]
_VR_LENGTH: Final = _lengths_by_vr()
_TAG_LIST, _TAGS, _VRS = _wanted()
_COLUMN: Final = {tag: k for k, tag in enumerate(_TAG_LIST)}
_ROOT: Final = np.frombuffer(b"1.2.840.10008.1.2", np.uint8)
_NO_TAGS: Final = np.empty(0, np.int64)
_PLAIN_COMPRESSED: Final = frozenset(
    [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 92, 93, 201, 202, 203)]
    + [f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109)]
    + ["1.2.840.10008.1.2.5"]
)
_ENCODINGS: Final = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin-1",
    "ISO_IR 192": "utf-8",
    # The rest agrees with ASCII where no byte is above 127, and other text is pydicom's.
    **{f"ISO_IR {n}": "ascii" for n in (101, 109, 110, 126, 127, 138, 144, 148, 166, 203)},
    "GB18030": "ascii",
    "GBK": "ascii",
}


class _Chunk:
    """Some paths, and where the values are that the kernel found in them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        n = len(paths)
        self.paths = paths
        self.sizes = np.zeros(n, np.int64)
        self.held = np.zeros(n, np.int64)
        self.packed = np.empty((n, ROOM_BYTES), np.uint8)
        self.starts = np.zeros((n, len(_TAG_LIST)), np.int64)
        self.lengths = np.full((n, len(_TAG_LIST)), -1, np.int64)
        self.pixels = np.zeros((n, 3), np.int64)
        self.status = np.full(n, kernel.NOT_DICOM, np.int64)
        self.encoding = np.zeros(n, np.int64)
        self.refused: dict[int, Quarantined] = {}
        self.bare: set[int] = set()
        self.ends = np.empty(DEEPEST_NESTING, np.int64)

    def read(self) -> _Chunk:
        """Fill the windows and scan them; again with more of those files that need it."""
        windows = np.empty((len(self.paths), WINDOW_BYTES), np.uint8)
        self.sizes, self.held = read_ranges(self.paths, np.zeros(len(self.paths), np.int64), windows)
        # An empty file is filled again too, for its reason.
        for i in np.flatnonzero(self.held <= 0).tolist():
            self._fill(windows[i], i)
        self._scan(windows, slice(None), _NO_TAGS)
        if (self.status == kernel.NEED_DICTIONARY).any():
            self._scan(windows, slice(None), _sequence_tags())
        for i in np.flatnonzero(self.status == kernel.NOT_DICOM).tolist():
            if _begins_without_preamble(bytes(windows[i, : min(8, self.held[i])])):
                self.bare.add(i)
        for most in LARGER_WINDOWS_BYTES:
            for i in np.flatnonzero(self.status == kernel.NEED_MORE).tolist():
                window = np.empty((1, min(most, int(self.sizes[i]))), np.uint8)
                self._fill(window[0], i)
                self._scan(window, slice(i, i + 1), _sequence_tags())
        return self

    def _fill(self, window: np.ndarray[Any, Any], i: int) -> None:
        self.held[i] = 0
        try:
            fd = open_regular(self.paths[i])
        except UnreadableFile as error:
            self.refused[i] = Quarantined(self.paths[i], str(error))
            return
        try:
            self.sizes[i] = os.fstat(fd).st_size
            self.held[i] = os.preadv(fd, [window.data], 0)
            if self.held[i] == 0:
                self.refused[i] = Quarantined(
                    self.paths[i], "the file must hold something; the file is empty"
                )
        except OSError as error:
            self.refused[i] = Quarantined(self.paths[i], f"the file must be readable; {error.strerror}")
        finally:
            os.close(fd)

    def _scan(self, windows: np.ndarray[Any, Any], rows: slice, sequence_tags: np.ndarray[Any, Any]) -> None:
        kernel.scan_headers(
            windows, self.held[rows], self.sizes[rows], _ROOT, _TAGS, _VRS, _VR_LENGTH, sequence_tags,
            self.ends, self.packed[rows], self.starts[rows], self.lengths[rows], self.pixels[rows],
            self.status[rows], self.encoding[rows],
        )  # fmt: skip

    def outcomes(self, caches: _Caches) -> list[FileHeader | Quarantined | Verdict]:
        """Make headers of the values, and name what is not plain."""
        results: list[FileHeader | Quarantined | Verdict] = [
            Verdict.UNUSUAL if code != kernel.NOT_DICOM or i in self.bare else Verdict.NOT_DICOM
            for i, code in enumerate(self.status)
        ]
        table = _Columns(self, caches)
        columns, media_classes = table.parse()
        sure = table.surely_whole(columns)
        usual = ~table.unusual
        for i in np.flatnonzero(self.status == kernel.DONE).tolist():
            if media_classes[i] == _DICOMDIR:
                results[i] = Verdict.NOT_DICOM
                usual[i] = False
        for i, header in zip(
            np.flatnonzero(usual).tolist(), _make_headers(columns, usual.tolist()), strict=True
        ):
            reason = None if sure[i] else self._why_broken(i, header)
            results[i] = header if reason is None else Quarantined(header.path, reason)
        for i, refused in self.refused.items():
            results[i] = refused
        return results

    def _why_broken(self, i: int, header: FileHeader) -> str | None:
        tag, start, length = self.pixels[i].tolist()
        stated = None if length == kernel.UNDEFINED else length
        return why_broken(header, PixelElement(tag, start, stated) if tag else None)


def _make_headers(columns: dict[str, list[Any]], usual: list[bool]) -> list[FileHeader]:
    """Make the headers of the usual rows, column by column.

    The generated ``__init__`` of a frozen class sets each field by a call in Python, which took half of the
    time of a scan; the slots' own setters run over a column at the speed of C.
    """
    headers = [object.__new__(FileHeader) for is_usual in usual if is_usual]
    for name, set_slot in _SLOT_SETTERS:
        deque(map(set_slot, headers, compress(columns[name], usual)), maxlen=0)
    return headers


class _Cache(dict[bytes, Any]):
    """Values of one attribute by their bytes: most files of a series write the same."""

    def __init__(self, kind: Kind, default: Any, encoding: str) -> None:
        super().__init__()
        self.kind, self.default, self.encoding = kind, default, encoding

    def __missing__(self, raw: bytes) -> Any:
        value = from_bytes(raw, self.kind, self.default, self.encoding)
        self[raw] = value
        return value


class _Caches(dict[tuple[Field, str], _Cache]):
    """One cache for each attribute and character set."""

    def __missing__(self, key: tuple[Field, str]) -> _Cache:
        field, encoding = key
        cache = _Cache(field.kind, field.default, encoding)
        self[key] = cache
        return cache


class _Columns:
    """The headers of a chunk, attribute by attribute."""

    def __init__(self, chunk: _Chunk, caches: _Caches) -> None:
        self.chunk, self.caches = chunk, caches
        n = len(chunk.paths)
        first = np.empty_like(chunk.lengths)
        table = np.empty(1 << (2 * n).bit_length(), np.int64)
        kernel.first_occurrences(chunk.packed, chunk.starts, chunk.lengths, table, first)
        self.first = first.T
        self.blob = chunk.packed.tobytes()
        self.starts = (chunk.starts + np.arange(n)[:, None] * ROOM_BYTES).T
        self.lengths = chunk.lengths.T
        self.unusual = chunk.status != kernel.DONE
        sets = self.column(_CHARACTER_SET)
        self.encodings = [_ENCODINGS.get(name, "") for name in sets]
        self.unusual |= np.array([not encoding for encoding in self.encodings])

    def column(self, field: Field, encoding: str = "ascii") -> list[Any]:
        """Return one value per file; those that are not plain make their files unusual."""
        k = _COLUMN[field.tag]
        first = self.first[k]
        cache = self.caches[field, encoding]
        values = [field.default] * (first.size + 1)  # the last is for the absent: index -1
        odd = []
        rows = np.flatnonzero(first == np.arange(first.size))
        for row, raw in zip(rows.tolist(), self._raw(k, rows), strict=True):
            value = values[row] = cache[raw]
            if value is UNUSUAL:
                odd.append(row)
        if odd:
            self.unusual |= np.isin(first, odd)
        if rows.size == 0:
            return values[:-1]
        if rows.size == 1 and first.min() >= 0:
            return [values[rows[0]]] * first.size
        return [values[row] for row in first.tolist()]

    def text(self, field: Field) -> list[Any]:
        """Return a column of text in each file's own character set."""
        used = {encoding for encoding in self.encodings if encoding}
        if len(used) == 1:
            return self.column(field, used.pop())
        k = _COLUMN[field.tag]
        values = [field.default] * len(self.encodings)
        rows = np.flatnonzero(self.first[k] >= 0)
        for row, raw in zip(rows.tolist(), self._raw(k, rows), strict=True):
            values[row] = self.caches[field, self.encodings[row] or "ascii"][raw]
            self.unusual[row] |= values[row] is UNUSUAL
        return values

    def _raw(self, k: int, rows: np.ndarray[Any, Any]) -> list[bytes]:
        bounds = zip(self.starts[k][rows].tolist(), self.lengths[k][rows].tolist(), strict=True)
        return [self.blob[start : start + length] for start, length in bounds]

    def parse(self) -> tuple[dict[str, list[Any]], list[Any]]:
        """Return the columns of :class:`FileHeader` by name, and the class of the medium."""
        chunk = self.chunk
        columns = {
            field.name: self.text(field) if field.vr == "LO" else self.column(field) for field in FIELDS
        }
        if SIEMENS in (creators := self.text(SIEMENS_CREATOR)):
            old = self.column(SIEMENS_B_VALUE)
            columns["diffusion_b_value"] = [
                old[i] if value is None and creators[i] == SIEMENS else value
                for i, value in enumerate(columns["diffusion_b_value"])
            ]
        columns["transfer_syntax_uid"] = syntaxes = self.column(_SYNTAX_FIELD)
        compressed = chunk.encoding == kernel.ENCAPSULATED
        for i in np.flatnonzero(compressed).tolist():
            self.unusual[i] |= syntaxes[i] not in _PLAIN_COMPRESSED
        tags, offsets, stated = chunk.pixels.T
        direct = ((tags == _PIXEL_DATA) & ~compressed & (stated != kernel.UNDEFINED)).tolist()
        for name, values in (("pixel_offset", offsets.tolist()), ("pixel_length", stated.tolist())):
            columns[name] = [value if plain else None for value, plain in zip(values, direct, strict=True)]
        for name in _REQUIRED:
            self.unusual |= np.array([not uid for uid in columns[name]])
        columns["path"], columns["file_size"] = list(chunk.paths), chunk.sizes.tolist()
        return columns, self.column(_MEDIA_CLASS_FIELD)

    def surely_whole(self, columns: dict[str, list[Any]]) -> np.ndarray[Any, Any]:
        """Tell which files hold one uncompressed block of all the pixels that they state."""
        tags, offsets, stated = self.chunk.pixels.T
        plain = (
            (tags == _PIXEL_DATA)
            & (stated != kernel.UNDEFINED)
            & (self.chunk.encoding != kernel.ENCAPSULATED)
        )
        bits = np.ones(tags.size, np.int64)
        for name in ("rows", "columns", "samples_per_pixel", "bits_allocated"):
            bits *= np.array([value if type(value) is int else 0 for value in columns[name]], np.int64)
        single = np.array([frames == 1 for frames in columns["number_of_frames"]])
        whole = plain & single & (bits > 0) & (8 * stated >= bits) & (offsets + stated <= self.chunk.sizes)
        return np.asarray(whole)


@functools.cache
def _sequence_tags() -> np.ndarray[Any, Any]:
    from pydicom._dicom_dict import DicomDictionary

    return np.array(sorted(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ"), np.int64)


def _begins_without_preamble(head: bytes) -> bool:
    """Tell whether a file that lacks DICOM's mark may be a bare data set all the same."""
    if len(head) < 8:
        return False
    letters = head[4:6].isalpha() and head[4:6].isupper()
    if head[:2] in (b"\2\0", b"\x08\0"):
        return letters or head[6:8] == b"\0\0"
    return head[:2] == b"\0\x08" and letters


def scan_windows(paths: Sequence[Path], *, jobs: int) -> Iterator[list[FileHeader | Quarantined | Verdict]]:
    """Scan files in rounds, so that memory does not grow with their number.

    Parameters
    ----------
    paths
        Files, or what claims to be.
    jobs
        Threads at most.

    Yields
    ------
    list
        For the next paths, in order: the header; why the file is not to be used; or who is to judge it.
    """
    chunks = [paths[i : i + FILES_PER_CHUNK] for i in range(0, len(paths), FILES_PER_CHUNK)]
    with ThreadPoolExecutor(jobs) as executor:
        for begin in range(0, len(chunks), CHUNKS_PER_ROUND):
            some = chunks[begin : begin + CHUNKS_PER_ROUND]
            caches = _Caches()
            # Headers are made of one chunk while the next ones are read.
            scanned = executor.map(lambda part: _Chunk(part).read(), some)
            yield [outcome for chunk in scanned for outcome in chunk.outcomes(caches)]
