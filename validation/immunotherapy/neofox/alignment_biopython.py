"""Score local alignments of random and of similar peptides with Biopython, for our own to be compared with.

Usage: ``PYTHON validation/immunotherapy/neofox/alignment_biopython.py OUT.csv`` with a Python that has
Biopython. The peptides are drawn anew from the seed; the comparison is in ``tests/immunotherapy/ranking``.
"""

import csv
import random
import sys

from Bio.Align import PairwiseAligner, substitution_matrices

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def pairs(rng, number):
    """Random pairs, and pairs of which one is the other with exchanges, a deletion and other ends."""
    for _ in range(number):
        a = "".join(rng.choices(RESIDUES, k=rng.randint(8, 15)))
        if rng.random() < 0.3:
            yield a, "".join(rng.choices(RESIDUES, k=rng.randint(8, 20)))
            continue
        b = list(a)
        for _ in range(rng.randint(0, 3)):
            b[rng.randrange(len(b))] = rng.choice(RESIDUES)
        start, gone = rng.randrange(1, len(b) - 1), rng.randint(0, 3)
        yield (
            a,
            "".join(
                [*rng.choices(RESIDUES, k=3), *b[:start], *b[start + gone :], *rng.choices(RESIDUES, k=3)]
            ),
        )


def main(path):
    """Score and write."""
    aligner = PairwiseAligner(mode="local", open_gap_score=-11, extend_gap_score=-1)
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "score"])
        for a, b in pairs(random.Random(7), 400):  # noqa: S311 - no secret
            writer.writerow([a, b, int(aligner.score(a, b))])


if __name__ == "__main__":
    main(sys.argv[1])
