"""Compare our peptides of the HCC1395 exome with pVACseq's: python compare.py DATA_FOLDER (its pvactools)."""

import csv
import gzip
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tumorboard.immunotherapy.peptides import VariantFilter, neopeptides
from tumorboard.io.vcf_records import read_annotated_variants

LENGTHS = (8, 9, 15)
KINDS = {"missense": "missense", "FS": "frameshift", "inframe_del": "in-frame deletion"}
KINDS["inframe_ins"] = "in-frame insertion"


def our_peptides(folder, **choices):
    """Return the peptides by variant, transcript and sequence, and the reasons of those dropped."""
    # pVACseq was run without a file of phased neighbours: each variant was for itself.
    variants = [
        (replace(variant, phase=None, homozygous=None), changes)
        for variant, changes in read_annotated_variants(folder / "annotated.expression.vcf.gz")
    ]
    found = neopeptides(variants, LENGTHS, choose=VariantFilter(passing_only=False, **choices))
    ours = {
        (peptide.events[0], origin.transcript, peptide.sequence): peptide
        for peptide in found.kept
        for origin in peptide.origins
    }
    dropped = {
        (one.event, one.transcript, one.sequence): one.reason.name
        for one in found.dropped
        if one.reason.name != "UNPHASED_NEIGHBOUR"
    }
    return ours, dropped


def their_peptides(folder, names):
    """Return pVACseq's rows by variant, transcript and sequence."""
    rows = {}
    with gzip.open(folder / "HCC1395_all_epitopes.slim.tsv.gz", "rt") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            # Start is counted from 0 for substitutions.
            start = int(row["Start"])
            places = (
                f"{row['Chromosome']}-{p}-{row['Reference']}-{row['Variant']}" for p in (start + 1, start)
            )
            name = next(place for place in places if place in names)
            rows[name, row["Transcript"], row["MT Epitope Seq"]] = row
    return rows


def fate(key, row, ours, dropped):
    """Return what became of one of pVACseq's peptides, and whether pairing and positions are the same."""
    if key not in ours:
        return dropped.get(key, "MISSED"), True, True
    peptide = ours[key]
    theirs = row["WT Epitope Seq"] if row["WT Epitope Seq"] not in ("", "NA") else None
    differ = [
        str(i + 1)
        for i, (a, b) in enumerate(zip(peptide.sequence, peptide.wild_type or peptide.sequence, strict=True))
        if a != b
    ]
    positions = row["Mutation Position"] if row["Mutation Position"] not in ("", "NA") else ""
    return "ours", theirs == peptide.wild_type, positions == ", ".join(differ)


def table(folder, **choices):
    """Return rows of kind, length, what became of it, number, and how many pair and number the same."""
    ours, dropped = our_peptides(folder, **choices)
    names = {key[0] for key in (*ours, *dropped)}
    theirs = their_peptides(folder, names)
    counts, same_pair, same_place = Counter(), Counter(), Counter()
    for key, row in theirs.items():
        became, pair, place = fate(key, row, ours, dropped)
        kind = KINDS[row["Variant Type"]], len(key[2]), became
        counts[kind] += 1
        same_pair[kind] += pair
        same_place[kind] += place
    rows = [(*kind, n, same_pair[kind], same_place[kind]) for kind, n in sorted(counts.items())]
    for length, n in sorted(Counter(len(key[2]) for key in ours if key not in theirs).items()):
        rows.append(("all", length, "ours only", n, n, n))
    return rows


if __name__ == "__main__":
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["kind", "length", "became", "peptides", "same_wild_type", "same_positions"])
    out.writerows(table(Path(sys.argv[1])))
