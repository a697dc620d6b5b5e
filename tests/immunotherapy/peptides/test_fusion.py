import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.neopeptide import DropReason, OriginKind
from tumorboard.core.variant import Fusion
from tumorboard.immunotherapy.peptides.fusion import fusion_peptides, fusion_protein
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.io.fusions_arriba import read_arriba_fusions

RESIDUES = st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=40)


def fused(peptide, joint, *, in_frame, resume=None, **changes):
    values = {
        "gene_5": "A", "gene_3": "B", "breakpoint_5": "1:10", "breakpoint_3": "2:20", "reads": 9,
        "confidence": "", "transcript_5": "T1.2", "transcript_3": "T2", "caller": "Arriba",
    } | changes  # fmt: skip
    return Fusion(peptide=peptide, joint=joint, in_frame=in_frame, resume=resume, **values)


def sequences(found):
    return [peptide.sequence for peptide in found.kept]


def test_fusion_peptides__in_frame_cross_the_joint():
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=True, resume=5)], [8, 9])
    assert sequences(found) == ["TYKRQEDP", "YKRQEDPK", "KRQEDPKW", "TYKRQEDPK", "YKRQEDPKW"]
    assert {peptide.new_positions for peptide in found.kept} == {()}
    origin = found.kept[1].origins[0]
    assert (origin.kind, origin.gene, origin.transcript, origin.change, origin.start) == (
        OriginKind.FUSION,
        "A--B",
        "T1.2--T2",
        "fusion in frame",
        2,
    )


def test_fusion_peptides__a_codon_across_the_joint_is_new():
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=True, resume=6)], [4])
    assert sequences(found) == ["KRQE", "RQED", "QEDP", "EDPK"]
    assert [peptide.new_positions for peptide in found.kept] == [(3,), (2,), (1,), (0,)]


def test_fusion_peptides__out_of_frame_run_to_the_stop():
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=False)], [8])
    assert sequences(found) == ["TYKRQEDP", "YKRQEDPK", "KRQEDPKW"]
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=False)], [4])
    assert sequences(found) == ["KRQE", "RQED", "QEDP", "EDPK", "DPKW"]
    assert found.kept[-1].new_positions == (0, 1, 2, 3)


def test_fusion_peptides__of_unknown_frame_cross_the_joint():
    assert sequences(fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=None)], [4])) == [
        "KRQE",
        "RQED",
        "QEDP",
    ]


def test_fusion_peptides__say_why_there_is_none():
    found = fusion_peptides(
        [
            fused(None, None, in_frame=None, breakpoint_5="1:1"),
            fused("TYKRQ", 5, in_frame=False, ends_at_joint=True, breakpoint_5="1:2"),
            fused("TYKRQED", 5, in_frame=False, breakpoint_5="1:3"),
            fused("TYKUQEDP", 5, in_frame=False, breakpoint_5="1:4"),
        ],
        [8],
    )
    assert not found.kept
    assert [dropped.reason for dropped in found.dropped] == [
        DropReason.NO_PROTEIN_SEQUENCE,
        DropReason.STOP_GAINED,
        DropReason.TOO_SHORT,
        DropReason.NONSTANDARD_RESIDUE,
    ]
    assert found.dropped[3].sequence == "TYKUQEDP"


def test_fusion_peptides__leaves_out_what_few_reads_support():
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=False)], [8], least_reads=10)
    assert not found.kept
    assert [(d.reason, d.note) for d in found.dropped] == [(DropReason.FEW_READS, "9, below 10")]
    assert fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=False)], [8], least_reads=9).kept


def test_fusion_peptides__brings_transcripts_of_one_fusion_together():
    one = fused("TYKRQEDP", 5, in_frame=True, resume=5)
    two = fused("TYKRQEDP", 5, in_frame=True, resume=5, transcript_3="T3")
    (peptide,) = fusion_peptides([one, two], [8]).kept
    assert [origin.transcript for origin in peptide.origins] == ["T1.2--T2", "T1.2--T3"]


@given(protein=RESIDUES, data=st.data())
def test_fusion_peptides__a_protein_fused_to_itself_gives_none(protein, data):
    joint = data.draw(st.integers(0, len(protein)))
    fusion = fused(protein, joint, in_frame=True, resume=joint)
    found = fusion_peptides([fusion], [3, 8], proteins={"T1": protein})
    assert not found.kept
    assert {dropped.reason for dropped in found.dropped if dropped.sequence} <= {
        DropReason.SELF_SAME_TRANSCRIPT
    }


