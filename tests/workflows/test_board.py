import json
import math
import shutil

import numpy as np
import pydicom
import pytest

from tumorboard.core import Contour, Structure, StructureKind
from tumorboard.errors import InputError
from tumorboard.io.case_store import CaseStore
from tumorboard.plotting.blocks import SectionStatus
from tumorboard.workflows.board import run as board_run
from tumorboard.workflows.board.config import BoardConfig
from tumorboard.workflows.board.emission import is_fdg, is_physiological
from tumorboard.workflows.board.run import run

HOT_MM = (20.0, -12.0, 60.0)


@pytest.fixture(scope="module")
def report(patient_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("board")
    result = run(BoardConfig(), patient_folder, out=out)
    return result, json.loads(result.report_json.read_text())


def test_run__finds_every_series_and_names_what_it_is(report):
    _, body = report
    scans = body["sections"]["scans"]
    assert scans["status"] == "done"
    assert [(s["modality"], s["shape"], s["files"]) for s in scans["series"]] == [
        ("CT", [30, 64, 64], 30),
        ("PT", [30, 48, 48], 30),
        ("RTSTRUCT", None, 1),
    ]
    assert scans["series"][1]["spacing_mm"] == [4.0, 4.0, 4.0]


def test_run__structures_have_the_volume_that_was_drawn(report):
    _, body = report
    volumes = {s["name"]: s["volume_ml"] for s in body["sections"]["structures"]["structures"]}
    assert volumes["GTV"] == pytest.approx(4 / 3 * math.pi * 1.6**3, rel=0.1)
    assert volumes["Body <b>"] == pytest.approx(4 / 3 * math.pi * 5**3, rel=0.03)


def test_run__pet_recovers_uptake_and_place_of_the_sphere(report):
    _, body = report
    pet = body["sections"]["pet"]
    # 70 kg in g over 350 MBq, values corrected to injection: exactly 2e-4.
    assert pet["suv"]["factor_per_bq_ml"] == pytest.approx(70e3 / 350e6, rel=1e-9)
    (lesion,) = pet["lesions"]
    assert lesion["suv_max"] == pytest.approx(8.0, rel=1e-3)
    assert lesion["suv_mean"] == pytest.approx(8.0, rel=1e-3)
    assert lesion["tlg_g"] == pytest.approx(8.0 * lesion["volume_ml"], rel=1e-3)
    assert np.linalg.norm(np.subtract(lesion["centroid_mm"], HOT_MM)) < 2.0
    gtv = next(s for s in pet["structures"] if s["name"] == "GTV")
    assert gtv["suv_max"] == pytest.approx(8.0, rel=1e-3)


def test_run__every_section_says_how_it_was_made(report):
    _, body = report
    proton = body["sections"]["proton"]
    assert proton["status"] == "not_possible"
    assert "--prescription" in proton["needs"][0]
    for section in (s for name, s in body["sections"].items() if name != "proton"):
        assert section["status"] == "done"
        assert section["provenance"]["digest"]
        assert section["wall_s"] >= 0


def test_run__page_is_one_file_that_escapes_what_files_say(report):
    result, _ = report
    page = result.report_html.read_text()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "not a medical device" in page
    assert "http-equiv" in page


def test_run__again_makes_nothing_again(report, patient_folder, monkeypatch):
    result, body = report

    def refuse(*_):
        raise AssertionError("made again")

    monkeypatch.setattr(board_run.SECTION_RUNNERS, "load", lambda name: refuse)
    monkeypatch.setattr("tumorboard.workflows.board.ingest._read_contents", refuse)
    again = run(BoardConfig(), patient_folder, out=result.folder)
    assert json.loads(again.report_json.read_text()) == body


def test_run__another_choice_makes_the_sections_that_depend_on_it(report, patient_folder, tmp_path):
    result, _ = report
    out = tmp_path / "board"
    shutil.copytree(result.folder, out)
    again = run(BoardConfig(lesion_threshold_suv=0.5), patient_folder, out=out)
    (lesion,) = json.loads(again.report_json.read_text())["sections"]["pet"]["lesions"]
    assert lesion["volume_ml"] > 400


def test_run__from_the_case_alone_gives_the_same_numbers(report, tmp_path):
    result, body = report
    again = run(BoardConfig(), result.folder / "case", out=tmp_path / "again")
    assert json.loads(again.report_json.read_text())["sections"] == body["sections"]


@pytest.mark.slow
def test_run__interrupted_keeps_what_is_done(patient_folder, tmp_path, monkeypatch):
    load = board_run.SECTION_RUNNERS.load

    def stop_at_pet(name):
        if name == "pet":
            raise KeyboardInterrupt
        return load(name)

    monkeypatch.setattr(board_run.SECTION_RUNNERS, "load", stop_at_pet)
    with pytest.raises(KeyboardInterrupt):
        run(BoardConfig(), patient_folder, out=tmp_path)
    assert not (tmp_path / "report.html").exists()
    with CaseStore(tmp_path / "case") as store:
        names = {item.name for item in store.case().items}
    assert {"section-scans", "section-structures"} <= names
    monkeypatch.setattr(board_run.SECTION_RUNNERS, "load", load)
    assert run(BoardConfig(), patient_folder, out=tmp_path).statuses["pet"] is SectionStatus.DONE


def test_run__says_which_sections_cannot_run_and_what_they_need(patient_folder, tmp_path):
    shutil.copytree(patient_folder / "a", tmp_path / "ct")
    result = run(BoardConfig(), tmp_path / "ct", out=tmp_path / "out")
    sections = json.loads(result.report_json.read_text())["sections"]
    assert sections["scans"]["status"] == "done"
    assert sections["pet"]["status"] == "not_possible"
    assert "PET" in sections["pet"]["needs"][0]
    assert sections["structures"]["status"] == "not_possible"


def test_run__one_failing_section_does_not_cost_the_others(patient_folder, tmp_path, monkeypatch):
    load = board_run.SECTION_RUNNERS.load

    def break_structures(name):
        def broken(context):
            raise InputError("a must be b; got c")

        return broken if name == "structures" else load(name)

    monkeypatch.setattr(board_run.SECTION_RUNNERS, "load", break_structures)
    result = run(BoardConfig(), patient_folder, out=tmp_path)
    assert result.statuses["structures"] is SectionStatus.FAILED
    assert result.statuses["pet"] is SectionStatus.DONE
    assert "a must be b; got c" in result.report_html.read_text()


def test_run__a_broken_file_is_set_aside_and_the_rest_is_read(patient_folder, tmp_path):
    folder = tmp_path / "dicom"
    shutil.copytree(patient_folder, folder)
    whole = sorted((folder / "b").iterdir())[-1]
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = run(BoardConfig(), folder, out=tmp_path / "out")
    body = json.loads(result.report_json.read_text())
    assert result.quarantined == 1
    assert body["sections"]["scans"]["quarantined"][0]["file"] == f"b/{whole.name}"
    assert body["sections"]["scans"]["series"][1]["shape"] == [29, 48, 48]


@pytest.mark.slow
def test_run__refuses_a_folder_of_two_patients(patient_folder, write_patient, tmp_path):
    shutil.copytree(patient_folder, tmp_path / "both")
    write_patient(tmp_path / "both" / "other", patient_id="P02", seed="other")
    with pytest.raises(InputError, match=r"one patient.*has 2: P01, P02.*--patient"):
        run(BoardConfig(), tmp_path / "both", out=tmp_path / "out")
    result = run(BoardConfig(patient_id="P02"), tmp_path / "both", out=tmp_path / "out")
    assert json.loads(result.report_json.read_text())["case"]["identifier"] == "P02"


def test_run__refuses_a_folder_without_a_patient(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError, match="folder must hold DICOM of a patient"):
        run(BoardConfig(), tmp_path / "in", out=tmp_path / "out")
    with pytest.raises(InputError, match="must be there"):
        run(BoardConfig(), tmp_path / "nowhere", out=tmp_path / "out")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"sections": ("surgery",)}, "sections must be of"),
        ({"suv_variant": "height"}, "suv_variant must be one of"),
        ({"lesion_threshold_suv": -1.0}, "lesion_threshold_suv must be > 0"),
        ({"suv_variant": "body_surface_area"}, "lesion_threshold_suv must be stated for suv_variant body_su"),
        ({"lesion_min_volume_ml": -1.0}, r"lesion_min_volume_ml must be >= 0 .* \[mL\]"),
        ({"jobs": 0}, "jobs must be >= 1"),
    ],
)
def test_config__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        BoardConfig(**choice)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("Brain", StructureKind.ORGAN, True),
        ("kidney_left", StructureKind.UNSTATED, True),
        ("urinary_bladder", StructureKind.UNSTATED, True),
        ("Renal pelvis", StructureKind.UNSTATED, True),
        ("adrenal_gland_left", StructureKind.ORGAN, False),
        ("Suprarenal R", StructureKind.ORGAN, False),
        ("gallbladder", StructureKind.ORGAN, False),
        ("Gall Bladder", StructureKind.ORGAN, False),
        ("GTV brain", StructureKind.UNSTATED, False),
        ("Kidney tumour", StructureKind.UNSTATED, False),
        ("Brain met 3", StructureKind.UNSTATED, False),
        ("Bladder", StructureKind.GTV, False),
    ],
)
def test_is_physiological__knows_organs_from_disease_and_from_their_neighbours(name, kind, expected):
    triangle = Contour([[0, 0, 0], [9, 0, 0], [0, 9, 0]])
    assert is_physiological(Structure(name, (triangle,), kind=kind)) is expected


