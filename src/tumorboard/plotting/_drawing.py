"""What every picture shares: a canvas without global state, safe text, edges, scale bar, PNG bytes."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Final

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.plotting._planes import OrientedGrid, Plane, picture_of

__all__ = [
    "FONT_SIZE",
    "checked_window",
    "label_edges",
    "legible",
    "new_figure",
    "outline",
    "plane_title",
    "quantity_label",
    "scale_bar",
    "show_plane",
    "to_png",
    "write",
]

FONT_SIZE: Final = 10
_DPI: Final = 110
_FONT: Final = "DejaVu Sans"
_LONGEST_NAME: Final = 40
#: Tilt beyond which a picture says that its planes are oblique [degrees].
_OBLIQUE_DEGREES: Final = 1.0

_QUANTITY_NAMES = {
    Quantity.LET: "LETd",
    Quantity.CT_NUMBER: "CT number",
    Quantity.MR_SIGNAL: "MR signal",
    Quantity.APPARENT_DIFFUSION: "Apparent diffusion",
    Quantity.ACTIVITY_CONCENTRATION: "Activity concentration",
    Quantity.SUV_BODY_WEIGHT: "SUV (body weight)",
    Quantity.SUV_LEAN_BODY_MASS_JAMES: "SUV (lean body mass, James)",
    Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN: "SUV (lean body mass, Janmahasatian)",
    Quantity.SUV_BODY_SURFACE_AREA: "SUV (body surface area)",
    Quantity.SUV_IDEAL_BODY_WEIGHT: "SUV (ideal body weight)",
}


def new_figure(width_in: float, height_in: float, *, dark: bool) -> Figure:
    """Return a figure of its own, apart from pyplot's global state."""
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, facecolor="black" if dark else "white")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """Return the drawn figure as a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()


def legible(text: str) -> str:
    """Return text from an untrusted file as the font can draw it: one line, known glyphs, not too long."""
    known = _glyphs()
    flat = "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    return flat if len(flat) <= _LONGEST_NAME else flat[: _LONGEST_NAME - 1] + "…"


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(_FONT)).get_charmap())


def write(axes: Axes, x: float, y: float, text: str, *, halo: str | None = None, **style: Any) -> None:
    """Write text, with a rim in the colour ``halo`` where it lies on an image.

    A ``$`` in a name from a file is a dollar sign, never mathematics.
    """
    if halo is not None:
        style["path_effects"] = [withStroke(linewidth=2.0, foreground=halo)]
    axes.text(x, y, legible(text), parse_math=False, fontfamily=_FONT, **{"fontsize": FONT_SIZE, **style})


def quantity_label(quantity: Quantity) -> str:
    """Return what a colour bar says: the quantity and its unit."""
    name = _QUANTITY_NAMES.get(quantity, quantity.value.replace("_", " ").capitalize())
    return name if quantity.unit == "1" else f"{name} [{quantity.unit}]"


def plane_title(grid: OrientedGrid, plane: Plane) -> str:
    """Return the plane's name, and by how much it is oblique when that is more than a trifle."""
    tilt = grid.tilt_degrees
    name = plane.name.capitalize()
    return f"{name} (oblique by {tilt:.0f}°)" if tilt > _OBLIQUE_DEGREES else name


def checked_window(window: tuple[float, float], image: Image) -> tuple[float, float]:
    """Return the window, or raise an InputError when it is not ascending."""
    low, high = (float(v) for v in window)
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"window must be finite with low < high [{image.quantity.unit}]; got {window}")
    return low, high


def show_plane(axes: Axes, picture: NDArray[Any], grid: OrientedGrid, plane: Plane, **style: Any) -> None:
    """Draw a picture to scale; the axes are in millimetres from its left and top edge."""
    width, height = grid.extent_mm(plane)
    axes.imshow(picture, extent=(0.0, width, height, 0.0), aspect="equal", **style)
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    axes.set_axis_off()


def label_edges(axes: Axes, plane: Plane, *, colour: str, halo: str) -> None:
    """Write R/L, A/P, H/F at the picture's edges."""
    left, right, top, bottom = plane.edges
    style: dict[str, Any] = {"transform": axes.transAxes, "color": colour, "halo": halo, "fontweight": "bold"}
    write(axes, 0.012, 0.5, left, ha="left", va="center", **style)
    write(axes, 0.988, 0.5, right, ha="right", va="center", **style)
    write(axes, 0.5, 0.988, top, ha="center", va="top", **style)
    write(axes, 0.5, 0.012, bottom, ha="center", va="bottom", **style)


def scale_bar(axes: Axes, grid: OrientedGrid, plane: Plane, *, colour: str, halo: str) -> None:
    """Draw a bar of a round length, near a quarter of the width, at the lower left."""
    width, height = grid.extent_mm(plane)
    lengths = [length for length in (5, 10, 20, 50, 100, 200) if length <= max(5.0, 0.3 * width)]
    length = lengths[-1]
    x, y = 0.03 * width, height - 0.04 * min(width, height)
    for line_colour, width_pt in ((halo, 4.5), (colour, 2.5)):
        axes.plot([x, x + length], [y, y], color=line_colour, linewidth=width_pt, solid_capstyle="butt")
    text = f"{length} mm" if length < 100 else f"{length // 10} cm"
    style: dict[str, Any] = {"color": colour, "halo": halo, "fontsize": FONT_SIZE - 1}
    write(axes, x, y - 0.02 * min(width, height), text, ha="left", va="bottom", **style)


def outline(
    axes: Axes, section: NDArray[np.bool_], grid: OrientedGrid, plane: Plane, rgb: tuple[int, int, int]
) -> None:
    """Draw the edge of a mask's section, as it stands in the oriented array."""
    if not section.any():
        return
    picture = picture_of(section, plane)
    width, height = grid.extent_mm(plane)
    dx, dy = width / picture.shape[1], height / picture.shape[0]
    # matplotlib keeps coordinates of every pixel that it is given, for each outline: only those around it.
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    top, left = rows[0], columns[0]
    # A rim of zeros, so that the outline is closed at the picture's edge too.
    part = np.pad(picture[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.float32), 1)
    x = (left + np.arange(part.shape[1]) - 0.5) * dx
    y = (top + np.arange(part.shape[0]) - 0.5) * dy
    axes.contour(x, y, part, levels=[0.5], colors=[tuple(v / 255 for v in rgb)], linewidths=1.4)
