"""The section on immunotherapy: a synthetic tumour of which the truth is known, bad input, one real exome."""

import csv
import gzip
import json
import re
import shutil
from dataclasses import replace

import pytest
from tumour_case import write_annotated

from tumorboard.errors import InputError
from tumorboard.io.case_store import CaseStore
from tumorboard.phantoms import TumourGenomeConfig, simulate_tumour_genome
from tumorboard.plotting.blocks import SectionStatus
from tumorboard.workflows.board.config import BoardConfig
from tumorboard.workflows.board.immunotherapy_ingest import peptide_choices, targets_item
from tumorboard.workflows.board.immunotherapy_tables import inputs_from_json, inputs_to_json
from tumorboard.workflows.board.planted_targets import planted_targets
from tumorboard.workflows.board.run import run
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.folder import find_immunotherapy_files
from tumorboard.workflows.immunotherapy.read import read_inputs

CONFIG = BoardConfig(jobs=1)


@pytest.fixture(scope="module")
def genome():
    return simulate_tumour_genome(TumourGenomeConfig(bystanders=6))


@pytest.fixture(scope="module")
def folder(genome, tmp_path_factory):
    return write_annotated(genome, tmp_path_factory.mktemp("case") / "tumour")


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
    return run(CONFIG, folder, out=tmp_path_factory.mktemp("out") / "report")


def section(result):
    return json.loads(result.report_json.read_text())["sections"]["immunotherapy"]


def copied(folder, into):
    shutil.copytree(folder, into)
    return into


@pytest.mark.slow
def test_board__finds_what_is_planted(made, genome):
    assert made.statuses["immunotherapy"] is SectionStatus.DONE
    rows = planted_targets({"immunotherapy": genome.truth()}, section(made))
    assert [row["gene"] for row in rows if not row["as_planted"]] == []


@pytest.mark.slow
def test_board__the_report_has_the_fields_that_programs_read(made):
    body = section(made)
    wanted = {
        "peptide", "wild_type", "gene", "variant", "allele", "affinity_nm", "percentile", "presentation",
        "expression", "ccf", "tier", "reasons",
    }  # fmt: skip
    assert all(wanted <= set(target) for target in body["targets"])
    assert set(body["predictor"]) >= {"version", "training_digest"}
    assert {"read", "peptides", "presentation", "ranking", "pictures"} <= set(body["stages_s"])
    assert all(isinstance(count, int) for count in body["dropped"].values())
    page = made.report_html.read_text()
    for text in ("Research only.", "Targets, best first", "GILGFVFTL", "What is not known fails no step."):
        assert text in page
    assert page.count("data:image/png") >= 6


@pytest.mark.slow
def test_board__again_takes_over_what_is_there(made, folder):
    before = section(made)
    again = run(CONFIG, folder, out=made.folder)
    assert section(again) == before
    case_alone = run(CONFIG, made.folder / "case", out=made.folder.parent / "from-case")
    assert section(case_alone) == before


@pytest.mark.slow
def test_board__another_purity_makes_another_report_of_the_same_case(made, folder):
    config = replace(CONFIG, immunotherapy=ImmunotherapyConfig(purity=0.5))
    body = section(run(config, made.folder / "case", out=made.folder.parent / "purer"))
    assert body["purity"] == 0.5
    assert "purity" not in body["chosen_by_default"]


@pytest.mark.slow
def test_board__other_peptides_than_the_case_holds_need_the_files(made, tmp_path):
    config = replace(CONFIG, immunotherapy=ImmunotherapyConfig(lengths_class1=(9,)))
    result = run(config, made.folder / "case", out=tmp_path / "out")
    assert result.statuses["immunotherapy"] is SectionStatus.FAILED
    assert "name the folder of the files" in result.errors["immunotherapy"]


@pytest.mark.parametrize(
    "other",
    [
        {"lengths_class1": (9,)},
        {"phase_mapping_quality": 30},
        {"phase_base_quality": 30},
        {"phase_error_rate": 0.02},
        {"phase_confidence": 0.9},
    ],
)
def test_peptide_choices__hold_what_reading_asks_for(other):
    assert peptide_choices(ImmunotherapyConfig(**other)) != peptide_choices(ImmunotherapyConfig())


