"""HLA types in the layouts of typing programs, and what a tumour lost of them."""

import json

import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.hla_loss import with_losses
from tumorboard.io.hla_types import read_hla_type

OPTITYPE = "\tA1\tA2\tB1\tB2\tC1\tC2\tReads\tObjective\n"
OPTITYPE += "0\tA*29:02\tA*29:02\tB*45:01\tB*82:02\tC*06:02\tC*03:02\t1.0\t2\n"
SECOND_BEST = "1\tA*01:01\tA*29:02\tB*45:01\tB*82:02\tC*06:02\tC*03:02\t1.0\t1\n"
HLA_HD = (
    "A\tHLA-A*29:02:01\t-\nB\tHLA-B*45:01:01\tHLA-B*82:02:01\nC\tHLA-C*06:02:01\tHLA-C*03:02:02\n"
    "DRB1\tHLA-DRB1*04:05:01\tHLA-DRB1*11:01:01\nDRB2\tNot typed\tNot typed\nE\tHLA-E*01:01:01\t-\n"
    "H\tHLA-H*02:01\t-\nDMA\tHLA-DMA*01:01:01\t-\n"
)
POLYSOLVER = (
    "HLA-A\thla_a_29_02_01_01\thla_a_29_02_01_01\nHLA-B\thla_b_45_01_01\thla_b_82_02\n"
    "HLA-C\thla_c_06_02_01_01\thla_c_03_02_01\n"
)
SEQ2HLA = "#Locus\tAllele 1\tConfidence\tAllele 2\tConfidence\n"
SEQ2HLA += "A\tA*29:02'\t0.01\tno\tNA\nB\tB*45:01\t0.1\tB*82:02\t0.2\n"
T1K = (
    "HLA-A\t1\tHLA-A*29:02:01\t100.5\t60\t.\t0\t-1\n"
    "HLA-B\t2\tHLA-B*45:01:01,HLA-B*45:07:01\t50\t60\tHLA-B*82:02:01\t40\t60\n"
    "HLA-DRB1\t1\tHLA-DRB1*04:05:01\t9\t60\t.\t0\t-1\nHLA-MICA\t1\tMICA*008\t9\t60\t.\t0\t-1\n"
)
ARCAS = json.dumps({"A": ["A*29:02:01"], "B": ["B*45:01:01", "B*82:02:01"], "DRB1": ["DRB1*04:05:01", None]})
XHLA = json.dumps({"subject_id": "x", "hla": {"alleles": ["A*29:02", "A*29:02", "B*45:01", "B*82:02"]}})


@pytest.mark.parametrize(
    ("text", "layout", "alleles"),
    [
        (OPTITYPE + SECOND_BEST, "OptiType", "A*29:02 B*45:01 B*82:02 C*06:02 C*03:02"),
        (HLA_HD, "HLA-HD", "A*29:02 B*45:01 B*82:02 C*06:02 C*03:02 DRB1*04:05 DRB1*11:01"),
        (POLYSOLVER, "Polysolver", "A*29:02 B*45:01 B*82:02 C*06:02 C*03:02"),
        (SEQ2HLA, "seq2HLA", "A*29:02 B*45:01 B*82:02"),
        (T1K, "T1K", "A*29:02 B*45:01 B*82:02 DRB1*04:05"),
        (ARCAS, "arcasHLA", "A*29:02 B*45:01 B*82:02 DRB1*04:05"),
        (XHLA, "xHLA", "A*29:02 B*45:01 B*82:02"),
        ('["A*29:02", "HLA-DQA1*05:01-DQB1*02:01"]', "JSON", "A*29:02 DQA1*05:01 DQB1*02:01"),
        ("HLA-A29:02,HLA-B45:01,\n", "list", "A*29:02 B*45:01"),
        ("allele\nA*29:02\nA*24:09N\n", "list", "A*29:02 A*24:09N"),
        ("A: A*29:02; B: B*45:01 # of blood\r\n", "list", "A*29:02 B*45:01"),
        ("E*01:01 A*29:02", "list", "E*01:01 A*29:02"),
    ],
)
def test_read_hla_type__reads_every_layout(tmp_path, text, layout, alleles):
    (file := tmp_path / "hla.txt").write_text(text)
    found = read_hla_type(file)
    assert found.layout == layout
    assert [allele.short for allele in found.hla_type.alleles] == alleles.split()


def test_read_hla_type__names_what_it_leaves_out(tmp_path):
    (file := tmp_path / "hla.txt").write_text(HLA_HD)
    assert read_hla_type(file).left_out == ("HLA-E*01:01:01", "HLA-H*02:01", "HLA-DMA*01:01:01")


