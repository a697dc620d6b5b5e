import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples, DecayConvention, activity_as_if_at
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.dosimetry.time_activity_voxels import VoxelFitConfig, VoxelModel, VoxelNoise, VoxelOutcome
from tumorboard.errors import GridMismatch, InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
H = 3600.0
LU177_S = 159.5 * H
TIMES_S = np.array([4.0, 24.0, 72.0, 168.0]) * H
AS_SCANNED = DecayConvention.AS_SCANNED
NOISE = VoxelNoise(10.0, 0.05, estimated=False)
SHAPE = (3, 10, 20)


def images(values, spacing=(4.0, 4.0, 4.0), quantity=Quantity.ACTIVITY_CONCENTRATION):
    """One image for each time, of values of shape (n_times, ...)."""
    grid = Grid(values.shape[1:], spacing, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    return [Image(v, grid, quantity, MADE) for v in values]


def config(noise=NOISE, most=0.5, fallback=LU177_S, fallback_relative=0.0):
    return VoxelFitConfig(LU177_S, noise, most, fallback, fallback_relative)


def fit(values, made=None, times=TIMES_S, **more):
    known = {"times_s": times, "convention": AS_SCANNED, "reference_s": 0.0}
    return VoxelModel(made or config()).fit(images(values), **(known | more))


def truth(seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    amplitude, half_life = rng.uniform(1e4, 1e5, shape), rng.uniform(20, 120, shape) * H
    decays = amplitude * half_life / np.log(2)
    return amplitude, half_life, decays, amplitude * np.exp2(-TIMES_S[:, None, None, None] / half_life)


def test_fit__is_exact_without_noise():
    _, half_life, decays, values = truth()
    found = fit(values)
    assert found.count(VoxelOutcome.FITTED) == values[0].size
    np.testing.assert_allclose(found.effective_half_life_s, half_life, rtol=1e-9)
    np.testing.assert_allclose(found.time_integrated_activity_bq_s_ml, decays, rtol=1e-9)
    np.testing.assert_allclose(found.decays.decays, 0.064 * decays, rtol=1e-9)


@pytest.mark.parametrize("estimated", [False, True])
def test_fit__agrees_with_the_fit_of_a_region(estimated):
    *_, values = truth(shape=(1, 1, 30))
    values = values * np.random.default_rng(1).normal(1.0, 0.05, values.shape)
    # The same weights mean the same minimum: relative only here would give zeros infinite weight.
    noise = VoxelNoise(1e3, 0.0, estimated)
    found = fit(values, config(noise, most=1e9))
    weighting = Weighting.EQUAL if estimated else Weighting.KNOWN_UNCERTAINTY
    model = ExponentialModel(ExponentialConfig(CurveShape.MONO_EXPONENTIAL, LU177_S, weighting))
    for i in range(30):
        region = model.fit(ActivitySamples(TIMES_S, values[:, 0, 0, i], MADE, np.full(4, 1e3)))
        for ours, theirs in (
            ("time_integrated_activity_bq_s_ml", "time_integrated_activity_bq_s"),
            ("time_integrated_activity_uncertainty_bq_s_ml", "time_integrated_activity_uncertainty_bq_s"),
            ("effective_half_life_s", "effective_half_life_s"),
            ("effective_half_life_uncertainty_s", "effective_half_life_uncertainty_s"),
        ):
            assert getattr(found, ours)[0, 0, i] == pytest.approx(getattr(region, theirs), rel=1e-5)


def test_fit__does_not_depend_on_threads():
    values = truth()[3] * np.random.default_rng(1).normal(1.0, 0.2, (4, *SHAPE)).clip(0)
    one, three = fit(values, threads=1), fit(values, threads=3)
    for name in ("time_integrated_activity_bq_s_ml", "effective_half_life_uncertainty_s", "outcome"):
        assert np.array_equal(getattr(one, name), getattr(three, name))


def test_fit__standard_errors_cover():
    _, half_life, decays, values = truth(shape=(10, 20, 20))
    found = fit(values * np.random.default_rng(5).normal(1.0, 0.05, values.shape))
    inside = abs(found.time_integrated_activity_bq_s_ml - decays)
    assert np.mean(inside < found.time_integrated_activity_uncertainty_bq_s_ml) == pytest.approx(
        0.683, abs=0.03
    )
    fitted = found.outcome == VoxelOutcome.FITTED
    inside = abs(found.effective_half_life_s - half_life) < found.effective_half_life_uncertainty_s
    assert np.mean(inside[fitted]) == pytest.approx(0.683, abs=0.03)


def test_fit__says_how_each_half_life_came_about():
    flat, empty, once = np.full(4, 9.0), np.zeros(4), np.array([0.0, 0.0, 5.0, 0.0])
    gone = np.array([100.0, 1e-300, 0.0, 0.0])
    noisy = 30.0 * np.exp2(-TIMES_S / (140 * H))
    found = fit(
        np.stack([flat, empty, once, gone, noisy], axis=1)[:, None, None, :],
        config(VoxelNoise(10.0, 0.0, False), most=0.3, fallback=50 * H, fallback_relative=0.2),
    )
    assert [VoxelOutcome(o).name for o in found.outcome.ravel()] == [
        "AT_PHYSICAL",
        "EMPTY",
        "FALLBACK",
        "FALLBACK",
        "FALLBACK",
    ]
    half_lives = found.effective_half_life_s.ravel() / H
    np.testing.assert_allclose(half_lives, [159.5, 0.0, 50.0, 50.0, 50.0])
    np.testing.assert_allclose(found.effective_half_life_uncertainty_s.ravel() / H, [0, 0, 10, 10, 10])
    assert found.time_integrated_activity_bq_s_ml[0, 0, 1] == 0.0
    assert (found.time_integrated_activity_uncertainty_bq_s_ml.ravel()[2:] > 0).all()


def test_fit__undoes_decay_correction_knowingly():
    *_, decays, values = truth()
    stored = activity_as_if_at(
        values, times_s=TIMES_S[:, None, None, None], half_life_s=LU177_S, reference_s=0.0
    )
    found = fit(stored, convention=DecayConvention.CORRECTED_TO_REFERENCE)
    np.testing.assert_allclose(found.time_integrated_activity_bq_s_ml, decays, rtol=1e-9)


def test_fit__is_linear_in_activity():
    values = truth()[3] * np.random.default_rng(1).normal(1.0, 0.1, (4, *SHAPE)).clip(0)
    one, many = fit(values), fit(1e3 * values, config(VoxelNoise(1e4, 0.05, False)))
    ratio = many.time_integrated_activity_bq_s_ml / one.time_integrated_activity_bq_s_ml
    np.testing.assert_allclose(ratio, 1e3, rtol=1e-6)


def test_fit__refuses_what_cannot_be():
    *_, values = truth(shape=(1, 1, 2))
    with pytest.raises(InputError, match="sort them"):
        fit(values, times=TIMES_S[::-1])
    with pytest.raises(InputError, match="two or more"):
        fit(values[:1], times=TIMES_S[:1])
    with pytest.raises(InputError, match="three or more where noise is estimated"):
        fit(values[:2], config(VoxelNoise(1.0, 0.0, True)), times=TIMES_S[:2])
    with pytest.raises(InputError, match="finite and >= 0"):
        fit(-values)
    known = {"times_s": TIMES_S, "convention": AS_SCANNED, "reference_s": 0.0}
    with pytest.raises(InputError, match="ACTIVITY_CONCENTRATION"):
        VoxelModel(config()).fit(images(values, quantity=Quantity.COUNTS), **known)
    mixed = [*images(values)[:3], images(values, spacing=(1.0, 1.0, 1.0))[3]]
    with pytest.raises(GridMismatch):
        VoxelModel(config()).fit(mixed, **known)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VoxelNoise(0.0, 0.1, False), "floor_bq_ml"),
        (lambda: VoxelNoise(1.0, -0.1, False), "relative"),
        (lambda: VoxelFitConfig(np.inf, NOISE, 0.5, 1.0, 0.0), "physical_half_life_s"),
        (lambda: VoxelFitConfig(1.0, NOISE, 0.5, 2.0, 0.0), "fallback_half_life_s"),
        (lambda: VoxelFitConfig(1.0, NOISE, 0.0, 1.0, 0.0), "most_relative_uncertainty"),
        (lambda: VoxelFitConfig(1.0, NOISE, 0.5, 1.0, -1.0), "fallback_relative_uncertainty"),
    ],
)
def test_configuration__refuses_what_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()
