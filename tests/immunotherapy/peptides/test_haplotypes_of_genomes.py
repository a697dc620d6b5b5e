"""Peptides of phased variants against whole copies of a made-up genome, read base by base."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic_genes import synthetic_genes

from tumorboard.core.variant import Phase, SmallVariant
from tumorboard.immunotherapy.peptides.haplotype_of_bases import BaseHaplotypes
from tumorboard.immunotherapy.peptides.small_variants import VariantFilter, neopeptides
from tumorboard.immunotherapy.variants import call_consequences, translate
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex

COMPLEMENT = str.maketrans("ACGT", "TGCA")
LENGTHS = (8, 9, 11, 15)


def protein_of_copy(transcript, genome, variants):
    """The protein of a copy that carries the variants: each base of the reference and what became of it."""
    first = transcript.exons[0][0]
    became = list(genome.fetch(transcript.chromosome, first, transcript.exons[-1][1]))
    for variant in variants:
        place = variant.position - first
        if len(variant.reference) == len(variant.alternative):
            became[place] = variant.alternative
        else:
            became[place : place + len(variant.reference)] = [
                variant.alternative,
                *[""] * (len(variant.reference) - 1),
            ]
    exons = [became[start - first : end - first + 1] for start, end in transcript.exons]
    read = [base for exon in exons for base in exon]
    places = [place for start, end in transcript.exons for place in range(start, end + 1)]
    if transcript.strand == "-":
        read = [base[::-1].translate(COMPLEMENT) for base in reversed(read)]
        places = places[::-1]
    start = places.index(transcript.coding[0][0] if transcript.strand == "+" else transcript.coding[-1][1])
    return translate("".join(read[start:]))


def phased_variants(rng, transcript, genome, n):
    """Variants within exons, apart by a base, off the start codon and the splice sites."""
    places = [
        place
        for start, end in transcript.exons
        for place in range(start + 4, end - 7)
        if any(low + 3 <= place <= high - 3 for low, high in transcript.coding)
    ]
    variants, taken = [], set()
    # Near one another as a rule: that is what neighbours are.
    middle = int(rng.choice(places))
    near = [place for place in places if abs(place - middle) < 60]
    for _ in range(n):
        place = int(rng.choice(near))
        length = int(rng.choice([1, 1, 1, 2, 4]))
        span = set(range(place - 1, place + length + 1))
        if span & taken:
            continue
        taken |= span
        reference = genome.fetch(transcript.chromosome, place, place + length - 1)
        alternative = reference[0]
        if length == 1:
            alternative = str(rng.choice([base for base in "ACGT" if base != reference]))
            if rng.random() < 0.2:
                alternative = reference + "".join(rng.choice(list("ACGT"), int(rng.integers(1, 4))))
        variants.append(
            SmallVariant(
                transcript.chromosome,
                place,
                reference,
                alternative,
                somatic=bool(rng.random() < 0.6),
                phase=Phase("all", int(rng.random() < 0.3)),
            )
        )
    return variants


def words(protein):
    return {protein[i : i + length] for length in LENGTHS for i in range(len(protein) - length + 1)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_neopeptides__of_phased_genomes_are_those_of_whole_copies(seed):
    genome, transcripts = synthetic_genes(seed, n_genes=30)
    transcripts = [one for one in transcripts if one.is_coding and one.coding_length > 90]
    index = TranscriptIndex.of(transcripts)
    known = BaseHaplotypes.of(transcripts, genome)
    rng = np.random.default_rng(seed)
    compared = several = 0
    for transcript in transcripts * 6:
        variants = [
            replace(one, homozygous=not one.somatic and bool(rng.random() < 0.3))
            for one in phased_variants(rng, transcript, genome, 4)
        ]
        reference = protein_of_copy(transcript, genome, [])
        expected, normal = set(), words(reference)
        for copy in (0, 1):
            here = [one for one in variants if one.homozygous or one.phase.haplotype == copy]
            own = protein_of_copy(transcript, genome, [one for one in here if not one.somatic])
            normal |= words(own)
            if any(one.somatic for one in here):
                expected |= words(protein_of_copy(transcript, genome, here))
        told = [
            (one, [c for c in call_consequences(one, index, genome) if c.transcript == transcript.identifier])
            for one in variants
        ]
        if any("start_lost" in change.consequences for _, changes in told for change in changes):
            continue
        found, by_residues = (
            neopeptides(
                [pair for pair in told if pair[0].somatic],
                LENGTHS,
                choose=VariantFilter(passing_only=False),
                neighbours=[pair for pair in told if not pair[0].somatic],
                bases=bases,
            )
            for bases in (known, None)
        )
        assert {peptide.sequence for peptide in found.kept} == expected - normal
        assert "UNPHASED_NEIGHBOUR" not in found.counts()
        # Residues cannot tell all, but what they tell is true, and they say so.
        told_by_residues = {peptide.sequence for peptide in by_residues.kept}
        assert told_by_residues <= expected - normal
        # (SELF_SAME_TRANSCRIPT: two germline variants of the other copy of which residues tell one only.)
        reasons = {"NO_PROTEIN_SEQUENCE", "SELF_SAME_TRANSCRIPT"} & by_residues.counts().keys()
        assert told_by_residues == expected - normal or reasons
        compared += bool(expected - normal)
        several += any(len(peptide.events) > 1 for peptide in found.kept)
    assert compared > 40
    assert several > 20


@pytest.mark.parametrize("seed", range(2))
def test_neopeptides__kept_and_unphased_together_hold_both_possibilities(seed):
    genome, transcripts = synthetic_genes(seed, n_genes=20)
    transcripts = [one for one in transcripts if one.is_coding and one.coding_length > 90]
    index = TranscriptIndex.of(transcripts)
    known = BaseHaplotypes.of(transcripts, genome)
    rng = np.random.default_rng(seed)
    doubtful = 0
    for transcript in transcripts * 4:
        variants = phased_variants(rng, transcript, genome, 2)
        if len(variants) < 2:
            continue
        somatic, germline = replace(variants[0], somatic=True), replace(variants[1], somatic=False)
        told = [
            [c for c in call_consequences(one, index, genome) if c.transcript == transcript.identifier]
            for one in (somatic, germline)
        ]
        if any("start_lost" in change.consequences for changes in told for change in changes):
            continue

        def of_phases(one, other, somatic=somatic, germline=germline, told=told):
            return neopeptides(
                [(replace(somatic, phase=one), told[0])],
                [9],
                choose=VariantFilter(passing_only=False),
                neighbours=[(replace(germline, phase=other), told[1])],
                bases=known,
            )

        block = [Phase("b", 0), Phase("b", 1)]
        same, opposite, unknown = of_phases(*block[:1] * 2), of_phases(*block), of_phases(None, None)
        kept = {peptide.sequence for peptide in unknown.kept}
        left = {one.sequence for one in unknown.dropped if one.reason.name == "UNPHASED_NEIGHBOUR"}
        assert kept == {peptide.sequence for peptide in opposite.kept}
        assert {peptide.sequence for peptide in same.kept} <= kept | left
        sure = {one.sequence for one in unknown.kept if "not phased" not in one.origins[0].change}
        assert sure <= {peptide.sequence for peptide in same.kept}
        if left - {""}:
            doubtful += 1
            assert any("not phased" in peptide.origins[0].change for peptide in unknown.kept) or not kept
    assert doubtful > 5
