"""The spots of a field as its nozzle sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["SpotMap", "spot_maps"]

#: Sizes on paper [inch].
_MAP_IN: Final = 2.9
_BARS_IN: Final = 1.0
_LEFT_IN: Final = 0.75
_TITLE_IN: Final = 0.35
_BETWEEN_IN: Final = 0.68
_FOOT_IN: Final = 0.55
#: Area of the bubble of the spot with most monitor units [pt²].
_LARGEST_PT2: Final = 80.0
_COLOURS: Final = "viridis"
#: Height of the line that explains the bubbles, in shares of the map's.
_KEY_AT: Final = -0.165


@dataclass(frozen=True, slots=True, eq=False)
class SpotMap:
    """The spots of one field.

    Parameters
    ----------
    title
        Of the field.
    energy_mev
        Of each spot, > 0, shape ``(n_spots,)`` [MeV].
    positions_mm
        On the isocentre plane, (x, y) in the gantry system of IEC 61217, shape ``(n_spots, 2)`` [mm].
    monitor_units
        Of each spot, >= 0, shape ``(n_spots,)``.
    """

    title: str
    energy_mev: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    monitor_units: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("energy_mev", "positions_mm", "monitor_units"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        n = self.energy_mev.size
        shapes = (self.energy_mev.shape, self.positions_mm.shape, self.monitor_units.shape)
        if n < 1 or shapes != ((n,), (n, 2), (n,)):
            raise InputError(
                f"positions_mm must have shape ({n}, 2) [mm], energy_mev [MeV] and monitor_units ({n},), "
                f"n >= 1, in {self.title!r}; got {shapes[1]}, {shapes[0]} and {shapes[2]}"
            )
        for name, low, sound in (
            ("energy_mev", "finite and > 0 [MeV]", np.isfinite(self.energy_mev) & (self.energy_mev > 0)),
            ("positions_mm", "finite [mm]", np.isfinite(self.positions_mm)),
            ("monitor_units", "finite and >= 0", np.isfinite(self.monitor_units) & (self.monitor_units >= 0)),
        ):
            if not sound.all():
                first = getattr(self, name)[~sound].flat[0]
                raise InputError(f"{name} of {self.title!r} must be {low}; got {first!r}")


def spot_maps(maps: Sequence[SpotMap]) -> bytes:
    """Return the beam's-eye view of each field, and below it the monitor units of each energy.

    The view is from the source, x to the right and y up. Spots of all layers at one place (to 0.1 mm) are
    one bubble: its area is their monitor units, to one scale in all fields, and its colour their mean
    energy, weighted by monitor units, in the colours of the bars.

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
    row_in = _TITLE_IN + _MAP_IN + _BETWEEN_IN + _BARS_IN + _FOOT_IN
    width_in, height_in = columns * (_LEFT_IN + _MAP_IN) + 0.2, rows * row_in
    figure = new_figure(width_in, height_in, dark=False)
    bubbles = [_Bubbles.of(field) for field in maps]
    scales = _Scales.of(maps, bubbles)
    for i, (field, spots) in enumerate(zip(maps, bubbles, strict=True)):
        row, column = divmod(i, columns)
        left_in, top_in = column * (_LEFT_IN + _MAP_IN) + _LEFT_IN, height_in - row * row_in
        bottom_in = top_in - _TITLE_IN - _MAP_IN
        seen = _axes_at(figure, (left_in, bottom_in, _MAP_IN, _MAP_IN))
        _draw_spots(seen, field.title, spots, scales)
        bars = _axes_at(figure, (left_in, bottom_in - _BETWEEN_IN - _BARS_IN, _MAP_IN, _BARS_IN))
        _draw_layers(bars, field, scales)
    return to_png(figure)


@dataclass(frozen=True, slots=True)
class _Bubbles:
    """The spots of a field, those of all layers at one place as one, most monitor units first."""

    positions_mm: NDArray[np.float64]
    monitor_units: NDArray[np.float64]
    mean_energy_mev: NDArray[np.float64]

    @classmethod
    def of(cls, field: SpotMap) -> _Bubbles:
        places, of_spot = np.unique(np.round(field.positions_mm, 1), axis=0, return_inverse=True)
        of_spot = of_spot.reshape(-1)
        units = np.bincount(of_spot, field.monitor_units).astype(np.float64, copy=False)
        weighted = np.bincount(of_spot, field.monitor_units * field.energy_mev)
        order = np.argsort(-units, kind="stable")
        order = order[units[order] > 0]
        return cls(places[order], units[order], weighted[order] / units[order])


