"""Peptides of small variants: nothing is lost, neighbours are heeded, reasons are given."""

from collections import Counter
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies as st

from tumorboard.core.neopeptide import DropReason
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import Phase, SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides.haplotype_of_bases import BaseHaplotypes
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal, protein_of_change
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.peptides.small_variants import VariantFilter, neopeptides
from tumorboard.immunotherapy.peptides.windows import find_windows
from tumorboard.immunotherapy.variants import Copies, call_consequences, pair_of
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex

PROTEIN = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAG"
ALL = VariantFilter(passing_only=False)


def variant(position, phase=None, **more):
    return SmallVariant("1", position, "A", "C", phase=phase and Phase("b", phase - 1), **more)


def missense(position, residue, transcript="T1", protein=PROTEIN, **more):
    was = protein[position - 1]
    return TranscriptChange("G", transcript, ("missense_variant",), position, was, residue, protein, **more)


def origins(found):
    return [origin for peptide in found.kept for origin in peptide.origins]


@st.composite
def annotated(draw):
    """Variants of repeating proteins, of every kind."""
    proteins = draw(st.lists(st.text("ACDX", min_size=3, max_size=30), min_size=1, max_size=3))
    variants = []
    for number in range(draw(st.integers(1, 4))):
        changes = []
        for index, protein in enumerate(proteins):
            position = draw(st.integers(1, len(protein)))
            was, now = protein[position - 1], draw(st.text("ACDX*", max_size=3))
            term = draw(
                st.sampled_from(
                    [
                        "missense_variant",
                        "frameshift_variant",
                        "stop_lost",
                        "synonymous_variant",
                        "start_lost",
                    ]
                )
            )
            mutant = draw(st.sampled_from([None, protein[: position - 1] + "CCADACA"]))
            changes.append(TranscriptChange("G", f"T{index}", (term,), position, was, now, protein, mutant))
        phase = draw(st.sampled_from([None, 1, 2]))
        variants.append((variant(10 * number + 1, phase), changes))
    return variants


@hypothesis.settings(max_examples=40)
@hypothesis.given(annotated(), st.sets(st.integers(2, 9), min_size=1))
def test_neopeptides__every_transcript_of_every_variant_is_told(variants, lengths):
    found = neopeptides(variants, lengths, choose=ALL)
    told = {(dropped.event, dropped.transcript) for dropped in found.dropped}
    told |= {(event, origin.transcript) for origin in origins(found) for event in origin.events}
    assert told == {(one.name, change.transcript) for one, changes in variants for change in changes}
    keys = [(peptide.sequence, peptide.wild_type, peptide.events) for peptide in found.kept]
    assert len(keys) == len(set(keys))


@hypothesis.settings(max_examples=40)
@hypothesis.given(annotated(), st.sets(st.integers(2, 9), min_size=1))
def test_neopeptides__kept_and_dropped_add_up(variants, lengths):
    """One variant a transcript: what the change reaches is what is kept and dropped."""
    (one, changes), *_ = variants
    found = neopeptides([(one, changes)], lengths, choose=ALL)
    expected = Counter()
    for change in changes:
        made = protein_of_change(change)
        expected[change.transcript] = 0 if isinstance(made, Refusal) else len(find_windows(made, lengths))
    counted = Counter(origin.transcript for origin in origins(found))
    counted += Counter(dropped.transcript for dropped in found.dropped if dropped.sequence)
    assert counted == +expected


@hypothesis.settings(max_examples=40)
@hypothesis.given(annotated(), st.sets(st.integers(2, 9), min_size=1))
def test_neopeptides__of_one_variant_does_not_depend_on_the_order_of_lengths_and_transcripts(
    variants, lengths
):
    (one, changes), *_ = variants
    there = neopeptides([(one, changes)], lengths, choose=ALL)
    back = neopeptides([(one, changes[::-1])], sorted(lengths, reverse=True), choose=ALL)
    assert {peptide.sequence for peptide in there.kept} == {peptide.sequence for peptide in back.kept}
    assert there.counts() == back.counts()


