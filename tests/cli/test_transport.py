import json
import subprocess
import sys

import pytest


def tumorboard(*arguments):
    code = "import sys; from tumorboard.cli.main import main; sys.argv[0] = 'tumorboard'; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


def water(*more):
    return tumorboard("transport", "water", "--energy-mev", "70", "--width-mm", "40", *more)


@pytest.mark.slow
def test_water__prints_json_that_a_program_reads():
    shown = water("--particle", "proton", "--histories", "1e3", "--threads", "1", "--json", "-")
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert {
        "histories_per_s",
        "r80_mm",
        "deposited_fraction",
        "prompt_gamma_per_proton",
        "let_d_kev_um_at_entrance",
    } <= found.keys()
    assert found["r80_mm"] == pytest.approx(40.7, abs=0.5)


@pytest.mark.slow
def test_water__writes_a_file_or_tells_people(tmp_path):
    assert water("--histories", "1000", "--json", tmp_path / "found.json").returncode == 0
    assert json.loads((tmp_path / "found.json").read_text())["deposited_fraction"] > 0.9
    told = water("--histories", "1000").stdout
    assert "deposited_fraction: 0.9" in told
    assert "balance stuck: 0" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--histories", "many"], "histories must be a whole number, such as 100000 or 1e6; got 'many'"),
        (["--histories", "1.5"], "histories must be a whole number"),
        (["--histories", "inf"], "histories must be a whole number"),
        (["--histories", "1e3", "--particle", "kaon"], "particle must be one of proton"),
        (["--histories", "1e3", "--voxel-mm", "0"], "voxel_mm must be 0.25 to 20 [mm]; got 0"),
    ],
)
def test_water__wrong_input_is_one_sentence(arguments, said):
    shown = water(*arguments)
    assert shown.returncode == 2
    assert shown.stderr.startswith("Error: ")
    assert said in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 1
