"""MRTM1, MRTM2 and reference Logan, whose points are made of the same integrals."""

import numpy as np
import pytest
from kinetic_curves import DURATION_S, curves, noisy, one_tissue, tissue

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    MRTM1,
    MRTM2,
    AllFrames,
    FrameModel,
    LastFrames,
    PointWeights,
    ReferenceLogan,
    Weighting,
)
from tumorboard.provenance import Record

# One compartment each with the same plasma: VT/VND - 1 = 1.5, k2' = 0.1/min.
REFERENCE = curves(tissue(one_tissue(0.3, 0.1)))
TARGET = tissue(one_tissue(0.36, 0.048))
TRUTH = {"BPND": 1.5, "R1": 1.2, "k2": 0.12, "k2a": 0.048, "k2'": 0.1}
CHOICES = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}
MODELS = {
    "MRTM1": MRTM1(t_star=AllFrames(), **CHOICES),
    "MRTM2": MRTM2(t_star=AllFrames(), k2_prime_per_min=0.1, **CHOICES),
    "reference Logan": ReferenceLogan(
        t_star=LastFrames(12), k2_prime_per_min=0.1, point_weights=PointWeights.PROPAGATED, **CHOICES
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_reference_models__recover_one_compartment(name):
    (fit,) = MODELS[name].fit(curves(TARGET), REFERENCE)
    assert fit.model == name
    for parameter, value in TRUTH.items():
        if parameter in fit.parameters:
            assert fit.parameters[parameter].value == pytest.approx(value, rel=5e-3), parameter
    assert fit.flags == ()


@pytest.mark.parametrize("name", ["MRTM2", "reference Logan"])
def test_reference_models__reference_against_itself_binds_nothing(name):
    (fit,) = MODELS[name].fit(REFERENCE, REFERENCE)
    assert fit.parameters["BPND"].value == pytest.approx(0.0, abs=1e-12)
    assert fit.parameters.get("R1", fit.parameters.get("DVR")).value == pytest.approx(1.0, rel=1e-12)


def test_mrtm1__reference_against_itself_is_flagged():
    # Three coefficients of two equal curves have no unique answer.
    (fit,) = MODELS["MRTM1"].fit(REFERENCE, REFERENCE)
    assert "ILL_CONDITIONED" in [flag.name for flag in fit.flags]


@pytest.mark.parametrize("name", MODELS)
def test_reference_models__scale_of_both_curves_does_not_matter(name):
    (one,) = MODELS[name].fit(curves(TARGET), REFERENCE)
    (two,) = MODELS[name].fit(curves(7.0 * TARGET), curves(7.0 * REFERENCE.concentration_bq_ml))
    assert two.parameters["BPND"].value == pytest.approx(one.parameters["BPND"].value, rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_reference_models__errors_are_the_scatter(name):
    fits = MODELS[name].fit(curves(noisy(TARGET, 0.02, 400, 7)), REFERENCE)
    for parameter in {"BPND", "R1", "k2'"} & set(fits[0].parameters):
        scatter = np.std([f.parameters[parameter].value for f in fits], ddof=1)
        stated = np.sqrt(np.mean([f.parameters[parameter].standard_error ** 2 for f in fits]))
        assert stated == pytest.approx(scatter, rel=0.15), parameter


def test_reference_logan__without_k2_prime_needs_a_constant_ratio():
    late = {**CHOICES, "point_weights": PointWeights.FRAME, "k2_prime_per_min": None}
    (fit,) = ReferenceLogan(t_star=LastFrames(5), **late).fit(curves(TARGET), REFERENCE)
    assert fit.parameters["BPND"].value == pytest.approx(1.5, rel=0.1)
    assert fit.parameters["BPND"].value == fit.parameters["DVR"].value - 1.0


def test_reference_models__bad_input_is_an_error():
    two = curves(np.stack([TARGET, TARGET]))
    model = MODELS["MRTM1"]
    with pytest.raises(InputError, match="reference must hold one region; got 0, 1"):
        model.fit(curves(TARGET), two)
    with pytest.raises(InputError, match="must have the frames of the curves"):
        model.fit(
            curves(TARGET), TissueCurves(("r",), [0.0, 60.0], [60.0, 60.0], [[1.0, 2.0]], None, Record("t"))
        )
    with pytest.raises(InputError, match="curve of '0' must change"):
        model.fit(curves(TARGET), curves(np.ones(len(DURATION_S))))
    with pytest.raises(InputError, match=r"k2_prime_per_min must be finite and > 0 \[1/min\]; got 0"):
        MRTM2(t_star=AllFrames(), k2_prime_per_min=0.0, **CHOICES)
