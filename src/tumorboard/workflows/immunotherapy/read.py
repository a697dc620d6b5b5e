"""From the files of a tumour to its new peptides and what is known of their origins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.neopeptide import NeopeptideSet
from tumorboard.core.variant import SpliceJunction
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.immunotherapy.peptides.haplotype_of_bases import BaseHaplotypes
from tumorboard.immunotherapy.peptides.splice import splice_peptides
from tumorboard.immunotherapy.variants.consequence import call_consequences
from tumorboard.immunotherapy.variants.expression import with_expression
from tumorboard.immunotherapy.variants.phase_groups import PhaseCalls
from tumorboard.immunotherapy.variants.read_phasing import pairs_to_phase, phase_calls
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex
from tumorboard.io.copy_number_segments import read_copy_number_segments, read_purity
from tumorboard.io.expression_table import read_expression_table
from tumorboard.io.fasta import read_proteins
from tumorboard.io.fusions_arriba import read_arriba_fusions
from tumorboard.io.fusions_easyfuse import read_easyfuse_fusions
from tumorboard.io.fusions_star_fusion import read_star_fusions
from tumorboard.io.genome import Genome
from tumorboard.io.gtf import Annotation, read_gtf
from tumorboard.io.hla_loss import with_losses
from tumorboard.io.hla_types import read_hla_type
from tumorboard.io.junctions_leafcutter import read_leafcutter_junctions
from tumorboard.io.junctions_regtools import read_regtools_bed, read_regtools_junctions
from tumorboard.io.junctions_spladder import read_spladder_junctions
from tumorboard.io.junctions_splice2neo import read_splice2neo_junctions
from tumorboard.io.junctions_star import read_star_junctions
from tumorboard.io.maf import read_maf
from tumorboard.io.read_phase import count_shared_reads
from tumorboard.io.variant_neighbourhood import Neighbourhood
from tumorboard.io.vcf_records import read_annotated_variants, read_germline_variants, read_variants
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.folder import ImmunotherapyFiles
from tumorboard.workflows.immunotherapy.inputs import ImmunotherapyInputs, NormalProteins
from tumorboard.workflows.immunotherapy.new_peptides import (
    all_lengths,
    joined,
    normal_proteins,
    of_fusions,
    of_variants,
)
from tumorboard.workflows.progress import Progress, silent

__all__ = ["read_inputs"]

_FUSIONS: Final = {
    "arriba": read_arriba_fusions,
    "easyfuse": read_easyfuse_fusions,
    "star-fusion": read_star_fusions,
}
_JUNCTIONS: Final = {
    "regtools": read_regtools_junctions,
    "regtools-bed": read_regtools_bed,
    "star": read_star_junctions,
    "leafcutter": read_leafcutter_junctions,
    "spladder": read_spladder_junctions,
    "splice2neo": read_splice2neo_junctions,
}
#: Germline variants farther from a somatic one share no peptide with it, but for introns between [bases].
_NEAR_BASES: Final = 100_000
_GENE_BASES: Final = 1
#: Mates of a usual library cover no more.
_FRAGMENT_BASES: Final = 600


def read_inputs(
    config: ImmunotherapyConfig, files: ImmunotherapyFiles, *, progress: Progress = silent
) -> ImmunotherapyInputs:
    """Read a tumour's files and make its new peptides.

    Parameters
    ----------
    config
        The choices.
    files
        With an HLA type, and variants, fusions or junctions.
    progress
        Told how far it is.

    Returns
    -------
    ImmunotherapyInputs

    Raises
    ------
    InputError
        When a file is not what it should be, or does not go with the others.
    """
    if files.hla is None:
        raise InputError(
            "HLA type must be there: a file hla*.txt with names like A*02:01; the folder has none; put it "
            "beside the variants"
        )
    if not files.variants and not files.fusions and not files.junctions:
        raise InputError(
            "variants, fusions or junctions must be given; got none of them; name a VCF, or a caller's table"
        )
    began = time.perf_counter()
    progress("targets: read", 0, 1)
    typing = read_hla_type(files.hla)
    if files.hla_loss is not None:
        typing = with_losses(typing, files.hla_loss)
    records, notes = [typing.provenance], []
    notes += [f"{files.hla.name}: {', '.join(typing.left_out)} left out."] if typing.left_out else []
    genome = None if files.gtf is None or files.genome is None else Genome.opened(files.genome)
    variants: AnnotatedVariants | None = None
    annotation: Annotation | None = None
    if files.variants is not None:
        variants, annotation, said = _variants(config, files, files.variants, genome)
        records.append(variants.provenance)
        notes += said
    if files.expression is not None and variants is not None:
        table = read_expression_table(files.expression)
        records.append(table.provenance)
        told = tuple((variant, with_expression(changes, table)) for variant, changes in variants)
        variants = replace(variants, variants=told)
    germline, said = _germline(files, variants, annotation, genome)
    notes += said
    fusions = [fusion for caller, path in files.fusions for fusion in _FUSIONS[caller](path)]
    junctions = [junction for caller, path in files.junctions for junction in _JUNCTIONS[caller](path)]
    read_s = time.perf_counter() - began
    progress("targets: peptides", 0, 1)
    sets: list[NeopeptideSet] = []
    if variants is not None:
        transcripts = () if annotation is None else annotation.transcripts
        bases = None if genome is None else BaseHaplotypes.of(transcripts, genome)
        calls = _calls(config, files, variants, germline)
        sets.append(of_variants(config, variants, germline, calls=calls, bases=bases))
    if fusions:
        sets.append(of_fusions(config, fusions, variants))
    found, said = _splice(config, files, junctions, genome)
    sets += found
    notes += said
    return ImmunotherapyInputs(
        hla=typing.hla_type,
        found=joined(sets),
        variants=variants,
        proteins=_proteins(files, variants),
        copies=None if files.copy_number is None else read_copy_number_segments(files.copy_number),
        purity=None if files.purity is None else read_purity(files.purity),
        stages_s={"read": read_s, "peptides": time.perf_counter() - began - read_s},
        notes=tuple(notes),
        provenance=Record("workflows.immunotherapy.read_inputs", {}, tuple(records)),
    )


def _variants(
    config: ImmunotherapyConfig, files: ImmunotherapyFiles, path: Path, genome: Genome | None
) -> tuple[AnnotatedVariants, Annotation | None, list[str]]:
    """Read variants with VEP's annotation, or with consequences from the user's annotation and genome."""
    is_maf = path.name.lower().endswith((".maf", ".maf.gz"))
    try:
        if is_maf:
            raise MissingAttribute(
                f"variants must state proteins; {path.name} is a MAF, which states none; give a GTF and the "
                "genome's FASTA"
            )
        found = read_annotated_variants(path, tumour_sample=config.tumour_sample)
    except MissingAttribute:
        if files.gtf is None or genome is None:
            raise
        if is_maf:
            plain = read_maf(path, sample=config.tumour_sample, genome=genome)
        else:
            plain = read_variants(path, tumour_sample=config.tumour_sample)
        annotation = _annotation(files.gtf, plain)
        called = _called(plain, annotation, genome)
        said = f"{path.name} states no proteins: consequences are from {files.gtf.name}."
        return _each_once(replace(called, annotator=files.gtf.name)), annotation, [said]
    near = None if files.gtf is None or genome is None else _annotation(files.gtf, found)
    return _each_once(found), near, []


def _annotation(gtf: Path, variants: AnnotatedVariants) -> Annotation:
    return read_gtf(gtf, near=Neighbourhood.of([variant for variant, _ in variants], _GENE_BASES))


def _called(variants: AnnotatedVariants, annotation: Annotation, genome: Genome) -> AnnotatedVariants:
    index = TranscriptIndex.of(annotation.transcripts)
    record = Record(
        "immunotherapy.variants.call_consequences",
        {},
        (variants.provenance, annotation.provenance, genome.provenance),
    )
    called = tuple((variant, call_consequences(variant, index, genome)) for variant, _ in variants)
    return replace(variants, variants=called, provenance=record)


def _each_once(found: AnnotatedVariants) -> AnnotatedVariants:
    """Leave out records of the same variant after its first, which files merged of several callers have."""
    names: set[str] = set()
    kept = []
    for variant, changes in found:
        if variant.name not in names:
            names.add(variant.name)
            kept.append((variant, changes))
    if len(kept) == len(found):
        return found
    skipped = {**found.skipped, "record of a variant that another record has": len(found) - len(kept)}
    return replace(found, variants=tuple(kept), skipped=skipped)


def _germline(
    files: ImmunotherapyFiles,
    variants: AnnotatedVariants | None,
    annotation: Annotation | None,
    genome: Genome | None,
) -> tuple[AnnotatedVariants | None, list[str]]:
    """Read germline neighbours, and what they do to transcripts: by annotation and genome, else as VEP says.

    A phased file that holds the somatic variants as well is kept whole: its phases count for them too.
    """
    if files.germline is None or variants is None:
        return None, []
    near = [variant for variant, _ in variants]
    found = read_germline_variants(files.germline, near=near, within_bases=_NEAR_BASES)
    if genome is not None and annotation is not None and annotation.transcripts:
        return _called(found, annotation, genome), []
    if not len(found) or any(changes for _, changes in found):
        return found, []
    said = (
        f"{files.germline.name}: {len(found)} germline variants near the tumour's were read, but put into no "
        "peptide: that needs VEP's annotation, or the annotation (GTF) and the genome (FASTA)."
    )
    return None, [said]


def _calls(
    config: ImmunotherapyConfig,
    files: ImmunotherapyFiles,
    variants: AnnotatedVariants,
    germline: AnnotatedVariants | None,
) -> PhaseCalls | None:
    """Return what reads say of neighbours whose phase no file tells; only coding variants are asked for."""
    if files.reads is None:
        return None
    coding = [variant for variant, changes in (*variants, *(germline or ())) if changes]
    pairs = pairs_to_phase(coding, _FRAGMENT_BASES)
    counted = count_shared_reads(
        files.reads,
        pairs,
        least_mapping_quality=config.phase_mapping_quality,
        least_base_quality=config.phase_base_quality,
        reference=files.genome,
    )
    return phase_calls(
        pairs, counted, error_rate=config.phase_error_rate, least_confidence=config.phase_confidence
    )


def _splice(
    config: ImmunotherapyConfig,
    files: ImmunotherapyFiles,
    junctions: Sequence[SpliceJunction],
    genome: Genome | None,
) -> tuple[list[NeopeptideSet], list[str]]:
    if not junctions:
        return [], []
    if files.gtf is None or genome is None:
        said = (
            f"{len(junctions)} splice junctions were read, but no peptide of them was made: that needs the "
            "annotation (GTF) and the genome (FASTA)."
        )
        return [], [said]
    transcripts = read_gtf(files.gtf).transcripts
    return [splice_peptides(junctions, transcripts, genome, all_lengths(config))], []


def _proteins(files: ImmunotherapyFiles, variants: AnnotatedVariants | None) -> NormalProteins:
    if files.proteome is not None:
        found = read_proteins(files.proteome)
        return NormalProteins(found.sequences, files.proteome.name, True)
    return normal_proteins([] if variants is None else [variants])
