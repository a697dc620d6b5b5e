"""What carries the noise of frames into parameters: weights, covariance, functions of coefficients."""

import numpy as np
import pytest

from tumorboard.pet.kinetics.derived_parameters import derive, parameter_flags
from tumorboard.pet.kinetics.fit import FitFlag, FrameModel, KineticParameter
from tumorboard.pet.kinetics.least_squares import weighted_least_squares
from tumorboard.pet.kinetics.logan import logan_noise, logan_points
from tumorboard.pet.kinetics.point_weights import PointWeights, logan_point_weights
from tumorboard.pet.kinetics.propagated_error import frame_operators, propagated_covariance
from tumorboard.pet.kinetics.repeated_integrals import measured_terms

DURATION = np.array([10.0, 20.0, 30.0, 60.0, 60.0])
END = np.cumsum(DURATION)
CURVE = np.array([2.0, 7.0, 9.0, 6.0, 5.0])


def integral(curve):
    return measured_terms(curve[None], END - DURATION, END, FrameModel.FRAME_AVERAGE).integral[0]


def test_frame_operators__make_the_terms():
    operators = frame_operators(END - DURATION, END, FrameModel.MID_FRAME)
    terms = measured_terms(CURVE[None], END - DURATION, END, FrameModel.MID_FRAME)
    assert operators.integral @ CURVE == pytest.approx(terms.integral[0])
    assert operators.double_integral @ CURVE == pytest.approx(terms.double_integral[0])


def test_logan_point_weights__are_the_variance_of_the_ordinate():
    weights = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    found = logan_point_weights(
        CURVE[None], integral(CURVE)[None], DURATION, weights, PointWeights.PROPAGATED
    )
    slopes = np.zeros((5, 5))
    for k in range(5):
        step = np.zeros(5)
        step[k] = 1e-6
        up, down = (integral(CURVE + s) / (CURVE + s) for s in (step, -step))
        slopes[:, k] = (up - down) / 2e-6
    variance = (slopes[1:, 1:] ** 2 / weights[1:]).sum(axis=1)
    assert found[0, 1:] == pytest.approx(1.0 / variance, rel=1e-5)
    assert found[0, 0] == 0.0


def test_logan_noise__is_the_derivative_of_the_residual_on_the_line():
    slope, intercept = 3.0, -0.4
    # A drive for which every point lies on the line.
    drive = (integral(CURVE) / 60.0 - intercept * CURVE) / slope
    expected = np.zeros((5, 5))
    for k in range(5):
        step = np.zeros(5)
        step[k] = 1e-6
        ends = []
        for s in (step, -step):
            x, y = logan_points((CURVE + s)[None], integral(CURVE + s)[None] / 60.0, drive)
            ends.append((y - slope * x - intercept)[0])
        expected[:, k] = (ends[0] - ends[1]) / 2e-6
    operators = frame_operators(END - DURATION, END, FrameModel.FRAME_AVERAGE)
    found = logan_noise(CURVE, operators.integral, np.array([slope, intercept]))
    assert found == pytest.approx(expected, abs=1e-6)


def test_propagated_covariance__of_independent_points_is_that_of_least_squares():
    rng = np.random.default_rng(2)
    design, values = rng.normal(size=(9, 2)), rng.normal(size=9)
    weights = np.array([0.0, 1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 0.5, 0.0])
    fit = weighted_least_squares(design, values, weights)
    found = propagated_covariance(design, weights, fit.residual_sum, np.eye(9), weights)
    assert found == pytest.approx(fit.covariance, rel=1e-9)
    exact = propagated_covariance(design[:2], np.ones(2), 0.0, np.eye(2), np.ones(2))
    assert np.isnan(exact).all()


def test_derive__is_the_delta_method():
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    found = derive(
        np.array([4.0, -2.0]),
        covariance,
        lambda c: {"ratio": -c[0] / c[1], "first": c[0], "none": c[0] / (c[1] - c[1])},
        {"ratio": "1", "first": "1/min", "none": "1"},
    )
    slope = np.array([0.5, 1.0])
    assert found["ratio"].value == 2.0
    assert found["ratio"].standard_error == pytest.approx(np.sqrt(slope @ covariance @ slope), rel=1e-12)
    assert found["first"].standard_error == pytest.approx(0.2)
    assert np.isnan(found["none"].value)
    assert np.isnan(found["none"].standard_error)


def test_parameter_flags__say_what_to_beware_of():
    def flags(value, error, name="K1"):
        return set(parameter_flags({name: KineticParameter(value, error, "1")}, False))

    assert flags(1.0, 0.1) == set()
    assert flags(1.0, 0.6) == {FitFlag.UNCERTAIN}
    assert flags(-1.0, 0.1) == {FitFlag.NEGATIVE}
    assert flags(-1.0, 0.1, "intercept") == set()
    assert flags(np.nan, np.nan) == {FitFlag.ILL_CONDITIONED}
    assert flags(1e-16, 1e-15) == set()
