"""Files of a synthetic tumour, good ones and bad ones."""

import gzip
import re

import pytest
from tumour_case import write_annotated, write_plain

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.phantoms import TumourGenomeConfig, simulate_tumour_genome
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.folder import find_immunotherapy_files
from tumorboard.workflows.immunotherapy.read import read_inputs

CONFIG = ImmunotherapyConfig(threads=1)


@pytest.fixture(scope="module")
def genome():
    return simulate_tumour_genome(TumourGenomeConfig(bystanders=12))


@pytest.fixture
def annotated(genome, tmp_path):
    return write_annotated(genome, tmp_path / "annotated")


@pytest.fixture
def plain(genome, tmp_path):
    return write_plain(genome, tmp_path / "plain")


def read(folder):
    return read_inputs(CONFIG, find_immunotherapy_files(folder))


def peptides(inputs):
    return {(p.sequence, p.wild_type, p.events) for p in inputs.found.kept}


def test_read__own_consequences_give_the_peptides_of_the_annotated_file(annotated, plain):
    told, made = read(annotated), read(plain)
    assert peptides(told) == peptides(made)
    assert len(peptides(told)) > 500
    assert any("consequences are from genes.gtf" in note for note in made.notes)


def test_read__files_say_what_the_phantom_is(annotated, genome):
    found = read(annotated)
    assert found.hla == genome.hla
    assert [v.name for v, _ in found.variants] == [v.name for v, _ in genome.variants]
    assert [v.phase is None for v, _ in found.variants] == [v.phase is None for v, _ in genome.variants]
    assert found.proteins.is_whole
    assert len(found.proteins.sequences) == len(genome.genes)
    told = {c.gene: c.gene_tpm for _, (c,) in genome.variants}
    assert {c.gene: c.gene_tpm for _, (c,) in found.variants} == told


def test_read__expression_copies_and_purity_of_their_own_files(plain, genome):
    names = [c.gene for _, (c,) in genome.variants]
    (plain / "expression.tsv").write_text(
        "gene\tTPM\n" + "".join(f"{n}\t7.5\n" for n in dict.fromkeys(names))
    )
    (plain / "copy_number.tsv").write_text(
        f"chromosome\tstart\tend\ttotal_cn\tminor_cn\n{genome.chromosome}\t1\t{len(genome.bases)}\t3\t1\n"
    )
    (plain / "purity.tsv").write_text("purity\n0.8\n")
    found = read(plain)
    assert {c.gene_tpm for _, (c,) in found.variants} == {7.5}
    assert found.copies.segments[0].total == 3
    assert found.purity == 0.8


def test_read__a_record_that_is_there_twice_counts_once(annotated):
    file = annotated / "somatic.vcf"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[-1]]) + "\n")
    assert read(annotated).variants.skipped["record of a variant that another record has"] == 1


def test_read__without_annotation_says_what_is_needed(plain):
    (plain / "genes.gtf").unlink()
    with pytest.raises(MissingAttribute, match="give a GTF and the genome's FASTA") as told:
        read(plain)
    assert "\n" not in str(told.value)


def test_read__another_reference_is_refused(plain):
    file = plain / "genome.fa"
    lines = file.read_text().splitlines()
    swap = str.maketrans("ACGT", "CATG")
    file.write_text("\n".join([lines[0], *(line.translate(swap) for line in lines[1:])]) + "\n")
    with pytest.raises(InputError, match="reference") as told:
        read(plain)
    assert "\n" not in str(told.value)


def test_read__a_file_that_was_cut_off_is_refused(annotated):
    text = (annotated / "somatic.vcf").read_bytes()
    (annotated / "somatic.vcf").unlink()
    packed = gzip.compress(text)
    (annotated / "somatic.vcf.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadableFile, match=r"somatic.vcf.gz"):
        read(annotated)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("A*02\n", "two fields"),
        ("A2\n", "two fields"),
        ("A*02:01\nA*03:01\nA*11:01\n", "two at most"),
        ("\n", "must name alleles"),
    ],
)
def test_read__an_hla_type_that_is_none_is_refused(annotated, names, message):
    (annotated / "hla_lost.txt").unlink()
    (annotated / "hla.txt").write_text(names)
    with pytest.raises(InputError, match=message):
        read(annotated)


def test_read__no_hla_type_says_so(annotated):
    (annotated / "hla.txt").unlink()
    with pytest.raises(InputError, match=re.escape("HLA type must be there: a file hla*.txt")):
        read(annotated)


def phased_file(folder, gene="PHASE1"):
    """Take the second of two changes out of the somatic file; write both as a phased file of one sample."""
    lines = (folder / "somatic.vcf").read_text().splitlines()
    own = [line for line in lines if f"|{gene}|" in line]
    assert len(own) == 2
    (folder / "somatic.vcf").write_text("\n".join(line for line in lines if line != own[1]) + "\n")
    head = [line for line in lines if line.startswith("##") and "sample=" not in line]
    columns = next(line for line in lines if line.startswith("#CHROM")).split("\t")
    rows = [line.split("\t") for line in own]
    text = ["\t".join([*cells[:9], cells[10]]) for cells in (columns, *rows)]
    (folder / "phased.vcf").write_text("\n".join([*head, *text]) + "\n")
    return own


