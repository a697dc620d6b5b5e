import json

from typer.testing import CliRunner

from tumorboard.cli.main import app


def test_nuclide__writes_json_to_standard_output_and_to_a_file(tmp_path):
    printed = CliRunner().invoke(app, ["nuclide", "225Ac", "--json", "-"])
    found = json.loads(printed.stdout)
    assert {
        "nuclide",
        "half_life_s",
        "half_life_uncertainty_s",
        "library",
        "emissions",
        "chain",
    } <= found.keys()
    assert (found["nuclide"], found["half_life_s"], found["library"]) == ("Ac-225", 864000.0, "ENDF/B-VIII.1")
    path = tmp_path / "found.json"
    CliRunner().invoke(app, ["nuclide", "Ac-225", "--json", str(path)])
    assert json.loads(path.read_text(encoding="utf-8")) == found


def test_nuclide__shows_where_libraries_differ():
    shown = CliRunner().invoke(app, ["nuclide", "Ac-225", "--library", "JEFF-4.0"]).stdout
    assert "Ac-225 by JEFF-4.0: 10 d" in shown
    assert "conversion_electron: JEFF-4.0 18.091, ENDF/B-VIII.1 33.8" in shown
    assert "Chain: Ac-225 (10 d), Fr-221" in shown


def test_nuclide__of_a_stable_one_and_of_fission():
    assert "Hf-177 by ENDF/B-VIII.1: stable" in CliRunner().invoke(app, ["nuclide", "Hf-177"]).stdout
    assert "SF to fragments" in CliRunner().invoke(app, ["nuclide", "Cf-252"]).stdout
