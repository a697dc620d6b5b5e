import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.reference_curve import ReferenceInterpolation, reference_nodes
from tumorboard.pet.kinetics.repeated_integrals import measured_terms, node_terms, repeated_integrals

TIMES = np.array([5.0, 11.0, 30.0, 400.0])
VALUES = np.array([2.0, 90.0, 40.0, 10.0])


def test_repeated_integrals__are_what_quadrature_gives():
    points = np.array([3.0, 5.0, 9.0, 30.0, 777.0])
    found = repeated_integrals(TIMES, VALUES, points)

    def moment(end, order):
        def part(t):
            return (end - t) ** order * np.interp(t, TIMES, VALUES, left=0.0)

        return quad(part, 5.0, end, points=TIMES[TIMES < end], limit=200)[0] if end > 5.0 else 0.0

    for order, factor in ((0, 1.0), (1, 1.0), (2, 2.0)):
        expected = [moment(end, order) / factor for end in points]
        assert found[order] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("frame_model", FrameModel)
def test_measured_terms__are_node_terms_of_a_curve_of_steps(frame_model):
    start, end = np.array([0.0, 10.0, 40.0]), np.array([10.0, 40.0, 100.0])
    steps = np.array([3.0, 8.0, 5.0])
    # A step between two nodes that are very close.
    times = np.array([0.0, 10.0 - 1e-9, 10.0, 40.0 - 1e-9, 40.0, 100.0])
    expected = node_terms(times, np.repeat(steps, 2), start, end, frame_model)
    found = measured_terms(steps[None], start, end, frame_model)
    for name in ("concentration", "integral", "double_integral"):
        assert getattr(found, name)[0] == pytest.approx(getattr(expected, name), rel=1e-7)


def test_measured_terms__bridge_gaps_by_straight_lines():
    start, end = np.array([6.0, 30.0]), np.array([10.0, 40.0])
    found = measured_terms(np.array([[2.0, 8.0]]), start, end, FrameModel.MID_FRAME)
    assert found.integral[0].tolist() == [6.0 + 4.0, 6.0 + 8.0 + 100.0 + 40.0]


@given(
    st.lists(st.floats(0.0, 1e5), min_size=2, max_size=12),
    st.lists(st.floats(1.0, 600.0), min_size=12, max_size=12),
)
def test_reference_nodes__keep_each_frames_average(values, durations):
    c = np.array(values)
    end = np.cumsum(durations[: len(c)])
    start = np.concatenate([[0.0], end[:-1]])
    nodes = reference_nodes(c, start, end, ReferenceInterpolation.AVERAGE_PRESERVING)
    averages = node_terms(*nodes, start, end, FrameModel.FRAME_AVERAGE).concentration
    assert averages == pytest.approx(c, rel=1e-6, abs=1e-6 * (1.0 + c.max()))


def test_reference_nodes__linear_goes_through_the_middles():
    times, values = reference_nodes(
        np.array([1.0, 3.0]), np.array([0.0, 2.0]), np.array([2.0, 4.0]), ReferenceInterpolation.LINEAR
    )
    assert times.tolist() == [0.0, 1.0, 3.0, 4.0]
    assert values.tolist() == [0.0, 1.0, 3.0, 3.0]
