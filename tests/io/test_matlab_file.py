import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from tumorboard.errors import MissingAttribute, TumorboardError, UnreadableFile
from tumorboard.io import matlab_file
from tumorboard.io.matlab_file import matlab_field, matlab_numbers, read_matlab


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.mat"
    body = {"name": "x", "values": np.arange(500.0), "inner": {"one": 1.0}}
    savemat(path, {"thing": body, "other": 3}, do_compression=True)
    return path


def test_read_matlab__reads_structures(saved):
    thing = read_matlab(saved, ("thing",))["thing"]
    assert thing.name == "x"
    assert matlab_field(thing.inner, "one", where="inner") == 1
    np.testing.assert_array_equal(matlab_numbers(thing.values, where="values"), np.arange(500))
    with pytest.raises(MissingAttribute, match="inner must have the field 'two'"):
        matlab_field(thing.inner, "two", where="inner")
    with pytest.raises(UnreadableFile, match="name must be finite real numbers"):
        matlab_numbers(thing.name, where="name")


def test_read_matlab__names_what_is_absent(saved):
    with pytest.raises(MissingAttribute, match="machine is absent"):
        read_matlab(saved, ("machine",))


def test_read_matlab__lets_no_variable_fill_the_memory(tmp_path, monkeypatch):
    """A megabyte of deflated zeros may become a gigabyte: expansion stops at the limit."""
    path = tmp_path / "bomb.mat"
    savemat(path, {"thing": np.zeros(2_000_000)}, do_compression=True)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(matlab_file, "_MOST_BYTES", 1_000_000)
    with pytest.raises(UnreadableFile, match="at most"):
        read_matlab(path, ("thing",))


def test_read_matlab__refuses_other_kinds_of_file(tmp_path):
    path = tmp_path / "a.mat"
    for content, says in (
        (b"", "is not"),
        (b"text", "is not"),
        (b"\0" * 200, "is not"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 600, r"-v7"),
        (b"MATLAB 7.3".ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n", r"-v7"),
    ):
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=says):
            read_matlab(path, ("thing",))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="pipe"):
        read_matlab(tmp_path / "pipe", ("thing",))


def test_read_matlab__refuses_a_stream_that_lies_about_its_length(saved):
    content = saved.read_bytes()
    saved.write_bytes(content[:128] + struct.pack("<II", 15, 2**31) + zlib.compress(b"\0" * 99))
    with pytest.raises(UnreadableFile, match="cut short"):
        read_matlab(saved, ("thing",))


@settings(max_examples=150)
@given(data=st.data())
def test_read_matlab__raises_its_own_errors_only(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    compressed = data.draw(st.booleans())
    savemat(path, {"thing": {"values": np.arange(20.0), "name": "x"}}, do_compression=compressed)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        read_matlab(path, ("thing",))
    except TumorboardError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
