import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.proton._influence_arrays import allocate, finish
from tumorboard.proton.influence import DoseInfluence, influence_bytes
from tumorboard.provenance import Record

GRID = Grid((2, 3, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


@given(counts=st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), max_size=8), with_let=st.booleans())
def test_finish__closes_the_gaps_and_keeps_the_entries(counts, with_let):
    room = np.array([n for n, _ in counts], np.int64)
    kept = np.array([int(n * part) for n, part in counts], np.int64)
    starts = np.concatenate([[0], np.cumsum(room)])
    arrays = allocate(int(starts[-1]), len(counts), with_let, 1.0, None)
    arrays.voxels[:] = np.arange(starts[-1])
    arrays.dose[:] = 0.5 * np.arange(starts[-1])
    if with_let:
        arrays.dose_let[:] = 0.25 * np.arange(starts[-1])
    expected = np.concatenate([np.arange(a, a + n) for a, n in zip(starts, kept, strict=False)] or [[]])
    ends = finish(arrays, starts, kept)
    np.testing.assert_array_equal(ends, np.concatenate([[0], np.cumsum(kept)]))
    np.testing.assert_array_equal(arrays.voxels, expected)
    np.testing.assert_array_equal(arrays.dose, 0.5 * expected)
    if with_let:
        np.testing.assert_array_equal(arrays.dose_let, 0.25 * expected)


def test_influence_bytes__are_those_of_the_arrays():
    assert influence_bytes(10, 3, with_let=False) == 10 * 8 + 4 * 8 + 3 * 4
    assert influence_bytes(10, 3, with_let=True) == 10 * 12 + 4 * 8 + 3 * 4


def test_allocate__leaves_nothing_in_the_folder_when_it_fits(tmp_path):
    allocate(100, 2, True, 1.0, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("starts", "beams", "n", "message"),
    [
        ([0, 2, 1], [0, 0], 1, "not descend"),
        ([1, 2, 3], [0, 0], 3, "begin at 0"),
        ([0, 1, 2], [0], 2, r"beam_of_spot must have shape \(2,\)"),
        ([0, 1, 2], [0, 0], 3, r"voxels must have shape \(2,\)"),
    ],
)
def test_dose_influence__refuses_columns_that_do_not_fit(starts, beams, n, message):
    with pytest.raises(InputError, match=message):
        DoseInfluence(
            GRID, np.array(starts), np.zeros(n, np.int32), np.zeros(n, np.float32), None, np.array(beams),
            Record("test"),
        )  # fmt: skip
