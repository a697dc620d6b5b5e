"""Laws that hold for any gene and any variant."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_genes import plain_protein, random_variant, synthetic_genes

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants import (
    TranscriptIndex,
    TranscriptSite,
    call_consequences,
    mutant_protein,
    mutant_transcript,
    reverse_complement,
    site_of,
    splice,
    translate,
)
from tumorboard.immunotherapy.variants.consequence_terms import SEVERITY
from tumorboard.immunotherapy.variants.spliced_transcript import coding_span
from tumorboard.immunotherapy.variants.transcript_site import edit_of, trimmed

pytestmark = pytest.mark.slow

SEEDS = st.integers(0, 10**6)


def case(seed, n_genes=4):
    genome, transcripts = synthetic_genes(seed, n_genes=n_genes, n_chromosomes=1)
    rng = np.random.default_rng(seed + 1)
    transcript = transcripts[rng.integers(len(transcripts))]
    return genome, transcript, random_variant(rng, genome, transcript), rng


def with_variant(genome, variant):
    """The genome that carries the variant."""
    bases = genome.chromosomes[variant.chromosome]
    changed = bases[: variant.position - 1] + variant.alternative + bases[variant.end :]
    return dataclasses.replace(genome, chromosomes=genome.chromosomes | {variant.chromosome: changed})


@given(SEEDS)
def test_splice__gives_the_open_frame(seed):
    genome, transcript, _, _ = case(seed)
    spliced = splice(transcript, genome)
    cds = spliced.cdna[spliced.coding_first : spliced.coding_end]
    assert spliced.protein == translate(cds)
    assert (len(spliced.protein) + 1) * 3 == len(cds)
    assert spliced.stop_offset == spliced.coding_end - 3
    assert spliced.flags == ()


@given(SEEDS)
@settings(max_examples=150)
def test_call_consequences__is_the_same_with_the_other_strand_up(seed):
    genome, transcript, variant, _ = case(seed)
    size = len(genome.chromosomes["1"])

    def mirrored(intervals):
        return tuple((size + 1 - e, size + 1 - s) for s, e in intervals[::-1])

    other = dataclasses.replace(
        transcript,
        strand="-" if transcript.strand == "+" else "+",
        exons=mirrored(transcript.exons),
        coding=mirrored(transcript.coding),
    )
    # An indel's anchor goes to its other side; what is left without it is the same bases.
    flipped = SmallVariant(
        "1",
        size + 1 - variant.end,
        reverse_complement(variant.reference),
        reverse_complement(variant.alternative),
    )
    here = call_consequences(variant, [transcript], genome)
    there = call_consequences(flipped, [other], genome.reversed())
    assert [c.mutant_protein for c in here] == [c.mutant_protein for c in there] or _moved(variant)
    if not _moved(variant):
        assert here == there


def _moved(variant):
    """Whether trimming from either side leaves the bases at other places: a repeat."""
    flipped = SmallVariant(
        "1", 1000, reverse_complement(variant.reference), reverse_complement(variant.alternative)
    )
    position, old, _ = trimmed(variant)
    other, gone, _ = trimmed(flipped)
    behind = variant.end - (position + len(old) - 1)
    return (other - 1000, len(gone)) != (behind, len(old))


@given(SEEDS)
@settings(max_examples=150)
def test_mutant_transcript__is_the_transcript_of_the_genome_with_the_variant(seed):
    genome, transcript, variant, _ = case(seed)
    if site_of(transcript, variant) is not TranscriptSite.EXON:
        return
    mutant = mutant_transcript(transcript, genome, [variant])
    grown = len(variant.alternative) - len(variant.reference)
    first = variant.position + 1
    moved = tuple(
        (s + grown * (s > first), e + grown * (e >= first)) if len(variant.reference) == 1 else (s, e)
        for s, e in transcript.exons
    )
    # The length is that of the exons with the variant; for substitutions and insertions inside, so are bases.
    assert len(mutant.cdna) == len(mutant.wild.cdna) + grown
    inside = any(s < variant.position and variant.end < e for s, e in transcript.exons)
    if len(variant.reference) == 1 and inside:
        changed = Transcript("T", "G", "1", transcript.strand, moved)
        assert splice(changed, with_variant(genome, variant)).cdna == mutant.cdna
    kept = mutant.origin >= 0
    same = [mutant.cdna[k] == mutant.wild.cdna[o] for k, o in enumerate(mutant.origin) if o >= 0]
    assert (np.diff(mutant.origin[kept]) > 0).all()
    assert sum(not s for s in same) <= len(variant.alternative)


@given(SEEDS)
@settings(max_examples=150)
def test_call_consequences__there_and_back_gives_the_wild_type(seed):
    genome, transcript, variant, _ = case(seed)
    inside = any(s + 1 < variant.position and variant.end + 1 < e for s, e in transcript.exons)
    # At the ends of coding bases it is open on which side new bases count.
    at_ends = any(variant.position - 1 <= b <= variant.end + 1 for part in transcript.coding for b in part)
    if not transcript.is_coding or not inside or at_ends:
        return
    (there,) = call_consequences(variant, [transcript], genome)
    if there.mutant_protein is None:
        return
    back = SmallVariant("1", variant.position, variant.alternative, variant.reference)
    grown = len(variant.alternative) - len(variant.reference)

    def move(intervals):
        return tuple((s + grown * (s > variant.end), e + grown * (e >= variant.end)) for s, e in intervals)

    changed = dataclasses.replace(transcript, exons=move(transcript.exons), coding=move(transcript.coding))
    returned = mutant_protein(changed, with_variant(genome, variant), [back])
    assert returned.mutant == there.wild_type_protein
    assert returned.wild_type == there.mutant_protein


@given(SEEDS)
@settings(max_examples=200)
def test_call_consequences__terms_and_proteins_agree(seed):
    genome, transcript, variant, _ = case(seed)
    for change in call_consequences(variant, [transcript], genome):
        terms, wild, mutant = set(change.consequences), change.wild_type_protein, change.mutant_protein
        assert terms
        assert [SEVERITY.index(t) for t in change.consequences] == sorted(map(SEVERITY.index, terms))
        if terms & {"splice_donor_variant", "splice_acceptor_variant", "start_lost", "intron_variant"}:
            assert mutant is None
        if "synonymous_variant" in terms or "stop_retained_variant" in terms:
            assert wild == mutant
        if "missense_variant" in terms:
            assert len(wild) == len(mutant)
            assert wild != mutant
        if "stop_gained" in terms and "inframe_insertion" not in terms:
            assert mutant == wild[: len(mutant)] or change.alternative_residues != "*"
        if "stop_lost" in terms:
            assert wild != mutant or "mutant_stop_not_found" in change.flags
        if not terms & {"stop_gained", "stop_lost"}:
            if "inframe_insertion" in terms:
                assert len(mutant) > len(wild)
            if "inframe_deletion" in terms:
                assert len(mutant) < len(wild)
        if change.protein_start and change.reference_residues and mutant is not None:
            start = change.protein_start - 1
            assert f"{wild}*"[start:].startswith(change.reference_residues)


@given(SEEDS)
@settings(max_examples=100)
def test_mutant_protein__two_variants_are_those_one_after_the_other(seed):
    genome, transcript, first, rng = case(seed)
    second = random_variant(rng, genome, transcript)
    edits = [site_of(transcript, v) is TranscriptSite.EXON for v in (first, second)]
    apart = first.end + 1 < second.position or second.end + 1 < first.position
    inner = all(any(s < v.position and v.end < e for s, e in transcript.exons) for v in (first, second))
    if not (all(edits) and apart and inner):
        return
    if len(first.reference) != len(first.alternative) or len(second.reference) != len(second.alternative):
        both = mutant_transcript(transcript, genome, [first, second])
        assert both.cdna == mutant_transcript(transcript, genome, [second, first]).cdna
        return
    both = mutant_transcript(transcript, genome, [second, first, second])
    assert both.cdna == mutant_transcript(transcript, with_variant(genome, first), [second]).cdna


@given(SEEDS)
@settings(max_examples=100)
def test_mutant_protein__origin_points_to_the_same_residues(seed):
    genome, transcript, variant, _ = case(seed)
    if not transcript.is_coding or site_of(transcript, variant) is not TranscriptSite.EXON:
        return
    found = mutant_protein(transcript, genome, [variant])
    if found.mutant is None:
        return
    assert found.residue_origin.shape == (len(found.mutant),)
    old = [k for k, o in enumerate(found.residue_origin) if o >= 0]
    differ = [k for k in old if found.mutant[k] != found.wild_type[found.residue_origin[k]]]
    assert len(differ) <= len(variant.alternative)


def test_mutant_transcript__overlapping_variants_are_refused():
    genome, transcripts = synthetic_genes(3, n_genes=1, n_chromosomes=1)
    (transcript,) = transcripts
    start = transcript.exons[0][0] + 3
    bases = genome.fetch("1", start, start + 3)
    other = "A" if bases[1] != "A" else "C"
    deletion = SmallVariant("1", start, bases[:3], bases[0])
    substitution = SmallVariant("1", start + 1, bases[1], other)
    with pytest.raises(InputError, match="must not overlap"):
        mutant_transcript(transcript, genome, [deletion, substitution])


@given(SEEDS)
def test_transcript_index__finds_what_a_plain_search_finds(seed):
    rng = np.random.default_rng(seed)
    made = [
        Transcript(f"T{k}", "G", str(rng.integers(1, 3)), "+", ((s, s + int(rng.integers(0, 300))),))
        for k, s in enumerate(rng.integers(1, 1000, 30).tolist())
    ]
    index = TranscriptIndex.of(made)
    assert TranscriptIndex.of(index) is index
    first = int(rng.integers(1, 1200))
    last = first + int(rng.integers(0, 50))
    wanted = {t.identifier for t in made if t.chromosome == "1" and t.overlaps(first, last)}
    assert {t.identifier for t in index.overlapping("chr1", first, last)} == wanted


@given(SEEDS)
@settings(max_examples=200)
def test_call_consequences__gives_the_protein_of_the_shortest_way(seed):
    genome, transcript, variant, _ = case(seed)
    for change in call_consequences(variant, [transcript], genome):
        if change.mutant_protein is not None:
            edit, (start, _) = edit_of(transcript, variant), coding_span(transcript)
            # At the start codon the shortest way does not see what a deletion leaves; across the end of an
            # exon it shares out the bases otherwise.
            inside = any(s <= variant.position and variant.end <= e for s, e in transcript.exons)
            if inside and (edit.end < start or edit.first > start + 2):
                assert change.mutant_protein == plain_protein(genome, transcript, variant)
