"""Variants of MAF files: indels as a VCF has them, reads, changes, samples."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.maf import read_maf, read_maf_samples

HEAD = ("Hugo_Symbol", "Chromosome", "Start_Position", "End_Position", "Reference_Allele")
HEAD += ("Tumor_Seq_Allele2", "Tumor_Sample_Barcode")
BASES = st.text("ACGT", min_size=1, max_size=5)


class Bases:
    """A genome of one chromosome."""

    def __init__(self, bases):
        self.bases = bases

    def fetch(self, chromosome, first, last):
        if chromosome != "1" or not 1 <= first <= last <= len(self.bases):
            raise InputError("not there")
        return self.bases[first - 1 : last]


def maf(tmp_path, rows, more=(), before=""):
    lines = ["\t".join((*HEAD, *more)), *("\t".join(map(str, row)) for row in rows)]
    (file := tmp_path / "a.maf").write_text(before + "\n".join(lines) + "\n")
    return file


def row(start, reference, alternative, *more, sample="P", chromosome="1"):
    return ("G", chromosome, start, start + max(len(reference) - 1, 1), reference, alternative, sample, *more)


def applied(bases, variant):
    start = variant.position - 1
    assert bases[start : start + len(variant.reference)] == variant.reference
    return bases[:start] + variant.alternative + bases[start + len(variant.reference) :]


@given(
    st.text("ACGT", min_size=12, max_size=40),
    st.integers(2, 6),
    st.integers(0, 4),
    st.text("ACGT", max_size=4),
)
def test_read_maf__with_a_genome_makes_the_same_edit(tmp_path_factory, bases, start, length, alternative):
    reference = bases[start - 1 : start - 1 + length]
    assume(reference != alternative)
    if reference:
        expected = bases[: start - 1] + alternative + bases[start - 1 + length :]
    else:  # an insertion lies between its start and the next base
        expected = bases[:start] + alternative + bases[start:]
    file = maf(tmp_path_factory.mktemp("maf"), [row(start, reference or "-", alternative or "-")])
    ((variant, _),) = read_maf(file, genome=Bases(bases))
    assert applied(bases, variant) == expected


def test_read_maf__without_a_genome_counts_indels(tmp_path):
    file = maf(tmp_path, [row(5, "-", "AC"), row(5, "A", "-"), row(5, "AC", "GT"), row(7, "C", "T")])
    found = read_maf(file)
    assert [variant.name for variant, _ in found] == ["1-5-AC-GT", "1-7-C-T"]
    assert found.skipped == {"insertion or deletion: give the genome's FASTA for the base before it": 2}


def test_read_maf__compares_with_the_genome(tmp_path):
    genome = Bases("ACGTACGTAC")
    rows = [row(1, "A", "T"), row(2, "C", "T"), row(3, "A", "T"), row(50, "A", "T"), row(1, "A", "-")]
    found = read_maf(maf(tmp_path, rows), genome=genome)
    assert [variant.name for variant, _ in found] == ["1-1-A-T", "1-2-C-T"]
    assert found.skipped == {
        "place that the genome does not have": 2,  # and a deletion of the first base of all
        "reference bases that the genome does not have there": 1,
    }
    rows = [row(1, "C", "T", "37"), row(2, "A", "T", "hg19"), row(3, "G", "T", "GRCh37")]
    file = maf(tmp_path, rows, ("NCBI_Build",))
    with pytest.raises(InputError, match="2 of 3 are not; the file's assembly is GRCh37: give that genome"):
        read_maf(file, genome=genome)


@pytest.mark.parametrize(
    ("columns", "values", "depth", "vaf"),
    [
        (("t_depth", "t_ref_count", "t_alt_count"), ("100", "60", "20"), 100, 0.25),
        (("t_depth", "t_alt_count"), ("100", "20"), 100, 0.2),
        (("t_ref_count", "t_alt_count", "t_vaf"), ("60", "20", "0.9"), 80, 0.25),
        (("i_TumorVAF_WU",), ("45.66",), None, 0.4566),
        (("t_vaf",), ("0.4",), None, 0.4),
        (("tumor_f",), ("NA",), None, None),
        ((), (), None, None),
    ],
)
def test_read_maf__reads_counts_and_fractions(tmp_path, columns, values, depth, vaf):
    ((variant, _),) = read_maf(maf(tmp_path, [row(5, "A", "T", *values)], columns))
    assert variant.evidence.tumour_depth == depth
    assert variant.evidence.tumour_vaf == pytest.approx(vaf)


def test_read_maf__a_column_is_in_percent_for_all_rows(tmp_path):
    file = maf(tmp_path, [row(5, "A", "T", "0.5"), row(6, "A", "T", "30")], ("t_vaf",))
    assert [variant.evidence.tumour_vaf for variant, _ in read_maf(file)] == [0.005, 0.3]


@pytest.mark.parametrize(
    ("stated", "place", "before", "after"),
    [
        ("p.R273H", 273, "R", "H"),
        ("R273H", 273, "R", "H"),
        (".E546K", 546, "E", "K"),
        ("p.(R273H)", 273, "R", "H"),
        ("p.R517X", 517, "R", "*"),
        ("p.*517R", 517, "*", "R"),
        ("V132fs", 132, "", ""),
        ("p.K27_L30del", 27, "", ""),
        ("p.E746_A750del", 746, "", ""),
        ("NA", None, "", ""),
    ],
)
def test_read_maf__reads_changes(tmp_path, stated, place, before, after):
    columns = ("Variant_Classification", "HGVSp_Short", "Transcript_ID")
    file = maf(tmp_path, [row(5, "A", "T", "Missense_Mutation", stated, "ENST1")], columns)
    ((_, (change,)),) = read_maf(file)
    assert (change.transcript, change.consequences) == ("ENST1", ("missense_variant",))
    assert (change.protein_start, change.reference_residues, change.alternative_residues) == (
        place,
        before,
        after,
    )
    assert change.wild_type_protein is None


def test_read_maf__prefers_veps_terms_and_leaves_out_introns(tmp_path):
    rows = [
        row(5, "A", "T", "Splice_Site", "splice_donor_variant;intron_variant"),
        row(6, "A", "T", "Intron", ""),
    ]
    found = read_maf(maf(tmp_path, rows, ("Variant_Classification", "Consequence")))
    assert found.variants[0][1][0].consequences == ("splice_donor_variant", "intron_variant")
    assert found.variants[1][1] == ()


def test_read_maf__chooses_samples(tmp_path):
    file = maf(tmp_path, [row(5, "A", "T"), row(6, "A", "T", sample="Q")], before="#version 2.4\n")
    assert {name: len(found) for name, found in read_maf_samples(file).items()} == {"P": 1, "Q": 1}
    assert read_maf(file, sample="Q").variants[0][0].position == 6
    with pytest.raises(InputError, match=r"sample must be named, since a\.maf has 2: P, Q"):
        read_maf(file)
    with pytest.raises(InputError, match=r"sample must be in a\.maf; got 'R'"):
        read_maf(file, sample="R")


def test_read_maf__notes_filters_and_germline(tmp_path):
    columns = ("FILTER", "Mutation_Status")
    rows = [row(5, "A", "T", "PASS", "Somatic"), row(6, "A", "T", "a;b", "Germline")]
    (first, _), (second, _) = read_maf(maf(tmp_path, rows, columns))
    assert (first.filters, first.somatic, second.filters, second.somatic) == ((), True, ("a", "b"), False)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a\tb\n1\t2\n", UnreadableFile, "MAF must have the columns .* lacks chromosome"),
        ("\t".join(HEAD) + "\n", UnreadableFile, "must have rows"),
        ("\t".join(HEAD) + "\nG\t1\t5\n", UnreadableFile, r"line 2 of a\.maf must have 7 cells; got 3"),
        (
            "\t".join((*HEAD, "Strand")) + "\nG\t1\t5\t5\tA\tT\tP\t-\n",
            InputError,
            r"Strand of line 2 of a\.maf",
        ),
        (
            "\t".join((*HEAD, "NCBI_Build")) + "\nG\t1\t5\t5\tA\tT\tP\t37\nG\t1\t5\t5\tA\tT\tP\thg38\n",
            InputError,
            "NCBI_Build must be one for all rows .* GRCh37, GRCh38",
        ),
    ],
)
def test_read_maf__refuses_what_is_none(tmp_path, text, error, message):
    (file := tmp_path / "a.maf").write_text(text)
    with pytest.raises(error, match=message):
        read_maf(file)


def test_read_maf_samples__reads_maftools_files(data_dir):
    folder = data_dir / "immunotherapy/variants"
    laml = read_maf_samples(folder / "tcga_laml.maf.gz")
    assert len(laml) == 193
    assert (
        sum(len(found) for found in laml.values()) == 2002 + 1
    )  # its SNP rows, and a deletion with a base left
    assert sum(sum(found.skipped.values()) for found in laml.values()) == 204
    assert {found.assembly for found in laml.values()} == {"GRCh37"}
    fractions = [v.evidence.tumour_vaf for found in laml.values() for v, _ in found if v.evidence.tumour_vaf]
    assert 0.3 < sorted(fractions)[len(fractions) // 2] < 0.5
    apl = read_maf_samples(folder / "APL_primary.maf.gz")  # its lines end as those of the first Macintoshes
    assert sum(len(found) + sum(found.skipped.values()) for found in apl.values()) == 269
    (brca,) = read_maf_samples(folder / "brca.maf.gz").values()
    assert len(brca) == 1913
