import os

import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.text_lines import finite_number, read_text_lines


@pytest.mark.parametrize("content", [b"a\nb\n", b"a\r\nb\r\n", b"a\rb", b"\xef\xbb\xbfa\nb"])
def test_read_text_lines__takes_line_ends_of_any_system(tmp_path, content):
    (tmp_path / "x.txt").write_bytes(content)
    assert read_text_lines(tmp_path / "x.txt", what="table") == ["a", "b"]


def test_read_text_lines__takes_old_encodings(tmp_path):
    (tmp_path / "x.txt").write_bytes("Lægdsmand".encode("latin-1"))
    assert read_text_lines(tmp_path / "x.txt", what="table") == ["Lægdsmand"]


def test_read_text_lines__waits_for_no_pipe_and_reads_no_binary(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "absent", "."):
        with pytest.raises(UnreadableFile, match="table"):
            read_text_lines(tmp_path / name, what="table")
    (tmp_path / "x.txt").write_bytes(b"a\0b")
    with pytest.raises(UnreadableFile, match="text file"):
        read_text_lines(tmp_path / "x.txt", what="table")


def test_read_text_lines__refuses_endless_files(tmp_path):
    with open(tmp_path / "x.txt", "wb") as file:
        file.truncate((64 << 20) + 1)  # sparse: takes no room
    with pytest.raises(UnreadableFile, match="64 MB"):
        read_text_lines(tmp_path / "x.txt", what="table")


@pytest.mark.parametrize("text", ["", "nan", "inf", "-inf", "1,5", "0x10", "__import__('os')"])
def test_finite_number__takes_numbers_only(text):
    with pytest.raises(InputError, match="here must be a finite number"):
        finite_number(text, where="here")
