import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.proton.optimisation import StructureVoxels
from tumorboard.proton.robust_evaluation import DoseGoal, GoalMetric, evaluate_robust
from tumorboard.proton.robust_scenarios import (
    Scenario,
    random_scenarios,
    scenario_influences,
    scenario_set,
)

THREE = (
    Scenario("nominal", (0, 0, 0), 1.0),
    Scenario("low", (1, 0, 0), 1.0),
    Scenario("high", (-1, 0, 0), 1.0),
)
ORGAN = StructureVoxels("organ", [0, 2, 4, 6], [1.0, 1.0, 1.0, 0.5])


@pytest.fixture
def evaluation():
    nominal = np.array([10.0, 99, 20, 99, 30, 99, 40])
    return evaluate_robust((nominal * f for f in (1.0, 0.5, 1.2)), THREE, [ORGAN])


def test_scenario_set__is_nominal_shifts_and_ranges():
    found = scenario_set(setup_mm=5, range_percent=3.5)
    assert len(found) == 9
    assert found[0].is_nominal
    assert not any(s.is_nominal for s in found[1:])
    shifts = np.array([s.setup_shift_mm for s in found])
    assert sorted(np.abs(shifts).sum(1)) == [0, 0, 0] + 6 * [5]
    assert shifts.sum() == 0
    assert [s.range_scale for s in found if s.range_scale != 1] == pytest.approx([1.035, 0.965])
    assert len(scenario_set(setup_mm=0, range_percent=0)) == 1
    assert len(scenario_set(setup_mm=3, range_percent=0)) == 7


def test_scenario__moves_the_isocentre_against_the_patient():
    assert Scenario("x", (5, 0, -1), 1.0).isocentre_mm((1, 2, 3)) == (-4, 2, 4)


def test_random_scenarios__have_the_spread_asked_for():
    found = random_scenarios(4000, setup_sd_mm=2.0, range_sd_percent=1.5, seed=1)
    assert found[0].is_nominal
    shifts = np.array([s.setup_shift_mm for s in found[1:]])
    np.testing.assert_allclose(shifts.std(axis=0), 2.0, rtol=0.05)
    assert np.std([s.range_scale for s in found[1:]]) == pytest.approx(0.015, rel=0.05)
    assert found == random_scenarios(4000, setup_sd_mm=2.0, range_sd_percent=1.5, seed=1)


def test_scenario_influences__are_made_one_at_a_time():
    made = []
    stream = scenario_influences(THREE, lambda s: made.append(s.name) or s)
    assert made == []
    next(stream)
    assert made == ["nominal"]
    with pytest.raises(InputError, match=r"scenarios must begin with the nominal one; got \['low'\]"):
        next(scenario_influences(THREE[1:], lambda s: s))


def test_dvh__counts_volumes(evaluation):
    found = evaluation.dvh("organ", [0.0, 10.0, 10.1, 40.0, 40.1])
    np.testing.assert_allclose(found[0], np.array([3.5, 3.5, 2.5, 0.5, 0.0]) / 3.5 * 100)
    np.testing.assert_allclose(found[2], np.array([3.5, 3.5, 3.5, 0.5, 0.5]) / 3.5 * 100)


def test_dvh_band__holds_every_scenario(evaluation):
    doses = np.linspace(0, 50, 101)
    band, each = evaluation.dvh_band("organ", doses), evaluation.dvh("organ", doses)
    assert (band.lowest_percent <= each).all()
    assert (band.highest_percent >= each).all()
    np.testing.assert_array_equal(band.nominal_percent, each[0])
    np.testing.assert_allclose(band.lowest_percent, each[1])
    np.testing.assert_allclose(band.highest_percent, each[2])


def test_pass_rate__counts_scenarios(evaluation):
    mean = DoseGoal("organ", GoalMetric.MEAN, upper=25.0)
    np.testing.assert_allclose(evaluation.values(mean), np.array([1, 0.5, 1.2]) * 80 / 3.5)
    np.testing.assert_array_equal(evaluation.passes(mean), [True, True, False])
    assert evaluation.pass_rate_percent(mean) == pytest.approx(200 / 3)
    volume = DoseGoal("organ", GoalMetric.VOLUME_AT_DOSE, 15.0, lower=50.0)
    np.testing.assert_allclose(evaluation.values(volume), np.array([2.5, 1.5, 2.5]) / 3.5 * 100)
    assert volume.label == "organ V15Gy >= 50 %"
    point = DoseGoal("organ", GoalMetric.DOSE_AT_VOLUME, 50.0, lower=20.0, upper=31.0)
    values = evaluation.values(point)
    np.testing.assert_allclose(values / values[0], [1, 0.5, 1.2])
    assert 20 < values[0] < 30
    assert point.label == "organ D50 >= 20 Gy and <= 31 Gy"


def test_evaluate_robust__says_what_is_wrong(evaluation):
    dose = np.ones(7)
    with pytest.raises(InputError, match=r"doses_gy must be as many as the scenarios \(3\); got 2"):
        evaluate_robust([dose, dose], THREE, [ORGAN])
    with pytest.raises(InputError, match=r"scenarios must begin with the nominal one"):
        evaluate_robust([dose], THREE[1:2], [ORGAN])
    with pytest.raises(InputError, match=r"structure must be one of organ; got 'lung'"):
        evaluation.dvh("lung", [1.0])
    with pytest.raises(InputError, match=r"at of the goal of 'organ' must be given unless it is a mean"):
        DoseGoal("organ", GoalMetric.DOSE_AT_VOLUME, upper=3.0)
    with pytest.raises(InputError, match=r"must have lower or upper; got neither"):
        DoseGoal("organ", GoalMetric.MEAN)
    with pytest.raises(InputError, match=r"range_scale of 'x' must be a factor between 0.5 and 2; got 3.5"):
        Scenario("x", (0, 0, 0), 3.5)
    with pytest.raises(InputError, match=r"setup_mm must be >= 0 \[mm\]"):
        scenario_set(setup_mm=-1, range_percent=3)
