import gzip

import pytest

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.fusions_arriba import read_arriba_fusions
from tumorboard.io.fusions_easyfuse import read_easyfuse_fusions
from tumorboard.io.fusions_star_fusion import read_star_fusions

ARRIBA = (
    "#gene1", "gene2", "breakpoint1", "breakpoint2", "split_reads1", "split_reads2", "discordant_mates",
    "confidence", "reading_frame", "transcript_id1", "transcript_id2", "peptide_sequence",
)  # fmt: skip
STAR = (
    "#FusionName", "JunctionReadCount", "SpanningFragCount", "SpliceType", "LeftGene", "LeftBreakpoint",
    "RightGene", "RightBreakpoint", "CDS_LEFT_ID", "CDS_LEFT_RANGE", "CDS_RIGHT_ID", "CDS_RIGHT_RANGE",
    "PROT_FUSION_TYPE", "FUSION_TRANSL",
)  # fmt: skip


def table(path, headers, *rows, delimiter="\t"):
    path.write_text("\n".join(delimiter.join(row) for row in (headers, *rows)), encoding="utf-8")
    return path


def arriba(tmp_path, peptide, frame):
    row = ("A", "B", "1:10", "2:20", "3", "4", "5", "high", frame, "T1", "T2", peptide)
    (fusion,) = read_arriba_fusions(table(tmp_path / "fusions.tsv", ARRIBA, row))
    return fusion.peptide, fusion.joint, fusion.resume, fusion.ends_at_joint


@pytest.mark.parametrize(
    ("peptide", "frame", "expected"),
    [
        ("MKLT|VWYF", "in-frame", ("MKLTVWYF", 4, 4, False)),
        ("MKLT|vWYF", "in-frame", ("MKLTVWYF", 4, 5, False)),  # a codon across, written behind the joint
        ("MKLt|VWYF", "in-frame", ("MKLTVWYF", 3, 4, False)),  # and before it
        ("MKcT|vWYF", "in-frame", ("MKCTVWYF", 4, 5, False)),  # another base of the patient's, elsewhere
        ("MKLT|gs|VWYF", "in-frame", ("MKLTGSVWYF", 4, 6, False)),  # bases put in between
        ("MKLT|gatMNE", "in-frame", ("MKLTGATMNE", 4, 7, False)),  # begins before the partner's start
        ("MKLT|vwy*", "out-of-frame", ("MKLTVWY", 4, None, False)),
        ("M?KLT|vw?yf*", "out-of-frame", ("KLTVW", 3, None, False)),
        ("MKLT|vw...", "out-of-frame", ("MKLTVW", 4, None, False)),
        ("MK[l]T|v[wy]*", "out-of-frame", ("MKLTVWY", 4, None, False)),
        ("MKLT|*", "out-of-frame", ("MKLT", 4, None, True)),
        ("MKLt|*", "out-of-frame", ("MKLT", 3, None, False)),
        ("MK*LT|vw", ".", (None, None, None, True)),
        (".", "stop-codon", (None, None, None, True)),
        (".", ".", (None, None, None, False)),
    ],
)
def test_read_arriba_fusions__finds_the_joint(tmp_path, peptide, frame, expected):
    assert arriba(tmp_path, peptide, frame) == expected


def test_read_arriba_fusions__reads_a_real_file(data_dir):
    fusions = read_arriba_fusions(data_dir / "immunotherapy" / "pvactools" / "arriba_fusions.tsv")
    assert len(fusions) == 181
    assert sum(fusion.peptide is not None for fusion in fusions) == 93
    assert sum(fusion.in_frame is True for fusion in fusions) == 18
    assert sum(fusion.in_frame is False for fusion in fusions) == 75
    assert sum(fusion.ends_at_joint for fusion in fusions) == 10  # 7 stop before it, 3 right at it
    first = fusions[0]
    assert first.name == "PTEN--ENSG00000200891(21548),MED6P1(31892) chr10:87952259|chr10:88016243"
    assert (first.reads, first.confidence, first.transcript_5) == (315, "high", "ENST00000371953")
    assert first.peptide[first.joint :] == "MGRCMQTYPKVQGS"
    fused = next(fusion for fusion in fusions if (fusion.gene_5, fusion.gene_3) == ("EIF3K", "CYP39A1"))
    assert (fused.joint, fused.resume, fused.peptide[fused.resume :][:5]) == (58, 59, "SIPKN")


