"""Points of several groups over two quantities, with limits drawn and the best named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png
from tumorboard.plotting.kinetic_fit import REGION_COLOURS

__all__ = ["ScatterAxis", "ScatterPoint", "grouped_scatter"]

_MOST_NAMES: Final = 8
#: A linear stretch around 0 of an axis that is else logarithmic.
_LINEAR_BELOW: Final = 0.1


@dataclass(frozen=True, slots=True)
class ScatterPoint:
    """One point.

    Parameters
    ----------
    x, y
        Finite.
    group
        Gives its colour.
    name
        Written beside it where it is among the first; may be empty.
    """

    x: float
    y: float
    group: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ScatterAxis:
    """What one direction shows.

    Parameters
    ----------
    label
        With its unit.
    scale
        ``"log"``; ``"symlog"``, linear around 0; or ``"linear"``.
    limit
        A threshold, drawn as a line; ``None`` for none.
    """

    label: str
    scale: Literal["linear", "log", "symlog"] = "linear"
    limit: float | None = None


def grouped_scatter(
    points: Sequence[ScatterPoint],
    *,
    title: str,
    x: ScatterAxis,
    y: ScatterAxis,
    groups: Sequence[str],
    diagonal: bool = False,
) -> bytes:
    """Return points in the colours of their groups; the first few with a name are named.

    Parameters
    ----------
    points
        One at least; earlier ones lie above later ones.
    title
        Of the picture.
    x, y
        What the two directions show.
    groups
        All groups, in the order of the legend; eight at most.
    diagonal
        Whether to draw where x and y are equal.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When there are no points, too many groups, or a point of none of them.

    Examples
    --------
    >>> points = [ScatterPoint(20.0, 900.0, "Pass", "KRAS G12V"), ScatterPoint(400.0, 300.0, "Poor")]
    >>> axes = {"x": ScatterAxis("Mutant [nM]", "log", 500.0), "y": ScatterAxis("Wild type [nM]", "log")}
    >>> grouped_scatter(points, title="Binding", groups=("Pass", "Poor"), diagonal=True, **axes)[1:4]
    b'PNG'
    """
    if not points:
        raise InputError("points of a scatter must be one at least; got none")
    if not 1 <= len(groups) <= len(REGION_COLOURS) or not {p.group for p in points} <= set(groups):
        raise InputError(
            f"groups must be 1 to {len(REGION_COLOURS)} and hold every point's; got {', '.join(groups)}"
        )
    figure = new_figure(7.4, 4.6, dark=False)
    axes = figure.add_axes((0.115, 0.125, 0.66, 0.8))
    for set_scale, axis in ((axes.set_xscale, x), (axes.set_yscale, y)):
        set_scale(axis.scale, **({"linthresh": _LINEAR_BELOW} if axis.scale == "symlog" else {}))
    for place, (group, colour) in enumerate(zip(groups, REGION_COLOURS, strict=False)):
        of = [p for p in points if p.group == group]
        if not of:
            continue
        axes.scatter(
            [p.x for p in of],
            [p.y for p in of],
            s=26,
            color=colour,
            alpha=0.85,
            edgecolors="white",
            linewidths=0.5,
            zorder=10 + len(groups) - place,
            label=f"{legible(group)} ({len(of)})",
        )
    _finish_axes(axes, x, y, diagonal=diagonal)
    axes.set_title(legible(title), fontsize=FONT_SIZE + 1, loc="left", parse_math=False)
    _name_points(axes, points)
    # Beside the points, so that it hides none.
    axes.legend(
        fontsize=FONT_SIZE - 2, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), handletextpad=0.1
    )
    return to_png(figure)


def _finish_axes(axes: Axes, x: ScatterAxis, y: ScatterAxis, *, diagonal: bool) -> None:
    axes.set_xlabel(x.label, fontsize=FONT_SIZE, parse_math=False)
    axes.set_ylabel(y.label, fontsize=FONT_SIZE, parse_math=False)
    axes.grid(True, color="#e4e4e4", linewidth=0.6)
    style: dict[str, Any] = {"color": "#555555", "linewidth": 1.0, "linestyle": "--", "zorder": 2}
    if x.limit is not None:
        axes.axvline(x.limit, **style)
    if y.limit is not None:
        axes.axhline(y.limit, **style)
    if diagonal:
        low = min(axes.get_xlim()[0], axes.get_ylim()[0])
        high = max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color="#999999", linewidth=0.8, zorder=2)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)


def _name_points(axes: Axes, points: Sequence[ScatterPoint]) -> None:
    """Write the first few names, leaving out those that would lie on one another."""
    figure = axes.figure
    box = axes.get_window_extent()
    taken: list[tuple[float, float, float]] = []
    for point in [p for p in points if p.name][:_MOST_NAMES]:
        at_x, at_y = axes.transData.transform((point.x, point.y))
        text = legible(point.name)
        width = 0.62 * len(text) * (FONT_SIZE - 2) * figure.dpi / 72.0
        left = at_x + 7.0 + width > box.x1
        start = at_x - 7.0 - width if left else at_x + 7.0
        if any(abs(at_y - y) < 13.0 and start < end and begin < start + width for begin, end, y in taken):
            continue
        taken.append((start, start + width, at_y))
        axes.annotate(
            text,
            (point.x, point.y),
            xytext=(-5 if left else 5, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=FONT_SIZE - 2,
            color="#1c2530",
            parse_math=False,
            zorder=40,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
