"""Variants with what they do to transcripts, of one tumour, from one source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.provenance import Record

__all__ = ["AnnotatedVariants"]


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedVariants:
    """A tumour's variants and, for each, its changes of transcripts.

    Parameters
    ----------
    variants
        In the source's order; the changes are empty where the source gives none.
    skipped
        Number of what the source has beside them, by the reason why it was left out.
    provenance
        How they were read or made.
    tumour_sample, normal_sample
        Names in the source; empty, or ``None`` for the normal one, if there is none.
    assembly
        Of the genome, as the source names it, e.g. ``"GRCh38.p13"``; empty if it does not say.
    annotator
        What worked out the changes, e.g. ``"VEP 105"``; empty if nothing did.

    Examples
    --------
    >>> found = AnnotatedVariants(((SmallVariant("1", 5, "A", "T"), ()),), {}, Record("example"))
    >>> [variant.name for variant, changes in found]
    ['1-5-A-T']
    """

    variants: tuple[tuple[SmallVariant, tuple[TranscriptChange, ...]], ...]
    skipped: Mapping[str, int]
    provenance: Record
    tumour_sample: str = ""
    normal_sample: str | None = None
    assembly: str = ""
    annotator: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "skipped", MappingProxyType(dict(self.skipped)))

    def __len__(self) -> int:
        return len(self.variants)

    def __iter__(self) -> Iterator[tuple[SmallVariant, tuple[TranscriptChange, ...]]]:
        return iter(self.variants)

    def with_phases_of(self, phased: AnnotatedVariants) -> AnnotatedVariants:
        """Return the variants with the phase that another source has for those of the same name.

        Phasers write one file of somatic and germline variants together; annotation and reads are in
        another. Phases of two files cannot be compared, so all that lie near one another take theirs from
        the phased one.

        Parameters
        ----------
        phased
            Of the same patient; with or without ``chr``. What it does not have or phase keeps its own.

        Returns
        -------
        AnnotatedVariants

        Examples
        --------
        >>> from tumorboard.core.variant import Phase
        >>> one = SmallVariant("1", 5, "A", "T")
        >>> other = SmallVariant("1", 5, "A", "T", somatic=False, phase=Phase("f:1:PS5", 1))
        >>> plain = AnnotatedVariants(((one, ()),), {}, Record("example"))
        >>> found = plain.with_phases_of(AnnotatedVariants(((other, ()),), {}, Record("example")))
        >>> found.variants[0][0].phase, found.variants[0][0].somatic
        (Phase(block='f:1:PS5', haplotype=1), True)
        """
        known = {variant.plain_name: variant.phase for variant, _ in phased if variant.phase is not None}
        record = Record("core.with_phases_of", {}, (self.provenance, phased.provenance))
        return replace(
            self,
            variants=tuple((replace(v, phase=known.get(v.plain_name, v.phase)), c) for v, c in self.variants),
            provenance=record,
        )
