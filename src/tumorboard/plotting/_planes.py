"""How a volume of any orientation lies on paper, by radiological convention.

Axial planes are seen from the feet, coronal ones from the front, sagittal ones from the patient's left.
Planes follow the array's axes: nothing is resampled, so an oblique volume shows its own planes,
labelled by the patient axis that each of its axes is nearest to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.errors import InputError

__all__ = ["OrientedGrid", "Plane", "picture_of"]


class Plane(Enum):
    """A picture plane; the value is its array axis in (superior, posterior, left) order."""

    AXIAL = 0
    CORONAL = 1
    SAGITTAL = 2

    @property
    def edges(self) -> tuple[str, str, str, str]:
        """Patient directions at the left, right, top and bottom edge."""
        return _EDGES[self]


_EDGES = {
    Plane.AXIAL: ("R", "L", "A", "P"),
    Plane.CORONAL: ("R", "L", "H", "F"),
    Plane.SAGITTAL: ("A", "P", "H", "F"),
}


@dataclass(frozen=True)
class OrientedGrid:
    """A grid with its array axes sorted and flipped to run superior, posterior, left."""

    grid: Grid

    @cached_property
    def order(self) -> tuple[int, int, int]:
        """The array axes nearest to the patient's z, y and x axis, each used once."""
        along = np.abs(self.grid.direction)
        best = max(
            permutations(range(3)), key=lambda axes: along[2, axes[0]] + along[1, axes[1]] + along[0, axes[2]]
        )
        return best[0], best[1], best[2]

    @cached_property
    def flipped(self) -> tuple[bool, bool, bool]:
        """Whether each sorted axis runs against superior, posterior, left."""
        signs = [self.grid.direction[2 - i, axis] < 0 for i, axis in enumerate(self.order)]
        return bool(signs[0]), bool(signs[1]), bool(signs[2])

    @cached_property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Spacing along superior, posterior, left [mm]."""
        spacing: NDArray[np.float64] = self.grid.spacing_mm[list(self.order)]
        return spacing

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along superior, posterior, left."""
        a, b, c = (self.grid.shape[axis] for axis in self.order)
        return a, b, c

    @property
    def tilt_degrees(self) -> float:
        """Largest angle between an array axis and its patient axis [degrees]."""
        cosines = [abs(self.grid.direction[2 - i, axis]) for i, axis in enumerate(self.order)]
        return float(np.degrees(np.arccos(min(1.0, *cosines))))

    def orient(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a view of ``values`` with axes superior, posterior, left."""
        view = values.transpose(self.order)
        return view[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]

    def index_of(self, point_mm: tuple[float, float, float]) -> NDArray[np.float64]:
        """Return the fractional oriented index of a patient point."""
        index = self.grid.patient_to_index(point_mm)[list(self.order)]
        last = np.array(self.shape) - 1.0
        return np.where(self.flipped, last - index, index)

    def voxel_of(self, point_mm: tuple[float, float, float]) -> tuple[int, int, int]:
        """Return the oriented voxel that holds a patient point; outside of the volume is an InputError."""
        voxel = np.round(self.index_of(point_mm)).astype(int)
        if not ((voxel >= 0) & (voxel < self.shape)).all():
            point = ", ".join(f"{v:.1f}" for v in point_mm)
            raise InputError(f"point_mm must lie inside the volume; got ({point}) [mm]")
        return int(voxel[0]), int(voxel[1]), int(voxel[2])

    def extent_mm(self, plane: Plane) -> tuple[float, float]:
        """Width and height of a plane's picture [mm]."""
        rows, columns = _picture_axes(plane)
        size = np.array(self.shape) * self.spacing_mm
        return float(size[columns]), float(size[rows])

    def place_mm(self, plane: Plane, point_mm: tuple[float, float, float]) -> tuple[float, float]:
        """Where a patient point falls on a plane's picture, from its left and top edge [mm]."""
        rows, columns = _picture_axes(plane)
        from_edge = (self.index_of(point_mm) + 0.5) * self.spacing_mm
        _, height = self.extent_mm(plane)
        down = from_edge[rows] if plane is Plane.AXIAL else height - from_edge[rows]
        return float(from_edge[columns]), float(down)


def picture_of(section: NDArray[Any], plane: Plane) -> NDArray[Any]:
    """Turn a section of an oriented array so that its first row is the top of the picture."""
    # Superior is up on paper but runs along the axis; posterior is down on an axial picture already.
    return section if plane is Plane.AXIAL else section[::-1]


def _picture_axes(plane: Plane) -> tuple[int, int]:
    rows, columns = (axis for axis in range(3) if axis != plane.value)
    return rows, columns
