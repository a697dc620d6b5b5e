import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.io.dicom import read_ion_plan, read_rtdose
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board.run import run
from tumorboard.workflows.info import describe
from tumorboard.workflows.proton_plan.prescription import parse_prescription

pytestmark = pytest.mark.slow

PRESCRIPTION = Path(__file__).with_name("prescription.toml").read_text()


def prescribed(*changes):
    text = PRESCRIPTION
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return BoardConfig(prescription=parse_prescription(tomllib.loads(text), folder=Path()))


@pytest.fixture(scope="module")
def folder(water_folder):
    return water_folder


@pytest.fixture(scope="module")
def report(folder, tmp_path_factory):
    result = run(prescribed(), folder, out=tmp_path_factory.mktemp("board"))
    return result, json.loads(result.report_json.read_text())["sections"]["proton"]


def test_proton__reports_what_the_field_asks_for(report):
    _, proton = report
    assert proton["status"] == "done"
    assert {"beams", "spots", "objective", "iterations"} <= proton["plan"].keys()
    assert {"mean_gy", "d95_gy", "d2_gy", "v20gy_percent"} <= proton["dvh"]["GTV"].keys()
    assert proton["dvh"]["GTV"]["mean_gy"] == pytest.approx(20.0, rel=0.02)
    assert len(proton["robust"]["scenarios"]) == 9
    assert 0 <= proton["ntcp"]["spinal_cord_myelopathy_schultheiss"]["probability_percent"] <= 100
    assert 0 < proton["peak_memory_gb"] < 100


def test_proton__files_beside_the_report_hold_the_plan_and_its_dose(report):
    result, proton = report
    plan, dose = read_ion_plan(result.folder / "plan.dcm"), read_rtdose(result.folder / "dose.dcm")
    assert plan.n_spots == proton["plan"]["spots"] == proton["exported"]["read_back"]["spots"]
    assert plan.n_fractions == 10
    np.testing.assert_allclose(plan.beams[0].geometry.isocentre_mm, proton["plan"]["isocentre_mm"], atol=1e-6)
    units = sum(layer.monitor_units.sum() for layer in plan.beams[0].layers)
    assert units == pytest.approx(proton["plan"]["beams"][0]["monitor_units"], rel=1e-6)
    centre = tuple(np.rint(dose.grid.patient_to_index((10.0, 0.0, 0.0))).astype(int))
    assert dose.values[centre] == pytest.approx(20.0, rel=0.05)


def test_proton__page_shows_dose_in_the_viewer_and_pictures(report):
    result, _ = report
    page = result.report_html.read_text()
    assert "Proton plan" in page
    assert page.count("data:image/png") >= 5
    assert '"Dose"' in page
    assert '"LETd"' in page


def test_proton__files_describe_themselves(report):
    result, proton = report
    said = "\n".join(describe(result.folder / "plan.dcm"))
    assert (
        f"beam left: gantry 90 deg, couch 0 deg, range shifter none, {proton['plan']['beams'][0]['layers']}"
        in said
    )
    assert "highest" in "\n".join(describe(result.folder / "dose.dcm"))


def test_proton__is_made_again_only_for_another_prescription(report, folder):
    result, proton = report
    again = run(prescribed(), folder, out=result.folder)
    assert json.loads(again.report_json.read_text())["sections"]["proton"] == proton
    text = ("max_iterations = ", "max_iterations = 1")
    other = run(prescribed(text), folder, out=result.folder)
    changed = json.loads(other.report_json.read_text())["sections"]["proton"]
    assert changed["plan"]["objective"] != proton["plan"]["objective"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("GTV", "CTV", "target of the prescription must be one of GTV, cord; got CTV"),
        (
            'structure = "cord"',
            'structure = "chord"',
            "must be one of GTV, cord, body or a combined one; got 'chord'",
        ),
    ],
)
def test_proton__an_unknown_structure_fails_the_section_alone(folder, tmp_path, old, new, said):
    result = run(prescribed((old, new)), folder, out=tmp_path)
    sections = json.loads(result.report_json.read_text())["sections"]
    assert sections["structures"]["status"] == "done"
    assert sections["proton"]["status"] == "failed"
    assert said in sections["proton"]["error"]
    assert result.errors == {"proton": sections["proton"]["error"]}
    assert not (tmp_path / "plan.dcm").exists()


def test_proton__without_structures_says_what_it_needs(folder, tmp_path):
    result = run(prescribed(), folder / "ct", out=tmp_path)
    proton = json.loads(result.report_json.read_text())["sections"]["proton"]
    assert proton["status"] == "not_possible"
    assert "structure set" in proton["needs"][0]


def test_proton__a_plan_that_dicom_cannot_hold_does_not_cost_the_report(report, folder, monkeypatch):
    def refuse(*_):
        raise InputError("description must be shorter; got a novel")

    monkeypatch.setattr("tumorboard.workflows.board.run.export_plan", refuse)
    result = run(prescribed(), folder, out=report[0].folder)
    body = json.loads(result.report_json.read_text())["sections"]["proton"]
    assert body["status"] == "done"
    assert body["exported"] is None
    assert body["dvh"] == report[1]["dvh"]
    assert "could not be written as DICOM: description must be shorter" in result.report_html.read_text()


def test_proton__a_plan_that_was_interrupted_is_made_again(folder, tmp_path):
    def interrupt(what, done, total):
        if what.startswith("optimising") and 3 <= done < total:
            raise KeyboardInterrupt

    def plan_of(result):
        return json.loads(result.report_json.read_text())["sections"]["proton"]["plan"]

    first = plan_of(run(prescribed(), folder, out=tmp_path, progress=interrupt))
    again = plan_of(run(prescribed(), folder, out=tmp_path))
    assert first["status"] == "interrupted"
    assert again["status"] != "interrupted"
    assert again["objective"] < first["objective"]
