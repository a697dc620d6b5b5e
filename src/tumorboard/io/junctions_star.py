"""Splice junctions that STAR counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import text_lines
from tumorboard.io.event_table import count_in

__all__ = ["read_star_junctions"]

_STRAND: Final = (".", "+", "-")
_MOTIF: Final = ("non-canonical", "GT/AG", "CT/AC", "GC/AG", "CT/GC", "AT/AC", "GT/AT")


def read_star_junctions(path: Path | str) -> tuple[SpliceJunction, ...]:
    r"""Read ``SJ.out.tab`` of STAR [dobin2013star]: first and last base of introns, counted from 1.

    Parameters
    ----------
    path
        The file, plain or gzip'd; it has nine columns and no headers.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file; reads are those that map to one place only, ``kind`` the intron's first
        and last two bases on the forward strand. ``known`` is ``False`` for what STAR had not been told of,
        else ``None``: a run of two passes calls what its first pass found annotated too.

    Raises
    ------
    UnreadableFile
        When a line has no nine columns.
    InputError
        When a number or a code is none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("chr1 15039 15795 2 2 1 5 61 19".replace(" ", "\t"))
    ...     file.flush()
    ...     (junction,) = read_star_junctions(file.name)
    >>> junction.name, junction.reads, junction.kind, junction.known
    ('chr1:15039-15795:-', 5, 'CT/AC', None)
    """
    return tuple(_junctions(Path(path)))


def _junctions(path: Path) -> Iterator[SpliceJunction]:
    for number, line in enumerate(text_lines(path, what="junctions of STAR"), start=1):
        if not line.strip():
            continue
        cells = line.rstrip().split("\t")
        where = f"line {number} of {path.name}"
        if len(cells) != 9:
            raise UnreadableFile(f"{where} must have 9 columns, as SJ.out.tab of STAR; got {len(cells)}")
        start, end, strand, motif, annotated, unique = (
            count_in(cells[k], where=f"column {k + 1} in {where}") for k in range(1, 7)
        )
        if strand >= len(_STRAND) or motif >= len(_MOTIF):
            raise InputError(
                f"strand of {where} must be 0, 1 or 2 and its motif 0 to 6; got {strand} and {motif}"
            )
        yield SpliceJunction(
            chromosome=cells[0],
            start=start,
            end=end,
            strand=_STRAND[strand],
            reads=unique,
            kind=_MOTIF[motif],
            known=None if annotated else False,
            gene="",
            transcripts=(),
            variants=(),
            caller="STAR",
        )
