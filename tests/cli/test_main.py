import subprocess
import sys

import pytest


def tumorboard(*arguments):
    code = "import sys; from tumorboard.cli.main import main; sys.argv[0] = 'tumorboard'; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


def test_help__lists_the_commands():
    shown = tumorboard("--help")
    assert shown.returncode == 0
    assert all(word in shown.stdout for word in ("board", "demo", "info"))


def test_version__is_the_package_version():
    import tumorboard as package

    assert tumorboard("--version").stdout.strip() == f"tumorboard {package.__version__}"


@pytest.mark.parametrize("command", ["board", "info"])
def test_error__is_one_sentence_and_exit_code_2(command, tmp_path):
    shown = tumorboard(command, tmp_path / "nowhere")
    assert shown.returncode == 2
    assert shown.stderr.startswith("Error: ")
    assert len(shown.stderr.strip().splitlines()) == 1
    assert "Traceback" not in shown.stderr


def test_error__verbose_shows_the_traceback(tmp_path):
    shown = tumorboard("--verbose", "board", tmp_path / "nowhere")
    assert shown.returncode != 0
    assert "Traceback" in shown.stderr


def test_usage_error__has_exit_code_2():
    assert tumorboard("board", "--jobs", "0", "x").returncode == 2