def test_read_arriba_fusions__takes_a_packed_file_and_long_lists_of_reads(tmp_path):
    row = ("A", "B", "1:10", "2:20", "3", "4", "5", "low", ".", ".", ".", ".", "r" * 200_000)
    path = tmp_path / "fusions.tsv.gz"
    path.write_bytes(gzip.compress("\n".join("\t".join(r) for r in ((*ARRIBA, "reads"), row)).encode()))
    (fusion,) = read_arriba_fusions(path)
    assert (fusion.reads, fusion.transcript_5, fusion.in_frame) == (12, "", None)


def test_read_arriba_fusions__gives_none_for_headers_alone(tmp_path):
    assert read_arriba_fusions(table(tmp_path / "fusions.tsv", ARRIBA)) == ()


def test_read_arriba_fusions__names_what_is_missing(tmp_path):
    path = table(tmp_path / "fusions.tsv", ARRIBA[:-1], ("A",) * 11)
    with pytest.raises(
        MissingAttribute, match=r"must have the column peptide_sequence; fusions.tsv has gene1"
    ):
        read_arriba_fusions(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="is empty"):
        read_arriba_fusions(path)
    with pytest.raises(
        UnreadableFile, match=r"row 1 of fusions.tsv must have 12 cells, as its headers; got 2"
    ):
        read_arriba_fusions(table(path, ARRIBA, ("A", "B")))
    row = ("A", "B", "1:10", "2:20", "3.5", "4", "5", "low", ".", ".", ".", ".")
    with pytest.raises(
        InputError, match=r"split_reads1 in row 1 of fusions.tsv must be a whole number.*'3.5'"
    ):
        read_arriba_fusions(table(path, ARRIBA, row))


def star(tmp_path, kind, bases, protein):
    row = (
        "THRA--AC090627.1", "88", "97", "ONLY_REF_SPLICE", "THRA^ENSG00000126351.8", "chr17:38243106:+",
        "AC090627.1^ENSG00000235300.3", "chr17:46371709:-", "T1", bases, "T2", "5-90", kind, protein,
    )  # fmt: skip
    (fusion,) = read_star_fusions(table(tmp_path / "star.tsv", STAR, row))
    return fusion


@pytest.mark.parametrize(
    ("kind", "bases", "protein", "expected"),
    [
        ("INFRAME", "1-9", "MKLTVWYF*", ("MKLTVWYF", 3, 3, False)),
        ("INFRAME", "1-10", "MKLTVWYF", ("MKLTVWYF", 3, 4, False)),
        ("FRAMESHIFT", "1-11", "MKLTVW*YF", ("MKLTVW", 3, None, False)),
        ("FRAMESHIFT", "1-12", "MKLT*VW", ("MKLT", 4, None, True)),
        ("FRAMESHIFT", "1-30", "MKLT*VWYF", (None, None, None, True)),
        (".", ".", ".", (None, None, None, False)),
    ],
)
def test_read_star_fusions__finds_the_joint(tmp_path, kind, bases, protein, expected):
    fusion = star(tmp_path, kind, bases, protein)
    assert (fusion.peptide, fusion.joint, fusion.resume, fusion.ends_at_joint) == expected


def test_read_star_fusions__reads_partners(tmp_path):
    fusion = star(tmp_path, "INFRAME", "1-9", "MKLTVWYF")
    assert fusion.name == "THRA--AC090627.1 chr17:38243106|chr17:46371709"
    assert (fusion.reads, fusion.transcript_5, fusion.transcript_3, fusion.in_frame) == (
        185,
        "T1",
        "T2",
        True,
    )


def test_read_star_fusions__refuses_what_it_cannot_place(tmp_path):
    with pytest.raises(InputError, match=r"CDS_LEFT_RANGE in row 1 of star.tsv must be.*got '12'"):
        star(tmp_path, "INFRAME", "12", "MKLTVWYF")
    with pytest.raises(MissingAttribute, match=r"columns cds_left_id, cds_left_range.*fusion_transl"):
        read_star_fusions(table(tmp_path / "star.tsv", STAR[:8], ("A",) * 8))