@pytest.mark.slow
def test_board__without_hla_type_says_what_it_needs(folder, tmp_path):
    case = copied(folder, tmp_path / "case")
    for name in ("hla.txt", "hla_lost.txt"):
        (case / name).unlink()
    result = run(CONFIG, case, out=tmp_path / "out")
    assert result.statuses["immunotherapy"] is SectionStatus.NOT_POSSIBLE
    assert "HLA types of two fields" in section(result)["needs"][0]


def cut_off(case):
    packed = gzip.compress((case / "somatic.vcf").read_bytes())
    (case / "somatic.vcf").unlink()
    (case / "somatic.vcf.gz").write_bytes(packed[:-400])


def without_annotation(case):
    lines = (case / "somatic.vcf").read_text().splitlines(keepends=True)
    kept = [re.sub(r"CSQ=\S+", ".", line) for line in lines if "ID=CSQ" not in line]
    (case / "somatic.vcf").write_text("".join(kept))


def unknown_allele(case):
    (case / "hla_lost.txt").unlink()
    (case / "hla.txt").write_text("A*02:01\nA*99:99\n")


BAD = {
    cut_off: "cut off|truncated|incomplete|damaged|end",
    without_annotation: "give a GTF and the genome's FASTA",
    unknown_allele: r"HLA-A\*99:99",
}


@pytest.mark.parametrize("spoil", BAD)
def test_board__bad_input_is_one_sentence_and_leaves_nothing(folder, tmp_path, spoil):
    case = copied(folder, tmp_path / "case")
    spoil(case)
    with pytest.raises(InputError, match=BAD[spoil]) as told:
        run(CONFIG, case, out=tmp_path / "out")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_board__bad_variants_beside_images_cost_only_their_section(folder, patient_folder, tmp_path):
    case = copied(patient_folder, tmp_path / "case")
    copied(folder, case / "tumour")
    cut_off(case / "tumour")
    result = run(CONFIG, case, out=tmp_path / "out")
    assert result.statuses["immunotherapy"] is SectionStatus.FAILED
    assert result.statuses["pet"] is SectionStatus.DONE
    assert "somatic.vcf.gz" in result.errors["immunotherapy"]


@pytest.mark.slow
def test_board__a_patient_without_variants_has_no_such_section(patient_folder, tmp_path):
    result = run(CONFIG, patient_folder, out=tmp_path / "out")
    assert "immunotherapy" not in result.statuses


def test_tables__bring_back_what_ranking_needs(folder):
    given = read_inputs(ImmunotherapyConfig(threads=1), find_immunotherapy_files(folder))
    back = inputs_from_json(json.loads(json.dumps(inputs_to_json(given))))
    assert back.hla == given.hla
    assert back.found.kept == given.found.kept
    assert back.found.counts() == given.found.counts()
    assert back.proteins.sequences == given.proteins.sequences
    assert [v.name for v, _ in back.variants] == [v.name for v, _ in given.variants]
    assert [v.evidence for v, _ in back.variants] == [v.evidence for v, _ in given.variants]


def key_of(target):
    chromosome, position, reference, alternative = target["variant"].split("-")
    return chromosome, int(position), reference, alternative


@pytest.mark.slow
def test_board__on_hcc1395_passes_what_pvacseq_passes(data_dir, tmp_path):
    source = data_dir / "immunotherapy/pvactools"
    case = tmp_path / "HCC1395"
    case.mkdir()
    shutil.copy(source / "annotated.expression.vcf.gz", case)
    (case / "hla.txt").write_text("A*29:02\nB*45:01\nB*82:02\nDRB1*04:05\n")
    result = run(BoardConfig(jobs=2), case, out=tmp_path / "out")
    with CaseStore(result.folder / "case") as store:
        assert targets_item(store) is not None
    body = section(result)
    assert sum(body["stages_s"].values()) < 120.0  # 7 s where nothing else runs
    assert body["peak_memory_gb"] < 2.0
    ours = {key_of(target): target for target in body["targets"]}
    with (source / "HCC1395_TUMOR_DNA.Combined.all_epitopes.aggregated.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    passed = [row["ID"].split("-") for row in rows if row["Tier"] == "Pass"]
    found = []
    for chromosome, start, _, reference, alternative in passed:
        # pVACseq counts from 0, and from 1 for some deletions.
        places = [(chromosome, int(start) + k, reference, alternative) for k in (0, 1)]
        found.append(next(ours[place]["tier"] for place in places if place in ours))
    assert len(found) == 11
    # Other predictors: nearly all that pVACseq passes must pass here.
    assert found.count("Pass") >= 9
