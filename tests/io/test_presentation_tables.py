"""Tables as other predictors write them; layouts are those of the tools' own pages of output formats."""

import gzip
import math

import pytest

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.presentation_tables import read_presentation_table

_PRINTED = """\
# NetMHCpan version 4.1b
# Input is in FSA format

HLA-A03:01 : Distance to training data  0.000 (using nearest neighbor HLA-A03:01)
---------------------------------------------------------------------------
Pos MHC Peptide Core Of Gp Gl Ip Il Icore Identity Score_EL %Rank_EL Score_BA %Rank_BA Aff(nM) BindLevel
---------------------------------------------------------------------------
15 HLA-A*03:01 HQAAMQMLK HQAAMQMLK 0 0 0 0 0 HQAAMQMLK Gag_180_209 0.6594640 0.259 0.512300 0.721 195.61 <= SB
8 HLA-A*03:01 MLNTVGGHQ MLNTVGGHQ 0 0 0 0 0 MLNTVGGHQ Gag_180_209 0.0029890 10.119 0.041200 35.120 32015.10
---------------------------------------------------------------------------
Protein Gag_180_209. Allele HLA-A*03:01. Number of high binders 1.
"""
_XLS = (
    "\t\t\tHLA-A02:01\t\t\t\t\t\t\tHLA-B07:02\t\t\t\t\t\t\t\t\n"
    "Pos\tPeptide\tID\tcore\ticore\tEL-score\tEL_Rank\tBA-score\tBA_Rank\tnM\t"
    "core\ticore\tEL-score\tEL_Rank\tBA-score\tBA_Rank\tnM\tAve\tNB\n"
    "0\tGILGFVFTL\tPEP\tGILGFVFTL\tGILGFVFTL\t0.98\t0.01\t0.83\t0.05\t12.5\t"
    "GILGFVFTL\tGILGFVFTL\t0.01\t12.0\t0.09\t9.0\t19000.0\t0.49\t1\n"
)
_MIX = """\
####################
# Output from MixMHCpred (v2.2)
# Alleles: A0201, B0702
####################
Peptide\tScore_bestAllele\tBestAllele\t%Rank_bestAllele\tScore_A0201\t%Rank_A0201\tScore_B0702\t%Rank_B0702
GILGFVFTL\t0.61\tA0201\t0.01\t0.61\t0.01\t-0.9\t60.5
"""
_CLASS_TWO = """\
# NetMHCIIpan version 4.0
# Allele: DRB1_0101
Pos MHC Peptide Of Core Core_Rel Identity Score_EL %Rank_EL Exp_Bind BindLevel
40 DRB1_0101 QGQWRGAAGTAAQAA 3 WRGAAGTAA 1.000 P9WNK5 0.826571 0.45 NA <=SB
"""


