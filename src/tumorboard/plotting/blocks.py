"""What a report page is made of: sections of blocks.

Blocks hold content only. How they look is decided once, in :mod:`tumorboard.plotting.page`,
so a new section needs no markup. All text may come from untrusted files: it is escaped when rendered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tumorboard.errors import InputError

__all__ = [
    "Align",
    "Block",
    "Caution",
    "Cell",
    "Facts",
    "Fold",
    "Gallery",
    "Note",
    "Picture",
    "PointLink",
    "Section",
    "SectionStatus",
    "Table",
    "Text",
]

_NAME = re.compile(r"[a-z][a-z0-9_.\-]*\Z")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class SectionStatus(Enum):
    """How a section of the report ended; the values are those of ``report.json``."""

    DONE = "done"
    NOT_POSSIBLE = "not_possible"
    FAILED = "failed"


class Align(Enum):
    """Alignment of a table's column."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class PointLink:
    """Text that moves the viewer's crosshair when it is clicked.

    Parameters
    ----------
    text
        What is shown.
    point_mm
        Patient point (x, y, z), LPS [mm].
    frame_of_reference
        DICOM UID of the frame that the point is in: a viewer of another frame does not go there. ``""``
        goes with any.

    Examples
    --------
    >>> PointLink("lesion 1", (12.0, -30.5, 411.0)).point_mm
    (12.0, -30.5, 411.0)
    """

    text: str
    point_mm: tuple[float, float, float]
    frame_of_reference: str = ""

    def __post_init__(self) -> None:
        point = tuple(float(v) for v in self.point_mm)
        if len(point) != 3 or not all(math.isfinite(v) for v in point):
            raise InputError(
                f"point_mm of {self.text!r} must be three finite numbers (x, y, z) [mm]; got {point}"
            )
        object.__setattr__(self, "point_mm", point)

    def is_in(self, frame_of_reference: str) -> bool:
        """Return whether the point lies in a frame, as far as both are known.

        Parameters
        ----------
        frame_of_reference
            DICOM UID, or ``""``.

        Examples
        --------
        >>> point = PointLink("lesion", (0.0, 0.0, 0.0), "1.2.3")
        >>> point.is_in("1.2.3"), point.is_in("1.2.4"), point.is_in("")
        (True, False, True)
        """
        return frame_of_reference in ("", self.frame_of_reference) or self.frame_of_reference == ""


#: One cell of a table: text, a number (shown with the table's digits), a link to a point, or ``None``.
Cell: TypeAlias = str | int | float | PointLink | None


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark beside the content: how something was resolved, what to keep in mind."""

    text: str


@dataclass(frozen=True, slots=True)
class Caution:
    """A remark that a reader must not miss."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Name and value pairs, e.g. how a quantity was computed.

    Parameters
    ----------
    pairs
        ``(name, value)``; the name carries the unit of a number.
    digits
        Significant digits of numbers.
    """

    pairs: tuple[tuple[str, Cell], ...]
    digits: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", tuple((name, value) for name, value in self.pairs))
        _require_digits(self.digits)


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    caption
        What the table shows; ``""`` for none.
    columns
        Headers; a column of numbers has its unit in the header, e.g. ``"Volume [mL]"``.
    rows
        One tuple of cells per row, as many as there are columns.
    align
        One alignment per column; empty: numbers right, everything else left.
    digits
        Significant digits of numbers that are not whole.

    Raises
    ------
    InputError
        When a row or ``align`` does not fit the columns.

    Examples
    --------
    >>> table = Table("Lesions", ("Name", "Volume [mL]"), (("lesion 1", 12.3456), ("lesion 2", None)))
    >>> [a.value for a in table.align]
    ['left', 'right']
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: tuple[Align, ...] = ()
    digits: int = 4

    def __post_init__(self) -> None:
        columns = tuple(self.columns)
        rows = tuple(tuple(row) for row in self.rows)
        for row in rows:
            if len(row) != len(columns):
                raise InputError(
                    f"a row of table {self.caption!r} must have {len(columns)} cells, one per column; "
                    f"got {len(row)}"
                )
        align = tuple(self.align) or tuple(_column_align(row[i] for row in rows) for i in range(len(columns)))
        if len(align) != len(columns):
            raise InputError(
                f"align of table {self.caption!r} must have {len(columns)} entries; got {len(align)}"
            )
        _require_digits(self.digits)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "align", align)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Parameters
    ----------
    png
        The file's bytes.
    caption
        Shown below it.
    alt
        What a reader who cannot see it must know; not empty.
    """

    png: bytes
    caption: str
    alt: str

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG_SIGNATURE):
            raise InputError(f"png of picture {self.caption!r} must be a PNG file; got {self.png[:8]!r}")
        if not self.alt:
            raise InputError(f"alt of picture {self.caption!r} must say what it shows; got ''")


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side, wrapped to the page's width."""

    pictures: tuple[Picture, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "pictures", tuple(self.pictures))


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks behind a line that opens on a click: detail that most readers skip."""

    summary: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))


#: Anything a section can hold.
Block: TypeAlias = Text | Note | Caution | Facts | Table | Picture | Gallery | Fold


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a report.

    Parameters
    ----------
    name
        As in ``report.json``, e.g. ``"pet"``; also its anchor on the page. Unique on the page.
    title
        Its heading.
    status
        How it ended.
    needs
        What it lacks, one sentence each, when it is not possible; what it used otherwise.
    blocks
        Its content, in order.
    wall_s
        Time it took [s]; ``None`` when it did not run.
    """

    name: str
    title: str
    status: SectionStatus
    needs: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    wall_s: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", tuple(self.needs))
        object.__setattr__(self, "blocks", tuple(self.blocks))
        if not _NAME.match(self.name):
            raise InputError(
                f"name of a section must be a-z, 0-9, _, - and ., starting with a letter; got {self.name!r}"
            )
        if self.status is SectionStatus.NOT_POSSIBLE and not self.needs:
            raise InputError(
                f"section {self.name!r} is not possible and must say what it needs; needs is empty"
            )


def _column_align(cells: Iterable[Cell]) -> Align:
    present = [cell for cell in cells if cell is not None]
    numeric = bool(present) and not any(isinstance(cell, str | PointLink) for cell in present)
    return Align.RIGHT if numeric else Align.LEFT


def _require_digits(digits: int) -> None:
    if not 1 <= digits <= 17:
        raise InputError(f"digits must be 1 to 17 significant digits; got {digits}")
