import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.pet.kinetics.t_star import AllFrames, FromTime, LargestResidual, LastFrames, first_frame

MID = np.arange(30.0, 630.0, 60.0)


def first(rule, residual=lambda k: 0.0, n_parameters=2):
    return first_frame(rule, MID, n_parameters, residual)


def test_first_frame__follows_each_rule():
    assert first(AllFrames()) == (0, True)
    assert first(LastFrames(4)) == (6, True)
    assert first(FromTime(390.0)) == (6, True)
    assert first(FromTime(391.0)) == (7, True)
    assert first(LargestResidual(0.1, 3), lambda k: 0.5 / (k + 1)) == (4, True)
    assert first(LargestResidual(0.01, 3), lambda k: 0.5 / (k + 1)) == (7, False)
    assert first(LargestResidual(0.06, 4), lambda k: 0.5 / (k + 1)) == (6, False)


def test_first_frame__rules_that_leave_no_error_are_an_error():
    with pytest.raises(InputError, match="must leave at least 3 frames; got 600 s, which leaves 0"):
        first(FromTime(600.0))
    with pytest.raises(InputError, match="must be 4 to 10 for this fit; got 3"):
        first(LastFrames(3), n_parameters=3)
    with pytest.raises(InputError, match="at least 11 to fit 10"):
        first(AllFrames(), n_parameters=10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FromTime(-1.0), r"start_s of t\* must be finite and >= 0 \[s\]; got -1"),
        (lambda: LastFrames(2), "count of last frames must be >= 3; got 2"),
        (lambda: LargestResidual(0.1, 2), r"fewest_frames of t\* must be >= 3; got 2"),
        (lambda: LargestResidual(0.0, 3), "largest relative residual must be > 0; got 0"),
    ],
)
def test_t_star__impossible_rules_are_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()
