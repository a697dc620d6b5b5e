import json
import math

import pytest

from tumorboard.errors import InputError
from tumorboard.phantoms import RadioligandPatientConfig
from tumorboard.workflows.demo.config import DemoConfig
from tumorboard.workflows.demo.run import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    return run(DemoConfig(), out=out)


def sections(result):
    return json.loads(result.report_json.read_text())["sections"]


def test_demo__finds_the_true_lesions_and_nothing_else(demo):
    body = sections(demo)
    assert {s["status"] for s in body.values()} == {"done"}
    assert len(body["pet"]["lesions"]) == 2
    for lesion in body["truth"]["lesions"]:
        assert lesion["centroid_distance_mm"] < 2.0
        # A sphere of 1 cm3 fits into both lesions (radii 13 and 15 mm): the peak is the truth but for
        # noise and the scanner's blur of 6 mm.
        assert lesion["measured_suv_peak"] == pytest.approx(lesion["true_suv"], rel=0.1)
        # The threshold of 4 lies below half of lesion plus surroundings, so volumes come out larger.
        assert 0.9 < lesion["measured_volume_ml"] / lesion["true_volume_ml"] < 1.4


def test_demo__organ_volumes_survive_the_way_through_dicom(demo):
    for organ in sections(demo)["truth"]["organs"]:
        assert organ["measured_volume_ml"] == pytest.approx(organ["true_volume_ml"], rel=1e-3)


def test_demo__uptake_of_the_liver_is_the_truth_but_for_its_rim(demo):
    liver = next(o for o in sections(demo)["truth"]["organs"] if o["name"] == "Liver")
    assert liver["measured_suv_mean"] == pytest.approx(liver["true_suv"], rel=0.06)


def test_demo__planted_epitopes_come_out_as_they_must(demo):
    rows = sections(demo)["truth"]["targets"]
    assert len(rows) == 12
    assert [row["gene"] for row in rows if not row["as_planted"]] == []
    must_pass = [row["rank"] for row in rows if row["tiers"] == ["Pass"]]
    assert len(must_pass) == 7
    assert max(must_pass) <= 15


def test_demo__again_writes_no_dicom_again(demo):
    files = demo.folder / "dicom" / "ct" / "0001.dcm"
    before = files.stat().st_mtime_ns
    again = run(DemoConfig(), out=demo.folder)
    assert files.stat().st_mtime_ns == before
    assert sections(again) == sections(demo)


@pytest.mark.parametrize(
    ("choice", "message"), [({"seed": -1}, "seed must be >= 0"), ({"jobs": 0}, "jobs must be >= 1")]
)
def test_config__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        DemoConfig(**choice)


def test_demo__plan_of_the_lung_lesion_comes_to_what_is_known(demo):
    body = sections(demo)
    assert (demo.folder / "prescription.toml").is_file()
    assert (demo.folder / "plan.dcm").is_file()
    assert all(goal["passes"] for goal in body["proton"]["robust"]["goals"])
    rows = {row["what"]: (row["true"], row["measured"]) for row in body["truth"]["proton"]}
    for what, (true, measured) in rows.items():
        if what.startswith("Isocentre"):
            assert measured < 1.0
        elif what.startswith("Water-equivalent depth"):
            # Noise and blur of the scan, and a body that begins between voxels.
            assert measured == pytest.approx(true, abs=1.0)
        else:
            # The mean lies above the prescription: errors must leave enough at the rim.
            assert measured == pytest.approx(true, rel=0.06)


def test_demo__radioligand_dose_of_lesion_and_kidneys_is_the_truth(demo):
    rows = {row["name"]: row for row in sections(demo)["truth"]["radioligand"]}
    assert set(rows) == {"Liver metastasis", "Left kidney", "Right kidney"}
    for row in rows.values():
        # From scans with blur and noise by all three methods, against decays in closed form.
        for dose_gy in row["measured_dose_gy"].values():
            assert dose_gy == pytest.approx(row["true_dose_gy"], rel=0.05)
        assert row["measured_effective_half_life_h"] == pytest.approx(
            row["true_effective_half_life_h"], rel=0.03
        )
        assert row["true_dose_statistical_uncertainty"] < 0.01


def test_demo__organs_stand_apart_from_lesions_with_what_limits_them(demo):
    found = sections(demo)["radioligand"]
    assert [one["name"] for one in found["lesions"]] == ["Liver metastasis"]
    assert {one["name"] for one in found["organs"]} == {"Left kidney", "Right kidney"}
    # The target of Monte Carlo, but for what the simple rule of its histories leaves open.
    for one in (*found["lesions"], *found["organs"]):
        assert one["dose_statistical_uncertainty"] < 0.006
    for kidney in found["kidneys"]:
        assert kidney["bed_gy"] > kidney["dose_gy"]
        assert len(kidney["limits"]) == 3
    given, scanned = found["contact"]["given"], found["contact"]["scanned"]
    assert given["dose_rate_1m_usv_h"] > scanned["dose_rate_1m_usv_h"] > 0


def test_demo__radioligand_has_a_viewer_of_its_own_beside_the_plan(demo):
    page = (demo.folder / "radioligand.html").read_text()
    layer = '{"name": "Dose of the radioligand"'
    assert layer in page
    report = demo.report_html.read_text()
    assert layer not in report
    assert "radioligand.html beside this report" in report


def test_demo__true_radioligand_dose_is_near_that_of_energy_left_on_the_spot(demo):
    truth = json.loads((demo.folder / "dicom" / "truth.json").read_text())["radioligand"]
    lesion = next(r for r in truth["regions"] if r["name"] == "Liver metastasis")
    treated = RadioligandPatientConfig()
    # Electrons of Lu-177, 0.147 MeV per decay, in soft tissue of 1.05 g/cm3; photons add a few percent.
    decays_per_g = treated.lesion_bq_ml * treated.lesion_half_life_h * 3600 / math.log(2) / 1.05
    assert lesion["dose_gy"] == pytest.approx(1.03 * decays_per_g * 0.147 * 1.602e-10, rel=0.04)
