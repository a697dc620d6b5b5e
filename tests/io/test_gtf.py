"""Transcripts of GTF files of Ensembl's, GENCODE's and RefSeq's making."""

import gzip
from collections import Counter

import pytest

from tumorboard.core import SmallVariant
from tumorboard.errors import UnreadableFile
from tumorboard.io.gtf import read_gtf
from tumorboard.io.variant_neighbourhood import Neighbourhood


def row(kind, first, last, strand, phase, attributes, chromosome="1"):
    said = " ".join(f'{name} "{value}";' for name, _, value in (part.partition("=") for part in attributes))
    return "\t".join([chromosome, "x", kind, str(first), str(last), ".", strand, phase, said]) + "\n"


GENE = ["gene_id=ENSG1", "gene_version=5", "gene_name=ABC1"]
OWN = [*GENE, "transcript_id=ENST1", "transcript_version=2"]
TAGS = ["tag=basic", "tag=Ensembl_canonical", "tag=MANE_Select", "tag=cds_start_NF"]
LEVEL = "transcript_support_level=1 (assigned to previous version 1)"
PROTEIN = ["protein_id=ENSP1", "protein_version=3"]
OTHER = ["gene_id=ENSG2", "transcript_id=ENST2", "transcript_version=1"]
ENSEMBL = "#!genome-build GRCh38.p13\n" + "".join(
    [
        row("gene", 1000, 5000, "-", ".", GENE),
        row("transcript", 1000, 5000, "-", ".", [*OWN, "transcript_biotype=protein_coding", *TAGS, LEVEL]),
        row("exon", 4000, 5000, "-", ".", OWN),
        row("CDS", 4000, 4100, "-", "1", [*OWN, *PROTEIN]),
        row("exon", 1000, 1200, "-", ".", OWN),
        row("CDS", 1103, 1200, "-", "0", [*OWN, *PROTEIN]),
        row("stop_codon", 1100, 1102, "-", "0", OWN),
        row("gene", 9000, 9100, "+", ".", OTHER[:1]),
        row("transcript", 9000, 9100, "+", ".", [*OTHER, "transcript_biotype=lncRNA", LEVEL[:24] + "=NA"]),
        row("exon", 9000, 9100, "+", ".", OTHER),
    ]
)


def test_read_gtf__reads_ensembl(tmp_path):
    (file := tmp_path / "a.gtf").write_text(ENSEMBL)
    found = read_gtf(file)
    first, second = found.transcripts
    assert found.assembly == "GRCh38.p13"
    assert (first.identifier, first.gene, first.gene_identifier, first.protein_identifier) == (
        "ENST1.2",
        "ABC1",
        "ENSG1.5",
        "ENSP1.3",
    )
    assert first.exons == ((1000, 1200), (4000, 5000))
    assert first.coding == ((1100, 1200), (4000, 4100))  # with the stop codon
    assert first.coding_phase == 1
    assert (first.canonical, first.mane_select, first.support_level) == (True, True, 1)
    assert first.flags == ("cds_start_NF",)
    assert not first.starts_whole
    assert (second.gene, second.biotype, second.canonical, second.support_level) == (
        "ENSG2",
        "lncRNA",
        False,
        None,
    )
    assert not second.is_coding


def test_read_gtf__keeps_a_stop_codon_of_its_own_exon_apart(tmp_path):
    lines = [
        '1\tx\texon\t10\t30\t.\t+\t.\tgene_id "G"; transcript_id "T";',
        '1\tx\texon\t41\t60\t.\t+\t.\tgene_id "G"; transcript_id "T";',
        '1\tx\tCDS\t10\t29\t.\t+\t.\tgene_id "G"; transcript_id "T";',
        '1\tx\tstop_codon\t30\t30\t.\t+\t.\tgene_id "G"; transcript_id "T";',
        '1\tx\tstop_codon\t41\t42\t.\t+\t.\tgene_id "G"; transcript_id "T";',
    ]
    (file := tmp_path / "a.gtf").write_text("\n".join(lines))
    (made,) = read_gtf(file).transcripts
    assert made.coding == ((10, 30), (41, 42))


@pytest.mark.parametrize(("strand", "stop"), [("+", (28, 30)), ("-", (10, 12))])
@pytest.mark.parametrize("held", [True, False])
def test_read_gtf__counts_the_stop_codon_once_whether_the_cds_holds_it_or_not(tmp_path, strand, stop, held):
    first, last = (10, 30) if held else ((10, 27) if strand == "+" else (13, 30))
    (file := tmp_path / "a.gtf").write_text(
        row("exon", 1, 60, strand, ".", OWN)
        + row("CDS", first, last, strand, "0", OWN)
        + row("stop_codon", *stop, strand, "0", OWN)
    )
    (made,) = read_gtf(file).transcripts
    assert made.coding == ((10, 30),)


