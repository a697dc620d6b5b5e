import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.proton.optimisation.objectives import (
    OBJECTIVES,
    DoseTimesLetMaximum,
    GeneralisedEud,
    LetMaximum,
    LetMinimum,
    MaximumDoseVolume,
    MeanDose,
    MeanDoseTimesLet,
    MeanLet,
    MinimumDoseVolume,
    SmoothMaximum,
    SmoothMinimum,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
    Tail,
    TailMean,
    objective_from_table,
)

EVERY = [
    SquaredDeviation(30.0),
    SquaredOverdose(28.0),
    SquaredUnderdose(32.0),
    MeanDose(),
    MeanDose(upper_gy=20.0),
    SmoothMaximum(2.0),
    SmoothMaximum(2.0, upper_gy=35.0),
    SmoothMinimum(2.0, lower_gy=29.0),
    MaximumDoseVolume(25.0, 30.0),
    MinimumDoseVolume(33.0, 80.0),
    TailMean(Tail.HOTTEST, 5.0, upper_gy=30.0),
    TailMean(Tail.COLDEST, 7.0, lower_gy=32.0),
    GeneralisedEud(8.0),
    GeneralisedEud(-10.0, lower_gy=34.0),
    LetMaximum(2.0, 1.0),
    LetMinimum(4.0, 1.0),
    MeanLet(1.0),
    MeanLet(1.0, upper_kev_um=1.0),
    DoseTimesLetMaximum(60.0),
    MeanDoseTimesLet(),
    MeanDoseTimesLet(upper_gy_kev_um=50.0),
]


def voxels(seed, n=60):
    rng = np.random.default_rng(seed)
    dose = 20 + 15 * rng.random(n)
    weights = 0.2 + rng.random(n)
    return dose, weights / weights.sum(), dose * (1 + 4 * rng.random(n))


@pytest.mark.parametrize("objective", EVERY, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_value_and_gradient__agrees_with_finite_differences(objective, seed):
    dose, weights, dose_let = voxels(seed)
    _, by_dose, by_let = objective.value_and_gradient(dose, weights, dose_let)
    rng = np.random.default_rng(seed + 10)
    along, along_let = rng.standard_normal((2, len(dose)))
    step = 1e-5
    ends = [
        objective.value_and_gradient(dose + s * along, weights, dose_let + s * along_let)[0]
        for s in (-step, step)
    ]
    slope = by_dose @ along + (0.0 if by_let is None else by_let @ along_let)
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("objective", EVERY, ids=lambda o: type(o).__name__)
def test_value_and_gradient__a_voxel_cut_in_two_is_one_voxel(objective):
    # Problems merge voxels of equal dose, so a value must depend on volumes and doses alone.
    dose, weights, dose_let = voxels(3)
    twice = np.repeat(dose, 2), np.repeat(weights / 2, 2), np.repeat(dose_let, 2)
    one = objective.value_and_gradient(dose, weights, dose_let)
    two = objective.value_and_gradient(*twice)
    assert one[0] == pytest.approx(two[0], rel=1e-12)
    summed = two[1].reshape(-1, 2).sum(1)
    # At the edge of a tail the two halves may be on different sides of it.
    assert np.abs(one[1] - summed).max() <= 1e-9 + np.abs(one[1]).max() * (
        1e-9 if "Volume" not in repr(objective) else 1
    )


def test_squared_deviation__is_under_and_overdose():
    dose, weights, _ = voxels(0)
    both = SquaredDeviation(30.0).value_and_gradient(dose, weights)
    parts = [o.value_and_gradient(dose, weights) for o in SquaredDeviation(30.0).split()]
    assert both[0] == pytest.approx(parts[0][0] + parts[1][0])
    np.testing.assert_allclose(both[1], parts[0][1] + parts[1][1], rtol=1e-12, atol=1e-15)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), volume=st.floats(1, 99))
def test_tail_mean__bounds_the_dose_at_a_volume(seed, volume):
    dose, weights, _ = voxels(seed, 25)
    hot = TailMean(Tail.HOTTEST, volume).measure(dose, weights)[0]
    cold = TailMean(Tail.COLDEST, 100 - volume).measure(dose, weights)[0]
    order = np.argsort(-dose)
    at = order[np.searchsorted(np.cumsum(weights[order]), volume / 100 * (1 - 1e-12))]
    assert hot >= dose[at] - 1e-9
    assert cold <= dose[at] + 1e-9
    # The two tails make up the whole.
    assert volume / 100 * hot + (1 - volume / 100) * cold == pytest.approx(weights @ dose)


