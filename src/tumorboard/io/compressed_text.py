"""Large text files of genomics, plain or gzip'd, line by line, whole or refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from tumorboard.errors import UnreadableFile
from tumorboard.io.dicom.opening import open_regular

__all__ = ["file_sha256", "first_bytes", "require_whole_bgzf", "text_lines"]

_GZIP: Final = b"\x1f\x8b"
#: What else a file may be, by its first bytes.
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"(\xb5/\xfd": "packed by zstd",
    b"CRAM": "a CRAM file",
}
#: The empty block that ends every whole BGZF file (SAM specification, section 4.1.2).
_BGZF_END: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
#: A longer line is no record of anyone's: a record of a large cohort has some 10 MB.
_LONGEST_LINE: Final = 256 << 20
#: Text is unpacked in pieces: line by line takes four times as long.
_PIECE: Final = 1 << 20


def file_sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file as it lies on the disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     file_sha256(file.name)[:8]
    'e3b0c442'
    """
    with _opened(Path(path), "file") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def first_bytes(path: Path | str, number: int, *, what: str) -> bytes:
    """Return the first bytes of a file's content, unpacked if it is gzip'd; empty if it cannot be unpacked.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(gzip.compress(b"BCF..."))
    ...     file.flush()
    ...     first_bytes(file.name, 3, what="example")
    b'BCF'
    """
    with _opened(Path(path), what) as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        try:
            return gzip.GzipFile(fileobj=raw).read(number) if packed else raw.read(number)
        except (EOFError, OSError, zlib.error):
            return b""


def require_whole_bgzf(path: Path | str, *, what: str) -> None:
    """Refuse a BGZF file that was cut off between two blocks: it unpacks without error.

    Raises
    ------
    UnreadableFile
        When the empty block is absent that ends every such file. Files of other kinds pass.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     require_whole_bgzf(file.name, what="example")
    """
    with _opened(Path(path), what) as raw:
        _require_end_block(raw, Path(path), what)


def text_lines(path: Path | str, *, what: str) -> Iterator[str]:
    r"""Yield the lines of a text file, plain, gzip'd or BGZF, without their ends.

    Parameters
    ----------
    path
        The file; what it is packed by is seen from its content, whatever its name.
    what
        What the file should be, for messages.

    Raises
    ------
    UnreadableFile
        When it is no regular file, is not text, is packed by something else, or was cut off.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(gzip.compress(b"one\r\ntwo\n"))
    ...     file.flush()
    ...     list(text_lines(file.name, what="example"))
    ['one', 'two']
    """
    path = Path(path)
    with _opened(path, what) as raw:
        start = raw.read(18)
        raw.seek(0)
        for magic, kind in _OTHERS.items():
            if start.startswith(magic):
                raise UnreadableFile(
                    f"{what} must be plain text or gzip'd; {path.name} is {kind}; unpack or convert it"
                )
        packed = start.startswith(_GZIP)
        if packed:
            _require_end_block(raw, path, what)
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if packed else raw)
        # Keys, bases and numbers are ASCII; a comment in another encoding must not stop the file.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline=None)
        try:
            rest = ""
            while piece := text.read(_PIECE):
                if "\0" in piece:
                    raise UnreadableFile(
                        f"{what} must be a text file; {path.name} is not; choose another file"
                    )
                lines = (rest + piece).split("\n")
                rest = lines.pop()
                if len(rest) > _LONGEST_LINE:
                    raise UnreadableFile(
                        f"lines of a {what} must be shorter than {_LONGEST_LINE >> 20} MB; "
                        f"{path.name} has a longer one; it is no such file"
                    )
                yield from lines
            if rest:
                yield rest
        except EOFError as reason:
            raise UnreadableFile(
                f"{what} must be whole; {path.name} ends within its packed data; copy or pack it again"
            ) from reason
        except (gzip.BadGzipFile, zlib.error) as reason:
            raise UnreadableFile(
                f"{what} must be unpackable; {path.name} is damaged ({reason}); copy or pack it again"
            ) from reason


@contextmanager
def _opened(path: Path, what: str) -> Iterator[io.BufferedReader]:
    try:
        handle = open_regular(path)
    except UnreadableFile as error:
        raise UnreadableFile(f"{what} {path.name}: {error}") from error
    with os.fdopen(handle, "rb") as raw:
        yield raw


def _require_end_block(raw: io.BufferedReader, path: Path, what: str) -> None:
    """Refuse a BGZF file without its last, empty block; any other file is left alone."""
    start = raw.read(18)
    raw.seek(0)
    if start[2:4] != b"\x08\x04" or start[12:14] != b"BC":
        return
    size = raw.seek(0, os.SEEK_END)
    raw.seek(max(0, size - len(_BGZF_END)))
    whole = raw.read() == _BGZF_END
    raw.seek(0)
    if not whole:
        raise UnreadableFile(
            f"{what} must be whole; {path.name} lacks the block that ends a BGZF file, so it was cut off; "
            "copy it again, or unpack and pack it again with bgzip if you know it to be whole"
        )
