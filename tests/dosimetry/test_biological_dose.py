import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad

from tumorboard.dosimetry.biological_dose import (
    DoseRate,
    RepairingTissue,
    bed_gy,
    bed_slope,
    eqd2_gy,
    protraction_factor,
)
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.errors import InputError
from tumorboard.provenance import Record

H = 3600.0
HALF_LIVES = st.floats(0.1, 1000.0)


def rate_of(*half_lives_h, amplitudes=None):
    return DoseRate(amplitudes or [1.0] * len(half_lives_h), math.log(2) / (np.array(half_lives_h) * H))


@given(HALF_LIVES, HALF_LIVES)
def test_protraction__of_one_exponential_is_repair_by_repair_plus_clearance(clearance, repair):
    found = protraction_factor(rate_of(clearance), RepairingTissue(3.0, (repair * H,)))
    assert found == pytest.approx(repair / (repair + clearance), rel=1e-12)


@pytest.mark.parametrize(
    ("rate", "repair_h"),
    [
        (rate_of(50.0, 5.0, amplitudes=[2.0, 3.0]), 2.0),
        (rate_of(50.0, 1.0, amplitudes=[1.0, -1.0]), 4.0),  # an uptake phase
    ],
)
def test_protraction__is_the_double_integral(rate, repair_h):
    mu = math.log(2) / (repair_h * H)

    def dose_rate(t):
        return float(rate.amplitudes @ np.exp(-rate.rates_per_s * t))

    # In units of an hour, up to a time when nothing is left.
    area, _ = dblquad(
        lambda s, t: dose_rate(t * H) * dose_rate(s * H) * math.exp(-mu * H * (t - s)),
        0.0,
        700.0,
        0.0,
        lambda t: t,
        epsrel=1e-5,
    )
    dose = float(rate.amplitudes @ (1 / rate.rates_per_s)) / H
    found = protraction_factor(rate, RepairingTissue(3.0, (repair_h * H,)))
    assert found == pytest.approx(2 * area / dose**2, rel=1e-3)


@given(st.lists(st.tuples(st.floats(0.01, 10), HALF_LIVES), min_size=1, max_size=4), HALF_LIVES)
def test_protraction__lies_between_repair_at_once_and_none(terms, repair):
    rate = rate_of(*[h for _, h in terms], amplitudes=[a for a, _ in terms])
    found = protraction_factor(rate, RepairingTissue(3.0, (repair * H,)))
    assert 0.0 < found < 1.0
    assert protraction_factor(rate, RepairingTissue(3.0, (0.0,))) == 0.0
    assert protraction_factor(rate, RepairingTissue(3.0, (math.inf,))) == pytest.approx(1.0, rel=1e-9)
    twice = RepairingTissue(3.0, (repair * H, math.inf), (0.25, 0.75))
    assert protraction_factor(rate, twice) == pytest.approx(0.25 * found + 0.75, rel=1e-9)


def test_dose_rate__of_a_fit_is_that_of_its_curve():
    times = np.array([1.0, 4.0, 24.0, 72.0, 168.0]) * H
    activity = 5e6 * (np.exp2(-times / (60 * H)) - np.exp2(-times / (2 * H)))
    config = ExponentialConfig(CurveShape.MONO_EXPONENTIAL_UPTAKE, 159.5 * H, Weighting.EQUAL)
    fit = ExponentialModel(config).fit(ActivitySamples(times, activity, Record("test.made")))
    rate = DoseRate.of_fit(fit)
    assert rate.amplitudes.sum() == pytest.approx(0.0, abs=1e-3)
    assert rate.mean_time_s == pytest.approx(62 * H / math.log(2), rel=1e-6)


@given(st.floats(0.0, 100.0), st.floats(0.0, 1.0), st.floats(0.5, 20.0))
def test_bed__slope_is_its_derivative_and_eqd2_follows(dose, protraction, ratio):
    known = {"protraction": protraction, "alpha_beta_gy": ratio}
    step = 1e-4
    ends = [float(bed_gy(dose + 1 + s * step, **known)) for s in (1, -1)]
    slope = float(bed_slope(dose + 1, **known))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)
    assert float(eqd2_gy(dose, **known)) == pytest.approx(float(bed_gy(dose, **known)) / (1 + 2 / ratio))
    assert float(bed_gy(dose, **known)) >= dose


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RepairingTissue(0.0, (1.0,)), "alpha_beta_gy"),
        (lambda: RepairingTissue(1.0, (-1.0,)), "repair_half_lives_s"),
        (lambda: RepairingTissue(1.0, (1.0,), (0.5,)), "repair_shares"),
        (lambda: DoseRate([1.0], [1.0, 2.0]), "1-D and alike"),
        (lambda: DoseRate([1.0], [0.0]), "rates_per_s finite and > 0"),
        (lambda: DoseRate([-1.0], [1.0]), "integral of the dose rate"),
        (lambda: bed_gy(-1.0, protraction=0.1, alpha_beta_gy=1.0), "dose_gy"),
        (lambda: bed_gy(1.0, protraction=1.1, alpha_beta_gy=1.0), "protraction"),
        (lambda: bed_gy(1.0, protraction=0.1, alpha_beta_gy=0.0), "alpha_beta_gy"),
    ],
)
def test_biological_dose__refuses_what_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()
