"""Fusions that EasyFuse found."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final

from tumorboard.core.variant import Fusion
from tumorboard.io.event_table import EventRow, read_event_rows
from tumorboard.io.fusion_protein import FusionProtein
from tumorboard.io.text_lines import finite_number

__all__ = ["read_easyfuse_fusions"]

_COLUMNS: Final = (
    "ftid", "fusion_gene", "breakpoint1", "breakpoint2", "frame", "neo_peptide_sequence",
    "neo_peptide_sequence_bp",
)  # fmt: skip
#: Out of frame, or behind the joint nothing coding: both are read in a frame of their own.
_IN_FRAME: Final = {"in_frame": True, "out_frame": False, "neo_frame": False}
#: Counted again on the joined sequence, by the version that wrote the file.
_JUNCTION: Final = ("ft_junc_cnt", "ft_junc_cnt_best", "ft_junc_cnt_org", "ft_junc_cnt_fltr")
_SPANNING: Final = ("ft_span_cnt", "ft_span_cnt_best", "ft_span_cnt_org", "ft_span_cnt_fltr")


def read_easyfuse_fusions(path: Path | str) -> tuple[Fusion, ...]:
    r"""Read ``fusions.pass.csv`` or ``fusions.csv`` of EasyFuse [weber2022easyfuse].

    Each row is one pair of transcripts. From version 2.2 on ``fusion_protein_sequence`` is the whole
    protein. Before that only ``neo_peptide_sequence`` is there, which begins 13 residues before the joint and
    ends 13 after it (in frame) or at the stop: enough for peptides of up to 14 residues, not for all that
    class II molecules present. The joint is after so many residues; .3 or .6 says that a codon is across it.

    Parameters
    ----------
    path
        The file, plain or gzip'd.

    Returns
    -------
    tuple of Fusion
        In the order of the file; ``no_frame`` ones have no peptide.

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a number is none.

    Examples
    --------
    >>> import tempfile
    >>> header = (
    ...     "FTID;Fusion_Gene;Breakpoint1;Breakpoint2;frame;neo_peptide_sequence;"
    ...     "neo_peptide_sequence_bp;ft_junc_cnt;ft_span_cnt"
    ... )
    >>> row = (
    ...     "HOOK3_8:42968214:+_ENST00000307602_RET_10:43116584:+_ENST00000355710;HOOK3_RET;"
    ...     "8:42968214:+;10:43116584:+;in_frame;NAARSQLETYKRQEDPKWEFPRKNLV;13;140;295"
    ... )
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("\n".join([header, row]))
    ...     file.flush()
    ...     (fusion,) = read_easyfuse_fusions(file.name)
    >>> fusion.gene_3, fusion.transcript_5, fusion.joint, fusion.resume, fusion.reads
    ('RET', 'ENST00000307602', 13, 13, 435)
    """
    return tuple(_fusion(row) for row in read_event_rows(path, _COLUMNS, what="fusions of EasyFuse"))


def _fusion(row: EventRow) -> Fusion:
    in_frame = _IN_FRAME.get(row.text("frame"))
    gene_5, transcript_5, gene_3, transcript_3 = _partners(row)
    protein = _protein(row, in_frame=in_frame)
    probability = row.text("prediction_prob")
    word = row.text("prediction_class")
    return Fusion(
        gene_5=gene_5,
        gene_3=gene_3,
        breakpoint_5=row.text("breakpoint1").rpartition(":")[0],
        breakpoint_3=row.text("breakpoint2").rpartition(":")[0],
        peptide=protein.peptide,
        joint=protein.joint,
        in_frame=in_frame,
        reads=row.count(*_JUNCTION) + row.count(*_SPANNING),
        confidence=f"{word} {probability}".strip(),
        transcript_5=transcript_5,
        transcript_3=transcript_3,
        caller="EasyFuse",
        resume=protein.resume,
        ends_at_joint=protein.ends_at_joint,
    )


def _partners(row: EventRow) -> tuple[str, str, str, str]:
    """Return both genes and transcripts from ``gene_breakpoint_transcript_gene_breakpoint_transcript``.

    Names of genes and transcripts may have a ``_`` themselves; the break points tell them apart.
    """
    one, two = re.escape(row.text("breakpoint1")), re.escape(row.text("breakpoint2"))
    parts = re.fullmatch(rf"(.+)_{one}_(.+)_{two}_(.+)", row.text("ftid"))
    genes = row.text("fusion_gene")
    if parts is not None and genes.startswith(f"{parts[1]}_"):
        gene_3 = genes[len(parts[1]) + 1 :]
        if parts[2].endswith(f"_{gene_3}"):
            return parts[1], parts[2][: -len(gene_3) - 1], gene_3, parts[3]
    gene_5, _, gene_3 = genes.partition("_")
    return gene_5, "", gene_3, ""


def _protein(row: EventRow, *, in_frame: bool | None) -> FusionProtein:
    """Return the protein or what is known of it, its joint, and where the second partner is itself again."""
    for header in ("fusion_protein_sequence", "neo_peptide_sequence"):
        text = row.text(header).partition("*")[0].upper()
        if in_frame is None or not text.isalpha():
            continue
        joint = finite_number(row.text(f"{header}_bp"), where=f"{header}_bp in {row.where}")
        first, resume = math.floor(joint), math.ceil(joint)
        if first > len(text):
            return FusionProtein(None, None, None, ends_at_joint=True)
        return FusionProtein(
            text,
            first,
            resume if in_frame and resume <= len(text) else None,
            ends_at_joint=first == len(text),
        )
    return FusionProtein(None, None, None, ends_at_joint=False)