@dataclass(frozen=True, slots=True)
class _Scales:
    """What all fields share, so that they can be compared."""

    energies_mev: tuple[float, float]
    most_units: float
    reach_mm: float

    @classmethod
    def of(cls, maps: Sequence[SpotMap], bubbles: Sequence[_Bubbles]) -> _Scales:
        energies = np.concatenate([m.energy_mev for m in maps])
        low, high = float(energies.min()), float(energies.max())
        reach = max(float(np.abs(m.positions_mm).max()) for m in maps)
        return cls(
            (low, high) if high > low else (low - 1.0, high + 1.0),
            max(float(b.monitor_units.max(initial=0.0)) for b in bubbles),
            1.08 * reach + 4.0,
        )

    def areas(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return areas of bubbles [pt²]."""
        return _LARGEST_PT2 * units / self.most_units

    @property
    def normalize(self) -> Normalize:
        return Normalize(*self.energies_mev)


def _axes_at(figure: Figure, box_in: tuple[float, float, float, float]) -> Axes:
    width, height = figure.get_size_inches()
    left, bottom, wide, tall = box_in
    axes = figure.add_axes((left / width, bottom / height, wide / width, tall / height))
    axes.tick_params(labelsize=FONT_SIZE - 3)
    axes.set_axisbelow(True)
    return axes


def _draw_spots(axes: Axes, title: str, spots: _Bubbles, scales: _Scales) -> None:
    if spots.monitor_units.size:
        # Opaque: where colours mix, they are those of energies that are not there.
        axes.scatter(
            spots.positions_mm[:, 0], spots.positions_mm[:, 1], s=scales.areas(spots.monitor_units),
            c=spots.mean_energy_mev, cmap=_COLOURS, norm=scales.normalize, linewidths=0.3, edgecolors="white",
        )  # fmt: skip
    for line in (axes.axhline, axes.axvline):
        line(0.0, color="#bbbbbb", linewidth=0.6, zorder=0)
    axes.set_aspect("equal")
    axes.set_xlim(-scales.reach_mm, scales.reach_mm)
    axes.set_ylim(-scales.reach_mm, scales.reach_mm)
    axes.set_title(legible(title), fontsize=FONT_SIZE - 1, parse_math=False)
    axes.set_xlabel("x, IEC gantry [mm]", fontsize=FONT_SIZE - 2)
    axes.set_ylabel("y, IEC gantry [mm]", fontsize=FONT_SIZE - 2, labelpad=1.0)
    if scales.most_units > 0:
        _draw_size_key(axes, scales)


def _draw_size_key(axes: Axes, scales: _Scales) -> None:
    """Show below the map's right end how large a bubble of a round number of monitor units is."""
    decade = 10.0 ** np.floor(np.log10(scales.most_units))
    round_units = max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= scales.most_units)
    area = float(scales.areas(np.array(round_units)))
    style: dict[str, Any] = {"transform": axes.transAxes, "va": "center", "fontsize": FONT_SIZE - 2}
    axes.text(0.0, _KEY_AT, "all layers; colour: mean energy", ha="left", **style)
    axes.text(1.0, _KEY_AT, f"{round_units:.3g} MU", ha="right", **style)
    axes.scatter([0.78], [_KEY_AT], s=[area], color="#666666", transform=axes.transAxes, clip_on=False)


def _draw_layers(axes: Axes, field: SpotMap, scales: _Scales) -> None:
    energies, of_spot = np.unique(field.energy_mev, return_inverse=True)
    units = np.bincount(of_spot.reshape(-1), field.monitor_units)
    low, high = scales.energies_mev
    thinnest, margin = 0.006 * (high - low), 0.04 * (high - low)
    # Not to be told apart from its neighbours is better than not to be seen.
    width = max(thinnest, 0.6 * float(np.diff(energies).min())) if energies.size > 1 else 4 * thinnest
    axes.bar(energies, units, width=width, color=colormaps[_COLOURS](scales.normalize(energies)))
    axes.set_xlim(low - margin, high + margin)
    axes.grid(True, axis="y", color="#dddddd", linewidth=0.6)
    axes.set_xlabel("Energy [MeV]", fontsize=FONT_SIZE - 2)
    axes.set_ylabel("MU per layer", fontsize=FONT_SIZE - 2, labelpad=1.0)
