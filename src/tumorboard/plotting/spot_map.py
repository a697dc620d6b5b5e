"""The spots of a field as its nozzle sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["SpotMap", "spot_maps"]

_CELL_IN = 3.6


@dataclass(frozen=True, slots=True, eq=False)
class SpotMap:
    """The spots of one field.

    Parameters
    ----------
    title
        Of the field.
    energy_mev
        Shape ``(n_spots,)`` [MeV].
    positions_mm
        On the isocentre plane, (x, y) in the gantry system, shape ``(n_spots, 2)`` [mm].
    monitor_units
        Shape ``(n_spots,)``, >= 0.
    """

    title: str
    energy_mev: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    monitor_units: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("energy_mev", "positions_mm", "monitor_units"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        n = len(self.energy_mev)
        if n < 1 or self.positions_mm.shape != (n, 2) or self.monitor_units.shape != (n,):
            raise InputError(
                f"positions_mm must have shape ({n}, 2) [mm] and monitor_units ({n},), n >= 1; got "
                f"{self.positions_mm.shape} and {self.monitor_units.shape}"
            )


def spot_maps(maps: Sequence[SpotMap]) -> bytes:
    """Return the beam's-eye view of each field, spots sized by monitor units, and those of each energy below.

    Parameters
    ----------
    maps
        At least one; three stand in a row.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> spot_maps([SpotMap("field 1", [150.0], [[0.0, 0.0]], [2.0])])[1:4]
    b'PNG'
    """
    if not maps:
        raise InputError("maps must be at least one; got none")
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    figure = new_figure(columns * _CELL_IN + 0.9, rows * 1.55 * _CELL_IN, dark=False)
    grid = figure.add_gridspec(
        2 * rows, columns, height_ratios=[1.0, 0.4] * rows, hspace=0.42, wspace=0.34,
        left=0.08, right=0.9, top=0.95, bottom=0.08,
    )  # fmt: skip
    energies = np.concatenate([m.energy_mev for m in maps])
    low, high = float(energies.min()), float(energies.max())
    scale = Normalize(low, high if high > low else low + 1.0)
    largest = max(float(m.monitor_units.max()) for m in maps) or 1.0
    reach = max(float(np.abs(m.positions_mm).max()) for m in maps) + 8.0
    for i, field in enumerate(maps):
        row, column = divmod(i, columns)
        seen = figure.add_subplot(grid[2 * row, column])
        x, y = field.positions_mm.T
        seen.scatter(
            x, y, s=60.0 * field.monitor_units / largest, c=field.energy_mev, cmap="viridis", norm=scale,
            alpha=0.55, linewidths=0,
        )  # fmt: skip
        seen.set_aspect("equal")
        seen.set_xlim(-reach, reach)
        seen.set_ylim(-reach, reach)
        seen.set_title(legible(field.title).replace("$", r"\$"), fontsize=FONT_SIZE)
        seen.set_xlabel("x, IEC gantry [mm]", fontsize=FONT_SIZE - 2)
        seen.set_ylabel("y [mm]", fontsize=FONT_SIZE - 2)
        layers = figure.add_subplot(grid[2 * row + 1, column])
        unique, of_spot = np.unique(field.energy_mev, return_inverse=True)
        units = np.bincount(of_spot.reshape(-1), field.monitor_units)
        width = 0.6 * float(np.diff(unique).min()) if unique.size > 1 else 1.0
        layers.bar(unique, units, width=width, color=colormaps["viridis"](scale(unique)))
        layers.set_xlabel("Energy [MeV]", fontsize=FONT_SIZE - 2)
        layers.set_ylabel("MU", fontsize=FONT_SIZE - 2)
        for axes in (seen, layers):
            axes.tick_params(labelsize=FONT_SIZE - 3)
    return to_png(figure)
