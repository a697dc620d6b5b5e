import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.immunotherapy.binding.percentile import percentiles, score_quantiles

PERCENTS = np.array([0.1, 1.0, 10.0, 100.0])


def test_percentiles__stored_scores_have_their_shares():
    scores = np.random.default_rng(3).normal(size=5000)
    quantiles = score_quantiles(scores, PERCENTS)
    np.testing.assert_allclose(percentiles(quantiles, quantiles, PERCENTS), PERCENTS, rtol=1e-9)
    for share, value in zip(PERCENTS, quantiles, strict=True):
        assert abs((scores >= value).mean() * 100 - share) < 0.1


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=20))
def test_percentiles__fall_as_scores_rise(values):
    ordered = np.sort(np.array(values))
    found = percentiles(ordered, np.array([3.0, 3.0, -1.0, -8.0]), PERCENTS)
    assert (np.diff(found) <= 0).all()
    assert found.min() >= 0.1
    assert found.max() <= 100.0
