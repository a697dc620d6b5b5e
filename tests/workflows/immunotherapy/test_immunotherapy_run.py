"""The search for targets with a predictor whose answers are known, on a synthetic tumour."""

import json
from dataclasses import replace

import pytest
from tumour_case import KnownModel, known_models

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.hla import HlaType, MhcClass
from tumorboard.core.variant import SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError, MissingData
from tumorboard.phantoms import TumourGenomeConfig, simulate_tumour_genome
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.inputs import ImmunotherapyInputs, NormalProteins
from tumorboard.workflows.immunotherapy.new_peptides import normal_proteins, of_variants
from tumorboard.workflows.immunotherapy.run import require_molecules, run

CONFIG = ImmunotherapyConfig(threads=1)
HLA = HlaType.named(["A*02:01", "B*07:02"])
A2, B7 = "HLA-A*02:01", "HLA-B*07:02"
PROTEIN = "MDEGNSQDEGNSQGILGFVFTPDEGNSQDEGNSQNDEGQ"


def variant(position, tpm=30.0, vaf=0.45, rna_vaf=0.5, **change):
    seen = VariantEvidence(tumour_depth=200, tumour_vaf=vaf, rna_depth=80, rna_vaf=rna_vaf, in_tumour=True)
    told = {
        "reference_residues": "P",
        "alternative_residues": "L",
        "protein_start": 22,
        "wild_type_protein": PROTEIN,
        "gene_tpm": tpm,
        "mane_select": True,
        **change,
    }
    return (
        SmallVariant("chr1", position, "C", "T", evidence=seen),
        (TranscriptChange(f"G{position}", f"T{position}", ("missense_variant",), **told),),
    )


def inputs(*variants, hla=HLA, config=CONFIG, proteins=None):
    some = AnnotatedVariants(tuple(variants), {}, Record("tests.variants"))
    return ImmunotherapyInputs(
        hla, of_variants(config, some), some, normal_proteins([some]) if proteins is None else proteins
    )


def searched(given, binders, config=CONFIG, hla=HLA):
    return run(config, given, models=known_models(hla, binders))


def test_run__the_best_pair_is_the_target():
    found = searched(inputs(variant(1)), {("GILGFVFTL", A2): 40.0, ("GILGFVFTL", B7): 90.0})
    (target,) = found.targets
    assert (target.peptide, target.allele, target.wild_type) == ("GILGFVFTL", A2, "GILGFVFTP")
    assert (target.tier.value, target.strength) == ("Pass", "strong")
    assert target.by_allele == {A2: 40.0 / 500.0, B7: 90.0 / 500.0}
    assert target.ccf == pytest.approx(1.0)
    assert found.funnel[-1] == ("pass all rules", 1)


def test_run__targets_are_in_the_order_of_tiers_then_of_three_ranks():
    weak, silent, strong = variant(1, tpm=2.0), variant(2, tpm=0.0, rna_vaf=0.0), variant(3, tpm=90.0)
    found = searched(inputs(weak, silent, strong), {("GILGFVFTL", A2): 40.0})
    assert [t.gene for t in found.targets] == ["G3", "G1", "G2"]
    assert [t.rank for t in found.targets] == [1, 2, 3]
    assert [t.tier.value for t in found.targets] == ["Pass", "Pass", "NoExpr"]


def test_run__a_peptide_of_another_protein_is_told():
    twin = NormalProteins((PROTEIN, "MKKGILGFVFTLKK"), "the proteome", True)
    found = searched(inputs(variant(1), proteins=twin), {("GILGFVFTL", A2): 40.0})
    assert found.targets[0].tier.value == "RefMatch"
    assert "Self: occurs in the proteome as well." in found.targets[0].tiering.reasons


def test_run__an_allele_that_the_tumour_lost_presents_nothing():
    lost = HlaType.named(["A*02:01", "B*07:02"], lost=["A*02:01"])
    found = searched(inputs(variant(1), hla=lost), {("GILGFVFTL", A2): 40.0}, hla=lost)
    assert {t.allele for t in found.targets} == {B7}
    assert found.excluded == {A2: "lost by the tumour"}


def test_run__purity_that_is_given_makes_clonal_what_an_estimate_would_not():
    few = variant(1, vaf=0.2), variant(2, vaf=0.5)
    binders = {("GILGFVFTL", A2): 40.0}
    guessed = {t.gene: t.tier.value for t in searched(inputs(*few), binders).targets}
    assert guessed == {"G1": "Subclonal", "G2": "Pass"}
    stated = searched(inputs(*few), binders, config=replace(CONFIG, purity=0.4))
    assert {t.tier.value for t in stated.targets} == {"Pass"}
    assert not stated.purity_is_estimated
    assert any("Copy numbers were not given" in text for text in stated.cautions)


