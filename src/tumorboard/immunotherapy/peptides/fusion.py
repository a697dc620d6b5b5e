"""Peptides of fused genes: across the joint, and in the new frame behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tumorboard.core.neopeptide import (
    DroppedPeptide,
    DropReason,
    Neopeptide,
    NeopeptideSet,
    OriginKind,
)
from tumorboard.core.variant import Fusion
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit
from tumorboard.immunotherapy.peptides.event_peptides import EventPeptides
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.peptides.self_screen import screen_proteome
from tumorboard.provenance import Record

__all__ = ["fusion_peptides", "fusion_protein"]


def fusion_peptides(
    fusions: Sequence[Fusion],
    lengths: Sequence[int],
    *,
    least_reads: int | None = None,
    proteins: Mapping[str, str] | None = None,
    proteome: ProteomeIndex | None = None,
) -> NeopeptideSet:
    """List the peptides that only fused genes give.

    In frame these are the ones across the joint; out of frame, all with a residue behind it, up to the stop
    or as far as the caller knows the sequence. pVACfuse [hundal2020pvactools] lists the same, but for
    codons that lie across the joint and that Arriba writes before it.

    Parameters
    ----------
    fusions
        As their caller states them. Rows of one fusion with different transcripts are brought together.
    lengths
        Of peptides [residues].
    least_reads
        Fusions with fewer are left out; ``None`` leaves none out.
    proteins
        Normal proteins of the partners by transcript, with or without its version: peptides that one of
        both holds are listed as dropped. ``None`` compares with none.
    proteome
        All normal proteins; ``None`` compares with none.

    Returns
    -------
    NeopeptideSet
        Their ``start`` counts from the first residue that the caller states, which is the protein's first
        for STAR-Fusion only.

    Raises
    ------
    InputError
        When a length is below 1.

    Examples
    --------
    >>> fusion = Fusion(
    ...     "HOOK3", "RET", "8:42968214", "10:43116584", "TYKRQEDPKW", 5, True, 435, "", "T1", "T2", "", 5
    ... )
    >>> [peptide.sequence for peptide in fusion_peptides([fusion], [8]).kept]
    ['TYKRQEDP', 'YKRQEDPK', 'KRQEDPKW']
    """
    events: dict[str, EventPeptides] = {}
    for fusion in fusions:
        event = events.setdefault(fusion.name, EventPeptides(OriginKind.FUSION, (fusion.name,)))
        genes = f"{fusion.gene_5}--{fusion.gene_3}"
        transcripts = "--".join(part for part in (fusion.transcript_5, fusion.transcript_3) if part)
        protein = fusion_protein(fusion, proteins or {})
        if least_reads is not None and fusion.reads < least_reads:
            protein = Refusal(DropReason.FEW_READS, f"{fusion.reads}, below {least_reads}")
        if isinstance(protein, Refusal):
            event.refuse(genes, transcripts, protein)
        else:
            event.add(genes, transcripts, protein, lengths)
    kept: list[Neopeptide] = []
    dropped: list[DroppedPeptide] = []
    for event in events.values():
        kept += event.kept()
        dropped += event.dropped()
    record = Record(
        "immunotherapy.fusion_peptides",
        parameters={
            "lengths": sorted(set(lengths)),
            "fusions": len(fusions),
            "callers": sorted({fusion.caller for fusion in fusions}),
            "least_reads": least_reads,
            "partner_proteins": len(proteins or {}),
        },
        references=("hundal2020pvactools",),
    )
    found = NeopeptideSet(tuple(kept), tuple(dropped), record)
    return found if proteome is None else screen_proteome(found, proteome)


def fusion_protein(fusion: Fusion, proteins: Mapping[str, str]) -> AlteredProtein | Refusal:
    """Return a fusion's protein, as far as it is stated, and which of its residues are new.

    Parameters
    ----------
    fusion
        As its caller states it. Where the frame is not known only peptides across the joint count.
    proteins
        Normal proteins by transcript, with or without version.

    Returns
    -------
    AlteredProtein or Refusal
        No normal protein has a peptide at the same place; those of the partners are ``other_normals``.

    Examples
    --------
    >>> made = Fusion("A", "B", "1:1", "2:2", "MKLTVW", 3, False, 9, "", "", "", "")
    >>> fusion_protein(made, {}).edits
    (ProteinEdit(reference_start=0, reference_end=0, start=3, end=6),)
    """
    if fusion.ends_at_joint:
        return Refusal(DropReason.STOP_GAINED, "a stop lies at the joint or before it")
    if fusion.peptide is None or fusion.joint is None:
        return Refusal(DropReason.NO_PROTEIN_SEQUENCE, f"{fusion.caller or 'the caller'} states none")
    joint = fusion.joint
    end = len(fusion.peptide)
    if fusion.resume is not None:
        end = fusion.resume
    elif fusion.in_frame is None:
        end = joint
    frame = {True: "in frame", False: "out of frame", None: "frame not known"}[fusion.in_frame]
    partners = (_protein(proteins, name) for name in (fusion.transcript_5, fusion.transcript_3))
    return AlteredProtein(
        fusion.peptide,
        "",
        (ProteinEdit(0, 0, joint, end),),
        f"fusion {frame}",
        tuple(protein for protein in partners if protein),
    )


def _protein(proteins: Mapping[str, str], transcript: str) -> str:
    """Return a transcript's protein; ``""`` if it is not there."""
    return proteins.get(transcript) or proteins.get(transcript.partition(".")[0], "")
