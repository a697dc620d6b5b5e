"""What comes of a search for immunotherapy targets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tumorboard.immunotherapy.ranking.tiers import Tier, Tiering
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig

__all__ = ["ImmunotherapyResult", "PredictorFacts", "Target"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The best peptide of one event.

    Parameters
    ----------
    rank
        1 for the best.
    peptide, wild_type
        Residues; ``None`` where there is no wild type.
    new_positions
        Residues that are new, counted from 0.
    gene, change, transcript
        Of the protein that is trusted most.
    variant
        Name of the event.
    neighbours
        Names of other variants on the same copy that the peptide holds.
    kind
        Of event, e.g. ``"small variant"``.
    filters
        Of its caller that it failed.
    allele, mhc_class
        The molecule that presents it.
    affinity_nm, wild_type_affinity_nm
        IC50 [nM].
    uncertainty
        Standard uncertainty of log10 of the IC50.
    percentile, wild_type_percentile
        Of presentation among random peptides, 0 best to 100.
    strength
        ``"strong"``, ``"weak"`` or ``"none"``, by the percentile.
    presentation
        Score, 0 to 1.
    expression_tpm, allele_tpm
        Of the gene and of its mutant allele [TPM].
    dna_vaf, rna_vaf
        Fractions of reads.
    ccf
        Part of the tumour's cells that carry the variant.
    tiering
        Tier and rules.
    by_allele
        Percentile with each molecule of the class.
    other_class
        The best of the other class: ``peptide``, ``allele``, ``affinity_nm``, ``percentile``; empty if none.
    features
        Further numbers, by name.
    """

    rank: int
    peptide: str
    wild_type: str | None
    new_positions: tuple[int, ...]
    gene: str
    change: str
    transcript: str
    variant: str
    neighbours: tuple[str, ...]
    kind: str
    filters: tuple[str, ...]
    allele: str
    mhc_class: str
    affinity_nm: float
    wild_type_affinity_nm: float | None
    uncertainty: float
    percentile: float
    wild_type_percentile: float | None
    strength: str
    presentation: float
    expression_tpm: float | None
    allele_tpm: float | None
    dna_vaf: float | None
    rna_vaf: float | None
    ccf: float | None
    tiering: Tiering
    by_allele: Mapping[str, float]
    other_class: Mapping[str, Any]
    features: Mapping[str, float | None]

    @property
    def tier(self) -> Tier:
        """How far it can be followed."""
        return self.tiering.tier

    @property
    def title(self) -> str:
        """Gene and change, for people."""
        return f"{self.gene} {self.change}".strip()

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold; what is not known is ``None``."""
        return {
            "peptide": self.peptide,
            "wild_type": self.wild_type,
            "gene": self.gene,
            "variant": self.variant,
            "allele": self.allele,
            "affinity_nm": _rounded(self.affinity_nm),
            "percentile": _rounded(self.percentile),
            "presentation": _rounded(self.presentation),
            "expression": _rounded(self.expression_tpm),
            "ccf": _rounded(self.ccf),
            "tier": self.tier.value,
            "reasons": list(self.tiering.reasons),
            "rank": self.rank,
            "change": self.change,
            "transcript": self.transcript,
            "neighbours": list(self.neighbours),
            "kind": self.kind,
            "filters": list(self.filters),
            "mhc_class": self.mhc_class,
            "strength": self.strength,
            "new_positions": [place + 1 for place in self.new_positions],
            "uncertainty_log10_nm": _rounded(self.uncertainty),
            "wild_type_affinity_nm": _rounded(self.wild_type_affinity_nm),
            "wild_type_percentile": _rounded(self.wild_type_percentile),
            "mutant_allele_expression_tpm": _rounded(self.allele_tpm),
            "dna_vaf": _rounded(self.dna_vaf),
            "rna_vaf": _rounded(self.rna_vaf),
            "percentile_by_allele": {name: _rounded(value) for name, value in self.by_allele.items()},
            "other_class": dict(self.other_class) or None,
            "features": {name: _rounded(value) for name, value in self.features.items()},
        }


@dataclass(frozen=True, slots=True)
class PredictorFacts:
    """Which weights predicted.

    Parameters
    ----------
    mhc_class
        Of the model.
    version, training_digest
        Of its weights.
    molecules
        That it predicted for.
    notes
        One a molecule: empty, or why its prediction is an extrapolation.
    pairs
        Of a peptide and a molecule.
    """

    mhc_class: str
    version: str
    training_digest: str
    molecules: tuple[str, ...]
    notes: tuple[str, ...]
    pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class ImmunotherapyResult:
    """Ranked targets of one tumour.

    Parameters
    ----------
    config
        What was asked for.
    purity, purity_is_estimated
        Part of the sample's cells that are tumour; ``None`` where nothing tells.
    targets
        Best first.
    motifs
        Of the first targets' molecules, for logos.
    funnel
        What is counted and how many variants are left.
    dropped
        Peptides and changes without a target, by reason.
    hla, excluded
        Alleles as typed; those that present nothing, with the reason.
    anchors
        By molecule and length of peptides, places counted from 1.
    predictors
        One for each class.
    peptides
        Number of new ones.
    stages_s
        How long each stage took [s].
    peak_memory_gb
        Most memory of the process so far [GB].
    cautions, notes
        What a reader must not miss, and what else there is to know.
    provenance
        How it was made.
    """

    config: ImmunotherapyConfig
    purity: float | None
    purity_is_estimated: bool
    targets: tuple[Target, ...]
    motifs: tuple[Any, ...]
    funnel: tuple[tuple[str, int], ...]
    dropped: Mapping[str, int]
    hla: tuple[str, ...]
    excluded: Mapping[str, str]
    anchors: Mapping[str, Mapping[int, list[int]]]
    predictors: tuple[PredictorFacts, ...]
    peptides: int
    stages_s: Mapping[str, float]
    peak_memory_gb: float
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: Record

    def tiers(self) -> dict[str, int]:
        """Return how many targets each tier has, best tier first; tiers without any are left out."""
        counts = {tier.value: 0 for tier in Tier}
        for target in self.targets:
            counts[target.tier.value] += 1
        return {name: count for name, count in counts.items() if count}

    def predictor(self) -> dict[str, str]:
        """Return version and digest of the weights, of both classes in one line each."""
        return {
            "version": "; ".join(f"class {p.mhc_class} {p.version}" for p in self.predictors),
            "training_digest": "; ".join(f"class {p.mhc_class} {p.training_digest}" for p in self.predictors),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold."""
        return {
            "targets": [target.to_dict() for target in self.targets],
            "dropped": dict(self.dropped),
            "stages_s": {name: round(seconds, 3) for name, seconds in self.stages_s.items()},
            "predictor": {
                **self.predictor(),
                "models": [
                    {
                        "mhc_class": p.mhc_class,
                        "version": p.version,
                        "training_digest": p.training_digest,
                        "molecules": list(p.molecules),
                        "allele_notes": {
                            m: note for m, note in zip(p.molecules, p.notes, strict=True) if note
                        },
                        "pairs": p.pairs,
                    }
                    for p in self.predictors
                ],
            },
            "tiers": self.tiers(),
            "funnel": [{"what": what, "variants": count} for what, count in self.funnel],
            "peptides": self.peptides,
            "hla": {"alleles": list(self.hla), "excluded": dict(self.excluded)},
            "anchors": {name: {str(n): v for n, v in of.items()} for name, of in self.anchors.items()},
            "purity": _rounded(self.purity),
            "purity_is_estimated": self.purity_is_estimated,
            "choices": self.config.choices(),
            "chosen_by_default": list(self.config.by_default()),
            "peak_memory_gb": round(self.peak_memory_gb, 3),
            "cautions": list(self.cautions),
            "notes": list(self.notes),
            "citations": list(dict.fromkeys(self.provenance.citations())),
        }


def _rounded(value: float | None) -> float | None:
    """Return a number with six significant digits; ``None`` for what is none."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
