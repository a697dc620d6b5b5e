"""Which tier a candidate belongs to, by the rules of pVACview, and why, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking.anchors import mutated_at_anchors_only

__all__ = [
    "MOST_AT_ANCHORS",
    "Criterion",
    "Tier",
    "TierFacts",
    "TierThresholds",
    "Tiering",
    "tier_of",
]

#: Residues that changed, at most, for the rule on anchors to be applied.
MOST_AT_ANCHORS: Final = 2


class Tier(Enum):
    """How far a candidate can be followed; values are pVACview's names, best first."""

    PASS = "Pass"  # noqa: S105 - no password
    POOR_BINDER = "PoorBinder"
    POOR_IMMUNOGENICITY = "PoorImmunogenicity"
    POOR_PRESENTATION = "PoorPresentation"
    REF_MATCH = "RefMatch"
    POOR_TRANSCRIPT = "PoorTranscript"
    LOW_EXPR = "LowExpr"
    ANCHOR = "Anchor"
    SUBCLONAL = "Subclonal"
    POOR = "Poor"
    NO_EXPR = "NoExpr"

    @property
    def order(self) -> int:
        """Place in the list of tiers, 0 for the best."""
        return list(Tier).index(self)


@dataclass(frozen=True, slots=True)
class TierThresholds:
    """Where the rules draw their lines; pVACseq 7's own values in brackets.

    Parameters
    ----------
    affinity_nm
        A binder lies below it [500 nM].
    percentile
        A presented peptide's ranks lie below it [2]; of binding, presentation and immunogenicity alike.
    expression_tpm, rna_vaf
        The mutant allele is expressed above their product [1 TPM, 0.25].
    rna_depth
        Reads that show expression where the gene's count does not [10].
    cancer_cell_fraction
        A variant of the founding clone lies above it [0.5: VAF above purity / 4].
    support_level
        Worst transcript support level that is trusted by itself [1].

    Raises
    ------
    InputError
        When one is out of its range.
    """

    affinity_nm: float
    percentile: float
    expression_tpm: float
    rna_vaf: float
    rna_depth: int
    cancer_cell_fraction: float
    support_level: int

    def __post_init__(self) -> None:
        for name, low, high in (
            ("affinity_nm", 0.0, 50_000.0),
            ("percentile", 0.0, 100.0),
            ("expression_tpm", 0.0, 1e6),
            ("rna_vaf", 0.0, 1.0),
            ("rna_depth", 0, 10**9),
            ("cancer_cell_fraction", 0.0, 1.0),
            ("support_level", 1, 5),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} of a tier must be {low:g} to {high:g}; got {value!r}")


@dataclass(frozen=True, slots=True)
class TierFacts:
    """What is known of one candidate; ``None`` where nothing is, which fails no rule.

    Parameters
    ----------
    affinity_nm, wild_type_affinity_nm
        Of the peptide and its wild type [nM].
    binding_percentile, presentation_percentile, immunogenicity_percentile
        Ranks among random peptides, 0 best to 100.
    changed
        Residues that differ from the wild type, counted from 0; ``None`` where there is no wild type.
    anchors
        Residues that hold the peptide in this molecule, counted from 0; ``None`` where that is not judged.
    gene_tpm
        Expression of the gene [transcripts per million].
    rna_vaf, rna_depth
        Of the variant in RNA: fraction of reads, reads.
    cancer_cell_fraction
        Part of the tumour's cells that carry the variant.
    mane_select, canonical, support_level
        Of the transcript.
    self_match
        Where else in the proteome the peptide occurs; empty for nowhere; ``None`` if not looked.
    """

    affinity_nm: float | None = None
    wild_type_affinity_nm: float | None = None
    binding_percentile: float | None = None
    presentation_percentile: float | None = None
    immunogenicity_percentile: float | None = None
    changed: tuple[int, ...] | None = None
    anchors: frozenset[int] | None = frozenset()
    gene_tpm: float | None = None
    rna_vaf: float | None = None
    rna_depth: int | None = None
    cancer_cell_fraction: float | None = None
    mane_select: bool | None = None
    canonical: bool | None = None
    support_level: int | None = None
    self_match: str | None = None

    @property
    def allele_tpm(self) -> float | None:
        """Expression of the mutant allele: the gene's times the fraction of reads that carry it [TPM]."""
        if self.gene_tpm is None or self.rna_vaf is None:
            return None
        return self.gene_tpm * self.rna_vaf


