"""Drops peptides that occur in another protein of the proteome."""

from __future__ import annotations

from tumorboard.core.neopeptide import DroppedPeptide, DropReason, NeopeptideSet
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.provenance import Record

__all__ = ["screen_proteome"]


def screen_proteome(peptides: NeopeptideSet, proteome: ProteomeIndex) -> NeopeptideSet:
    """Drop the kept peptides that a proteome holds, residue by residue.

    Parameters
    ----------
    peptides
        Of a tumour.
    proteome
        Of normal cells, with all transcripts that shall count.

    Returns
    -------
    NeopeptideSet
        Peptides of the proteome are listed as dropped, once for each transcript that gave them.

    Examples
    --------
    >>> from tumorboard.core.variant import SmallVariant, TranscriptChange
    >>> from tumorboard.immunotherapy.peptides.small_variants import VariantFilter, neopeptides
    >>> change = TranscriptChange("KRAS", "T1", ("missense_variant",), 12, "G", "V", "MTEYKLVVVGAGGVGKSALT")
    >>> variants = [(SmallVariant("12", 25245350, "C", "A"), (change,))]
    >>> found = neopeptides(variants, [9], choose=VariantFilter(passing_only=True))
    >>> screen_proteome(found, ProteomeIndex.of(["MKLVVVGAVGA"])).counts()
    {'SELF_PROTEOME': 1}
    """
    held = proteome.contains([peptide.sequence for peptide in peptides.kept])
    kept = tuple(peptide for peptide, own in zip(peptides.kept, held, strict=True) if not own)
    own = [peptide for peptide, own in zip(peptides.kept, held, strict=True) if own]
    dropped = tuple(
        DroppedPeptide(
            DropReason.SELF_PROTEOME,
            peptide.sequence,
            origin.events[0],
            origin.gene,
            origin.transcript,
            f"{origin.change} at {origin.start}",
        )
        for peptide in own
        for origin in peptide.origins
    )
    record = Record(
        "immunotherapy.screen_proteome",
        parameters={"proteome_residues": proteome.n_residues},
        inputs=(peptides.provenance,),
    )
    return NeopeptideSet(kept, (*peptides.dropped, *dropped), record)
