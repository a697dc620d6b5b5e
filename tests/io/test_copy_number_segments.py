import pytest

from tumorboard.core.copy_number import CopyNumberProfile, CopyNumberSegment
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.copy_number_segments import read_copy_number_segments, read_purity
from tumorboard.provenance import Record

SEQUENZA = (
    '"chromosome"\t"start.pos"\t"end.pos"\t"Bf"\t"N.BAF"\t"sd.BAF"\t"depth.ratio"\t"N.ratio"\t"sd.ratio"\t"CNt"\t"A"\t"B"\n'
    '"chr1"\t1001\t5000\t0.3\t20\t0.1\t1.2\t30\t0.2\t3\t2\t1\n'
)
FACETS = (
    "chrom\tseg\tnum.mark\tnhet\tcnlr.median\tstart\tend\tcf.em\ttcn.em\tlcn.em\n"
    "1\t1\t50\t9\t0.4\t1001\t5000\t0.6\t3\t1\n23\t2\t50\t9\t0.4\t1\t5000\t0.6\t1\tNA\n2\t2\t5\t0\t0\t1\t9\t1\tNA\tNA\n"
)
ASCAT = "sample\tchr\tstartpos\tendpos\tnMajor\tnMinor\nS1\t1\t1001\t5000\t2\t1\n"
PURPLE = (
    "chromosome\tstart\tend\tcopyNumber\tbafCount\tminorAlleleCopyNumber\tmajorAlleleCopyNumber\n"
    "chr1\t1001\t5000\t3.02\t40\t0.98\t2.04\nchr2\t1\t5000\t-0.02\t0\t-0.01\t-0.01\n"
)
PLAIN = "chromosome,start,end,total_cn,minor_cn\nchr1,1001,5000,3,1\n"
BED = "#chrom\tchromStart\tchromEnd\ttotal_cn\nchr1\t1000\t5000\t3\n"


@pytest.mark.parametrize("text", [SEQUENZA, FACETS, ASCAT, PURPLE, PLAIN, BED])
def test_read_copy_number_segments__of_each_program(text, tmp_path):
    path = tmp_path / "segments.txt"
    path.write_text(text)
    profile = read_copy_number_segments(path)
    segment = profile.at("chr1", 1001)
    assert segment is profile.at("1", 5000)
    assert round(segment.total) == 3
    assert segment.minor is None if text is BED else round(segment.minor) == 1
    assert profile.at("1", 1000) is None
    assert profile.at("1", 5001) is None


def test_read_copy_number_segments__x_by_its_number_and_rows_without_copies(tmp_path):
    path = tmp_path / "facets.txt"
    path.write_text(FACETS)
    profile = read_copy_number_segments(path)
    assert profile.at("chrX", 10).total == 1
    assert profile.at("chrX", 10).has_lost_heterozygosity is None
    assert profile.at("2", 5) is None
    assert profile.provenance.parameters["rows_left_out"] == 1
    assert profile.provenance.parameters["program"] == "FACETS"


def test_read_copy_number_segments__estimates_below_none_are_none(tmp_path):
    path = tmp_path / "purple.tsv"
    path.write_text(PURPLE)
    assert read_copy_number_segments(path).at("2", 5).total == 0


def test_read_copy_number_segments__may_share_the_base_at_their_border(tmp_path):
    path = tmp_path / "segments.txt"
    path.write_text("chrom\tstart\tend\ttcn.em\tlcn.em\n1\t1\t100\t2\t1\n1\t100\t200\t3\t1\n")
    profile = read_copy_number_segments(path)
    assert [profile.at("chr1", base).total for base in (99, 100, 101)] == [2, 3, 3]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("chrom\tstart\tend\tlog2\n1\t1\t9\t0.3\n", MissingAttribute, "log ratios"),
        ("chromosome\tstart\tend\ttotal_cn\n", InputError, "has none"),
        ("chromosome\tstart\tend\ttotal_cn\n1\t1\t9\ttwo\n", InputError, "total_cn in row 1"),
        ("chromosome\tstart\tend\ttotal_cn\n1\t1\t9\t2\n1\t5\t20\t2\n", InputError, "must not overlap"),
        (ASCAT + "S2\t1\t1001\t5000\t2\t1\n", InputError, "S1, S2"),
    ],
)
def test_read_copy_number_segments__refuses(text, error, words, tmp_path):
    path = tmp_path / "segments.txt"
    path.write_text(text)
    with pytest.raises(error, match=words):
        read_copy_number_segments(path)


def test_read_copy_number_segments__one_sample_of_several(tmp_path):
    path = tmp_path / "ascat.txt"
    path.write_text(ASCAT + "S2\t1\t1001\t5000\t5\t0\n")
    assert read_copy_number_segments(path, sample="S2").at("1", 2000).total == 5


@pytest.mark.parametrize(
    "text",
    [
        '"cellularity"\t"ploidy.estimate"\t"ploidy.mean.cn"\n0.58\t2\t2.1\n0.62\t2.1\t2.1\n0.65\t2.2\t2.1\n',
        "purity\tnormFactor\tscore\n0.62\t1\t0.2\n",
        "sample,purity\nS1,0.62\n",
    ],
)
def test_read_purity__of_each_program(text, tmp_path):
    path = tmp_path / "purity.txt"
    path.write_text(text)
    assert read_purity(path) == 0.62


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ploidy\n2\n", "must have a column purity"),
        ("purity\n62\n", "fraction above 0"),
        ("purity\n0.5\n0.6\n", "must be one"),
        ("sample\tpurity\nS1\t0.5\nS2\t0.6\n", "must be named"),
    ],
)
def test_read_purity__refuses(text, words, tmp_path):
    path = tmp_path / "purity.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_purity(path)


def test_copy_number_segment__refuses():
    with pytest.raises(InputError, match="first to its last"):
        CopyNumberSegment("1", 5, 4, 2)
    with pytest.raises(InputError, match="0 or more"):
        CopyNumberSegment("1", 1, 4, -1)
    with pytest.raises(InputError, match="rarer"):
        CopyNumberSegment("1", 1, 4, 2, 2)
    assert CopyNumberProfile([], Record("example")).at("1", 1) is None
