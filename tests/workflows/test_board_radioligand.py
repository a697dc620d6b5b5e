import json

import pytest

from tumorboard.plotting.blocks import SectionStatus
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board.run import run


def test_radioligand__says_what_it_needs_where_nobody_was_treated(patient_folder, tmp_path):
    result = run(BoardConfig(sections=("radioligand",)), patient_folder, out=tmp_path)
    assert result.statuses["radioligand"] is SectionStatus.NOT_POSSIBLE
    found = json.loads(result.report_json.read_text())["sections"]["radioligand"]
    assert "Lu-177" in found["needs"][0]


@pytest.fixture(scope="module")
def report(unpacked_data, tmp_path_factory):
    config = BoardConfig(sections=("scans", "radioligand"))
    return run(config, unpacked_data("lu177_spect"), out=tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def found(report):
    return json.loads(report.report_json.read_text())["sections"]["radioligand"]


@pytest.mark.slow
def test_radioligand__undoes_the_decay_correction_of_the_real_scans(found):
    assert found["injected_mbq"] == pytest.approx(7210.4, abs=0.1)
    assert found["times_h"] == pytest.approx([3.95, 27.93], abs=0.01)
    # Stored, corrected to administration: 1350.55 and 996.07 MBq, of a half-life of 574300 s.
    assert found["total_activity_mbq"] == pytest.approx([1327.57, 882.22], abs=0.05)
    first, second = found["lesions"]
    assert first["activity_mbq"] == pytest.approx([120.12, 138.15], abs=0.1)
    assert second["activity_mbq"] == pytest.approx([4.076, 5.479], abs=0.01)


@pytest.mark.slow
def test_radioligand__says_that_decay_factors_contradict_the_decay_correction(found):
    (note,) = [n for n in found["notes"] if n.startswith("Decay Factor (0054,1321) contradicts")]
    assert "states 1, and ADMIN with its times means 1.0173" in note
    assert "states 1, and ADMIN with its times means 1.1290" in note
    assert "54.6 h instead of 40.7 h" in note


@pytest.mark.slow
def test_radioligand__names_both_lesions_and_no_organ(found):
    assert [one["name"] for one in found["lesions"]] == ["lesion1 liver R lobe", "lesion2 liver L lateral"]
    assert (found["organs"], found["kidneys"], found["partial_volume"]) == ([], [], [])
    assert any("nothing is said of the organs that limit" in note for note in found["notes"])


@pytest.mark.slow
def test_radioligand__contact_by_all_that_was_given_is_the_upper_limit(found):
    given, scanned = found["contact"]["given"], found["contact"]["scanned"]
    # 7.21 GBq, 4.07 uGy m2/(GBq h) above 20 keV, 1.433 uSv/uGy.
    assert given["dose_rate_1m_usv_h"] == pytest.approx(7.2104 * 4.07 * 1.433, rel=0.01)
    assert scanned["dose_rate_1m_usv_h"] < given["dose_rate_1m_usv_h"]


@pytest.mark.slow
def test_radioligand__needs_no_second_viewer_where_there_is_no_plan(report):
    assert not (report.folder / "radioligand.html").exists()


@pytest.mark.slow
def test_radioligand__lesions_that_still_take_up_have_an_upper_limit(found):
    for lesion in found["lesions"]:
        assert lesion["dose_is_upper_limit"]
        assert lesion["effective_half_life_h"] == pytest.approx(found["physical_half_life_h"])
        assert lesion["effective_half_life_uncertainty_h"] is None
        assert list(lesion["dose_if_effective_half_life_h"]) == ["40", "80", "120"]
    assert found["total"]["effective_half_life_h"] == pytest.approx(40.7, abs=0.1)
    assert any("uptake was probably still going on" in note for note in found["notes"])


@pytest.mark.slow
def test_radioligand__three_methods_stand_side_by_side(found):
    for lesion in found["lesions"]:
        dose = lesion["dose_gy"]
        assert set(dose) == {"local", "kernel", "monte_carlo"}
        assert dose["kernel"] == pytest.approx(dose["monte_carlo"], rel=0.015)
        assert dose["local"] == pytest.approx(dose["monte_carlo"], rel=0.03)
        assert 0.05 < lesion["dose_relative_uncertainty"] < 0.2


@pytest.mark.slow
def test_radioligand__page_shows_dose_over_the_scan(report):
    page = report.report_html.read_text()
    assert "Radioligand: activity and absorbed dose" in page
    assert "Dose over the last scan, through lesion1 liver R lobe" in page
    assert '"Dose of the radioligand"' in page
