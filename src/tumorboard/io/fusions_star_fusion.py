"""Fusions that STAR-Fusion found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tumorboard.core.variant import Fusion
from tumorboard.errors import InputError
from tumorboard.io.event_table import EventRow, read_event_rows
from tumorboard.io.fusion_protein import FusionProtein

__all__ = ["read_star_fusions"]

_COLUMNS: Final = (
    "fusionname", "junctionreadcount", "spanningfragcount", "leftgene", "leftbreakpoint", "rightgene",
    "rightbreakpoint", "cds_left_id", "cds_left_range", "cds_right_id", "prot_fusion_type", "fusion_transl",
)  # fmt: skip
_IN_FRAME: Final = {"INFRAME": True, "FRAMESHIFT": False}


def read_star_fusions(path: Path | str) -> tuple[Fusion, ...]:
    r"""Read ``star-fusion.fusion_predictions.abridged.coding_effect.tsv`` of STAR-Fusion [haas2019star].

    Run STAR-Fusion with ``--examine_coding_effect``: without it no protein is stated. ``FUSION_TRANSL`` is
    the whole protein, and ``CDS_LEFT_RANGE`` the coding bases that the first partner gives to it; where
    their number is no multiple of three a codon lies across the joint.

    Parameters
    ----------
    path
        The file, plain or gzip'd.

    Returns
    -------
    tuple of Fusion
        In the order of the file; reads are those across the joint and the pairs that span it.

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a number of reads or a range is none.

    Examples
    --------
    >>> import tempfile
    >>> header = (
    ...     "#FusionName JunctionReadCount SpanningFragCount LeftGene LeftBreakpoint RightGene "
    ...     "RightBreakpoint CDS_LEFT_ID CDS_LEFT_RANGE CDS_RIGHT_ID PROT_FUSION_TYPE FUSION_TRANSL"
    ... )
    >>> row = "A--B 9 4 A^ENSG1 chr1:10:+ B^ENSG2 chr2:20:- T1 1-10 T2 INFRAME MKLTVWY*"
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("\n".join([header, row]).replace(" ", "\t"))
    ...     file.flush()
    ...     (fusion,) = read_star_fusions(file.name)
    >>> fusion.peptide, fusion.joint, fusion.resume, fusion.reads, fusion.breakpoint_5
    ('MKLTVWY', 3, 4, 13, 'chr1:10')
    """
    return tuple(_fusion(row) for row in read_event_rows(path, _COLUMNS, what="fusions of STAR-Fusion"))


def _fusion(row: EventRow) -> Fusion:
    in_frame = _IN_FRAME.get(row.text("prot_fusion_type"))
    protein = _protein(row, in_frame=in_frame is True)
    return Fusion(
        gene_5=row.text("leftgene").partition("^")[0],
        gene_3=row.text("rightgene").partition("^")[0],
        breakpoint_5=_place(row.text("leftbreakpoint")),
        breakpoint_3=_place(row.text("rightbreakpoint")),
        peptide=protein.peptide,
        joint=protein.joint,
        in_frame=in_frame,
        reads=row.count("junctionreadcount") + row.count("spanningfragcount"),
        confidence="",
        transcript_5=row.text("cds_left_id"),
        transcript_3=row.text("cds_right_id"),
        caller="STAR-Fusion",
        resume=protein.resume,
        ends_at_joint=protein.ends_at_joint,
    )


def _place(text: str) -> str:
    """Return ``chromosome:position`` without the strand."""
    return re.sub(r":[+\-.]\Z", "", text)


def _protein(row: EventRow, *, in_frame: bool) -> FusionProtein:
    """Return the protein, its joint, and where the second partner is itself again."""
    text, bases = row.text("fusion_transl"), row.text("cds_left_range")
    if not text or not bases:
        return FusionProtein(None, None, None, ends_at_joint=False)
    given = re.fullmatch(r"(\d+)-(\d+)", bases)
    if given is None or int(given[2]) < int(given[1]):
        raise InputError(
            f"CDS_LEFT_RANGE in {row.where} must be the first and last coding base, like 1-864; got {bases!r}"
        )
    number = int(given[2]) - int(given[1]) + 1
    protein = text.partition("*")[0].upper()
    joint, resume = number // 3, -(-number // 3)
    if len(protein) < joint:
        return FusionProtein(None, None, None, ends_at_joint=True)
    return FusionProtein(
        protein,
        joint,
        resume if in_frame and resume <= len(protein) else None,
        ends_at_joint=len(protein) == joint,
    )
