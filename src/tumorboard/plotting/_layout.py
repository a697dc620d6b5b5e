"""How panels, colour bar and legend share one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tumorboard.core.image import Quantity
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, quantity_label
from tumorboard.plotting._layers import Outline

__all__ = ["colour_bar", "draw_legend", "legend_height_in", "row_of_axes"]

_LEGEND_COLUMNS: Final = 4
_LINE_IN: Final = 0.28


def row_of_axes(
    panels: Sequence[tuple[float, float]],
    *,
    height_in: float,
    dark: bool,
    gap_in: float,
    bar_in: float,
    foot_in: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """Return axes side by side to one scale, with room at their right, for a colour bar and for a legend.

    ``panels`` are widths and heights [mm]; what ends in ``_in`` is on paper [inch].
    """
    title_in = 0.3
    tallest = max(height for _, height in panels)
    widths = sum(width for width, _ in panels)
    # No wider than a page, however short and broad the volume.
    scale = min(height_in / tallest, 11.0 / widths)
    total_w = widths * scale + gap_in * len(panels) + bar_in
    total_h = tallest * scale + title_in + foot_in
    figure = new_figure(total_w, total_h, dark=dark)
    axes, left = [], 0.0
    for width, height in panels:
        bottom = foot_in + (tallest - height) * scale
        box = (left / total_w, bottom / total_h, width * scale / total_w, height * scale / total_h)
        axes.append(figure.add_axes(box))
        left += width * scale + gap_in
    return figure, axes


def colour_bar(
    figure: Figure, cmap: str, window: tuple[float, float], quantity: Quantity, *, colour: str, bar_in: float
) -> None:
    """Draw a colour scale at the right edge, in a margin of ``bar_in`` [inch]."""
    width, height = figure.get_size_inches()
    tall = min(0.7, 2.6 / height)
    cax = figure.add_axes((1 - (bar_in - 0.05) / width, 0.5 - tall / 2, 0.14 / width, tall))
    bar = figure.colorbar(ScalarMappable(Normalize(*window), cmap), cax=cax)
    bar.set_label(quantity_label(quantity), color=colour, fontsize=FONT_SIZE)
    bar.ax.tick_params(colors=colour, labelsize=FONT_SIZE - 1)
    bar.outline.set_edgecolor(colour)


def legend_height_in(outlines: Sequence[Outline]) -> float:
    """Return the height that :func:`draw_legend` needs [inch]."""
    return _LINE_IN * -(-len(outlines) // _LEGEND_COLUMNS)


def draw_legend(figure: Figure, outlines: Sequence[Outline]) -> None:
    """Name the outlines at the foot of the figure."""
    if not outlines:
        return
    _, height = figure.get_size_inches()
    for i, item in enumerate(outlines):
        row, column = divmod(i, _LEGEND_COLUMNS)
        x = 0.01 + column / _LEGEND_COLUMNS
        y = (legend_height_in(outlines) - _LINE_IN * (row + 0.5)) / height
        colour = tuple(v / 255 for v in item.rgb)
        figure.text(x, y, "■", color=colour, va="center", fontsize=FONT_SIZE + 1)
        figure.text(
            x + 0.02, y, legible(item.name), color="white", va="center", fontsize=FONT_SIZE, parse_math=False
        )
