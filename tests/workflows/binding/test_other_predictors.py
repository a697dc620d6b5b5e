"""What the comparison with other predictors on HCC1395 says is what the installed models give."""

import csv
from pathlib import Path

import pytest

from tumorboard.io.presentation_tables import read_presentation_table
from tumorboard.workflows.binding.compare import compare

STORED = Path(__file__).resolve().parents[3] / "validation/immunotherapy/other_predictors/hcc1395.csv"


@pytest.mark.slow
def test_compare__on_hcc1395_is_as_stored_and_near_the_field(data_dir):
    table = data_dir / "immunotherapy" / "pvactools" / "HCC1395_all_epitopes.slim.tsv.gz"
    with STORED.open(encoding="utf-8") as file:
        stored = {(row["tool"], row["allele"]): row for row in csv.DictReader(file)}
    found = {}
    for rows in read_presentation_table(table):
        if rows.tool in ("NetMHCpanEL", "NetMHCIIpan"):
            found |= {(rows.tool, row["allele"]): row for row in compare(rows).to_dict()["alleles"]}
    assert len(found) == 4
    for key, row in found.items():
        assert row["rank_correlation"] == pytest.approx(float(stored[key]["rank_correlation"]), abs=0.0006)
        assert row["pairs"] == int(stored[key]["pairs"])
        assert row["rank_correlation"] > 0.75
