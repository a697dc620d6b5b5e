"""Tables of numbers with one line of headers, separated by commas or tabs."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.text_lines import finite_number, read_text_lines

__all__ = ["CurveTable", "read_curve_table"]

_MISSING: Final = frozenset({"", "n/a", "na", "nan", "null", "-"})
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class CurveTable:
    """A table as text.

    Parameters
    ----------
    name
        Of the file, for messages.
    headers
        In order, unique.
    rows
        Cells as text, each row as long as the headers.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def texts(self, header: str) -> list[str]:
        """Return the cells of a column.

        Raises
        ------
        MissingAttribute
            When there is no such column.
        """
        if header not in self.headers:
            raise MissingAttribute(
                f"{self.name} must have a column {header!r}; it has {', '.join(self.headers)[:200]}"
            )
        k = self.headers.index(header)
        return [row[k] for row in self.rows]

    def numbers(self, header: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape ``(n_rows,)``; what is not available is NaN.

        Raises
        ------
        InputError
            When a cell is no number.
        """
        found = [
            float("nan")
            if cell.strip().lower() in _MISSING
            else finite_number(_with_point(cell), where=f"{header} in row {k} of {self.name}")
            for k, cell in enumerate(self.texts(header), start=1)
        ]
        return np.array(found, np.float64)

    def complete(self, header: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape ``(n_rows,)``, none of them missing.

        Raises
        ------
        InputError
            When a cell is empty or no number.
        """
        values = self.numbers(header)
        if np.isnan(values).any():
            k = int(np.flatnonzero(np.isnan(values))[0]) + 1
            raise InputError(f"{header} of {self.name} must be a number in each row; row {k} has none")
        return values

    def where(self, selection: Mapping[str, str]) -> CurveTable:
        """Return the rows whose cells are these.

        Raises
        ------
        InputError
            When there is none.
        """
        kept = [True] * len(self.rows)
        for header, text in selection.items():
            kept = [k and cell == text for k, cell in zip(kept, self.texts(header), strict=True)]
        rows = tuple(row for row, k in zip(self.rows, kept, strict=True) if k)
        if not rows:
            wanted = ", ".join(f"{header} {text!r}" for header, text in selection.items())
            raise InputError(f"{self.name} must have rows of {wanted}; it has none")
        return CurveTable(self.name, self.headers, rows)


def read_curve_table(path: Path | str, *, delimiter: str, what: str) -> CurveTable:
    r"""Read a table; a name that ends in ``.gz`` is unpacked.

    Parameters
    ----------
    path
        The file; at most 64 MB unpacked.
    delimiter
        ``","`` or ``"\t"``.
    what
        What the file should be, for messages.

    Raises
    ------
    UnreadableFile
        When the file is no table.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("time\tblood\n0\t1,5\n9\tn/a\n")
    >>> read_curve_table(path, delimiter="\t", what="blood").numbers("blood").tolist()
    [1.5, nan]
    """
    path = Path(path)
    lines = _unpacked(path, what) if path.name.endswith(".gz") else read_text_lines(path, what=what)
    lines = [line for line in lines if line.strip()]
    rows = [tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=delimiter)]
    if len(rows) < 2:
        raise UnreadableFile(
            f"{what} {path.name} must have a line of headers and rows; got {len(rows)} lines"
        )
    headers, body = rows[0], rows[1:]
    # A separator at the end of every line is common.
    if headers and not headers[-1]:
        headers = headers[:-1]
        body = [row[:-1] if len(row) > len(headers) and not row[-1] else row for row in body]
    if len(set(headers)) != len(headers):
        raise UnreadableFile(f"columns of {path.name} must have names of their own; got {', '.join(headers)}")
    for k, row in enumerate(body, start=1):
        if len(row) != len(headers):
            raise UnreadableFile(
                f"row {k} of {path.name} must have {len(headers)} cells, as its headers; got {len(row)}; "
                f"separate cells by {'tabs' if delimiter == chr(9) else 'commas'}"
            )
    return CurveTable(path.name, headers, tuple(body))


def _with_point(cell: str) -> str:
    text = cell.strip()
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def _unpacked(path: Path, what: str) -> list[str]:
    try:
        with os.fdopen(open_regular(path), "rb") as file, gzip.open(file) as unpacked:
            content = unpacked.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as reason:
        raise UnreadableFile(f"{what} {path.name} must be a readable gzip file; {reason}") from reason
    if len(content) > _MOST_BYTES:
        raise UnreadableFile(f"{what} must be at most {_MOST_BYTES >> 20} MB; {path.name} is larger")
    return list(io.StringIO(content.decode("utf-8", errors="replace")).read().splitlines())
