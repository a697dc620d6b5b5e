"""Where the voxels of a grid are."""

import numpy as np


def points_of(grid):
    """Patient points of all voxel centres, shape ``(*grid.shape, 3)`` [mm]."""
    return grid.index_to_patient(np.moveaxis(np.indices(grid.shape, np.float64), 0, -1))
