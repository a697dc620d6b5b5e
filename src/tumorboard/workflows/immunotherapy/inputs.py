"""What the search for targets is given: new peptides, what is known of their origins, the molecules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.copy_number import CopyNumberProfile
from tumorboard.core.hla import HlaType
from tumorboard.core.neopeptide import NeopeptideSet
from tumorboard.provenance import Record

__all__ = ["ImmunotherapyInputs", "NormalProteins"]


@dataclass(frozen=True, slots=True, eq=False)
class NormalProteins:
    """Proteins of normal cells, to see what of a tumour's peptides is self.

    Parameters
    ----------
    sequences
        Residues.
    name
        What they are, for people.
    is_whole
        Whether they are meant to be all there are; else those that the variants' source tells.
    """

    sequences: tuple[str, ...] = ()
    name: str = ""
    is_whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ImmunotherapyInputs:
    """One tumour.

    Parameters
    ----------
    hla
        The patient's type and what the tumour lost of it.
    found
        New peptides of all events, and what was dropped.
    variants
        Small variants with what they do to transcripts; ``None`` where there are none.
    proteins
        Normal ones.
    copies
        Of the tumour's cells, where known.
    purity
        Part of the sample's cells that are tumour, as a file tells; ``None`` if none does.
    stages_s
        How long reading and making the peptides took [s].
    notes
        What a reader must know of the files, one sentence each.
    provenance
        Of the files.
    """

    hla: HlaType
    found: NeopeptideSet
    variants: AnnotatedVariants | None
    proteins: NormalProteins = field(default_factory=NormalProteins)
    copies: CopyNumberProfile | None = None
    purity: float | None = None
    stages_s: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Record = field(default_factory=lambda: Record("workflows.immunotherapy.read"))
