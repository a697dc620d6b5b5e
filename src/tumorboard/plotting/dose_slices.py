"""Dose over a CT: colour wash and isodose lines in three planes, with structures outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import (
    FONT_SIZE,
    legible,
    show_plane,
    to_png,
)
from tumorboard.plotting._layers import ImageLayers, Outline
from tumorboard.plotting._layout import draw_legend, legend_height_in, row_of_axes
from tumorboard.plotting._planes import OrientedGrid, Plane
from tumorboard.plotting._three_planes import draw_levels, letter, section_of

__all__ = ["ISODOSES_PERCENT", "dose_slices"]

#: Lines that are drawn, in percent of the reference dose.
ISODOSES_PERCENT: Final = (10.0, 30.0, 50.0, 70.0, 90.0, 95.0, 100.0, 107.0)

#: The colours end at this share of the reference dose, so that one means the same in every picture.
_TOP: Final = 1.15
_OPACITY: Final = 0.4
_COLOURS: Final = "turbo"
#: Room for the scale with both numbers [inch].
_BAR_IN: Final = 1.75


def dose_slices(
    background: Image,
    dose: Image,
    *,
    point_mm: tuple[float, float, float],
    background_window: tuple[float, float],
    reference_gy: float,
    outlines: Sequence[Outline] = (),
    isodoses_percent: Sequence[float] = ISODOSES_PERCENT,
    dose_name: str = "Dose",
) -> bytes:
    """Return the three orthogonal planes through a point with dose as colour wash and isodose lines.

    From each isodose to the next the colours change by the same step: 90, 95, 100 and 107 % would all be
    one red on an even scale.

    Parameters
    ----------
    background
        Volume in grey, e.g. CT.
    dose
        DOSE on the same grid [Gy]. Nothing is resampled here: carry one to the grid of the other by
        :func:`tumorboard.numerics.resample.resample` first, and choose how.
    point_mm
        Patient (x, y, z) that the planes pass through [mm].
    background_window
        Values shown black and white, in the background's unit.
    reference_gy
        Dose that is 100 %, e.g. the prescribed one, > 0 [Gy].
    outlines
        Structures on the same grid or parts of it.
    isodoses_percent
        Ascending lines, > 0 and below 115, in percent of the reference dose; the wash begins at the
        first [%].
    dose_name
        Names the scale, e.g. ``"RBE-weighted dose"``.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    GridMismatch
        When dose or a mask stands on another grid.
    InputError
        When the point lies outside, ``dose`` is no dose, or a number is out of range.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((8, 6, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.zeros(grid.shape), grid, Quantity.CT_NUMBER, Record("example"))
    >>> dose = Image(np.ones(grid.shape), grid, Quantity.DOSE, Record("example"))
    >>> png = dose_slices(
    ...     ct, dose, point_mm=(8.0, 8.0, 8.0), background_window=(-160, 240), reference_gy=1.0
    ... )
    >>> png[1:4]
    b'PNG'
    """
    levels = _checked(dose, reference_gy, isodoses_percent)
    require_same_grid(background.grid, dose.grid, what="background and dose")
    grid = OrientedGrid(background.grid)
    voxel = grid.voxel_of(point_mm)
    panels = [grid.extent_mm(plane) for plane in Plane]
    figure, axes = row_of_axes(
        panels, height_in=4.2, dark=True, gap_in=0.15, bar_in=_BAR_IN, foot_in=legend_height_in(outlines)
    )
    drawing = ImageLayers(grid, background, background_window, None, None, tuple(outlines))
    scale = _Scale(np.array([0.0, *levels, _TOP * reference_gy]))
    for ax, plane in zip(axes, Plane, strict=True):
        section = section_of(grid, dose, plane, voxel[plane.value])
        drawing.draw(ax, plane, voxel[plane.value])
        show_plane(ax, _wash(section, levels[0], scale), grid, plane, interpolation="bilinear")
        draw_levels(ax, section, grid, plane, levels, colours_of=scale.colours, widths=(1.1, 1.9))
        letter(ax, grid, plane)
    _draw_scale(figure, scale, reference_gy, dose_name)
    draw_legend(figure, outlines)
    return to_png(figure)


def _checked(dose: Image, reference_gy: float, isodoses_percent: Sequence[float]) -> NDArray[np.float64]:
    """Return the isodoses in Gy."""
    if dose.quantity is not Quantity.DOSE:
        raise InputError(f"dose must be a DOSE image [Gy]; got {dose.quantity.name}")
    if not (np.isfinite(reference_gy) and reference_gy > 0):
        raise InputError(f"reference_gy must be finite and > 0 [Gy]; got {reference_gy!r}")
    percent = np.asarray(isodoses_percent, dtype=np.float64)
    if percent.size < 1 or (np.diff(percent) <= 0).any() or percent[0] <= 0 or percent[-1] >= 100 * _TOP:
        raise InputError(
            f"isodoses_percent must ascend, > 0 and < {100 * _TOP:g} [%]; got {percent.tolist()}"
        )
    levels: NDArray[np.float64] = percent / 100.0 * reference_gy
    return levels


@dataclass(frozen=True, slots=True)
class _Scale:
    """Colours that change by equal steps from node to node [Gy]."""

    nodes_gy: NDArray[np.float64]

    def shares(self, dose_gy: ArrayLike) -> NDArray[np.float64]:
        """Return where doses lie on the scale, 0 to 1; no dose (NaN) stays none."""
        even = np.linspace(0.0, 1.0, self.nodes_gy.size)
        return np.interp(np.asarray(dose_gy, dtype=np.float64), self.nodes_gy, even)

    def colours(self, dose_gy: ArrayLike) -> NDArray[np.float64]:
        """Return red, green, blue and opacity, 0 to 1."""
        colours: NDArray[np.float64] = np.asarray(colormaps[_COLOURS](self.shares(dose_gy)))
        return colours


def _wash(section: NDArray[Any], lowest_gy: float, scale: _Scale) -> NDArray[np.float64]:
    colours = scale.colours(section)
    colours[..., 3] = np.where(section >= lowest_gy, _OPACITY, 0.0)
    return colours


def _draw_scale(figure: Figure, scale: _Scale, reference_gy: float, dose_name: str) -> None:
    """Draw the scale at the right edge, each line with its dose and its share of the reference."""
    width, height = figure.get_size_inches()
    tall = min(0.8, 3.6 / height)
    cax = figure.add_axes((1 - (_BAR_IN - 0.08) / width, 0.5 - tall / 2, 0.16 / width, tall))
    bar = figure.colorbar(ScalarMappable(cmap=_COLOURS), cax=cax)
    levels = scale.nodes_gy[1:-1]
    texts = [f"{level:.4g} Gy  {100 * level / reference_gy:.4g} %" for level in levels]
    bar.set_ticks(scale.shares(levels).tolist(), labels=texts)
    bar.ax.minorticks_off()
    label = f"{legible(dose_name)}; 100 % is {reference_gy:.4g} Gy"
    bar.set_label(label, color="white", fontsize=FONT_SIZE, parse_math=False)
    bar.ax.tick_params(colors="white", labelsize=FONT_SIZE - 2)
    bar.outline.set_edgecolor("white")
