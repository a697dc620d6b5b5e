from dataclasses import replace

import pytest

from tumorboard.core.acquisition import DecayReference
from tumorboard.errors import InputError
from tumorboard.workflows.radioligand.config import RadioligandConfig
from tumorboard.workflows.radioligand.time_course import region_course, rest_course, scan_time_s

PHYSICAL_S = 574300.8
MONO = RadioligandConfig()


def course(scans, name="lesion", relative=0.1, config=MONO):
    return region_course(scans, name, config, physical_half_life_s=PHYSICAL_S, relative_uncertainty=relative)


@pytest.mark.parametrize("reference", list(DecayReference))
def test_region_course__finds_the_half_life_whatever_decay_correction_is_stored(make_scan, reference):
    found = course([make_scan(4, reference=reference), make_scan(28, reference=reference)])
    assert found.half_life_s / 3600 == pytest.approx(60.0, rel=1e-4)
    assert not found.is_upper_limit
    start_bq = found.samples.activity_bq[0] * 2.0 ** (found.samples.times_s[0] / (60 * 3600))
    assert found.decays == pytest.approx(start_bq * 60 * 3600 / 0.693147, rel=1e-4)


def test_region_course__uncertainty_of_two_points_is_that_of_their_ratio(make_scan):
    found = course([make_scan(4), make_scan(28)])
    # Of ln(A0 / A1) / (t1 - t0) it is sqrt(2) times that of an activity, over ln(A0 / A1).
    expected = found.half_life_s * 2**0.5 * 0.1 / (0.693147 * 24 / 60)
    assert found.half_life_uncertainty_s == pytest.approx(expected, rel=1e-3)


def test_region_course__still_taking_up_is_an_upper_limit(make_scan):
    found = course([make_scan(4, ball_half_life_h=-100.0), make_scan(28, ball_half_life_h=-100.0)])
    assert found.is_upper_limit
    assert found.half_life_s == PHYSICAL_S
    assert found.half_life_uncertainty_s is None
    assert found.decays_relative_to_limit(PHYSICAL_S) == pytest.approx(1.0)
    tail = found.samples.activity_bq[-1] * PHYSICAL_S / 0.693147
    assert found.tail_share * found.decays == pytest.approx(tail, rel=1e-5)
    assert found.decays_relative_to_limit(PHYSICAL_S / 2) == pytest.approx(1 - found.tail_share / 2)
    last_s, last_bq = found.samples.times_s[-1], found.samples.activity_bq[-1]
    all_at_once = last_bq * 2 ** (last_s / PHYSICAL_S) * PHYSICAL_S / 0.693147
    assert found.decays * (1 + found.earlier_uptake_share) == pytest.approx(all_at_once, rel=1e-5)


def rest(scans, names):
    return rest_course(scans, course(scans, None), names, MONO, physical_half_life_s=PHYSICAL_S)


def test_rest_course__is_all_but_the_lesions(make_scan):
    assert rest([make_scan(4), make_scan(28)], ["lesion"]).half_life_s / 3600 == pytest.approx(30.0, rel=1e-3)


def test_rest_course__takes_what_two_lesions_share_away_once(make_scan):
    def twice(scan):
        (lesion,) = scan.lesions.structures
        both = lesion, replace(lesion, name="the same")
        return replace(scan, lesions=replace(scan.lesions, structures=both))

    scans = [twice(make_scan(hours)) for hours in (4, 28)]
    once, both = rest(scans, ["lesion"]), rest(scans, ["lesion", "the same"])
    assert both.samples.activity_bq == pytest.approx(once.samples.activity_bq, rel=1e-12)


def test_rest_course__refuses_lesions_that_hold_everything(make_scan):
    scans = [make_scan(hours, body_bq_ml=0.0) for hours in (4, 28)]
    with pytest.raises(InputError, match="less than all of the activity"):
        rest(scans, ["lesion"])


def test_scan_time_s__is_after_the_start_by_half_the_frame(make_scan):
    assert scan_time_s(make_scan(4)) == pytest.approx(4 * 3600 + 750, abs=1)
