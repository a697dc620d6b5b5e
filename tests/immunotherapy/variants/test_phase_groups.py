"""Which variants share a copy of their chromosome."""

import hypothesis
import pytest
from hypothesis import strategies as st

from tumorboard.core.variant import Phase, SmallVariant
from tumorboard.immunotherapy.variants.phase_groups import Copies, copies_of, pair_of


def variant(position, reference="A", alternative="C", **more):
    return SmallVariant("chr1", position, reference, alternative, **more)


def test_copies_of__phases_of_one_block_say_it():
    here = variant(10, phase=Phase("10_A_C", 0))
    assert copies_of(here, variant(20, phase=Phase("10_A_C", 0))) is Copies.SAME
    assert copies_of(here, variant(20, phase=Phase("10_A_C", 1))) is Copies.OTHER
    assert copies_of(here, variant(20, phase=Phase("20_A_C", 0))) is Copies.UNKNOWN
    assert copies_of(here, variant(20)) is Copies.UNKNOWN


def test_copies_of__a_homozygous_neighbour_is_on_every_copy():
    germline = variant(20, somatic=False, homozygous=True, phase=Phase("b", 1))
    assert copies_of(variant(10, phase=Phase("b", 0)), germline) is Copies.SAME


def test_copies_of__a_homozygous_somatic_one_says_nothing_of_a_copy_that_may_be_lost():
    somatic = variant(10, homozygous=True, phase=Phase("b", 0))
    germline = variant(20, somatic=False, homozygous=False)
    assert copies_of(somatic, germline) is copies_of(germline, somatic) is Copies.UNKNOWN
    assert copies_of(somatic, germline, {pair_of(somatic, germline): Copies.SAME}) is Copies.SAME
    assert copies_of(somatic, variant(20, somatic=False, homozygous=True)) is Copies.SAME
    assert copies_of(somatic, variant(20)) is Copies.SAME


def test_copies_of__reads_say_it_where_the_file_does_not():
    one, other = variant(10), variant(20)
    calls = {pair_of(one, other): Copies.OTHER}
    assert copies_of(one, other, calls) is Copies.OTHER
    assert copies_of(other, one, calls) is Copies.OTHER
    phased = variant(10, phase=Phase("b", 0)), variant(20, phase=Phase("b", 0))
    assert copies_of(*phased, calls) is Copies.SAME


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (variant(10, "A", "C"), variant(10, "A", "G"), True),
        (variant(10, "AC", "A"), variant(10, "A", "G"), False),
        (variant(10, "ACC", "A"), variant(12, "C", "G"), True),
        (variant(10, "ACC", "A"), variant(13, "G", "T"), False),
        (variant(10, "A", "AT"), variant(10, "A", "AG"), True),
        (variant(10, "A", "AT"), variant(11, "C", "G"), False),
        (variant(10, "ACCC", "A"), variant(11, "C", "CT"), True),
    ],
)
def test_copies_of__no_copy_carries_two_for_the_same_bases(one, other, meet):
    assert (copies_of(one, other) is Copies.OTHER) is meet
    assert (copies_of(other, one) is Copies.OTHER) is meet


def test_copies_of__other_chromosomes_are_other_copies():
    assert copies_of(variant(10), SmallVariant("2", 10, "A", "C")) is Copies.OTHER
    assert copies_of(variant(10, homozygous=True), SmallVariant("1", 20, "A", "C")) is Copies.SAME
    mitochondrial = SmallVariant("chrM", 10, "A", "C", homozygous=True)
    assert copies_of(mitochondrial, SmallVariant("MT", 20, "A", "C")) is Copies.SAME


@hypothesis.given(
    *[st.tuples(st.integers(1, 12), st.text("ACGT", min_size=1, max_size=4), st.sampled_from([None, 0, 1]))]
    * 2
)
def test_copies_of__does_not_depend_on_order(first, second):
    def made(told):
        position, bases, haplotype = told
        return variant(
            position, bases, bases + "A", phase=None if haplotype is None else Phase("b", haplotype)
        )

    assert copies_of(made(first), made(second)) is copies_of(made(second), made(first))
