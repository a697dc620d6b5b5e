import kinetic_data as kinetic
import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError, UnitError
from tumorboard.pet.kinetics.blood_models import Feng, Interpolation
from tumorboard.pet.kinetics.make_input import EndRule, InputConfig, fit_input, make_input
from tumorboard.pet.kinetics.parent_fraction import HillFraction, InterpolatedFraction, PlasmaIsParent
from tumorboard.pet.kinetics.plasma_ratio import GivenRatio, InterpolatedRatio, LinearRatio, MeanRatio
from tumorboard.pet.kinetics.sample_fit import SampleWeighting
from tumorboard.pet.kinetics.table_units import require_same_units
from tumorboard.provenance import Record

RECORD = Record("test")
LINES = Interpolation()


def config(**changes):
    choices = dict(
        plasma=LINES, whole_blood=LINES, ratio=None, parent=PlasmaIsParent(), step_s=None, end=EndRule.REFUSE
    )
    return InputConfig(**(choices | changes))


def samples(end=100.0, fraction=None):
    t = np.array([5.0, 20.0, 60.0, end])
    return BloodSamples(
        BloodCurve(t, [4.0, 40.0, 20.0, 5.0]), BloodCurve(t, [5.0, 50.0, 26.0, 7.0]), fraction, RECORD
    )


def test_make_input__straight_lines_have_their_nodes_at_the_samples():
    blood = make_input(samples(), config(), 100.0)
    assert blood.times_s.tolist() == [0.0, 5.0, 20.0, 60.0, 100.0]
    assert blood.parent_plasma_bq_ml.tolist() == [0.0, 5.0, 50.0, 26.0, 7.0]
    assert blood.whole_blood_bq_ml.tolist() == [0.0, 4.0, 40.0, 20.0, 5.0]


def test_make_input__blood_that_ends_before_the_scan_is_refused_and_extended_when_asked():
    with pytest.raises(
        InputError, match=r"blood must reach to the end of the scan, 200 s; its plasma ends at 100"
    ):
        make_input(samples(), config(), 200.0)
    held = make_input(samples(), config(end=EndRule.HOLD_LAST), 200.0)
    assert held.times_s[-1] == 200.0
    assert held.parent_plasma_bq_ml[-1] == 7.0
    assert held.provenance.parameters["end_rule"] == "hold last"
    assert held.provenance.parameters["extended_by_s"]["plasma"] == 100.0
    with pytest.raises(InputError, match="plasma must have a formula to be extended from 100 to 200 s"):
        make_input(samples(), config(end=EndRule.MODEL), 200.0)


def test_make_input__an_end_rule_changes_nothing_where_blood_suffices():
    drawn = samples(fraction=BloodCurve([10.0, 30.0, 100.0], [0.9, 0.6, 0.3]))
    choices = dict(parent=InterpolatedFraction(1.0), step_s=1.0)
    refused = make_input(drawn, config(**choices), 100.0)
    held = make_input(drawn, config(**choices, end=EndRule.HOLD_LAST), 100.0)
    np.testing.assert_array_equal(refused.parent_plasma_bq_ml, held.parent_plasma_bq_ml)


def test_fit_input__parent_is_plasma_times_its_fraction():
    t = np.array([120.0, 300, 600, 1200, 2400, 3600, 5400])
    truth = 1 - 0.95 * t**2.6 / (10**6.9 + t**2.6)
    curve = BloodCurve(np.r_[0.0, 30.0, t], np.r_[0.0, 90.0, 50.0, 30.0, 20.0, 15.0, 12.0, 10.0, 9.0])
    made = fit_input(
        BloodSamples(curve, curve, BloodCurve(t, truth), RECORD),
        config(parent=HillFraction(1.0, 0.0), step_s=10.0),
        5400.0,
    )
    expected = np.interp(made.blood.times_s, curve.times_s, curve.values) * made.parent.at(made.blood.times_s)
    np.testing.assert_allclose(made.blood.parent_plasma_bq_ml, expected, rtol=1e-12)
    assert "tonietto2016parent" in list(made.blood.provenance.citations())
    assert made.blood.provenance.parameters["parent_fraction"]["model"] == "Hill"


