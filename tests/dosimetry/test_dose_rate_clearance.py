import numpy as np
import pytest

from tumorboard.dosimetry.air_kerma_rate import air_kerma_rate_constant
from tumorboard.dosimetry.dose_rate_clearance import (
    DoseRateClearance,
    clearance_of_activity,
    fit_dose_rate_clearance,
    release_time_h,
)
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary

LU177 = air_kerma_rate_constant("Lu-177", library=DecayLibrary.ENDF_B_VIII_1, least_energy_mev=0.02)
TIMES = np.array([0.5, 3.0, 8.0, 24.0, 48.0, 72.0, 120.0, 168.0])


def rates(times):
    return 60.0 * 0.5 ** (times / 6.0) + 40.0 * 0.5 ** (times / 60.0)


def test_fit__finds_two_exponentials_again():
    found = fit_dose_rate_clearance(TIMES, rates(TIMES), 0.02 * rates(TIMES), n_exponentials=2)
    order = np.argsort(found.half_lives_h)
    np.testing.assert_allclose(found.half_lives_h[order], [6.0, 60.0], rtol=1e-5)
    np.testing.assert_allclose(found.dose_rates_usv_h[order], [60.0, 40.0], rtol=1e-5)


def test_fit__tells_the_scatter_of_repeated_fits():
    rng = np.random.default_rng(3)
    clean = 40.0 * 0.5 ** (TIMES / 60.0)
    fits = [
        fit_dose_rate_clearance(
            TIMES, clean * (1 + 0.03 * rng.standard_normal(8)), 0.03 * clean, n_exponentials=1
        )
        for _ in range(300)
    ]
    drawn = np.std([f.dose_rate_usv_h(100.0)[0] for f in fits])
    stated = np.mean([f.dose_rate_usv_h(100.0)[1] for f in fits])
    assert stated == pytest.approx(drawn, rel=0.15)


@pytest.mark.parametrize(
    ("values", "n"),
    [
        (40.0 * 0.5 ** (TIMES / 60.0), 2),
        (np.full(8, 40.0), 1),
        (40.0 * 1.5 ** (TIMES / 60.0), 1),
        (40.0 * 1.5 ** (TIMES / 60.0), 2),
    ],
)
def test_fit__refuses_dose_rates_that_do_not_tell_that_many_exponentials(values, n):
    with pytest.raises(InputError, match="dose_rates_usv_h must fall"):
        fit_dose_rate_clearance(TIMES, values, 0.02 * values, n_exponentials=n)


def test_release__of_one_exponential_is_worked_by_hand():
    # Two half-lives from 100 to 25 uSv/h.
    known = DoseRateClearance(np.array([100.0]), np.array([30.0]), np.zeros((2, 2)))
    assert release_time_h(known, limit_usv_h=25.0, confidence=0.9) == pytest.approx(60.0)
    assert release_time_h(known, limit_usv_h=200.0, confidence=0.9) == 0.0


def test_release__comes_later_with_more_confidence():
    unsure = DoseRateClearance(np.array([100.0]), np.array([30.0]), np.diag([100.0, 9.0]))
    even, sure = (release_time_h(unsure, limit_usv_h=25.0, confidence=c) for c in (0.5, 0.95))
    assert even == pytest.approx(60.0)
    mean, spread = unsure.dose_rate_usv_h(sure)
    assert sure > even
    assert mean + 1.6448536 * spread == pytest.approx(25.0, rel=1e-6)


def test_release__is_refused_where_half_lives_are_not_known():
    vague = DoseRateClearance(np.array([100.0]), np.array([30.0]), np.diag([1.0, 900.0]))
    with pytest.raises(InputError, match="measure longer or ask for less"):
        release_time_h(vague, limit_usv_h=25.0, confidence=0.95)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 24], [8, 4], [1, 1], 2), "4 or more numbers"),
        (([24, 0], [8, 4], [1, 1], 1), "ascend"),
        (([0, 24], [8, 0], [1, 1], 1), r"dose_rates_usv_h .* \[uSv/h\]"),
        (([0, 24], [8, 4], [1, 0], 1), r"uncertainties_usv_h .* \[uSv/h\]"),
        (([0, 24], [8, 4], [1, 1], 3), "must be 1 or 2"),
    ],
)
def test_fit__rejects_what_it_cannot_fit(arguments, message):
    *values, n = arguments
    with pytest.raises(InputError, match=message):
        fit_dose_rate_clearance(*values, n_exponentials=n)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (([0.0], [30.0], np.zeros((2, 2))), "dose_rates_usv_h"),
        (([1.0], [-30.0], np.zeros((2, 2))), "half_lives_h"),
        (([1.0], [30.0], np.zeros((1, 1))), r"shape \(2, 2\)"),
        (([1.0], [30.0], np.array([[1.0, 2.0], [0.0, 1.0]])), "symmetric"),
    ],
)
def test_clearance__rejects_what_cannot_be(values, message):
    with pytest.raises(InputError, match=message):
        DoseRateClearance(np.array(values[0]), np.array(values[1]), values[2])


def test_activity__becomes_dose_rate_with_the_uncertainty_of_both():
    gbq = DoseRateClearance(np.array([5.0, 2.0]), np.array([3.0, 60.0]), np.diag([0.09, 0.01, 0.0, 4.0]))
    found = clearance_of_activity(gbq, LU177, usv_per_ugy=0.9)
    factor = 0.9 * LU177.ugy_m2_gbq_h
    mean, spread = found.dose_rate_usv_h(0.0)
    assert mean == pytest.approx(7.0 * factor)
    yields = LU177.uncertainty_ugy_m2_gbq_h / LU177.ugy_m2_gbq_h
    assert spread == pytest.approx(factor * np.hypot(np.sqrt(0.1), 7.0 * yields))
    np.testing.assert_array_equal(found.half_lives_h, gbq.half_lives_h)


def test_activity__of_lu177_gives_what_was_measured_of_patients_within_its_spread():
    # Bellamy 2022: 0.0037 mSv/h per GBq at 1 m on average, 95 % from 0.0024 to 0.0058.
    one = DoseRateClearance(np.ones(1), np.array([60.0]), np.zeros((2, 2)))
    mean, _ = clearance_of_activity(one, LU177, usv_per_ugy=1.0).dose_rate_usv_h(0.0)
    assert 2.4 < mean < 5.8


def test_activity__rejects_a_coefficient_that_cannot_be():
    one = DoseRateClearance(np.ones(1), np.array([60.0]), np.zeros((2, 2)))
    with pytest.raises(InputError, match="usv_per_ugy"):
        clearance_of_activity(one, LU177, usv_per_ugy=0.0)
