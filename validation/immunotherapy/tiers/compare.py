"""Tiers of pVACseq on HCC1395 beside ours, from its numbers and from ours: compare.py DATA_FOLDER SCRATCH."""

import csv
import sys
from collections import Counter
from pathlib import Path

from tumorboard.immunotherapy.ranking.tiers import Tier, TierFacts, TierThresholds, tier_of
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.folder import ImmunotherapyFiles
from tumorboard.workflows.immunotherapy.read import read_inputs
from tumorboard.workflows.immunotherapy.run import run

HERE = Path(__file__).parent
#: Of the run that the table is of, as its LowExpr and Pass rows show: between 2.405 and 2.515 TPM.
ALLELE_TPM = 10.0
ALLELES = ("A*29:02", "B*45:01", "B*82:02", "DRB1*04:05")


def number(text):
    """Return a cell's number, or none."""
    return None if text == "NA" else float(text)


def facts(row):
    """Return a row of the table as what the rules ask for; anchors are the two residues at each end."""
    n = len(row["Best Peptide"])
    truth = {"True": True, "False": False, "NA": None}
    vaf = number(row["DNA VAF"])
    return TierFacts(
        affinity_nm=number(row["IC50 MT"]),
        wild_type_affinity_nm=number(row["IC50 WT"]),
        binding_percentile=number(row["IC50 %ile MT"]),
        presentation_percentile=number(row["Pres %ile MT"]),
        immunogenicity_percentile=number(row["IM %ile MT"]),
        changed=None if row["Pos"] == "NA" else tuple(int(p) - 1 for p in row["Pos"].split(",")),
        anchors=frozenset({0, 1, n - 2, n - 1}),
        gene_tpm=number(row["RNA Expr"]),
        rna_vaf=number(row["RNA VAF"]),
        rna_depth=None if row["RNA Depth"] == "NA" else int(float(row["RNA Depth"])),
        cancer_cell_fraction=None if vaf is None else min(1.0, 2.0 * vaf),
        mane_select=truth[row["MANE Select"]],
        canonical=truth[row["Canonical"]],
        support_level=None if row["TSL"] == "NA" else int(row["TSL"]),
    )


def own_targets(folder, scratch, **choices):
    """Search with our predictors, by variant."""
    hla = scratch / "hla.txt"
    hla.write_text("\n".join(ALLELES) + "\n")
    config = ImmunotherapyConfig(expression_tpm=ALLELE_TPM, **choices)
    files = ImmunotherapyFiles(variants=folder / "annotated.expression.vcf.gz", hla=hla)
    return {target.variant: target for target in run(config, read_inputs(config, files)).targets}


def of_row(row, targets):
    """Find the target of a row: pVACseq counts from 0, and from 1 for some deletions."""
    chromosome, start, _, reference, alternative = row["ID"].split("-")
    names = [f"{chromosome}-{int(start) + k}-{reference}-{alternative}" for k in (1, 0)]
    return next((targets[name] for name in names if name in targets), None)


def counted(rows, targets):
    """Return how often each pair of tiers occurs, the same peptide by their tier, and all rows."""
    pairs, same, table = Counter(), Counter(), []
    for row in rows:
        target = of_row(row, targets)
        ours = ("no target", "", "") if target is None else (target.tier.value, target.peptide, target.allele)
        pairs[row["Tier"], ours[0]] += 1
        same[row["Tier"]] += ours[1] == row["Best Peptide"]
        table.append((row["ID"], row["Gene"], row["Tier"], row["Best Peptide"], row["Allele"], *ours))
    return pairs, same, table


def lines(rows, told, pairs, same):
    """Return the comparison as a table of Markdown."""
    kept = sum(tier == row["Tier"] for tier, row in zip(told, rows, strict=True))
    yield f"By our rules from pVACseq's numbers: {kept} of {len(rows)} tiers are the same."
    yield ""
    agree = sum(n for (a, b), n in pairs.items() if a == b)
    yield f"From our predictions: {agree} of {len(rows)} the same. Rows are pVACseq's tiers, columns ours."
    yield ""
    names = [tier.value for tier in Tier] + ["no target"]
    columns = [n for n in names if any(b == n for _, b in pairs)]
    yield "| pVACseq | " + " | ".join(columns) + " | same peptide |"
    yield "|---" * (len(columns) + 2) + "|"
    for a in [n for n in names if any(x == n for x, _ in pairs)]:
        yield f"| {a} | " + " | ".join(str(pairs[a, b] or "") for b in columns) + f" | {same[a]} |"


def main(data, scratch):
    """Compare, and write ``hcc1395.md`` and ``hcc1395.csv`` beside this file."""
    folder = Path(data) / "immunotherapy/pvactools"
    path = folder / "HCC1395_TUMOR_DNA.Combined.all_epitopes.aggregated.tsv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    limits = TierThresholds(500.0, 2.0, ALLELE_TPM, 0.25, 10, 0.5, 1)
    told = [tier_of(facts(row), limits).tier.value for row in rows]
    # pVACseq has one percentile for both classes.
    pairs, same, table = counted(rows, own_targets(folder, Path(scratch), percentiles_class2=(2.0, 2.0)))
    (HERE / "hcc1395.md").write_text("\n".join(lines(rows, told, pairs, same)) + "\n", encoding="utf-8")
    with (HERE / "hcc1395.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = "id,gene,pvacseq_tier,pvacseq_peptide,pvacseq_allele,tier,peptide,allele"
        writer.writerow(columns.split(","))
        writer.writerows(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
