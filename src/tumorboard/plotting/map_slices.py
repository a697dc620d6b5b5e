"""A map over a CT in three planes: differences of dose, uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image
from tumorboard.plotting._drawing import checked_window, legible, show_plane, to_png
from tumorboard.plotting._layers import ImageLayers, Outline
from tumorboard.plotting._layout import draw_legend, legend_height_in, row_of_axes
from tumorboard.plotting._planes import OrientedGrid, Plane
from tumorboard.plotting._three_planes import draw_scale, letter, section_of

__all__ = ["MapColours", "map_slices"]

_OPACITY: Final = 0.75
#: Share of half the scale about its middle over which two-sided colours fade in: no difference, no colour.
_FADE: Final = 0.2
_BAR_IN: Final = 1.3


class MapColours(Enum):
    """How values are shown; the values are matplotlib's names.

    ``TWO_SIDED`` has no colour in the middle of its window, blue below and red above; ``ONE_SIDED`` goes from
    dark to bright.
    """

    TWO_SIDED = "coolwarm"
    ONE_SIDED = "viridis"


def map_slices(
    background: Image,
    overlay: Image,
    *,
    point_mm: tuple[float, float, float],
    background_window: tuple[float, float],
    overlay_window: tuple[float, float],
    colours: MapColours,
    overlay_name: str,
    where: Image | None = None,
    outlines: Sequence[Outline] = (),
) -> bytes:
    """Return the three orthogonal planes through a point with a map in colour.

    Parameters
    ----------
    background
        Volume in grey, e.g. CT.
    overlay
        The map, of any quantity on the same grid.
    point_mm
        Patient (x, y, z) that the planes pass through [mm].
    background_window, overlay_window
        Values at the ends of the two scales, each in its image's unit; beyond them the end colours hold.
    colours
        How the map is coloured.
    overlay_name
        Names the scale, with its unit, e.g. ``"Dose difference [Gy]"``.
    where
        Boolean LABEL image on the same grid; elsewhere the map is not shown. ``None``: everywhere.
    outlines
        Structures on the same grid or parts of it.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    GridMismatch
        When images stand on different grids.
    InputError
        When the point lies outside, or a window does not ascend.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((8, 6, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.zeros(grid.shape), grid, Quantity.CT_NUMBER, Record("example"))
    >>> apart = Image(np.full(grid.shape, -0.5), grid, Quantity.DOSE, Record("example"))
    >>> png = map_slices(
    ...     ct,
    ...     apart,
    ...     point_mm=(8.0, 8.0, 8.0),
    ...     background_window=(-160, 240),
    ...     overlay_window=(-1.0, 1.0),
    ...     colours=MapColours.TWO_SIDED,
    ...     overlay_name="Dose difference [Gy]",
    ... )
    >>> png[1:4]
    b'PNG'
    """
    window = checked_window(overlay_window, overlay)
    require_same_grid(background.grid, overlay.grid, what="background and overlay")
    if where is not None:
        require_same_grid(background.grid, where.grid, what="background and where")
    grid = OrientedGrid(background.grid)
    voxel = grid.voxel_of(point_mm)
    panels = [grid.extent_mm(plane) for plane in Plane]
    figure, axes = row_of_axes(
        panels, height_in=4.2, dark=True, gap_in=0.15, bar_in=_BAR_IN, foot_in=legend_height_in(outlines)
    )
    drawing = ImageLayers(grid, background, background_window, None, None, tuple(outlines))
    for ax, plane in zip(axes, Plane, strict=True):
        drawing.draw(ax, plane, voxel[plane.value])
        section = section_of(grid, overlay, plane, voxel[plane.value])
        if where is not None:
            section = np.where(section_of(grid, where, plane, voxel[plane.value]) > 0, section, np.nan)
        show_plane(ax, _coloured(section, window, colours), grid, plane, interpolation="nearest")
        letter(ax, grid, plane)
    scale = ScalarMappable(Normalize(*window), colours.value)
    draw_scale(figure, scale, legible(overlay_name), bar_in=_BAR_IN, tall_in=3.2)
    draw_legend(figure, outlines)
    return to_png(figure)


def _coloured(section: NDArray[Any], window: tuple[float, float], colours: MapColours) -> NDArray[np.float64]:
    share = (section - window[0]) / (window[1] - window[0])
    known = np.isfinite(share)
    shown: NDArray[np.float64] = np.asarray(
        colormaps[colours.value](np.clip(np.where(known, share, 0.5), 0, 1))
    )
    opacity = np.where(known, _OPACITY, 0.0)
    if colours is MapColours.TWO_SIDED:
        from_middle = np.where(known, np.abs(2.0 * share - 1.0), 0.0)
        opacity = opacity * np.clip(from_middle / _FADE, 0.0, 1.0)
    shown[..., 3] = opacity
    return shown
