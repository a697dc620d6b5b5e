"""Variables of a MATLAB file of unknown origin."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import MissingAttribute, UnreadableFile
from tumorboard.io.dicom.opening import open_regular

__all__ = ["matlab_field", "matlab_numbers", "read_matlab"]

_MOST_FILE_BYTES: Final = 1 << 30
#: Compressed elements may grow to this in all: a hostile file must not fill the memory.
_MOST_BYTES: Final = 3 << 30
_HEADER_BYTES: Final = 128
_COMPRESSED: Final = 15
_HDF5: Final = b"\x89HDF"


def read_matlab(path: Path | str, names: Collection[str]) -> dict[str, Any]:
    """Read variables of a MATLAB file of version 5 to 7.

    Parameters
    ----------
    path
        The file, at most 1 GB, and 3 GB once decompressed.
    names
        The variables that must be in it.

    Returns
    -------
    dict
        By name; structures have their fields as attributes.

    Raises
    ------
    UnreadableFile
        When the file is cut short, too large, or of another kind or version.
    MissingAttribute
        When a variable is absent.
    """
    from scipy.io import loadmat

    path = Path(path)
    content = _uncompressed(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = loadmat(
                io.BytesIO(content), squeeze_me=True, struct_as_record=False, variable_names=list(names)
            )
    except Exception as error:  # the reader raises whatever broken bytes lead it to
        text = " ".join(str(error).split())[:120]
        raise UnreadableFile(
            f"MATLAB file {path.name} must be whole; {type(error).__name__}: {text}; fetch it again"
        ) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise MissingAttribute(
            f"MATLAB file {path.name} must hold the variables {', '.join(names)}; "
            f"{', '.join(missing)} is absent; choose a file that matRad saved"
        )
    return {name: found[name] for name in names}


def matlab_field(parent: Any, name: str, *, where: str) -> Any:
    """Return a field of a structure that :func:`read_matlab` read; ``where`` names the structure.

    Raises
    ------
    MissingAttribute
        When there is none.
    """
    if name not in getattr(parent, "_fieldnames", ()):
        raise MissingAttribute(f"{where} must have the field {name!r}; it has none; choose a file of matRad")
    return getattr(parent, name)


def matlab_numbers(value: Any, *, where: str) -> NDArray[np.float64]:
    """Return real finite numbers as an array of at least one dimension, any shape ``(...)``.

    Raises
    ------
    UnreadableFile
        When it is something else.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iufb" or not np.isfinite(array).all():
        raise UnreadableFile(f"{where} must be finite real numbers; it is not; choose another file")
    return np.atleast_1d(array.astype(np.float64))


def _uncompressed(path: Path) -> bytes:
    """Return the file with its compressed elements expanded, within the limit."""
    try:
        handle = open_regular(path)
    except UnreadableFile as error:
        raise UnreadableFile(f"MATLAB file {path.name}: {error}") from error
    with os.fdopen(handle, "rb") as file:
        content = file.read(_MOST_FILE_BYTES + 1)
    if len(content) > _MOST_FILE_BYTES:
        raise UnreadableFile(f"MATLAB file must be at most 1 GB; {path.name} is larger")
    if content[:4] == _HDF5 or content[512:516] == _HDF5:
        raise UnreadableFile(
            f"MATLAB file must be of version 5 to 7; {path.name} is 7.3; in MATLAB: save(name, '-v7')"
        )
    mark = content[126:128]
    if len(content) < _HEADER_BYTES or mark not in (b"IM", b"MI"):
        raise UnreadableFile(f"file must be a MATLAB file of version 5 to 7; {path.name} is not")
    order = "<" if mark == b"IM" else ">"
    parts, at, total = [content[:_HEADER_BYTES]], _HEADER_BYTES, 0
    while at < len(content):
        if at + 8 > len(content):
            raise _cut_short(path)
        kind, size = struct.unpack(f"{order}II", content[at : at + 8])
        end = at + 8 + size
        if end > len(content):
            raise _cut_short(path)
        if kind == _COMPRESSED:
            part = _inflate(content[at + 8 : end], _MOST_BYTES - total, path)
        else:
            part = content[at:end]
        parts.append(part)
        total += len(part)
        at = end
    return b"".join(parts)


def _inflate(block: bytes, most: int, path: Path) -> bytes:
    stream = zlib.decompressobj()
    try:
        part = stream.decompress(block, max(1, most))
    except zlib.error as error:
        raise UnreadableFile(f"MATLAB file {path.name} must be whole; {error}; fetch it again") from error
    if not stream.eof:
        if stream.unconsumed_tail:
            raise UnreadableFile(f"variables of {path.name} must be at most 3 GB; they are larger")
        raise _cut_short(path)
    return part


def _cut_short(path: Path) -> UnreadableFile:
    return UnreadableFile(f"MATLAB file {path.name} must be whole; it is cut short; fetch it again")