def easyfuse(tmp_path, **cells):
    # As the README of the program shows it.
    row = {
        "BPID": "8:42968214:+_10:43116584:+",
        "FTID": "HOOK3_8:42968214:+_ENST00000307602_RET_10:43116584:+_ENST00000355710",
        "Fusion_Gene": "HOOK3_RET",
        "Breakpoint1": "8:42968214:+",
        "Breakpoint2": "10:43116584:+",
        "bp1_frame": "0",
        "frame": "in_frame",
        "neo_peptide_sequence": '"NAARSQLETYKRQEDPKWEFPRKNLV"',
        "neo_peptide_sequence_bp": "13",
        "ft_junc_cnt_best": "140",
        "ft_span_cnt_best": "295",
        "prediction_prob": "0.762",
        "prediction_class": "positive",
    } | cells
    path = table(tmp_path / "fusions.pass.csv", tuple(row), tuple(row.values()), delimiter=";")
    (fusion,) = read_easyfuse_fusions(path)
    return fusion


def test_read_easyfuse_fusions__reads_the_documented_row(tmp_path):
    fusion = easyfuse(tmp_path)
    assert fusion.name == "HOOK3--RET 8:42968214|10:43116584"
    assert (fusion.transcript_5, fusion.transcript_3) == ("ENST00000307602", "ENST00000355710")
    assert (fusion.peptide[: fusion.joint], fusion.peptide[fusion.resume :]) == (
        "NAARSQLETYKRQ",
        "EDPKWEFPRKNLV",
    )
    assert (fusion.reads, fusion.confidence, fusion.in_frame) == (435, "positive 0.762", True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"neo_peptide_sequence_bp": "13.3"}, (13, 14)),
        ({"neo_peptide_sequence_bp": "13.6"}, (13, 14)),
        ({"neo_peptide_sequence_bp": "13.0"}, (13, 13)),
        ({"frame": "out_frame"}, (13, None)),
        ({"frame": "neo_frame"}, (13, None)),
        ({"frame": "no_frame", "neo_peptide_sequence": "0", "neo_peptide_sequence_bp": "0"}, (None, None)),
    ],
)
def test_read_easyfuse_fusions__finds_the_joint(tmp_path, cells, expected):
    fusion = easyfuse(tmp_path, **cells)
    assert (fusion.joint, fusion.resume) == expected


def test_read_easyfuse_fusions__prefers_the_whole_protein(tmp_path):
    whole = {
        "fusion_protein_sequence": "MKTNAARSQLETYKRQEDPKWEFPRKNLVLGK",
        "fusion_protein_sequence_bp": "16.0",
    }
    fusion = easyfuse(tmp_path, **whole)
    assert (fusion.peptide, fusion.joint, fusion.resume) == (whole["fusion_protein_sequence"], 16, 16)
    fusion = easyfuse(tmp_path, **whole | {"fusion_protein_sequence": "", "fusion_protein_sequence_bp": "0"})
    assert (len(fusion.peptide), fusion.joint) == (26, 13)
    fusion = easyfuse(tmp_path, **whole | {"fusion_protein_sequence_bp": "40.3"})
    assert (fusion.peptide, fusion.ends_at_joint) == (None, True)
    fusion = easyfuse(tmp_path, **whole | {"fusion_protein_sequence_bp": "32.3"})
    assert (fusion.joint, fusion.resume, fusion.ends_at_joint) == (32, None, True)


def test_read_easyfuse_fusions__parts_names_with_underscores(tmp_path):
    fusion = easyfuse(
        tmp_path,
        FTID="Y_RNA_8:42968214:+_NM_1.2_A_B_10:43116584:+_NM_3.4",
        Fusion_Gene="Y_RNA_A_B",
    )
    assert (fusion.gene_5, fusion.transcript_5, fusion.gene_3, fusion.transcript_3) == (
        "Y_RNA",
        "NM_1.2",
        "A_B",
        "NM_3.4",
    )
