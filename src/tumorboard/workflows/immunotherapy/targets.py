"""From each event's best candidate to a target: its evidence, its tier, its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tumorboard.core.hla import MhcClass
from tumorboard.immunotherapy.ranking.tiers import TierFacts, Tiering, TierThresholds, tier_of
from tumorboard.workflows.immunotherapy.candidates import (
    AnchorSource,
    Candidate,
    changed_residues,
    dense_rank,
)
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.evidence import Evidence
from tumorboard.workflows.immunotherapy.result import Target

__all__ = ["Judge", "ranked"]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """What a candidate is judged by.

    Parameters
    ----------
    config
        With the thresholds.
    anchors
        Gives the residues that hold a peptide.
    self_match
        Says where else a peptide occurs; ``""`` for nowhere, ``None`` if not looked.
    cell_fraction
        Part of the tumour's cells that carry a variant; ``None`` where nothing tells.
    """

    config: ImmunotherapyConfig
    anchors: AnchorSource
    self_match: Callable[[str], str | None]
    cell_fraction: Callable[[Evidence], float | None]

    def thresholds(self, mhc_class: MhcClass) -> TierThresholds:
        """Return the tiers' thresholds for a class."""
        config = self.config
        return TierThresholds(
            affinity_nm=config.affinity_nm,
            percentile=config.percentiles(mhc_class.value)[1],
            expression_tpm=config.expression_tpm,
            rna_vaf=config.rna_vaf,
            rna_depth=config.rna_depth,
            cancer_cell_fraction=config.cancer_cell_fraction,
            support_level=config.support_level,
        )

    def strength(self, candidate: Candidate) -> str:
        """Return how well a candidate is presented: ``"strong"``, ``"weak"`` or ``"none"``."""
        strong, weak = self.config.percentiles(candidate.mhc_class.value)
        percentile = candidate.value("percentile")
        return "strong" if percentile < strong else "weak" if percentile < weak else "none"

    def facts(self, candidate: Candidate, evidence: Evidence) -> TierFacts:
        """Return what is known of a candidate."""
        peptide, change = candidate.peptide, evidence.change
        seen = None if evidence.variant is None else evidence.variant.evidence
        return TierFacts(
            affinity_nm=candidate.value("affinity_nm"),
            wild_type_affinity_nm=candidate.wild_type_value("affinity_nm"),
            presentation_percentile=candidate.value("percentile"),
            changed=None if peptide.wild_type is None else changed_residues(peptide),
            anchors=self.anchors(candidate.mhc_class, candidate.molecule, peptide.sequence),
            gene_tpm=evidence.gene_tpm,
            rna_vaf=None if seen is None else seen.rna_vaf,
            rna_depth=None if seen is None else seen.rna_depth,
            cancer_cell_fraction=self.cell_fraction(evidence),
            mane_select=None if change is None else change.mane_select,
            canonical=None if change is None else change.canonical,
            support_level=None if change is None else change.support_level,
            self_match=self.self_match(peptide.sequence),
        )

    def target(
        self,
        candidate: Candidate,
        evidence: Evidence,
        other: Candidate | None,
        features: Mapping[str, float | None],
    ) -> Target:
        """Return a candidate as a target without a place yet."""
        facts = self.facts(candidate, evidence)
        tiering: Tiering = tier_of(facts, self.thresholds(candidate.mhc_class))
        variant, peptide = evidence.variant, candidate.peptide
        seen = None if variant is None else variant.evidence
        row = candidate.predictions.table.percentile[candidate.row]
        names = [str(molecule) for molecule in candidate.predictions.molecules]
        return Target(
            rank=0,
            peptide=peptide.sequence,
            wild_type=peptide.wild_type,
            new_positions=peptide.new_positions,
            gene=evidence.origin.gene,
            change=evidence.origin.change,
            transcript=evidence.origin.transcript,
            variant=evidence.origin.events[0],
            neighbours=evidence.origin.events[1:],
            kind=evidence.origin.kind.value,
            filters=() if variant is None else variant.filters,
            allele=str(candidate.molecule),
            mhc_class=candidate.mhc_class.value,
            affinity_nm=candidate.value("affinity_nm"),
            wild_type_affinity_nm=facts.wild_type_affinity_nm,
            uncertainty=candidate.value("uncertainty"),
            percentile=candidate.value("percentile"),
            wild_type_percentile=candidate.wild_type_value("percentile"),
            strength=self.strength(candidate),
            presentation=candidate.value("presentation"),
            expression_tpm=facts.gene_tpm,
            allele_tpm=facts.allele_tpm,
            dna_vaf=None if seen is None else seen.tumour_vaf,
            rna_vaf=facts.rna_vaf,
            ccf=facts.cancer_cell_fraction,
            tiering=tiering,
            by_allele={name: float(value) for name, value in zip(names, row, strict=True)},
            other_class=_brief(other),
            features=features,
        )


def ranked(targets: Sequence[Target], weak: Mapping[str, float]) -> tuple[Target, ...]:
    """Return targets in order: by tier, then by the sum of three ranks, as pVACseq does.

    The ranks are those of the mutant allele's expression, of affinity and of percentile, among all targets.
    What is not known ranks last.

    Parameters
    ----------
    targets
        In any order.
    weak
        Percentile of weak presentation by class: percentiles count in parts of it, so that classes can be
        compared.

    References
    ----------
    .. [1] xia2024pvacview
    """
    if not targets:
        return ()
    expression = [-np.inf if t.allele_tpm is None else t.allele_tpm for t in targets]
    total = (
        dense_rank(-np.array(expression))
        + dense_rank(np.array([t.affinity_nm for t in targets]))
        + dense_rank(np.array([t.percentile / weak[t.mhc_class] for t in targets]))
    )

    def place(k: int) -> tuple[int, int, float, str, str]:
        target = targets[k]
        return target.tier.order, int(total[k]), target.affinity_nm, target.gene, target.variant

    order = sorted(range(len(targets)), key=place)
    return tuple(replace(targets[k], rank=rank) for rank, k in enumerate(order, start=1))


def _brief(candidate: Candidate | None) -> dict[str, Any]:
    if candidate is None:
        return {}
    return {
        "peptide": candidate.peptide.sequence,
        "allele": str(candidate.molecule),
        "affinity_nm": round(candidate.value("affinity_nm"), 2),
        "percentile": round(candidate.value("percentile"), 4),
    }
