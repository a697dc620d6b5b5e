"""Splice junctions of the events that SplAdder confirmed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError
from tumorboard.io.event_table import EventRow, read_event_rows

__all__ = ["read_spladder_junctions"]

_Joint: TypeAlias = tuple[int, int, tuple[str, ...]]
_COLUMNS: Final = ("chrm", "strand", "event_id", "gene_name", "e1_end", "e2_start", "e2_end", "e3_start")
#: Which ends are joined and what counts them, by event: (exon before, exon behind, counts by any version).
_JOINED: Final[dict[str, tuple[_Joint, ...]]] = {
    "exon_skip": ((1, 2, ("e1e2_conf",)), (2, 3, ("e2e3_conf",)), (1, 3, ("e1e3_conf",))),
    "mutex_exons": (
        (1, 2, ("e1e2_conf",)),
        (2, 4, ("e2e4_conf",)),
        (1, 3, ("e1e3_conf",)),
        (3, 4, ("e3e4_conf",)),
    ),
}
#: Exon 2 is the piece by which an exon is longer: it lies beside exon 1 or beside exon 3.
_LONGER_FIRST: Final = ((1, 3, ("e1e3_conf",)), (2, 3, ("e2_conf", "e2e3_conf")))
_LONGER_LAST: Final = ((1, 3, ("e1e3_conf",)), (1, 2, ("e2_conf", "e1e2_conf")))


class _Piece(NamedTuple):
    start: int
    end: int
    reads: int | None
    retained: bool


def read_spladder_junctions(path: Path | str, *, sample: str | None = None) -> tuple[SpliceJunction, ...]:
    r"""Read ``*.confirmed.txt.gz`` of SplAdder, one kind of event a file [kahles2016spladder].

    Exons are given by their first and last base, counted from 1. An event gives all junctions of both its
    isoforms, the usual one too: which of them is new, SplAdder does not say. A retained intron gives one
    that is kept, without reads: SplAdder states its coverage only.

    Parameters
    ----------
    path
        The file of one kind of event, plain or gzip'd.
    sample
        Name before the ``:`` in the headers of counts; ``None`` where there is one.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file, those without a read left out; ``kind`` is the kind of event.

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a kind of event is not read here (several exons skipped at once), the sample is not there, or
        there are several and none is named.

    Examples
    --------
    >>> import tempfile
    >>> text = (
    ...     "chrm strand event_id is_annotated gene_name e1_start e1_end e2_start e2_end e3_start e3_end "
    ...     "t:e1e3_conf t:e2_conf\n"
    ...     "chr1 - alt_3prime.2178 0 G 889384 889462 889463 889903 891303 891393 460 59\n"
    ... )
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write(text.replace(" ", "\t"))
    ...     file.flush()
    ...     [(j.name, j.reads) for j in read_spladder_junctions(file.name)]
    [('chr1:889463-891302:-', 460), ('chr1:889904-891302:-', 59)]
    """
    rows = read_event_rows(path, _COLUMNS, what="events of SplAdder")
    return tuple(junction for row in rows for junction in _junctions(row, sample))


def _junctions(row: EventRow, sample: str | None) -> Iterator[SpliceJunction]:
    kind = row.text("event_id").rpartition(".")[0]
    strand = row.text("strand")
    for piece in _pieces(row, kind, _prefix(row, sample)):
        if piece.reads != 0:
            yield SpliceJunction(
                chromosome=row.text("chrm"),
                start=piece.start,
                end=piece.end,
                strand=strand if strand in ("+", "-") else ".",
                reads=piece.reads,
                kind=kind,
                known=None,
                gene=row.text("gene_name"),
                transcripts=(),
                variants=(),
                caller="SplAdder",
                retained=piece.retained,
            )


def _prefix(row: EventRow, sample: str | None) -> str:
    """Return what stands before ``:`` in the headers of counts, in small letters."""
    found = dict.fromkeys(header.rpartition(":")[0] for header in row.cells if header.endswith("_conf"))
    if sample is not None and sample.lower() in found:
        return sample.lower()
    if sample is not None or len(found) != 1:
        raise InputError(
            f"sample must name one of {', '.join(found) or 'none'} in {row.where}; got {sample!r}"
        )
    return next(iter(found))


def _pieces(row: EventRow, kind: str, prefix: str) -> Iterator[_Piece]:
    if kind == "intron_retention":
        yield _Piece(row.count("e2_start"), row.count("e2_end"), None, retained=True)
        return
    if re.fullmatch("alt_[35]prime", kind):
        first = row.count("e1_end") + 1 == row.count("e2_start")
        joined: tuple[_Joint, ...] = _LONGER_FIRST if first else _LONGER_LAST
    elif kind in _JOINED:
        joined = _JOINED[kind]
    else:
        raise InputError(
            f"event in {row.where} must be alt_3prime, alt_5prime, exon_skip, mutex_exons or "
            f"intron_retention; got {kind!r}; leave the file out"
        )
    for before, behind, counts in joined:
        yield _Piece(
            row.count(f"e{before}_end") + 1,
            row.count(f"e{behind}_start") - 1,
            row.count(*(f"{prefix}:{count}" for count in counts)),
            retained=False,
        )