def _rows(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return read_presentation_table(path)


def test_read__netmhcpan_as_printed(tmp_path):
    (found,) = _rows(tmp_path, "out.txt", _PRINTED)
    assert (found.tool, found.peptides) == ("NetMHCpan", ("HQAAMQMLK", "MLNTVGGHQ"))
    assert {str(molecule) for molecule in found.molecules} == {"HLA-A*03:01"}
    assert found.affinity_nm.tolist() == [195.61, 32015.1]
    assert found.percentile.tolist() == [0.259, 10.119]
    assert found.score.tolist() == [0.659464, 0.002989]


def test_read__netmhcpan_spreadsheet_by_allele(tmp_path):
    (found,) = _rows(tmp_path, "out.xls", _XLS)
    assert [str(molecule) for molecule in found.molecules] == ["HLA-A*02:01", "HLA-B*07:02"]
    assert found.affinity_nm.tolist() == [12.5, 19000.0]
    assert found.percentile.tolist() == [0.01, 12.0]


def test_read__netmhciipan_without_affinity(tmp_path):
    (found,) = _rows(tmp_path, "out.txt", _CLASS_TWO)
    assert (found.tool, str(found.molecules[0])) == ("NetMHCIIpan", "HLA-DRB1*01:01")
    assert math.isnan(found.affinity_nm[0])
    assert found.percentile[0] == 0.45


def test_read__mixmhcpred_by_allele(tmp_path):
    (found,) = _rows(tmp_path, "mix.txt", _MIX)
    assert [str(molecule) for molecule in found.molecules] == ["HLA-A*02:01", "HLA-B*07:02"]
    assert found.percentile.tolist() == [0.01, 60.5]
    assert found.score.tolist() == [0.61, -0.9]


def test_read__mhcflurry_with_its_percentile_of_presentation(tmp_path):
    content = (
        "allele,peptide,mhcflurry_affinity,mhcflurry_affinity_percentile,mhcflurry_processing_score,"
        "mhcflurry_presentation_score,mhcflurry_presentation_percentile\n"
        "HLA-A*02:01,GILGFVFTL,14.5,0.02,0.6,0.97,0.01\n"
    )
    path = tmp_path / "out.csv.gz"
    path.write_bytes(gzip.compress(content.encode()))
    (found,) = read_presentation_table(path)
    assert (found.tool, found.affinity_nm[0], found.percentile[0], found.score[0]) == (
        "MHCflurry",
        14.5,
        0.01,
        0.97,
    )
    path.write_bytes(gzip.compress(content.encode())[:-6])
    with pytest.raises(UnreadableFile, match=r"must be whole; out\.csv\.gz ends within its packed data"):
        read_presentation_table(path)
    # Packed or not is seen from the content.
    path = tmp_path / "out.csv"
    path.write_bytes(gzip.compress(content.encode()))
    assert read_presentation_table(path)[0].tool == "MHCflurry"


def test_read__refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(UnreadableFile, match="must be a table of NetMHCpan"):
        _rows(tmp_path, "a.csv", "a,b\n1,2\n")
    with pytest.raises(MissingAttribute, match="allele or best_allele"):
        _rows(tmp_path, "b.csv", "peptide,affinity\nGILGFVFTL,3\n")
    with pytest.raises(InputError, match="must be a number; got 'three'"):
        _rows(tmp_path, "c.csv", "allele,peptide,affinity\nA0201,GILGFVFTL,three\n")
    with pytest.raises(InputError, match="0 to 100"):
        _rows(tmp_path, "d.csv", "allele,peptide,affinity,affinity_percentile\nA0201,GILGFVFTL,3,101\n")
    with pytest.raises(UnreadableFile, match="holds none"):
        _rows(tmp_path, "e.txt", "# NetMHCpan version 4.1b\nnothing\n")


_PVACSEQ = "MT Epitope Seq\tHLA Allele\tNetMHCpan MT IC50 Score\n"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (_PVACSEQ + "GILGFVFTL\tHLA-A*02:01\n", UnreadableFile, "line 2 of t.tsv must have 3 cells.*got 2"),
        (_PVACSEQ.replace("HLA Allele", "HLA") + "A\tB\t5\n", MissingAttribute, "it lacks HLA Allele"),
        ("peptide,allele,mhcflurry_affinity\nGILGFVFTL\n", UnreadableFile, "allele in line 2 .* cut off"),
        ("peptide,allele,mhcflurry_affinity\nGILGFVFTL,A0201\n", UnreadableFile, "affinity in line 2 .* cut"),
        (_MIX[: _MIX.index("\t0.61\t0.01\t-0.9")], UnreadableFile, "%Rank_A0201 in line 2 .* cut off"),
        (_MIX.replace("Peptide", "Sequence"), MissingAttribute, "it lacks Peptide"),
        (_PRINTED[: _PRINTED.index(" 0.259")], UnreadableFile, r"Aff\(nM\) in line 8 .* cut off"),
        (_XLS[: _XLS.index("\t12.0\t0.09")], UnreadableFile, "in line 3 of t.tsv .* cut off"),
        (_PVACSEQ + "A" * 200_000 + "\tA0201\t5\n", UnreadableFile, "field larger than"),
    ],
)
def test_read__refuses_a_table_that_was_cut_off_or_lacks_a_column(tmp_path, content, error, message):
    with pytest.raises(error, match=message):
        _rows(tmp_path, "t.tsv", content)


def test_read__passes_over_an_empty_line(tmp_path):
    (found,) = _rows(tmp_path, "t.tsv", _PVACSEQ + "GILGFVFTL\tHLA-A*02:01\t12.5\n\n")
    assert found.peptides == ("GILGFVFTL",)


@pytest.mark.slow
def test_read__pvacseq_gives_each_predictor_its_own_rows(data_dir):
    path = data_dir / "immunotherapy" / "pvactools" / "HCC1395_all_epitopes.slim.tsv.gz"
    found = {rows.tool: rows for rows in read_presentation_table(path)}
    assert {"NetMHCpan", "NetMHCpanEL", "MHCflurry", "MixMHCpred", "NetMHCIIpan"} <= found.keys()
    assert {str(m) for m in found["NetMHCIIpan"].molecules} == {"HLA-DRB1*04:05"}
    pairs = list(zip(found["NetMHCpan"].peptides, found["NetMHCpan"].molecules, strict=True))
    assert len(pairs) == len(set(pairs))
