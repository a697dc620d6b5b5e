from dataclasses import replace

import numpy as np
import pytest
from simulated_pet_scan import bolus, frames

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import FrameModel
from tumorboard.pet.kinetics._kernels.exponential_response import respond
from tumorboard.pet.kinetics._kernels.response_table import interpolate
from tumorboard.pet.kinetics._kernels.two_tissue import two_exponentials
from tumorboard.pet.kinetics.compartments_rates import exponentials
from tumorboard.pet.kinetics.compartments_response import FrameResponse, frame_basis, frame_blood
from tumorboard.pet.kinetics.input_function import piecewise_convolution

RATES = np.concatenate([[0.0], np.geomspace(1e-7, 0.08, 40)])


def test_respond__value_and_integral_are_those_of_the_convolution():
    blood, points = bolus(), np.linspace(3.0, 5400.0, 60)
    response = np.empty((4, len(RATES), len(points)))
    respond(blood.times_s, blood.parent_plasma_bq_ml, RATES, points, response)
    y, z = piecewise_convolution(blood.times_s, blood.parent_plasma_bq_ml, RATES, points)
    np.testing.assert_allclose(response[0], y, rtol=1e-12)
    np.testing.assert_allclose(response[1], z, rtol=1e-12)


def test_respond__derivatives_are_those_by_the_rate():
    """As difference quotients have it."""
    blood, points = bolus(), np.linspace(60.0, 5400.0, 30)
    rates = np.geomspace(1e-4, 0.05, 12)
    h = 1e-4 * rates
    up, mid, down = (np.empty((4, 12, 30)) for _ in range(3))
    for shift, out in ((h, up), (0.0, mid), (-h, down)):
        respond(blood.times_s, blood.parent_plasma_bq_ml, rates + shift, points, out)
    quotient = (up[:2] - down[:2]) / (2 * h)[None, :, None]
    scale = np.abs(mid[2:]).max(axis=2, keepdims=True)
    np.testing.assert_allclose(mid[2:] / scale, quotient / scale, atol=1e-7)


def test_respond__compiled_equals_python():
    blood, points = bolus(), np.linspace(3.0, 5400.0, 9)
    compiled, plain = np.empty((4, 3, 9)), np.empty((4, 3, 9))
    rates = np.array([0.0, 1e-3, 0.05])
    respond(blood.times_s, blood.parent_plasma_bq_ml, rates, points, compiled)
    respond.py_func(blood.times_s, blood.parent_plasma_bq_ml, rates, points, plain)
    np.testing.assert_allclose(plain, compiled, rtol=1e-12)


@pytest.mark.parametrize("frame_model", list(FrameModel))
def test_frame_response__table_is_near_the_exact(frame_model):
    table = FrameResponse.of(bolus(), frames(), frame_model, 0.08)
    basis, slope = frame_basis(bolus(), frames(), frame_model, RATES)
    near, near_slope = table.at(RATES)
    assert np.abs(near - basis).max() < 1e-7 * np.abs(basis).max()
    largest = np.abs(slope).max(axis=1, keepdims=True)
    assert np.abs((near_slope - slope) / largest).max() < 1e-4


def test_interpolate__compiled_equals_python():
    table = FrameResponse.of(bolus(), frames(), FrameModel.FRAME_AVERAGE, 0.08)
    value, slope = np.empty((len(RATES), 30)), np.empty((len(RATES), 30))
    interpolate.py_func(
        table.rates_per_s, table.basis, table.derivative, table.offset_per_s, RATES, value, slope
    )
    near = table.at(RATES)
    np.testing.assert_allclose(value, near[0], rtol=1e-12)
    np.testing.assert_allclose(slope, near[1], rtol=1e-9)


def test_frame_basis__short_frames_average_to_their_middle():
    short = frames()
    thin = replace(short, frame_start_s=short.mid_s - 0.01, frame_duration_s=np.full(30, 0.02))
    average, _ = frame_basis(bolus(), thin, FrameModel.FRAME_AVERAGE, RATES)
    middle, _ = frame_basis(bolus(), short, FrameModel.MID_FRAME, RATES)
    np.testing.assert_allclose(average, middle, rtol=1e-5, atol=1.0)
    np.testing.assert_allclose(
        frame_blood(bolus(), thin, FrameModel.FRAME_AVERAGE),
        frame_blood(bolus(), short, FrameModel.MID_FRAME),
        rtol=1e-4,
        atol=10.0,
    )


def test_frame_basis__a_negative_rate_is_an_error():
    with pytest.raises(InputError, match="rates_per_s must be 1-D, finite and >= 0"):
        frame_basis(bolus(), frames(), FrameModel.MID_FRAME, [-0.1])


@pytest.mark.parametrize(
    "rates", [(0.1, 0.15, 0.06, 0.04), (0.1, 0.02, 1.5, 0.3), (0.1, 0.3, 1e-9, 0.1), (0.2, 0.1, 0.05, 0.0)]
)
def test_exponentials__derivatives_and_compiled_code(rates):
    rates = np.array(rates)
    found = exponentials(rates)
    plain = [np.empty_like(a) for a in found]
    two_exponentials.py_func(rates, *plain)
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    for k in range(4):
        h = 1e-6 * max(rates[k], 1e-4)
        up, down = rates.copy(), rates.copy()
        up[k] += h
        down[k] = max(down[k] - h, 0.0)
        step = up[k] - down[k]
        for value, derivative in ((0, 2), (1, 3)):
            quotient = (exponentials(up)[value] - exponentials(down)[value]) / step
            np.testing.assert_allclose(found[derivative][:, k], quotient, rtol=1e-4, atol=1e-6)


def test_exponentials__response_obeys_the_two_equations():
    """At time 0 the response is K1 and its slope -k2 K1; its area is VT."""
    k1, k2, k3, k4 = rates = np.array([0.12, 0.15, 0.06, 0.045])
    amplitudes, exponents, _, _ = exponentials(rates)
    assert amplitudes.sum() == pytest.approx(k1)
    assert amplitudes @ exponents == pytest.approx(k1 * k2)
    assert (amplitudes / exponents).sum() == pytest.approx(k1 / k2 * (1 + k3 / k4))
    assert exponents.prod() == pytest.approx(k2 * k4)
