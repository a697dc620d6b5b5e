"""A mask without the empty space around it."""

from __future__ import annotations

from tumorboard.core.image import Image
from tumorboard.numerics._mask import bounding_box, mask_values

__all__ = ["trimmed"]


def trimmed(mask: Image) -> Image:
    """Return a mask cropped to its voxels: a hundred organs on a whole-body scan then fit into memory.

    Parameters
    ----------
    mask
        LABEL (bool) or FRACTION, shape (z, y, x).

    Returns
    -------
    Image
        The voxels above 0, on the smallest part of the grid that holds them; the first voxel of the grid
        when there are none.

    Raises
    ------
    InputError
        When the image is no mask.

    Examples
    --------
    >>> import numpy as np
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((9, 9, 9), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> values = np.zeros(grid.shape, bool)
    >>> values[2:4, 5, 5:8] = True
    >>> part = trimmed(Image(values, grid, Quantity.LABEL, Record("example")))
    >>> part.values.shape, part.grid.origin_mm.tolist()
    ((2, 1, 3), [5.0, 5.0, 6.0])
    """
    box = bounding_box(mask_values(mask)) or [(0, 1)] * 3
    (z0, z1), (y0, y1), (x0, x1) = box
    return mask.crop((z0, y0, x0), (z1, y1, x1))
