"""Each hostile file is set aside with its reason, and the rest of the study is read."""

import errno
import os
import re
import stat
import time

import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.io.dicom import scan
from tumorboard.io.dicom.pixels import read_uncompressed
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.study import Quarantined

HOSTILE = (
    "cut_in_half cut_in_header cut_between_elements cut_compressed deflate_bomb deep_sequence "
    "uid_that_is_a_path no_series_uid no_instance_uid absurd_length short_pixels "
    "explicit_declared_implicit_written implicit_declared_explicit_written jpeg_declared_raw_written "
    "nan_slope conflicting_duplicates empty"
).split()


def check_healthy(study, hostile_files):
    series = next(s for s in study.series if s.uid == hostile_files.SERIES)
    assert len(series.headers) == hostile_files.N_HEALTHY
    headers = sorted(series.headers, key=lambda h: h.image_position_mm[2])
    values = read_uncompressed(headers, jobs=1)
    np.testing.assert_array_equal(values[:, 0, 0], 100 * np.arange(hostile_files.N_HEALTHY))


@pytest.mark.parametrize("name", HOSTILE)
def test_scan__sets_a_hostile_file_aside_and_reads_the_rest(name, tmp_path, hostile_files):
    maker = getattr(hostile_files, name)
    hostile_files.healthy_study(tmp_path)
    paths = maker(tmp_path)
    begin = time.monotonic()
    study = scan(tmp_path, jobs=2)
    assert time.monotonic() - begin < 30
    check_healthy(study, hostile_files)
    assert {q.path for q in study.quarantined} == set(paths)
    for found in study.quarantined:
        assert re.search(hostile_files.QUARANTINED[maker], found.reason), found.reason
        assert "\n" not in found.reason
    assert len(study.series) == 1


def test_hostile_files__are_all_tried(hostile_files):
    assert {maker.__name__ for maker in hostile_files.QUARANTINED} == set(HOSTILE)


def test_scan__keeps_all_files_that_contradict_each_other_out_and_names_them(tmp_path, hostile_files):
    one, other = hostile_files.conflicting_duplicates(tmp_path)
    study = scan(tmp_path)
    assert study.series == ()
    assert all(str(one) in q.reason and str(other) in q.reason for q in study.quarantined)


def test_scan__drops_identical_copies_with_a_note(tmp_path, hostile_files):
    hostile_files.healthy_study(tmp_path)
    copies = hostile_files.identical_duplicates(tmp_path)[1:]
    original = tmp_path / "healthy" / "8.dcm"
    (tmp_path / "x" / "same").write_bytes(original.read_bytes())
    (tmp_path / "y" / "same").write_bytes(original.read_bytes())
    study = scan(tmp_path)
    check_healthy(study, hostile_files)
    assert study.quarantined == ()
    assert len(study.series[0].notes) == 2
    assert str(copies[0]) in " ".join(study.series[0].notes)


def test_scan__accepts_structures_whose_frame_of_reference_is_elsewhere(tmp_path, hostile_files):
    hostile_files.healthy_study(tmp_path)
    hostile_files.structures_without_their_frame(tmp_path)
    study = scan(tmp_path)
    check_healthy(study, hostile_files)
    assert len(study.by_modality("RTSTRUCT")) == 1
    assert study.quarantined == ()


@pytest.mark.parametrize("name", ["not_dicom", "dicomdir", "pipe", "socket_file"])
def test_scan__ignores_what_is_not_a_dicom_file(name, tmp_path, hostile_files):
    hostile_files.healthy_study(tmp_path)
    paths = getattr(hostile_files, name)(tmp_path)
    study = scan(tmp_path)
    check_healthy(study, hostile_files)
    assert study.ignored == tuple(sorted(paths))
    assert study.quarantined == ()


def test_scan__survives_loops_of_links_and_counts_each_file_once(tmp_path, hostile_files):
    hostile_files.healthy_study(tmp_path)
    _, me, _ = hostile_files.link_loops(tmp_path)
    study = scan(tmp_path)
    check_healthy(study, hostile_files)
    assert [q.path for q in study.quarantined] == [me]
    assert study.series[0].notes == ()


def test_scan__does_not_follow_links_out_of_the_folder(tmp_path, hostile_files):
    secret = hostile_files.write(tmp_path / "elsewhere" / "secret", hostile_files.slice_dataset(40))
    folder = tmp_path / "folder"
    hostile_files.healthy_study(folder)
    links = hostile_files.link_out(folder, secret)
    study = scan(folder)
    check_healthy(study, hostile_files)
    assert [q.path for q in study.quarantined] == links
    assert "leads out of it" in study.quarantined[0].reason


def test_scan__follows_a_link_to_the_folder_itself(tmp_path, hostile_files):
    hostile_files.healthy_study(tmp_path / "real")
    (tmp_path / "name").symlink_to(tmp_path / "real")
    check_healthy(scan(tmp_path / "name"), hostile_files)


def test_scan__goes_on_past_a_folder_without_permission(tmp_path, hostile_files, monkeypatch):
    hostile_files.healthy_study(tmp_path)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    if os.geteuid() == 0:  # root may list anything
        plain = os.scandir

        def scandir(path):
            if os.fspath(path) == str(locked):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return plain(path)

        monkeypatch.setattr(os, "scandir", scandir)
    study = scan(tmp_path)
    locked.chmod(stat.S_IRWXU)
    check_healthy(study, hostile_files)
    assert study.quarantined == (Quarantined(locked, "it must be readable; Permission denied"),)


def test_scan__refuses_what_is_no_folder(tmp_path):
    with pytest.raises(InputError, match="folder must be an existing folder"):
        scan(tmp_path / "absent")


def test_read_datasets__refuses_sequences_beyond_depth_however_they_are_written(tmp_path, hostile_files):
    (path,) = hostile_files.deep_sequence_of_stated_lengths(tmp_path)
    assert len(scan(tmp_path).series) == 1
    (result,) = read_datasets([path], limits=Limits(), jobs=1)
    assert isinstance(result, Quarantined)
    assert "nested" in result.reason
