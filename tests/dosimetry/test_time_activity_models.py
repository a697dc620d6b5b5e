import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import curve_fit

from tumorboard.dosimetry import time_activity_shapes as shapes
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
TIMES_S = np.array([1.0, 4.0, 24.0, 48.0, 72.0, 120.0, 168.0]) * H
MBQ = 1e6
RATES = np.log(2) / H / np.array([100.0, 15.0, 1.0, 0.5])
LAMBDA = np.log(2) / LU177_S

TRUE = {
    CurveShape.PHYSICAL_DECAY: [5 * MBQ],
    CurveShape.MONO_EXPONENTIAL: [5 * MBQ, RATES[0]],
    CurveShape.BI_EXPONENTIAL: [5 * MBQ, 3 * MBQ, RATES[0], RATES[1]],
    CurveShape.TRI_EXPONENTIAL: [5 * MBQ, 3 * MBQ, 9 * MBQ, *RATES[:3]],
    CurveShape.MONO_EXPONENTIAL_UPTAKE: [5 * MBQ, RATES[0], RATES[2]],
    CurveShape.BI_EXPONENTIAL_UPTAKE: [5 * MBQ, 3 * MBQ, *RATES[:3]],
}


def model(shape, weighting=Weighting.KNOWN_UNCERTAINTY, half_life_s=LU177_S):
    return ExponentialModel(ExponentialConfig(shape, half_life_s, weighting))


def samples(activity, times=TIMES_S, relative=0.05):
    activity = np.asarray(activity)
    return ActivitySamples(times, activity, MADE, relative * activity)


@pytest.mark.parametrize(("shape", "true"), TRUE.items(), ids=lambda x: getattr(x, "name", ""))
def test_fit__is_exact_without_noise(shape, true):
    fit = model(shape).fit(samples(shapes.values(shape, np.array(true), TIMES_S, LAMBDA)))
    np.testing.assert_allclose(fit.parameters, true, rtol=1e-7)
    assert fit.at_bound == ()
    amplitudes, rates = fit.exponentials
    assert fit.time_integrated_activity_bq_s == pytest.approx(np.sum(amplitudes / rates), rel=1e-12)
    area = sum(
        quad(lambda t: float(fit.activity_bq(t)), a, b, epsrel=1e-10)[0]
        for a, b in zip([0, 2 * H, 20 * H, 200 * H], [2 * H, 20 * H, 200 * H, 8000 * H], strict=True)
    )
    assert fit.time_integrated_activity_bq_s == pytest.approx(area, rel=1e-8)


@pytest.mark.parametrize(("shape", "true"), TRUE.items(), ids=lambda x: getattr(x, "name", ""))
def test_shapes__derivatives_are_those_of_differences(shape, true):
    true = np.array(true)
    slopes = shapes.jacobian(shape, true, TIMES_S, LAMBDA)
    _, slope = shapes.integral(shape, true, LAMBDA)
    for i, value in enumerate(true):
        step = np.zeros(true.size)
        step[i] = 1e-6 * value
        ends = [shapes.values(shape, true + sign * step, TIMES_S, LAMBDA) for sign in (1, -1)]
        np.testing.assert_allclose(
            slopes[:, i],
            (ends[0] - ends[1]) / (2e-6 * value),
            rtol=1e-6,
            atol=1e-9 * np.abs(slopes[:, i]).max(),
        )
        sums = [shapes.integral(shape, true + sign * step, LAMBDA)[0] for sign in (1, -1)]
        assert slope[i] == pytest.approx((sums[0] - sums[1]) / (2e-6 * value), rel=1e-6)


