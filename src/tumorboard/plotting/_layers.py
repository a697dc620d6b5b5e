"""A grey background, perhaps an overlay in colour, and outlines, drawn plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tumorboard.core.grid import Grid, require_same_grid
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
        Boolean LABEL image on the grid of the image it is drawn on, or on a part of it
        (:meth:`~tumorboard.core.Image.crop`).
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
            _corner(self.grid.grid, item)

    def slices_with(self, item: Outline, plane: Plane) -> NDArray[np.intp]:
        """Return the slices along a plane's normal, in oriented order, that an outline's mask fills."""
        axis = self.grid.order[plane.value]
        others = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(item.mask.values.any(axis=others)) + _corner(self.grid.grid, item)[axis]
        turned: NDArray[np.intp] = self._turned(filled, plane)
        return turned

    def _turned(self, index: Any, plane: Plane) -> Any:
        """Turn an index along a plane's normal from array to oriented order, or back."""
        along = plane.value
        return self.grid.shape[along] - 1 - index if self.grid.flipped[along] else index

    def _mask_section(self, item: Outline, plane: Plane, index: int) -> NDArray[np.bool_] | None:
        """Return a mask's slice in the whole plane; ``None`` where the mask does not reach it."""
        axis, start = self.grid.order[plane.value], _corner(self.grid.grid, item)
        inside = int(self._turned(index, plane)) - start[axis]
        if not 0 <= inside < item.mask.values.shape[axis]:
            return None
        slab = np.zeros([1 if a == axis else n for a, n in enumerate(self.grid.grid.shape)], dtype=bool)
        ends = zip(start, item.mask.values.shape, strict=True)
        window = tuple(slice(0, 1) if a == axis else slice(s, s + n) for a, (s, n) in enumerate(ends))
        slab[window] = item.mask.values.take([inside], axis=axis)
        whole: NDArray[np.bool_] = self.grid.orient(slab).take(0, axis=plane.value)
        return whole

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
            mask = self._mask_section(item, plane, index)
            if mask is not None:
                outline(ax, mask, self.grid, plane, item.rgb)


def _corner(grid: Grid, item: Outline) -> tuple[int, ...]:
    """Return the voxel of ``grid`` where a mask begins; a mask that is no part of it is a GridMismatch."""
    start = np.round(grid.patient_to_index(item.mask.grid.origin_mm)).astype(int)
    stop = start + item.mask.grid.shape
    is_part = bool((start >= 0).all() and (stop <= grid.shape).all())
    part = grid.crop(start, stop) if is_part else grid
    require_same_grid(part, item.mask.grid, what=f"background and mask of {item.name!r}")
    return tuple(start.tolist())


def _faded(values: NDArray[Any], window: tuple[float, float]) -> NDArray[np.float64]:
    low, high = window
    share = np.nan_to_num((np.asarray(values, dtype=np.float64) - low) / (high - low), nan=0.0)
    colours: NDArray[np.float64] = np.asarray(colormaps["hot"](np.clip(share, 0.0, 1.0)))
    colours[..., 3] = _OVERLAY_OPACITY * np.clip(share / _FADE, 0.0, 1.0)
    return colours
