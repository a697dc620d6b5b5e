"""Sections as JSON, so that a finished one is read back instead of made again."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import tumorboard
from tumorboard.errors import InputError
from tumorboard.plotting import blocks
from tumorboard.provenance import Record
from tumorboard.workflows.board.result import SectionResult

__all__ = ["code_digest", "decode", "encode"]

_TYPES: dict[str, type] = {
    name: kind for name in blocks.__all__ if isinstance(kind := getattr(blocks, name), type)
} | {"SectionResult": SectionResult}


def encode(value: Any) -> Any:
    """Return a block, a section result or anything they hold as JSON-serialisable values."""
    if isinstance(value, Record):
        return {"type": "Record", "tree": value.to_dict()}
    if isinstance(value, Enum):
        return {"type": type(value).__name__, "value": value.value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": held}
    if isinstance(value, bytes):
        return {"type": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {"type": "dict", "items": {key: encode(held) for key, held in value.items()}}
    if isinstance(value, tuple | list):
        return [encode(held) for held in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise InputError(f"a section must hold blocks, text and plain numbers; got {type(value).__name__}")


def decode(value: Any) -> Any:
    """Return what :func:`encode` was given; lists come back as tuples, as blocks hold them."""
    if isinstance(value, list):
        return tuple(decode(held) for held in value)
    if not isinstance(value, dict):
        return value
    kind = value["type"]
    if kind == "Record":
        return Record.from_dict(value["tree"])
    if kind == "bytes":
        return base64.b64decode(value["base64"])
    if kind == "dict":
        return {key: decode(held) for key, held in value["items"].items()}
    if "fields" in value:
        return _TYPES[kind](**{name: decode(held) for name, held in value["fields"].items()})
    return _TYPES[kind](value["value"])


@cache
def code_digest() -> str:
    """SHA-256 over this package's source: another version never takes over an old version's results."""
    digest = hashlib.sha256()
    root = Path(tumorboard.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
