import numpy as np
import pytest

from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_selection import aicc, choose_by_aicc
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
TIMES_S = np.array([1.0, 4.0, 12.0, 24.0, 48.0, 72.0, 120.0, 168.0]) * H
SHAPES = [CurveShape.PHYSICAL_DECAY, CurveShape.MONO_EXPONENTIAL, CurveShape.BI_EXPONENTIAL]


def configs(weighting, shapes=SHAPES):
    return [ExponentialConfig(shape, LU177_S, weighting) for shape in shapes]


def bi_exponential(times=TIMES_S):
    return 5e6 * np.exp2(-times / (80 * H)) + 8e6 * np.exp2(-times / (4 * H))


def mono_exponential(times=TIMES_S):
    return 5e6 * np.exp2(-times / (60 * H))


@pytest.mark.parametrize("weighting", list(Weighting))
@pytest.mark.parametrize(
    ("made", "shape"),
    [(mono_exponential, CurveShape.MONO_EXPONENTIAL), (bi_exponential, CurveShape.BI_EXPONENTIAL)],
)
def test_choose__finds_the_curve_that_made_the_samples(weighting, made, shape):
    clean, noise = made(), 0.03 * np.random.default_rng(2).standard_normal(TIMES_S.size)
    samples = ActivitySamples(TIMES_S, clean * (1 + noise), MADE, 0.03 * clean)
    choice = choose_by_aicc(configs(weighting), samples)
    assert choice.best.config.shape is shape
    assert choice.weights.sum() == pytest.approx(1.0)
    assert choice.aicc.argmin() == SHAPES.index(shape)
    truth = choice.best.time_integrated_activity_bq_s
    assert choice.averaged_time_integrated_activity_bq_s == pytest.approx(truth, rel=0.03)
    assert choice.averaged_uncertainty_bq_s >= 0.9 * choice.best.time_integrated_activity_uncertainty_bq_s


def test_aicc__is_the_formula():
    clean = mono_exponential()
    samples = ActivitySamples(TIMES_S, clean * np.linspace(0.97, 1.04, 8), MADE, 0.05 * clean)
    known, equal = (
        ExponentialModel(ExponentialConfig(CurveShape.MONO_EXPONENTIAL, LU177_S, w)).fit(samples)
        for w in (Weighting.KNOWN_UNCERTAINTY, Weighting.EQUAL)
    )
    assert aicc(known) == pytest.approx(known.chi_squared + 4 + 12 / 5)
    assert aicc(equal) == pytest.approx(8 * np.log(equal.chi_squared / 8) + 6 + 24 / 4)


def test_choose__says_for_which_shapes_the_criterion_is_not_defined():
    four = ActivitySamples(TIMES_S[:4], mono_exponential(TIMES_S[:4]), MADE, np.full(4, 1e5))
    with pytest.raises(InputError, match=r"got 4, while CurveShape.BI_EXPONENTIAL with .* 6 are needed"):
        choose_by_aicc(configs(Weighting.KNOWN_UNCERTAINTY), four)
    # With an unknown uncertainty, one parameter more, four samples cannot even choose a mono-exponential.
    with pytest.raises(InputError, match=r"MONO_EXPONENTIAL with Weighting.EQUAL 5, CurveShape.BI"):
        choose_by_aicc(configs(Weighting.EQUAL), four)
    chosen = choose_by_aicc(configs(Weighting.KNOWN_UNCERTAINTY, SHAPES[:2]), four)
    assert chosen.best.config.shape is CurveShape.MONO_EXPONENTIAL
    fit = ExponentialModel(configs(Weighting.EQUAL)[1]).fit(four)
    with pytest.raises(InputError, match="AICc"):
        aicc(fit)


def test_choose__compares_only_what_can_be_compared():
    samples = ActivitySamples(TIMES_S, mono_exponential(), MADE, np.full(8, 1e5))
    mixed = [configs(Weighting.EQUAL)[0], configs(Weighting.KNOWN_UNCERTAINTY)[1]]
    for candidates in (mixed, mixed[:1]):
        with pytest.raises(InputError, match="candidates must be two or more"):
            choose_by_aicc(candidates, samples)
