"""Proteins of changes as VEP and our own caller state them."""

import pytest

from tumorboard.core.variant import TranscriptChange
from tumorboard.immunotherapy.peptides.altered_protein import ProteinEdit
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal, change_name, protein_of_change

PROTEIN = "MTEYKLVVVGAGGVGKSALTIQL"


def made(term, position, was, now, protein=PROTEIN, mutant=None):
    terms = tuple(term.split("&"))
    return protein_of_change(TranscriptChange("G", "T1", terms, position, was, now, protein, mutant))


@pytest.mark.parametrize(
    ("term", "position", "was", "now", "sequence", "name"),
    [
        ("missense_variant", 12, "G", "V", "MTEYKLVVVGAVGVGKSALTIQL", "G12V"),
        ("missense_variant&splice_region_variant", 1, "M", "L", "LTEYKLVVVGAGGVGKSALTIQL", "M1L"),
        ("missense_variant", 12, "GG", "VA", "MTEYKLVVVGAVAVGKSALTIQL", "G12_G13delinsVA"),
        # The first of both stays: one residue changes.
        ("missense_variant", 11, "AG", "AV", "MTEYKLVVVGAVGVGKSALTIQL", "G12V"),
        ("inframe_deletion", 7, "VVV", "", "MTEYKLGAGGVGKSALTIQL", "V7_V9del"),
        ("inframe_deletion", 6, "LVV", "L", "MTEYKLVGAGGVGKSALTIQL", "V8_V9del"),
        ("protein_altering_variant", 6, "LV", "P", "MTEYKPVVGAGGVGKSALTIQL", "L6_V7delinsP"),
        # VEP states an insertion between 10 and 11 as 10-11; the residue before it counts.
        ("inframe_insertion", 10, "", "SVD", "MTEYKLVVVGSVDAGGVGKSALTIQL", "G10_A11insSVD"),
        ("inframe_insertion", 10, "G", "GSVD", "MTEYKLVVVGSVDAGGVGKSALTIQL", "G10_A11insSVD"),
        ("inframe_insertion&stop_gained", 10, "G", "GP*", "MTEYKLVVVGP", "A11delinsP*"),
        ("stop_gained&missense_variant", 10, "GA", "P*", "MTEYKLVVVP", "G10delinsP*"),
    ],
)
def test_protein_of_change__replaces_residues(term, position, was, now, sequence, name):
    protein = made(term, position, was, now)
    assert (protein.sequence, protein.change) == (sequence, name)
    assert protein.wild_type == PROTEIN


def test_protein_of_change__takes_the_stated_protein_of_a_frameshift():
    protein = made("frameshift_variant", 12, "G", "X", mutant="MTEYKLVVVGACWRRSALT")
    assert protein.change == "FS 12"
    # What follows is new throughout, although it ends with the same letter by chance.
    assert protein.edits == (ProteinEdit(11, 23, 11, 19),)
    assert made("frameshift_variant", 12, "G", "X", mutant="MTEYKLVVVGACWRR*KK").sequence.endswith("WRR")


def test_protein_of_change__a_frameshift_may_be_as_long_by_chance():
    shifted = "MTEYKLVVVGACWRRSALTCQQL"
    assert made("frameshift_variant", 12, "G", "X", mutant=shifted).change == "FS 12"
    assert len(shifted) == len(PROTEIN)


def test_protein_of_change__takes_the_stated_protein_behind_a_lost_stop():
    protein = made("stop_lost", 24, "*", "R", mutant=PROTEIN + "RPPGKLW")
    assert (protein.change, protein.edits) == ("ext 24", (ProteinEdit(23, 23, 23, 30),))


def test_protein_of_change__keeps_an_unknown_residue_in_its_place():
    assert made("missense_variant", 12, "G", "X").sequence[11] == "X"


@pytest.mark.parametrize(
    ("term", "position", "was", "now", "mutant", "reason"),
    [
        ("synonymous_variant", 12, "G", "G", None, "NO_PROTEIN_CHANGE"),
        ("intron_variant", None, "", "", None, "NO_PROTEIN_CHANGE"),
        ("stop_retained_variant", 24, "*", "*", None, "NO_PROTEIN_CHANGE"),
        ("missense_variant", 12, "G", "G", None, "NO_PROTEIN_CHANGE"),
        ("stop_gained", 12, "G", "*", None, "STOP_GAINED"),
        ("frameshift_variant", 12, "G", "X", "MTEYKLVVVGA", "STOP_GAINED"),
        ("start_lost", 1, "M", "V", None, "START_LOST"),
        ("frameshift_variant&start_lost", 1, "M", "X", "MTA", "START_LOST"),
        ("frameshift_variant", 12, "G", "X", None, "NO_PROTEIN_SEQUENCE"),
        ("stop_lost", 24, "*", "R", None, "NO_PROTEIN_SEQUENCE"),
        ("inframe_deletion", 22, "QL*", "", None, "NO_PROTEIN_SEQUENCE"),
        ("splice_acceptor_variant&intron_variant", None, "", "", None, "NO_PROTEIN_SEQUENCE"),
        ("splice_donor_variant&coding_sequence_variant", None, "", "", None, "NO_PROTEIN_SEQUENCE"),
        (
            "incomplete_terminal_codon_variant&coding_sequence_variant",
            23,
            "L",
            "X",
            None,
            "INCOMPLETE_TRANSCRIPT",
        ),
        ("missense_variant", 12, "A", "V", None, "REFERENCE_MISMATCH"),
        ("missense_variant", 99, "G", "V", None, "REFERENCE_MISMATCH"),
        ("inframe_insertion", 40, "", "V", None, "REFERENCE_MISMATCH"),
        # The two stated proteins differ long before the change.
        ("frameshift_variant", 12, "G", "X", "MTCYKLVVVGACWRRSALT", "REFERENCE_MISMATCH"),
    ],
)
def test_protein_of_change__says_why_there_is_none(term, position, was, now, mutant, reason):
    refusal = made(term, position, was, now, mutant=mutant)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.name == reason
    assert refusal.note


def test_protein_of_change__needs_the_normal_protein():
    assert made("missense_variant", 12, "G", "V", protein=None).reason.name == "NO_PROTEIN_SEQUENCE"


def test_change_name__of_one_residue_that_goes():
    assert change_name("MAGK", "MAK", ProteinEdit(2, 3, 2, 2)) == "G3del"
