import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.provenance import Record
from tumorboard.workflows.board.display import first_window

GRID = Grid((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


@pytest.mark.parametrize("value", [0.0, -1.0, 3.0, np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("quantity", [Quantity.MR_SIGNAL, Quantity.CT_NUMBER, Quantity.SUV_BODY_WEIGHT])
def test_first_window__ascends_and_is_finite_whatever_the_voxels_are(value, quantity):
    values = np.ones(GRID.shape, np.float32)
    values[::2, ::2, ::2] = value
    low, high = first_window(Image(values, GRID, quantity, Record("test.made")))
    assert np.isfinite([low, high]).all()
    assert low < high
