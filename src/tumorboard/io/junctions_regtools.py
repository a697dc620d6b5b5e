"""Splice junctions that RegTools found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import text_lines
from tumorboard.io.event_table import EventRow, count_in, read_event_rows

__all__ = ["read_regtools_bed", "read_regtools_junctions"]

_COLUMNS: Final = ("chrom", "start", "end", "score", "strand", "anchor", "known_junction")
_STRANDS: Final = ("+", "-")


def read_regtools_junctions(path: Path | str) -> tuple[SpliceJunction, ...]:
    r"""Read what ``junctions annotate`` or ``cis-splice-effects identify`` wrote [cotto2023regtools].

    Its ``start`` is the last base before the intron and its ``end`` the first one after, counted from 1.

    Parameters
    ----------
    path
        The file, plain or gzip'd.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file; ``kind`` is the anchor: ``"DA"`` known, ``"NDA"`` both ends known but not
        their junction, ``"D"`` and ``"A"`` only the donor or acceptor known, ``"N"`` neither.

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a number is none, or an intron has no base.

    Examples
    --------
    >>> import tempfile
    >>> text = (
    ...     "chrom start end name score strand anchor known_junction gene_names transcripts\n"
    ...     "chr1 17368 17606 J29 181 - DA 1 WASH7P ENST00000488147\n"
    ... )
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write(text.replace(" ", "\t"))
    ...     file.flush()
    ...     (junction,) = read_regtools_junctions(file.name)
    >>> junction.name, junction.reads, junction.kind, junction.known
    ('chr1:17369-17605:-', 181, 'DA', True)
    """
    return tuple(_junction(row) for row in read_event_rows(path, _COLUMNS, what="junctions of RegTools"))


def read_regtools_bed(path: Path | str) -> tuple[SpliceJunction, ...]:
    r"""Read what ``regtools junctions extract`` wrote: BED with twelve columns, one junction a line.

    Each line is two blocks of reads with the intron between them; bases of BED are counted from 0.

    Parameters
    ----------
    path
        The file, plain or gzip'd.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file.

    Raises
    ------
    UnreadableFile
        When a line has no twelve columns or no two blocks.
    InputError
        When a number is none.

    Examples
    --------
    >>> import tempfile
    >>> line = "chr1 889380 891397 J643 460 - 889380 891397 255,0,0 2 82,95 0,1922"
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write(line.replace(" ", "\t"))
    ...     file.flush()
    ...     read_regtools_bed(file.name)[0].name
    'chr1:889463-891302:-'
    """
    return tuple(_bed_junctions(Path(path)))


def _junction(row: EventRow) -> SpliceJunction:
    strand = row.text("strand")
    return SpliceJunction(
        chromosome=row.text("chrom"),
        start=row.count("start") + 1,
        end=row.count("end") - 1,
        strand=strand if strand in _STRANDS else ".",
        reads=row.count("score"),
        kind=row.text("anchor"),
        known=row.text("known_junction") == "1",
        gene=",".join(row.names("gene_names", "genes")),
        transcripts=row.names("transcripts"),
        variants=row.names("variant_info"),
        caller="RegTools",
    )


def _bed_junctions(path: Path) -> Iterator[SpliceJunction]:
    for number, line in enumerate(text_lines(path, what="junctions of RegTools"), start=1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        cells = line.rstrip().split("\t")
        where = f"line {number} of {path.name}"
        sizes = cells[10].rstrip(",").split(",") if len(cells) == 12 else []
        if len(sizes) != 2:
            raise UnreadableFile(
                f"{where} must have 12 columns with two blocks, as BED12 of one junction; got "
                f"{len(cells)} columns and {len(sizes)} blocks; annotated junctions have a line of headers "
                "and are read by read_regtools_junctions"
            )
        first, last = (count_in(cells[k], where=f"column {k + 1} in {where}") for k in (1, 2))
        before, after = (count_in(size, where=f"blockSizes in {where}") for size in sizes)
        if first + before >= last - after:
            raise InputError(f"blocks of {where} must leave an intron between them; got {cells[10]!r}")
        yield SpliceJunction(
            chromosome=cells[0],
            start=first + before + 1,
            end=last - after,
            strand=cells[5] if cells[5] in _STRANDS else ".",
            reads=count_in(cells[4], where=f"score in {where}"),
            kind="",
            known=None,
            gene="",
            transcripts=(),
            variants=(),
            caller="RegTools",
        )
