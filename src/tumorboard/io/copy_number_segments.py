"""Segments of copy number and the purity, as the programs that find them write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.core.copy_number import CopyNumberProfile, CopyNumberSegment
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.compressed_text import file_sha256
from tumorboard.io.event_table import EventRow, count_in, read_event_rows
from tumorboard.io.text_lines import finite_number
from tumorboard.provenance import Record

__all__ = ["read_copy_number_segments", "read_purity"]

_WHAT: Final = "table of copy-number segments"
_CHROMOSOME: Final = ("chromosome", "chrom", "chr", "seqnames", "#chrom")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Headers of one program, in small letters; ``start_from`` is 0 where starts count from 0."""

    program: str
    start: str
    end: str
    total: str = ""
    major: str = ""
    minor: str = ""
    start_from: int = 1

    def headers(self) -> set[str]:
        return {name for name in (self.start, self.end, self.total, self.major, self.minor) if name}


#: Told apart by headers that no other has.
_LAYOUTS: Final = (
    _Layout("Sequenza", "start.pos", "end.pos", total="cnt", major="a", minor="b"),
    _Layout("FACETS", "start", "end", total="tcn.em", minor="lcn.em"),
    _Layout("ASCAT", "startpos", "endpos", major="nmajor", minor="nminor"),
    _Layout("PURPLE", "start", "end", total="copynumber", minor="minorallelecopynumber"),
    _Layout("table", "start", "end", total="total_cn", minor="minor_cn"),
    _Layout("table", "start", "end", major="major_cn", minor="minor_cn"),
    _Layout("table", "start", "end", total="total_cn"),
    _Layout("BED", "chromstart", "chromend", total="total_cn", minor="minor_cn", start_from=0),
    _Layout("BED", "chromstart", "chromend", total="total_cn", start_from=0),
)
#: Sequenza's word, and that of the others.
_PURITY: Final = ("cellularity", "purity")


def read_copy_number_segments(path: Path | str, *, sample: str | None = None) -> CopyNumberProfile:
    r"""Read the segments of one tumour.

    Known by their headers are the tables of Sequenza (``*_segments.txt``: ``chromosome start.pos end.pos CNt
    A B``), FACETS (``start end tcn.em lcn.em``), ASCAT (``chr startpos endpos nMajor nMinor``) and PURPLE
    (``*.purple.cnv.somatic.tsv``: ``copyNumber minorAlleleCopyNumber``), and plain ones with ``chromosome
    start end`` and ``total_cn minor_cn``, or ``major_cn minor_cn``, or ``total_cn``; with ``chromStart
    chromEnd`` starts count from 0, as in BED.

    Parameters
    ----------
    path
        The table, plain or gzip'd. Rows without a number of copies are left out.
    sample
        Which sample's rows, where the table has a column ``sample`` with several.

    Returns
    -------
    CopyNumberProfile
        Copies of all cells of the tumour: a segment of part of them counts as of all.

    Raises
    ------
    MissingAttribute
        When headers are those of no known program: log ratios are no numbers of copies.
    InputError
        When a cell is no number, segments overlap, or several samples are there and none is named.
    UnreadableFile
        When the file is no table.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
    ...     _ = file.write("chr\tstartpos\tendpos\tnMajor\tnMinor\n1\t1\t5000\t2\t0\n")
    ...     file.flush()
    ...     read_copy_number_segments(file.name).at("chr1", 100).total
    2.0
    """
    rows = _of_sample(_unquoted_rows(path, _WHAT), sample, Path(path).name)
    if not rows:
        raise InputError(f"{_WHAT} must have a row at least; {Path(path).name} has none")
    headers = set(rows[0].cells)
    chromosome = next((name for name in _CHROMOSOME if name in headers), None)
    layout = next((known for known in _LAYOUTS if known.headers() <= headers), None)
    if chromosome is None or layout is None:
        raise MissingAttribute(
            f"{_WHAT} must have the columns of Sequenza, FACETS, ASCAT or PURPLE, or chromosome, start, end, "
            f"total_cn, minor_cn; {Path(path).name} has {', '.join(rows[0].cells)[:200]}; "
            "log ratios are not numbers of copies"
        )
    segments = [found for row in rows if (found := _segment(row, chromosome, layout)) is not None]
    left_out = len(rows) - len(segments)
    parameters = {
        "file": Path(path).name,
        "file_sha256": file_sha256(path),
        "program": layout.program,
        "rows_left_out": left_out,
    }
    return CopyNumberProfile(segments, Record("io.read_copy_number_segments", parameters))


