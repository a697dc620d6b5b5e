"""All peptides of a tumour's small variants: what is new, and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from tumorboard.core.neopeptide import (
    DroppedPeptide,
    DropReason,
    Neopeptide,
    NeopeptideSet,
    OriginKind,
)
from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.event_peptides import EventPeptides
from tumorboard.immunotherapy.peptides.haplotype_groups import (
    HaplotypeSource,
    TranscriptVariants,
    add_together,
)
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal, protein_of_change
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.peptides.self_screen import screen_proteome
from tumorboard.immunotherapy.variants.phase_groups import PhaseCalls
from tumorboard.provenance import Record

__all__ = ["AnnotatedVariant", "VariantFilter", "neopeptides"]

_INCOMPLETE: Final = frozenset({"cds_start_NF", "cds_end_NF"})

#: A variant and what it does to each transcript.
AnnotatedVariant: TypeAlias = tuple[SmallVariant, Sequence[TranscriptChange]]


@dataclass(frozen=True, slots=True)
class VariantFilter:
    """Which variants and transcripts are looked at; the others are listed with a reason.

    A variant that the tumour's genotype lacks is always left out.

    Parameters
    ----------
    passing_only
        Leave out variants that failed a filter of their caller.
    biotypes
        Of transcripts, e.g. ``("protein_coding",)``.
    incomplete_transcripts
        Whether transcripts are looked at whose annotation lacks the start or the end of the coding sequence
        (flags ``cds_start_NF``, ``cds_end_NF``).
    least_tumour_vaf
        Fraction of the tumour's reads with the alternative, 0 to 1; ``None`` leaves none out. A variant
        whose fraction is not known stays.
    least_tpm
        Expression of the transcript, or of its gene where that is not known [transcripts per million];
        ``None`` leaves none out. A transcript whose expression is not known stays.

    Raises
    ------
    InputError
        When a fraction is outside 0 to 1 or an expression below 0.

    Examples
    --------
    >>> VariantFilter(passing_only=True).refusal_of(SmallVariant("1", 5, "A", "C", ("weak_evidence",)))
    Refusal(reason=<DropReason.FILTERED: 'the variant failed a filter of its caller'>, note='weak_evidence')
    """

    passing_only: bool
    biotypes: tuple[str, ...] = ("protein_coding",)
    incomplete_transcripts: bool = False
    least_tumour_vaf: float | None = None
    least_tpm: float | None = None

    def __post_init__(self) -> None:
        if self.least_tumour_vaf is not None and not 0 <= self.least_tumour_vaf <= 1:
            raise InputError(
                f"least_tumour_vaf must be a fraction from 0 to 1; got {self.least_tumour_vaf}; "
                "divide percent by 100"
            )
        if self.least_tpm is not None and self.least_tpm < 0:
            raise InputError(f"least_tpm must be 0 or more transcripts per million; got {self.least_tpm}")

    def refusal_of(self, variant: SmallVariant) -> Refusal | None:
        """Return why a variant is left out, if it is."""
        if self.passing_only and variant.filters:
            return Refusal(DropReason.FILTERED, ";".join(variant.filters))
        if variant.evidence.in_tumour is False:
            return Refusal(DropReason.NOT_IN_TUMOUR, "the tumour's genotype lacks it")
        vaf = variant.evidence.tumour_vaf
        if self.least_tumour_vaf is not None and vaf is not None and vaf < self.least_tumour_vaf:
            return Refusal(DropReason.NOT_IN_TUMOUR, f"fraction {vaf:g}, below {self.least_tumour_vaf:g}")
        return None

    def refusal_of_transcript(self, change: TranscriptChange) -> Refusal | None:
        """Return why a transcript is left out, if it is."""
        if change.biotype not in self.biotypes:
            return Refusal(DropReason.NOT_PROTEIN_CODING, change.biotype)
        missing = _INCOMPLETE.intersection(change.flags)
        if missing and not self.incomplete_transcripts:
            return Refusal(DropReason.INCOMPLETE_TRANSCRIPT, "&".join(sorted(missing)))
        tpm = change.gene_tpm if change.transcript_tpm is None else change.transcript_tpm
        if self.least_tpm is not None and tpm is not None and tpm < self.least_tpm:
            return Refusal(DropReason.NOT_EXPRESSED, f"{tpm:g} per million, below {self.least_tpm:g}")
        return None


def neopeptides(
    variants: Sequence[AnnotatedVariant],
    lengths: Iterable[int],
    *,
    choose: VariantFilter,
    neighbours: Iterable[AnnotatedVariant] = (),
    calls: PhaseCalls | None = None,
    bases: HaplotypeSource | None = None,
    proteome: ProteomeIndex | None = None,
) -> NeopeptideSet:
    """Find the peptides that a tumour's small variants bring.

    Variants of one transcript that lie on the same copy and within one peptide's length are put into one
    protein, germline ones into the normal protein as well. A neighbour whose copy is not known is left out:
    peptides over its place are kept and say so, those with it are listed as dropped
    (``UNPHASED_NEIGHBOUR``).

    Parameters
    ----------
    variants
        Somatic ones, each with what it does to each transcript.
    lengths
        Of peptides.
    choose
        Which variants and transcripts are looked at.
    neighbours
        Germline variants in the same manner; those that failed a filter are left out if
        ``choose.passing_only``. Somatic ones among them are no neighbours, but their phases count: a phased
        file holds both.
    calls
        What reads say of pairs of variants, see :func:`tumorboard.immunotherapy.variants.copies_of`.
    bases
        Puts several variants together by the transcripts' bases, e.g.
        :class:`tumorboard.immunotherapy.peptides.BaseHaplotypes`; without it residues and codons are put
        together as far as they tell.
    proteome
        Peptides that occur in it are dropped as well.

    Returns
    -------
    NeopeptideSet
        Each transcript of each variant is in it: in the origins of kept peptides, or as dropped with a
        reason.

    Raises
    ------
    InputError
        When no length is given or one is below 1, or two entries of ``variants`` are the same variant.

    Examples
    --------
    >>> change = TranscriptChange("KRAS", "T1", ("missense_variant",), 12, "G", "V", "MTEYKLVVVGAGGVGKSALT")
    >>> variants = [(SmallVariant("12", 25245350, "C", "A"), (change,))]
    >>> found = neopeptides(variants, [9], choose=VariantFilter(passing_only=True))
    >>> len(found.kept), found.kept[0].sequence, found.kept[0].wild_type
    (9, 'YKLVVVGAV', 'YKLVVVGAG')
    """
    asked = sorted(set(lengths))
    if not asked or asked[0] < 1:
        raise InputError(f"lengths must be numbers of residues, 1 or more; got {asked}")
    gathered: dict[str, EventPeptides] = {}
    transcripts: dict[str, TranscriptVariants] = {}
    phased, germline = _with_phases(variants, neighbours)
    for variant, changes in phased:
        if variant.name in gathered:
            raise InputError(f"variants must be listed once each; got {variant.name} twice")
        gathered[variant.name] = EventPeptides(OriginKind.SMALL_VARIANT, (variant.name,))
        left_out = choose.refusal_of(variant)
        for change in changes:
            refusal = left_out or choose.refusal_of_transcript(change)
            if refusal:
                gathered[variant.name].refuse(change.gene, change.transcript, refusal)
            else:
                here = transcripts.setdefault(_unversioned(change.transcript), TranscriptVariants())
                here.somatic.append((variant, change))
    used: set[str] = set()
    for variant, changes in germline:
        for change in changes if not (choose.passing_only and variant.filters) else ():
            there = transcripts.get(_unversioned(change.transcript))
            # Of another version of the transcript, with another protein, its residues stand elsewhere.
            if there and change.wild_type_protein == there.somatic[0][1].wild_type_protein:
                there.germline.append((variant, change))
                used.add(variant.name)
    for here in transcripts.values():
        if len(here.somatic) + len(here.germline) == 1:
            _add_alone(gathered, *here.somatic[0], asked)
        else:
            add_together(gathered, here, asked, calls, bases)
    kept: dict[tuple[str, str | None, tuple[str, ...]], Neopeptide] = {}
    dropped: list[DroppedPeptide] = []
    for event in gathered.values():
        for peptide in event.kept():
            # A variant may be listed with others in one transcript and alone in the next.
            key = (peptide.sequence, peptide.wild_type, peptide.events)
            before = kept.get(key)
            origins = peptide.origins if before is None else (*before.origins, *peptide.origins)
            kept[key] = peptide if before is None else replace(before, origins=origins)
        dropped += event.dropped()
    record = _record(asked, choose, (len(gathered), len(germline), len(used)), bases)
    found = NeopeptideSet(tuple(kept.values()), tuple(dropped), record)
    return found if proteome is None else screen_proteome(found, proteome)


def _add_alone(
    gathered: dict[str, EventPeptides], variant: SmallVariant, change: TranscriptChange, lengths: list[int]
) -> None:
    """Take a variant that has its transcript for itself."""
    made = protein_of_change(change)
    if isinstance(made, Refusal):
        gathered[variant.name].refuse(change.gene, change.transcript, made)
    else:
        gathered[variant.name].add(change.gene, change.transcript, made, lengths)


def _with_phases(
    variants: Sequence[AnnotatedVariant], neighbours: Iterable[AnnotatedVariant]
) -> tuple[list[AnnotatedVariant], list[AnnotatedVariant]]:
    """Return the somatic variants with the phases that a file of neighbours states, and the true neighbours.

    A phased file holds the somatic variants too: only its own phases can be compared with its neighbours'.
    """
    known_too = list(neighbours)
    listed = {one.plain_name: one for one, _ in known_too}
    somatic = {one.plain_name for one, _ in variants}
    phased = []
    for one, changes in variants:
        known = listed.get(one.plain_name)
        if known is not None and known.phase is not None:
            one = replace(one, phase=known.phase)
        phased.append((one, changes))
    return phased, [(one, changes) for one, changes in known_too if one.plain_name not in somatic]


def _unversioned(transcript: str) -> str:
    return transcript.partition(".")[0]


def _record(
    lengths: list[int], choose: VariantFilter, numbers: tuple[int, int, int], bases: HaplotypeSource | None
) -> Record:
    n_variants, n_neighbours, n_used = numbers
    return Record(
        "immunotherapy.neopeptides",
        parameters={
            "lengths_residues": lengths,
            "variants": n_variants,
            "neighbours": n_neighbours,
            "neighbours_in_transcripts": n_used,
            "passing_only": choose.passing_only,
            "biotypes": list(choose.biotypes),
            "incomplete_transcripts": choose.incomplete_transcripts,
            "least_tumour_vaf": choose.least_tumour_vaf,
            "least_tpm": choose.least_tpm,
            "haplotypes_from": "residues and codons" if bases is None else "bases",
        },
        references=("hundal2020pvactools",),
    )
