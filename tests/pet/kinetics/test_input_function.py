import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tumorboard.errors import InputError
from tumorboard.pet.kinetics._kernels.exponential_convolution import convolve
from tumorboard.pet.kinetics.input_function import InputFunction, piecewise_convolution
from tumorboard.provenance import Record

TIMES = np.array([5.0, 11.0, 30.0, 400.0, 3600.0])
VALUES = np.array([2.0, 90.0, 40.0, 10.0, 1.0])


@pytest.mark.parametrize("rate", [0.0, 1e-9, 1e-4, 0.011, 0.3])
def test_piecewise_convolution__solves_its_differential_equation(rate):
    points = np.array([1.0, 5.0, 8.0, 30.0, 777.0, 3600.0])
    found = piecewise_convolution(TIMES, VALUES, [rate], points)

    def change(t, state):
        c = np.interp(t, TIMES, VALUES) if t >= TIMES[0] else 0.0
        return [c - rate * state[0], state[0]]

    state, expected = [0.0, 0.0], np.zeros((2, 6))
    for k, (a, b) in enumerate(zip([5.0, *points[2:-1]], points[2:], strict=True)):
        inner = TIMES[(TIMES > a) & (TIMES < b)]
        for start, stop in zip([a, *inner], [*inner, b], strict=True):
            state = solve_ivp(change, (start, stop), state, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        expected[:, k + 2] = state
    assert np.stack([f[0] for f in found]) == pytest.approx(expected, rel=1e-9)


def test_piecewise_convolution__compiled_equals_python():
    points, rates = np.linspace(0.0, 3600.0, 20), np.geomspace(1e-6, 1.0, 5)
    compiled = piecewise_convolution(TIMES, VALUES, rates, points)
    plain = np.empty((5, 20)), np.empty((5, 20))
    convolve.py_func(TIMES, VALUES, rates, points, *plain)
    np.testing.assert_allclose(plain, compiled, rtol=1e-13)


def test_piecewise_convolution__rate_times_integral_and_value_make_the_input():
    points, rates = np.linspace(10.0, 3600.0, 7), np.geomspace(1e-3, 1.0, 5)
    y, z = piecewise_convolution(TIMES, VALUES, rates, points)
    total = piecewise_convolution(TIMES, VALUES, [0.0], points)[0]
    np.testing.assert_allclose(y + rates[:, None] * z, np.broadcast_to(total, y.shape), rtol=1e-12)


def test_input_function__blood_that_ends_before_the_scan_is_an_error():
    blood = InputFunction(TIMES, VALUES, VALUES, Record("test"))
    blood.require_covers(3600.9)
    with pytest.raises(InputError, match="end of the last frame, 5400 s; it ends at 3600 s"):
        blood.parent_integral([60.0, 5400.0])
    assert blood.delayed(10.0).times_s[0] == 15.0


@pytest.mark.parametrize("plasma", [[0.0, 0.0, 0.0], [0.0, -5.0, -1.0]])
def test_input_function__plasma_that_is_nowhere_above_0_is_an_error(plasma):
    with pytest.raises(InputError, match="must be > 0 at some time"):
        InputFunction([0.0, 60.0, 120.0], plasma, [0.0, 1.0, 1.0], Record("test"))
