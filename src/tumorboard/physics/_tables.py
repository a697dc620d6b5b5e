"""Reading the tables that ship with the package."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ["columns", "rows"]


def _lines(name: str) -> list[str]:
    text = (files("tumorboard.physics") / "tables" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of ``tables/<name>`` as dictionaries; lines that begin with ``#`` are comments."""
    yield from csv.DictReader(_lines(name))


def columns(name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Return the headings of ``tables/<name>`` and its numbers, shape ``(n_rows, n_columns)``."""
    first, *rest = csv.reader(_lines(name))
    return first, np.array(rest, dtype=np.float64)
