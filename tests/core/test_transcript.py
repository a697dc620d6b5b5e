import pytest

from tumorboard.core import Transcript
from tumorboard.errors import InputError


def test_transcript__counts_bases_and_bounds():
    made = Transcript("T", "G", "1", "+", ((10, 20), (30, 40)), ((15, 20), (30, 32)))
    assert (made.start, made.end, made.coding_length, made.is_coding) == (10, 40, 9, True)
    assert made.overlaps(1, 10)
    assert made.overlaps(25, 25)  # introns included
    assert not made.overlaps(41, 50)


@pytest.mark.parametrize(
    ("phase", "flags", "whole"), [(0, (), True), (1, (), False), (0, ("cds_start_NF",), False)]
)
def test_starts_whole__is_false_where_the_start_is_missing(phase, flags, whole):
    made = Transcript("T", "G", "1", "+", ((10, 20),), ((12, 20),), phase, flags=flags)
    assert made.starts_whole is whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exons": ()}, "exons of T must be one at least"),
        ({"exons": ((30, 40), (10, 20))}, "exons of T must be ascending"),
        ({"exons": ((10, 20), (20, 40))}, "exons of T must be ascending"),
        ({"exons": ((0, 20),)}, "exons of T must be ascending"),
        ({"coding": ((18, 22),)}, "coding bases of T must lie in its exons; got 18-22"),
        ({"strand": "."}, "strand of T must be [+] or -"),
        ({"coding_phase": 3}, "coding_phase of T must be 0, 1 or 2"),
        ({"identifier": ""}, "identifier of a transcript"),
    ],
)
def test_transcript__refuses_what_is_none(change, message):
    values = {
        "identifier": "T",
        "gene": "G",
        "chromosome": "1",
        "strand": "+",
        "exons": ((10, 20), (30, 40)),
        "coding": ((15, 20), (30, 32)),
    }
    with pytest.raises(InputError, match=message):
        Transcript(**(values | change))