def test_fusion_peptides__are_compared_with_a_proteome():
    proteome = ProteomeIndex.of(["AATYKRQEDPAA"])
    found = fusion_peptides([fused("TYKRQEDPKW", 5, in_frame=True, resume=5)], [8], proteome=proteome)
    assert sequences(found) == ["YKRQEDPK", "KRQEDPKW"]
    assert [(d.sequence, d.reason) for d in found.dropped] == [("TYKRQEDP", DropReason.SELF_PROTEOME)]


@given(
    head=RESIDUES, tail=RESIDUES, length=st.integers(1, 15), in_frame=st.booleans(), across=st.integers(0, 2)
)
def test_fusion_peptides__cross_the_joint_or_lie_in_the_new_frame(head, tail, length, in_frame, across):
    joint = len(head)
    resume = joint + min(across, len(tail)) if in_frame else None
    found = fusion_peptides([fused(head + tail, joint, in_frame=in_frame, resume=resume)], [length])
    last = len(head + tail) if resume is None else resume
    expected = {
        (head + tail)[start : start + length]
        for start in range(len(head + tail) - length + 1)
        if start + length > joint and (start < last if last > joint else start < joint)
    }
    assert set(sequences(found)) == expected
    for peptide in found.kept:
        start = peptide.origins[0].start - 1
        assert peptide.new_positions == tuple(k for k in range(length) if joint <= start + k < last)


def test_fusion_protein__finds_partners_with_or_without_version():
    made = fusion_protein(fused("MKLT", 2, in_frame=False), {"T1": "MKVV", "T2": "MLT"})
    assert made.other_normals == ("MKVV", "MLT")


def pvacfuse_windows(path, lengths):
    """All windows that pVACfuse's subsequences hold: on both sides of the joint, or from it to the stop."""
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            text = row["peptide_sequence"]
            # It leaves out sequences with other signs whole.
            if row["reading_frame"] not in ("in-frame", "out-of-frame") or "?" in text:
                continue
            joint = text.index("|")
            protein = text.replace("|", "").partition("*")[0].upper()
            name = f"{row['#gene1']}--{row['gene2']} {row['breakpoint1']}|{row['breakpoint2']}"
            here = found.setdefault(name, set())
            for length in lengths:
                end = joint + length - 1 if row["reading_frame"] == "in-frame" else len(protein)
                piece = protein[max(joint - length + 1, 0) : end]
                here |= {piece[k : k + length] for k in range(len(piece) - length + 1)}
    return found


def test_fusion_peptides__hold_all_that_pvacfuse_lists(data_dir):
    path = data_dir / "immunotherapy" / "pvactools" / "arriba_fusions.tsv"
    lengths = range(8, 12)
    found = fusion_peptides(read_arriba_fusions(path), lengths)
    ours = {}
    for peptide in found.kept:
        ours.setdefault(peptide.events[0], set()).add(peptide.sequence)
    theirs = pvacfuse_windows(path, lengths)
    assert sum(map(len, theirs.values())) == 7425
    assert all(peptides <= ours.get(name, set()) for name, peptides in theirs.items())
    assert len(found.kept) == 7803
    assert len(ours) == 90
    assert found.counts() == {"NO_PROTEIN_SEQUENCE": 81, "STOP_GAINED": 10}
    # A sequence that it leaves out for one unknown residue far from the joint, and codons across joints.
    more = {name: len(peptides - theirs.get(name, set())) for name, peptides in ours.items()}
    assert max(more.values()) == 240
    assert sorted(set(more.values())) == [0, 2, 4, 16, 240]


def test_fusion_peptides__hold_those_of_a_real_run_of_pvacfuse(data_dir, request):
    fusions = read_arriba_fusions(data_dir / "immunotherapy" / "pvactools" / "arriba_fusions.tsv")
    ours = {(p.gene.replace("--", "-"), p.sequence) for p in fusion_peptides(fusions, [9]).kept}
    file = "validation/immunotherapy/fusions_and_junctions/pvacfuse_9mers.fasta"
    records = (request.config.rootpath / file).read_text(encoding="utf-8").split(">")[1:]
    assert len(records) == 93
    theirs = set()
    for record in records:
        name, piece = record.split()
        genes = name.partition(".")[2].partition(".ENST")[0]
        theirs |= {(genes, piece[k : k + 9]) for k in range(len(piece) - 8)}
    assert len(theirs) == 1846
    assert theirs <= ours
    # Each of the others begins or ends with a codon across the joint, or lies in what one puts in between.
    assert len(ours - theirs) == 35


def test_fusion_peptides__refuses_lengths_below_one():
    with pytest.raises(ValueError, match="lengths of peptides must be 1 residue or more"):
        fusion_peptides([fused("MKLT", 2, in_frame=False)], [0])
