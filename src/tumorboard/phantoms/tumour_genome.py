"""A synthetic tumour's genome: invented genes with planted changes whose new epitopes are known.

Proteins are random but for the planted peptides and what stands in their place in the normal protein.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.hla import HlaType
from tumorboard.core.variant import Phase, SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError
from tumorboard.phantoms.planted_changes import BaseChange, planted_gene
from tumorboard.phantoms.planted_epitopes import PLANTED, PlantedEpitope
from tumorboard.phantoms.synthetic_gene import (
    SyntheticGene,
    coding_bases,
    random_protein,
    residues_of,
)
from tumorboard.provenance import Record

__all__ = ["TumourGenome", "TumourGenomeConfig", "simulate_tumour_genome"]

_CHROMOSOME: Final = "chrDemo"
#: Bases between genes.
_BETWEEN: Final = 120


@dataclass(frozen=True, slots=True)
class TumourGenomeConfig:
    """Choices of a synthetic tumour's genome.

    Parameters
    ----------
    seed
        Of all that is random.
    bystanders
        Genes with a random substitution each, beside the planted ones.
    """

    seed: int = 1
    bystanders: int = 24

    def __post_init__(self) -> None:
        if self.seed < 0 or self.bystanders < 0:
            raise InputError(f"seed and bystanders must be >= 0; got {self.seed!r} and {self.bystanders!r}")


@dataclass(frozen=True, slots=True, eq=False)
class TumourGenome:
    """A synthetic tumour's genome and what is planted in it.

    Parameters
    ----------
    chromosome, bases
        The normal genome: one chromosome.
    genes
        In order along it.
    variants
        Of the tumour, each with what it does to its gene's transcript.
    hla
        The patient's type and what the tumour lost.
    planted
        With the name of the variant that each is listed under.
    """

    chromosome: str
    bases: str
    genes: tuple[SyntheticGene, ...]
    variants: AnnotatedVariants
    hla: HlaType
    planted: tuple[tuple[PlantedEpitope, str], ...]

    def truth(self) -> dict[str, Any]:
        """Return what a search for targets should find, as what JSON can hold."""
        return {
            "targets": [
                {
                    "gene": epitope.gene,
                    "variant": variant,
                    "peptide": epitope.peptide,
                    "allele": epitope.allele,
                    "tiers": list(epitope.tiers),
                    "teaches": epitope.teaches,
                }
                for epitope, variant in self.planted
            ]
        }


def simulate_tumour_genome(config: TumourGenomeConfig) -> TumourGenome:
    """Make a synthetic tumour's genome.

    Parameters
    ----------
    config
        The choices; the same give the same genome.

    Examples
    --------
    >>> genome = simulate_tumour_genome(TumourGenomeConfig(bystanders=2))
    >>> [epitope.gene for epitope, variant in genome.planted][:3]
    ['ANCH1', 'FACE1', 'RASL1']
    >>> len(genome.variants) == len(genome.planted) + 1 + 2  # one is made by two changes
    True
    """
    rng = np.random.default_rng(config.seed)
    made = [planted_gene(rng, epitope) for epitope in PLANTED]
    made += [_bystander(rng, number) for number in range(config.bystanders)]
    made += [(_gene_that_holds(rng, epitope), ()) for epitope in PLANTED if epitope.elsewhere]
    bases, genes, variants = "", [], []
    for gene, changes in made:
        bases += "".join(rng.choice(list("ACGT"), _BETWEEN))
        placed = SyntheticGene(gene.symbol, gene.transcript, gene.protein, gene.coding, len(bases) + 1)
        bases += gene.coding
        genes.append(placed)
        variants += [(_variant(placed, change), (_change(placed, change),)) for change in changes]
    bases += "".join(rng.choice(list("ACGT"), _BETWEEN))
    names: dict[str, str] = {}
    for variant, (change,) in variants:
        names.setdefault(change.gene, variant.name)
    record = Record("phantoms.tumour_genome", {"seed": config.seed, "bystanders": config.bystanders})
    return TumourGenome(
        _CHROMOSOME,
        bases,
        tuple(genes),
        AnnotatedVariants(tuple(variants), {}, record, "DEMO_TUMOR", "DEMO_NORMAL", "synthetic", "phantom"),
        HlaType.named(
            ["A*02:01", "A*11:01", "B*07:02", "B*08:01", "C*04:01", "C*07:01", "DRB1*15:01"],
            lost=["B*08:01", "C*07:01"],
        ),
        tuple((epitope, names[epitope.gene]) for epitope in PLANTED),
    )


def _bystander(rng: np.random.Generator, number: int) -> tuple[SyntheticGene, tuple[BaseChange, ...]]:
    """Return a random gene with one base exchanged: missense, silent or a stop, as chance has it."""
    protein = "M" + random_protein(rng, 160)
    gene = SyntheticGene(f"PASS{number + 1}", f"DEMOT{900 + number}.1", protein, coding_bases(rng, protein))
    offset = int(rng.integers(30, len(gene.coding) - 33))
    base = str(rng.choice([b for b in "ACGT" if b != gene.coding[offset]]))
    tpm = float(np.round(10 ** rng.uniform(-1.0, 1.8), 2)) if rng.random() < 0.6 else 0.0
    seen = VariantEvidence(
        tumour_depth=180,
        tumour_vaf=float(np.round(rng.uniform(0.05, 0.5), 3)),
        normal_depth=150,
        normal_vaf=0.0,
        rna_depth=60 if tpm > 0 else 0,
        rna_vaf=float(np.round(rng.uniform(0.05, 0.5), 3)) if tpm > 0 else None,
        in_tumour=True,
    )
    filters = ("weak_evidence",) if number % 8 == 7 else ()
    return gene, (BaseChange(offset, gene.coding[offset], base, seen, tpm, None, filters),)


def _gene_that_holds(rng: np.random.Generator, epitope: PlantedEpitope) -> SyntheticGene:
    protein = "M" + random_protein(rng, 60) + epitope.peptide + random_protein(rng, 60)
    symbol = f"{epitope.gene}TWIN"
    return SyntheticGene(symbol, f"DEMOT_{symbol}.1", protein, coding_bases(rng, protein))


def _variant(gene: SyntheticGene, change: BaseChange) -> SmallVariant:
    phase = None if change.phase_block is None else Phase(change.phase_block, 1)
    return SmallVariant(
        _CHROMOSOME,
        gene.start + change.offset,
        change.reference,
        change.alternative,
        change.filters,
        phase=phase,
        evidence=change.evidence,
    )


def _change(gene: SyntheticGene, change: BaseChange) -> TranscriptChange:
    """Return what a change does to its gene, in VEP's terms."""
    after = change.offset + len(change.reference)
    mutant = residues_of(gene.coding[: change.offset] + change.alternative + gene.coding[after:])
    lost = len(change.reference) - len(change.alternative)
    if lost % 3:
        term, first, last = "frameshift_variant", after // 3 - 1, after // 3
        old, new = gene.protein[first:last], "X"
    elif lost:
        # The first base of both is the same.
        first, last = (change.offset + 1) // 3, after // 3
        term, old, new = "inframe_deletion", gene.protein[first:last], ""
    else:
        first = change.offset // 3
        old, new = gene.protein[first], mutant[first]
        term = "synonymous_variant" if old == new else "stop_gained" if new == "*" else "missense_variant"
    return TranscriptChange(
        gene=gene.symbol,
        transcript=gene.transcript,
        consequences=(term,),
        protein_start=first + 1,
        reference_residues=old,
        alternative_residues=new,
        wild_type_protein=gene.protein,
        mutant_protein=mutant.rstrip("*") if lost % 3 else None,
        canonical=True,
        mane_select=True,
        support_level=1,
        gene_tpm=change.gene_tpm,
        transcript_tpm=change.gene_tpm,
    )
