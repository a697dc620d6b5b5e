"""Fragments over two variants, counted from alignments made for the purpose."""

from array import array
from itertools import count

import numpy as np
import pytest

from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.immunotherapy.variants import Copies, phase_calls
from tumorboard.io.read_phase import count_shared_reads

pysam = pytest.importorskip("pysam")

RNG = np.random.default_rng(11)
GENOME = "".join("ACGT"[k] for k in RNG.integers(0, 4, 3000))
THRESHOLDS = {"least_mapping_quality": 20, "least_base_quality": 15}


def substitution(position):
    reference = GENOME[position - 1]
    return SmallVariant("chr1", position, reference, "ACGT"["CGTA".index(reference)])


def deletion(position, n):
    return SmallVariant("chr1", position, GENOME[position - 1 : position + n], GENOME[position - 1])


def insertion(position, bases):
    return SmallVariant("chr1", position, GENOME[position - 1], GENOME[position - 1] + bases)


def aligned(start, length, variants):
    """Bases and CIGAR of a read that starts at ``start`` and covers ``length`` of the reference."""
    bases, cigar, place = "", [], start
    for variant in sorted(variants, key=lambda variant: variant.position):
        if not start <= variant.position <= variant.end < start + length:
            continue
        flat = GENOME[place - 1 : variant.position - 1]
        bases += flat + variant.alternative
        longer = len(variant.alternative) - len(variant.reference)
        kept = min(len(variant.reference), len(variant.alternative))
        cigar.append((0, len(flat) + kept))
        if longer:
            cigar.append((1, longer) if longer > 0 else (2, -longer))
        place = variant.end + 1
    rest = GENOME[place - 1 : start + length - 1]
    cigar.append((0, len(rest)))
    return bases + rest, [part for part in cigar if part[1]]


class Library:
    """Reads on their way into a file."""

    def __init__(self):
        self.reads = []
        self.numbers = count()

    def pair(self, start, variants=(), *, gap=0, n=1, quality=35, mapping=60, flag=0, poor_at=None):
        """Add ``n`` fragments: two reads of 100 bases, the second ``gap`` bases behind the first."""
        for _ in range(n):
            name = f"f{next(self.numbers)}"
            for mate, begin in enumerate((start, start + 100 + gap)):
                bases, cigar = aligned(begin, 100, variants)
                qualities = array("B", [quality] * len(bases))
                if poor_at is not None and begin <= poor_at < begin + 100:
                    qualities[poor_at - begin] = 2
                kind = (0x1 | 0x2 | (0x40 | 0x20 if mate == 0 else 0x80 | 0x10)) | flag
                self.reads.append((begin, name, bases, cigar, qualities, kind, mapping))

    def write(self, path, mode="wb", reference=None):
        header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": len(GENOME)}]}
        more = {} if reference is None else {"reference_filename": str(reference)}
        with pysam.AlignmentFile(str(path), mode, header=header, **more) as out:
            for begin, name, bases, cigar, qualities, kind, mapping in sorted(
                self.reads, key=lambda r: r[:2]
            ):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.query_sequence, read.flag = name, bases, kind
                read.reference_id, read.reference_start, read.mapping_quality = 0, begin - 1, mapping
                read.cigartuples, read.query_qualities = cigar, qualities
                out.write(read)
        pysam.index(str(path))
        return path


ONE, TWO, FAR = substitution(500), substitution(560), substitution(720)
GONE, MORE = deletion(530, 3), insertion(540, "GAT")


def test_count_shared_reads__counts_what_fragments_carry(tmp_path):
    library = Library()
    library.pair(480, [ONE, TWO], n=6)
    library.pair(470, [ONE], n=2)
    library.pair(490, [TWO], n=5)
    library.pair(475, n=7)
    library.pair(700, [FAR], n=4)  # does not reach ONE
    (reads,) = count_shared_reads(library.write(tmp_path / "a.bam"), [(ONE, TWO)], **THRESHOLDS)
    assert (reads.first, reads.second) == (ONE.name, TWO.name)
    assert (reads.both, reads.only_first, reads.only_second, reads.neither, reads.other) == (6, 2, 5, 7, 0)
    assert reads.spanning == 20


def test_count_shared_reads__mates_count_as_one_fragment(tmp_path):
    library = Library()
    # The first read covers ONE, the second FAR.
    library.pair(450, [ONE, FAR], gap=80, n=3)
    library.pair(450, [ONE], gap=80, n=2)
    # Mates that overlap at ONE and agree.
    library.pair(440, [ONE, TWO], gap=-60, n=4)
    path = library.write(tmp_path / "a.bam")
    far, near = count_shared_reads(path, [(ONE, FAR), (ONE, TWO)], **THRESHOLDS)
    assert (far.both, far.only_first, far.spanning) == (3, 2, 5)
    assert near.both == 4