def test_neopeptides__merges_the_transcripts_of_an_event():
    other = "MAAAA" + PROTEIN[1:]
    here = variant(5)
    found = neopeptides([(here, [missense(12, "V"), missense(16, "V", "T2", other)])], [9], choose=ALL)
    assert len(found.kept) == 9
    assert all([origin.transcript for origin in peptide.origins] == ["T1", "T2"] for peptide in found.kept)
    assert [origin.start for origin in found.kept[0].origins] == [4, 8]
    assert found.provenance.parameters["lengths_residues"] == [9]


def test_neopeptides__neighbours_on_the_same_copy_share_peptides():
    pair = [(variant(5, 1), [missense(12, "V")]), (variant(9, 1), [missense(14, "E")])]
    found = neopeptides(pair, [9], choose=ALL)
    both = [peptide for peptide in found.kept if len(peptide.events) == 2]
    assert {peptide.sequence for peptide in both} == {
        (PROTEIN[:11] + "VGE" + PROTEIN[14:])[s : s + 9] for s in range(5, 12)
    }
    assert {len(peptide.events) for peptide in found.kept} == {1, 2}
    assert all(peptide.origins[0].change == "G12V + V14E" for peptide in both)
    # On different copies each is for itself.
    apart = neopeptides([pair[0], (variant(9, 2), pair[1][1])], [9], choose=ALL)
    assert len(apart.kept) == 18
    assert all(len(peptide.events) == 1 for peptide in apart.kept)
    assert not apart.dropped


def test_neopeptides__far_neighbours_do_not_matter():
    pair = [(variant(5, 1), [missense(12, "V")]), (variant(9, 1), [missense(21, "E")])]
    assert all(len(peptide.events) == 1 for peptide in neopeptides(pair, [9], choose=ALL).kept)
    near = neopeptides(pair, [10], choose=ALL)
    assert sum(len(peptide.events) == 2 for peptide in near.kept) == 1


def test_neopeptides__a_germline_neighbour_is_in_the_normal_peptide_too():
    germline = (variant(9, 1, somatic=False), [missense(14, "E")])
    found = neopeptides([(variant(5, 1), [missense(12, "V")])], [9], choose=ALL, neighbours=[germline])
    shown = next(peptide for peptide in found.kept if peptide.sequence == "VGAVGEGKS")
    assert shown.wild_type == "VGAGGEGKS"
    assert shown.new_positions == (3,)
    assert shown.events == ("1-5-A-C", "1-9-A-C")
    assert len(found.kept) == 9


def test_neopeptides__a_neighbour_of_unknown_copy_is_left_out_and_told():
    germline = (variant(9, somatic=False, homozygous=False), [missense(14, "E")])
    found = neopeptides([(variant(5), [missense(12, "V")])], [9], choose=ALL, neighbours=[germline])
    assert {peptide.sequence for peptide in found.kept} == {
        (PROTEIN[:11] + "V" + PROTEIN[12:])[s : s + 9] for s in range(3, 12)
    }
    doubtful = [peptide for peptide in found.kept if "V14E not phased" in peptide.origins[0].change]
    assert len(doubtful) == 7
    assert found.counts() == {"UNPHASED_NEIGHBOUR": 7}
    assert {dropped.sequence for dropped in found.dropped} == {
        (PROTEIN[:11] + "VGE" + PROTEIN[14:])[s : s + 9] for s in range(5, 12)
    }
    homozygous = (variant(9, somatic=False, homozygous=True), [missense(14, "E")])
    sure = neopeptides([(variant(5), [missense(12, "V")])], [9], choose=ALL, neighbours=[homozygous])
    assert not sure.dropped


def test_neopeptides__a_silent_change_does_not_hide_the_deletion_that_it_meets():
    # What both make of the codon only the bases tell: unknown, but not unchanged.
    protein = "MAKLDNESTTTTRLPPSKHVLKAI"
    silent = TranscriptChange("G", "T1", ("synonymous_variant",), 12, "T", "T", protein)
    deletion = TranscriptChange("G", "T1", ("inframe_deletion",), 12, "T", "", protein)
    pair = [(variant(5, 1), [silent]), (SmallVariant("1", 8, "ACGT", "A", phase=Phase("b", 0)), [deletion])]
    found = neopeptides(pair, [9], choose=ALL)
    assert not found.kept
    unknown = {one.sequence for one in found.dropped if "bases are needed" in one.note}
    assert unknown == {"MAKLDNESTTTRLPPSKHVLKAI"[s : s + 9] for s in range(3, 8)}


