import json

from typer.testing import CliRunner

from tumorboard.cli.main import app

GIVEN = ["contact", "--nuclide", "I-131", "--activity-mbq", "3700"]


def test_contact__writes_json_to_standard_output_and_to_a_file(tmp_path):
    printed = CliRunner().invoke(app, [*GIVEN, "--half-life-h", "16", "--json", "-"])
    found = json.loads(printed.stdout)
    assert {"nuclide", "dose_rate_1m_usv_h", "restrictions", "release", "notes"} <= found.keys()
    assert [r["limit_usv_h"] for r in found["release"]] == [10.0, 20.0, 30.0]
    path = tmp_path / "found.json"
    CliRunner().invoke(app, [*GIVEN, "--half-life-h", "16", "--json", str(path)])
    assert json.loads(path.read_text(encoding="utf-8")) == found


def test_contact__shows_a_table_with_limits_of_its_own(tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text("time_h,dose_rate_usv_h,uncertainty_usv_h\n1,80,4\n17,40,2\n33,20,1\n")
    options = ["--dose-rates", str(file), "--limit", "informed carer=3", "--release-usv-h", "10"]
    shown = CliRunner().invoke(app, [*GIVEN, *options]).stdout
    carer = next(line for line in shown.splitlines() if line.startswith("informed carer"))
    assert carer.split()[2] == "3"
    assert shown.splitlines()[-1].split()[:2] == ["10", "49.0"]
    assert "the activity given does not count" in shown


def test_contact__refuses_a_limit_that_is_none():
    failed = CliRunner().invoke(app, [*GIVEN, "--limit", "informed carer"])
    assert "PATTERN=MSV" in str(failed.exception)
