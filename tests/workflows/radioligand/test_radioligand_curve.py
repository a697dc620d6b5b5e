import math

import numpy as np
import pytest

from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError
from tumorboard.provenance import Record
from tumorboard.workflows.board.radioligand_curves import curve_blocks
from tumorboard.workflows.radioligand.config import CurveChoice, HalfLives, RadioligandConfig, SingleScan
from tumorboard.workflows.radioligand.curve import curve_through
from tumorboard.workflows.radioligand.curve_words import curve_notes
from tumorboard.workflows.radioligand.time_course import RegionCourse

H = 3600.0
PHYSICAL_S = 159.528 * H
POPULATION = HalfLives(50.0, 1.3, "made up")


def samples(times_h, activity, relative=0.1):
    activity = np.asarray(activity, float)
    return ActivitySamples(np.asarray(times_h) * H, activity, Record("test"), relative * activity)


def falling(times_h, *terms):
    """Return a sum of (amplitude, half-life [h])."""
    return sum(a * 2.0 ** (-np.asarray(times_h, float) / half) for a, half in terms)


def through(some, **choices):
    return curve_through(some, RadioligandConfig(**choices), region="lesion", physical_half_life_s=PHYSICAL_S)


def notes(some, **choices):
    config = RadioligandConfig(**choices)
    curve = curve_through(some, config, region="lesion", physical_half_life_s=PHYSICAL_S)
    return " ".join(curve_notes(config, RegionCourse("whole scan", some, curve), []))


def test_curve_through__three_scans_of_one_exponential_keep_it():
    times = [4, 24, 96]
    found = through(samples(times, falling(times, (8e6, 60.0))))
    assert found.shape == "mono_exponential"
    assert found.half_life_s == pytest.approx(60 * H, rel=1e-6)
    assert found.decays == pytest.approx(8e6 * 60 * H / math.log(2), rel=1e-6)
    assert (found.criterion, len(found.candidates)) == ("aic", 2)
    assert sum(one.weight for one in found.candidates) == pytest.approx(1.0)
    assert found.misfit_probability == pytest.approx(1.0)


def test_curve_through__three_scans_that_rise_first_have_an_uptake():
    times = [4, 24, 96]
    some = samples(times, falling(times, (8e6, 60.0), (-8e6, 8.0)))
    found = through(some)
    assert found.shape == "mono_exponential_uptake"
    assert found.decays == pytest.approx(8e6 * 52 * H / math.log(2), rel=1e-3)
    assert found.misfit_probability is None
    assert found.half_life_uncertainty_s > 0
    mono = through(some, curve=CurveChoice.MONO)
    assert mono.shape == "mono_exponential" or mono.is_upper_limit
    assert not mono.candidates
    assert mono.misfit_probability < 0.05
    assert "misses the scans" in notes(some, curve=CurveChoice.MONO)
    assert "whole scan: mono-exponential with uptake." in notes(some)
    (table,) = curve_blocks([RegionCourse("lesion", some, found)])
    assert [row[1] for row in table.rows] == ["mono-exponential", "mono-exponential with uptake"]
    assert table.rows[1][-1] == pytest.approx(1.0)
    assert curve_blocks([RegionCourse("lesion", some, mono)]) == []


def test_curve_through__many_scans_of_two_phases_have_two_by_aicc():
    times = [1, 3, 6, 12, 24, 48, 96, 168, 240]
    found = through(samples(times, falling(times, (8e6, 80.0), (1.6e7, 5.0)), relative=0.03))
    assert (found.shape, found.criterion) == ("bi_exponential", "aicc")
    assert found.decays == pytest.approx((8e6 * 80 + 1.6e7 * 5) * H / math.log(2), rel=1e-3)
    tail = 8e6 * 80 * 2 ** (-240 / 80) / (8e6 * 80 + 1.6e7 * 5)
    assert found.tail_share == pytest.approx(tail, rel=1e-2)
    assert [one.shape for one in found.candidates] == [
        "mono_exponential",
        "mono_exponential_uptake",
        "bi_exponential",
        "bi_exponential_uptake",
        "tri_exponential",
    ]


