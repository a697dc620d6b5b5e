import json
import math

import pytest

from tumorboard.dosimetry.contact_patterns import PUBLISHED_PATTERNS
from tumorboard.dosimetry.contact_patterns_adapted import ADAPTED_PATTERNS
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.workflows.contact.config import ContactConfig, MeasuredDoseRates, read_dose_rates
from tumorboard.workflows.contact.run import run

HALVES = MeasuredDoseRates((1.0, 17.0, 33.0), (80.0, 40.0, 20.0), (4.0, 2.0, 1.0), 1)


@pytest.mark.slow
def test_run__release_is_where_the_exponential_meets_the_limit():
    found = run(ContactConfig("I-131", 3700.0, measured=HALVES, release_limits_usv_h=(10.0,))).to_dict()
    assert found["release"][0]["release_h"] == pytest.approx(49.0, abs=1e-3)
    assert found["exponentials"][0]["effective_half_life_h"] == pytest.approx(16.0, abs=1e-4)
    assert found["from"] == "measured dose rates"
    json.dumps(found, allow_nan=False)


def test_run__of_activity_is_constant_times_activity_times_coefficient():
    found = run(ContactConfig("Lu-177", 7400.0, half_lives_h=(50.0,), usv_per_ugy=1.0)).to_dict()
    expected = 7.4 * found["air_kerma_rate_constant_ugy_m2_gbq_h"]
    assert found["dose_rate_1m_usv_h"] == pytest.approx(expected)
    twice = run(ContactConfig("Lu-177", 14800.0, half_lives_h=(50.0,), usv_per_ugy=1.0)).to_dict()
    later = twice["release"][1]["release_h"] - found["release"][1]["release_h"]
    assert found["release"][1]["release_h"] > 0
    assert later == pytest.approx(50.0)


def test_run__restrictions_are_longer_with_confidence_and_keep_the_limit():
    config = ContactConfig("I-131", 3700.0, half_lives_h=(16.0,), half_life_relative_uncertainty=0.1)
    found = run(config).to_dict()
    assert [r["pattern"] for r in found["restrictions"]] == list(ADAPTED_PATTERNS)
    for one in found["restrictions"]:
        assert one["restriction_confident_h"] >= one["restriction_h"]
        assert one["restriction_uncertainty_h"] > 0
        assert one["resumes_h"] >= one["restriction_confident_h"] - 1e-9
        upper = one["dose_msv"] + 1.644854 * one["dose_uncertainty_msv"]
        assert upper <= one["limit_msv"] * (1 + 1e-6)
    limits = {r["pattern"]: r["limit_msv"] for r in found["restrictions"]}
    assert (limits["informed carer"], limits["infant"]) == (5.0, 1.0)


@pytest.mark.slow
def test_run__first_patterns_take_the_limit_that_is_given():
    found = run(
        ContactConfig("I-131", 37.0, patterns="cormack-shearer", limit_msv=0.5, limits_msv={"infant": 2})
    )
    limits = {r.pattern: r.limit_msv for r in found.report.restrictions}
    assert list(limits) == list(PUBLISHED_PATTERNS)
    assert limits.pop("infant") == 2
    assert set(limits.values()) == {0.5}


@pytest.mark.slow
def test_run__two_phases_lie_between_each_alone():
    def release(*half_lives_h, shares=()):
        config = ContactConfig(
            "I-131", 3700.0, half_lives_h=half_lives_h, shares=shares, release_limits_usv_h=(25.0,)
        )
        return run(config).report.releases[0].time_h

    assert release(8.0) < release(8.0, 100.0, shares=(0.8, 0.2)) < release(100.0)


@pytest.mark.slow
def test_run__without_half_lives_says_that_decay_alone_is_the_longest():
    found = run(ContactConfig("I-131", 3700.0)).to_dict()
    assert found["exponentials"][0]["effective_half_life_h"] == pytest.approx(found["physical_half_life_h"])
    assert any("by decay alone" in note for note in found["notes"])


@pytest.mark.slow
def test_run__shared_uncertainty_of_activity_moves_release_by_its_logarithm():
    config = ContactConfig("I-131", 3700.0, half_lives_h=(16.0,), activity_relative_uncertainty=0.1)
    one = run(config).report.releases[0]
    assert one.time_uncertainty_h == pytest.approx(16.0 * math.log2(1.1), rel=0.02)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"activity_mbq": 0.0}, "activity_mbq"),
        ({"half_lives_h": (1.0, 2.0, 3.0)}, "at most two"),
        ({"half_lives_h": (1.0, 2.0)}, "shares must be"),
        ({"shares": (1.0,)}, "shares must come"),
        ({"confidence": 0.5}, "confidence"),
        ({"limit_msv": -1.0}, "limit_msv"),
        ({"release_limits_usv_h": (math.nan,)}, "release_limits_usv_h"),
        ({"library": "ICRP-107"}, "library"),
        ({"half_life_relative_uncertainty": 1.0}, "half_life_relative_uncertainty"),
        ({"patterns": "neighbours"}, "patterns must be one of"),
        ({"patterns": "cormack-shearer"}, "come with none"),
        ({"treatments_in_year": 0.5}, "treatments_in_year"),
        ({"half_lives_h": (5.0,), "measured": HALVES}, "left out where dose rates were measured"),
    ],
)
def test_config__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        ContactConfig(**({"nuclide": "I-131", "activity_mbq": 1.0} | choice))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"half_lives_h": (500.0,)}, "must not exceed the physical half-life"),
        ({"limits_msv": {"neighbour": 1.0}}, "limits_msv must name patterns"),
        ({"nuclide": "Hf-177"}, "stable"),
        ({"half_lives_h": (16.0,), "half_life_relative_uncertainty": 0.9}, "less uncertain"),
    ],
)
def test_run__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        run(ContactConfig(**({"nuclide": "I-131", "activity_mbq": 3700.0} | choice)))


def test_read_dose_rates__reads_columns_in_any_order_and_says_where_it_cannot(tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text("dose_rate_usv_h, time_h, uncertainty_usv_h, who\n80, 1, 4, A\n40, 17, 2, B\n")
    found = read_dose_rates(file, n_exponentials=1)
    assert (found.times_h, found.dose_rates_usv_h) == ((1.0, 17.0), (80.0, 40.0))
    file.write_text("time_h,dose_rate_usv_h,uncertainty_usv_h\n1,eighty,4\n")
    with pytest.raises(UnreadableFile, match="line 2"):
        read_dose_rates(file, n_exponentials=1)
    file.write_text("time_h,dose\n1,80\n")
    with pytest.raises(UnreadableFile, match="columns"):
        read_dose_rates(file, n_exponentials=1)
    file.write_bytes("time_h,dose_rate_usv_h,uncertainty_usv_h\n".encode("utf-16"))
    with pytest.raises(UnreadableFile, match="CSV file in UTF-8"):
        read_dose_rates(file, n_exponentials=1)


@pytest.mark.slow
def test_run__counts_progeny_that_soon_is_in_equilibrium():
    zirconium = run(ContactConfig("Zr-89", 74.0)).to_dict()
    assert 140 < zirconium["air_kerma_rate_constant_ugy_m2_gbq_h"] < 160
    assert any("with Y-89m in equilibrium" in note for note in zirconium["notes"])
    caesium = run(ContactConfig("Cs-137", 1.0)).to_dict()
    assert caesium["air_kerma_rate_constant_ugy_m2_gbq_h"] == pytest.approx(77.0, rel=0.01)
    assert any("without progeny" in note for note in run(ContactConfig("Lu-177", 7400.0)).to_dict()["notes"])
