import gzip
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.neopeptide import DropReason, OriginKind
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SpliceJunction
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.peptides.splice import junction_protein, splice_peptides
from tumorboard.immunotherapy.peptides.spliced_junction import is_annotated
from tumorboard.immunotherapy.variants.spliced_transcript import splice
from tumorboard.io.junctions_regtools import read_regtools_junctions

CODONS = dict(
    zip(
        [a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"],
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
SENSE = [codon for codon, residue in CODONS.items() if residue != "*"]
#: Not drawn base by base: genes are too long for that.
CHANCE = st.randoms(use_true_random=True)
COMPLEMENT = str.maketrans("ACGT", "TGCA")


class Genome:
    """One chromosome."""

    def __init__(self, bases):
        self.bases = bases

    def fetch(self, chromosome, first, last):
        assert chromosome == "1"
        assert 1 <= first <= last <= len(self.bases)
        return self.bases[first - 1 : last]


def made_gene(chance):
    """Return a genome and a transcript on its forward strand, with untranslated ends of random length."""
    exons, place = [], chance.randint(3, 20)
    for _ in range(chance.randint(2, 6)):
        length = chance.randint(12, 60)
        exons.append((place, place + length - 1))
        place += length + chance.randint(4, 40)
    bases = [chance.choice("ACGT") for _ in range(place + 5)]
    spliced = [p for first, last in exons for p in range(first, last + 1)]
    before, after = chance.randint(0, 4), chance.randint(0, 12)
    coding = spliced[before : len(spliced) - after]
    coding = coding[: len(coding) - len(coding) % 3]
    protein = ["ATG", *chance.choices(SENSE, k=len(coding) // 3 - 2), "TAA"]
    for position, base in zip(coding, "".join(protein), strict=True):
        bases[position - 1] = base
    pieces = []
    for first, last in exons:
        here = [p for p in coding if first <= p <= last]
        if here:
            pieces.append((here[0], here[-1]))
    return Genome("".join(bases)), Transcript("T", "G", "1", "+", tuple(exons), tuple(pieces))


def made_junction(transcript, chance):
    """Return a junction between random bases of a transcript, at borders of exons as often as not."""
    borders = [base for exon in transcript.exons for base in exon]
    while True:
        before, behind = (
            chance.choice(borders)
            if chance.random() < 0.5
            else chance.randint(transcript.start, transcript.end)
            for _ in range(2)
        )
        if before + 1 < behind:
            return SpliceJunction("1", before + 1, behind - 1, "+", 5, "", None, "G", (), (), "test")


def spliced_by_hand(transcript, junction):
    """Return the positions of an altered transcript: base by base, without looking at exons' borders."""
    before, behind = junction.start - 1, junction.end + 1
    left = max(k for k, (first, _) in enumerate(transcript.exons) if first <= before)
    right = min(k for k, (_, last) in enumerate(transcript.exons) if last >= behind)
    kept = {p for first, last in transcript.exons for p in range(first, last + 1)}
    kept |= set(range(transcript.exons[left][0], before + 1)) | set(
        range(behind, transcript.exons[right][1] + 1)
    )
    return sorted(kept - set(range(before + 1, behind)))


def translated_by_hand(genome, positions, start):
    rna = "".join(genome.bases[p - 1] for p in positions[positions.index(start) :])
    protein = "".join(CODONS[rna[k : k + 3]] for k in range(0, len(rna) - 2, 3))
    return protein.partition("*")[0]


def pieces_of(protein, length):
    return {protein[k : k + length] for k in range(len(protein) - length + 1)}


@settings(max_examples=150)
@given(chance=CHANCE)
def test_splice_peptides__are_those_of_the_altered_protein_that_the_normal_one_lacks(chance):
    genome, transcript = made_gene(chance)
    junction = made_junction(transcript, chance)
    found = splice_peptides([junction], [transcript], genome, [5, 8])
    positions = spliced_by_hand(transcript, junction)
    normal = splice(transcript, genome).protein
    start = transcript.coding[0][0]
    whole = start in positions and (
        positions[positions.index(start) :][2:3] == [splice_position(transcript, start, 2)]
    )
    if not whole:
        assert not found.kept
        return
    altered = translated_by_hand(genome, positions, start)
    for length in (5, 8):
        expected = pieces_of(altered, length) - pieces_of(normal, length)
        assert {p.sequence for p in found.kept if len(p.sequence) == length} == expected
    for peptide in found.kept:
        for origin in peptide.origins:
            assert altered[origin.start - 1 :].startswith(peptide.sequence)


def splice_position(transcript, start, offset):
    """Return the position of the coding base ``offset`` behind the first."""
    coding = [p for first, last in transcript.exons for p in range(first, last + 1)]
    return coding[coding.index(start) + offset]


@settings(max_examples=50)
@given(chance=CHANCE)
def test_splice_peptides__are_the_same_on_the_other_strand(chance):
    genome, transcript = made_gene(chance)
    junction = made_junction(transcript, chance)
    size = len(genome.bases) + 1

    def mirrored(intervals):
        return tuple((size - last, size - first) for first, last in reversed(intervals))

    other = replace(
        transcript, strand="-", exons=mirrored(transcript.exons), coding=mirrored(transcript.coding)
    )
    back = replace(junction, strand="-", start=size - junction.end, end=size - junction.start)
    reverse = Genome(genome.bases[::-1].translate(COMPLEMENT))
    here = splice_peptides([junction], [transcript], genome, [6])
    there = splice_peptides([back], [other], reverse, [6])
    assert [(p.sequence, p.new_positions) for p in here.kept] == [
        (p.sequence, p.new_positions) for p in there.kept
    ]
    assert [p.origins[0].change for p in here.kept] == [p.origins[0].change for p in there.kept]
    assert [(d.reason, d.sequence) for d in here.dropped] == [(d.reason, d.sequence) for d in there.dropped]


@given(chance=CHANCE)
def test_splice_peptides__annotated_junctions_give_none(chance):
    genome, transcript = made_gene(chance)
    own = [
        SpliceJunction("chr1", left[1] + 1, right[0] - 1, "+", 5, "", None, "G", (), (), "test")
        for left, right in zip(transcript.exons, transcript.exons[1:], strict=False)
    ]
    found = splice_peptides(own, [transcript], genome, [8])
    assert not found.kept
    assert found.counts() == {"ANNOTATED_JUNCTION": len(own)}


# Coding bases in capitals; every residue of the usual protein is written beside its codon.
#            10        20        30        40        50        60        70
BASES = "ggATGGCTAAGgtaagtttagGTTCCTgtccctcagTGGAAATTTgtaagcagCATGAATAAcctgatag"
#          M  A  K          V  P         W  K  F        H  E  *
USUAL = Transcript(
    "T", "G", "1", "+", ((1, 11), (22, 27), (37, 45), (54, 70)), ((3, 11), (22, 27), (37, 45), (54, 62))
)
TOY = Genome(BASES.upper())


def toy(before, behind, **changes):
    values = {"retained": False, "transcripts": (), "known": None} | changes
    return SpliceJunction(
        "1", before + 1, behind - 1, "+", 5, "", values["known"], "G", values["transcripts"], (), "test",
        retained=values["retained"],
    )  # fmt: skip


def test_junction_protein__reads_the_usual_protein():
    assert splice(USUAL, TOY).protein == "MAKVPWKFHE"


@pytest.mark.parametrize(
    ("junction", "protein", "change"),
    [
        (toy(11, 37), "MAKWKFHE", "1 exon skipped, in frame"),
        (toy(27, 54), "MAKVPHE", "1 exon skipped, in frame"),
        (toy(8, 22), "MAVPWKFHE", "other donor, in frame"),
        (toy(14, 22), "MAKVVPWKFHE", "other donor, in frame"),
        (toy(45, 57), "MAKVPWKFE", "other acceptor, in frame"),
        (toy(39, 43), "MAKVPWFHE", "exitron, in frame"),
        (toy(45, 55), "MAKVPWKFMNNLI", "other acceptor, frameshift, no stop"),
        (toy(27, 28, retained=True), "MAKVPVPQWKFHE", "intron kept, in frame"),
        (toy(27, 37, retained=True), "MAKVPVPQWKFHE", "intron kept, in frame"),
    ],
)
def test_junction_protein__translates_what_is_spliced_otherwise(junction, protein, change):
    made = junction_protein(splice(USUAL, TOY), junction, TOY)
    assert (made.sequence, made.change) == (protein, change)


@pytest.mark.parametrize(
    ("junction", "reason"),
    [
        (toy(4, 22), DropReason.START_LOST),
        (toy(1, 6), DropReason.START_LOST),
        (toy(64, 68), DropReason.NO_PROTEIN_CHANGE),
    ],
)
def test_junction_protein__says_why_there_is_none(junction, reason):
    assert junction_protein(splice(USUAL, TOY), junction, TOY).reason is reason


def test_junction_protein__ends_early_without_new_residues():
    genome = Genome("ATGGCTAAG" + "GTAAGTTTAG" + "TGA" + "CCTTAA")
    usual = Transcript("T", "G", "1", "+", ((1, 9), (23, 28)), ((1, 9), (23, 28)))
    assert splice(usual, genome).protein == "MAKP"
    longer = SpliceJunction("1", 10, 19, "+", 5, "", None, "", (), (), "")
    found = junction_protein(splice(usual, genome), longer, genome)
    assert (found.reason, found.note) == (DropReason.STOP_GAINED, "other acceptor, after 3 residues")


def test_junction_protein__of_a_deletion_holds_both_neighbours():
    found = splice_peptides([toy(11, 37)], [USUAL], TOY, [4])
    assert [p.sequence for p in found.kept] == ["MAKW", "AKWK", "KWKF"]
    assert {p.new_positions for p in found.kept} == {()}
    origin = found.kept[1].origins[0]
    assert (origin.kind, origin.events, origin.change, origin.start) == (
        OriginKind.SPLICE,
        ("1:12-36:+",),
        "1 exon skipped, in frame",
        2,
    )


def test_junction_protein__says_when_the_rna_is_likely_to_decay():
    # Without the second exon the third is read CTT TAG: 63 of its bases come after that stop.
    genome = Genome("ATGGCTAAG" + "T" * 10 + "GCTGC" + "T" * 10 + "CTTTAG" + "GCA" * 21 + "T" * 10 + "GTAACC")
    exons = ((1, 9), (20, 24), (35, 103), (114, 119))
    usual = Transcript("T", "G", "1", "+", exons, (*exons[:3], (114, 117)))
    assert splice(usual, genome).protein == "MAKAAFR" + "Q" * 21
    skipping = SpliceJunction("1", 10, 34, "+", 5, "", None, "", (), (), "")
    made = junction_protein(splice(usual, genome), skipping, genome)
    assert (made.sequence, made.change) == ("MAKL", "1 exon skipped, frameshift, likely to decay")


def test_splice_peptides__leaves_out_what_other_transcripts_have():
    other = replace(USUAL, identifier="T2", exons=(USUAL.exons[0], *USUAL.exons[2:]), coding=(), biotype="x")
    found = splice_peptides([toy(11, 37)], [USUAL, other], TOY, [4])
    assert not found.kept
    assert [(d.reason, d.note) for d in found.dropped] == [(DropReason.ANNOTATED_JUNCTION, "T2 has it")]


def test_splice_peptides__keeps_to_the_transcripts_that_a_junction_names():
    two = replace(USUAL, identifier="T2.3")
    found = splice_peptides([toy(11, 37, transcripts=("T2",))], [USUAL, two], TOY, [8])
    assert [[o.transcript for o in p.origins] for p in found.kept] == [["T2.3"]]
    found = splice_peptides([toy(11, 37)], [USUAL, two], TOY, [8])
    assert [[o.transcript for o in p.origins] for p in found.kept] == [["T", "T2.3"]]
    found = splice_peptides([toy(11, 37, transcripts=("T9",))], [USUAL, two], TOY, [8])
    assert [d.reason for d in found.dropped] == [DropReason.OUTSIDE_TRANSCRIPT]
    found = splice_peptides([toy(11, 37, known=True)], [USUAL, two], TOY, [8])
    assert [d.reason for d in found.dropped] == [DropReason.ANNOTATED_JUNCTION]


def test_splice_peptides__takes_a_junction_of_several_callers_once():
    one = toy(11, 37)
    two = replace(one, caller="other", reads=9, transcripts=("T2",), variants=("v",))
    usual = [USUAL, replace(USUAL, identifier="T2")]
    found = splice_peptides([one, two, replace(two, transcripts=("T",))], usual, TOY, [8])
    assert len({p.sequence for p in found.kept}) == len(found.kept)
    assert found.kept[0].events == ("1:12-36:+", "v")
    assert [o.transcript for o in found.kept[0].origins] == ["T", "T2"]
    found = splice_peptides([two, replace(two, transcripts=("T",))], usual, TOY, [8], least_reads=9)
    assert [o.transcript for o in found.kept[0].origins] == ["T", "T2"]
    assert not splice_peptides([one, replace(one, known=True)], usual, TOY, [8]).kept


def test_splice_peptides__leaves_out_what_few_reads_support():
    few, uncounted = toy(11, 37), replace(toy(27, 54), reads=None)
    found = splice_peptides([few, uncounted], [USUAL], TOY, [4], least_reads=6)
    assert {p.events[0] for p in found.kept} == {uncounted.name}
    assert [(d.reason, d.note) for d in found.dropped] == [(DropReason.FEW_READS, "5, below 6")]


def test_splice_peptides__are_compared_with_a_proteome():
    found = splice_peptides([toy(11, 37)], [USUAL], TOY, [4], proteome=ProteomeIndex.of(["GGAKWKGG"]))
    assert [p.sequence for p in found.kept] == ["MAKW", "KWKF"]
    assert [(d.sequence, d.reason) for d in found.dropped] == [("AKWK", DropReason.SELF_PROTEOME)]


def test_splice_peptides__needs_a_whole_coding_sequence():
    gap = replace(USUAL, coding=((3, 9), *USUAL.coding[1:]))
    found = splice_peptides([toy(27, 54)], [gap], TOY, [4])
    assert [d.reason for d in found.dropped] == [DropReason.INCOMPLETE_TRANSCRIPT]
    none = replace(USUAL, coding=(), biotype="lncRNA")
    found = splice_peptides([toy(27, 54, transcripts=("T",))], [none], TOY, [4])
    assert [(d.reason, d.note) for d in found.dropped] == [(DropReason.NOT_PROTEIN_CODING, "lncRNA")]


class Pieces:
    """Bases of some stretches of a chromosome, N between them."""

    def __init__(self, pieces):
        self.bases = {first + k: base for first, bases in pieces.items() for k, base in enumerate(bases)}

    def fetch(self, chromosome, first, last):
        return "".join(self.bases.get(position, "N") for position in range(first, last + 1))


def wild_type_protein(path, transcript):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("##INFO=<ID=CSQ"):
                headers = line.split("Format: ")[1].rstrip('">\n').split("|")
            elif not line.startswith("#") and transcript in line:
                for entry in line.split("CSQ=")[1].split(";")[0].split("\t")[0].split(","):
                    cells = dict(zip(headers, entry.split("|"), strict=True))
                    if cells["Feature"] == transcript and cells["WildtypeProtein"]:
                        return cells["WildtypeProtein"]
    raise AssertionError(transcript)


# What pVACsplice 4 lists of the two junctions in ENST00000343253 (its test data, Test.9_kmers.fa), with the
# place of each in the protein.
PVACSPLICE = {
    "JUNC00000006": (718, "VSEETIKVYCLQKEL"),
    "JUNC00000011": (756, "QLKKKSEEKELKIKNH"),
}


def test_splice_peptides__are_those_of_pvacsplice_on_real_junctions(data_dir):
    folder = data_dir / "immunotherapy" / "pvactools"
    protein = wild_type_protein(folder / "annotated.expression.vcf.gz", "ENST00000343253.11")
    # The genome is not at hand. Exons end between codons here, as the lengths of the junctions and the
    # proteins of pVACsplice say, so any codons of the right residues will do.
    codon = {residue: bases for bases, residue in CODONS.items()}
    coding = "".join(codon[residue] for residue in f"{protein}*")
    middle = 3 * (protein.index("VSEETIK") + 7)
    exons = (
        (93221937 - middle, 93221936),
        (93226333, 93226449),
        (93232426, 93232426 + len(coding) - middle - 117 - 1),
    )
    genome = Pieces(
        {
            exons[0][0]: coding[:middle],
            exons[1][0]: coding[middle : middle + 117],
            exons[2][0]: coding[middle + 117 :],
        }
    )
    usual = Transcript("ENST00000343253.11", "CCDC18", "chr1", "+", exons, exons)
    assert splice(usual, genome).protein == protein
    file = folder / "HCC1395.splice_junctions.tsv"
    with file.open(encoding="utf-8") as lines:
        names = [line.split("\t")[3] for line in lines][1:]
    junctions = dict(zip(names, read_regtools_junctions(file), strict=True))
    assert [is_annotated(usual, junctions[f"JUNC000000{number}"]) for number in ("05", "10")] == [True, True]
    for name, (start, expected) in PVACSPLICE.items():
        found = splice_peptides([junctions[name]], [usual], genome, [9])
        assert [p.sequence for p in found.kept] == [expected[k : k + 9] for k in range(len(expected) - 8)]
        assert found.kept[0].origins[0].start == start
