"""Organ doses as a workflow and on the command line."""

import json

import pytest
from typer.testing import CliRunner

from tumorboard.cli.main import app
from tumorboard.errors import InputError
from tumorboard.workflows.organ_dose.config import OrganDoseConfig
from tumorboard.workflows.organ_dose.run import run

FEW = {"histories": 400, "spacing_mm": 8.0}


def test_run__doses_are_linear_in_activity_and_kept(tmp_path):
    told = []

    def tell(what, done, total):
        told.append(what)

    one = run(OrganDoseConfig("fdg", 100.0, cache=tmp_path, **FEW), progress=tell).to_dict()
    assert set(told) == {"following decays"}
    told.clear()
    three = run(OrganDoseConfig("FDG", 300.0, cache=tmp_path, **FEW), progress=tell).to_dict()
    assert not told
    for a, b in zip(one["organs"], three["organs"], strict=True):
        assert b["dose_mgy"] == pytest.approx(3.0 * a["dose_mgy"])
        assert b["dose_mgy_per_mbq"] == pytest.approx(a["dose_mgy_per_mbq"])
    assert three["effective_dose_msv"]["ICRP 60"] == pytest.approx(3.0 * one["effective_dose_msv"]["ICRP 60"])
    assert {"icrp2015publication128", "cristy1987saf"} <= set(one["citations"])


def test_run__takes_a_model_of_ones_own(tmp_path):
    path = tmp_path / "tracer.toml"
    path.write_text(
        'name = "tracer"\nnuclide = "Y-90"\nreferences = ["ours"]\n'
        '[[retention]]\nsource = "liver"\nfraction = 1.0\n'
    )
    found = run(OrganDoseConfig(str(path), 1.0, cache=tmp_path, **FEW)).to_dict()
    doses = {row["organ"]: row["dose_mgy"] for row in found["organs"]}
    # All energy of 64 h in 1.9 kg: 0.93 MeV, 64.1 h / ln 2.
    assert doses["liver"] == pytest.approx(1e9 * 0.93 * 1.602e-13 * 64.1 * 3600 / 0.6931 / 1.9, rel=0.06)
    assert max(doses, key=doses.get) == "liver"


def model_of(nuclide, folder):
    path = folder / f"{nuclide}.toml"
    path.write_text(
        f'name = "tracer"\nnuclide = "{nuclide}"\nreferences = ["ours"]\n'
        '[[retention]]\nsource = "liver"\nfraction = 1.0\n'
    )
    return str(path)


def test_run__counts_progeny_that_decays_where_it_is_made(tmp_path):
    found = run(OrganDoseConfig(model_of("Zr-89", tmp_path), 1.0, cache=tmp_path, **FEW)).to_dict()
    assert found["progeny_with_parent"]["Y-89m"] == pytest.approx(0.99, abs=0.01)
    assert found["progeny_left_out"] == []
    # Gammas of 0.909 MeV, positrons of 0.4 MeV in 23 %, and their annihilation: 1.25 MeV, 0.35 without Y-89m.
    assert found["emitted_mev"] == pytest.approx(0.90 + 0.23 * 0.396 + 0.23 * 1.022 + 0.02, abs=0.05)


@pytest.mark.slow
def test_run__names_progeny_that_is_left_out(tmp_path):
    thorium = run(OrganDoseConfig(model_of("Th-227", tmp_path), 1.0, cache=tmp_path, **FEW)).to_dict()
    assert thorium["progeny_with_parent"] == {}
    assert {"Ra-223", "Rn-219", "Pb-211"} <= set(thorium["progeny_left_out"])
    fdg = run(OrganDoseConfig("fdg", 1.0, cache=tmp_path, **FEW)).to_dict()
    assert fdg["progeny_with_parent"] == {}
    assert fdg["progeny_left_out"] == []


@pytest.mark.parametrize("name", ["water", "no/such/file.toml"])
def test_run__names_the_models_there_are(tmp_path, name):
    with pytest.raises(InputError, match="one of fdg or a TOML file"):
        run(OrganDoseConfig(name, 1.0, cache=tmp_path, **FEW))


@pytest.mark.parametrize("mbq", [0.0, -1.0, float("nan"), float("inf")])
def test_config__refuses_activities_out_of_range(mbq):
    with pytest.raises(InputError, match="administered_mbq"):
        OrganDoseConfig("fdg", mbq)


def test_config__refuses_other_libraries():
    with pytest.raises(InputError, match="library must be one of"):
        OrganDoseConfig("fdg", 1.0, library="ICRP 107")
    with pytest.raises(InputError, match="radiopharmaceutical must be"):
        OrganDoseConfig("", 1.0)


def test_organ_dose__prints_json_and_lines(tmp_path):
    options = ["organ-dose", "--radiopharmaceutical", "fdg", "--mbq", "300", "--histories", "400"]
    options += ["--spacing-mm", "8", "--cache", str(tmp_path)]
    shown = CliRunner().invoke(app, [*options, "--json", "-"])
    assert shown.exit_code == 0
    found = json.loads(shown.stdout)
    assert found["nuclide"] == "F-18"
    assert found["administered_mbq"] == 300.0
    assert set(found["effective_dose_msv"]) == {"ICRP 60", "ICRP 103"}
    assert {row["organ"] for row in found["organs"]} >= {"brain", "urinary bladder wall", "red marrow"}
    lines = CliRunner().invoke(app, options).stdout.splitlines()
    assert lines[0].startswith("F-18 FDG, 300 MBq, in a stylised adult")
    assert any("urinary bladder wall" in line for line in lines)
    written = tmp_path / "doses.json"
    assert CliRunner().invoke(app, [*options, "--json", str(written)]).exit_code == 0
    assert json.loads(written.read_text()) == found
