"""Points of a graphical analysis and the line through those after t*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png, write
from tumorboard.plotting.kinetic_fit import REGION_COLOURS, region_legend

__all__ = ["GraphicalLine", "graphical_plot"]


@dataclass(frozen=True, slots=True, eq=False)
class GraphicalLine:
    """One region's points and line.

    Parameters
    ----------
    name
        Of the region.
    result
        Written beside the name, e.g. ``"VT 3.32 ± 0.05 mL/cm3"``; may be empty.
    x, y
        Shape ``(n_points,)``; a point that is not finite is not drawn.
    included
        Which the line goes through, at least one, shape ``(n_points,)``, boolean.
    slope, intercept
        Of the line.
    """

    name: str
    result: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    included: NDArray[np.bool_]
    slope: float
    intercept: float

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        object.__setattr__(self, "included", read_only(self.included, np.bool_))
        if not self.x.shape == self.y.shape == self.included.shape or self.x.ndim != 1:
            raise InputError(
                f"x, y and included of {self.name!r} must have one shape (n_points,); got {self.x.shape}, "
                f"{self.y.shape}, {self.included.shape}"
            )
        if not (self.included & np.isfinite(self.x) & np.isfinite(self.y)).any():
            raise InputError(f"included of {self.name!r} must hold a finite point; it holds none")


def graphical_plot(lines: Sequence[GraphicalLine], *, title: str, x_label: str, y_label: str) -> bytes:
    """Return the plot: points of the line filled, others open, the line dashed beyond its points.

    The axes end where the lines' points do: a curve near 0, as in the first frames, makes points far away,
    whose number is written.

    Parameters
    ----------
    lines
        One to eight.
    title, x_label, y_label
        With units.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When there are no lines or more than eight.

    Examples
    --------
    >>> line = GraphicalLine("thalamus", "", [1.0, 2.0, 3.0], [1.0, 3.0, 5.0], [False, True, True], 2.0, -1.0)
    >>> graphical_plot([line], title="Logan", x_label="x [min]", y_label="y [min]")[1:4]
    b'PNG'
    """
    if not 1 <= len(lines) <= len(REGION_COLOURS):
        raise InputError(f"lines must be 1 to {len(REGION_COLOURS)}; got {len(lines)}; draw several pictures")
    figure = new_figure(6.4, 4.8, dark=False)
    axes = figure.add_axes((0.13, 0.12, 0.84, 0.8))
    right = 1.06 * max(float(line.x[line.included].max()) for line in lines)
    top = 1.06 * max(_highest(line) for line in lines)
    for line, colour in zip(lines, REGION_COLOURS, strict=False):
        ends = np.array([line.x[line.included].min(), line.x[line.included].max()])
        axes.plot(ends, line.slope * ends + line.intercept, color=colour, linewidth=1.6)
    outside = 0
    for line, colour in zip(lines, REGION_COLOURS, strict=False):
        finite = np.isfinite(line.x) & np.isfinite(line.y)
        seen = finite & (line.x <= right) & (line.y <= top) & (line.x >= 0) & (line.y >= 0)
        outside += int((finite & ~seen).sum())
        whole = np.array([0.0, right])
        axes.plot(whole, line.slope * whole + line.intercept, color=colour, linewidth=0.8, linestyle="--")
        for chosen, fill in ((seen & line.included, "full"), (seen & ~line.included, "none")):
            axes.plot(line.x[chosen], line.y[chosen], "o", color=colour, markersize=5, fillstyle=fill)
    axes.set_xlim(0.0, right)
    axes.set_ylim(0.0, top)
    axes.set_title(legible(title), fontsize=FONT_SIZE + 1, loc="left", parse_math=False)
    # Labels are this program's own and may be longer than a name from a file.
    axes.set_xlabel(x_label, fontsize=FONT_SIZE, parse_math=False)
    axes.set_ylabel(y_label, fontsize=FONT_SIZE, parse_math=False)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    if outside:
        text = f"{outside} {'point' if outside == 1 else 'points'} outside"
        style: dict[str, Any] = {
            "transform": axes.transAxes,
            "ha": "right",
            "va": "bottom",
            "color": "#555555",
        }
        write(axes, 0.985, 0.02, text, fontsize=FONT_SIZE - 1, **style)
    region_legend(axes, [line.name for line in lines], [line.result for line in lines], "upper left")
    return to_png(figure)


def _highest(line: GraphicalLine) -> float:
    """Return the highest of the line's points and of the line over them."""
    right = float(line.x[line.included].max())
    return max(float(line.y[line.included].max()), line.slope * right + line.intercept)
