"""Splice junctions in the form that splice2neo gives those of all tools."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError
from tumorboard.io.event_table import EventRow, count_in, read_event_rows

__all__ = ["read_splice2neo_junctions"]

_IDENTIFIER: Final = re.compile(r"(.+)[:_](\d+)[-_](\d+)[:_]([+\-*])")


def read_splice2neo_junctions(path: Path | str) -> tuple[SpliceJunction, ...]:
    r"""Read a table of splice2neo [lang2024splice2neo], whose ``junc_id`` names each junction.

    ``chr2:152389996-152392205:-`` (earlier ``chr2_152389996_152392205_-``) joins the two bases it names,
    counted from 1. Two neighbours mean an intron that is kept: reads run on over the exon's border.
    Rows with the same junction and different transcripts (``tx_id``) or mutations (``mut_id``) are brought
    together.

    Parameters
    ----------
    path
        The file, plain or gzip'd, separated by tabs or commas.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file.

    Raises
    ------
    MissingAttribute
        When there is no column ``junc_id``.
    InputError
        When a junction is named in another manner.

    Examples
    --------
    >>> import tempfile
    >>> text = "junc_id\ttx_id\nchr2:152389996-152392205:-\tT1\nchr2:152389955-152389956:-\tT2\n"
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write(text)
    ...     file.flush()
    ...     [junction.name for junction in read_splice2neo_junctions(file.name)]
    ['chr2:152389997-152392204:-', 'chr2:152389956-152389955:- kept']
    """
    rows: dict[str, list[EventRow]] = {}
    for row in read_event_rows(path, ("junc_id",), what="junctions of splice2neo"):
        rows.setdefault(row.text("junc_id"), []).append(row)
    return tuple(_junction(identifier, same) for identifier, same in rows.items())


def _junction(identifier: str, rows: list[EventRow]) -> SpliceJunction:
    found = _IDENTIFIER.fullmatch(identifier)
    if found is None:
        raise InputError(
            f"junc_id in {rows[0].where} must be chromosome:base-base:strand, like "
            f"chr2:152389996-152392205:-; got {identifier!r}"
        )
    before, behind = int(found[2]), int(found[3])
    first = rows[0]
    reads = first.text("number_supporting_reads", "uniquely_mapping_reads")
    return SpliceJunction(
        chromosome=found[1],
        start=before + 1,
        end=behind - 1,
        strand=found[4] if found[4] != "*" else ".",
        reads=count_in(reads, where=f"reads in {first.where}") if reads else None,
        kind=first.text("class", "event_type"),
        known=None,
        gene=first.text("gene", "gene_name", "gene_id"),
        transcripts=_all(rows, "tx_id"),
        variants=_all(rows, "mut_id"),
        caller="splice2neo",
        retained=behind == before + 1,
    )


def _all(rows: list[EventRow], header: str) -> tuple[str, ...]:
    """Return what a column states in any of the rows, each once."""
    return tuple(dict.fromkeys(name for row in rows for name in row.names(header)))