def test_read__a_germline_neighbour_on_the_same_copy_goes_into_the_peptide(annotated):
    phased_file(annotated)
    found = read(annotated)
    (made,) = (p for p in found.found.kept if p.sequence == "GLCTLVAML")
    # What all cells have is in the normal peptide too.
    assert made.wild_type == "GPCTLVAML"
    assert len(made.events) == 2


def test_read__a_germline_file_that_nothing_annotates_is_said_to_be_of_no_use(annotated):
    phased_file(annotated)
    file = annotated / "phased.vcf"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(re.sub(r"CSQ=\S+", ".", line) for line in lines if "ID=CSQ" not in line))
    found = read(annotated)
    assert any(
        "germline variants near the tumour's were read, but put into no peptide" in n for n in found.notes
    )
    assert "GLCTLVAML" not in {p.sequence for p in found.found.kept}


def test_read__a_maf_needs_annotation_and_genome(annotated):
    (annotated / "somatic.vcf").rename(annotated / "somatic.maf")
    with pytest.raises(MissingAttribute, match="which states none; give a GTF and the genome's FASTA"):
        read(annotated)


def test_read__a_fusion_gives_peptides_beside_the_variants(annotated):
    headers = (
        "#gene1 gene2 strand1(gene/fusion) strand2(gene/fusion) breakpoint1 breakpoint2 site1 site2 type "
        "split_reads1 split_reads2 discordant_mates coverage1 coverage2 confidence reading_frame "
        "transcript_id1 transcript_id2 peptide_sequence"
    ).split()
    row = (
        "BCR ABL1 +/+ +/+ 22:23290413 9:130854064 splice-site splice-site translocation 12 9 20 90 80 high "
        "in-frame T1 T2 ELDEGNSQGILGF|VFTLDEGNSQDE"
    ).split()
    (annotated / "fusions.tsv").write_text("\t".join(headers) + "\n" + "\t".join(row) + "\n")
    found = read(annotated)
    made = [p for p in found.found.kept if p.origins[0].kind.value == "fusion"]
    assert "GILGFVFTL" in {p.sequence for p in made}
    assert {p.gene for p in made} == {"BCR--ABL1"}


def test_read__junctions_without_annotation_are_said_to_be_of_no_use(annotated):
    (annotated / "s.SJ.out.tab").write_text("chrDemo\t100\t200\t1\t1\t0\t12\t0\t30\n")
    assert any("1 splice junctions were read, but no peptide" in note for note in read(annotated).notes)


def test_read__junctions_with_annotation_are_put_into_transcripts(plain, genome):
    gene = genome.genes[0]
    first, last = gene.start + 150, gene.start + 209
    (plain / "s.SJ.out.tab").write_text(f"{genome.chromosome}\t{first}\t{last}\t1\t1\t0\t12\t0\t30\n")
    made = [p for p in read(plain).found.kept if p.origins[0].kind.value == "splice junction"]
    whole = gene.protein
    joint = whole[150 // 3 - 5 : 150 // 3] + whole[210 // 3 : 210 // 3 + 4]
    assert joint in {p.sequence for p in made}


def write_reads(genome, path, together):
    """Write 20 reads over the two changes of PHASE1: half with both or one of them, half with neither."""
    pysam = pytest.importorskip("pysam")
    first, second = (v for v, (c,) in genome.variants if c.gene == "PHASE1")
    start = first.position - 41
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": genome.chromosome, "LN": len(genome.bases)}],
    }
    with pysam.AlignmentFile(path, "wb", header=header) as file:
        for number in range(20):
            bases = list(genome.bases[start : start + 100])
            carried = [(first, second), ()] if together else [(first,), (second,)]
            for variant in carried[number % 2]:
                bases[variant.position - 1 - start] = variant.alternative
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.query_sequence = f"r{number}", "".join(bases)
            read.reference_id, read.reference_start, read.mapping_quality = 0, start, 60
            read.cigartuples = [(0, 100)]
            read.query_qualities = pysam.qualitystring_to_array("I" * 100)
            file.write(read)
    pysam.index(str(path))


@pytest.mark.parametrize("together", [True, False])
def test_read__reads_tell_whether_two_changes_share_a_copy(annotated, genome, together):
    file = annotated / "somatic.vcf"
    file.write_text(file.read_text().replace("0|1", "0/1"))
    assert "GLCTLVAML" not in {p.sequence for p in read(annotated).found.kept}
    write_reads(genome, annotated / "tumour.bam", together)
    assert ("GLCTLVAML" in {p.sequence for p in read(annotated).found.kept}) is together
