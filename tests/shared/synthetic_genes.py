"""Made-up genes on made-up chromosomes, of both strands, and variants all over them."""

from dataclasses import dataclass

import numpy as np

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants import reverse_complement

BASES = "ACGT"
STOPS = ("TAA", "TAG", "TGA")


@dataclass(frozen=True)
class TextGenome:
    """Chromosomes as strings."""

    chromosomes: dict

    def fetch(self, chromosome, first, last):
        return self.chromosomes[chromosome][first - 1 : last]

    def reversed(self):
        """Return the same molecules, the other strand up."""
        return TextGenome({name: reverse_complement(bases) for name, bases in self.chromosomes.items()})


def bases(rng, length):
    return "".join(BASES[k] for k in rng.integers(0, 4, length))


def open_frame(rng, n_codons):
    """ATG, codons that are no stop, and a stop."""
    codons = []
    while len(codons) < n_codons:
        codon = bases(rng, 3)
        if codon not in STOPS:
            codons.append(codon)
    return "ATG" + "".join(codons) + STOPS[rng.integers(3)]


def _cuts(rng, length, n_exons):
    """Lengths of exons of 12 bases at least."""
    n_exons = min(n_exons, length // 12)
    spare = length - 12 * n_exons
    ends = np.sort(rng.integers(0, spare + 1, n_exons - 1))
    return (np.diff([0, *ends, spare]) + 12).tolist()


def gene(rng, name, chromosome, offset, strand, n_codons=60):
    """Return a coding transcript that starts behind ``offset`` bases, and the bases from there to its end."""
    utr5, utr3 = int(rng.integers(0, 40)), int(rng.integers(0, 120))
    cds = open_frame(rng, int(rng.integers(4, n_codons)))
    mrna = bases(rng, utr5) + cds + bases(rng, utr3)
    lengths = _cuts(rng, len(mrna), int(rng.integers(1, 7)))
    text, exons, done = "", [], 0
    for k, length in enumerate(lengths):
        if k:
            text += "GT" + bases(rng, int(rng.integers(25, 60))) + "AG"
        exons.append((len(text), len(text) + length))
        text += mrna[done : done + length]
        done += length
    coding, done = [], 0
    for first, end in exons:
        low, high = max(utr5 - done, 0), min(utr5 + len(cds) - done, end - first)
        if low < high:
            coding.append((first + low, first + high))
        done += end - first
    if strand == "-":
        text = reverse_complement(text)
        exons = [(len(text) - e, len(text) - s) for s, e in exons[::-1]]
        coding = [(len(text) - e, len(text) - s) for s, e in coding[::-1]]
    place = [tuple((offset + s + 1, offset + e) for s, e in part) for part in (exons, coding)]
    return Transcript(f"T{name}", f"G{name}", chromosome, strand, *place, gene_identifier=f"G{name}"), text


def synthetic_genes(seed, n_genes=20, n_chromosomes=2, n_codons=60):
    """Return a genome and its transcripts, one in ten of which is not translated."""
    rng = np.random.default_rng(seed)
    texts = {str(k + 1): [bases(rng, 50)] for k in range(n_chromosomes)}
    transcripts = []
    for k in range(n_genes):
        chromosome = str(k % n_chromosomes + 1)
        offset = sum(map(len, texts[chromosome]))
        made, text = gene(rng, k, chromosome, offset, "+-"[int(rng.integers(2))], n_codons)
        if k % 10 == 9:
            made = Transcript(
                made.identifier, made.gene, chromosome, made.strand, made.exons,
                biotype="lncRNA", gene_identifier=made.gene,
            )  # fmt: skip
        transcripts.append(made)
        texts[chromosome] += [text, bases(rng, int(rng.integers(20, 60)))]
    return TextGenome({name: "".join(parts) for name, parts in texts.items()}), tuple(transcripts)


def random_variant(rng, genome, transcript, longest=12):
    """Return a substitution, insertion, deletion or exchange of bases in or near a transcript."""
    chromosome = genome.chromosomes[transcript.chromosome]
    if rng.random() < 0.75:  # in or beside an exon: introns change little
        start, end = transcript.exons[rng.integers(len(transcript.exons))]
        position = int(rng.integers(max(start - 5, 2), end + 5))
    else:
        position = int(rng.integers(max(transcript.start - 5, 2), transcript.end + 5))
    kind = rng.choice(["snv", "mnv", "insertion", "deletion", "exchange"], p=[0.4, 0.15, 0.2, 0.2, 0.05])
    n_old = {"snv": 1, "insertion": 1}.get(kind, int(rng.integers(2, longest)))
    old = chromosome[position - 1 : position - 1 + n_old]
    if kind == "insertion":
        new = old + bases(rng, int(rng.integers(1, longest)))
    elif kind == "deletion":
        new = old[0]
    else:
        n_new = len(old) if kind in ("snv", "mnv") else int(rng.integers(1, longest))
        new = bases(rng, n_new)
        while new == old:
            new = bases(rng, n_new)
    return SmallVariant(transcript.chromosome, position, old, new)


def plain_protein(genome, transcript, variant):
    """The mutant protein by the shortest way, a cell per base, without trimming."""
    cells = dict(enumerate(genome.chromosomes[transcript.chromosome], start=1))
    for k, p in enumerate(range(variant.position, variant.end + 1)):
        last = p == variant.end
        cells[p] = variant.alternative[k:] if last else variant.alternative[k : k + 1]
    order = [p for s, e in transcript.exons for p in range(s, e + 1)]
    begin, step = (transcript.coding[0][0], 1) if transcript.strand == "+" else (transcript.coding[-1][1], -1)
    order = order[::step]
    other = {"A": "T", "C": "G", "G": "C", "T": "A"}
    read = "".join(cells[p] if step > 0 else "".join(other[b] for b in cells[p][::-1]) for p in order)
    before = "".join(cells[p] for p in order[: order.index(begin)])
    letters = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
    codons = {
        a + b + c: letters[16 * i + 4 * j + k]
        for i, a in enumerate("TCAG")
        for j, b in enumerate("TCAG")
        for k, c in enumerate("TCAG")
    }
    protein = "".join(codons[read[k : k + 3]] for k in range(len(before), len(read) - 2, 3))
    return protein.partition("*")[0]
