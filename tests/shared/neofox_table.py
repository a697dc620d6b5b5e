"""NeoFox's annotations of real neoantigens, as columns."""

import csv
import gzip

import numpy as np


class NeofoxTable:
    """Columns of ``neofox_annotations.tsv.gz``."""

    def __init__(self, data_dir):
        path = data_dir / "immunotherapy" / "neofox" / "neofox_annotations.tsv.gz"
        with gzip.open(path, "rt") as file:
            self.rows = list(csv.DictReader(file, delimiter="\t"))

    def number(self, column):
        return np.array(
            [float(row[column]) if row[column] not in ("", "NA") else np.nan for row in self.rows]
        )

    def text(self, column):
        return [row[column] or None for row in self.rows]


def agrees(expected, found, tolerance=1e-3):
    """Whether numbers agree to an absolute or relative 1e-3: the table prints five digits of large ones."""
    both_missing = np.isnan(expected) & np.isnan(found)
    return both_missing | np.isclose(found, expected, rtol=tolerance, atol=tolerance)