def test_read_hla_type__leaves_out_what_t1k_is_not_sure_of(tmp_path):
    row = "HLA-A\t2\tHLA-A*29:02:01\t100.5\t60\tHLA-A*24:02:01\t16.0\t0\n"
    (file := tmp_path / "hla.tsv").write_text(row)
    found = read_hla_type(file)
    assert [allele.short for allele in found.hla_type.alleles] == ["A*29:02"]
    assert found.left_out == ("HLA-A*24:02:01",)


def test_read_hla_type__takes_losses_from_json(tmp_path):
    (file := tmp_path / "hla.json").write_text('{"alleles": ["A0201", "A2402"], "lost": ["A2402"]}')
    assert [str(allele) for allele in read_hla_type(file).hla_type.lost] == ["HLA-A*24:02"]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            "A*02:01\nA*02:01, B*7\n",
            InputError,
            r"line 2 of hla\.txt: HLA allele must be typed to the protein",
        ),
        ("A*02:01\nnonsense\n", InputError, r"line 2 of hla\.txt: HLA allele must be named like"),
        ("A2\n", InputError, "a serotype or an allele group names many proteins"),
        ("A*02:01 A*03:01 A*24:02", InputError, r"hla\.txt: alleles of HLA-A must be two at most"),
        ("", UnreadableFile, "must name alleles"),
        ('{"patient": 1}', UnreadableFile, "must be a list of names, or an object"),
        ("[1]", UnreadableFile, "must be text; got 1"),
        ('{"A": [', UnreadableFile, "must be whole JSON"),
        ("H\tHLA-H*02:01\t-\n", UnreadableFile, "names none of a gene that presents"),
    ],
)
def test_read_hla_type__refuses_with_the_place(tmp_path, text, error, message):
    (file := tmp_path / "hla.txt").write_text(text)
    with pytest.raises(error, match=message):
        read_hla_type(file)


COPIES = "HLA_type1copyNum_withBAFBin\tHLA_type2copyNum_withBAFBin"
LOH_HEAD = f"region\tHLA_A_type1\tHLA_A_type2\t{COPIES}\tPVal_unique\n"


@pytest.mark.parametrize(
    ("rows", "lost"),
    [
        ("t\thla_a_02_01_01_01\thla_a_24_02_01\t0.1\t1.9\t0.001\n", "A*02:01"),
        ("t\thla_a_02_01_01_01\thla_a_24_02_01\t0.3\t-0.2\t0.001\n", "A*24:02"),
        ("t\thla_a_02_01_01_01\thla_a_24_02_01\t0.1\t1.9\t0.2\n", ""),
        ("t\thla_a_02_01_01_01\thla_a_24_02_01\t0.8\t1.9\t0.001\n", ""),
        ("t\thla_a_02_01_01_01\thla_a_24_02_01\tNA\tNA\tNA\n", ""),
        ("t\thla_a_02_01_01_01\thla_a_02_01_04\t0.1\t1.9\t0.001\n", ""),  # one protein: it stays
    ],
)
def test_with_losses__reads_lohhla(tmp_path, rows, lost):
    (tmp_path / "hla.txt").write_text("A*02:01 A*24:02 B*45:01")
    (tmp_path / "x.DNA.HLAlossPrediction_CI.xls").write_text(LOH_HEAD + rows)
    found = with_losses(read_hla_type(tmp_path / "hla.txt"), tmp_path / "x.DNA.HLAlossPrediction_CI.xls")
    assert " ".join(allele.short for allele in found.hla_type.lost) == lost


def test_with_losses__reads_dash_and_lists(tmp_path):
    (tmp_path / "hla.txt").write_text("A*02:01 A*24:09N B*45:01")
    typing = read_hla_type(tmp_path / "hla.txt")
    for text in ("Alleles\tDASH_deletion\nhla_a_24_09_01\tTrue\nhla_b_45_01\tFalse\n", "A*24:09", "A2409N\n"):
        (tmp_path / "lost.txt").write_text(text)
        found = with_losses(typing, tmp_path / "lost.txt")
        assert [allele.short for allele in found.hla_type.lost] == ["A*24:09N"]
    (tmp_path / "lost.txt").write_text("# none\n")
    assert with_losses(typing, tmp_path / "lost.txt").hla_type.lost == ()
    (tmp_path / "lost.txt").write_text("A*01:01\n")
    with pytest.raises(InputError, match=r"lost\.txt: lost alleles must be among the patient's"):
        with_losses(typing, tmp_path / "lost.txt")
    (tmp_path / "lost.txt").write_text("HLA_A_type1\tHLA_A_type2\n")
    with pytest.raises(UnreadableFile, match="give the file that ends in HLAlossPrediction_CI"):
        with_losses(typing, tmp_path / "lost.txt")
