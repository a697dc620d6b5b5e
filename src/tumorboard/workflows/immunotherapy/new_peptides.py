"""All new peptides of a tumour: of small variants on their copies, of fusions and of junctions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.neopeptide import NeopeptideSet
from tumorboard.core.variant import Fusion
from tumorboard.immunotherapy.peptides.fusion import fusion_peptides
from tumorboard.immunotherapy.peptides.haplotype_groups import HaplotypeSource
from tumorboard.immunotherapy.peptides.small_variants import VariantFilter, neopeptides
from tumorboard.immunotherapy.variants.phase_groups import PhaseCalls
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.inputs import NormalProteins

__all__ = ["all_lengths", "joined", "normal_proteins", "of_fusions", "of_variants"]


def all_lengths(config: ImmunotherapyConfig) -> list[int]:
    """Return the lengths of peptides of all classes that are asked for."""
    return sorted({length for name in config.classes for length in config.lengths(name)})


def of_variants(
    config: ImmunotherapyConfig,
    variants: AnnotatedVariants,
    germline: AnnotatedVariants | None = None,
    *,
    calls: PhaseCalls | None = None,
    bases: HaplotypeSource | None = None,
) -> NeopeptideSet:
    """Return the peptides of small variants, with those that lie on the same copy put together.

    Parameters
    ----------
    config
        The choices.
    variants
        Somatic ones.
    germline
        Their neighbours in all cells.
    calls
        What reads say of pairs of variants.
    bases
        Puts several variants together by the transcripts' bases.
    """
    choose = VariantFilter(
        passing_only=config.passing_only,
        least_tumour_vaf=config.least_tumour_vaf,
        least_tpm=config.least_tpm,
    )
    return neopeptides(
        variants.variants,
        all_lengths(config),
        choose=choose,
        neighbours=() if germline is None else germline.variants,
        calls=calls,
        bases=bases,
    )


def of_fusions(
    config: ImmunotherapyConfig, fusions: Sequence[Fusion], variants: AnnotatedVariants | None
) -> NeopeptideSet:
    """Return the peptides of fusions, without those of the partners' normal proteins as far as known.

    Parameters
    ----------
    config
        The choices.
    fusions
        As their callers state them.
    variants
        Whose source tells proteins of transcripts.
    """
    proteins = {
        change.transcript: change.wild_type_protein
        for _, changes in variants or ()
        for change in changes
        if change.wild_type_protein
    }
    return fusion_peptides(fusions, all_lengths(config), proteins=proteins)


def joined(sets: Sequence[NeopeptideSet]) -> NeopeptideSet:
    """Return the peptides of several kinds of events as one set.

    Parameters
    ----------
    sets
        One for each kind.
    """
    return NeopeptideSet(
        tuple(peptide for one in sets for peptide in one.kept),
        tuple(dropped for one in sets for dropped in one.dropped),
        Record("workflows.immunotherapy.new_peptides", {}, tuple(one.provenance for one in sets)),
    )


def normal_proteins(variants: Iterable[AnnotatedVariants]) -> NormalProteins:
    """Return the normal proteins that the variants' source tells, each once.

    Parameters
    ----------
    variants
        Of one tumour.
    """
    told = {
        change.wild_type_protein: None
        for some in variants
        for _, changes in some
        for change in changes
        if change.wild_type_protein
    }
    return NormalProteins(tuple(told), "a protein of another variant", False)
