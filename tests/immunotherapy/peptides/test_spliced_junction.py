import pytest

from tumorboard.core.neopeptide import DropReason
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SpliceJunction
from tumorboard.immunotherapy.peptides.spliced_junction import is_annotated, respliced

EXONS = ((5, 8), (12, 14), (18, 21), (25, 26))


def transcript(exons=EXONS, strand="+"):
    return Transcript("T", "G", "1", strand, exons)


def joining(before, behind, strand="+", *, retained=False, chromosome="1"):
    """Return a junction named as splice2neo names it: by the two bases that it joins."""
    return SpliceJunction(
        chromosome, before + 1, behind - 1, strand, 5, "", None, "", (), (), "", retained=retained
    )


# The first nine are splice2neo's own (tests of modify_tx), in its numbers.
@pytest.mark.parametrize(
    ("exons", "junction", "expected", "change"),
    [
        (((2, 3), (5, 6), (10, 15)), joining(3, 10), ((2, 3), (10, 15)), "1 exon skipped"),
        (((2, 3), (10, 30), (40, 50)), joining(15, 20), ((2, 3), (10, 15), (20, 30), (40, 50)), "exitron"),
        (EXONS, joining(7, 12), ((5, 7), (12, 14), (18, 21), (25, 26)), "other donor"),
        (EXONS, joining(8, 18), ((5, 8), (18, 21), (25, 26)), "1 exon skipped"),
        (EXONS, joining(8, 9, retained=True), ((5, 14), (18, 21), (25, 26)), "intron kept"),
        (EXONS, joining(11, 12, retained=True), ((5, 14), (18, 21), (25, 26)), "intron kept"),
        (EXONS, joining(8, 12, retained=True), ((5, 14), (18, 21), (25, 26)), "intron kept"),
        (EXONS, joining(8, 11), ((5, 8), (11, 14), (18, 21), (25, 26)), "other acceptor"),
        (((5, 8), (18, 21)), joining(8, 15, "-"), ((5, 8), (15, 21)), "other donor"),
        (EXONS, joining(8, 13), ((5, 8), (13, 14), (18, 21), (25, 26)), "other acceptor"),
        (EXONS, joining(9, 11), ((5, 9), (11, 14), (18, 21), (25, 26)), "other donor, other acceptor"),
        (EXONS, joining(10, 26), ((5, 10), (26, 26)), "other donor, other acceptor, 2 exons skipped"),
        (EXONS, joining(7, 18, "."), ((5, 7), (18, 21), (25, 26)), "other donor, 1 exon skipped"),
    ],
)
def test_respliced__follows_the_rules_of_splice2neo(exons, junction, expected, change):
    strand = "+" if junction.strand == "." else junction.strand
    made = respliced(transcript(exons, strand), junction)
    assert (made.transcript.exons, made.change) == (expected, change)


@pytest.mark.parametrize(
    ("junction", "reason"),
    [
        (joining(8, 12), DropReason.ANNOTATED_JUNCTION),
        (joining(2, 12), DropReason.OUTSIDE_TRANSCRIPT),
        (joining(21, 27), DropReason.OUTSIDE_TRANSCRIPT),
        (joining(8, 18, "-"), DropReason.OUTSIDE_TRANSCRIPT),
        (joining(8, 18, chromosome="2"), DropReason.OUTSIDE_TRANSCRIPT),
        (joining(8, 13, retained=True), DropReason.OUTSIDE_TRANSCRIPT),
        (joining(6, 7, retained=True), DropReason.OUTSIDE_TRANSCRIPT),  # within an exon: nothing is kept
    ],
)
def test_respliced__says_why_a_junction_does_not_fit(junction, reason):
    assert respliced(transcript(), junction).reason is reason


@pytest.mark.parametrize(
    ("junction", "expected"),
    [
        (joining(8, 12), True),
        (joining(8, 12, chromosome="chr1"), True),
        (joining(8, 12, "."), True),
        (joining(8, 12, "-"), False),
        (joining(8, 18), False),
        (joining(6, 7, retained=True), True),
        (joining(8, 12, retained=True), False),
        (joining(8, 9, retained=True), False),
    ],
)
def test_is_annotated__knows_introns_and_exons_across_them(junction, expected):
    assert is_annotated(transcript(), junction) is expected
