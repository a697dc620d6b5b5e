"""Tiers: each rule alone, and the tiers that pVACseq gave to 359 variants from its own predictions."""

import csv
from dataclasses import replace

import pytest

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking.tiers import Tier, TierFacts, TierThresholds, tier_of

#: Of pVACseq 7 where nothing is chosen.
LIMITS = TierThresholds(500.0, 2.0, 1.0, 0.25, 10, 0.5, 1)
GOOD = TierFacts(
    affinity_nm=41.0,
    wild_type_affinity_nm=75.0,
    binding_percentile=0.1,
    presentation_percentile=0.06,
    immunogenicity_percentile=0.2,
    changed=(4,),
    anchors=frozenset({0, 1, 7, 8}),
    gene_tpm=13.4,
    rna_vaf=0.38,
    rna_depth=127,
    cancer_cell_fraction=0.9,
    mane_select=True,
    canonical=True,
    support_level=2,
    self_match="",
)

FAILS = {
    Tier.POOR_BINDER: {"affinity_nm": 500.0},
    Tier.POOR_IMMUNOGENICITY: {"immunogenicity_percentile": 2.0},
    Tier.POOR_PRESENTATION: {"presentation_percentile": 7.0},
    Tier.REF_MATCH: {"self_match": "ENSP1"},
    Tier.POOR_TRANSCRIPT: {"mane_select": False, "canonical": False},
    Tier.LOW_EXPR: {"rna_vaf": 0.01},
    Tier.ANCHOR: {"changed": (8,)},
    Tier.SUBCLONAL: {"cancer_cell_fraction": 0.5},
    Tier.NO_EXPR: {"gene_tpm": 0.0, "rna_vaf": None},
}


def test_tier_of__passes_what_fails_nothing():
    found = tier_of(GOOD, LIMITS)
    assert found.tier is Tier.PASS
    assert "Binding: 41 nM, below 500 nM." in found.reasons
    assert all(c.passed for c in found.criteria)


@pytest.mark.parametrize("tier", FAILS)
def test_tier_of__one_failed_rule_names_the_tier_and_its_reason(tier):
    found = tier_of(replace(GOOD, **FAILS[tier]), LIMITS)
    assert found.tier is tier
    assert len(found.reasons) == 1


def test_tier_of__two_failed_rules_are_poor_with_both_reasons():
    found = tier_of(replace(GOOD, affinity_nm=700.0, cancer_cell_fraction=0.2), LIMITS)
    assert found.tier is Tier.POOR
    assert found.reasons == (
        "Binding: 700 nM, not below 500 nM.",
        "Clonality: in 20 % of tumour cells, not above 50 %.",
    )


def test_tier_of__no_expression_stands_above_whatever_else_fails():
    assert tier_of(replace(GOOD, affinity_nm=9e3, rna_vaf=0.0), LIMITS).tier is Tier.NO_EXPR


def test_tier_of__reads_with_the_variant_say_more_than_a_count_of_nothing():
    found = tier_of(replace(GOOD, gene_tpm=0.0, rna_depth=11, rna_vaf=0.26), LIMITS)
    assert found.tier is Tier.LOW_EXPR
    assert found.reasons == ("Expression: gene at 0 TPM, yet 11 RNA reads, 0.26 of them mutant.",)
    assert tier_of(replace(GOOD, gene_tpm=0.0, rna_depth=10, rna_vaf=0.26), LIMITS).tier is Tier.NO_EXPR


def test_tier_of__what_is_not_known_fails_nothing_but_is_said():
    found = tier_of(TierFacts(affinity_nm=41.0), LIMITS)
    assert found.tier is Tier.PASS
    assert {"Clonality: not known.", "Expression: not known."} <= set(found.reasons)


@pytest.mark.parametrize(
    ("changed", "wild_type_nm", "tier"),
    [
        ((8,), 600.0, Tier.PASS),  # the wild type does not bind: the change made the anchor
        ((7, 8), 75.0, Tier.ANCHOR),
        ((6, 8), 75.0, Tier.PASS),
        ((0, 7, 8), 75.0, Tier.PASS),  # three new residues are not one anchor's exchange
        (None, None, Tier.PASS),
    ],
)
def test_tier_of__anchor_rule(changed, wild_type_nm, tier):
    found = tier_of(replace(GOOD, changed=changed, wild_type_affinity_nm=wild_type_nm), LIMITS)
    assert found.tier is tier


def test_tier_of__anchors_that_nobody_judged_fail_nothing():
    found = tier_of(replace(GOOD, changed=(8,), anchors=None), LIMITS)
    assert found.tier is Tier.PASS
    assert found.reasons[-1] == "Anchors: not judged for this class."


@pytest.mark.parametrize(("name", "value"), [("percentile", 101.0), ("support_level", 0), ("rna_vaf", -0.1)])
def test_thresholds__refuse_what_is_none(name, value):
    with pytest.raises(InputError, match=f"{name} of a tier must be"):
        replace(LIMITS, **{name: value})


def number(text):
    return None if text == "NA" else float(text)


def facts_of(row, purity):
    """Return one row of pVACseq's aggregated report as facts; its anchors are the two at each end."""
    n = len(row["Best Peptide"])
    truth = {"True": True, "False": False, "NA": None}
    vaf = number(row["DNA VAF"])
    return TierFacts(
        affinity_nm=number(row["IC50 MT"]),
        wild_type_affinity_nm=number(row["IC50 WT"]),
        binding_percentile=number(row["IC50 %ile MT"]),
        presentation_percentile=number(row["Pres %ile MT"]),
        immunogenicity_percentile=number(row["IM %ile MT"]),
        changed=None if row["Pos"] == "NA" else tuple(int(p) - 1 for p in row["Pos"].split(",")),
        anchors=frozenset({0, 1, n - 2, n - 1}),
        gene_tpm=number(row["RNA Expr"]),
        rna_vaf=number(row["RNA VAF"]),
        rna_depth=None if row["RNA Depth"] == "NA" else int(float(row["RNA Depth"])),
        cancer_cell_fraction=None if vaf is None else min(1.0, 2.0 * vaf / purity),
        mane_select=truth[row["MANE Select"]],
        canonical=truth[row["Canonical"]],
        support_level=None if row["TSL"] == "NA" else int(row["TSL"]),
    )


def test_tier_of__gives_the_tiers_of_pvacseq_from_its_own_numbers(data_dir):
    path = data_dir / "immunotherapy/pvactools/HCC1395_TUMOR_DNA.Combined.all_epitopes.aggregated.tsv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    # Its run had the mutant allele's limit between 2.405 and 2.515 TPM, as its LowExpr and Pass rows show.
    limits = replace(LIMITS, expression_tpm=10.0)
    told = [(row["Tier"], tier_of(facts_of(row, purity=1.0), limits).tier.value) for row in rows]
    assert len(told) == 359
    assert [pair for pair in told if pair[0] != pair[1]] == []


def test_tier_of__large_numbers_are_told_in_full():
    found = tier_of(replace(GOOD, affinity_nm=7559.4), LIMITS)
    assert found.reasons == ("Binding: 7559 nM, not below 500 nM.",)
