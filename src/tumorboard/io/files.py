"""Writing files so that a reader sees the whole of the old or the whole of the new, never a part."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError

__all__ = ["PARTIAL_PREFIX", "atomic_folder", "atomic_write", "write_bytes", "write_text"]

#: Names of unfinished files and folders begin so. What a killed process left behind may be deleted.
PARTIAL_PREFIX: Final = ".partial-"


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Give a temporary file to write to; when the block ends well it becomes ``path``.

    The temporary file stands beside the target, so that the final step is a rename within one file system,
    and ends as the target's name does, so that libraries that look at the suffix behave. It is flushed to
    the disk before the rename. When the block raises, it is deleted and an existing ``path`` is untouched.

    Parameters
    ----------
    path
        The file to make or to replace; its folder must exist.

    Yields
    ------
    Path
        An empty file to write to.

    Raises
    ------
    InputError
        When the folder does not exist or ``path`` is a folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "report.txt") as partial:
    ...     _ = partial.write_text("all of it")
    >>> (folder / "report.txt").read_text()
    'all of it'
    """
    path = Path(path)
    _require_parent(path)
    if path.is_dir():
        raise InputError(f"path must be a file; got the folder {path}; name a file in it")
    partial = _partial_beside(path)
    # Not tempfile.mkstemp: its 0600 would outlive the rename and lock out the colleagues.
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield partial
        _flush(partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


@contextmanager
def atomic_folder(path: Path | str, *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well it becomes ``path``.

    Parameters
    ----------
    path
        The folder to make; its parent must exist.
    replace
        Whether an existing folder may be replaced. It is moved aside, the new one is moved in, and then the
        old one is deleted: file systems cannot exchange two folders portably, so a power cut exactly between
        the two renames leaves the old folder under a name beginning with :data:`PARTIAL_PREFIX`.

    Yields
    ------
    Path
        An empty folder to fill.

    Raises
    ------
    InputError
        When the parent does not exist, or ``path`` exists and ``replace`` is false. An existing empty
        folder is always replaced.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "series"
    >>> with atomic_folder(target) as partial:
    ...     _ = (partial / "0001.dcm").write_bytes(b"...")
    >>> [p.name for p in target.iterdir()]
    ['0001.dcm']
    """
    path = Path(path)
    _require_parent(path)
    _require_replaceable(path, replace=replace)
    partial = _partial_beside(path)
    partial.mkdir()
    try:
        yield partial
        for folder, _, names in os.walk(partial):
            for name in names:
                _flush(Path(folder) / name)
            _flush_folder(Path(folder))
        _require_replaceable(path, replace=replace)
        _move_in(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _flush_folder(path.parent)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write ``content`` to ``path`` by :func:`atomic_write`."""
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path | str, content: str) -> None:
    """Write ``content`` as UTF-8 with its line ends as they are to ``path`` by :func:`atomic_write`."""
    write_bytes(path, content.encode("utf-8"))


def _partial_beside(path: Path) -> Path:
    # 40 characters of at most 4 bytes stay below the 255 bytes that file systems allow for a name.
    return path.with_name(f"{PARTIAL_PREFIX}{secrets.token_hex(6)}-{path.name[-40:]}")


def _require_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"folder of {path.name!r} must exist; {path.parent} does not; make it first")


def _require_replaceable(path: Path, *, replace: bool) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"path must be a folder or absent; got the file or link {path}; choose another name")
    if path.is_dir() and any(path.iterdir()) and not replace:
        raise InputError(
            f"folder must be new or empty; {path} holds files; choose another or pass replace=True"
        )


def _move_in(partial: Path, path: Path) -> None:
    if not path.exists():
        os.rename(partial, path)
        return
    aside = _partial_beside(path)
    os.rename(path, aside)
    try:
        os.rename(partial, path)
    except OSError:
        os.rename(aside, path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(path: Path) -> None:
    # The rename is durable only once its folder is; Windows cannot open folders and needs no such thing.
    if os.name == "posix":
        _flush(path)
