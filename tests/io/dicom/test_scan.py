"""A folder becomes series, whatever its depth, names and order."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom import header_window, sandbox, scan
from tumorboard.io.dicom.pixels import read_uncompressed


def test_scan__finds_the_same_series_under_any_names_and_depths(hostile_files, tmp_path):
    @settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        places=st.lists(st.text("abz.09 ü", min_size=1, max_size=6), min_size=3, max_size=3, unique=True),
        run=st.uuids(),
    )
    def check(places, run):
        folder = tmp_path / str(run)
        for k, place in enumerate(places):
            hostile_files.write(
                folder / f"_{place}" / f"_{place}" / f"_{k}{place}", hostile_files.slice_dataset(k)
            )
        study = scan(folder, jobs=1)
        assert [len(s.headers) for s in study.series] == [3]
        assert {h.instance_number for h in study.series[0].headers} == {1, 2, 3}

    check()


def test_scan__keeps_patients_studies_and_kinds_apart(hostile_files, tmp_path):
    def put(k, **attributes):
        hostile_files.write(tmp_path / str(k), hostile_files.slice_dataset(k, **attributes))

    put(0)
    put(1, PatientID="P0")
    put(2, StudyInstanceUID="1.2.3.2")
    put(3, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    put(4, SeriesInstanceUID="1.2.3.1.0", SeriesNumber=0)
    study = scan(tmp_path)
    assert [(s.headers[0].patient_id, s.study_uid, s.uid) for s in study.series] == [
        ("P0", "1.2.3.1", "1.2.3.1.1"),
        ("P1", "1.2.3.1", "1.2.3.1.0"),
        ("P1", "1.2.3.1", "1.2.3.1.1"),
        ("P1", "1.2.3.1", "1.2.3.1.1"),
        ("P1", "1.2.3.2", "1.2.3.1.1"),
    ]
    assert study.series[1].notes == ()
    assert study.series[0].notes == (
        "files of another patient and study and kind of object have this SeriesInstanceUID too; "
        "they were kept apart",
    )


def test_scan__describes_a_series(hostile_files, tmp_path):
    hostile_files.healthy_study(tmp_path)
    (series,) = scan(tmp_path).series
    assert (series.modality, series.description, series.uid) == ("CT", "healthy", hostile_files.SERIES)
    assert series.sop_class_uid == hostile_files.CT_CLASS
    assert [path.parent.name for path in series.paths] == ["healthy"] * 3


def test_scan__is_the_same_for_any_number_of_jobs(hostile_files, tmp_path, monkeypatch):
    monkeypatch.setattr(header_window, "FILES_PER_CHUNK", 4)
    monkeypatch.setattr(header_window, "CHUNKS_PER_ROUND", 3)
    for k in range(30):
        hostile_files.write(tmp_path / str(k), hostile_files.slice_dataset(k))
    assert scan(tmp_path, jobs=1) == scan(tmp_path, jobs=3)


def test_scan__starts_no_process_for_plain_files(hostile_files, tmp_path):
    sandbox._POOL.close()
    hostile_files.healthy_study(tmp_path)
    scan(tmp_path)
    assert sandbox._POOL._idle == []


def test_scan__of_an_empty_folder_is_empty(tmp_path):
    study = scan(tmp_path)
    assert (study.series, study.quarantined, study.ignored) == ((), (), ())


def test_scan__refuses_no_jobs(tmp_path):
    with pytest.raises(InputError, match="jobs must be >= 1"):
        scan(tmp_path, jobs=0)


@pytest.mark.parametrize(
    ("name", "series", "files"),
    [
        ("sarcoma_pet", ["PT", "RTSTRUCT"], 268),
        ("sarcoma_pet_ct_mr", ["CT", "MR", "PT", "RTSTRUCT", "RTSTRUCT", "RTSTRUCT"], 180),
        ("lung_ct_rtstruct", ["CT", "RTSTRUCT"], 135),
        ("lu177_spect", ["PT", "PT", "RTSTRUCT", "RTSTRUCT"], 400),
        ("prostate_mri", ["MR"] * 7, 164),
    ],
)
def test_scan__finds_every_series_of_real_patients(name, series, files, unpacked_data):
    study = scan(unpacked_data(name))
    assert study.quarantined == ()
    assert sorted(s.modality for s in study.series) == series
    assert sum(len(s.headers) for s in study.series) == files


def test_read_uncompressed__returns_files_in_the_order_asked_for(hostile_files, tmp_path):
    hostile_files.healthy_study(tmp_path)
    (series,) = scan(tmp_path).series
    headers = sorted(series.headers, key=lambda h: -h.instance_number)
    values = read_uncompressed(headers, jobs=2)
    assert values.dtype == np.dtype("<i2")
    assert values.shape == (3, hostile_files.ROWS, hostile_files.COLUMNS)
    np.testing.assert_array_equal(values[:, 0, 0], [200, 100, 0])
    np.testing.assert_array_equal(values[0, 0], 200 + np.arange(hostile_files.COLUMNS))


def test_read_uncompressed__refuses_files_that_do_not_fit_together(hostile_files, tmp_path):
    hostile_files.healthy_study(tmp_path)
    hostile_files.write(tmp_path / "x", hostile_files.slice_dataset(7, Rows=4, Columns=12))
    (series,) = scan(tmp_path).series
    with pytest.raises(InputError, match="rows, columns, bits and sign"):
        read_uncompressed(series.headers, jobs=1)
    with pytest.raises(InputError, match="at least one file"):
        read_uncompressed([], jobs=1)


def test_read_uncompressed__notices_a_file_cut_since_it_was_scanned(hostile_files, tmp_path):
    path = hostile_files.healthy_study(tmp_path)[0]
    (series,) = scan(tmp_path).series
    os_size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(os_size - 10)
    with pytest.raises(UnreadableFile, match="must hold 96 bytes of pixels; it ends after 86"):
        read_uncompressed(series.headers, jobs=1)


def test_read_uncompressed__refuses_compressed_files(hostile_files, tmp_path):
    hostile_files.write(tmp_path / "x", hostile_files.slice_dataset(), hostile_files.BIG_ENDIAN)
    (series,) = scan(tmp_path).series
    with pytest.raises(InputError, match=r"read it with sandbox\.decode_pixels"):
        read_uncompressed(series.headers, jobs=1)
