import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.proton.optimisation import RobustMethod, Robustness
from tumorboard.proton.optimisation.robustness import worst_tail

VALUES = st.lists(st.floats(0.01, 100), min_size=2, max_size=9).map(np.array)


@settings(deadline=None, max_examples=100)
@given(values=VALUES, smoothing=st.floats(1e-3, 0.5), tail=st.floats(0.15, 1.0))
def test_worst_tail__is_within_its_smoothing_of_the_true_one(values, smoothing, tail):
    n = len(values)
    p = np.full(n, 1 / n)
    caps = p / tail
    found, gradient = worst_tail(values, p, caps, smoothing)
    order, left, true = np.argsort(-values), 1.0, 0.0
    for i in order:  # fill up the worst ones to their caps
        share = min(caps[i], left)
        true, left = true + share * values[i], left - share
    assert true - 0.5 * smoothing * values.mean() - 1e-9 * true <= found <= true * (1 + 1e-9)
    assert gradient @ values == pytest.approx(found, rel=1e-9)  # it scales with the values


@settings(deadline=None, max_examples=50)
@given(values=VALUES, smoothing=st.floats(1e-2, 0.5))
def test_worst_tail__gradient_agrees_with_finite_differences(values, smoothing):
    n = len(values)
    p = np.full(n, 1 / n)
    along = np.random.default_rng(n).standard_normal(n)
    step = 1e-6 * values.mean()
    ends = [worst_tail(values + s * along, p, np.ones(n), smoothing) for s in (-step, step)]
    slope = worst_tail(values, p, np.ones(n), smoothing)[1] @ along
    # Piecewise quadratic: the slope between two points lies between their slopes.
    low, high = sorted(g @ along for _, g in ends)
    assert low - 1e-5 <= (ends[1][0] - ends[0][0]) / (2 * step) <= high + 1e-5
    assert low - 1e-9 <= slope <= high + 1e-9


def test_combine__has_its_limits():
    values, p = np.array([1.0, 5.0, 3.0]), np.full(3, 1 / 3)
    sharp = 1e-6
    expected = Robustness(RobustMethod.EXPECTED).combine(values, p)
    assert expected[0] == pytest.approx(3.0)
    worst = Robustness(RobustMethod.COMPOSITE_WORST, smoothing=sharp).combine(values, p)
    assert worst[0] == pytest.approx(5.0, rel=1e-5)
    np.testing.assert_allclose(worst[1], [0, 1, 0], atol=1e-5)
    whole = Robustness(RobustMethod.CVAR, tail=1.0, smoothing=sharp).combine(values, p)
    assert whole[0] == pytest.approx(3.0)
    half = Robustness(RobustMethod.CVAR, tail=0.5, smoothing=sharp).combine(values, p)
    assert half[0] == pytest.approx((5 / 3 + 3 / 6) / 0.5, rel=1e-5)
    assert worst_tail(np.zeros(3), p, np.ones(3), 0.1)[0] == 0.0


def test_robustness__says_what_is_wrong():
    with pytest.raises(InputError, match=r"tail must be > 0 and <= 1 for CVAR; got None"):
        Robustness(RobustMethod.CVAR)
    with pytest.raises(InputError, match=r"tail must be given for CVAR only"):
        Robustness(RobustMethod.EXPECTED, tail=0.5)
    with pytest.raises(InputError, match=r"smoothing must be > 0"):
        Robustness(RobustMethod.EXPECTED, smoothing=0.0)
