import pytest

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.gtf import read_gtf
from tumorboard.io.junctions_leafcutter import read_leafcutter_junctions
from tumorboard.io.junctions_regtools import read_regtools_bed, read_regtools_junctions
from tumorboard.io.junctions_spladder import read_spladder_junctions
from tumorboard.io.junctions_splice2neo import read_splice2neo_junctions
from tumorboard.io.junctions_star import read_star_junctions


@pytest.fixture
def extdata(data_dir):
    return data_dir / "immunotherapy" / "splice" / "inst" / "extdata"


def by_place(junctions):
    return {(j.chromosome, j.start, j.end): j for j in junctions}


def test_readers__agree_on_the_same_junctions(extdata):
    # One alignment, four files: block borders of BED, exon ends of LeafCutter, exons of SplAdder.
    bed = by_place(read_regtools_bed(extdata / "test_Aligned.out.sorted.bam.junc"))
    leaf = by_place(read_leafcutter_junctions(extdata / "test_perind.counts.gz"))
    spladder = by_place(read_spladder_junctions(extdata / "test_alt_3prime_C3.confirmed.txt.gz"))
    assert set(bed) == {
        ("chr1", 896181, 896672),
        ("chr1", 896181, 897008),
        ("chr1", 889463, 891302),
        ("chr1", 889463, 889843),
    }
    assert set(leaf) == set(bed)
    assert {place: (j.reads, j.strand) for place, j in leaf.items()} == {
        place: (j.reads, j.strand) for place, j in bed.items()
    }
    assert len(set(spladder) & set(bed)) == 3
    assert spladder["chr1", 889463, 891302].reads == bed["chr1", 889463, 891302].reads == 460
    assert spladder["chr1", 896181, 896672].reads == bed["chr1", 896181, 896672].reads == 6


def test_readers__agree_on_an_intron_cut_out_here_and_kept_there(extdata):
    annotated = by_place(read_regtools_junctions(extdata / "test_regtools_Aligned.out.sorted.bam.junc"))
    kept = by_place(read_spladder_junctions(extdata / "test_intron_retention_C3.confirmed.txt.gz"))
    place = ("chr1", 17369, 17605)
    assert (annotated[place].known, annotated[place].kind, annotated[place].retained) == (True, "DA", False)
    assert (kept[place].retained, kept[place].reads, kept[place].gene) == (True, None, "ENSG00000227232.5_3")


def test_readers__agree_on_a_skipped_exon(extdata):
    folder = extdata / "example"
    leaf = by_place(read_leafcutter_junctions(folder / "leafcutter" / "Leafcutter.perind.counts.gz"))
    skip = by_place(read_spladder_junctions(folder / "spladder" / "sample_exon_skip_C3.confirmed.txt.gz"))
    assert leaf["chr22", 20921105, 20922808].reads == 5
    assert skip["chr22", 20921105, 20922808].reads == 27
    assert skip["chr22", 20921105, 20936897].reads == 7


def test_readers__agree_with_an_annotation(extdata):
    # Where a gene of the sample data is in the annotation beside them, introns end where its exons do.
    folder = extdata / "example"
    exons = {
        (transcript.chromosome, base, end)
        for transcript in read_gtf(folder / "gencode.v34lift37.annotation.subset.gtf.gz").transcripts
        for exon in transcript.exons
        for end, base in enumerate(exon)
    }
    junctions = [*read_leafcutter_junctions(folder / "leafcutter" / "Leafcutter.perind.counts.gz")]
    for file in sorted((folder / "spladder").iterdir()):
        junctions += read_spladder_junctions(file)

    def matches(shift):
        return sum(
            ((j.chromosome, j.start - 1 + shift, 1) in exons)
            + ((j.chromosome, j.end + 1 + shift, 0) in exons)
            for j in junctions
        )

    # One base off, only the alternative acceptor that differs by one base fits.
    assert [matches(shift) for shift in (-1, 0, 1)] == [3, 21, 0]


def test_read_regtools_junctions__reads_a_real_file(data_dir):
    path = data_dir / "immunotherapy" / "pvactools" / "HCC1395.splice_junctions.tsv"
    junctions = read_regtools_junctions(path)
    kinds = [junction.kind for junction in junctions]
    assert len(junctions) == 219
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "D": 29,
        "A": 30,
        "NDA": 27,
        "N": 42,
        "DA": 91,
    }
    assert all(junction.known == (junction.kind == "DA") for junction in junctions)
    first = junctions[0]
    assert first.name == "chr1:93221464-93225651:-"
    assert (first.variants, first.gene, first.transcripts) == (("chr1:93226448-93226449",), "", ())


def test_read_spladder_junctions__gives_both_isoforms(extdata):
    found = read_spladder_junctions(extdata / "test_mutex_exons_C3.confirmed.txt.gz")
    assert [(j.start, j.end, j.reads) for j in found[:4]] == [
        (2323398, 2324670, 5),
        (2324795, 2327222, 349),
        (2323398, 2324001, 3),
        (2324671, 2327222, 29),
    ]
    found = read_spladder_junctions(
        extdata / "test_alt_5prime_C3.confirmed.txt.gz", sample="Aligned.out_sorted"
    )
    assert [(j.start, j.end, j.reads, j.strand) for j in found] == [
        (763230, 764382, 4, "+"),
        (763234, 764382, 5, "+"),
        (934994, 935245, 5, "-"),
        (934994, 935071, 86, "-"),
    ]


