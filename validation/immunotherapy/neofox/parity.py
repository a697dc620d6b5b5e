"""Compare features with NeoFox's on its 3,575 annotated neoantigens.

Usage: ``python validation/immunotherapy/neofox/parity.py DATA``, where DATA holds ``immunotherapy/neofox/``.
Writes ``parity.csv`` and ``parity.md`` beside itself.
"""

import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "shared"))

from neofox_table import NeofoxTable, agrees

from tumorboard.immunotherapy.ranking import (
    alternatively_defined,
    amplitude,
    anchors_by_rule,
    calis_immunogenicity,
    calis_mask,
    classically_defined,
    differential_agretopicity,
    generator_rate,
    improved_binder,
    mismatches,
    mutated_positions,
    recognition_potential,
    self_similarity,
    vaxrank_binding_score,
)

HERE = Path(__file__).resolve().parent


def computed(table):
    """Our value of each of NeoFox's columns, and what it is made of."""
    best = "Best_affinity_MHCI_score"
    nine = "Best_affinity_MHCI_9mer_score"
    rank = "Best_rank_MHCI_score"
    normal, mutant = table.number(best + "_WT"), table.number(best)
    normal9, mutant9 = table.number(nine + "_WT"), table.number(nine)
    peptides, counterparts = table.text(rank + "_epitope"), table.text(rank + "_epitope_WT")
    best_peptides = table.text("Best_affinity_MHCI_epitope")
    improved = improved_binder(table.number(rank + "_WT"), table.number(rank))
    masks = [calis_mask(allele) for allele in table.text("Best_affinity_MHCI_allele")]
    calis = calis_immunogenicity(best_peptides, masks)
    pairs = zip(*(table.text(f"Best_affinity_MHCI_9mer_epitope{end}") for end in ("", "_WT")), strict=True)
    anchored = [
        float(bool(set(mutated_positions(*pair)) & set(anchors_by_rule(9)))) if all(pair) else np.nan
        for pair in pairs
    ]
    known = (
        table.number("Amplitude_MHCI_affinity_9mer"),
        table.number("Pathogensimiliarity_MHCI_affinity_9mer"),
    )
    return {
        "Amplitude_MHCI_affinity": (amplitude(normal, mutant), "affinities"),
        "Amplitude_MHCI_affinity_9mer": (amplitude(normal9, mutant9), "affinities"),
        "DAI_MHCI_affinity_cutoff500nM": (
            differential_agretopicity(normal, mutant, binder_below_nm=500.0),
            "affinities",
        ),
        "CDN_MHCI": (classically_defined(mutant), "affinities"),
        "ADN_MHCI": (alternatively_defined(normal, mutant), "affinities"),
        "Improved_Binder_MHCI": (improved, "ranks"),
        "Selfsimilarity_MHCI_conserved_binder": (
            np.where(
                table.number("Improved_Binder_MHCI") == 0, self_similarity(peptides, counterparts), np.nan
            ),
            "peptides",
        ),
        "Number_of_mismatches_MCHI": (mismatches(peptides, counterparts), "peptides"),
        "IEDB_Immunogenicity_MHCI_cutoff500nM": (
            np.where(mutant < 500.0, calis, np.nan),
            "peptides, alleles",
        ),
        "Best_affinity_MHCI_9mer_anchor_mutated": (np.array(anchored), "peptides"),
        "Recognition_Potential_MHCI_affinity_9mer": (
            np.where(mutant9 < 500.0, recognition_potential(*known), np.nan),
            "its amplitude and pathogen similarity",
        ),
        "vaxrank_binding_score": (vaxrank_binding_score(mutant[:, None]), "best peptide alone"),
        "Generator_rate": (generator_rate(mutant[:, None]), "best peptide alone"),
    }


def main(data):
    """Compare and write."""
    table = NeofoxTable(Path(data))
    rows = []
    for column, (ours, source) in computed(table).items():
        theirs = table.number(column)
        both = np.isfinite(theirs) & np.isfinite(ours)
        error = np.abs(ours - theirs)[both]
        relative = error / np.maximum(np.abs(theirs[both]), 1e-12)
        rows.append(
            {
                "column": column,
                "from": source,
                "rows": int(np.isfinite(theirs).sum()),
                "agree": int((agrees(theirs, ours) & np.isfinite(theirs)).sum()),
                "defined_in_one_only": int((np.isfinite(theirs) != np.isfinite(ours)).sum()),
                "largest_absolute": f"{error.max():.2g}",
                "largest_of_absolute_or_relative": f"{np.minimum(error, relative).max():.2g}",
            }
        )
    with (HERE / "parity.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    (HERE / "parity.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