def test_read_gtf__reads_refseq(tmp_path):
    said = ["gene_id=KRAS", "transcript_id=NM_033360.4", "gene=KRAS", "transcript_biotype=mRNA"]
    said.append("tag=MANE Select")
    (file := tmp_path / "a.gtf").write_text(
        row("exon", 100, 200, "-", ".", said, "NC_000012.12")
        + row("CDS", 120, 180, "-", "0", [*said, "protein_id=NP_203524.1"], "NC_000012.12")
    )
    (made,) = read_gtf(file).transcripts
    assert (made.chromosome, made.biotype, made.gene, made.mane_select, made.canonical) == (
        "12",
        "protein_coding",
        "KRAS",
        True,
        None,
    )


@pytest.mark.parametrize("with_genes", [True, False])
def test_read_gtf__near__keeps_what_overlaps(tmp_path, with_genes):
    text = ENSEMBL if with_genes else "\n".join(
        line for line in ENSEMBL.splitlines() if "\tgene\t" not in line and "\ttranscript\t" not in line
    )  # fmt: skip
    (file := tmp_path / "a.gtf").write_text(text)
    intron = Neighbourhood.of([SmallVariant("chr1", 2000, "A", "T")], 0)
    assert [t.identifier for t in read_gtf(file, near=intron).transcripts] == ["ENST1.2"]
    beside = Neighbourhood.of(
        [SmallVariant("chr1", 6000, "A", "T"), SmallVariant("chr2", 9050, "A", "T")], 10
    )
    assert read_gtf(file, near=beside).transcripts == ()


def test_read_gtf__counts_transcripts_it_cannot_use(tmp_path):
    (file := tmp_path / "a.gtf").write_text(
        '1\tx\texon\t10\t30\t.\t+\t.\tgene_id "G"; transcript_id "T";\n'
        '1\tx\tCDS\t10\t20\t.\t+\t.\tgene_id "G"; transcript_id "T";\n'
        '1\tx\tCDS\t20\t29\t.\t+\t.\tgene_id "G"; transcript_id "T";\n'
        '1\tx\tCDS\t20\t29\t.\t+\t.\tgene_id "G"; transcript_id "U";\n'
        '1\tx\texon\t20\t29\t.\t.\t.\tgene_id "G"; transcript_id "V";\n'
    )
    found = read_gtf(file)
    assert found.transcripts == ()
    assert sorted(found.skipped.values()) == [1, 1, 1]
    assert found.skipped["strand that is neither + nor -"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tx\texon\t10\n", "line 1 of a.gtf must have 9 columns"),
        ('1\tx\texon\t10\t20\t.\t+\t.\tgene_id "G";\n', "must name its transcript_id"),
        ("1\tx\texon\t10\t20\t.\t+\t.\tID=exon1;Parent=t1\n", "is a GFF3; convert it with gffread"),
        ("# nothing\n", "must have records"),
    ],
)
def test_read_gtf__refuses_what_is_none(tmp_path, text, message):
    (file := tmp_path / "a.gtf").write_text(text)
    with pytest.raises(UnreadableFile, match=message):
        read_gtf(file)


def test_read_gtf__reads_gencode(data_dir):
    file = data_dir / "immunotherapy/splice/inst/extdata/example/gencode.v34lift37.annotation.subset.gtf.gz"
    found = read_gtf(file)
    assert len(found.transcripts) == 302  # its lines "transcript"
    assert found.assembly == "GRCh37"
    assert found.skipped == {}
    with gzip.open(file, "rt") as lines:
        kinds = Counter(line.split("\t")[2] for line in lines if not line.startswith("#"))
    assert sum(len(t.exons) for t in found.transcripts) == kinds["exon"]
    whole = [
        t for t in found.transcripts
        if t.biotype == "protein_coding" and not any(flag.endswith("_NF") for flag in t.flags)
    ]  # fmt: skip
    assert len(whole) > 50
    odd = [t.identifier for t in whole if t.coding_length % 3]
    assert len(odd) <= len(whole) // 20, odd  # tags were lost where the subset was written
    one = whole[0]
    here = Neighbourhood.of([SmallVariant(one.chromosome[3:], one.start, "A", "T")], 0)
    assert one in read_gtf(file, near=here).transcripts