def test_read_spladder_junctions__refuses_what_it_does_not_know(extdata, tmp_path):
    with pytest.raises(InputError, match=r"sample must name one of aligned.out_sorted in row 1.*got 'other'"):
        read_spladder_junctions(extdata / "test_alt_5prime_C3.confirmed.txt.gz", sample="other")
    path = tmp_path / "events.txt"
    headers = "chrm strand event_id gene_name e1_start e1_end e2_start e2_end e3_start e3_end s:e1e3_conf"
    cells = "chr1 + mult_exon_skip.9 G 1 5 10 15 20 25 3"
    path.write_text(f"{headers}\n{cells}".replace(" ", "\t"), encoding="utf-8")
    with pytest.raises(InputError, match="got 'mult_exon_skip'"):
        read_spladder_junctions(path)


def test_read_star_junctions__reads_a_real_file(extdata):
    found = read_star_junctions(extdata / "test_star_SJ.out.tab")
    assert len(found) == 9
    assert [found[k].strand for k in (0, 3, 5)] == ["+", "-", "."]
    # STAR's own word for the first is annotated, which after two passes means seen in the first as well.
    assert [(j.known, j.reads) for j in found[:2]] == [(None, 0), (False, 0)]
    assert (found[7].name, found[7].reads, found[7].kind) == ("chrX:156021793-156021998:+", 14, "GT/AG")


def test_read_star_junctions__refuses_other_files(tmp_path):
    path = tmp_path / "SJ.out.tab"
    path.write_text("chr1\t5\t9\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match=r"line 1 of SJ.out.tab must have 9 columns.*got 3"):
        read_star_junctions(path)
    path.write_text("chr1\t5\t9\t3\t1\t1\t1\t1\t9\n", encoding="utf-8")
    with pytest.raises(InputError, match="strand of line 1"):
        read_star_junctions(path)


def test_read_regtools_bed__refuses_other_files(extdata, tmp_path):
    with pytest.raises(
        UnreadableFile, match=r"must have 12 columns with two blocks.*read_regtools_junctions"
    ):
        read_regtools_bed(extdata / "test_regtools_Aligned.out.sorted.bam.junc")
    path = tmp_path / "a.bed"
    path.write_text("chr1 10 20 J 1 ? 10 20 0 2 6,4 0,6".replace(" ", "\t"), encoding="utf-8")
    with pytest.raises(InputError, match="must leave an intron between them"):
        read_regtools_bed(path)
    path.write_text("chr1 10 20 J 1 ? 10 20 0 2 5,4, 0,6,".replace(" ", "\t"), encoding="utf-8")
    assert [j.name for j in read_regtools_bed(path)] == ["chr1:16-16:."]


def test_read_leafcutter_junctions__asks_which_sample(tmp_path):
    path = tmp_path / "perind.counts"
    path.write_text(
        "chrom one two\nchr1:10:20:clu_1_NA 0/3 3/3\nchr1:10:30:clu_1 4/4 0/0\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"sample must be named.*one, two; pass sample='one'"):
        read_leafcutter_junctions(path)
    with pytest.raises(InputError, match="sample must be one of one, two"):
        read_leafcutter_junctions(path, sample="three")
    assert [(j.name, j.reads) for j in read_leafcutter_junctions(path, sample="two")] == [("chr1:11-19:.", 3)]
    assert [(j.name, j.reads) for j in read_leafcutter_junctions(path, sample="one")] == [("chr1:11-29:.", 4)]
    path.write_text("chrom one\nchr1:10-20 1/2\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="must be chromosome:start:end:cluster"):
        read_leafcutter_junctions(path)


def test_read_splice2neo_junctions__brings_rows_of_one_junction_together(tmp_path):
    path = tmp_path / "junctions.tsv"
    path.write_text(
        "junc_id\ttx_id\tmut_id\tnumber_supporting_reads\n"
        "chr2:152389996-152392205:-\tT1\tm1\t7\n"
        "chr2:152389996-152392205:-\tT2\tm1\t7\n"
        "chr2_179415987_179415988_-\tT3\tNA\tNA\n",
        encoding="utf-8",
    )
    spliced, kept = read_splice2neo_junctions(path)
    assert (spliced.transcripts, spliced.variants, spliced.reads) == (("T1", "T2"), ("m1",), 7)
    assert (kept.retained, kept.start, kept.end, kept.reads) == (True, 179415988, 179415987, None)


def test_read_splice2neo_junctions__says_how_junctions_are_named(tmp_path):
    path = tmp_path / "junctions.tsv"
    path.write_text("junc_id\nchr2:15-22\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"junc_id in row 1 .* got 'chr2:15-22'"):
        read_splice2neo_junctions(path)
    path.write_text("junction\nchr2:15-22\n", encoding="utf-8")
    with pytest.raises(MissingAttribute, match="column junc_id"):
        read_splice2neo_junctions(path)