def test_run__does_not_call_the_volume_of_candidates_a_tumour_volume(report):
    page = report[0].report_html.read_text()
    assert "Total metabolic tumour volume" not in page
    assert "only for FDG and once every candidate has been found to be tumour" in page


def test_run__says_when_a_structure_is_cut_off_by_its_images(write_patient, tmp_path):
    folder = write_patient(tmp_path / "dicom", seed="cut")
    for path in (folder / "a").iterdir():
        if pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2] < 60:
            path.unlink()
    page = run(BoardConfig(), folder, out=tmp_path / "out").report_html.read_text()
    assert "GTV reaches beyond CT" in page


def test_run__does_not_say_so_of_one_that_is_not(report):
    assert "reaches beyond" not in report[0].report_html.read_text()


@pytest.mark.parametrize(
    ("tracer", "expected"),
    [
        ("Fluorodeoxyglucose F^18^", True),
        ("FDG -- fluorodeoxyglucose", True),
        ("F-18 FDG", True),
        ("Fludeoxyglucose", True),
        ("Fluoroethyltyrosine F^18^", False),
        ("PSMA-1007", False),
        (None, False),
    ],
)
def test_is_fdg__knows_the_one_tracer_whose_organs_are_left_out(tracer, expected):
    assert is_fdg(tracer) is expected