def test_run__is_the_same_each_time_and_all_of_it_is_json():
    def told():
        found = searched(inputs(variant(1), variant(2)), {("GILGFVFTL", A2): 40.0}).to_dict()
        for name in ("stages_s", "peak_memory_gb"):
            del found[name]
        return json.dumps(found, allow_nan=False)

    assert told() == told()


def test_run__the_report_has_the_fields_that_programs_read():
    found = searched(inputs(variant(1)), {("GILGFVFTL", A2): 40.0}).to_dict()
    wanted = {
        "peptide", "wild_type", "gene", "variant", "allele", "affinity_nm", "percentile", "presentation",
        "expression", "ccf", "tier", "reasons",
    }  # fmt: skip
    assert wanted <= set(found["targets"][0])
    assert set(found["predictor"]) >= {"version", "training_digest"}
    assert set(found["stages_s"]) >= {"presentation", "ranking"}
    assert isinstance(found["dropped"], dict)


def test_run__each_sequence_is_asked_for_once():
    models = known_models(HLA, {})
    run(CONFIG, inputs(variant(1), variant(2)), models=models)
    asked = [p for p in models(MhcClass.I).asked if len(p) == 8 and "FTL" in p]
    assert len(asked) == len(set(asked)) > 0


def test_run__a_class_nobody_typed_is_left_out_and_said():
    found = searched(inputs(variant(1)), {})
    assert [p.mhc_class for p in found.predictors] == ["I"]
    assert any("No class II allele" in text for text in found.cautions)


def test_run__a_class_without_weights_is_left_out_and_said():
    def models(mhc_class):
        if mhc_class is MhcClass.II:
            raise MissingData("weights of class II must be installed; none are")
        return KnownModel([A2, B7], {})

    hla = HlaType.named(["A*02:01", "B*07:02", "DRB1*01:01"])
    found = run(CONFIG, inputs(variant(1), hla=hla), models=models)
    assert any(text.startswith("A class was left out: weights of class II") for text in found.cautions)
    with pytest.raises(MissingData, match="weights of class II"):
        run(replace(CONFIG, classes=("II",)), inputs(variant(1), hla=hla), models=models)


def test_require_molecules__names_an_allele_that_is_not_known():
    hla = HlaType.named(["A*02:01", "A*99:99"])
    models = known_models(HlaType.named(["A*02:01", "B*07:02", "DRB1*01:01"]), {})
    with pytest.raises(InputError, match=r"predictor knows; got HLA-A\*99:99; correct its name"):
        require_molecules(CONFIG, hla, models=models)


def test_run__pairs_of_chains_that_are_not_known_are_left_out_and_said():
    hla = HlaType.named(["A*02:01", "DQA1*05:01", "DQB1*02:01", "DRB1*01:01"])
    known = known_models(HlaType.named(["A*02:01", "DRB1*01:01"]), {})
    found = run(CONFIG, inputs(variant(1), hla=hla), models=known)
    assert found.predictors[1].molecules == ("HLA-DRB1*01:01",)
    assert any("HLA-DQA1*05:01/DQB1*02:01: left out" in text for text in found.cautions)


def test_run__no_variant_that_changes_a_protein_gives_no_target():
    silent = variant(1, alternative_residues="P")
    found = searched(inputs(silent), {})
    assert found.targets == ()
    assert found.to_dict()["tiers"] == {}


def test_run__planted_epitopes_of_the_phantom_become_what_they_must():
    genome = simulate_tumour_genome(TumourGenomeConfig(bystanders=3))
    proteins = NormalProteins(tuple(g.protein for g in genome.genes), "the proteome", True)
    given = ImmunotherapyInputs(genome.hla, of_variants(CONFIG, genome.variants), genome.variants, proteins)
    binders = {(e.peptide, e.allele): 20.0 for e, _ in genome.planted}
    found = run(replace(CONFIG, purity=0.9), given, models=known_models(genome.hla, binders))
    by_variant = {t.variant: t for t in found.targets}
    for epitope, name in genome.planted:
        target = by_variant[name]
        if epitope.gene in ("SWAP1", "LOST1", "HELP1"):  # these need a predictor that knows more
            continue
        assert (target.peptide, target.tier.value) == (epitope.peptide, epitope.tiers[0]), epitope.gene
    assert all(t.allele != "HLA-B*08:01" for t in found.targets)
    assert by_variant[dict((e.gene, n) for e, n in genome.planted)["PHASE1"]].neighbours