def test_count_shared_reads__mates_that_contradict_each_other_tell_nothing(tmp_path):
    library = Library()
    library.pair(480, [ONE, TWO], gap=-100)
    begin, name, _, _, *rest = library.reads[-1]
    library.reads[-1] = (begin, name, *aligned(begin, 100, [TWO]), *rest)
    (reads,) = count_shared_reads(library.write(tmp_path / "a.bam"), [(ONE, TWO)], **THRESHOLDS)
    assert (reads.spanning, reads.other) == (0, 1)


def test_count_shared_reads__insertions_and_deletions(tmp_path):
    library = Library()
    library.pair(480, [ONE, GONE], n=5)
    library.pair(480, [MORE], n=3)
    library.pair(480, n=2)
    pairs = [(ONE, GONE), (ONE, MORE), (GONE, MORE)]
    first, second, third = count_shared_reads(library.write(tmp_path / "a.bam"), pairs, **THRESHOLDS)
    assert (first.both, first.only_first, first.only_second, first.neither) == (5, 0, 0, 5)
    assert (second.both, second.only_first, second.only_second, second.neither) == (0, 5, 3, 2)
    assert (third.both, third.only_first, third.only_second, third.neither) == (0, 5, 3, 2)


def test_count_shared_reads__leaves_out_what_is_no_evidence(tmp_path):
    library = Library()
    library.pair(480, [ONE, TWO], n=2)
    for flag in (0x400, 0x200, 0x100, 0x800):
        library.pair(480, [ONE, TWO], n=1, flag=flag)
    library.pair(480, [ONE, TWO], n=3, mapping=5)
    library.pair(480, [ONE, TWO], n=4, poor_at=500)
    third = SmallVariant("chr1", 560, TWO.reference, "ACGT"["GTAC".index(TWO.reference)])
    library.pair(480, [ONE, third], n=5)
    (reads,) = count_shared_reads(library.write(tmp_path / "a.bam"), [(ONE, TWO)], **THRESHOLDS)
    assert (reads.both, reads.other, reads.spanning) == (2, 5, 2)
    (more,) = count_shared_reads(
        tmp_path / "a.bam", [(ONE, TWO)], least_mapping_quality=0, least_base_quality=0
    )
    assert more.both == 9


def test_count_shared_reads__a_cram_with_its_genome_says_the_same(tmp_path):
    fasta = tmp_path / "g.fa"
    fasta.write_text(f">chr1\n{GENOME}\n")
    pysam.faidx(str(fasta))
    library = Library()
    library.pair(480, [ONE, TWO], n=6)
    library.pair(480, [GONE], n=3)
    pairs = [(ONE, TWO), (ONE, GONE)]
    bam = count_shared_reads(library.write(tmp_path / "a.bam"), pairs, **THRESHOLDS)
    cram = library.write(tmp_path / "a.cram", "wc", fasta)
    assert count_shared_reads(cram, pairs, reference=fasta, **THRESHOLDS) == bam


def test_count_shared_reads__a_chromosome_may_lack_its_prefix(tmp_path):
    library = Library()
    library.pair(480, [ONE, TWO], n=2)
    path = library.write(tmp_path / "a.bam")
    bare = [SmallVariant("1", v.position, v.reference, v.alternative) for v in (ONE, TWO)]
    assert count_shared_reads(path, [tuple(bare)], **THRESHOLDS)[0].both == 2
    with pytest.raises(InputError, match="another assembly"):
        count_shared_reads(path, [(SmallVariant("7", 5, "A", "C"), TWO)], **THRESHOLDS)


def test_count_shared_reads__refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(UnreadableFile, match="no such file"):
        count_shared_reads(tmp_path / "none.bam", [], **THRESHOLDS)
    (tmp_path / "text.bam").write_text("no alignment")
    with pytest.raises(UnreadableFile, match=r"text\.bam must be a readable BAM"):
        count_shared_reads(tmp_path / "text.bam", [], **THRESHOLDS)
    library = Library()
    library.pair(480, [ONE], n=1)
    path = library.write(tmp_path / "a.bam")
    path.with_name("a.bam.bai").unlink()
    with pytest.raises(UnreadableFile, match="samtools index"):
        count_shared_reads(path, [(ONE, TWO)], **THRESHOLDS)
    with pytest.raises(InputError, match="Phred"):
        count_shared_reads(path, [], least_mapping_quality=-1, least_base_quality=0)


def test_count_shared_reads__phases_a_germline_neighbour_and_another_clone(tmp_path):
    """Reads in, copies out: a neighbour on the same copy, one on the other."""
    germline = SmallVariant("chr1", TWO.position, TWO.reference, TWO.alternative, somatic=False)
    library = Library()
    library.pair(480, [ONE, germline], n=8)
    library.pair(480, [germline], n=6)  # normal cells
    library.pair(480, [GONE], n=9)
    pairs = [(ONE, germline), (GONE, germline), (ONE, GONE)]
    counted = count_shared_reads(library.write(tmp_path / "a.bam"), pairs, **THRESHOLDS)
    calls = phase_calls(pairs, counted, error_rate=0.01, least_confidence=0.999)
    assert list(calls.values()) == [Copies.SAME, Copies.OTHER, Copies.OTHER]
