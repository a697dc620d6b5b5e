import math

import numpy as np
import pytest
from simulated_pet_scan import bolus, frames, tissue

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import FitFlag, FrameModel, Weighting
from tumorboard.pet.kinetics.compartments import Binding, OneTissue, TwoTissue
from tumorboard.pet.kinetics.compartments_rates import BRAIN_BOUNDS
from tumorboard.pet.kinetics.delay import fit_delay

RATES = (0.12, 0.15, 0.06, 0.045)
AVERAGE = FrameModel.FRAME_AVERAGE
MODEL = TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.05, AVERAGE, Weighting.DURATION, None)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [-6.3, 0.0, 9.7])
def test_fit_delay__finds_the_shift_that_made_the_curve(delay):
    arriving = bolus().delayed(delay)
    # The bolus's own times end 15 s after the scan, so that blood seen 6 s earlier still covers it.
    curves = frames(tissue(RATES, 0.05, AVERAGE, arriving))
    found = fit_delay(curves, "region 1", bolus(), MODEL, (-15.0, 15.0))
    assert found.delay.value == pytest.approx(delay, abs=0.01)
    assert found.fit.parameters["VT"].value == pytest.approx(0.8 * (1 + 0.06 / 0.045), rel=1e-3)
    assert found.residual_sums.min() == pytest.approx(found.fit.residual_sum)
    assert (np.diff(found.shifts_s) > 0).all()
    assert FitFlag.AT_BOUND not in found.flags


def one_tissue():
    return OneTissue(BRAIN_BOUNDS, 0.05, AVERAGE, Weighting.DURATION, None)


def test_fit_delay__a_shift_beyond_the_bounds_is_flagged():
    curves = frames(tissue((0.2, 0.1, 0.0, 0.1), 0.05, AVERAGE, bolus().delayed(12.0)))
    found = fit_delay(curves, "region 1", bolus(), one_tissue(), (-4.0, 4.0))
    assert found.delay.value == pytest.approx(4.0, abs=0.01)
    assert math.isnan(found.delay.standard_error)
    assert FitFlag.AT_BOUND in found.flags


def test_fit_delay__blood_moved_to_earlier_still_covers_the_scan():
    curves = frames(tissue((0.2, 0.1, 0.0, 0.1), 0.05, AVERAGE, bolus().delayed(-14.0)))
    found = fit_delay(curves, "region 1", bolus(), one_tissue(), (-40.0, -10.0))
    assert found.delay.value == pytest.approx(-14.0, abs=0.01)
    found.blood.require_covers(float(curves.frame_end_s[-1]))


@pytest.mark.slow
def test_fit_delay__its_error_is_the_scatter():
    truth = tissue((0.2, 0.1, 0.0, 0.1), 0.05, AVERAGE, bolus().delayed(3.0))
    random, found = np.random.default_rng(3), []
    for _ in range(25):
        curves = frames(truth + random.normal(size=30) * 1000.0 / np.sqrt(frames().frame_duration_s))
        found.append(fit_delay(curves, "region 1", bolus(), one_tissue(), (-5.0, 11.0)).delay)
    shifts, errors = np.array([d.value for d in found]), np.array([d.standard_error for d in found])
    assert np.median(errors) == pytest.approx(shifts.std(ddof=1), rel=0.35)
    assert shifts.mean() == pytest.approx(3.0, abs=4 * shifts.std() / 5.0)


def test_fit_delay__bad_input_is_an_error():
    curves = frames(tissue(RATES, 0.05, AVERAGE))
    with pytest.raises(InputError, match="bounds_s must be lowest < highest"):
        fit_delay(curves, "region 1", bolus(), one_tissue(), (5.0, -5.0))
    with pytest.raises(InputError, match="region must be one of region 1; got 'WB'"):
        fit_delay(curves, "WB", bolus(), one_tissue(), (-5.0, 5.0))
