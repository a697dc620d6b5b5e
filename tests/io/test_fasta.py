"""Proteins of FASTA files of several makers."""

import gzip

import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.fasta import Protein, read_proteins


@pytest.mark.parametrize(
    ("header", "identifier", "gene", "transcript"),
    [
        (
            "ENSP1.2 pep chromosome:GRCh38:7:1:9:1 gene:ENSG1.1 transcript:ENST1.3 gene_symbol:TRBD1",
            "ENSP1.2",
            "TRBD1",
            "ENST1.3",
        ),
        (
            "ENSP1.2 pep chromosome:GRCh38:7:1:9:1 gene:ENSG1.1 transcript:ENST1.3",
            "ENSP1.2",
            "ENSG1.1",
            "ENST1.3",
        ),
        ("ENSP1.2|ENST1.3|ENSG1.1|OTT|-|KRAS-201|KRAS|189", "ENSP1.2", "KRAS", "ENST1.3"),
        ("tr|A0A1|A0A1_HUMAN some protein OS=Homo sapiens", "A0A1", "", ""),
        ("NP_004976.2 GTPase KRas isoform b [Homo sapiens]", "NP_004976.2", "", ""),
        ("plain", "plain", "", ""),
        ("", "", "", ""),
    ],
)
def test_read_proteins__reads_headers(tmp_path, header, identifier, gene, transcript):
    (file := tmp_path / "a.fa").write_text(f">{header}\nMK\nLV*\n")
    assert read_proteins(file).proteins == (Protein(identifier, "MKLV", gene, transcript),)


def test_read_proteins__keeps_and_counts_odd_residues(tmp_path):
    (file := tmp_path / "a.fa.gz").write_bytes(gzip.compress(b">a\r\nMUXK*LV.A\r\n\r\n>b\r\nMBZJO\r\n"))
    found = read_proteins(file)
    assert found.sequences == ("MUXKXLVXA", "MBZJO")
    assert found.odd_residues == {"B": 1, "J": 1, "O": 1, "U": 1, "X": 3, "Z": 1}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("MKLV\n", UnreadableFile, "must begin with >"),
        ("", UnreadableFile, "holds none"),
        (">a\nMK1V\n", InputError, r"residues of a at line 1 of a\.fa must be letters of residues; got '1'"),
        (">a\nMK-V\n", InputError, "got '-'"),
        (f">a\n{'ACGT' * 20}\n", UnreadableFile, "holds nucleotides"),
    ],
)
def test_read_proteins__refuses_what_is_none(tmp_path, text, error, message):
    (file := tmp_path / "a.fa").write_text(text)
    with pytest.raises(error, match=message):
        read_proteins(file)


def test_read_proteins__reads_ensembls(data_dir):
    found = read_proteins(data_dir / "immunotherapy/pvactools/Homo_sapiens.GRCh38.pep.short.fa.gz")
    assert len(found.proteins) == 1662
    assert sum(len(sequence) for sequence in found.sequences) == 463_017  # and two final stops
    assert found.proteins[0].gene == "TRBD1"
    assert all(protein.transcript.startswith("ENST") for protein in found.proteins)
