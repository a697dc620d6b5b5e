"""Kernels that were calculated once, kept in a folder under a digest of all that they depend on."""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.provenance import Record

__all__ = ["load_arrays", "save_arrays"]


def _path(folder: Path, record: Record) -> Path:
    if not folder.is_dir():
        raise InputError(f"cache must be a folder that exists; {folder} does not; make it first")
    return folder / f"{record.digest}.npz"


def load_arrays(folder: Path, record: Record) -> dict[str, NDArray[np.float64]] | None:
    """Return arrays by name that were kept for a record, or ``None``.

    Parameters
    ----------
    folder
        Where they are kept.
    record
        Of all that they depend on.

    Returns
    -------
    dict or None
        Arrays by name, of any shape ``(...)``.

    Raises
    ------
    InputError
        When the folder does not exist.
    UnreadableFile
        When the file is damaged.

    Examples
    --------
    >>> import tempfile
    >>> load_arrays(Path(tempfile.mkdtemp()), Record("example")) is None
    True
    """
    path = _path(folder, record)
    try:
        # Opened as an archive: numpy would take files of other kinds, too.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as data:
            return {name: np.asarray(data[name], np.float64) for name in data.files}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as reason:
        raise UnreadableFile(
            f"kept kernel {path.name!r} must be one that this program wrote; {reason}; remove it"
        ) from reason


def save_arrays(folder: Path, record: Record, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Keep arrays for a record, whole or not at all.

    Parameters
    ----------
    folder
        Where to keep them.
    record
        Of all that they depend on.
    arrays
        By name, of any shape ``(...)``.

    Raises
    ------
    InputError
        When the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_arrays(folder, Record("example"), {"energy_mev": np.ones(2)})
    >>> load_arrays(folder, Record("example"))
    {'energy_mev': array([1., 1.])}
    """
    path = _path(folder, record)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