@pytest.mark.parametrize("somatic", [True, False])
def test_neopeptides__a_homozygous_neighbour_does_not_phase_others(somatic):
    # On every copy with both, it does not say that both are on one.
    everywhere = (variant(9, somatic=False, homozygous=True), [missense(14, "E")])
    here = (variant(5), [missense(12, "V")])
    near = (variant(7, somatic=somatic, homozygous=False), [missense(16, "E")])
    found = neopeptides(
        [here, near] if somatic else [here],
        [9],
        choose=ALL,
        neighbours=[everywhere] if somatic else [everywhere, near],
    )
    assert not any({"1-5-A-C", "1-7-A-C"} <= set(peptide.events) for peptide in found.kept)
    told = next(peptide for peptide in found.kept if peptide.sequence == "VGAVGEGKS")
    assert told.origins[0].change == "G12V + V14E, K16E not phased"
    with_it = PROTEIN[:11] + "VGEGE" + PROTEIN[16:]
    assert {one.sequence for one in found.dropped if one.event == "1-5-A-C"} == {
        with_it[s : s + 9] for s in range(7, 12)
    }


def test_neopeptides__variants_of_two_copies_stay_apart_beside_a_homozygous_one():
    everywhere = (variant(9, somatic=False, homozygous=True), [missense(14, "E")])
    pair = [(variant(5, 1), [missense(12, "V")]), (variant(7, 2), [missense(16, "E")])]
    found = neopeptides(pair, [9], choose=ALL, neighbours=[everywhere])
    assert not found.dropped
    assert {origin.change for origin in origins(found)} == {"G12V", "G12V + V14E", "K16E", "K16E + V14E"}


def test_neopeptides__the_other_copys_peptides_hold_homozygous_variants_too():
    # Both copies make the residue, one of them in all cells.
    everywhere = (variant(9, somatic=False, homozygous=True), [missense(14, "E")])
    here, there = (variant(5, 1), [missense(12, "V")]), (variant(6, 2, somatic=False), [missense(12, "V")])
    found = neopeptides([here], [9], choose=ALL, neighbours=[everywhere, there])
    assert not found.kept
    assert set(found.counts()) == {"SELF_SAME_TRANSCRIPT"}


def test_neopeptides__what_bases_alone_can_tell_is_told_by_them():
    cds = "ATGACTGAATATAAACTTGTGGTAGTTGGAGCTGGTGGCGTAGGCAAGAGTGCCTTGACGATACAGCTAATTCAGAATCATTAA"

    class Text:
        def fetch(self, chromosome, first, last):
            return cds[first - 1 : last]

    transcript = Transcript("T1", "G", "1", "+", ((1, len(cds)),), ((1, len(cds)),))
    index = TranscriptIndex.of([transcript])
    pair = [SmallVariant("1", at, cds[at - 1], "A", phase=Phase("b", 1)) for at in (34, 35)]
    variants = [(one, call_consequences(one, index, Text())) for one in pair]
    known = neopeptides(variants, [9], choose=ALL, bases=BaseHaplotypes.of([transcript], Text()))
    assert {peptide.sequence[8] for peptide in known.kept if peptide.sequence.startswith("YKLVVVGA")} == {"N"}
    assert all(len(peptide.events) == 2 for peptide in known.kept)
    if not any(change.codons for _, changes in variants for change in changes):
        unknown = neopeptides(variants, [9], choose=ALL)
        assert not unknown.kept
        assert set(unknown.counts()) == {"NO_PROTEIN_SEQUENCE"}


