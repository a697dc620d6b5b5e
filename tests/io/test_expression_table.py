import pytest

from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.expression_table import read_expression_table

JOINED = "ENST00000311936.8|ENSG00000133703.14|OTTHUMG1|OTTHUMT1|KRAS-201|KRAS|5306|protein_coding|"
KALLISTO = f"target_id\tlength\teff_length\test_counts\ttpm\n{JOINED}\t5306\t5100\t100\t12.5\n"
SALMON = "Name\tLength\tEffectiveLength\tTPM\tNumReads\nENST00000311936.8\t5306\t5100\t12.5\t100\n"
SALMON_GENES = SALMON.replace("ENST00000311936.8", "ENSG00000133703.14")
RSEM = (
    "transcript_id\tgene_id\tlength\teffective_length\texpected_count\tTPM\tFPKM\tIsoPct\n"
    "ENST00000311936.8\tENSG00000133703.14\t5306\t5100\t100\t12.5\t10\t80\n"
    "ENST00000256078.10\tENSG00000133703.14\t5421\t5200\t25\t2.5\t2\t20\n"
)
RSEM_GENES = (
    "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
    "ENSG00000133703.14\tENST00000311936.8,ENST00000256078.10\t5300\t5100\t125\t15\t12\n"
)
STRINGTIE = (
    "Gene ID\tGene Name\tReference\tStrand\tStart\tEnd\tCoverage\tFPKM\tTPM\n"
    "ENSG00000133703\tKRAS\tchr12\t-\t25205246\t25250936\t5.0\t10.0\t15.0\n"
    "MSTRG.1\t-\tchr12\t-\t1\t9\t5.0\t10.0\t1.0\n"
)


def read(text, tmp_path):
    path = tmp_path / "expression.tsv"
    path.write_text(text)
    return read_expression_table(path)


@pytest.mark.parametrize("text", [KALLISTO, SALMON, RSEM])
def test_read_expression_table__of_transcripts(text, tmp_path):
    table = read(text, tmp_path)
    assert table.of_transcript("ENST00000311936") == 12.5
    assert table.of_transcript("ENST99999999999") is None


def test_read_expression_table__sums_genes_where_transcripts_name_theirs(tmp_path):
    assert read(RSEM, tmp_path).of_gene("ENSG00000133703") == 15.0
    assert read(KALLISTO, tmp_path).of_gene("KRAS") == 12.5
    assert read(SALMON, tmp_path).of_gene("KRAS") is None


@pytest.mark.parametrize("text", [SALMON_GENES, RSEM_GENES, STRINGTIE])
def test_read_expression_table__of_genes(text, tmp_path):
    table = read(text, tmp_path)
    assert table.of_gene("", "ENSG00000133703.3") in (12.5, 15.0)
    assert table.of_transcript("ENST00000311936.8") is None
    assert len(table.transcripts) == 0


def test_read_expression_table__stringtie_by_symbol(tmp_path):
    table = read(STRINGTIE, tmp_path)
    assert table.of_gene("KRAS") == 15.0
    assert table.of_gene("-") is None


def test_read_expression_table__plain_with_commas(tmp_path):
    assert read("gene,TPM\nKRAS,3.5\nKRAS,1.5\n", tmp_path).of_gene("TP53", "KRAS") == 5.0


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("gene\tFPKM\nKRAS\t3\n", MissingAttribute, "fpkm instead"),
        ("gene\tcount\nKRAS\t3\n", MissingAttribute, "count instead"),
        ("thing\tTPM\nKRAS\t3\n", MissingAttribute, "column of names"),
        ("gene\tTPM\nKRAS\t-3\n", InputError, "0 or more"),
        ("gene\tTPM\nKRAS\thigh\n", InputError, "TPM in row 1"),
        ("gene\tTPM\n", InputError, "has none"),
    ],
)
def test_read_expression_table__refuses(text, error, words, tmp_path):
    with pytest.raises(error, match=words):
        read(text, tmp_path)