@pytest.mark.parametrize("ratio", [GivenRatio(1.25), MeanRatio(), LinearRatio(), InterpolatedRatio()])
def test_fit_input__plasma_from_whole_blood_and_back(ratio):
    t = np.array([5.0, 20.0, 60.0, 100.0])
    whole = BloodCurve(t, [4.0, 40.0, 20.0, 5.0])
    both = BloodSamples(whole, BloodCurve(t[1:], whole.values[1:] * 1.25), None, RECORD)
    made = make_input(both, config(plasma=None, ratio=ratio, step_s=5.0), 100.0)
    np.testing.assert_allclose(made.parent_plasma_bq_ml, 1.25 * made.whole_blood_bq_ml, rtol=1e-9)


def test_make_input__that_arrives_earlier_keeps_what_came_before_time_0():
    blood = make_input(samples(), config(), 100.0)
    earlier = blood.delayed(-15.0)
    assert earlier.times_s[0] == -15.0
    times = np.array([0.0, 20.0, 85.0])
    np.testing.assert_allclose(
        earlier.parent_integral(times), blood.parent_integral(times + 15.0), rtol=1e-12
    )
    assert earlier.parent_integral([0.0])[0] > 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plasma": None}, "ratio must be given where plasma or whole_blood is None"),
        ({"ratio": MeanRatio()}, "ratio must be given where plasma or whole_blood is None, and only there"),
        ({"plasma": None, "whole_blood": None}, "must not both be None"),
        ({"step_s": 0.0}, "step_s must be > 0"),
    ],
)
def test_input_config__choices_must_go_together(changes, message):
    with pytest.raises(InputError, match=message):
        config(**changes)


def test_make_input__formulas_need_a_step():
    with pytest.raises(
        InputError, match=r"step_s must be given \[s\] where parent fraction is not a straight line"
    ):
        make_input(
            samples(fraction=BloodCurve([10.0, 99.9], [0.9, 0.3])),
            config(parent=InterpolatedFraction(1.0)),
            100.0,
        )


def test_make_input__is_kinfitrs_input_of_a_real_scan(data_dir):
    # kinfitr interpolates the same samples to 6000 nodes and forces the value at 0 to 0.
    for scan in kinetic.pbr28_scans(data_dir)[::4]:
        theirs = kinetic.pbr28_blood(data_dir, scan)
        ours = make_input(kinetic.pbr28_samples(data_dir, scan), config(), float(theirs.times_s[-1]))
        later = theirs.times_s >= 1.0
        found = np.interp(theirs.times_s[later], ours.times_s, ours.parent_plasma_bq_ml)
        np.testing.assert_allclose(found, theirs.parent_plasma_bq_ml[later], rtol=1e-9, atol=1e-6)


def test_make_input__real_blood_ends_before_its_scan(data_dir):
    for scan in kinetic.pbr28_scans(data_dir):
        end = float(kinetic.pbr28_curves(data_dir, scan).frame_end_s[-1])
        drawn = kinetic.pbr28_samples(data_dir, scan)
        with pytest.raises(InputError, match="blood must reach to the end of the scan"):
            make_input(drawn, config(), end)
        assert make_input(drawn, config(end=EndRule.HOLD_LAST), end).times_s[-1] == end


@pytest.mark.slow
def test_make_input__a_model_extends_real_blood(data_dir):
    scan = kinetic.pbr28_scans(data_dir)[0]
    end = float(kinetic.pbr28_curves(data_dir, scan).frame_end_s[-1])
    model = Feng(SampleWeighting.INTERVAL)
    made = make_input(
        kinetic.pbr28_samples(data_dir, scan),
        config(plasma=model, whole_blood=model, step_s=1.0, end=EndRule.MODEL),
        end,
    )
    assert made.times_s[-1] == end
    assert 0.0 < made.parent_plasma_bq_ml[-1] < made.parent_plasma_bq_ml[-300]


def test_require_same_units__real_tables_agree_and_scaled_ones_do_not(data_dir):
    for scan in kinetic.pbr28_scans(data_dir):
        curves, drawn = kinetic.pbr28_curves(data_dir, scan), kinetic.pbr28_samples(data_dir, scan)
        require_same_units(curves, drawn)
        for factor in (1e3, 1e-3):
            plasma = BloodCurve(drawn.plasma.times_s, drawn.plasma.values * factor)
            with pytest.raises(UnitError, match="concentrations of the two tables must both be in Bq/mL"):
                require_same_units(curves, BloodSamples(None, plasma, None, RECORD))
        for factor in (60.0, 1 / 60.0):
            plasma = BloodCurve(drawn.plasma.times_s * factor, drawn.plasma.values)
            with pytest.raises(UnitError, match="times of the two tables must both be in seconds"):
                require_same_units(curves, BloodSamples(None, plasma, None, RECORD))
