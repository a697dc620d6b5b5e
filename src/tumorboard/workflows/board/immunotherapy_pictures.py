"""Pictures of immunotherapy targets: where variants are lost, how peptides bind, where they are expressed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from tumorboard.immunotherapy.ranking.tiers import Tier
from tumorboard.plotting.blocks import Picture
from tumorboard.plotting.funnel import funnel
from tumorboard.plotting.grouped_scatter import ScatterAxis, ScatterPoint, grouped_scatter
from tumorboard.plotting.percentile_map import percentile_map
from tumorboard.plotting.sequence_logo import sequence_logo
from tumorboard.workflows.immunotherapy.result import ImmunotherapyResult, Target

__all__ = ["target_pictures"]

_MAPPED: Final = 20
_NAMED: Final = 8
#: Groups of points, best tier first; the rest are one group.
_GROUPS: Final = (
    Tier.PASS, Tier.POOR_BINDER, Tier.POOR_PRESENTATION, Tier.LOW_EXPR, Tier.ANCHOR, Tier.SUBCLONAL,
    Tier.NO_EXPR,
)  # fmt: skip
_OTHERS: Final = "Other tiers"


def target_pictures(found: ImmunotherapyResult) -> Iterator[Picture]:
    """Yield the pictures of a result; those that have nothing to show are left out.

    Parameters
    ----------
    found
        With targets.
    """
    yield Picture(
        funnel(found.funnel, title="Variants left after each step"),
        "What is not known fails no step.",
        "Bars: " + ", ".join(f"{what} {count}" for what, count in found.funnel),
    )
    if not found.targets:
        return
    yield from _heat_maps(found)
    yield from _binding(found)
    yield from _expression(found)
    for motif in found.motifs:
        target: Target = motif.target
        rows = [(target.title or "mutant", target.peptide, target.new_positions)]
        if target.wild_type is not None:
            rows.append(("wild type", target.wild_type, ()))
        yield Picture(
            sequence_logo(
                motif.frequency,
                motif.letters,
                title=f"{target.allele}, peptides of {len(target.peptide)}",
                peptides=rows,
            ),
            f"What {target.allele} presents: the best {motif.peptides} of 5,000 random peptides, and its "
            "first target; new residues red.",
            f"Logo of {target.allele} above {target.peptide}",
        )


def _heat_maps(found: ImmunotherapyResult) -> Iterator[Picture]:
    for mhc_class in ("I", "II"):
        targets = [t for t in found.targets if t.mhc_class == mhc_class][:_MAPPED]
        if not targets:
            continue
        columns = list(targets[0].by_allele)
        values = [[t.by_allele[name] for name in columns] for t in targets]
        yield Picture(
            percentile_map(
                [f"{t.rank}  {t.title} {t.peptide}" for t in targets],
                columns,
                values,
                title=f"Class {mhc_class}: percentile of presentation",
            ),
            "Among random peptides; a low percentile is presented well. Rank, gene, change and peptide.",
            f"Percentiles of the first {len(targets)} targets of class {mhc_class} with each molecule",
        )


def _group(target: Target) -> str:
    return target.tier.value if target.tier in _GROUPS else _OTHERS


def _groups() -> tuple[str, ...]:
    return (*(tier.value for tier in _GROUPS), _OTHERS)


def _named(targets: Sequence[Target]) -> set[int]:
    return {target.rank for target in targets[:_NAMED] if target.tier is Tier.PASS}


def _binding(found: ImmunotherapyResult) -> Iterator[Picture]:
    named = _named(found.targets)
    points = [
        ScatterPoint(t.affinity_nm, t.wild_type_affinity_nm, _group(t), t.title if t.rank in named else "")
        for t in found.targets
        if t.wild_type_affinity_nm is not None
    ]
    if not points:
        return
    limit = found.config.affinity_nm
    yield Picture(
        grouped_scatter(
            points,
            title="Binding of mutant and wild-type peptides",
            x=ScatterAxis("Mutant peptide, IC50 [nM]", "log", limit),
            y=ScatterAxis("Wild-type peptide, IC50 [nM]", "log", limit),
            groups=_groups(),
            diagonal=True,
        ),
        f"Dashed: {limit:g} nM. Upper left: the change makes the binder.",
        "Affinity of each target's peptide against that of its wild type",
    )


def _expression(found: ImmunotherapyResult) -> Iterator[Picture]:
    named = _named(found.targets)
    points = [
        ScatterPoint(t.allele_tpm, t.dna_vaf, _group(t), t.title if t.rank in named else "")
        for t in found.targets
        if t.allele_tpm is not None and t.dna_vaf is not None and math.isfinite(t.allele_tpm)
    ]
    if not points:
        return
    config = found.config
    limit = config.expression_tpm * config.rna_vaf
    clonal = None if found.purity is None else 0.5 * found.purity * config.cancer_cell_fraction
    yield Picture(
        grouped_scatter(
            points,
            title="Expression and fraction of reads",
            x=ScatterAxis("Expression of the mutant allele [TPM]", "symlog", limit),
            y=ScatterAxis("Fraction of DNA reads (VAF)", "linear", clonal),
            groups=_groups(),
        ),
        f"Dashed: {limit:g} TPM, and the fraction of a variant in "
        f"{100 * config.cancer_cell_fraction:g} % of the cells on one of two copies.",
        "Expression of each target's mutant allele against its fraction of DNA reads",
    )