@pytest.mark.parametrize("weighting", list(Weighting))
def test_fit__agrees_with_curve_fit(weighting):
    rng = np.random.default_rng(7)
    clean = shapes.values(
        CurveShape.BI_EXPONENTIAL, np.array(TRUE[CurveShape.BI_EXPONENTIAL]), TIMES_S, LAMBDA
    )
    noisy = clean * rng.normal(1.0, 0.02, TIMES_S.size)
    fit = model(CurveShape.BI_EXPONENTIAL, weighting).fit(samples(noisy))
    sigma = {Weighting.EQUAL: np.ones(7), Weighting.PROPORTIONAL: noisy}.get(weighting, 0.05 * noisy)
    found, covariance = curve_fit(
        lambda t, a, b, l1, l2: a * np.exp(-l1 * t / H) + b * np.exp(-l2 * t / H),
        TIMES_S,
        noisy / MBQ,
        p0=[4.0, 4.0, 0.01, 0.06],
        sigma=sigma / MBQ,
        absolute_sigma=weighting is Weighting.KNOWN_UNCERTAINTY,
        ftol=1e-14,
        xtol=1e-14,
    )
    scale = np.array([MBQ, MBQ, 1 / H, 1 / H])
    np.testing.assert_allclose(fit.parameters, found * scale, rtol=1e-5)
    np.testing.assert_allclose(fit.covariance, covariance * np.outer(scale, scale), rtol=1e-3)


def test_fit__is_linear_in_activity_and_homogeneous_in_time():
    noisy = [8.0, 7.0, 6.5, 4.0, 3.5, 2.0, 1.0]
    one = model(CurveShape.MONO_EXPONENTIAL).fit(samples(noisy))
    many = model(CurveShape.MONO_EXPONENTIAL).fit(samples(1e9 * np.array(noisy)))
    for name in ("time_integrated_activity_bq_s", "time_integrated_activity_uncertainty_bq_s"):
        assert getattr(many, name) == pytest.approx(1e9 * getattr(one, name), rel=1e-7)
    late = model(CurveShape.MONO_EXPONENTIAL, half_life_s=10 * LU177_S).fit(samples(noisy, 10 * TIMES_S))
    assert late.effective_half_life_s == pytest.approx(10 * one.effective_half_life_s, rel=1e-7)
    assert late.time_integrated_activity_bq_s == pytest.approx(
        10 * one.time_integrated_activity_bq_s, rel=1e-7
    )


@pytest.mark.slow
def test_fit__standard_errors_cover():
    rng, relative, hits, half_lives = np.random.default_rng(3), 0.05, [], []
    times = np.array([4.0, 24.0, 72.0, 168.0]) * H
    true = np.array([5 * MBQ, np.log(2) / (60 * H)])
    clean = shapes.values(CurveShape.MONO_EXPONENTIAL, true, times, LAMBDA)
    for _ in range(150):
        noisy = clean + relative * clean * rng.standard_normal(4)
        fit = model(CurveShape.MONO_EXPONENTIAL).fit(ActivitySamples(times, noisy, MADE, relative * clean))
        error = fit.time_integrated_activity_bq_s - true[0] / true[1]
        hits.append(abs(error) < fit.time_integrated_activity_uncertainty_bq_s)
        half_lives.append(abs(fit.effective_half_life_s - 60 * H) < fit.effective_half_life_uncertainty_s)
    # 68.3 % within one standard error; 150 draws know it to 3.8 %.
    assert np.mean(hits) == pytest.approx(0.683, abs=0.1)
    assert np.mean(half_lives) == pytest.approx(0.683, abs=0.1)


