"""Sidecars: JSON files that say what the file of the same name holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.files import write_text
from tumorboard.io.text_lines import read_text_lines

__all__ = ["number_in", "read_sidecar", "sidecar_of", "write_sidecar"]


def sidecar_of(path: Path | str) -> Path:
    """Return where the sidecar of a file is.

    Examples
    --------
    >>> sidecar_of("sub-01_pet.nii.gz").name, sidecar_of("sub-01_tacs.tsv").name
    ('sub-01_pet.json', 'sub-01_tacs.json')
    """
    path = Path(path)
    name = path.name.removesuffix(".gz")
    return path.with_name(f"{name.rpartition('.')[0] or name}.json")


def read_sidecar(path: Path | str) -> dict[str, Any]:
    """Return the object of a JSON file.

    Raises
    ------
    UnreadableFile
        When the file is absent or holds no JSON object.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"Units": "Bq/mL"}')
    >>> read_sidecar(path)
    {'Units': 'Bq/mL'}
    """
    path = Path(path)
    try:
        content = json.loads("\n".join(read_text_lines(path, what="sidecar")))
    except (json.JSONDecodeError, RecursionError) as reason:
        raise UnreadableFile(f"{path.name} must be JSON; {reason}; correct the file") from reason
    if not isinstance(content, dict):
        raise UnreadableFile(f"{path.name} must hold a JSON object; got {type(content).__name__}")
    return content


def write_sidecar(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write an object as a JSON file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> write_sidecar(path, {"Units": "Bq/mL"})
    >>> read_sidecar(path)
    {'Units': 'Bq/mL'}
    """
    write_text(path, json.dumps(content, indent=2) + "\n")


def number_in(sidecar: Mapping[str, Any], key: str, *, where: str) -> float:
    """Return a number of a sidecar.

    Raises
    ------
    MissingAttribute
        When it is absent.
    InputError
        When it is no finite number.

    Examples
    --------
    >>> number_in({"ScanStart": 0}, "ScanStart", where="a.json")
    0.0
    """
    if key not in sidecar or sidecar[key] in ("n/a", None):
        raise MissingAttribute(f"{where} must state {key}; it does not; add it")
    value = sidecar[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise InputError(f"{key} of {where} must be a finite number; got {str(value)[:40]!r}; correct it")
    return float(value)
