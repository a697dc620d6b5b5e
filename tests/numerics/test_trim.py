import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics import trimmed
from tumorboard.provenance import Record

GRID = Grid((6, 7, 8), (3.0, 1.0, 2.0), (-4.0, 5.0, 6.0), AXIAL, frame_of_reference="1.2.3")
MADE = Record("test.made")


@given(st.lists(st.tuples(*(st.integers(0, n - 1) for n in (6, 7, 8))), min_size=1, max_size=5))
def test_trimmed__keeps_every_voxel_at_its_place_and_no_empty_face(voxels):
    values = np.zeros(GRID.shape, bool)
    values[tuple(np.transpose(voxels))] = True
    part = trimmed(Image(values, GRID, Quantity.LABEL, MADE))
    places = part.grid.index_to_patient(np.argwhere(part.values))
    np.testing.assert_allclose(places, GRID.index_to_patient(np.argwhere(values)))
    for axis in range(3):
        faces = part.values.any(axis=tuple(a for a in range(3) if a != axis))
        assert faces[0]
        assert faces[-1]


def test_trimmed__of_an_empty_mask_is_one_empty_voxel():
    part = trimmed(Image(np.zeros(GRID.shape, bool), GRID, Quantity.LABEL, MADE))
    assert part.values.tolist() == [[[False]]]


def test_trimmed__refuses_what_is_no_mask():
    with pytest.raises(InputError, match="mask must be a boolean LABEL"):
        trimmed(Image(np.zeros(GRID.shape), GRID, Quantity.CT_NUMBER, MADE))
