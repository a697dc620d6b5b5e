import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.curves import TimeActivityCurves
from tumorboard.dosimetry.time_activity_samples import (
    ActivitySamples,
    DecayConvention,
    activity_as_if_at,
    activity_as_scanned,
)
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
LU177_S = 6.647 * 86400.0
CORRECTED = DecayConvention.CORRECTED_TO_REFERENCE


@given(
    st.lists(st.floats(0.0, 1e6), min_size=1, max_size=6),
    st.floats(1.0, 1e7),
    st.floats(-1e5, 1e6),
)
def test_conventions__are_each_others_inverse(times, half_life_s, reference_s):
    times = [min(t, 50 * half_life_s) for t in times]
    reference_s = np.clip(reference_s, -50 * half_life_s, 50 * half_life_s)
    stored = np.arange(1.0, len(times) + 1)
    there = activity_as_scanned(
        stored, times_s=times, half_life_s=half_life_s, convention=CORRECTED, reference_s=reference_s
    )
    back = activity_as_if_at(there, times_s=times, half_life_s=half_life_s, reference_s=reference_s)
    np.testing.assert_allclose(back, stored, rtol=1e-12)


def test_as_scanned__changes_nothing_when_decay_was_not_corrected():
    stored = np.ones((3, 2))
    found = activity_as_scanned(
        stored, times_s=[0.0, 1e5], half_life_s=1e5, convention=DecayConvention.AS_SCANNED, reference_s=0.0
    )
    assert np.array_equal(found, stored)
    assert found.base is None or not np.shares_memory(found, stored)


def test_of_stored__a_nuclide_that_stays_is_flat_when_corrected_and_decays_when_not():
    samples = ActivitySamples.of_stored(
        [0.0, LU177_S],
        [5.0, 5.0],
        MADE,
        convention=CORRECTED,
        half_life_s=LU177_S,
        reference_s=0.0,
        relative_uncertainty=0.1,
    )
    np.testing.assert_allclose(samples.activity_bq, [5.0, 2.5])
    np.testing.assert_allclose(samples.known_uncertainty_bq, [0.5, 0.25])
    assert samples.provenance.parameters["convention"] == "corrected_to_reference"


def test_of_curves__takes_one_region():
    curves = TimeActivityCurves([0.0, 1.0], [[1.0, 2.0], [3.0, 4.0]], MADE)
    assert ActivitySamples.of_curves(curves, 1).activity_bq.tolist() == [3.0, 4.0]
    with pytest.raises(InputError, match="region must be an index below 2"):
        ActivitySamples.of_curves(curves, 2)


@pytest.mark.parametrize(
    ("times", "activity", "sigma", "message"),
    [
        ([2.0, 1.0], [1.0, 1.0], None, "sort the scans"),
        ([1.0, 1.0], [1.0, 1.0], None, "must increase"),
        ([-1.0, 1.0], [1.0, 1.0], None, ">= 0"),
        ([], [], None, "times_s must be 1-D"),
        ([1.0, 2.0], [1.0, -1.0], None, "activity_bq must be finite and >= 0"),
        ([1.0, 2.0], [1.0, np.nan], None, "activity_bq must be finite and >= 0"),
        ([1.0, 2.0], [1.0], None, "one value for each of 2 times"),
        ([1.0, 2.0], [1.0, 1.0], [0.0, 1.0], "uncertainty_bq must hold one value > 0"),
    ],
)
def test_samples__refuse_what_cannot_be(times, activity, sigma, message):
    with pytest.raises(InputError, match=message):
        ActivitySamples(times, activity, MADE, sigma)


def test_samples__say_when_uncertainty_is_needed():
    with pytest.raises(InputError, match="uncertainty_bq must be known here"):
        _ = ActivitySamples([1.0], [1.0], MADE).known_uncertainty_bq


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"half_life_s": 0.0}, "half_life_s"),
        ({"reference_s": np.inf}, "reference_s"),
        ({"times_s": [-1.0]}, "times_s"),
        ({"convention": "corrected_to_reference"}, "convention must be a DecayConvention"),
    ],
)
def test_as_scanned__refuses_what_cannot_be(change, message):
    known = {"times_s": [1.0], "half_life_s": 1.0, "convention": CORRECTED, "reference_s": 0.0}
    with pytest.raises(InputError, match=message):
        activity_as_scanned([1.0], **(known | change))
