import math

import numpy as np
import pytest

from tumorboard.dosimetry.single_time_point import (
    HalfLifePopulation,
    SingleTimePointConfig,
    SingleTimePointMethod,
    SingleTimePointModel,
    relative_errors,
    time_factor_s,
)
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
METHOD = SingleTimePointMethod
POPULATION = HalfLifePopulation(55 * H, 1.3, LU177_S, "test")


def narrow(half_life_s):
    return HalfLifePopulation(half_life_s, 1 + 1e-9, math.inf, "test")


@pytest.mark.parametrize("half_lives", [1.0, 2.0])
def test_haenscheid__is_exact_at_one_and_two_half_lives(half_lives):
    errors = relative_errors(METHOD.HAENSCHEID, half_lives * 50 * H, population=narrow(50 * H))
    np.testing.assert_allclose(errors, 0.0, atol=1e-7)


def test_haenscheid__is_within_the_published_band_between_three_quarters_and_two_and_a_half_half_lives():
    errors = [
        relative_errors(METHOD.HAENSCHEID, x * 50 * H, population=narrow(50 * H), n=1)[0]
        for x in np.linspace(0.75, 2.5, 200)
    ]
    # "About 10 %" in the paper; the most is at 2.5 half-lives, the highest at 1 / ln 2.
    assert min(errors) == pytest.approx(5 / 2**2.5 - 1, abs=1e-3)
    assert max(errors) == pytest.approx(2 / (math.e * math.log(2)) - 1, abs=1e-3)
    assert np.abs(errors).max() < 0.12


@pytest.mark.parametrize("method", [METHOD.MADSEN, METHOD.POPULATION_MEAN])
def test_methods__are_exact_where_all_are_alike(method):
    assert time_factor_s(method, 70 * H, population=narrow(50 * H)) == pytest.approx(
        2**1.4 * 50 * H / math.log(2), rel=1e-6
    )


def test_madsen__is_least_sensitive_at_the_mean_life():
    population = narrow(50 * H)
    mean_life = 50 * H / math.log(2)

    def slope(time_s):
        off = HalfLifePopulation(50.5 * H, 1 + 1e-9, math.inf, "test")
        true = 2 ** (time_s / (50.5 * H)) * 50.5 * H / math.log(2)
        assert off.half_lives_s(1)[0] == pytest.approx(50.5 * H)
        return abs(time_factor_s(METHOD.MADSEN, time_s, population=population) / true - 1)

    assert slope(mean_life) < 1e-3 < min(slope(0.5 * mean_life), slope(1.5 * mean_life))


def test_population_mean__is_right_on_average():
    ratio = 1 / (1 + relative_errors(METHOD.POPULATION_MEAN, 48 * H, population=POPULATION))
    assert ratio.mean() == pytest.approx(1.0, rel=1e-12)


def test_population__is_cut_off_at_physical_decay_and_found_again():
    values = HalfLifePopulation(100 * H, 2.0, LU177_S, "test").half_lives_s(1000)
    assert values.max() < LU177_S
    assert (np.diff(values) > 0).all()
    wide = HalfLifePopulation(50 * H, 1.3, math.inf, "test").half_lives_s(20000)
    again = HalfLifePopulation.of_half_lives(wide, physical_half_life_s=math.inf, source="test")
    assert again.median_s == pytest.approx(50 * H, rel=1e-6)
    assert again.geometric_sd == pytest.approx(1.3, rel=1e-3)


@pytest.mark.parametrize("method", list(METHOD))
def test_fit__uncertainty_is_that_of_a_simulated_population(method):
    rng, relative = np.random.default_rng(4), 0.08
    half_lives = rng.choice(POPULATION.half_lives_s(20000), 20000)
    true = 1e6 * half_lives / math.log(2)
    measured = 1e6 * 2 ** (-96 * H / half_lives) * (1 + relative * rng.standard_normal(20000))
    estimated = measured * time_factor_s(method, 96 * H, population=POPULATION)
    one = ActivitySamples([96 * H], [1e5], MADE, [relative * 1e5])
    fit = SingleTimePointModel(SingleTimePointConfig(method, POPULATION)).fit(one)
    found = fit.time_integrated_activity_uncertainty_bq_s / fit.time_integrated_activity_bq_s
    assert found == pytest.approx(np.sqrt(np.mean((true / estimated - 1) ** 2)), rel=0.05)


def test_fit__without_a_population_knows_no_error():
    one = ActivitySamples([96 * H], [1e5], MADE, [1e4])
    fit = SingleTimePointModel(SingleTimePointConfig(METHOD.HAENSCHEID, None)).fit(one)
    assert fit.time_integrated_activity_bq_s == pytest.approx(1e5 * 2 * 96 * H / math.log(2))
    assert math.isnan(fit.time_integrated_activity_uncertainty_bq_s)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfLifePopulation(0.0, 1.3, 1.0, ""), "median_s"),
        (lambda: HalfLifePopulation(1.0, 1.0, 2.0, ""), "geometric_sd"),
        (lambda: HalfLifePopulation(1.0, 1.3, 0.5, ""), "physical_half_life_s"),
        (
            lambda: HalfLifePopulation.of_half_lives([1.0, 1.0, 1.0], physical_half_life_s=2.0, source=""),
            "three or more",
        ),
        (lambda: SingleTimePointConfig(METHOD.MADSEN, None), "population must be known"),
        (lambda: SingleTimePointConfig("madsen", POPULATION), "method must be"),
        (lambda: time_factor_s(METHOD.MADSEN, H, population=None), "population must be known"),
        (lambda: time_factor_s(METHOD.HAENSCHEID, 0.0, population=None), "time_s"),
        (
            lambda: SingleTimePointModel(SingleTimePointConfig(METHOD.HAENSCHEID, None)).fit(
                ActivitySamples([1.0, 2.0], [1.0, 1.0], MADE)
            ),
            "samples must be one activity",
        ),
    ],
)
def test_single_time_point__refuses_what_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()
