"""Small text files of unknown origin, as lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.opening import open_regular

__all__ = ["finite_number", "read_text_lines"]

#: Beam models, machines and curves are tables of a few thousand lines.
_MOST_BYTES: Final = 64 << 20


def read_text_lines(path: Path | str, *, what: str) -> list[str]:
    r"""Return the lines of a text file, without line ends, of any system.

    Parameters
    ----------
    path
        The file; at most 64 MB.
    what
        What the file should be, for messages.

    Raises
    ------
    UnreadableFile
        When the path is no regular file, or the file is too large or is not text.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"one\r\ntwo\n")
    ...     file.flush()
    ...     read_text_lines(file.name, what="example")
    ['one', 'two']
    """
    path = Path(path)
    try:
        handle = open_regular(path)
    except UnreadableFile as error:
        raise UnreadableFile(f"{what} {path.name}: {error}") from error
    with os.fdopen(handle, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UnreadableFile(f"{what} must be at most {_MOST_BYTES >> 20} MB; {path.name} is larger")
    if b"\0" in content:
        raise UnreadableFile(f"{what} must be a text file; {path.name} is not; choose another file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older Windows programs; every byte has a meaning in it, and numbers and keywords are ASCII.
        text = content.decode("latin-1")
    return text.splitlines()


def finite_number(text: str, *, where: str) -> float:
    """Return the number that ``text`` is; ``where`` says which one it is in the message.

    Raises
    ------
    InputError
        When it is no finite number.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise InputError(f"{where} must be a finite number; got {text[:40]!r}; correct the file")
    return value
