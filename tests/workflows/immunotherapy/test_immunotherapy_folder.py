import gzip

import pytest

from tumorboard.errors import InputError
from tumorboard.workflows.immunotherapy.folder import caller_of, find_immunotherapy_files


def touched(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    return folder


def test_find__knows_files_by_their_names(tmp_path):
    touched(
        tmp_path,
        "dna/tumour.vep.vcf.gz",
        "dna/patient.germline.vcf.gz",
        "HLA_types.tsv",
        "patient.hla_lost.txt",
        "ref/genes.gtf.gz",
        "ref/GRCh38.fa",
        "ref/Homo_sapiens.GRCh38.pep.all.fa.gz",
        "rna/quant.genes.sf",
        "cnv/tumour.cns",
        "purple.purity.tsv",
        "tumour.bam",
        "notes.txt",
    )
    found = find_immunotherapy_files(tmp_path)
    names = {
        field: path.name
        for field in found.__dataclass_fields__
        if (path := getattr(found, field)) and not isinstance(path, tuple)
    }
    assert names == {
        "variants": "tumour.vep.vcf.gz",
        "germline": "patient.germline.vcf.gz",
        "hla": "HLA_types.tsv",
        "hla_loss": "patient.hla_lost.txt",
        "gtf": "genes.gtf.gz",
        "genome": "GRCh38.fa",
        "proteome": "Homo_sapiens.GRCh38.pep.all.fa.gz",
        "expression": "quant.genes.sf",
        "copy_number": "tumour.cns",
        "purity": "purple.purity.tsv",
        "reads": "tumour.bam",
    }


@pytest.mark.parametrize(
    "name",
    ["hla.txt", "hla.json", "HLA.csv", "sample_hla.tsv", "p1.hla.txt", "winners.hla.txt", "x.genotype.json"],
)
def test_find__knows_hla_types(tmp_path, name):
    touched(tmp_path, "a.vcf", name)
    assert find_immunotherapy_files(tmp_path).hla.name == name


def test_find__knows_tables_by_their_headers(tmp_path):
    (tmp_path / "one.tsv").write_text("#gene1\tgene2\tbreakpoint1\tbreakpoint2\tpeptide_sequence\n")
    (tmp_path / "two.txt.gz").write_bytes(
        gzip.compress(b"chrom\tstart\tend\tname\tscore\tstrand\tanchor\ttranscripts\n")
    )
    touched(tmp_path, "s.SJ.out.tab", "other.tsv")
    found = find_immunotherapy_files(tmp_path)
    assert [(caller, path.name) for caller, path in found.fusions] == [("arriba", "one.tsv")]
    assert {(c, p.name) for c, p in found.junctions} == {("regtools", "two.txt.gz"), ("star", "s.SJ.out.tab")}
    assert caller_of(tmp_path / "one.tsv") == ("fusions", "arriba")
    with pytest.raises(InputError, match=r"other.tsv has the headers of none"):
        caller_of(tmp_path / "other.tsv")


def test_find__nothing_where_there_is_nothing(tmp_path):
    assert find_immunotherapy_files(touched(tmp_path, "hla.txt", "image.dcm")) is None


def test_find__does_not_choose_among_several(tmp_path):
    touched(tmp_path, "a.vcf", "b.vcf")
    with pytest.raises(InputError, match="folder must hold one file of somatic variants"):
        find_immunotherapy_files(tmp_path)


def test_find__a_phased_file_alone_is_the_tumours(tmp_path):
    found = find_immunotherapy_files(touched(tmp_path, "tumour.phased.vcf"))
    assert found.variants.name == "tumour.phased.vcf"
    assert found.germline is None
