"""A sheared volume (tilted gantry) onto a straight grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid

__all__ = ["straighten"]


def straighten(
    values: NDArray[np.generic], grid: Grid, shear_mm: NDArray[np.float64]
) -> tuple[NDArray[np.generic], Grid]:
    """Resample each slice of a sheared volume in its plane onto one straight grid, linearly.

    Every slice is only shifted, so weights are the same for all its voxels, and nothing is
    interpolated between slices. The new grid covers all slices; where a slice has no voxel
    the volume's smallest value stands (air in a CT).

    Parameters
    ----------
    values
        Shape ``grid.shape``; integers come back rounded to integers.
    grid
        The grid of the first slice continued straight along the normal.
    shear_mm
        Offset of each slice along axes (y, x), shape ``(n_slices, 2)`` [mm].

    Returns
    -------
    tuple of ndarray and Grid
        The straight volume, shape of its grid, and that grid, larger in y and x by the greatest offsets.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 3, 2), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> slices = np.array([[[1, 1], [2, 2], [3, 3]]] * 2)
    >>> straight, wider = straighten(slices, grid, np.array([[0.0, 0.0], [1.0, 0.0]]))
    >>> wider.shape, straight[:, :, 0].tolist()
    ((2, 4, 2), [[1, 2, 3, 1], [1, 1, 2, 3]])
    """
    shift = shear_mm / grid.spacing_mm[1:]
    # Below a ten-thousandth of a voxel a shift is rounding; without this a slice would grow by one voxel.
    shift = np.where(np.abs(shift - np.rint(shift)) < 1e-4, np.rint(shift), shift)
    low = np.floor(shift.min(axis=0)).astype(int)
    high = np.ceil(shift.max(axis=0)).astype(int)
    n_slices, n_rows, n_columns = grid.shape
    shape = (n_slices, *(np.array([n_rows, n_columns]) + high - low))
    fill = values.min()
    straight = np.empty(shape, dtype=values.dtype)
    for k in range(n_slices):
        plane = np.full((shape[1] + 1, shape[2] + 1), float(fill), dtype=np.float64)
        whole = np.floor(shift[k]).astype(int)
        part_y, part_x = shift[k] - whole
        y, x = whole - low + 1
        plane[y : y + n_rows, x : x + n_columns] = values[k]
        # A voxel of the straight grid lies part_y, part_x before the slice's voxel of the same number.
        along_y = (1 - part_y) * plane[1:] + part_y * plane[:-1]
        shifted = (1 - part_x) * along_y[:, 1:] + part_x * along_y[:, :-1]
        straight[k] = np.rint(shifted) if values.dtype.kind in "iu" else shifted
    wider = Grid(
        shape,
        grid.spacing_mm,
        grid.index_to_patient([0, *low]),
        grid.direction,
        frame_of_reference=grid.frame_of_reference,
    )
    return straight, wider
