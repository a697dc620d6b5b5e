"""The points of one contour, cleaned of what does not bound an area."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataelem import RawDataElement

from tumorboard.core.structures import Contour
from tumorboard.errors import GeometryError

__all__ = ["NO_WIDTH_MM", "PLANARITY_TOLERANCE_MM", "contour_of"]

#: Points that lie within this of one line bound no area [mm].
NO_WIDTH_MM: Final = 1e-3

#: Points may lie this far off their common plane before it is noted [mm].
PLANARITY_TOLERANCE_MM: Final = 0.1

_CONTOUR_DATA: Final = 0x30060050


def contour_of(item: Dataset, *, where: str) -> tuple[Contour | None, str]:
    """Return the contour of one item of Contour Sequence (3006,0040), and what was odd about it.

    A last point that repeats the first is dropped. A contour of fewer than three points, or whose points lie
    on one line, is ``None``.

    Parameters
    ----------
    item
        With Contour Data (3006,0050).
    where
        Region and file, for the error.

    Raises
    ------
    GeometryError
        When the data are not finite triplets.
    """
    points_mm = _points(item, where)
    why = ""
    if len(points_mm) > 1 and (points_mm[0] == points_mm[-1]).all():
        points_mm, why = points_mm[:-1], "repeat their first point as last, which was dropped"
    if len(points_mm) < 3:
        return None, "of fewer than three points left out"
    centred = points_mm - points_mm.mean(axis=0)
    # Newell's normal: robust for any planar polygon that is not a figure of eight.
    normal = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(normal))
    if length <= NO_WIDTH_MM * float(np.abs(centred).max()) + 1e-12:
        widths = np.linalg.svd(centred, compute_uv=False)
        if widths[1] <= NO_WIDTH_MM:
            return None, "without area left out"
    elif np.abs(centred @ normal).max() > PLANARITY_TOLERANCE_MM * length:
        why = why or f"not planar to {PLANARITY_TOLERANCE_MM} mm"
    return Contour(points_mm), why


def _points(item: Dataset, where: str) -> NDArray[np.float64]:
    element = item.get_item(_CONTOUR_DATA)
    raw = None if element is None else element.value
    try:
        if isinstance(element, RawDataElement) and isinstance(raw, bytes):
            # Straight from the text: pydicom would make an object of every number.
            values = (
                np.array(raw.strip(b" \0").split(b"\\")).astype(np.float64) if raw.strip() else np.empty(0)
            )
        else:
            values = np.array(raw if raw is not None else (), dtype=np.float64)
    except ValueError as reason:
        raise GeometryError(
            f"ContourData (3006,0050) must be numbers [mm]; {reason} in {where}; export the structures again"
        ) from reason
    if values.size % 3 or not np.isfinite(values).all():
        raise GeometryError(
            f"ContourData (3006,0050) must be finite triplets (x, y, z) [mm]; got {values.size} numbers in "
            f"{where}; export the structures again"
        )
    return values.reshape(-1, 3)
