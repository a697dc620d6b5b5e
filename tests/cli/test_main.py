import re
import subprocess
import sys

import pytest

from tumorboard.cli import main as command_line


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


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (PermissionError(13, "Permission denied", "out/case"), "out/case must allow .* Permission denied"),
        (OSError(28, "No space left on device"), "must allow .* No space left on device"),
        (KeyError("a\nb"), r"tumorboard has a defect \(KeyError.*--verbose"),
    ],
)
def test_error__of_any_kind_is_one_sentence_and_exit_code_2(reason, said, monkeypatch, capsys):
    def fails():
        raise reason

    monkeypatch.setattr(command_line, "app", fails)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"Error: .*{said}", line)


def test_out__that_is_a_file_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").touch()
    shown = tumorboard("board", tmp_path / "in", "--out", tmp_path / "out")
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"Error: file or folder {tmp_path / 'out'}")
    assert len(shown.stderr.splitlines()) == 1


def test_info__hands_no_terminal_commands_on(tmp_path):
    (tmp_path / "\x1b[2J.dcm").write_bytes(b"")
    shown = tumorboard("info", tmp_path)
    assert r"\x1b[2J.dcm" in shown.stdout
    assert "\x1b" not in shown.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "prescription must be a TOML file that can be read"),
        ("label = ", "prescription must be a TOML file that can be read"),
        ('label = "a"\nrbe_model = "constant_1.1"', "hu_curve must be chosen: a CT without a calibration"),
        ('wish = "all"', "keys of the prescription must be among"),
    ],
)
def test_board__a_bad_prescription_ends_before_any_work(content, said, tmp_path):
    file = tmp_path / "plan.toml"
    if content is not None:
        file.write_text(content)
    shown = tumorboard("board", tmp_path, "--prescription", file, "--out", tmp_path / "out")
    assert shown.returncode == 2
    (line,) = shown.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert not (tmp_path / "out").exists()
