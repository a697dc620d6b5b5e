import numpy as np
import pytest

from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_trapezoid import Beginning, Tail, TrapezoidConfig, TrapezoidModel
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
MEAN_LIFE_S = LU177_S / np.log(2)


def integral(times, activity, beginning=Beginning.CONSTANT, tail=Tail.PHYSICAL_DECAY, sigma=None):
    return TrapezoidModel(TrapezoidConfig(LU177_S, beginning, tail)).fit(
        ActivitySamples(times, activity, MADE, sigma)
    )


@pytest.mark.parametrize("tail", list(Tail))
def test_fit__of_dense_samples_is_the_integral(tail):
    times = np.linspace(H, 300 * H, 3000)
    found = integral(times, 7e6 * np.exp2(-times / LU177_S), Beginning.PHYSICAL_DECAY, tail)
    assert found.time_integrated_activity_bq_s == pytest.approx(7e6 * MEAN_LIFE_S, rel=1e-6)
    assert found.extrapolated_fraction == pytest.approx(np.exp2(-300 / 159.5), rel=1e-5)


def test_fit__of_one_sample_is_beginning_and_tail():
    found = {b: integral([H], [2.0], b).parts_bq_s for b in Beginning}
    np.testing.assert_allclose(found[Beginning.FROM_ZERO], [H, 0.0, 2 * MEAN_LIFE_S])
    np.testing.assert_allclose(found[Beginning.CONSTANT], [2 * H, 0.0, 2 * MEAN_LIFE_S])
    total = found[Beginning.PHYSICAL_DECAY].sum()
    assert total == pytest.approx(2 * 2 ** (H / LU177_S) * MEAN_LIFE_S)


@pytest.mark.parametrize("tail", list(Tail))
@pytest.mark.parametrize("beginning", list(Beginning))
def test_fit__carries_uncertainty_as_differences_do(beginning, tail):
    times, activity = np.array([4.0, 24.0, 96.0]) * H, np.array([8.0, 6.0, 2.0])
    sigma = np.array([0.5, 0.3, 0.1])
    slopes = []
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-6
        ends = [
            integral(times, activity + s * step, beginning, tail).time_integrated_activity_bq_s
            for s in (1, -1)
        ]
        slopes.append((ends[0] - ends[1]) / 2e-6)
    found = integral(times, activity, beginning, tail, sigma).time_integrated_activity_uncertainty_bq_s
    assert found == pytest.approx(np.linalg.norm(slopes * sigma), rel=1e-6)
    assert np.isnan(integral(times, activity).time_integrated_activity_uncertainty_bq_s)


def test_fit__refuses_what_cannot_be():
    with pytest.raises(InputError, match=r"at the last two times for Tail.LAST_TWO"):
        integral([H], [1.0], tail=Tail.LAST_TWO)
    with pytest.raises(InputError, match=r"at the last two times for Tail.LAST_TWO"):
        integral([H, 2 * H], [1.0, 0.0], tail=Tail.LAST_TWO)
    with pytest.raises(InputError, match="fall at least as fast"):
        integral([H, 2 * H], [1.0, 1.0], tail=Tail.LAST_TWO)
    with pytest.raises(InputError, match="zeros only"):
        integral([H], [0.0])
    with pytest.raises(InputError, match="physical_half_life_s"):
        TrapezoidConfig(np.inf, Beginning.CONSTANT, Tail.PHYSICAL_DECAY)
    with pytest.raises(InputError, match="beginning and tail"):
        TrapezoidConfig(1.0, "constant", Tail.PHYSICAL_DECAY)
