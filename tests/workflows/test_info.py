import json

import nibabel
import numpy as np
import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board.run import run
from tumorboard.workflows.info import describe


@pytest.fixture(scope="module")
def result(patient_folder, tmp_path_factory):
    return run(BoardConfig(), patient_folder, out=tmp_path_factory.mktemp("board"))


def test_describe__of_a_folder_lists_its_series_and_what_was_set_aside(patient_folder, tmp_path):
    whole = sorted((patient_folder / "a").iterdir())[0].read_bytes()
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "cut").write_bytes(whole[:700])
    (tmp_path / "readme.txt").write_text("nothing here")
    first, series, aside, ignored = describe(tmp_path)
    assert first == f"{tmp_path}: 1 series"
    assert series.split()[0] == "CT"
    assert "1 file(s), 64 x 64, patient P01" in series
    assert aside.startswith("  set aside: cut: ")
    assert ignored == "  1 file(s) are not DICOM"


def test_describe__of_a_dicom_file_names_modality_size_and_unit(patient_folder):
    lines = describe(sorted((patient_folder / "b").iterdir())[0])
    assert lines[0].endswith(": DICOM")
    assert {"  modality: PT", "  rows x columns x frames: 48 x 48 x 1", "  units: BQML"} <= set(lines)


def test_describe__of_a_case_and_of_a_report_say_whose_they_are(result):
    case = describe(result.folder / "case")
    assert case[0].endswith(f": case P01, {len(case) - 1} items")
    said = ["  scans: done", "  structures: done", "  pet: done", "  proton: not_possible"]
    assert describe(result.report_json)[1:] == said


def test_describe__of_a_nifti_file_gives_axes_as_this_package_does(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((4, 3, 2), np.int16), np.diag([1.0, 2.0, 3.0, 1.0]))
    nibabel.save(image, tmp_path / "a.nii.gz")
    (line,) = describe(tmp_path / "a.nii.gz")
    assert line.endswith("voxels (z, y, x) 2 x 3 x 4, spacing 3 x 2 x 1, int16")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.json", "a.dcm"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b\x08\x00hello", bytes(400), b"\xff" * 400])
def test_describe__refuses_a_file_that_is_not_what_its_name_says(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match="file must be"):
        describe(tmp_path / name)


@pytest.mark.parametrize(
    "body",
    [
        [],
        1,
        {"sections": [1], "case": {"identifier": "x"}},
        {"sections": {"a": 1}, "case": {"identifier": "x"}},
        {"sections": {}, "case": None},
    ],
)
def test_describe__refuses_json_that_is_no_report(tmp_path, body):
    (tmp_path / "a.json").write_text(json.dumps(body))
    with pytest.raises(UnreadableFile, match="must be a report of tumorboard"):
        describe(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["a.json", "a.nii"])
def test_describe__of_a_folder_does_not_care_for_its_name(tmp_path, name):
    (tmp_path / name).mkdir()
    assert describe(tmp_path / name) == [f"{tmp_path / name}: 0 series"]


def test_describe__refuses_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match="file must exist"):
        describe(tmp_path / "nothing")
