"""What pictures of three planes with something in colour share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from tumorboard.core.image import Image
from tumorboard.plotting._drawing import FONT_SIZE, label_edges, plane_title, scale_bar, write
from tumorboard.plotting._planes import OrientedGrid, Plane, picture_of

#: Below the outlines: a target must show where the isodose that should cover it runs along its edge.
_BELOW_OUTLINES: Final = 1.5


def section_of(grid: OrientedGrid, image: Image, plane: Plane, index: int) -> NDArray[Any]:
    """Return the values of an image in a plane, as they are drawn."""
    return picture_of(grid.orient(image.values).take(index, axis=plane.value), plane)


def letter(ax: Axes, grid: OrientedGrid, plane: Plane) -> None:
    """Name a plane and its sides, and draw its scale, white on black."""
    label_edges(ax, plane, colour="#9fd3ff", halo="black")
    scale_bar(ax, grid, plane, colour="white", halo="black")
    write(ax, 0.01, 1.02, plane_title(grid, plane), transform=ax.transAxes, color="white", va="bottom")


def draw_levels(
    ax: Axes,
    section: NDArray[Any],
    grid: OrientedGrid,
    plane: Plane,
    levels: Iterable[float],
    *,
    colours_of: Callable[[list[float]], Any],
    widths: tuple[float, float],
) -> None:
    """Draw the lines of those levels that lie among a section's values; widths are a line's and its rim's."""
    known = section[np.isfinite(section)]
    inside = [level for level in levels if known.size and float(known.min()) < level < float(known.max())]
    if not inside or min(section.shape) < 2:
        return
    wide, high = grid.extent_mm(plane)
    x = (np.arange(section.shape[1]) + 0.5) * wide / section.shape[1]
    y = (np.arange(section.shape[0]) + 0.5) * high / section.shape[0]
    lines = ax.contour(
        x, y, section, levels=inside, colors=colours_of(inside), linewidths=widths[0], zorder=_BELOW_OUTLINES
    )
    lines.set_path_effects([withStroke(linewidth=widths[1], foreground=(0.0, 0.0, 0.0, 0.6))])


def draw_scale(figure: Figure, colours: ScalarMappable, label: str, *, bar_in: float, tall_in: float) -> None:
    """Draw the scale of colours at the right edge, in ``bar_in`` of room [inch]."""
    width, height = figure.get_size_inches()
    tall = min(0.8, tall_in / height)
    cax = figure.add_axes((1 - (bar_in - 0.1) / width, 0.48 - tall / 2, 0.16 / width, tall))
    bar = figure.colorbar(colours, cax=cax)
    bar.set_label(label, color="white", fontsize=FONT_SIZE, parse_math=False)
    bar.ax.tick_params(colors="white", labelsize=FONT_SIZE - 1)
    bar.outline.set_edgecolor("white")
