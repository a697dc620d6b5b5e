"""Nouns of a tumour's changes refuse what is none."""

import pytest

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.neopeptide import (
    DroppedPeptide,
    DropReason,
    Neopeptide,
    NeopeptideSet,
    OriginKind,
    PeptideOrigin,
)
from tumorboard.core.variant import Fusion, Phase, SmallVariant, SpliceJunction, VariantEvidence
from tumorboard.errors import InputError
from tumorboard.provenance import Record


@pytest.mark.parametrize("alternative", ["<DEL>", "*", "", "t", "."])
def test_small_variant__refuses_alleles_without_a_sequence(alternative):
    with pytest.raises(InputError, match="must be bases"):
        SmallVariant("chr1", 10, "A", alternative)


def test_small_variant__ends_at_the_last_base_of_the_reference():
    assert SmallVariant("1", 100, "ACG", "A").end == 102
    with pytest.raises(InputError, match="must differ"):
        SmallVariant("1", 100, "A", "A")
    with pytest.raises(InputError, match="from 1"):
        SmallVariant("1", 0, "A", "T")


def test_evidence__refuses_percent():
    with pytest.raises(InputError, match="divide percent by 100"):
        VariantEvidence(tumour_vaf=40.0)
    with pytest.raises(InputError, match="number of reads"):
        VariantEvidence(rna_depth=-1)


def test_phase__needs_a_block():
    with pytest.raises(InputError, match="named block"):
        Phase("", 0)


def test_fusion__peptide_and_joint_come_together():
    parts = ("A", "B", "1:1", "2:2")
    rest = (True, 3, "high", "", "", "Arriba")
    with pytest.raises(InputError, match="or neither"):
        Fusion(*parts, "MKV", None, *rest)
    with pytest.raises(InputError, match="within its 3"):
        Fusion(*parts, "MKV", 4, *rest)


def test_junction__runs_forward():
    with pytest.raises(InputError, match="first to its last"):
        SpliceJunction("1", 10, 9, "+", 3, "", None, "", (), (), "STAR")


def test_neopeptide__refuses_nonstandard_residues_and_places_outside():
    origin = PeptideOrigin(OriginKind.FUSION, ("A--B",), "A", "T", "fusion", 1)
    with pytest.raises(InputError, match="standard residues"):
        Neopeptide("SIINFEKX", None, (), (origin,))
    with pytest.raises(InputError, match="as long"):
        Neopeptide("SIINFEKL", "SIINFEK", (), (origin,))
    with pytest.raises(InputError, match="lie within"):
        Neopeptide("SIINFEKL", None, (8,), (origin,))


def test_set__counts_reasons_most_first():
    one = DroppedPeptide(DropReason.STOP_GAINED, "", "v", "G", "T")
    two = DroppedPeptide(DropReason.SELF_PROTEOME, "SIINFEKL", "v", "G", "T")
    assert NeopeptideSet((), (one, two, two), Record("x")).counts() == {"SELF_PROTEOME": 2, "STOP_GAINED": 1}


def test_with_phases_of__takes_phases_by_name_and_nothing_else():
    somatic = SmallVariant("chr1", 5, "A", "T", phase=Phase("own", 0))
    unknown = SmallVariant("1", 9, "A", "T", phase=Phase("own", 1))
    germline = SmallVariant("1", 5, "A", "T", somatic=False, phase=Phase("other", 1))
    unphased = SmallVariant("1", 9, "A", "T", somatic=False)
    found = AnnotatedVariants(((somatic, ()), (unknown, ())), {"x": 1}, Record("a"))
    phased = found.with_phases_of(AnnotatedVariants(((germline, ()), (unphased, ())), {}, Record("b")))
    assert [variant.phase for variant, _ in phased] == [Phase("other", 1), Phase("own", 1)]
    assert all(variant.somatic for variant, _ in phased)
    assert phased.skipped == {"x": 1}
    assert [record.operation for record in phased.provenance.inputs] == ["a", "b"]


@pytest.mark.parametrize("resume", [2, 9])
def test_fusion__resumes_between_its_joint_and_its_end(resume):
    with pytest.raises(InputError, match="resume of fusion A--B"):
        Fusion("A", "B", "1:1", "2:2", "MKLTVWYF", 3, True, 5, "", "", "", "", resume=resume)


def test_splice_junction__may_be_a_border_only_if_it_was_kept():
    kept = SpliceJunction("1", 8, 7, "+", None, "", None, "", (), (), "", retained=True)
    assert kept.name == "1:8-7:+ kept"
    with pytest.raises(InputError, match="junction must run from its first"):
        SpliceJunction("1", 8, 7, "+", None, "", None, "", (), (), "")
    with pytest.raises(InputError, match="junction must run from its first"):
        SpliceJunction("1", 8, 6, "+", None, "", None, "", (), (), "", retained=True)
