"""What a user at a terminal meets: bars, Ctrl-C, and the same command again."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tumorboard.cli.progress import shown_progress

# A program that a shell started in the background, as a test run may be, is born deaf to SIGINT.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tumorboard.cli.main import main
sys.argv[0] = "tumorboard"
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent to a process group")
def test_board__interrupted_leaves_no_process_and_goes_on_where_it_was(write_small_patient, tmp_path):
    folder = write_small_patient(tmp_path / "dicom")
    out = tmp_path / "out"
    command = [sys.executable, "-c", COMMAND, "board", str(folder), "--out", str(out)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(out.glob("case/items/*.nii")) and running.poll() is None:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.splitlines() == [
        "Interrupted. What was finished is kept: run the same command again to go on."
    ]
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    assert not list(out.rglob(".partial-*"))
    assert subprocess.run(command, check=False).returncode == 0
    assert (out / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_shown_progress__takes_no_text_for_markup_or_for_a_terminals_commands(monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as progress:
        progress("measuring [/bold] {x} \x1b]0;title\x07", 0, 2)
        progress("measuring [/bold] {x} \x1b]0;title\x07", 2, 2)
    shown = capsys.readouterr().err
    assert "measuring [/bold] {x} " in shown
    assert "\x1b]0;" not in shown
