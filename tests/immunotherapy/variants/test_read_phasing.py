"""From counts of fragments to copies."""

import hypothesis
import pytest
from hypothesis import strategies as st

from tumorboard.core.shared_reads import SharedReads
from tumorboard.core.variant import Phase, SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants.phase_groups import Copies
from tumorboard.immunotherapy.variants.read_phasing import pairs_to_phase, phase_from_reads

COUNTS = st.integers(0, 2000)


def call(both, only_first, only_second, neither=0, *, germline=False, error=0.01, confidence=0.99):
    reads = SharedReads("a", "b", both, only_first, only_second, neither)
    return phase_from_reads(
        reads, error_rate=error, least_confidence=confidence, second_in_every_cell=germline
    )


@hypothesis.given(COUNTS, COUNTS, st.floats(0.001, 0.4))
def test_phase_from_reads__is_bayes_with_even_odds(both, against, error):
    made = call(both, against, against, error=error)
    lead = abs(both - against)
    assert made.confidence == pytest.approx(1 / (1 + (error / (1 - error)) ** lead), abs=1e-12)
    assert (made.for_same, made.for_other) == (both, against)


@hypothesis.given(COUNTS, COUNTS)
def test_phase_from_reads__same_and_other_mirror_each_other(both, against):
    mirror = {Copies.SAME: Copies.OTHER, Copies.OTHER: Copies.SAME, Copies.UNKNOWN: Copies.UNKNOWN}
    there, back = call(both, against, against), call(against, both, both)
    assert back.copies is mirror[there.copies]
    assert back.confidence == there.confidence


def test_phase_from_reads__cells_without_a_somatic_variant_do_not_speak_against_it():
    # A germline variant is on fragments of normal cells too.
    assert call(8, 0, 200, 190, germline=True).copies is Copies.SAME
    # Of two somatic ones one came later, in some of the cells.
    assert call(8, 40, 0, 100).copies is Copies.SAME
    assert call(0, 40, 35, 100).copies is Copies.OTHER
    # A germline variant on the other copy: no fragment holds both.
    assert call(0, 12, 100, germline=True).copies is Copies.OTHER


def test_phase_from_reads__few_or_torn_fragments_do_not_tell():
    assert call(1, 0, 0, confidence=0.995).copies is Copies.UNKNOWN
    assert call(2, 0, 0, confidence=0.995).copies is Copies.SAME
    assert call(9, 9, 9).copies is Copies.UNKNOWN
    assert call(0, 0, 0, 50).copies is Copies.UNKNOWN
    assert call(0, 0, 0, confidence=0.5).copies is Copies.UNKNOWN


@pytest.mark.parametrize(("error", "confidence"), [(0.0, 0.9), (0.5, 0.9), (0.01, 1.0), (0.01, 0.4)])
def test_phase_from_reads__refuses_no_probabilities(error, confidence):
    with pytest.raises(InputError, match="probability"):
        call(1, 0, 0, error=error, confidence=confidence)


def test_pairs_to_phase__are_near_unknown_and_somatic():
    somatic = [SmallVariant("1", at, "A", "C") for at in (100, 390)]
    germline = SmallVariant("chr1", 120, "G", "T", somatic=False)
    fixed = SmallVariant("1", 130, "G", "T", somatic=False, homozygous=True)
    other = SmallVariant("1", 150, "G", "T", somatic=False)
    known = SmallVariant("1", 90, "G", "T", phase=Phase("b", 0))
    told = SmallVariant("1", 95, "G", "T", phase=Phase("b", 1))
    pairs = pairs_to_phase([*somatic, germline, fixed, other, known, told], 260)
    names = {(one.position, other.position) for one, other in pairs}
    assert names == {
        (90, 100), (90, 120), (90, 150), (95, 100), (95, 120), (95, 150), (100, 120), (100, 150), (390, 150)
    }  # fmt: skip
    with pytest.raises(InputError, match="within_bases"):
        pairs_to_phase(somatic, 0)
