import json
import os
import shutil
import sys

import pytest
from pydicom import dcmread

from tumorboard.io.case_store import CaseStore
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board.run import run


def series_of(result):
    return json.loads(result.report_json.read_text())["sections"]["scans"]["series"]


@pytest.mark.slow
def test_ingest__follows_what_is_added_and_removed(patient_folder, tmp_path):
    folder = tmp_path / "dicom"
    shutil.copytree(patient_folder, folder)
    shutil.move(folder / "b", tmp_path / "b")
    before = run(BoardConfig(), folder, out=tmp_path / "out")
    assert [s["modality"] for s in series_of(before)] == ["CT", "RTSTRUCT"]
    shutil.move(tmp_path / "b", folder / "b")
    (folder / "structures.dcm").unlink()
    after = run(BoardConfig(), folder, out=tmp_path / "out")
    assert [s["modality"] for s in series_of(after)] == ["CT", "PT"]
    with CaseStore(tmp_path / "out" / "case") as store:
        assert not [item for item in store.case().items if item.name.startswith("rtstruct")]


def test_ingest__sees_new_images_beside_its_own_report(patient_folder, tmp_path):
    """The report may stand in the folder of the images: it must not be taken for all there is."""
    folder = tmp_path / "dicom"
    shutil.copytree(patient_folder / "a", folder / "a")
    run(BoardConfig(), folder, out=folder)
    shutil.copytree(patient_folder / "b", folder / "b")
    assert [s["modality"] for s in series_of(run(BoardConfig(), folder, out=folder))] == ["CT", "PT"]


def test_ingest__takes_the_folder_of_a_report_for_its_case(patient_folder, tmp_path):
    first = run(BoardConfig(), patient_folder, out=tmp_path / "first")
    again = run(BoardConfig(), tmp_path / "first", out=tmp_path / "again")
    assert series_of(again) == series_of(first)


def test_ingest__keeps_series_of_two_studies_with_one_uid_apart(patient_folder, tmp_path):
    folder = tmp_path / "dicom"
    shutil.copytree(patient_folder / "a", folder / "a")
    shutil.copytree(patient_folder / "a", folder / "other")
    for k, path in enumerate(sorted((folder / "other").iterdir())[:-2]):
        file = dcmread(path)
        file.StudyInstanceUID, file.SOPInstanceUID = "1.2.3.4", f"1.2.3.4.{k + 1}"
        file.save_as(path)
    for path in sorted((folder / "other").iterdir())[-2:]:
        path.unlink()
    found = series_of(run(BoardConfig(), folder, out=tmp_path / "out"))
    assert [s["shape"][0] for s in found] in ([30, 28], [28, 30])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are Unicode")
def test_ingest__survives_file_names_that_are_no_text(patient_folder, tmp_path):
    folder = tmp_path / "dicom"
    shutil.copytree(patient_folder / "a", folder)
    whole = sorted(folder.iterdir())[0]
    with open(os.fsencode(folder) + b"/\xff\n.dcm", "wb") as cut:
        cut.write(whole.read_bytes()[:700])
    result = run(BoardConfig(), folder, out=tmp_path / "out")
    (aside,) = json.loads(result.report_json.read_text())["case"]["quarantined"]
    assert aside["file"] == r"\udcff\n.dcm"
    assert aside["file"] in result.report_html.read_text(encoding="utf-8")


def test_ingest__reads_the_index_as_often_for_many_series_as_for_one(patient_folder, tmp_path, monkeypatch):
    calls = []
    whole = CaseStore.case

    def counted(store):
        calls.append(store)
        return whole(store)

    monkeypatch.setattr(CaseStore, "case", counted)
    config = BoardConfig(sections=("scans",))
    shutil.copytree(patient_folder / "a", tmp_path / "one")
    run(config, tmp_path / "one", out=tmp_path / "out-1")
    for_one = len(calls)
    run(config, patient_folder, out=tmp_path / "out-3")
    assert len(calls) == 2 * for_one