def test_generalised_eud__is_between_mean_and_extremes():
    dose, weights, _ = voxels(1)
    values = [GeneralisedEud(a).measure(dose, weights)[0] for a in (-200.0, -5.0, 1.0, 5.0, 200.0)]
    assert values == sorted(values)
    assert values[2] == pytest.approx(weights @ dose)
    assert values[0] == pytest.approx(dose.min(), rel=0.03)
    assert values[4] == pytest.approx(dose.max(), rel=0.03)
    assert GeneralisedEud(-10.0).measure(np.zeros(3), np.full(3, 1 / 3))[0] < 1e-3
    assert GeneralisedEud(10.0).measure(np.zeros(3), np.full(3, 1 / 3))[0] == 0.0


def test_smooth_extremes__tend_to_the_extremes():
    dose, weights, _ = voxels(2)
    for smoothing in (1.0, 0.1, 0.01):
        slack = smoothing * np.log(1 / weights.min())
        assert 0 <= dose.max() - SmoothMaximum(smoothing).measure(dose, weights)[0] <= slack
        assert 0 <= SmoothMinimum(smoothing).measure(dose, weights)[0] - dose.min() <= slack


def test_dose_volume__is_zero_where_the_goal_is_met():
    weights = np.full(10, 0.1)
    dose = np.arange(10.0)  # V(>= 7) is 30 %
    assert MaximumDoseVolume(7.0, 30.0).value_and_gradient(dose, weights)[0] == 0.0
    assert MaximumDoseVolume(5.5, 30.0).value_and_gradient(dose, weights)[0] == pytest.approx(
        0.1 * (0.5**2 + 1.5**2)
    )
    assert MinimumDoseVolume(2.0, 80.0).value_and_gradient(dose, weights)[0] == 0.0
    assert MinimumDoseVolume(3.5, 80.0).value_and_gradient(dose, weights)[0] == pytest.approx(
        0.1 * (1.5**2 + 0.5**2)
    )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objective_from_table__makes_each_kind(name):
    tables = {
        "squared_deviation": {"dose_gy": 60},
        "squared_overdose": {"dose_gy": 60},
        "squared_underdose": {"dose_gy": 60},
        "smooth_maximum": {"smoothing_gy": 1},
        "smooth_minimum": {"smoothing_gy": 1},
        "maximum_dose_volume": {"dose_gy": 20, "volume_percent": 30},
        "minimum_dose_volume": {"dose_gy": 57, "volume_percent": 95},
        "tail_mean": {"tail": "coldest", "volume_percent": 5, "lower_gy": 50},
        "generalised_eud": {"exponent": 4},
        "let_maximum": {"let_kev_um": 5, "dose_floor_gy": 1},
        "let_minimum": {"let_kev_um": 5, "dose_floor_gy": 1},
        "mean_let": {"dose_floor_gy": 1},
        "dose_times_let_maximum": {"dose_let_gy_kev_um": 100},
    }
    made = objective_from_table({"type": name} | tables.get(name, {}))
    assert type(made) is OBJECTIVES[name]
    assert made == objective_from_table({"type": name} | made.parameters)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"type": "squared"}, r"type of an objective must be one of squared_deviation, .*; got 'squared'"),
        ({}, r"type of an objective must be one of"),
        (
            {"type": "squared_deviation", "dose": 60},
            r"squared_deviation must be among dose_gy; got dose",
        ),
        ({"type": "squared_deviation"}, r"squared_deviation must have dose_gy; got no field"),
        (
            {"type": "squared_overdose", "dose_gy": -1},
            r"dose_gy of SquaredOverdose must be a .* >= 0 \[Gy\]; got -1",
        ),
        ({"type": "squared_overdose", "dose_gy": "60"}, r"dose_gy .* must be a number"),
        ({"type": "mean_dose", "lower_gy": 5, "upper_gy": 4}, r"lower_gy of MeanDose must be below upper_gy"),
        ({"type": "generalised_eud", "exponent": 0.5}, r"exponent of GeneralisedEud must be >= 1"),
        (
            {"type": "tail_mean", "tail": "warm", "volume_percent": 5},
            r"tail of TailMean must be one of hottest",
        ),
        (
            {"type": "tail_mean", "tail": "hottest", "volume_percent": 0},
            r"volume_percent .* > 0 and <= 100",
        ),
    ],
)
def test_objective_from_table__says_what_is_wrong(table, message):
    with pytest.raises(InputError, match=message):
        objective_from_table(table)


def test_let_objectives__need_let():
    with pytest.raises(InputError, match=r"dose_let must be given"):
        LetMaximum(2.0, 1.0).value_and_gradient(*voxels(0)[:2])