def test_curve_through__two_scans_and_a_trapezoid_have_nothing_to_choose_among():
    times = [4, 28]
    two = through(samples(times, falling(times, (8e6, 60.0))))
    assert (two.shape, two.criterion, two.candidates) == ("mono_exponential", "", ())
    times = [4, 24, 96]
    some = samples(times, falling(times, (8e6, 60.0)))
    lines = through(some, curve=CurveChoice.TRAPEZOID)
    assert (lines.shape, lines.is_upper_limit) == ("trapezoid", True)
    assert lines.decays > through(some).decays
    assert "as was chosen" in notes(some, curve=CurveChoice.TRAPEZOID)


def test_curve_through__slower_than_decay_is_an_upper_limit_with_three_scans_too():
    times = [4, 24, 96]
    found = through(samples(times, falling(times, (8e6, 300.0))))
    assert found.is_upper_limit
    assert found.half_life_s == PHYSICAL_S
    assert found.candidates


@pytest.mark.parametrize(
    ("method", "factor_h"),
    [(SingleScan.HAENSCHEID, 2 * 96 / math.log(2)), (SingleScan.PHYSICAL_DECAY, None)],
)
def test_curve_through__one_scan_by_the_methods_formula(method, factor_h):
    half_h = PHYSICAL_S / H
    factor_h = factor_h or 2 ** (96 / half_h) * half_h / math.log(2)
    found = through(samples([96], [1e6]), single_scan=method, half_lives={"": POPULATION})
    assert found.shape == method.value
    assert found.decays == pytest.approx(1e6 * factor_h * H, rel=1e-9)
    assert found.decays_relative_uncertainty >= 0.1
    assert 0 < found.tail_share <= 1


@pytest.mark.parametrize("method", [SingleScan.HAENSCHEID, SingleScan.MADSEN, SingleScan.POPULATION_MEAN])
def test_curve_through__one_scan_carries_the_errors_among_the_population(method):
    def at(hours, spread=1.3):
        known = {"": HalfLives(50.0, spread, "made up")}
        return through(samples([hours], [1e6]), single_scan=method, half_lives=known)

    early, late = at(10), at(80)
    assert early.decays_relative_uncertainty > late.decays_relative_uncertainty > 0.1
    low, high = early.truth_by_estimate
    assert low < 1 < high or method is SingleScan.HAENSCHEID
    assert at(10, 1.05).decays_relative_uncertainty < early.decays_relative_uncertainty


def test_curve_through__one_scan_takes_the_half_lives_of_its_region_and_says_so():
    choices = {
        "single_scan": SingleScan.MADSEN,
        "half_lives": {"": POPULATION, "lesion": HalfLives(80.0, 1.2, "others")},
    }
    found = through(samples([96], [1e6]), **choices)
    assert found.half_life_s == pytest.approx(80 * H, rel=0.01)
    said = notes(samples([96], [1e6]), **choices)
    assert "Madsen's method, as was chosen" in said
    assert "made up" in said
    assert "nine of ten" in said


def test_curve_through__one_scan_without_a_choice_is_refused():
    with pytest.raises(InputError, match=r"SingleScan\.HAENSCHEID"):
        through(samples([96], [1e6]))
    with pytest.raises(InputError, match="nothing is known of the error"):
        RadioligandConfig(single_scan=SingleScan.HAENSCHEID)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"curve": "mono"}, r"CurveChoice\.MONO"),
        ({"single_scan": "madsen"}, r"SingleScan\.MADSEN"),
        ({"alpha_rbe": 0.5}, "alpha_rbe must be"),
    ],
)
def test_config__refuses_what_is_no_choice(choices, words):
    with pytest.raises(InputError, match=words):
        RadioligandConfig(**choices)


def test_half_lives__refuse_what_is_no_spread():
    with pytest.raises(InputError, match="geometric_sd"):
        HalfLives(50.0, 1.0, "example")
    with pytest.raises(InputError, match="median_h"):
        HalfLives(0.0, 1.3, "example")
