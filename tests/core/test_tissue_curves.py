import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.provenance import Record


def curves(start, duration, values=None, weights=None):
    values = np.ones((1, len(start))) if values is None else values
    return TissueCurves(("thalamus",), start, duration, values, weights, Record("test"))


def test_tissue_curves__frames_that_meet_to_the_last_digit_but_one_are_taken():
    minutes = np.array([0.1, 0.2, 0.3, 0.7])
    found = curves(60 * minutes[:-1], 60 * np.diff(minutes))
    assert (found.frame_end_s[:-1] <= found.frame_start_s[1:]).all()
    assert found.frame_end_s == pytest.approx(60 * minutes[1:], abs=1e-9)


@pytest.mark.parametrize(
    ("start", "duration", "values", "weights", "sentence"),
    [
        ([60, 0], [60, 60], None, None, "frame 2 begins at 0 s, frame 1 at 60 s; sort them"),
        ([0, 50], [60, 60], None, None, "frame 1 ends at 60 s, after frame 2 begins at 50 s"),
        ([0, 60], [60, 0], None, None, "frame 2 has 0"),
        ([0, 60], [60, 60], [[1.0, np.nan]], None, "frame 2 of 'thalamus'"),
        ([0, 60], [60, 60], None, [1.0, -1.0], "weights must be finite and >= 0; frame 2 has -1"),
        ([0, 60], [60, 60], None, [0.0, 0.0], "weights must not all be 0"),
    ],
)
def test_tissue_curves__bad_frames_are_named(start, duration, values, weights, sentence):
    with pytest.raises(InputError, match=sentence):
        curves(start, duration, values, weights)


def test_blood__times_out_of_order_and_percent_are_named():
    with pytest.raises(InputError, match="sample 2 at 5 s follows one at 10 s"):
        BloodCurve([10.0, 5.0], [1.0, 1.0])
    whole = BloodCurve([0.0, 5.0], [1.0, 1.0])
    with pytest.raises(InputError, match="got 95; a table in percent"):
        BloodSamples(whole, None, BloodCurve([1.0], [95.0]), Record("test"))
