"""The class II card's figures, computed anew from the kept networks and what each held out."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[3] / "validation" / "immunotherapy" / "binding"
CLEAN_FOLD = 1


def kept_lines(fold):
    with (FOLDER / "class2_affinity.csv").open() as stream:
        return [row for row in csv.DictReader(stream) if row["fold"] == str(fold)]


@pytest.mark.slow
def test_figures__are_those_of_the_kept_networks(unpacked_data, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = runpy.run_path(str(FOLDER / "class2.py"))
    rows = script["read_rows"](unpacked_data("immunotherapy"))
    some = [row for row, fold in zip(rows, script["folds_of"](rows), strict=True) if fold == CLEAN_FOLD]
    model = script["of_fold"](*script["teachers"](), CLEAN_FOLD)
    again = script["summary"](str(CLEAN_FOLD), some, script["predicted"](model, some)[0])
    students = f"{CLEAN_FOLD}, students"
    again += script["summary"](students, some, script["predicted"](script["students"](), some)[0])
    for one, kept in zip(again, kept_lines(CLEAN_FOLD) + kept_lines(students), strict=True):
        assert one[:3] == [kept["fold"], kept["rows"], int(kept["n"])]
        assert one[3] == pytest.approx(float(kept["auc_500_nm"]), abs=2e-3)
        if kept["pearson"]:
            assert one[4] == pytest.approx(float(kept["pearson"]), abs=2e-3)


def test_figures__the_fold_set_apart_reaches_what_was_asked():
    figures = {row["rows"]: float(row["auc_500_nm"]) for row in kept_lines(CLEAN_FOLD)}
    assert figures["all rows"] >= 0.82
    assert figures["quantitative rows"] >= 0.82


def test_figures__students_lose_less_than_a_hundredth():
    teachers, students = ({row["rows"]: row for row in kept_lines(name)} for name in ("1", "1, students"))
    for name in ("all rows", "quantitative rows", "one value per pair"):
        assert float(students[name]["auc_500_nm"]) > float(teachers[name]["auc_500_nm"]) - 0.01


def test_figures__every_fold_has_as_many_teachers_that_never_saw_it():
    held = np.load(FOLDER / "class2_teachers.npz")["held"]
    assert np.bincount(held).tolist() == [len(held) // 5] * 5
