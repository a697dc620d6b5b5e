"""Our predictions beside those of the predictors that pVACseq ran on the peptides of HCC1395.

Usage: ``python validation/immunotherapy/other_predictors/compare.py DATA OUT.csv``, DATA the folder of real
data. None of these predictions was trained or tuned on: they are other models' opinions, not measurements.
"""

import csv
import sys
from pathlib import Path

from tumorboard.io.presentation_tables import read_presentation_table
from tumorboard.workflows.binding.compare import compare

COLUMNS = ("allele", "pairs", "compared", "rank_correlation", "ours", "theirs", "both")


def main(data: str, out: str) -> None:
    """Write a row for each tool and allele."""
    table = Path(data) / "immunotherapy" / "pvactools" / "HCC1395_all_epitopes.slim.tsv.gz"
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("tool", *COLUMNS))
        for rows in read_presentation_table(table):
            found = compare(rows).to_dict()
            for allele in found["alleles"]:
                values = [allele[column] for column in COLUMNS]
                values[3] = "" if values[3] is None else f"{values[3]:.3f}"
                writer.writerow((found["tool"], *("" if value is None else value for value in values)))


if __name__ == "__main__":
    main(*sys.argv[1:])