@dataclass(frozen=True, slots=True)
class Criterion:
    """One rule as it came out.

    Parameters
    ----------
    tier
        What the candidate becomes where it fails this rule alone.
    passed
        ``None``: not known, which fails nothing.
    sentence
        Value and threshold, for people.
    """

    tier: Tier
    passed: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Tiering:
    """A candidate's tier.

    Parameters
    ----------
    tier
        Its tier.
    criteria
        All rules, in the order of the tiers.
    """

    tier: Tier
    criteria: tuple[Criterion, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences: what it fails, or what it passes where it fails nothing; then what is not known."""
        wanted = self.tier is Tier.PASS
        decided = tuple(c.sentence for c in self.criteria if c.passed is wanted)
        return decided + tuple(c.sentence for c in self.criteria if c.passed is None)


def tier_of(facts: TierFacts, thresholds: TierThresholds) -> Tiering:
    """Put a candidate into its tier by the rules of pVACseq and pVACview.

    All rules passed: *Pass*. One failed: the tier of that rule. The mutant allele not expressed at all:
    *NoExpr*. Else *Poor*.

    Parameters
    ----------
    facts
        Of the peptide on its molecule and of its variant.
    thresholds
        Where the rules draw their lines.

    References
    ----------
    .. [1] xia2024pvacview

    Examples
    --------
    >>> limits = TierThresholds(500.0, 2.0, 1.0, 0.25, 10, 0.5, 1)
    >>> weak = TierFacts(affinity_nm=700.0, presentation_percentile=0.4, gene_tpm=20.0, rna_vaf=0.5)
    >>> found = tier_of(weak, limits)
    >>> found.tier.value, found.reasons[0]
    ('PoorBinder', 'Binding: 700 nM, not below 500 nM.')
    """
    criteria = tuple(_criteria(facts, thresholds))
    failed = [criterion for criterion in criteria if criterion.passed is False]
    if not failed:
        return Tiering(Tier.PASS, criteria)
    expressed = not any(criterion.tier is Tier.NO_EXPR for criterion in failed)
    if not expressed:
        return Tiering(Tier.NO_EXPR, criteria)
    tiers = {criterion.tier for criterion in failed}
    return Tiering(tiers.pop() if len(tiers) == 1 else Tier.POOR, criteria)


def _criteria(facts: TierFacts, limits: TierThresholds) -> Iterator[Criterion]:
    yield _below(Tier.POOR_BINDER, "Binding", facts.affinity_nm, limits.affinity_nm, " nM")
    for tier, name, value in (
        (Tier.POOR_BINDER, "Percentile of binding", facts.binding_percentile),
        (Tier.POOR_IMMUNOGENICITY, "Percentile of immunogenicity", facts.immunogenicity_percentile),
        (Tier.POOR_PRESENTATION, "Percentile of presentation", facts.presentation_percentile),
    ):
        # A predictor that gives no such rank has nothing to say, and nobody misses it.
        if value is not None:
            yield _below(tier, name, value, limits.percentile, "")
    if facts.self_match is not None:
        where = facts.self_match
        text = f"Self: occurs in {where} as well." if where else "Self: not found elsewhere."
        yield Criterion(Tier.REF_MATCH, not where, text)
    yield _transcript(facts, limits)
    yield _expression(facts, limits)
    yield _anchor(facts, limits)
    yield _clonal(facts, limits)


def _below(tier: Tier, name: str, value: float | None, limit: float, unit: str) -> Criterion:
    if value is None:
        return Criterion(tier, None, f"{name}: not known.")
    passed = value < limit
    return Criterion(
        tier, passed, f"{name}: {_told(value)}{unit}, {'below' if passed else 'not below'} {limit:g}{unit}."
    )


def _transcript(facts: TierFacts, limits: TierThresholds) -> Criterion:
    """MANE Select, canonical or well supported: any one will do."""
    known = (facts.mane_select, facts.canonical, facts.support_level)
    if all(value is None for value in known):
        return Criterion(Tier.POOR_TRANSCRIPT, None, "Transcript: neither MANE nor support level is known.")
    supported = facts.support_level is not None and facts.support_level <= limits.support_level
    level = "unknown" if facts.support_level is None else str(facts.support_level)
    if facts.mane_select:
        return Criterion(Tier.POOR_TRANSCRIPT, True, "Transcript: MANE Select.")
    if facts.canonical:
        return Criterion(Tier.POOR_TRANSCRIPT, True, "Transcript: canonical.")
    if supported:
        return Criterion(Tier.POOR_TRANSCRIPT, True, f"Transcript: support level {level}.")
    return Criterion(
        Tier.POOR_TRANSCRIPT,
        False,
        f"Transcript: neither MANE Select nor canonical, support level {level}, not {limits.support_level} "
        "or better.",
    )


def _expression(facts: TierFacts, limits: TierThresholds) -> Criterion:
    limit = limits.expression_tpm * limits.rna_vaf
    seen = (
        (facts.rna_depth or 0) > limits.rna_depth
        and facts.rna_vaf is not None
        and facts.rna_vaf > limits.rna_vaf
    )
    if facts.gene_tpm == 0 and seen:
        return Criterion(
            Tier.LOW_EXPR,
            False,
            f"Expression: gene at 0 TPM, yet {facts.rna_depth} RNA reads, {facts.rna_vaf:.2g} of them "
            "mutant.",
        )
    if facts.gene_tpm == 0 or facts.rna_vaf == 0:
        what = "gene at 0 TPM" if facts.gene_tpm == 0 else "no RNA read carries the variant"
        return Criterion(Tier.NO_EXPR, False, f"Expression: {what}.")
    allele = facts.allele_tpm
    if allele is None:
        text = (
            "not known"
            if facts.gene_tpm is None
            else f"gene at {_told(facts.gene_tpm)} TPM, RNA reads of the variant not known"
        )
        return Criterion(Tier.LOW_EXPR, None, f"Expression: {text}.")
    passed = allele > limit
    side = "above" if passed else "not above"
    text = f"Expression of the mutant allele: {_told(allele)} TPM, {side} {limit:g} TPM."
    return Criterion(Tier.LOW_EXPR, passed, text)


def _anchor(facts: TierFacts, limits: TierThresholds) -> Criterion:
    """Fail where only anchors changed and the wild type binds as well: T cells then see what they know."""
    if not facts.changed or len(facts.changed) > MOST_AT_ANCHORS:
        return Criterion(Tier.ANCHOR, True, "Anchors: the change is not of anchors alone.")
    if facts.anchors is None:
        return Criterion(Tier.ANCHOR, None, "Anchors: not judged for this class.")
    places = ", ".join(str(place + 1) for place in facts.changed)
    if not mutated_at_anchors_only(facts.changed, facts.anchors):
        return Criterion(Tier.ANCHOR, True, f"Anchors: residue {places} is none.")
    wild = facts.wild_type_affinity_nm
    if wild is None:
        return Criterion(
            Tier.ANCHOR, None, f"Anchors: only anchor {places} changed; the wild type's binding is not known."
        )
    passed = wild >= limits.affinity_nm
    text = f"Anchors: only anchor {places} changed and the wild type binds at {_told(wild)} nM, "
    return Criterion(
        Tier.ANCHOR, passed, f"{text}{'not below' if passed else 'below'} {limits.affinity_nm:g} nM."
    )


def _clonal(facts: TierFacts, limits: TierThresholds) -> Criterion:
    fraction, limit = facts.cancer_cell_fraction, limits.cancer_cell_fraction
    if fraction is None:
        return Criterion(Tier.SUBCLONAL, None, "Clonality: not known.")
    passed = fraction > limit
    return Criterion(
        Tier.SUBCLONAL,
        passed,
        f"Clonality: in {100 * fraction:.0f} % of tumour cells, {'above' if passed else 'not above'} "
        f"{100 * limit:g} %.",
    )


def _told(value: float) -> str:
    """Return three significant digits, and of large numbers all before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
