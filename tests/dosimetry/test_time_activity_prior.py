import math

import numpy as np
import pytest

from tumorboard.dosimetry.single_time_point import HalfLifePopulation, SingleTimePointMethod, time_factor_s
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_prior import PopulationPriorModel
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
POPULATION = HalfLifePopulation(70 * H, 1.4, LU177_S, "test")


def samples(times_h, half_life_h, relative=0.1, activity=1e7):
    times = np.array(times_h) * H
    values = activity * 2 ** (-times / (half_life_h * H))
    return ActivitySamples(times, values, MADE, relative * values)


def test_fit__of_one_sample_leaves_the_population():
    fit = PopulationPriorModel(POPULATION).fit(samples([72.0], 50.0, relative=1e-3))
    np.testing.assert_allclose(fit.posterior, fit.prior, rtol=1e-9)
    assert fit.learned_from_samples == pytest.approx(0.0, abs=1e-9)
    half_lives = POPULATION.half_lives_s(20000)
    assert fit.effective_half_life_s == pytest.approx(half_lives.mean(), rel=1e-4)
    factor = time_factor_s(SingleTimePointMethod.POPULATION_MEAN, 72 * H, population=POPULATION)
    assert fit.time_integrated_activity_bq_s == pytest.approx(fit.samples.activity_bq[0] * factor, rel=1e-3)


def test_fit__of_many_certain_samples_forgets_the_population():
    data = samples([4, 24, 72, 168], 40.0, relative=0.01)
    fit = PopulationPriorModel(POPULATION).fit(data)
    own = ExponentialModel(
        ExponentialConfig(CurveShape.MONO_EXPONENTIAL, LU177_S, Weighting.KNOWN_UNCERTAINTY)
    ).fit(data)
    assert fit.effective_half_life_s == pytest.approx(own.effective_half_life_s, rel=3e-3)
    assert fit.effective_half_life_uncertainty_s == pytest.approx(
        own.effective_half_life_uncertainty_s, rel=0.02
    )
    assert fit.time_integrated_activity_uncertainty_bq_s == pytest.approx(
        own.time_integrated_activity_uncertainty_bq_s, rel=0.02
    )
    assert fit.learned_from_samples > 0.99


def test_fit__never_goes_beyond_physical_decay():
    fit = PopulationPriorModel(POPULATION).fit(samples([4, 24], 1e6))
    assert fit.effective_half_life_s < fit.half_lives_s.max() <= LU177_S * (1 + 1e-12)


def test_fit__quantiles_cover_the_population():
    rng, inside = np.random.default_rng(8), []
    for half_life in rng.choice(POPULATION.half_lives_s(2000), 300):
        clean = samples([4, 26], half_life / H)
        noisy = clean.activity_bq * np.exp(0.1 * rng.standard_normal(2))
        fit = PopulationPriorModel(POPULATION).fit(ActivitySamples(clean.times_s, noisy, MADE, 0.1 * noisy))
        truth = 1e7 * half_life / math.log(2)
        low, high = (fit.time_integrated_activity_quantile_bq_s(p) for p in (0.16, 0.84))
        inside.append(low < truth < high)
    assert np.mean(inside) == pytest.approx(0.68, abs=0.08)  # 300 draws know it to 2.7 %


def test_fit__refuses_what_cannot_be():
    model = PopulationPriorModel(POPULATION)
    with pytest.raises(InputError, match="leave zeros out"):
        model.fit(ActivitySamples([1.0, 2.0], [1.0, 0.0], MADE, [1.0, 1.0]))
    with pytest.raises(InputError, match="uncertainty_bq must be known"):
        model.fit(ActivitySamples([1.0], [1.0], MADE))
    with pytest.raises(InputError, match="probability"):
        model.fit(samples([4.0], 50.0)).time_integrated_activity_quantile_bq_s(1.0)
