"""HLA names in the spellings that typing reports, predictors and databases use."""

import re

import pytest

from tumorboard.core.hla import HlaAllele, HlaMolecule, HlaType, MhcClass
from tumorboard.errors import InputError


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("A*29:02", "HLA-A*29:02"),
        ("HLA-A2902", "HLA-A*29:02"),
        ("hla-a*29:02:01:03", "HLA-A*29:02"),
        ("A_29_02", "HLA-A*29:02"),
        ("HLA-A29:02", "HLA-A*29:02"),
        ("A*290201", "HLA-A*29:02"),
        ("B*15:109", "HLA-B*15:109"),
        ("B15109", "HLA-B*15:109"),
        ("Cw*0702", "HLA-C*07:02"),
        ("C*07:02P", "HLA-C*07:02"),
        ("C*07:02:01G", "HLA-C*07:02"),
        ("A*24:09N", "HLA-A*24:09N"),
        ("DRB1_0405", "HLA-DRB1*04:05"),
        ("HLA-DRB104:05", "HLA-DRB1*04:05"),
        ("DPB1*104:01", "HLA-DPB1*104:01"),
        ("DPB110401", "HLA-DPB1*104:01"),
        ("DQA105:01", "HLA-DQA1*05:01"),
    ],
)
def test_named__knows_every_usual_spelling(name, meant):
    assert str(HlaAllele.named(name)) == meant
    assert HlaAllele.named(meant) == HlaAllele.named(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HLA-DRA*01:01-DRB1*03:01", "HLA-DRB1*03:01"),
        ("DRA1*01:01/DRB1*03:01", "HLA-DRB1*03:01"),
        ("HLA-DQA10501-DQB10201", "HLA-DQA1*05:01/DQB1*02:01"),
        ("DPA1*01:03/DPB1*04:01", "HLA-DPA1*01:03/DPB1*04:01"),
        ("DPB1*04:01~DPA1*01:03", "HLA-DPA1*01:03/DPB1*04:01"),
        ("HLA-DPA1*01:03+HLA-DPB1*04:01", "HLA-DPA1*01:03/DPB1*04:01"),
        ("HLA-A*02:01", "HLA-A*02:01"),
    ],
)
def test_molecule_named__joins_chains(name, meant):
    assert str(HlaMolecule.named(name)) == meant
    assert HlaMolecule.named(meant) == HlaMolecule.named(name)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("A2", "typed to the protein"),
        ("A*02", "typed to the protein"),
        ("DR4", "must be named like"),
        ("H-2-Kb", "must be named like"),
        ("", "must be named like"),
        ("A*\N{ARABIC-INDIC DIGIT ZERO}\N{ARABIC-INDIC DIGIT TWO}:01", "must be typed to the protein"),
    ],
)
def test_named__refuses_what_names_no_protein(name, rule):
    with pytest.raises(InputError, match=rule):
        HlaAllele.named(name)


@pytest.mark.parametrize("name", ["DQB1*02:01", "DQA1*05:01", "DPB1*04:01"])
def test_molecule__refuses_half_a_pair(name):
    with pytest.raises(InputError, match="chain"):
        HlaMolecule.named(name)


def test_type__leaves_out_null_and_lost_alleles_with_reasons():
    typed = HlaType.named(["A*02:01", "A*24:09N", "B*07:02", "B*07:02", "C*07:02"], lost=["B0702"])
    assert [str(m) for m in typed.molecules(MhcClass.I)] == ["HLA-A*02:01", "HLA-C*07:02"]
    assert set(typed.excluded()) == {"HLA-A*24:09N", "HLA-B*07:02"}


def test_type__pairs_dq_chains_of_both_copies():
    typed = HlaType.named(["DQA1*05:01", "DQA1*02:01", "DQB1*02:01", "DQB1*03:01", "DRB1*04:05"])
    assert len(typed.molecules(MhcClass.II)) == 5
    assert len(typed.molecules(MhcClass.I)) == 0


def test_type__refuses_two_patients_and_strangers():
    with pytest.raises(InputError, match="two at most"):
        HlaType.named(["A*01:01", "A*02:01", "A*03:01"])
    with pytest.raises(InputError, match="must be among"):
        HlaType.named(["A*01:01"], lost=["A*02:01"])
    with pytest.raises(InputError, match="one at least"):
        HlaType.named([])


def test_type__a_protein_made_less_is_the_same_molecule():
    typed = HlaType.named(["A*24:02:01:02L", "A*24:02", "B*18:17N"])
    assert [str(molecule) for molecule in typed.molecules()] == ["HLA-A*24:02"]


def test_type__a_homozygous_locus_is_one_molecule():
    assert len(HlaType.named(["A*01:01", "A*01:01:01:01"]).molecules()) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DPB1*100001", "HLA-DPB1*1000:01"),
        ("hla_dpb1_1000_01_01", "HLA-DPB1*1000:01"),
        ("DPB1*10401", "HLA-DPB1*104:01"),
        ("DPB1*1000:01:01G", "HLA-DPB1*1000:01"),
        ("B*15220", "HLA-B*15:220"),
    ],
)
def test_allele_named__reads_long_fields(name, expected):
    assert str(HlaAllele.named(name)) == expected


@pytest.mark.parametrize("name", ["A*02:00", "A*0200", "A*00:01"])
def test_allele_named__refuses_fields_of_zero(name):
    with pytest.raises(InputError, match="counted from 01"):
        HlaAllele.named(name)


def test_allele_named__reads_every_name_of_imgt(data_dir):
    # IPD-IMGT/HLA 3.43.0, all alleles of the loci that present peptides, null ones among them.
    read, null, refused = 0, 0, set()
    for line in (data_dir / "immunotherapy/neofox/hla_database.txt").read_text().splitlines():
        name = line.rpartition(",")[2]
        match = re.fullmatch(r"(\w+)\*(\d+)(?::(\d+))?[:\d]*([A-Z]?)", name)
        if match is None:
            continue
        try:
            allele = HlaAllele.named(name)
        except InputError:
            refused.add(match[1])
            continue
        assert (allele.locus, allele.group, allele.protein, allele.suffix) == match.groups()
        read += 1
        null += allele.is_null
    assert read == 28_688
    assert null > 500
    assert refused.isdisjoint({"A", "B", "C", "E", "F", "G", "DRA", "DRB1", "DRB3", "DRB4", "DRB5"})
    assert refused.isdisjoint({"DQA1", "DQB1", "DPA1", "DPB1"})
