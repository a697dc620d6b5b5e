import numpy as np
import pytest
from kinetic_curves import END_S, START_S, curves, noisy, one_tissue, reference_tissue, tissue

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    SRTM,
    SRTM2,
    CoupledK2Prime,
    FitFlag,
    FrameModel,
    GivenK2Prime,
    ReferenceInterpolation,
    Weighting,
)

VALUES = tissue(one_tissue(0.3, 0.1))
REFERENCE = curves(VALUES)
PRESERVING = ReferenceInterpolation.AVERAGE_PRESERVING
#: R1, k2, BPND of three regions with one k2' of 0.1/min.
REGIONS = ((1.2, 0.12, 1.5), (0.9, 0.09, 0.4), (1.0, 0.1, 3.0))


def choices(frame_model=FrameModel.FRAME_AVERAGE, interpolation=PRESERVING):
    return {
        "frame_model": frame_model,
        "weighting": Weighting.DURATION,
        "interpolation": interpolation,
        "k2a_range_per_min": (0.002, 1.0),
    }


def regions(frame_model=FrameModel.FRAME_AVERAGE, interpolation=PRESERVING):
    return np.stack([reference_tissue(VALUES, *p, interpolation, frame_model) for p in REGIONS])


def found(fit, *names):
    return [fit.parameters[name].value for name in names]


@pytest.mark.parametrize("frame_model", FrameModel)
@pytest.mark.parametrize("interpolation", ReferenceInterpolation)
def test_srtm__is_exact_for_the_interpolation_stated(frame_model, interpolation):
    fits = SRTM(**choices(frame_model, interpolation)).fit(
        curves(regions(frame_model, interpolation)), REFERENCE
    )
    for fit, truth in zip(fits, REGIONS, strict=True):
        assert found(fit, "R1", "k2", "BPND", "k2'") == pytest.approx([*truth, 0.1], rel=1e-6)
        assert fit.flags == ()


@pytest.mark.parametrize("interpolation", ReferenceInterpolation)
def test_srtm__interpolation_costs_little_for_real_frames(interpolation):
    (fit,) = SRTM(**choices(interpolation=interpolation)).fit(
        curves(tissue(one_tissue(0.36, 0.048))), REFERENCE
    )
    assert found(fit, "R1", "BPND") == pytest.approx([1.2, 1.5], rel=5e-3)


def test_srtm__reference_against_itself_binds_nothing():
    (fit,) = SRTM(**choices()).fit(REFERENCE, REFERENCE)
    assert found(fit, "R1", "BPND") == pytest.approx([1.0, 0.0], abs=1e-9)


def test_srtm__scale_of_both_curves_does_not_matter():
    noise = noisy(regions()[0], 0.01, 1, 2)
    (one,) = SRTM(**choices()).fit(curves(noise), REFERENCE)
    (two,) = SRTM(**choices()).fit(curves(9.0 * noise), curves(9.0 * VALUES))
    assert found(two, "R1", "BPND") == pytest.approx(found(one, "R1", "BPND"), rel=1e-9)


def test_srtm__rate_beyond_the_range_is_flagged():
    narrow = {**choices(), "k2a_range_per_min": (0.2, 1.0)}
    (fit,) = SRTM(**narrow).fit(curves(regions()[0]), REFERENCE)
    assert FitFlag.AT_BOUND in fit.flags
    assert found(fit, "k2a") == pytest.approx([0.2])


def test_srtm__is_the_least_sum_of_squares_there_is():
    noise = noisy(regions()[0], 0.02, 1, 4)[0]
    (fit,) = SRTM(**choices()).fit(curves(noise), REFERENCE)
    r1, k2, bpnd = found(fit, "R1", "k2", "BPND")
    for scale in ((1.001, 1, 1), (1, 1.001, 1), (1, 1, 1.001), (0.999, 1, 1), (1, 0.999, 1), (1, 1, 0.999)):
        nearby = reference_tissue(VALUES, r1 * scale[0], k2 * scale[1], bpnd * scale[2], PRESERVING)
        assert fit.weights @ (noise - nearby) ** 2 > fit.residual_sum


def check_errors(fits, names):
    for name in names:
        scatter = np.std([f.parameters[name].value for f in fits], ddof=1)
        stated = np.sqrt(np.mean([f.parameters[name].standard_error ** 2 for f in fits]))
        assert stated == pytest.approx(scatter, rel=0.15), name


@pytest.mark.slow
def test_srtm__errors_are_the_scatter():
    fits = SRTM(**choices()).fit(curves(noisy(regions()[0], 0.02, 300, 6)), REFERENCE)
    check_errors(fits, ("BPND", "R1", "k2", "k2a", "k2'"))


@pytest.mark.slow
def test_srtm2__errors_with_a_given_k2_prime_are_the_scatter():
    model = SRTM2(k2_prime=GivenK2Prime(0.1), **choices())
    check_errors(model.fit(curves(noisy(regions()[0], 0.02, 300, 6)), REFERENCE), ("BPND", "R1", "k2a"))


@pytest.mark.slow
def test_srtm2__errors_with_a_coupled_k2_prime_are_the_scatter():
    # 60 fits tell the scatter to a tenth, so that two and a half times that is allowed.
    model = SRTM2(k2_prime=CoupledK2Prime(0.02, 0.5), **choices())
    spread = 0.02 * regions().max() * np.sqrt(60.0 / (END_S - START_S))
    rng = np.random.default_rng(11)
    noise = rng.normal(size=(60, 3, len(spread))) * spread
    fits = [model.fit(curves(regions() + one), REFERENCE) for one in noise]
    for k in range(3):
        for name in ("BPND", "k2'"):
            scatter = np.std([f[k].parameters[name].value for f in fits], ddof=1)
            stated = np.sqrt(np.mean([f[k].parameters[name].standard_error ** 2 for f in fits]))
            assert stated == pytest.approx(scatter, rel=0.25), (k, name)


@pytest.mark.parametrize("k2_prime", [GivenK2Prime(0.1), CoupledK2Prime(0.02, 0.5)])
def test_srtm2__is_exact_for_the_interpolation_stated(k2_prime):
    fits = SRTM2(k2_prime=k2_prime, **choices()).fit(curves(regions()), REFERENCE)
    for fit, truth in zip(fits, REGIONS, strict=True):
        assert found(fit, "R1", "k2", "BPND", "k2'") == pytest.approx([*truth, 0.1], rel=1e-6)


def test_srtm2__reference_against_itself_binds_nothing():
    (fit,) = SRTM2(k2_prime=GivenK2Prime(0.1), **choices()).fit(REFERENCE, REFERENCE)
    assert found(fit, "R1", "BPND") == pytest.approx([1.0, 0.0], abs=1e-9)


def test_srtm2__a_k2_prime_at_the_end_of_its_range_is_flagged():
    model = SRTM2(k2_prime=CoupledK2Prime(0.2, 0.5), **choices())
    assert all(FitFlag.AT_BOUND in fit.flags for fit in model.fit(curves(regions()), REFERENCE))


def test_srtm__bad_ranges_are_an_error():
    with pytest.raises(InputError, match="k2a_range_per_min must be 0 < lowest < highest"):
        SRTM(**{**choices(), "k2a_range_per_min": (0.0, 1.0)})
    with pytest.raises(InputError, match="range of k2' must be"):
        CoupledK2Prime(0.5, 0.1)
