"""Tables of events, one a row, whose columns are found by their names: fusions, junctions."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.compressed_text import text_lines

__all__ = ["EventRow", "count_in", "read_event_rows"]

_ABSENT: Final = frozenset({"", ".", "na", "n/a", "nan", "none", "null"})
_DELIMITERS: Final = ("\t", ";", ",")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of a table.

    Parameters
    ----------
    cells
        By header, in small letters and without ``#``.
    where
        File and row, for messages.
    """

    cells: dict[str, str]
    where: str

    def text(self, *headers: str) -> str:
        """Return the first cell among ``headers`` that states something; ``""`` if none does."""
        for header in headers:
            found = self.cells.get(header, "").strip()
            if found.lower() not in _ABSENT:
                return found
        return ""

    def count(self, *headers: str) -> int:
        """Return the first cell among ``headers`` that states something as a whole number of 0 or more.

        Raises
        ------
        InputError
            When none does, or it is no such number.
        """
        return count_in(self.text(*headers), where=f"{headers[0]} in {self.where}")

    def names(self, *headers: str) -> tuple[str, ...]:
        """Return the cell's parts between commas."""
        return tuple(part.strip() for part in self.text(*headers).split(",") if part.strip())


def count_in(text: str, *, where: str) -> int:
    """Return the number of reads, or the position, that ``text`` is; ``where`` says which in the message.

    Raises
    ------
    InputError
        When it is no whole number of 0 or more. ``12.0`` is one.

    Examples
    --------
    >>> count_in("12.0", where="reads")
    12
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 2**53 or value != int(value):
        raise InputError(f"{where} must be a whole number of 0 or more; got {text[:40]!r}; correct the file")
    return int(value)


def read_event_rows(path: Path | str, columns: Sequence[str], *, what: str) -> list[EventRow]:
    r"""Read a table with one line of headers, plain or gzip'd.

    What separates the cells is found from the headers: tabs, semicolons or commas. Capitals, blanks at the
    ends and a ``#`` at the start of headers do not matter.

    Parameters
    ----------
    path
        The file. Lines that begin with ``##``, and empty ones, are left out.
    columns
        Headers, in small letters, that must be there.
    what
        What the file should be, for messages.

    Returns
    -------
    list of EventRow
        Empty if there are headers only.

    Raises
    ------
    UnreadableFile
        When the file is empty, or a row has more or fewer cells than the headers.
    MissingAttribute
        When a column is absent; the message names all that are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("#Gene1\tReads\nBCR\t12\n")
    ...     file.flush()
    ...     read_event_rows(file.name, ["gene1", "reads"], what="example")[0].count("reads")
    12
    """
    path = Path(path)
    lines = [line for line in text_lines(path, what=what) if line.strip() and not line.startswith("##")]
    if not lines:
        raise UnreadableFile(f"{what} must begin with a line of headers; {path.name} is empty")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    rows = _cells(lines, delimiter, path.name)
    headers = [cell.strip().lstrip("#").strip().lower() for cell in rows[0]]
    missing = [column for column in columns if column not in headers]
    if missing:
        raise MissingAttribute(
            f"{what} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"{path.name} has {', '.join(headers)[:300]}; choose the file that the caller wrote"
        )
    found: list[EventRow] = []
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(headers):
            raise UnreadableFile(
                f"row {number} of {path.name} must have {len(headers)} cells, as its headers; "
                f"got {len(row)}; the file may have been cut off"
            )
        cells = dict(zip(headers, row, strict=True))
        found.append(EventRow(cells, f"row {number} of {path.name}"))
    return found


def _cells(lines: list[str], delimiter: str, name: str) -> list[list[str]]:
    """Return the cells of all lines."""
    if delimiter == "\t":
        # Not by csv: lists of reads are longer than it takes, and a lone quote is no quotation here.
        return [line.split(delimiter) for line in lines]
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as reason:
        raise UnreadableFile(f"{name} must be a table separated by {delimiter!r}; {reason}") from reason
