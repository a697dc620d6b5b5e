"""Whatever stands in a file of variants, transcripts, proteins or HLA types, it is read or refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.io.fasta import read_proteins
from tumorboard.io.genome import Genome
from tumorboard.io.gtf import read_gtf
from tumorboard.io.hla_types import read_hla_type
from tumorboard.io.maf import read_maf_samples
from tumorboard.io.vcf_records import read_annotated_variants

PIECES = [
    b"\t",
    b"\n",
    b"\r",
    b"|",
    b",",
    b":",
    b";",
    b"=",
    b"0",
    b"-",
    b".",
    b"%",
    b"\xff",
    b"\0",
    b'"',
    b"*",
]
PIECES += [b"9" * 5000, b"nan", b"1e400", b"<", b"[", b"/", b">", b" ", "²".encode(), "٣".encode(), b""]
FIELDS = "Allele|Consequence|Feature|Protein_position|Amino_acids|WildtypeProtein"
VCF = (
    "##fileformat=VCFv4.2\n"
    f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Ensembl VEP. Format: {FIELDS}">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    "1\t10\t.\tCA\tC,CAA\t.\tPASS\tCSQ=-|missense_variant|T1|2-3|A/V|MAK,AA|x|T2|4|K|MAK\t"
    "GT:AD:AF:PS:HP:FREQ:GX:TX:RAD\t0|1:3,4,5:0.5,0.1:7:7-1,7-2:5%25:G|1:T1|2:4,1,2\n"
)
MAF = (
    "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode\tt_vaf\t"
    "HGVSp_Short\tNCBI_Build\nG\t1\t5\tA\tT\tP\t30\tp.R2H\t37\nG\t1\t6\tA\tT\tQ\t0.5\tp.R2fs\thg19\n"
)
GTF = (
    '1\tx\texon\t10\t60\t.\t+\t.\tgene_id "G"; transcript_id "T"; tag "basic";\n'
    '1\tx\tCDS\t20\t30\t.\t+\t0\tgene_id "G"; transcript_id "T";\n'
)
HLA = "A\tHLA-A*02:01:01\t-\nB\tHLA-B*07:02\tHLA-B*45:01:01\nDRB1\tHLA-DRB1*04:05\tNot typed\n"
FASTA = ">1 x\nACGTACGTAC\nACGTACGTAC\nAC\n>2\nACGT\n"


def bases_of(path):
    genome = Genome.opened(path)
    for name in genome.places:
        genome.fetch(name, 1, min(genome.length_of(name), 3))


@pytest.mark.parametrize(
    ("reader", "whole"),
    [
        (read_annotated_variants, VCF),
        (read_maf_samples, MAF),
        (read_gtf, GTF),
        (read_hla_type, HLA),
        (read_hla_type, '{"alleles": ["A*02:01"], "lost": []}'),
        (read_proteins, ">sp|P1|X GN=K\nMKLV\n>b\nMKUX*\n"),
        (bases_of, FASTA),
    ],
)
@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=3)
)
def test_readers__read_or_refuse(tmp_path_factory, reader, whole, edits):
    content = whole.encode()
    for place, length, piece in edits:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    (file := tmp_path_factory.mktemp("hostile") / "file").write_bytes(content)
    said = ""
    try:
        reader(file)
    except InputError as error:
        said = str(error)
    assert len(said) < 1000  # one sentence, whatever the file holds
