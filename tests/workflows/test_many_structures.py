"""Segmentation programs write a hundred structures at once; some files hold thousands."""

import json

import numba
import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity, Structure, StructureSet
from tumorboard.io.case_store import CaseStore
from tumorboard.provenance import Record
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board import run as board_run
from tumorboard.workflows.board.run import run

MADE = Record("test.made")
GRID = Grid((6, 16, 16), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
N = 70


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A case of one CT and 70 structures that all share a voxel; the later, the larger."""
    folder = tmp_path_factory.mktemp("many")
    structures = []
    for k in range(N):
        mask = np.zeros(GRID.shape, bool)
        mask[3, 8, 8] = True
        mask.flat[:k] = True
        structures.append(Structure(f"S{k}", mask=Image(mask, GRID, Quantity.LABEL, MADE)))
    common = {"uid": "1.2", "description": "", "files": 1, "notes": [], "acquisition": None, "error": None}
    with CaseStore(folder / "case", identifier="P01") as store:
        store.put_image("ct-0", Image(np.zeros(GRID.shape, np.int16), GRID, Quantity.CT_NUMBER, MADE))
        store.put_structures("set", StructureSet(tuple(structures), "1.2.3", MADE, "Drawn"))
        volume = {"item": "ct-0", "label": "CT", "notes": []}
        store.put_result("ct", {**common, "modality": "CT", "volumes": [volume], "structures": None}, MADE)
        store.put_result("rt", {**common, "modality": "SEG", "volumes": [], "structures": "set"}, MADE)
        study = {"series_items": ["ct", "rt"], "quarantined": [], "ignored_files": 0, "study_uids": ["1"]}
        store.put_result("study", study, MADE)
    return run(BoardConfig(sections=("structures",)), folder / "case", out=folder)


def test_report__measures_every_structure(report):
    measured = json.loads(report.report_json.read_text())["sections"]["structures"]["structures"]
    assert [s["name"] for s in measured] == [f"S{k}" for k in range(N)]
    assert measured[-1]["volume_ml"] == pytest.approx(N * 0.064)


def test_report__outlines_the_largest_and_says_so(report):
    page = report.report_html.read_text(encoding="utf-8")
    assert "the largest 60 of 70 structures" in page
    (outlined,) = (line for line in page.splitlines() if "with outlines of" in line)
    assert "S69" in outlined
    assert "S9," not in outlined


def test_report__paints_what_the_viewer_can_hold_and_says_what_it_left_out(report):
    page = report.report_html.read_text(encoding="utf-8")
    assert page.count('"kind": "labels"') == 8
    assert "62 structure(s) that overlap many others are not shown here" in page


def test_run__jobs_bound_the_threads_of_every_section(report, tmp_path, monkeypatch):
    seen = []
    load = board_run.SECTION_RUNNERS.load

    def watched(name):
        seen.append(numba.get_num_threads())
        return load(name)

    monkeypatch.setattr(board_run.SECTION_RUNNERS, "load", watched)
    run(BoardConfig(sections=("scans",), jobs=1), report.folder / "case", out=tmp_path)
    assert seen == [1]
