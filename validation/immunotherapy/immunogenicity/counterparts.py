"""What features of pairs are worth where a tested peptide's counterpart can be found.

Usage: ``python validation/immunotherapy/immunogenicity/counterparts.py DATA``. IMPROVE's table gives no
counterparts. Here they are sought, one residue off, in the normal proteins that the data hold: VEP's in the
HCC1395 VCF and 1,662 of Ensembl, some 3.9 of the proteome's 11 million residues. Writes ``counterparts.md``.
"""

import gzip
import re
import sys
from pathlib import Path

import numpy as np
from cross_validate import predict, read

from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.ranking import (
    agretopicity,
    amplitude,
    anchors_by_rule,
    area_under_curve,
    area_within,
    bootstrap_interval,
    differential_agretopicity,
    exposed_similarity,
    groups_by_shared_words,
    improved_binder,
    mutated_positions,
    self_similarity,
)

HERE = Path(__file__).resolve().parent


def normal_proteins(data):
    """All distinct normal proteins of the VCF and of the FASTA."""
    folder = Path(data) / "immunotherapy" / "pvactools"
    found, field = set(), None
    with gzip.open(folder / "annotated.expression.vcf.gz", "rt") as file:
        for line in file:
            if line.startswith("##INFO=<ID=CSQ"):
                field = line.split("Format: ")[1].strip('">\n').split("|").index("WildtypeProtein")
            if not line.startswith("#"):
                entries = re.search("CSQ=([^;\t]+)", line).group(1).split(",")
                found |= {entry.split("|")[field] for entry in entries if entry.count("|") >= field}
    with gzip.open(folder / "Homo_sapiens.GRCh38.pep.short.fa.gz", "rt") as file:
        found |= {"".join(entry.split("\n")[1:]) for entry in file.read().split(">")[1:]}
    return sorted(found - {""})


def main(data):
    """Find, judge and write."""
    peptides, alleles, labels = read(data)
    near = ProteomeIndex.of(normal_proteins(data)).nearest(peptides)
    at = np.flatnonzero(near.mismatches == 1)
    mutant, normal = [peptides[k] for k in at], [near.peptides[k] for k in at]
    own = [alleles[k] for k in at]
    (a, b), y = (predict(side, own)[0] for side in (mutant, normal)), labels[at]
    groups = groups_by_shared_words(mutant, word=8)
    hidden = [
        mutated_positions(m, n)[0] in anchors_by_rule(len(m)) for m, n in zip(mutant, normal, strict=True)
    ]
    scores = {
        "affinity of the mutant": -a[:, 0],
        "agretopicity": -np.log(agretopicity(b[:, 0], a[:, 0])),
        "amplitude": amplitude(b[:, 0], a[:, 0]),
        "DAI": differential_agretopicity(b[:, 0], a[:, 0]),
        "improved binder": improved_binder(b[:, 1], a[:, 1]),
        "self-similarity, less": -self_similarity(mutant, normal),
        "self-similarity of exposed residues, less": -exposed_similarity(mutant, normal),
        "mutation not at an anchor": -np.array(hidden, float),
    }
    lines = [f"{len(at)} tested peptides, {y.sum()} answered, have a counterpart.", ""]
    lines += ["| score | AUC | within alleles |", "|---|---|---|"]
    for name, score in scores.items():
        area = bootstrap_interval(area_under_curve, y, score, groups, resamples=500, seed=1)
        lines.append(f"| {name} | {area} | {area_within(y, score, own):.3f} |")
    (HERE / "counterparts.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
