"""From a structure's contours to planes, each with a thickness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.structures import Contour
from tumorboard.errors import GeometryError

__all__ = ["PLANE_TOLERANCE_MM", "ContourSlabs", "common_normal", "plane_edges", "slabs_along"]

#: Points this close to a plane lie in it; planes this close are one [mm].
PLANE_TOLERANCE_MM: Final = 0.1

#: No scanner's slices are thicker. Wider apart, two planes are slices of a series of contours only when
#: another two are as far apart; else they are two finds, and their distance says nothing of slices [mm].
_THICKEST_SLICE_MM: Final = 10.0

#: Neighbouring planes farther apart than this many contour spacings belong to separate parts.
_WIDEST_GAP: Final = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class ContourSlabs:
    """Contours sorted by plane, and how far each plane's slab reaches.

    Parameters
    ----------
    contours
        For each plane, its contours, each ``(n_points, 3)`` patient points [mm].
    low_mm, high_mm
        Faces of the slabs along the normal, shape ``(n_planes,)``, increasing [mm].
    spacing_mm
        Contour spacing that the slabs are made with [mm].
    """

    contours: tuple[tuple[NDArray[np.float64], ...], ...]
    low_mm: NDArray[np.float64]
    high_mm: NDArray[np.float64]
    spacing_mm: float


def common_normal(name: str, contours: tuple[Contour, ...]) -> NDArray[np.float64]:
    """Return the unit normal of the contours' planes, shape ``(3,)``."""
    areas = np.array([_area_vector(c.points_mm) for c in contours])
    largest = areas[np.linalg.norm(areas, axis=1).argmax()]
    normal = np.sum(np.where(areas @ largest < 0, -1, 1)[:, None] * areas, axis=0)
    length = float(np.linalg.norm(normal))
    if not length > 0:
        raise GeometryError(
            f"contours of {name!r} must enclose an area > 0 [mm2]; got points on a line; draw it again"
        )
    return np.asarray(normal / length)


def slabs_along(
    name: str,
    contours: tuple[Contour, ...],
    normal: NDArray[np.float64],
    *,
    spacing_mm: float | None,
    single_plane_mm: float,
) -> ContourSlabs:
    """Sort contours into planes along a normal and give each plane its slab.

    ``spacing_mm`` overrides the spacing found; ``single_plane_mm`` is that of a structure of one plane,
    or of planes too far and too unevenly apart to be neighbours.
    """
    heights = []
    for contour in contours:
        along = contour.points_mm @ normal
        heights.append(float(along.mean()))
        off_mm = float(np.abs(along - along.mean()).max())
        if off_mm > PLANE_TOLERANCE_MM:
            raise GeometryError(
                f"contours of {name!r} must lie in parallel planes (to {PLANE_TOLERANCE_MM} mm); a point is "
                f"{off_mm:.3g} mm off; split the structure by the orientation of its contours"
            )
    order = np.argsort(heights, kind="stable")
    planes: list[list[int]] = []
    for i in order.tolist():
        if planes and heights[i] - heights[planes[-1][-1]] <= PLANE_TOLERANCE_MM:
            planes[-1].append(i)
        else:
            planes.append([i])
    at_mm = np.array([np.mean([heights[i] for i in plane]) for plane in planes])
    gaps = np.diff(at_mm)
    if spacing_mm is None:
        # The lower median: a few wide gaps between parts, or one plane more, do not move it.
        spacing_mm = float(np.sort(gaps)[(len(gaps) - 1) // 2]) if len(gaps) else single_plane_mm
        alike = np.count_nonzero(np.abs(gaps - spacing_mm) <= PLANE_TOLERANCE_MM)
        if spacing_mm > _THICKEST_SLICE_MM and alike < 2:
            spacing_mm = single_plane_mm
    half = np.where(gaps <= _WIDEST_GAP * spacing_mm, gaps / 2, spacing_mm / 2)
    end = np.array([spacing_mm / 2])
    return ContourSlabs(
        tuple(tuple(contours[i].points_mm for i in plane) for plane in planes),
        at_mm - np.concatenate([end, half]),
        at_mm + np.concatenate([half, end]),
        spacing_mm,
    )


def plane_edges(polygons: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
    """Return the edges of (x, y) polygons as rows (x0, y0, x1, y1) with y0 < y1, in the order of y0."""
    ends = np.concatenate([np.hstack([p, np.roll(p, -1, axis=0)]) for p in polygons])
    ends = ends[ends[:, 1] != ends[:, 3]]  # level edges bound no area to their right
    falling = ends[:, 1] > ends[:, 3]
    ends[falling] = ends[falling][:, [2, 3, 0, 1]]
    return np.ascontiguousarray(ends[np.argsort(ends[:, 1], kind="stable")])


def _area_vector(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    from_first = points_mm - points_mm[0]
    return np.asarray(0.5 * np.cross(from_first, np.roll(from_first, -1, axis=0)).sum(axis=0))
