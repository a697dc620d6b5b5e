"""Haplotypes by bases: against plain translation of a made-up genome, and against residues."""

import numpy as np
import pytest

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.peptides.haplotype_of_bases import BaseHaplotypes
from tumorboard.immunotherapy.peptides.haplotype_of_residues import (
    Contribution,
    contribution_of,
    haplotype_of_residues,
)
from tumorboard.immunotherapy.peptides.windows import find_windows
from tumorboard.immunotherapy.variants import call_consequences, translate
from tumorboard.immunotherapy.variants.transcript_index import TranscriptIndex


def open_in_all_frames(n_codons):
    """Coding bases without a stop in any frame but at the end."""
    rng, bases = np.random.default_rng(3), "ATG"
    while len(bases) < 3 * n_codons:
        base = "ACGT"[rng.integers(4)]
        if bases[-2:] + base not in ("TAA", "TAG", "TGA"):
            bases += base
    return bases + "TAA"


CDS = open_in_all_frames(40)
UTR = "CCCTGCGATTAACC"


class Text:
    def __init__(self, text):
        self.text = text

    def fetch(self, chromosome, first, last):
        return self.text[first - 1 : last]


TRANSCRIPT = Transcript("T1.2", "G", "1", "+", ((1, len(CDS) + len(UTR)),), ((1, len(CDS)),))
KNOWN = BaseHaplotypes.of([TRANSCRIPT], Text(CDS + UTR))
PROTEIN = translate(CDS)


def snv(position, base, somatic=True):
    return SmallVariant("1", position, CDS[position - 1], base, somatic=somatic)


def other(position):
    return "ACGT"["CGTA".index(CDS[position - 1])]


def deletion(position, n, somatic=True):
    return SmallVariant("1", position, CDS[position - 1 : position + n], CDS[position - 1], somatic=somatic)


def text_with(variants):
    text = CDS + UTR
    for variant in sorted(variants, key=lambda variant: -variant.position):
        start = variant.position - 1
        text = text[:start] + variant.alternative + text[start + len(variant.reference) :]
    return text


def test_base_haplotypes__two_bases_of_one_codon():
    both = [snv(34, other(34)), snv(35, other(35))]
    made = KNOWN.haplotype("T1", both)
    assert made.protein.sequence == translate(text_with(both))
    assert [tuple(edit) for edit in made.protein.edits] == [(11, 12, 11, 12)]
    assert all((one.start, one.end) == (11, 12) for one in made.carriers)


def test_base_haplotypes__a_germline_frameshift_upstream_shifts_the_normal_too():
    germline, somatic = deletion(15, 1, somatic=False), snv(35, other(35))
    made = KNOWN.haplotype("T1.2", [somatic, germline])
    assert made.protein.wild_type == translate(text_with([germline]))
    assert made.protein.sequence == translate(text_with([germline, somatic]))
    (edit,) = made.protein.edits
    assert edit.keeps_length
    assert edit.end - edit.start == 1
    assert made.protein.other_normals == (PROTEIN,)
    (window,) = (w for w in find_windows(made.protein, [9]).new if w.new_positions == (4,))
    shown = made.carriers_of(window.start, window.start + 9)
    assert [one.name for one in shown] == [somatic.name, germline.name]


def test_base_haplotypes__two_shifts_that_make_up_for_one_another():
    first, second = deletion(21, 1), SmallVariant("1", 33, CDS[32], CDS[32] + "T")
    made = KNOWN.haplotype("T1", [first, second])
    assert made.protein.sequence == translate(text_with([first, second]))
    (edit,) = made.protein.edits
    assert made.protein.sequence[edit.end :] == PROTEIN[edit.reference_end :] != ""
    ends = {one.name: one.end for one in made.carriers}
    assert ends[first.name] <= edit.end + 1


def test_base_haplotypes__behind_a_stop_nothing_is_made():
    stop, behind = SmallVariant("1", 46, CDS[45:48], "TAG"), snv(60, other(60))
    assert translate(text_with([stop])) == PROTEIN[:15]
    made = KNOWN.haplotype("T1", [stop, behind])
    assert made.protein.sequence == PROTEIN[:15]
    assert [name for name, _ in made.absent] == [behind.name]


def test_base_haplotypes__a_lost_stop_is_read_through():
    lost = SmallVariant("1", len(CDS) - 2, "T", "C")
    near = snv(len(CDS) - 6, other(len(CDS) - 6), somatic=False)
    made = KNOWN.haplotype("T1", [lost, near])
    assert made.protein.sequence == translate(text_with([lost, near]))
    assert len(made.protein.sequence) > len(PROTEIN)
    carrier = next(one for one in made.carriers if one.somatic)
    assert (carrier.start, carrier.end) == (len(PROTEIN), len(made.protein.sequence))


def test_base_haplotypes__says_where_it_cannot_tell():
    assert KNOWN.haplotype("T9", [snv(34, other(34))]) is None
    assert KNOWN.haplotype("T1", [snv(1, other(1)), snv(34, other(34))]) is None
    assert KNOWN.haplotype("T1", [snv(34, other(34)), deletion(33, 1)]) is None


@pytest.mark.parametrize("strand", ["+", "-"])
def test_base_haplotypes__agree_with_residues_where_those_suffice(strand):
    rng = np.random.default_rng(7)
    complement = str.maketrans("ACGT", "TGCA")
    text = CDS + UTR
    n = len(text)
    coding = (1, len(CDS)) if strand == "+" else (n - len(CDS) + 1, n)
    genome = Text(text if strand == "+" else text.translate(complement)[::-1])
    transcript = Transcript("T1", "G", "1", strand, ((1, n),), (coding,))
    known = BaseHaplotypes.of([transcript], genome)
    index = TranscriptIndex.of([transcript])
    compared = 0
    for _ in range(150):
        variants = []
        # Apart by codons: residues cannot tell two in one.
        for number, place in enumerate(np.sort(rng.choice(np.arange(8, 120, 8), 3, replace=False))):
            reference = genome.fetch("1", int(place), int(place))
            base = rng.choice([b for b in "ACGT" if b != reference])
            variants.append(SmallVariant("1", int(place), reference, str(base), somatic=number != 1))
        parts = [
            contribution_of(variant, call_consequences(variant, index, genome)[0]) for variant in variants
        ]
        if not all(isinstance(part, Contribution) and not part.ends for part in parts if part):
            continue
        by_bases = known.haplotype("T1", variants)
        by_residues = haplotype_of_residues(PROTEIN, parts)
        assert by_bases.protein.sequence == by_residues.protein.sequence
        assert by_bases.protein.wild_type == by_residues.protein.wild_type
        assert find_windows(by_bases.protein, [8, 9]).new == find_windows(by_residues.protein, [8, 9]).new
        compared += 1
    assert compared > 20
