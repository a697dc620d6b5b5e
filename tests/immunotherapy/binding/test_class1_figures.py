"""The model card's figures, computed anew from the shipped weights and the data that training held out."""

import csv
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "validation" / "immunotherapy" / "binding"


def table(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_figures__are_those_of_the_shipped_weights(unpacked_data, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    runpy.run_path(str(FOLDER / "class1.py"))["main"](unpacked_data("immunotherapy"), tmp_path)
    for name in (
        "class1_affinity",
        "class1_alleles",
        "class1_ligands",
        "class1_samples",
        "class1_uncertainty",
    ):
        again, kept = table(tmp_path / f"{name}.csv"), table(FOLDER / f"{name}.csv")
        assert len(again) == len(kept)
        for one, other in zip(again, kept, strict=True):
            assert one.keys() == other.keys()
            for column, value in one.items():
                try:
                    assert float(value) == pytest.approx(float(other[column]), abs=2e-3), (name, column)
                except ValueError:
                    assert value == other[column]


def test_figures__kept_tables_reach_what_was_asked():
    affinity = {row["convention"]: row for row in table(FOLDER / "class1_affinity.csv")}
    assert float(affinity["one value per pair"]["auc_500_nm"]) >= 0.925
    ligands = {
        row["lengths"]: row for row in table(FOLDER / "class1_ligands.csv") if row["score"] == "presentation"
    }
    assert float(ligands["8 to 11"]["auc_pooled"]) >= 0.91
    assert float(ligands["9-mers"]["auc_pooled"]) >= 0.92