def test_neopeptides__says_why_variants_and_transcripts_are_left_out():
    many = [
        (SmallVariant("1", 1, "A", "C", ("weak",)), [missense(12, "V")]),
        (variant(2, evidence=VariantEvidence(tumour_vaf=0.01)), [missense(12, "V")]),
        (variant(3, evidence=VariantEvidence(in_tumour=False)), [missense(12, "V")]),
        (variant(4), [missense(12, "V", biotype="nonsense_mediated_decay")]),
        (variant(5), [missense(12, "V", flags=("cds_start_NF",))]),
        (variant(6), [missense(12, "V", gene_tpm=0.5)]),
        (variant(7), [missense(12, "V", gene_tpm=0.5, transcript_tpm=2.0)]),
    ]
    choose = VariantFilter(passing_only=True, least_tumour_vaf=0.05, least_tpm=1)
    found = neopeptides(many, [9], choose=choose)
    assert [dropped.reason for dropped in found.dropped] == [
        DropReason.FILTERED,
        DropReason.NOT_IN_TUMOUR,
        DropReason.NOT_IN_TUMOUR,
        DropReason.NOT_PROTEIN_CODING,
        DropReason.INCOMPLETE_TRANSCRIPT,
        DropReason.NOT_EXPRESSED,
    ]
    assert {peptide.events for peptide in found.kept} == {("1-7-A-C",)}


def test_neopeptides__the_proteome_takes_away_what_it_holds():
    held = "YKLVVVGAV"
    found = neopeptides(
        [(variant(5), [missense(12, "V")])], [9], choose=ALL, proteome=ProteomeIndex.of([f"AA{held}AA"])
    )
    assert held not in {peptide.sequence for peptide in found.kept}
    assert len(found.kept) == 8
    assert [(dropped.reason.name, dropped.sequence) for dropped in found.dropped] == [("SELF_PROTEOME", held)]


def test_neopeptides__refuses_what_makes_no_sense():
    with pytest.raises(InputError, match="lengths"):
        neopeptides([], [], choose=ALL)
    with pytest.raises(InputError, match="twice"):
        neopeptides([(variant(1), []), (variant(1), [])], [9], choose=ALL)
    with pytest.raises(InputError, match="fraction"):
        VariantFilter(passing_only=True, least_tumour_vaf=5)


def test_neopeptides__reads_settle_what_the_file_does_not_say():
    here, near = variant(5), variant(9, somatic=False, homozygous=False)
    somatic, germline = [(here, [missense(12, "V")])], [(near, [missense(14, "E")])]
    same, other = (
        neopeptides(somatic, [9], choose=ALL, neighbours=germline, calls={pair_of(here, near): copies})
        for copies in (Copies.SAME, Copies.OTHER)
    )
    assert sum(len(peptide.events) == 2 for peptide in same.kept) == 7
    assert all(len(peptide.events) == 1 for peptide in other.kept)
    assert not same.dropped
    assert not other.dropped


def test_neopeptides__a_somatic_variant_behind_a_germline_shift_is_told_by_bases_only():
    protein, shifted = "MAVKLGTWRCAVKLGTWRC", "MAVKQQPPRRSSTTVVWW"
    shift = TranscriptChange("G", "T1", ("frameshift_variant",), 5, "L", "X", protein, shifted)
    germline = SmallVariant("1", 2, "AC", "A", somatic=False, homozygous=True)
    change = missense(12, "P", protein=protein)
    found = neopeptides([(variant(30), [change])], [8], choose=ALL, neighbours=[(germline, [shift])])
    assert not found.kept
    assert found.counts() == {"NO_PROTEIN_SEQUENCE": 1}
    assert "bases are needed" in found.dropped[0].note


def test_neopeptides__takes_phases_from_a_file_that_holds_both():
    here = (variant(5), [missense(12, "V", "T1.4")])
    phased = replace(here[0], chromosome="chr1", somatic=False, phase=Phase("p", 1))
    near = (
        SmallVariant("chr1", 9, "A", "C", somatic=False, phase=Phase("p", 1)),
        [missense(14, "E", "T1.5")],
    )
    found = neopeptides([here], [9], choose=ALL, neighbours=[(phased, here[1]), near])
    assert sum(len(peptide.events) == 2 for peptide in found.kept) == 7
    assert not found.dropped
    assert found.provenance.parameters["neighbours"] == 1
    assert found.provenance.parameters["neighbours_in_transcripts"] == 1
    # Of another protein its residues would stand elsewhere.
    elsewhere = (near[0], [missense(14, "E", "T1.5", PROTEIN + "A")])
    alone = neopeptides([here], [9], choose=ALL, neighbours=[elsewhere])
    assert alone.provenance.parameters["neighbours_in_transcripts"] == 0
