import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.peptide_list import read_peptides


@pytest.mark.parametrize(
    "content",
    [
        "SIINFEKL\nGILGFVFTL\n",
        "# two\r\nsiinfekl\r\nGILGFVFTL",
        "peptide\nSIINFEKL\nGILGFVFTL\n",
        ">a\nSIIN\nFEKL\n>b\nGILGFVFTL\n",
    ],
)
def test_read_peptides__takes_lines_a_header_and_fasta(tmp_path, content):
    path = tmp_path / "list.txt"
    path.write_text(content, encoding="utf-8")
    found = read_peptides(path)
    assert found.peptides == ("SIINFEKL", "GILGFVFTL")
    assert found.alleles is None
    assert found.n_flanks is None


def test_read_peptides__takes_flanks_and_alleles_of_a_table(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("HLA_allele,Mut_peptide,n_flank,c_flank\nA01:01,SIINFEKL,GG,\n", encoding="utf-8")
    found = read_peptides(path)
    assert (found.peptides, found.alleles, found.n_flanks, found.c_flanks) == (
        ("SIINFEKL",),
        ("A01:01",),
        ("GG",),
        ("",),
    )


def test_read_peptides__refuses_what_holds_none(tmp_path):
    empty, strange, ragged = (tmp_path / name for name in ("empty.txt", "strange.csv", "ragged.csv"))
    empty.write_text("# nothing\n", encoding="utf-8")
    strange.write_text("residues,score\nSIINFEKL,1\n", encoding="utf-8")
    ragged.write_text("peptide,allele\nSIINFEKL\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="must hold a peptide"):
        read_peptides(empty)
    with pytest.raises(InputError, match="must have a column peptide"):
        read_peptides(strange)
    with pytest.raises(InputError, match="row 2 has another number"):
        read_peptides(ragged)
