"""Emission over a CT: prompt gammas or positron emitters in colour, in three planes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from numpy.typing import NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import legible, show_plane, to_png
from tumorboard.plotting._layers import ImageLayers, Outline
from tumorboard.plotting._layout import draw_legend, legend_height_in, row_of_axes
from tumorboard.plotting._planes import OrientedGrid, Plane
from tumorboard.plotting._three_planes import draw_levels, draw_scale, letter, section_of

__all__ = ["emission_overlay"]

#: Without the darkest, which could not be told from black lungs.
_COLOURS: Final = ListedColormap(colormaps["plasma"](np.linspace(0.2, 1.0, 256)))
_OPACITY: Final = 0.8
#: Share of the scale over which the colours fade in, and below which there are none.
_FADE: Final = 0.15
_LEAST: Final = 0.02
_DOSE_COLOUR: Final = "#8fe3ff"
#: Room for the scale [inch].
_BAR_IN: Final = 1.4


def emission_overlay(
    background: Image,
    emission: Image,
    *,
    point_mm: tuple[float, float, float],
    background_window: tuple[float, float],
    emission_name: str,
    highest_per_ml: float | None = None,
    dose: Image | None = None,
    isodose_gy: Sequence[float] = (),
    outlines: Sequence[Outline] = (),
) -> bytes:
    """Return the three orthogonal planes through a point with emission in colour.

    Parameters
    ----------
    background
        Volume in grey, e.g. CT.
    emission
        EMISSIONS_PER_PROTON or EMISSIONS on the same grid, as :meth:`tumorboard.core.EmissionMap.image` gives
        them; shown per volume. Nothing is resampled here: carry one to the grid of the other first,
        conservatively.
    point_mm
        Patient (x, y, z) that the planes pass through [mm].
    background_window
        Values shown black and white, in the background's unit.
    emission_name
        Names the scale, e.g. ``"Prompt gammas, 3 to 6 MeV"``.
    highest_per_ml
        Where the colours end, > 0 [1/mL]; ``None``: at the largest value in the three planes.
    dose
        DOSE on the same grid, of which lines are drawn; ``None``: none.
    isodose_gy
        Ascending doses of these lines, > 0 [Gy]; needs ``dose``.
    outlines
        Structures on the same grid or parts of it.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    GridMismatch
        When emission, dose or a mask stands on another grid.
    InputError
        When the point lies outside, an image is of the wrong quantity, or a number is out of range.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((8, 6, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.zeros(grid.shape), grid, Quantity.CT_NUMBER, Record("example"))
    >>> gammas = Image(np.full(grid.shape, 1e-4), grid, Quantity.EMISSIONS_PER_PROTON, Record("example"))
    >>> png = emission_overlay(
    ...     ct,
    ...     gammas,
    ...     point_mm=(8.0, 8.0, 8.0),
    ...     background_window=(-160, 240),
    ...     emission_name="Prompt gammas",
    ... )
    >>> png[1:4]
    b'PNG'
    """
    _check(emission, dose, isodose_gy, highest_per_ml)
    require_same_grid(background.grid, emission.grid, what="background and emission")
    if dose is not None:
        require_same_grid(background.grid, dose.grid, what="background and dose")
    grid = OrientedGrid(background.grid)
    voxel = grid.voxel_of(point_mm)
    per_ml = 1.0 / background.grid.voxel_volume_ml
    sections = {plane: section_of(grid, emission, plane, voxel[plane.value]) * per_ml for plane in Plane}
    highest = highest_per_ml or _largest(sections.values())
    panels = [grid.extent_mm(plane) for plane in Plane]
    figure, axes = row_of_axes(
        panels, height_in=4.2, dark=True, gap_in=0.15, bar_in=_BAR_IN, foot_in=legend_height_in(outlines)
    )
    drawing = ImageLayers(grid, background, background_window, None, None, tuple(outlines))
    for ax, plane in zip(axes, Plane, strict=True):
        drawing.draw(ax, plane, voxel[plane.value])
        show_plane(ax, _wash(sections[plane] / highest), grid, plane, interpolation="bilinear")
        if dose is not None:
            section = section_of(grid, dose, plane, voxel[plane.value])
            draw_levels(
                ax, section, grid, plane, isodose_gy, colours_of=lambda _: [_DOSE_COLOUR], widths=(0.9, 1.6)
            )
        letter(ax, grid, plane)
    power, label = _label(highest, emission, emission_name)
    colours = ScalarMappable(Normalize(0.0, highest / power), _COLOURS)
    draw_scale(figure, colours, label, bar_in=_BAR_IN, tall_in=3.4)
    draw_legend(figure, outlines)
    return to_png(figure)


def _check(
    emission: Image, dose: Image | None, isodose_gy: Sequence[float], highest_per_ml: float | None
) -> None:
    if emission.quantity not in (Quantity.EMISSIONS_PER_PROTON, Quantity.EMISSIONS):
        raise InputError(
            f"emission must be of EMISSIONS_PER_PROTON or EMISSIONS; got {emission.quantity.name}; "
            "EmissionMap.image() gives one"
        )
    if highest_per_ml is not None and not (np.isfinite(highest_per_ml) and highest_per_ml > 0):
        raise InputError(f"highest_per_ml must be finite and > 0 [1/mL]; got {highest_per_ml!r}")
    if dose is not None and dose.quantity is not Quantity.DOSE:
        raise InputError(f"dose must be a DOSE image [Gy]; got {dose.quantity.name}")
    levels = np.asarray(isodose_gy, dtype=np.float64)
    if (dose is None) != (levels.size == 0) or (np.diff(levels) <= 0).any() or (levels <= 0).any():
        raise InputError(
            f"isodose_gy must ascend, > 0 [Gy], and come with dose; got {levels.tolist()} "
            f"and {'no dose' if dose is None else 'dose'}"
        )


def _largest(sections: Iterable[NDArray[np.float64]]) -> float:
    """Return the largest value, or 1 where all is 0."""
    return max(float(np.nan_to_num(section).max()) for section in sections) or 1.0


def _wash(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return red, green, blue and opacity of shares of the scale; nothing where there is next to nothing."""
    share = np.nan_to_num(share, nan=0.0)
    colours: NDArray[np.float64] = np.asarray(_COLOURS(np.clip(share, 0.0, 1.0)))
    colours[..., 3] = _OPACITY * np.clip((share - _LEAST) / (_FADE - _LEAST), 0.0, 1.0)
    return colours


def _label(highest: float, emission: Image, name: str) -> tuple[float, str]:
    """Return the power of ten that numbers of the scale are in units of, and the scale's label."""
    power = int(np.floor(np.log10(highest)))
    per = "per proton and mL" if emission.quantity is Quantity.EMISSIONS_PER_PROTON else "per mL"
    unit = f"[{per}]" if power == 0 else f"[10{_superscript(power)} {per}]"
    return 10.0**power, f"{legible(name)}\n{unit}"


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
