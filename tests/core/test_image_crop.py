import numpy as np

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.provenance import Record


def test_crop__corners_may_be_arrays():
    grid = Grid((4, 5, 6), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    image = Image(np.arange(120.0).reshape(4, 5, 6), grid, Quantity.COUNTS, Record("test"))
    cropped = image.crop(np.array([1, 1, 2]), np.array([3, 4, 6]))
    assert cropped.values[0, 0, 0] == image.values[1, 1, 2]
    assert cropped.provenance.digest == image.crop((1, 1, 2), (3, 4, 6)).provenance.digest
