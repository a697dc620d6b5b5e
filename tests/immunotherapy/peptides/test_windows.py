"""Peptides of altered proteins against plain search."""

import hypothesis
import pytest
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit, edit_between
from tumorboard.immunotherapy.peptides.windows import find_windows

#: Few letters make peptides that occur twice.
RESIDUES = st.text("ACD", min_size=0, max_size=24)


@st.composite
def altered(draw):
    """A protein with one or two edits, of any kind."""
    parts = draw(st.lists(RESIDUES, min_size=2, max_size=3))
    normal, changed, edits = parts[0], parts[0], []
    for part in parts[1:]:
        was, now = draw(st.text("ACD", max_size=4)), draw(st.text("ACDX", max_size=4))
        edits.append(ProteinEdit(len(normal), len(normal) + len(was), len(changed), len(changed) + len(now)))
        normal, changed = normal + was + part, changed + now + part
    return AlteredProtein(changed, normal, tuple(edits), "any")


def words(text, length):
    return {text[i : i + length] for i in range(len(text) - length + 1)}


@hypothesis.settings(max_examples=40)
@hypothesis.given(altered(), st.sets(st.integers(1, 12), min_size=1), RESIDUES)
def test_find_windows__new_is_all_that_no_normal_protein_has(protein, lengths, other):
    protein = AlteredProtein(protein.sequence, protein.wild_type, protein.edits, "any", (other,))
    found = find_windows(protein, lengths)
    expected = set()
    for length in lengths:
        normal = words(protein.wild_type, length) | words(other, length)
        expected |= {word for word in words(protein.sequence, length) - normal if "X" not in word}
    assert {window.sequence for window in found.new} == expected
    assert not {peptide for _, peptide in found.own} & expected
    assert all("X" in peptide for _, peptide in found.nonstandard)


@hypothesis.settings(max_examples=40)
@hypothesis.given(altered(), st.sets(st.integers(1, 12), min_size=1))
def test_find_windows__every_reached_place_is_told_once(protein, lengths):
    found = find_windows(protein, lengths)
    reached = {
        (start, length)
        for length in lengths
        for start in range(len(protein.sequence) - length + 1)
        if any(start < edit.end and start + length > edit.start for edit in protein.edits)
    }
    told = [(window.start, len(window.sequence)) for window in found.new]
    told += [(start, len(peptide)) for start, peptide in (*found.own, *found.nonstandard)]
    assert len(told) == len(found) == len(reached)
    assert set(told) == reached
    assert all(protein.sequence[w.start :].startswith(w.sequence) for w in found.new)


@hypothesis.settings(max_examples=40)
@hypothesis.given(altered(), st.sets(st.integers(1, 12), min_size=1))
def test_find_windows__the_normal_peptide_is_half_the_same(protein, lengths):
    for window in find_windows(protein, lengths).new:
        assert all(0 <= position < len(window.sequence) for position in window.new_positions)
        if window.wild_type is not None:
            assert window.wild_type in protein.wild_type
            same = sum(a == b for a, b in zip(window.sequence, window.wild_type, strict=True))
            assert 2 * same >= len(window.sequence)
            assert window.wild_type != window.sequence


def test_find_windows__a_substitution_keeps_its_place():
    protein = AlteredProtein("MTEYKLVVVGAVGVGKS", "MTEYKLVVVGAGGVGKS", (ProteinEdit(11, 12, 11, 12),), "G12V")
    found = find_windows(protein, [8, 9])
    assert len(found.new) == 6 + 6
    for window in found.new:
        assert window.wild_type == protein.wild_type[window.start : window.start + len(window.sequence)]
        assert window.new_positions == (11 - window.start,)


def test_find_windows__a_deletion_brings_no_new_residue():
    normal, short = "SVSDPSIFVIFEKHQVYSL", "SVSDPSIFEKHQVYSL"
    edit = edit_between(normal, short, in_frame=True)
    found = find_windows(AlteredProtein(short, normal, (edit,), "del"), [8])
    assert all(window.new_positions == () for window in found.new)
    # As pVACseq pairs them on HCC1395: from the left until the right shares more.
    pairs = {window.sequence: window.wild_type for window in found.new}
    assert pairs["DPSIFEKH"] == "DPSIFVIF"
    assert pairs["PSIFEKHQ"] == "FVIFEKHQ"
    assert len(found) == 7


def test_find_windows__behind_a_shifted_frame_nothing_is_paired():
    normal, shifted = "MKGISLQKKLQHVEEDHIKKGAV", "MKGISLQKKTSACRRRPHQERCCLC"
    edit = edit_between(normal, shifted, in_frame=False)
    found = find_windows(AlteredProtein(shifted, normal, (edit,), "FS 10"), [8])
    pairs = {window.sequence: window.wild_type for window in found.new}
    assert pairs["LQKKTSAC"] == "LQKKLQHV"
    assert pairs["QKKTSACR"] is None
    assert all(pairs[window.sequence] is None for window in found.new if len(window.new_positions) == 8)


def test_find_windows__refuses_no_residues():
    with pytest.raises(InputError, match="lengths of peptides"):
        find_windows(AlteredProtein("MA", "MK", (ProteinEdit(1, 2, 1, 2),), "K2A"), [0])


def test_find_windows__too_short_a_protein_has_none():
    assert len(find_windows(AlteredProtein("MA", "MK", (ProteinEdit(1, 2, 1, 2),), "K2A"), [8])) == 0


def test_altered_protein__refuses_edits_that_overlap():
    with pytest.raises(InputError, match="in order"):
        AlteredProtein("MAV", "MKV", (ProteinEdit(1, 2, 1, 2), ProteinEdit(1, 3, 2, 3)), "x")


@hypothesis.given(RESIDUES, RESIDUES, st.booleans())
def test_edit_between__leads_from_one_to_the_other(wild_type, sequence, in_frame):
    edit = edit_between(wild_type, sequence, in_frame=in_frame)
    if edit is None:
        assert wild_type == sequence
        return
    made = (
        wild_type[: edit.reference_start] + sequence[edit.start : edit.end] + wild_type[edit.reference_end :]
    )
    assert made == sequence
    assert AlteredProtein(sequence, wild_type, (edit,), "any").edits == (edit,)