def test_fit__no_rate_is_slower_than_physical_decay():
    rising = samples([1.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    fit = model(CurveShape.MONO_EXPONENTIAL).fit(rising)
    assert fit.at_bound == ("rate_1",)
    assert fit.effective_half_life_s == pytest.approx(LU177_S, rel=1e-12)
    assert fit.effective_half_life_uncertainty_s == 0.0
    assert fit.time_integrated_activity_bq_s == pytest.approx(
        model(CurveShape.PHYSICAL_DECAY).fit(rising).time_integrated_activity_bq_s, rel=1e-9
    )


def test_fit__uptake_that_is_over_at_once_changes_nothing():
    true = np.array([5 * MBQ, RATES[0], 1.0])  # taken up within a second
    found = model(CurveShape.MONO_EXPONENTIAL_UPTAKE).fit(
        samples(shapes.values(CurveShape.MONO_EXPONENTIAL_UPTAKE, true, TIMES_S, LAMBDA))
    )
    assert found.at_bound == ("uptake_rate",)
    # What passes within a hundredth of the time to the first scan cannot be told from at once.
    assert found.time_integrated_activity_bq_s == pytest.approx(true[0] / true[1], rel=2e-4)


def test_fit__a_second_term_that_is_not_there_gets_no_amplitude():
    clean = shapes.values(CurveShape.MONO_EXPONENTIAL, np.array([MBQ, RATES[0]]), TIMES_S, LAMBDA)
    fit = model(CurveShape.BI_EXPONENTIAL).fit(samples(clean))
    assert fit.time_integrated_activity_bq_s == pytest.approx(MBQ / RATES[0], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shape", list(CurveShape))
def test_fit__of_anything_has_decays_and_a_half_life(shape):
    rng = np.random.default_rng(6)
    for _ in range(2):
        n = shape.n_parameters + int(rng.integers(0, 3))
        times = np.sort(rng.uniform(0, 200, n)) * H
        activity = rng.lognormal(0.0, 1.0, n) * MBQ * rng.choice([0.0, 1.0], n, p=[0.15, 0.85])
        activity[0] += MBQ
        for half_life_s in (LU177_S, 6 * H):
            fit = model(shape, half_life_s=half_life_s).fit(
                ActivitySamples(times, activity, MADE, np.full(n, 1e5))
            )
            assert 0 < fit.time_integrated_activity_bq_s < np.inf
            assert 0 < fit.effective_half_life_s <= half_life_s * (1 + 1e-12)
            assert (np.diff([*fit.rates_per_s, fit.uptake_rate_per_s]) >= 0).all()


def test_fit__knows_nuclides_that_do_not_decay():
    clean = shapes.values(CurveShape.MONO_EXPONENTIAL, np.array([MBQ, RATES[0]]), TIMES_S, 0.0)
    fit = model(CurveShape.MONO_EXPONENTIAL, half_life_s=np.inf).fit(samples(clean))
    assert fit.time_integrated_activity_bq_s == pytest.approx(MBQ / RATES[0], rel=1e-9)
    stays = model(CurveShape.MONO_EXPONENTIAL, half_life_s=np.inf).fit(samples(np.full(7, MBQ)))
    assert np.isinf(stays.time_integrated_activity_bq_s)
    assert np.isinf(stays.effective_half_life_s)


def test_fit__without_a_sample_left_over_an_unknown_uncertainty_stays_unknown():
    two = ActivitySamples(TIMES_S[:2], [2.0, 1.0], MADE)
    fit = model(CurveShape.MONO_EXPONENTIAL, Weighting.EQUAL).fit(two)
    assert fit.chi_squared == pytest.approx(0.0, abs=1e-20)
    assert np.isnan(fit.time_integrated_activity_uncertainty_bq_s)
    assert np.isnan(fit.effective_half_life_uncertainty_s)
    assert fit.time_integrated_activity_coefficient_s(2.0) == fit.time_integrated_activity_bq_s / 2.0
    with pytest.raises(InputError, match="administered_bq"):
        fit.time_integrated_activity_coefficient_s(0.0)


def test_fit__refuses_what_cannot_be():
    one = ActivitySamples([H], [1.0], MADE, [0.1])
    with_zero = ActivitySamples([1.0, 2.0], [0.0, 1.0], MADE)
    with pytest.raises(InputError, match="at least 4, the parameters of"):
        model(CurveShape.BI_EXPONENTIAL).fit(one)
    with pytest.raises(InputError, match="zeros only"):
        model(CurveShape.PHYSICAL_DECAY).fit(ActivitySamples([H], [0.0], MADE, [1.0]))
    with pytest.raises(InputError, match="PROPORTIONAL; got a zero"):
        model(CurveShape.PHYSICAL_DECAY, Weighting.PROPORTIONAL).fit(with_zero)
    with pytest.raises(InputError, match="uncertainty_bq must be known"):
        model(CurveShape.PHYSICAL_DECAY).fit(ActivitySamples([H], [1.0], MADE))
    for shape, weighting, half_life_s, message in (
        ("mono", Weighting.EQUAL, 1.0, "shape must be"),
        (CurveShape.MONO_EXPONENTIAL, "equal", 1.0, "weighting must be"),
        (CurveShape.MONO_EXPONENTIAL, Weighting.EQUAL, 0.0, "physical_half_life_s must be > 0"),
        (CurveShape.PHYSICAL_DECAY, Weighting.EQUAL, np.inf, "must be finite"),
    ):
        with pytest.raises(InputError, match=message):
            ExponentialConfig(shape, half_life_s, weighting)