def _unquoted_rows(path: Path | str, what: str) -> list[EventRow]:
    """Return rows without the quotation marks that R puts around words."""
    return [
        EventRow({k.strip('"'): v.strip('"') for k, v in row.cells.items()}, row.where)
        for row in read_event_rows(path, [], what=what)
    ]


def _of_sample(rows: list[EventRow], sample: str | None, name: str) -> list[EventRow]:
    """Return one sample's rows."""
    column = next((c for c in ("sample", "sampleid", "id") if rows and c in rows[0].cells), None)
    if column is None:
        return rows
    found = {row.cells[column] for row in rows}
    if sample is None and len(found) > 1:
        raise InputError(f"sample of {name} must be named; it has {', '.join(sorted(found))[:200]}")
    return [row for row in rows if sample is None or row.cells[column] == sample]


def _segment(row: EventRow, chromosome: str, layout: _Layout) -> CopyNumberSegment | None:
    minor = _copies(row, layout.minor)
    if layout.total:
        total = _copies(row, layout.total)
    else:
        major = _copies(row, layout.major)
        total = None if major is None or minor is None else major + minor
    if total is None:
        return None
    first = count_in(row.text(layout.start), where=f"{layout.start} in {row.where}") + 1 - layout.start_from
    last = count_in(row.text(layout.end), where=f"{layout.end} in {row.where}")
    # PURPLE's estimates of copies may lie a little below none.
    return CopyNumberSegment(
        row.text(chromosome), first, last, max(total, 0.0), None if minor is None else max(minor, 0.0)
    )


def _copies(row: EventRow, header: str) -> float | None:
    text = row.text(header) if header else ""
    return finite_number(text, where=f"{header} in {row.where}") if text else None


def read_purity(path: Path | str, *, sample: str | None = None) -> float:
    r"""Read the fraction of a sample's cells that are the tumour's.

    Parameters
    ----------
    path
        Sequenza's ``*_confints_CP.txt`` (the middle of its three rows is the estimate), PURPLE's
        ``*.purple.purity.tsv``, or any table with a column ``purity`` or ``cellularity``.
    sample
        Which sample's row, where the table has a column ``sample`` with several.

    Returns
    -------
    float
        Above 0, to 1.

    Raises
    ------
    MissingAttribute
        When there is no such column.
    InputError
        When it is no such fraction, or there are several.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
    ...     _ = file.write("purity\tploidy\n0.62\t2.1\n")
    ...     file.flush()
    ...     read_purity(file.name)
    0.62
    """
    name = Path(path).name
    rows = _of_sample(_unquoted_rows(path, "table of purity"), sample, name)
    column = next((known for known in _PURITY if rows and known in rows[0].cells), None)
    if column is None:
        raise MissingAttribute(f"table of purity must have a column purity or cellularity; {name} has none")
    values = [finite_number(row.text(column), where=f"{column} in {row.where}") for row in rows]
    if column == "cellularity" and len(values) == 3 and values == sorted(values):
        values = [values[1]]  # lower bound, estimate, upper bound
    if len(set(values)) != 1:
        raise InputError(f"{column} of {name} must be one; got {len(set(values))}; keep one row")
    if not 0 < values[0] <= 1:
        raise InputError(f"{column} of {name} must be a fraction above 0, to 1; got {values[0]:g}")
    return values[0]
