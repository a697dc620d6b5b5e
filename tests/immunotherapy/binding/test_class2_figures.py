"""The class II card's figures, computed anew from the shipped weights and what each network held out."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tumorboard.immunotherapy.binding.class2 import Class2Model
from tumorboard.immunotherapy.binding.weights import read_arrays

FOLDER = Path(__file__).resolve().parents[3] / "validation" / "immunotherapy" / "binding"
CLEAN_FOLD = 1


def kept_lines(fold):
    with (FOLDER / "class2_affinity.csv").open() as stream:
        return [row for row in csv.DictReader(stream) if row["fold"] == str(fold)]


@pytest.mark.slow
def test_figures__are_those_of_the_shipped_weights(unpacked_data, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = runpy.run_path(str(FOLDER / "class2.py"))
    rows = script["read_rows"](unpacked_data("immunotherapy"))
    some = [row for row, fold in zip(rows, script["folds_of"](rows), strict=True) if fold == CLEAN_FOLD]
    model = script["of_fold"](Class2Model.installed(), read_arrays("class2")["held"], CLEAN_FOLD)
    again = script["summary"](str(CLEAN_FOLD), some, script["predicted"](model, some)[0])
    for one, kept in zip(again, kept_lines(CLEAN_FOLD), strict=True):
        assert one[:3] == [kept["fold"], kept["rows"], int(kept["n"])]
        assert one[3] == pytest.approx(float(kept["auc_500_nm"]), abs=2e-3)
        if kept["pearson"]:
            assert one[4] == pytest.approx(float(kept["pearson"]), abs=2e-3)


def test_figures__the_fold_set_apart_reaches_what_was_asked():
    figures = {row["rows"]: float(row["auc_500_nm"]) for row in kept_lines(CLEAN_FOLD)}
    assert figures["all rows"] >= 0.82
    assert figures["quantitative rows"] >= 0.82


def test_figures__every_fold_has_as_many_networks_that_never_saw_it():
    held = read_arrays("class2")["held"]
    assert np.bincount(held).tolist() == [len(held) // 5] * 5
