import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants import TranscriptSite, site_of
from tumorboard.immunotherapy.variants.transcript_site import edit_of, trimmed

FORWARD = Transcript("T", "G", "1", "+", ((11, 20), (31, 40)))
REVERSE = Transcript("T", "G", "1", "-", ((11, 20), (31, 40)))
WORDS = st.text("ACGT", min_size=1, max_size=8)


@given(WORDS, WORDS, WORDS, WORDS)
def test_trimmed__leaves_the_same_change(before, old, new, behind):
    if old == new:
        return
    variant = SmallVariant("1", 50, before + old + behind, before + new + behind)
    position, reference, alternative = trimmed(variant)
    start = position - 50
    text = variant.reference
    assert text[:start] + alternative + text[start + len(reference) :] == variant.alternative
    assert text[start : start + len(reference)] == reference
    assert not (reference and alternative and reference[0] == alternative[0])
    assert not (reference and alternative and reference[-1] == alternative[-1])


@pytest.mark.parametrize(
    ("position", "reference", "alternative", "site"),
    [
        (10, "A", "AT", "OUTSIDE"),  # before the first base
        (11, "A", "AT", "EXON"),
        (20, "A", "AT", "EXON"),  # between exon and intron
        (21, "A", "AT", "SPLICE_SITE"),
        (22, "A", "AT", "INTRON"),
        (28, "A", "AT", "INTRON"),
        (29, "A", "AT", "SPLICE_SITE"),
        (30, "A", "AT", "EXON"),
        (40, "A", "AT", "OUTSIDE"),
        (19, "AAA", "A", "SPLICE_SITE"),
        (22, "AAA", "A", "INTRON"),
        (26, "AAAA", "A", "SPLICE_SITE"),
        (15, "A" * 20, "A", "SPLICE_SITE"),
        (8, "AAAAA", "A", "EDGE"),
        (38, "AAAAA", "A", "EDGE"),
        (1, "A", "T", "OUTSIDE"),
    ],
)
def test_site_of__each_place(position, reference, alternative, site):
    variant = SmallVariant("1", position, reference, alternative)
    assert site_of(FORWARD, variant).name == site
    assert site_of(REVERSE, variant).name == site
    assert (edit_of(FORWARD, variant) is not None) == (site_of(FORWARD, variant) is TranscriptSite.EXON)


def test_edit_of__both_strands():
    variant = SmallVariant("1", 31, "AC", "GG")
    forward, reverse = edit_of(FORWARD, variant), edit_of(REVERSE, variant)
    assert (forward.first, forward.end, forward.bases) == (10, 12, "GG")
    assert (reverse.first, reverse.end, reverse.bases) == (8, 10, "CC")
    assert edit_of(FORWARD, SmallVariant("1", 15, "AC", "A")).growth == -1
