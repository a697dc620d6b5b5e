"""How deep a point lies for a beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.grid import Grid

__all__ = ["entry_to"]


def entry_to(geometry: BeamGeometry, grid: Grid) -> NDArray[np.float64]:
    """Return a point on the central axis that lies upstream of a whole grid, (x, y, z), shape ``(3,)`` [mm].

    Parameters
    ----------
    geometry
        Of the beam.
    grid
        That the point must lie outside of.
    """
    heights = geometry.to_gantry(grid.corners_mm)[:, 2]
    above = float(heights.max()) + float(np.linalg.norm(grid.spacing_mm))
    return geometry.to_patient((0.0, 0.0, above))
