import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding.core_windows import best_cores, core_places, core_sequence
from tumorboard.immunotherapy.residues import RESIDUES

PEPTIDES = st.text(RESIDUES, min_size=9, max_size=30)
ENDS = st.text(RESIDUES, max_size=6)


@given(PEPTIDES, ENDS, ENDS)
def test_core_places__adding_residues_at_the_ends_removes_no_core(peptide, before, after):
    longer = core_places(before + peptide + after)
    inner = longer[len(before) : len(before) + len(peptide) - 8]
    assert [core for _, core, _ in core_places(peptide)] == [core for _, core, _ in inner]


@given(PEPTIDES, ENDS, ENDS)
def test_core_places__residues_beyond_the_flanks_leave_a_core_as_it_was(peptide, before, after):
    inside = before + peptide + after
    for offset, (left, core, right) in enumerate(core_places(peptide)):
        longer_left, longer_core, longer_right = core_places(inside)[offset + len(before)]
        assert longer_core == core
        assert longer_left.endswith(left)
        assert longer_right.startswith(right)
        if len(left) == 3:
            assert longer_left == left
        if len(right) == 3:
            assert longer_right == right


@given(PEPTIDES)
def test_core_places__are_as_many_as_fit(peptide):
    assert len(core_places(peptide)) == len(peptide) - 8


@pytest.mark.parametrize("peptide", ["", "PKYVKQNT"])
def test_core_places__need_nine_residues(peptide):
    with pytest.raises(InputError, match="9 residues at least"):
        core_places(peptide)


@pytest.mark.parametrize("offset", [-1, 5])
def test_core_sequence__refuses_an_offset_without_a_core(offset):
    with pytest.raises(InputError, match="must be 0 to 4"):
        core_sequence("PKYVKQNTLKLAT", offset)


def test_best_cores__ignores_what_lies_past_the_last_core():
    scores = np.array([[[0.0, 1.0, 9.0]], [[0.0, 1.0, 9.0]], [[2.0, 2.0, 0.0]]], np.float32)
    assert best_cores(scores, np.array([10, 11, 11])).tolist() == [[1], [2], [0]]
