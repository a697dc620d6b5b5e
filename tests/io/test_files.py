import os
import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.io.files import PARTIAL_PREFIX, atomic_folder, atomic_write, write_bytes, write_text


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which pytest would take for itself."""


@given(content=st.binary(max_size=200))
def test_write_bytes__reads_back(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes"
    write_bytes(path, content)
    assert path.read_bytes() == content


def test_write_text__keeps_line_ends_and_letters(tmp_path):
    write_text(tmp_path / "a.txt", "Ångström\r\nx\n")
    assert (tmp_path / "a.txt").read_bytes() == "Ångström\r\nx\n".encode()


@pytest.mark.parametrize("error", [ValueError, Interrupted])
def test_atomic_write__failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_half_way():
        with atomic_write(path) as partial:
            partial.write_text("half")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_atomic_write__temporary_file_is_beside_and_keeps_the_suffix(tmp_path):
    with atomic_write(tmp_path / "a.nii.gz") as partial:
        assert partial.parent == tmp_path
        assert partial.name.startswith(PARTIAL_PREFIX)
        assert partial.name.endswith("a.nii.gz")


def test_atomic_write__library_that_replaces_the_temporary_file_is_fine(tmp_path):
    with atomic_write(tmp_path / "a") as partial:
        other = tmp_path / "b"
        other.write_text("new")
        os.replace(other, partial)
    assert (tmp_path / "a").read_text() == "new"


def test_atomic_write__long_names_in_wide_letters(tmp_path):
    path = tmp_path / ("診" * 80)
    write_text(path, "x")
    assert path.read_text() == "x"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_atomic_write__permissions_follow_the_umask(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_text(tmp_path / "atomic", "x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")}
    assert len(modes) == 1


def test_atomic_write__says_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="must exist"):
        write_text(tmp_path / "absent" / "a", "x")
    with pytest.raises(InputError, match="must be a file"):
        write_text(tmp_path, "x")


def test_atomic_folder__appears_at_once_with_all_files(tmp_path):
    target = tmp_path / "series"
    with atomic_folder(target) as partial:
        (partial / "sub").mkdir()
        (partial / "sub" / "1").write_text("x")
        assert not target.exists()
    assert (target / "sub" / "1").read_text() == "x"
    assert [p.name for p in tmp_path.iterdir()] == ["series"]


@pytest.mark.parametrize("error", [ValueError, Interrupted])
def test_atomic_folder__failure_leaves_the_old_folder_and_nothing_else(tmp_path, error):
    target = tmp_path / "series"
    target.mkdir()
    (target / "old").write_text("x")

    def fail_half_way():
        with atomic_folder(target, replace=True) as partial:
            (partial / "new").write_text("y")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert [p.name for p in tmp_path.iterdir()] == ["series"]
    assert [p.name for p in target.iterdir()] == ["old"]


def test_atomic_folder__replaces_only_when_told(tmp_path):
    target = tmp_path / "series"
    target.mkdir()
    with atomic_folder(target) as partial:  # empty: nothing to lose
        (partial / "first").write_text("x")
    with pytest.raises(InputError, match="replace=True"), atomic_folder(target):
        pass
    with atomic_folder(target, replace=True) as partial:
        (partial / "second").write_text("y")
    assert [p.name for p in target.iterdir()] == ["second"]
    assert [p.name for p in tmp_path.iterdir()] == ["series"]


def test_atomic_folder__never_replaces_a_file_or_link(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with (
            pytest.raises(InputError, match="folder or absent"),
            atomic_folder(tmp_path / name, replace=True),
        ):
            pass
