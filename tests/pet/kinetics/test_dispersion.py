import kinetic_data as kinetic
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.dispersion import correct_dispersion, disperse, undispersed
from tumorboard.provenance import Record


def area(curve):
    return np.trapezoid(curve.values, curve.times_s)


@given(st.lists(st.floats(0.0, 100.0), min_size=3, max_size=12), st.floats(0.5, 30.0))
def test_correct_dispersion__then_dispersion_gives_the_measured_curve(values, tau):
    times = np.cumsum(np.r_[0.0, np.linspace(1.0, 20.0, len(values))])
    measured = BloodCurve(times, np.r_[0.0, values])
    again = disperse(correct_dispersion(measured, tau), tau, times)
    assert again.values == pytest.approx(measured.values, rel=1e-5, abs=1e-3)


def test_disperse__keeps_the_integral():
    # The area that has not come out yet is the time constant times what is in the tube.
    bolus = BloodCurve([0.0, 10.0, 20.0, 40.0, 4000.0], [0.0, 0.0, 50.0, 0.0, 0.0])
    fine = np.unique(np.r_[np.linspace(0.0, 400.0, 40001), 4000.0])
    for tau in (2.0, 12.0):
        assert area(disperse(bolus, tau, fine)) == pytest.approx(area(bolus), rel=1e-6)


def test_disperse__then_correction_comes_to_the_true_curve_with_the_square_of_the_step():
    true = BloodCurve([0.0, 20.0, 40.0, 60.0, 600.0], [0.0, 0.0, 80.0, 20.0, 5.0])
    worst = []
    for step in (1.0, 0.5, 0.25):
        fine = np.arange(0.0, 600.0 + 0.5 * step, step)
        found = correct_dispersion(disperse(true, 10.0, fine), 10.0)
        middles = fine[:-1] + 0.5 * step
        expected = np.interp(middles, true.times_s, true.values)
        worst.append(np.abs(np.interp(middles, found.times_s, found.values) - expected).max())
    assert worst[-1] < 5e-3
    assert worst[:-1] / np.array(worst[1:]) == pytest.approx([4.0, 4.0], rel=0.1)


def test_undispersed__leaves_what_was_drawn_by_hand(data_dir):
    samples = kinetic.pbr28_samples(data_dir, kinetic.pbr28_scans(data_dir)[0])
    found = undispersed(samples, whole_blood_tau_s=2.5, plasma_tau_s=0.0)
    assert found.plasma is samples.plasma
    # All that goes in comes out: the difference of areas is tau times the last minus the first value.
    change = 2.5 * (samples.whole_blood.values[-1] - samples.whole_blood.values[0])
    assert area(found.whole_blood) - area(samples.whole_blood) == pytest.approx(change, rel=1e-3)
    assert list(found.provenance.citations()) == ["iida1986dispersion"]


@pytest.mark.parametrize("tau", [0.0, -1.0, np.nan])
def test_correct_dispersion__refuses_a_time_constant_of_nothing(tau):
    with pytest.raises(InputError, match="time constant of dispersion must be > 0"):
        correct_dispersion(BloodCurve([0.0, 1.0], [0.0, 1.0]), tau)


def test_correct_dispersion__needs_two_samples():
    with pytest.raises(InputError, match="samples must be at least 2"):
        undispersed(
            BloodSamples(BloodCurve([0.0], [1.0]), None, None, Record("test")),
            whole_blood_tau_s=1.0,
            plasma_tau_s=0.0,
        )
