"""From files to peptides: a somatic VCF, a phased one with germline variants, and reads."""

import pytest

from tumorboard.immunotherapy.peptides import VariantFilter, neopeptides
from tumorboard.immunotherapy.variants import pairs_to_phase, phase_calls
from tumorboard.io.read_phase import count_shared_reads
from tumorboard.io.vcf_records import read_annotated_variants, read_germline_variants

pysam = pytest.importorskip("pysam")

PROTEIN = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRK"
FIELDS = "Allele|Consequence|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|Protein_position|Amino_acids|Codons"
HEAD = (
    "##fileformat=VCFv4.2",
    f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Ensembl VEP. Format: {FIELDS}|WildtypeProtein">',
)
#: A genome of one gene without introns, whose coding bases start at 101.
CODONS = {"M": "ATG", "T": "ACT", "E": "GAA", "Y": "TAT", "K": "AAA", "L": "CTT", "V": "GTT", "G": "GGT"}
CODONS |= {"A": "GCT", "S": "AGC", "I": "ATT", "Q": "CAA", "N": "AAT", "H": "CAT", "F": "TTT", "D": "GAT"}
CODONS |= {"P": "CCT", "R": "CGT"}
GENOME = "ACGT" * 25 + "".join(CODONS[residue] for residue in PROTEIN) + "TAA" + "GATC" * 100


def row(residue, becomes, offset, base, keys, values):
    """One substitution: residue's number, what it becomes, base of the codon and what that becomes."""
    was = CODONS[PROTEIN[residue - 1]]
    now = was[:offset] + base + was[offset + 1 :]
    shown = [c[:offset].lower() + c[offset] + c[offset + 1 :].lower() for c in (was, now)]
    csq = f"{base}|missense_variant|KRAS|G1|Transcript|T1|protein_coding|{residue}|"
    csq += f"{PROTEIN[residue - 1]}/{becomes}|{'/'.join(shown)}|{PROTEIN}"
    position = 101 + 3 * (residue - 1) + offset
    return ["chr1", str(position), ".", was[offset], base, ".", "PASS", f"CSQ={csq}", keys, *values]


def write(path, samples, rows):
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
    path.write_text("\n".join([*HEAD, *("\t".join(cells) for cells in (columns, *rows))]) + "\n")
    return path


@pytest.fixture
def somatic(tmp_path):
    return read_annotated_variants(
        write(tmp_path / "s.vcf", ["TUMOR"], [row(12, "V", 1, "T", "GT", ["0/1"])]), tumour_sample="TUMOR"
    )


def peptides(somatic, germline, calls=None):
    return neopeptides(
        list(somatic), [9], choose=VariantFilter(passing_only=True), neighbours=list(germline), calls=calls
    )


@pytest.mark.parametrize(("genotype", "shown"), [("0|1", 7), ("1|0", 0), ("1/1", 7)])
def test_neopeptides__of_a_phased_file_with_germline_variants(tmp_path, somatic, genotype, shown):
    rows = [
        row(12, "V", 1, "T", "GT:PS", ["0|1:100"]),
        row(14, "E", 1, "A", "GT:PS", [f"{genotype}:100"]),
    ]
    near = [variant for variant, _ in somatic]
    germline = read_germline_variants(
        write(tmp_path / "phased.vcf", ["TUMOR"], rows), near=near, within_bases=100
    )
    found = peptides(somatic, germline)
    assert sum(len(peptide.events) == 2 for peptide in found.kept) == shown
    assert {peptide.wild_type for peptide in found.kept if len(peptide.events) == 2} == {
        (PROTEIN[:13] + "E" + PROTEIN[14:])[s : s + 9] for s in range(5, 5 + shown)
    }
    assert not found.dropped


def test_neopeptides__of_a_germline_file_and_reads(tmp_path, somatic):
    rows = [row(14, "E", 1, "A", "GT", ["0/1"]), row(16, "R", 1, "G", "GT", ["0/1"])]
    near = [variant for variant, _ in somatic]
    germline = read_germline_variants(
        write(tmp_path / "g.vcf", ["NORMAL"], rows), near=near, within_bases=100
    )
    assert set(peptides(somatic, germline).counts()) == {"UNPHASED_NEIGHBOUR"}
    (here, _), ((same, _), (other, _)) = next(iter(somatic)), tuple(germline)
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": len(GENOME)}]}
    with pysam.AlignmentFile(str(tmp_path / "t.bam"), "wb", header=header) as out:
        for number in range(24):
            copy = list(GENOME)
            for variant in ([here, same], [other], [same])[number % 3]:
                copy[variant.position - 1] = variant.alternative
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.query_sequence = f"r{number}", "".join(copy[90:190])
            read.reference_id, read.reference_start, read.mapping_quality = 0, 90, 60
            read.cigartuples, read.query_qualities = [(0, 100)], pysam.qualitystring_to_array("I" * 100)
            out.write(read)
    pysam.index(str(tmp_path / "t.bam"))
    pairs = pairs_to_phase([here, same, other], 300)
    counted = count_shared_reads(tmp_path / "t.bam", pairs, least_mapping_quality=20, least_base_quality=20)
    assert [(reads.both, reads.only_first) for reads in counted] == [(8, 0), (0, 8)]
    found = peptides(somatic, germline, phase_calls(pairs, counted, error_rate=0.01, least_confidence=0.99))
    assert not found.dropped
    assert {name for peptide in found.kept for name in peptide.events} == {here.name, same.name}
    assert sum(len(peptide.events) == 2 for peptide in found.kept) == 7
