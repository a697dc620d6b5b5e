"""What is known of a peptide's origin: the variant as seen, its transcripts, their expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.neopeptide import Neopeptide, PeptideOrigin
from tumorboard.core.variant import SmallVariant, TranscriptChange

__all__ = ["Evidence", "EvidenceBook"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one peptide's best origin.

    Parameters
    ----------
    origin
        The one whose transcript is trusted most.
    variant
        Of a small variant, else ``None``.
    change
        Of its transcript, else ``None``.
    gene_tpm
        Expression of the gene, or where only that is known of its transcripts that make the peptide [TPM].
    """

    origin: PeptideOrigin
    variant: SmallVariant | None
    change: TranscriptChange | None
    gene_tpm: float | None


class EvidenceBook:
    """Finds the evidence of peptides.

    Parameters
    ----------
    variants
        That the peptides come from; ``None`` where none do.
    """

    def __init__(self, variants: AnnotatedVariants | None) -> None:
        self._variants: dict[str, SmallVariant] = {}
        self._changes: dict[tuple[str, str], TranscriptChange] = {}
        for variant, changes in variants or ():
            self._variants.setdefault(variant.name, variant)
            for change in changes:
                self._changes.setdefault((variant.name, change.transcript), change)

    def variants(self) -> Iterator[SmallVariant]:
        """Yield the variants, each once."""
        yield from self._variants.values()

    def of(self, peptide: Neopeptide) -> Evidence:
        """Return the evidence of the origin that is trusted most.

        MANE Select before canonical before the best support level, then the highest expression.
        """
        event = peptide.origins[0].events[0]
        ranked = sorted(peptide.origins, key=lambda origin: self._doubt(event, origin.transcript))
        best = ranked[0]
        change = self._changes.get((event, best.transcript))
        return Evidence(best, self._variants.get(event), change, self._gene_tpm(event, peptide, change))

    def is_trusted(self, peptide: Neopeptide, support_level: int) -> bool:
        """Return whether one of a peptide's transcripts is MANE Select, canonical or well supported.

        What the source does not say of any transcript counts for it.
        """
        event = peptide.origins[0].events[0]
        told = False
        for origin in peptide.origins:
            change = self._changes.get((event, origin.transcript))
            if change is None:
                continue
            if change.mane_select or change.canonical:
                return True
            level = change.support_level
            if level is not None and level <= support_level:
                return True
            told = told or any(v is not None for v in (change.mane_select, change.canonical, level))
        return not told

    def _doubt(self, event: str, transcript: str) -> tuple[bool, bool, int, float, str]:
        change = self._changes.get((event, transcript))
        if change is None:
            return True, True, 9, 0.0, transcript
        return (
            not change.mane_select,
            not change.canonical,
            change.support_level or 9,
            -(change.transcript_tpm or 0.0),
            transcript,
        )

    def _gene_tpm(self, event: str, peptide: Neopeptide, change: TranscriptChange | None) -> float | None:
        if change is None:
            return None
        if change.gene_tpm is not None:
            return change.gene_tpm
        changes = [self._changes.get((event, origin.transcript)) for origin in peptide.origins]
        known = [c.transcript_tpm for c in changes if c is not None and c.transcript_tpm is not None]
        return sum(known) if known else None
