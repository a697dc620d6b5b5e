"""Tables of numbers with one line of headers, separated by commas or tabs."""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.curve_units import split_unit
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.text_lines import finite_number, read_text_lines

__all__ = ["CurveTable", "delimiter_of", "header_word", "one_scan", "read_curve_table"]

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


def delimiter_of(path: Path | str) -> str:
    r"""Return what separates the cells, by the ending of the name.

    Examples
    --------
    >>> delimiter_of("a.csv.gz"), delimiter_of("a.tsv")
    (',', '\t')
    """
    return "," if Path(path).name.endswith((".csv", ".csv.gz")) else "\t"


def header_word(header: str) -> str:
    """Return a header without its unit, in small letters, for comparison with known ones.

    Examples
    --------
    >>> header_word("Frame Start (min)"), header_word("whole-blood[kBq/cc]")
    ('frame_start', 'whole_blood')
    """
    return split_unit(header)[0].lower().replace(" ", "_").replace("-", "_")


def one_scan(table: CurveTable, selection: Mapping[str, str], time_words: Sequence[str]) -> CurveTable:
    """Return the rows of one scan, without the columns that tell scans apart.

    Columns without a unit in which no cell is a number are taken for labels, such as a scan's, a person's or
    a frame's.

    Parameters
    ----------
    table
        Of one scan or of several.
    selection
        Cells that select rows, by header.
    time_words
        Headers of times, as :func:`header_word` has them.

    Raises
    ------
    InputError
        When times of the rows that are left begin anew, and labels differ: they are of several scans.

    Examples
    --------
    >>> table = CurveTable("a.csv", ("PET", "t"), (("one", "0"), ("two", "0")))
    >>> one_scan(table, {"PET": "two"}, ("t",)).headers
    ('t',)
    """
    chosen = table.where(selection)
    labels = [
        header
        for header in chosen.headers
        if header not in selection and split_unit(header)[1] is None and _is_label(chosen.texts(header))
    ]
    times = next((chosen.numbers(h) for h in chosen.headers if header_word(h) in time_words), np.zeros(0))
    for header in labels if (np.diff(times) < 0).any() else ():
        texts = list(dict.fromkeys(text for text in chosen.texts(header) if text.lower() not in _MISSING))
        if len(texts) > 1:
            raise InputError(
                f"rows of {table.name} must be of one scan; column {header!r} holds {len(texts)}, "
                f"{', '.join(texts[:3])}{' ...' if len(texts) > 3 else ''}; pass where={{{header!r}: "
                f"{texts[0]!r}}}"
            )
    kept = [k for k, h in enumerate(chosen.headers) if h not in labels and h not in selection]
    return CurveTable(
        table.name,
        tuple(chosen.headers[k] for k in kept),
        tuple(tuple(row[k] for k in kept) for row in chosen.rows),
    )


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


def _is_label(cells: list[str]) -> bool:
    """Return whether cells name something: a curve that was never measured is none, nor one with a typo."""
    filled = [cell for cell in cells if cell.lower() not in _MISSING]
    return bool(filled) and not any(_is_number(cell) for cell in filled)


def _is_number(cell: str) -> bool:
    try:
        float(_with_point(cell))
    except ValueError:
        return False
    return True


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
    return content.decode("utf-8", errors="replace").splitlines()
