"""Fusions that Arriba found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tumorboard.core.variant import Fusion
from tumorboard.io.event_table import EventRow, read_event_rows
from tumorboard.io.fusion_protein import FusionProtein

__all__ = ["read_arriba_fusions"]

_COLUMNS: Final = (
    "gene1", "gene2", "breakpoint1", "breakpoint2", "split_reads1", "split_reads2", "discordant_mates",
    "confidence", "reading_frame", "peptide_sequence",
)  # fmt: skip
_IN_FRAME: Final = {"in-frame": True, "out-of-frame": False}


def read_arriba_fusions(path: Path | str) -> tuple[Fusion, ...]:
    r"""Read the ``fusions.tsv`` of Arriba [uhrig2021arriba].

    Its ``peptide_sequence`` has ``|`` at the joint, small letters for residues that neither partner has
    there (a codon across the joint, a new frame, bases put in between, bases that differ), ``*`` for a stop
    and ``?`` for a codon that could not be translated. A codon across the joint is written on the side where
    two of its three bases lie, so a small letter right before ``|`` is counted as new. The peptide is taken
    from after the last ``?`` before the joint to the first stop or ``?`` after it.

    Parameters
    ----------
    path
        The file, plain or gzip'd.

    Returns
    -------
    tuple of Fusion
        In the order of the file; reads are split reads of both sides and discordant mates.

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a number of reads is none.

    Examples
    --------
    >>> import tempfile
    >>> header = (
    ...     "#gene1 gene2 breakpoint1 breakpoint2 split_reads1 split_reads2 discordant_mates confidence "
    ...     "reading_frame peptide_sequence"
    ... )
    >>> row = "PTEN MED6P1 chr10:87952259 chr10:88016243 163 146 6 high out-of-frame FSGGTC|mgrcmq*"
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("\n".join([header, row]).replace(" ", "\t"))
    ...     file.flush()
    ...     (fusion,) = read_arriba_fusions(file.name)
    >>> fusion.peptide, fusion.joint, fusion.in_frame, fusion.reads
    ('FSGGTCMGRCMQ', 6, False, 315)
    """
    return tuple(_fusion(row) for row in read_event_rows(path, _COLUMNS, what="fusions of Arriba"))


def _fusion(row: EventRow) -> Fusion:
    in_frame = _IN_FRAME.get(row.text("reading_frame"))
    protein = _protein(row.text("peptide_sequence"), in_frame=in_frame is True)
    stop_before = row.text("reading_frame") == "stop-codon"
    return Fusion(
        gene_5=row.text("gene1"),
        gene_3=row.text("gene2"),
        breakpoint_5=row.text("breakpoint1"),
        breakpoint_3=row.text("breakpoint2"),
        peptide=protein.peptide,
        joint=protein.joint,
        in_frame=in_frame,
        reads=sum(row.count(column) for column in _COLUMNS[4:7]),
        confidence=row.text("confidence"),
        transcript_5=row.text("transcript_id1"),
        transcript_3=row.text("transcript_id2"),
        caller="Arriba",
        resume=protein.resume,
        ends_at_joint=protein.ends_at_joint or stop_before,
    )


def _protein(text: str, *, in_frame: bool) -> FusionProtein:
    """Return the peptide, its joint, and where the second partner is itself again."""
    first, bar, second = text.partition("|")
    if not bar or "*" in first:
        return FusionProtein(None, None, None, ends_at_joint="*" in first)
    # Brackets set off residues of inserted bases; any other sign is a residue that is not known.
    head = re.split(r"[^A-Za-z]", re.sub(r"[\[\]]", "", first))[-1]
    after = re.sub(r"[\[\]|]", "", second)
    tail = re.split(r"[^A-Za-z]", after)[0]
    stops = not tail and after.startswith("*")
    across = head[-1:].islower()
    joint = len(head) - across
    resume = None
    if in_frame:
        own = re.search(r"[A-Z]", tail)
        resume = None if own is None else len(head) + own.start()
    return FusionProtein((head + tail).upper(), joint, resume, ends_at_joint=stops and not across)
