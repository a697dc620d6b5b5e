"""Write made-up genes and variants as files that other programs read (a folder as the only argument).

    python validation/immunotherapy/consequences/make_case.py FOLDER

with the repository's ``tests/shared`` on the path: GTF as Ensembl writes it, FASTA of chromosomes,
transcripts and proteins, and ``variants.tsv``.
"""

import sys
from pathlib import Path

import numpy as np
from synthetic_genes import random_variant, synthetic_genes

from tumorboard.immunotherapy.variants import splice

SEED, N_GENES, N_VARIANTS = 20261128, 400, 6000


def lines_of(transcript):
    """GTF lines of one gene with one transcript."""
    genes = (
        f'gene_id "{transcript.gene}"; gene_name "{transcript.gene}"; gene_biotype "{transcript.biotype}";'
    )
    said = (
        f'{genes} transcript_id "{transcript.identifier}"; transcript_name "{transcript.identifier}"; '
        f'transcript_biotype "{transcript.biotype}";'
    )

    def line(feature, first, last, attributes, phase="."):
        fields = [transcript.chromosome, "synthetic", feature, first, last, ".", transcript.strand, phase]
        return "\t".join([*map(str, fields), attributes])

    yield line("gene", transcript.start, transcript.end, genes)
    yield line("transcript", transcript.start, transcript.end, said)
    order = transcript.exons if transcript.strand == "+" else transcript.exons[::-1]
    coding = transcript.coding if transcript.strand == "+" else transcript.coding[::-1]
    number = {exon: k + 1 for k, exon in enumerate(order)}
    for exon in order:
        exon_said = f'{said} exon_number "{number[exon]}"; exon_id "{transcript.identifier}E{number[exon]}";'
        yield line("exon", *exon, exon_said)
    each = [
        p for s, e in coding for p in (range(s, e + 1) if transcript.strand == "+" else range(e, s - 1, -1))
    ]
    for feature, bases in (("CDS", each[:-3]), ("start_codon", each[:3]), ("stop_codon", each[-3:])):
        done = 0
        for exon in order:
            here = [p for p in bases if exon[0] <= p <= exon[1]]
            if here:
                more = f'{said} exon_number "{number[exon]}"; protein_id "P{transcript.identifier}";'
                yield line(feature, min(here), max(here), more, -done % 3)
                done += len(here)


def main(folder):
    """Write the files."""
    genome, transcripts = synthetic_genes(SEED, n_genes=N_GENES, n_chromosomes=4)
    rng = np.random.default_rng(SEED)
    (folder / "genes.gtf").write_text("".join(f"{x}\n" for t in transcripts for x in lines_of(t)))
    (folder / "genome.fa").write_text("".join(f">{n}\n{b}\n" for n, b in genome.chromosomes.items()))
    spliced = [splice(t, genome) for t in transcripts]
    (folder / "cdna.fa").write_text("".join(f">{s.transcript.identifier}\n{s.cdna}\n" for s in spliced))
    proteins = [s for s in spliced if s.is_translated]
    (folder / "proteins.fa").write_text(
        "".join(f">P{s.transcript.identifier}\n{s.protein}\n" for s in proteins)
    )
    rows = set()
    while len(rows) < N_VARIANTS:
        transcript = transcripts[rng.integers(len(transcripts))]
        v = random_variant(rng, genome, transcript)
        rows.add((v.chromosome, v.position, v.reference, v.alternative))
    (folder / "variants.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in sorted(rows)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
