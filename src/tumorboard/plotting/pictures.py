"""Pictures of volumes as PNG files, by radiological convention and to scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import (
    FONT_SIZE,
    checked_window,
    label_edges,
    new_figure,
    scale_bar,
    show_plane,
    to_png,
    write,
)
from tumorboard.plotting._layers import ImageLayers, Outline
from tumorboard.plotting._layout import colour_bar, draw_legend, legend_height_in, row_of_axes
from tumorboard.plotting._planes import OrientedGrid, Plane, picture_of
from tumorboard.plotting._three_planes import letter
from tumorboard.plotting.blocks import PointLink

__all__ = [
    "Outline",
    "Plane",
    "acquired_plane",
    "fused_slices",
    "maximum_intensity_projection",
    "montage_slices",
    "series_thumbnail",
]

#: Room for a colour scale with its numbers and label [inch].
_BAR_IN = 1.1
_MARK_COLOUR = "#d11a2a"


def maximum_intensity_projection(
    image: Image,
    *,
    window: tuple[float, float],
    directions: Sequence[Plane] = (Plane.CORONAL, Plane.SAGITTAL),
    points: Sequence[PointLink] = (),
) -> bytes:
    """Return maximum-intensity projections in inverse grey, side by side and to one scale.

    Parameters
    ----------
    image
        Volume, e.g. SUV.
    window
        Values shown white and black, in the image's unit.
    directions
        Picture planes; each is projected along its normal.
    points
        Marked with a circle and their text; points outside of the volume are left out.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((8, 6, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> suv = Image(np.ones(grid.shape), grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> maximum_intensity_projection(suv, window=(0.0, 5.0))[1:4]
    b'PNG'
    """
    low, high = checked_window(window, image)
    grid = OrientedGrid(image.grid)
    values = grid.orient(image.values)
    marks = [point for point in points if _is_inside(grid, point)]
    labelled = bool(marks) and len(marks) <= _MOST_NAMES
    panels = [grid.extent_mm(plane) for plane in directions]
    figure, axes = row_of_axes(
        panels, height_in=6.4, dark=False, gap_in=1.5 if labelled else 0.2, bar_in=_BAR_IN
    )
    for ax, plane in zip(axes, directions, strict=True):
        # fmax, not max: a voxel without a value must not blank its whole ray
        projected = np.fmax.reduce(values, axis=plane.value)
        show_plane(ax, picture_of(projected, plane), grid, plane, cmap="gray_r", vmin=low, vmax=high)
        label_edges(ax, plane, colour="#0b5c8a", halo="white")
        scale_bar(ax, grid, plane, colour="#1c2530", halo="white")
        _mark_points(ax, grid, plane, marks, labelled=labelled)
    colour_bar(figure, "gray_r", (low, high), image.quantity, colour="#1c2530", bar_in=_BAR_IN)
    return to_png(figure)


def fused_slices(
    background: Image,
    overlay: Image | None,
    *,
    point_mm: tuple[float, float, float],
    background_window: tuple[float, float],
    overlay_window: tuple[float, float] | None = None,
    outlines: Sequence[Outline] = (),
) -> bytes:
    """Return the three orthogonal planes through a point, an overlay in colour over a grey background.

    Parameters
    ----------
    background
        Volume in grey, e.g. CT.
    overlay
        Volume in colour on the same grid, e.g. PET resampled to the CT; ``None`` for none.
    point_mm
        Patient point (x, y, z) inside the volume, LPS [mm].
    background_window, overlay_window
        Values at the ends of the two colour scales, each in its image's unit.
    outlines
        Structures on the same grid, drawn by their edges.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    GridMismatch
        When the overlay or a mask stands on another grid.
    InputError
        When the point lies outside, or a window does not ascend.
    """
    grid = OrientedGrid(background.grid)
    voxel = grid.voxel_of(point_mm)
    panels = [grid.extent_mm(plane) for plane in Plane]
    bar_in = _BAR_IN if overlay is not None else 0.0
    figure, axes = row_of_axes(
        panels, height_in=4.2, dark=True, gap_in=0.15, bar_in=bar_in, foot_in=legend_height_in(outlines)
    )
    drawing = ImageLayers(grid, background, background_window, overlay, overlay_window, tuple(outlines))
    for ax, plane in zip(axes, Plane, strict=True):
        drawing.draw(ax, plane, voxel[plane.value])
        letter(ax, grid, plane)
        x, y = grid.place_mm(plane, point_mm)
        _crosshair(ax, x, y, grid.extent_mm(plane))
    if overlay is not None and overlay_window is not None:
        colour_bar(figure, "hot", overlay_window, overlay.quantity, colour="white", bar_in=bar_in)
    draw_legend(figure, outlines)
    return to_png(figure)


def montage_slices(
    image: Image,
    *,
    window: tuple[float, float],
    outlines: Sequence[Outline] = (),
    count: int = 8,
    plane: Plane = Plane.AXIAL,
    overlay: Image | None = None,
    overlay_window: tuple[float, float] | None = None,
) -> bytes:
    """Return parallel slices, from head to foot when they are axial, with structures outlined.

    Parameters
    ----------
    image
        Volume in grey, e.g. CT or MR.
    window
        Values shown black and white, in the image's unit.
    outlines
        Structures on the same grid or parts of it; when there are any, the slices span them, else the
        volume.
    count
        Number of slices, at least 1.
    plane
        Picture plane; :func:`acquired_plane` tells the one in which a series was taken.
    overlay, overlay_window
        As in :func:`fused_slices`.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    GridMismatch
        When the overlay or a mask stands on another grid.
    """
    if count < 1:
        raise InputError(f"count must be at least 1 slice; got {count}")
    grid = OrientedGrid(image.grid)
    drawing = ImageLayers(grid, image, window, overlay, overlay_window, tuple(outlines))
    slices = _slices_to_show(drawing, plane, count)
    columns = min(4, len(slices))
    rows = -(-len(slices) // columns)
    width, height = grid.extent_mm(plane)
    cell_in = 2.6
    foot_in = legend_height_in(outlines)
    tall_in = rows * cell_in * height / width
    figure = new_figure(columns * cell_in, tall_in + foot_in, dark=True)
    for i, index in enumerate(slices):
        row, column = divmod(i, columns)
        bottom = (foot_in + tall_in * (1 - (row + 1) / rows)) / (tall_in + foot_in)
        ax = figure.add_axes((column / columns, bottom, 1 / columns, tall_in / rows / (tall_in + foot_in)))
        drawing.draw(ax, plane, index)
        text = _depth_text(grid, plane, index)
        write(
            ax,
            0.03,
            0.97,
            text,
            halo="black",
            transform=ax.transAxes,
            color="white",
            va="top",
            fontsize=FONT_SIZE - 1,
        )
        if i == 0:
            label_edges(ax, plane, colour="#9fd3ff", halo="black")
            scale_bar(ax, grid, plane, colour="white", halo="black")
    draw_legend(figure, outlines)
    return to_png(figure)


def series_thumbnail(image: Image, *, window: tuple[float, float] | None = None) -> bytes:
    """Return a small picture of a series: its middle axial plane, or a projection of emission images.

    Parameters
    ----------
    image
        Any volume.
    window
        Values at the ends of the grey scale; ``None``: the 1st and 99th percentile of what is shown,
        for a thumbnail is there to recognise a series by, not to measure.

    Returns
    -------
    bytes
        A PNG file.
    """
    grid = OrientedGrid(image.grid)
    values = grid.orient(image.values)
    emission = image.quantity.is_suv or image.quantity in (Quantity.ACTIVITY_CONCENTRATION, Quantity.COUNTS)
    if emission:
        plane, section = Plane.CORONAL, np.fmax.reduce(values, axis=Plane.CORONAL.value)
    else:
        plane = acquired_plane(image)
        section = values.take(grid.shape[plane.value] // 2, axis=plane.value)
    low, high = checked_window(window, image) if window is not None else _spread(section)
    width, height = grid.extent_mm(plane)
    longest_in = 1.8
    scale = longest_in / max(width, height)
    figure = new_figure(width * scale, height * scale, dark=not emission)
    ax = figure.add_axes((0, 0, 1, 1))
    cmap = "gray_r" if emission else "gray"
    show_plane(ax, picture_of(section, plane), grid, plane, cmap=cmap, vmin=low, vmax=high)
    return to_png(figure)


def acquired_plane(image: Image) -> Plane:
    """Return the plane normal to the coarsest axis, axial when the voxels are cubes.

    Parameters
    ----------
    image
        Any volume.

    Returns
    -------
    Plane
        The picture plane in which the volume was sampled finest.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((8, 6, 6), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> acquired_plane(Image(np.zeros(grid.shape), grid, Quantity.MR_SIGNAL, Record("example")))
    <Plane.SAGITTAL: 2>
    """
    spacing = OrientedGrid(image.grid).spacing_mm
    coarsest = int(np.argmax(spacing))
    # Cubes to a few per cent still count as cubes.
    return Plane(coarsest) if spacing[coarsest] > 1.05 * np.median(spacing) else Plane.AXIAL


#: With more points than this, names would hide the picture.
_MOST_NAMES = 14


def _is_inside(grid: OrientedGrid, point: PointLink) -> bool:
    index = grid.index_of(point.point_mm)
    return bool(((index >= -0.5) & (index <= np.array(grid.shape) - 0.5)).all())


def _mark_points(
    ax: Axes, grid: OrientedGrid, plane: Plane, marks: Sequence[PointLink], *, labelled: bool
) -> None:
    if not marks:
        return
    width, height = grid.extent_mm(plane)
    places = [(*grid.place_mm(plane, mark.point_mm), mark.text) for mark in marks]
    places.sort(key=lambda place: place[1])
    x, y = [place[0] for place in places], [place[1] for place in places]
    ax.scatter(x, y, s=90, facecolors="none", edgecolors=_MARK_COLOUR)
    if not labelled:
        return
    beside = _spread_out(y, 0.035 * height, height)
    for from_x, from_y, to_y, place in zip(x, y, beside, places, strict=True):
        ax.plot([from_x, 1.02 * width], [from_y, to_y], color=_MARK_COLOUR, linewidth=0.6, clip_on=False)
        write(ax, 1.03 * width, to_y, place[2], color="#a01420", va="center", fontsize=FONT_SIZE - 1)


def _spread_out(places: Sequence[float], apart: float, height: float) -> list[float]:
    """Move ascending places so that neighbours are ``apart``, all within ``height``."""
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + apart) if spread else place)
    too_low = max(0.0, spread[-1] - height) if spread else 0.0
    return [place - too_low for place in spread]


def _crosshair(ax: Axes, x: float, y: float, extent: tuple[float, float]) -> None:
    # Open in the middle: the point itself must stay visible.
    gap_x = gap_y = 0.05 * min(extent)
    style: dict[str, Any] = {"color": "#59d976", "linewidth": 0.8}
    ax.plot([0, x - gap_x], [y, y], **style)
    ax.plot([x + gap_x, extent[0]], [y, y], **style)
    ax.plot([x, x], [0, y - gap_y], **style)
    ax.plot([x, x], [y + gap_y, extent[1]], **style)


def _slices_to_show(drawing: ImageLayers, plane: Plane, count: int) -> list[int]:
    first, last = 0, drawing.grid.shape[plane.value] - 1
    filled = [indices for o in drawing.outlines if (indices := drawing.slices_with(o, plane)).size]
    if filled:
        first, last = int(min(f.min() for f in filled)), int(max(f.max() for f in filled))
    # Middles of equal parts: the outermost slices show least.
    middles = first + (np.arange(count) + 0.5) * (last - first + 1) / count - 0.5
    if plane is Plane.AXIAL:
        middles = middles[::-1]
    return list(dict.fromkeys(int(i) for i in np.round(middles).clip(first, last)))


def _depth_text(grid: OrientedGrid, plane: Plane, index: int) -> str:
    """Where a slice's centre lies along the patient axis that it is normal to."""
    along = plane.value
    middle = [(n - 1) / 2 for n in grid.grid.shape]
    middle[grid.order[along]] = grid.shape[along] - 1 - index if grid.flipped[along] else index
    depth_mm = grid.grid.index_to_patient(middle)[2 - along]
    return f"{'zyx'[along]} {depth_mm:.0f} mm".replace("-", "−")


def _spread(section: NDArray[Any]) -> tuple[float, float]:
    finite = np.asarray(section, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    low, high = np.percentile(finite, (1.0, 99.0)) if finite.size else (0.0, 0.0)
    return float(low), float(high) if high > low else float(low) + 1.0
