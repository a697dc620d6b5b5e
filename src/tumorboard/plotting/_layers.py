"""A grey background, perhaps an overlay in colour, and outlines, drawn plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import checked_window, outline, show_plane
from tumorboard.plotting._planes import OrientedGrid, Plane, picture_of

__all__ = ["ImageLayers", "Outline"]

#: Share of an overlay's window over which it fades in, and how opaque it gets.
_FADE = 0.25
_OVERLAY_OPACITY = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A structure to draw by its edge.

    Parameters
    ----------
    name
        Shown in the legend.
    mask
        Boolean LABEL image on the grid of the image it is drawn on.
    rgb
        Colour, 0 to 255 each; :func:`tumorboard.plotting.structure_rgb` gives a set.
    """

    name: str
    mask: Image
    rgb: tuple[int, int, int]

    def __post_init__(self) -> None:
        if self.mask.quantity is not Quantity.LABEL or self.mask.values.dtype != bool:
            raise InputError(f"mask of {self.name!r} must be a boolean LABEL image; got {self.mask.quantity}")


@dataclass(frozen=True, slots=True)
class ImageLayers:
    """A background, perhaps an overlay, and outlines, all on one grid."""

    grid: OrientedGrid
    background: Image
    window: tuple[float, float]
    overlay: Image | None
    overlay_window: tuple[float, float] | None
    outlines: tuple[Outline, ...]

    def __post_init__(self) -> None:
        checked_window(self.window, self.background)
        if (self.overlay is None) != (self.overlay_window is None):
            raise InputError("overlay and overlay_window must be given together; got only one of them")
        if self.overlay is not None and self.overlay_window is not None:
            checked_window(self.overlay_window, self.overlay)
            require_same_grid(self.background.grid, self.overlay.grid, what="background and overlay")
        for item in self.outlines:
            require_same_grid(
                self.background.grid, item.mask.grid, what=f"background and mask of {item.name!r}"
            )

    def draw(self, ax: Axes, plane: Plane, index: int) -> None:
        def section(values: NDArray[Any]) -> NDArray[Any]:
            taken: NDArray[Any] = self.grid.orient(values).take(index, axis=plane.value)
            return taken

        low, high = self.window
        picture = picture_of(section(self.background.values), plane)
        show_plane(ax, picture, self.grid, plane, cmap="gray", vmin=low, vmax=high, interpolation="bilinear")
        if self.overlay is not None and self.overlay_window is not None:
            colours = _faded(picture_of(section(self.overlay.values), plane), self.overlay_window)
            show_plane(ax, colours, self.grid, plane, interpolation="bilinear")
        for item in self.outlines:
            outline(ax, section(item.mask.values), self.grid, plane, item.rgb)


def _faded(values: NDArray[Any], window: tuple[float, float]) -> NDArray[np.float64]:
    low, high = window
    share = np.nan_to_num((np.asarray(values, dtype=np.float64) - low) / (high - low), nan=0.0)
    colours: NDArray[np.float64] = np.asarray(colormaps["hot"](np.clip(share, 0.0, 1.0)))
    colours[..., 3] = _OVERLAY_OPACITY * np.clip(share / _FADE, 0.0, 1.0)
    return colours
