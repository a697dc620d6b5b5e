"""Splice junctions that LeafCutter counted in its clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import text_lines
from tumorboard.io.event_table import count_in

__all__ = ["read_leafcutter_junctions"]

_INTRON: Final = re.compile(r"(.+):(\d+):(\d+):(clu_\w+?)(?:_([+-]|NA|\?))?")


def read_leafcutter_junctions(path: Path | str, *, sample: str | None = None) -> tuple[SpliceJunction, ...]:
    r"""Read ``*_perind.counts.gz`` of LeafCutter [li2018leafcutter].

    An intron is named by the last base before it and the first one after, counted from 1. The strand is its
    cluster's: splice2neo's authors saw it wrong at times, and take it from the junctions of the alignment.

    Parameters
    ----------
    path
        The file, plain or gzip'd.
    sample
        Name of the column of counts; ``None`` where there is one.

    Returns
    -------
    tuple of SpliceJunction
        In the order of the file, those without a read left out; ``kind`` is the cluster.

    Raises
    ------
    UnreadableFile
        When a line is no intron with its counts.
    InputError
        When the sample is not there, or there are several and none is named.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("chrom tumour\nchr1:889462:891303:clu_20573_- 460/542\n")
    ...     file.flush()
    ...     (junction,) = read_leafcutter_junctions(file.name)
    >>> junction.name, junction.reads, junction.kind
    ('chr1:889463-891302:-', 460, 'clu_20573')
    """
    path = Path(path)
    lines = [line.split() for line in text_lines(path, what="junctions of LeafCutter") if line.strip()]
    if not lines:
        raise UnreadableFile(f"junctions of LeafCutter must have lines; {path.name} is empty")
    # The file of one sample may come without its line of names.
    named = _INTRON.fullmatch(lines[0][0]) is None
    samples = lines[0][-(len(lines[1]) - 1) :] if named and len(lines) > 1 else []
    column = _column(samples, len(lines[-1]) - 1, sample, path.name)
    return tuple(_junctions(lines[named:], column, path.name))


def _column(samples: list[str], number: int, sample: str | None, name: str) -> int:
    """Return which of the columns of counts is meant, from 1."""
    if sample is not None:
        if sample not in samples:
            raise InputError(
                f"sample must be one of {', '.join(samples) or 'none'} in {name}; got {sample!r}"
            )
        return 1 + samples.index(sample)
    if number > 1:
        raise InputError(
            f"sample must be named where there are several; {name} has {', '.join(samples[:5])}; "
            f"pass sample={samples[0] if samples else 'its name'!r}"
        )
    return 1


def _junctions(lines: list[list[str]], column: int, name: str) -> Iterator[SpliceJunction]:
    for cells in lines:
        found = _INTRON.fullmatch(cells[0])
        if found is None or len(cells) <= column:
            raise UnreadableFile(
                f"lines of {name} must be chromosome:start:end:cluster and counts, as LeafCutter's; "
                f"got {' '.join(cells)[:80]!r}"
            )
        reads = count_in(cells[column].partition("/")[0], where=f"count of {cells[0]} in {name}")
        if reads:
            yield SpliceJunction(
                chromosome=found[1],
                start=int(found[2]) + 1,
                end=int(found[3]) - 1,
                strand=found[5] if found[5] in ("+", "-") else ".",
                reads=reads,
                kind=found[4],
                known=None,
                gene="",
                transcripts=(),
                variants=(),
                caller="LeafCutter",
            )
