"""Variants put together by residues and codons: pVACseq's own cases, and what residues cannot tell."""

import csv
from pathlib import Path

import pytest

from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.immunotherapy.peptides.codon_merge import codon_change, merge_codons
from tumorboard.immunotherapy.peptides.haplotype_of_residues import contribution_of, haplotype_of_residues

CASES = Path(__file__).parents[3] / "validation" / "immunotherapy" / "pvacseq" / "proximal_variants.csv"
PROTEIN = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAG"


def rows():
    with CASES.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def part(position, change, codons="", *, term="missense_variant", somatic=True, bases="AC", mutant=None):
    was, now = change.split("/")
    told = TranscriptChange(
        "G", "T1", (term,), position, was.strip("-"), now.strip("-"), PROTEIN, mutant, codons=codons
    )
    variant = SmallVariant("1", 100 + 3 * position, bases[0], bases[1:], somatic=somatic)
    return contribution_of(variant, told)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["case"])
def test_haplotype_of_residues__gives_what_pvacseq_expects(row):
    first, protein = int(row["first_residue"]), row["wild_type"]
    parts = []
    for number, told in enumerate(row["changes"].split()):
        position, residues, codons = told.split(":")
        was, now = residues.split("/")
        term = "inframe_insertion" if len(now) > len(was) else "missense_variant"
        start = int(position) - first + 1
        change = TranscriptChange("G", "T1", (term,), start, was, now, protein, codons=codons)
        parts.append(contribution_of(SmallVariant("1", 100 + number, "A", "C"), change))
    made = haplotype_of_residues(protein, parts)
    assert made.protein.sequence == row["with_all"]
    assert made.protein.wild_type == protein
    assert not made.unknown


def test_haplotype_of_residues__germline_neighbours_stand_in_both():
    made = haplotype_of_residues(PROTEIN, [part(12, "G/V"), part(14, "V/E", somatic=False)])
    assert made.protein.wild_type == PROTEIN[:13] + "E" + PROTEIN[14:]
    assert made.protein.sequence == PROTEIN[:11] + "VGE" + PROTEIN[14:]
    assert [tuple(edit) for edit in made.protein.edits] == [(11, 12, 11, 12)]
    assert made.protein.other_normals == (PROTEIN,)
    shown = made.carriers_of(5, 14)
    assert [(carrier.change, carrier.somatic) for carrier in shown] == [("G12V", True), ("V14E", False)]
    assert [carrier.change for carrier in made.carriers_of(4, 13)] == ["G12V"]


def test_haplotype_of_residues__an_insertion_moves_what_follows():
    parts = [part(14, "V/E"), part(10, "-/PP", term="inframe_insertion", bases="ACCCCCC", somatic=False)]
    made = haplotype_of_residues(PROTEIN, parts)
    assert made.protein.wild_type == PROTEIN[:10] + "PP" + PROTEIN[10:]
    assert made.protein.sequence == PROTEIN[:10] + "PPAGGE" + PROTEIN[14:]
    assert [tuple(edit) for edit in made.protein.edits] == [(15, 16, 15, 16)]


def test_haplotype_of_residues__a_silent_neighbour_in_the_codon_counts():
    # TCC to TTC alone is phenylalanine, TCC to TCG alone serine; both together leucine.
    parts = [part(17, "S/F", "tCc/tTc"), part(17, "S/S", "tcC/tcG", term="synonymous_variant", somatic=False)]
    assert parts[1].is_silent
    made = haplotype_of_residues(PROTEIN, parts)
    assert made.protein.sequence[16] == "L"
    assert made.protein.wild_type == PROTEIN


def test_haplotype_of_residues__one_codon_without_bases_is_unknown():
    parts = [part(12, "G/V"), part(12, "G/A", somatic=False)]
    made = haplotype_of_residues(PROTEIN, parts)
    assert [(place.start, place.end) for place in made.unknown] == [(11, 12)]
    assert "bases are needed" in made.unknown[0].note


def test_haplotype_of_residues__behind_a_shifted_frame_is_unknown():
    shifted = PROTEIN[:9] + "CWQRCAWQRRRCHHHWWRRPPLNNRT"
    frame = part(10, "G/X", term="frameshift_variant", bases="ACA", mutant=shifted)
    made = haplotype_of_residues(PROTEIN, [frame, part(20, "T/P")])
    assert made.protein.sequence == shifted
    assert [(place.start, place.end) for place in made.unknown] == [(18, len(shifted))]
    assert [name for name, _ in made.absent] == ["1-160-A-C"]
    # Behind its stop nothing is translated, so nothing is unknown.
    beyond = haplotype_of_residues(PROTEIN, [frame, part(50, "T/P")])
    assert not beyond.unknown
    assert "stop" in beyond.absent[0][1]


def test_haplotype_of_residues__a_germline_frameshift_takes_the_somatic_change_along():
    shifted = PROTEIN[:9] + "CWQRCAWQRRRC"
    frame = part(10, "G/X", term="frameshift_variant", bases="ACA", mutant=shifted, somatic=False)
    before = haplotype_of_residues(PROTEIN, [part(6, "L/P"), frame])
    assert before.protein.wild_type == shifted
    assert before.protein.sequence == shifted[:5] + "P" + shifted[6:]
    behind = haplotype_of_residues(PROTEIN, [part(15, "G/P"), frame])
    assert behind.protein.edits == ()
    assert len(behind.absent) == 1


def test_merge_codons__refuses_what_does_not_agree():
    def change(codons, start=5):
        return codon_change(
            SmallVariant("1", 5, "A", "C"), TranscriptChange("G", "T", (), start, codons=codons)
        )

    assert merge_codons([change("cCa/cTa"), change("cAa/cTa")]) is None
    assert merge_codons([change("cCa/cTa"), change("cCa/cGa")]) is None
    assert merge_codons([change("cCa/cTa"), change("cCa/cGa", 8)]) is None
    assert merge_codons([change("cCaaaa/cTaaaa"), change("aaA/aaT", 6)]) == (4, "PK", "LN")
    assert change("aaG/aa") is None
    assert change("") is None
