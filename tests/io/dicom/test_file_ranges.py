"""Compiled reading gives what Python's own reading gives, and names what it did not read."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.io._kernels import file_reads
from tumorboard.io.dicom import scan
from tumorboard.io.dicom.file_ranges import read_ranges
from tumorboard.io.dicom.pixels import read_uncompressed

compiled = pytest.mark.skipif(not file_reads.AVAILABLE, reason="no compiled reader on this system")


@compiled
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(st.binary(max_size=300), min_size=1, max_size=5),
    offset=st.integers(0, 320),
    length=st.integers(1, 300),
)
def test_read_ranges__gives_the_bytes_of_the_files(tmp_path, contents, offset, length):
    paths = [tmp_path / f"{k} ü" for k in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    targets = np.full((len(paths), length), 77, np.uint8)
    sizes, held = read_ranges(paths, np.full(len(paths), offset, np.int64), targets)
    assert sizes.tolist() == [len(content) for content in contents]
    for content, row, count in zip(contents, targets, held.tolist(), strict=True):
        wanted = content[offset : offset + length]
        assert bytes(row) == wanted + b"M" * (length - len(wanted))
        assert count == len(wanted)


def test_read_ranges__leaves_what_is_no_regular_file(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"abc")
    paths = [tmp_path / name for name in ("folder", "pipe", "absent", "file\0name", "file")]
    targets = np.zeros((4, 3), np.uint8)
    _, held = read_ranges(paths[:3], np.zeros(3, np.int64), targets[:3])
    assert held.tolist() == [-1, -1, -1]
    # The C library would end the name at the zero and open another file.
    _, held = read_ranges(paths[3:4], np.zeros(1, np.int64), targets[:1])
    assert held.tolist() == [-1]
    assert not targets.any()


def test_read_ranges__keeps_no_descriptor(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    paths = [tmp_path / "file", tmp_path, tmp_path / "absent"] * 400
    read_ranges(paths, np.zeros(len(paths), np.int64), np.zeros((len(paths), 3), np.uint8))
    first = os.open(tmp_path / "file", os.O_RDONLY)
    os.close(first)
    assert first < 400


def test_scan__is_the_same_without_compiled_reading(hostile_files, tmp_path, monkeypatch):
    for k in range(5):
        hostile_files.write(tmp_path / str(k), hostile_files.slice_dataset(k))
    (tmp_path / "empty").touch()
    (tmp_path / "LICENSE").write_text("no DICOM")
    study = scan(tmp_path)
    pixels = read_uncompressed(study.series[0].headers, jobs=2)
    monkeypatch.setattr(file_reads, "AVAILABLE", False)
    assert scan(tmp_path) == study
    assert (read_uncompressed(study.series[0].headers, jobs=2) == pixels).all()
