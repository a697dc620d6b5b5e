"""Dose-volume histograms, with the band that scenarios span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png, write

__all__ = ["DvhCurve", "dvh_plot"]

#: The plot keeps its size, however long the names beside it [inch].
_LEFT_IN: Final = 0.7
_PLOT_IN: Final = 5.9
_HEIGHT_IN: Final = 4.8
_FOOT_IN: Final = 0.6
_LEGEND_ROWS: Final = 20
_LINE_STYLES: Final = ("-", "--", "-.", ":")
_BAND_OPACITY: Final = 0.25
_PRESCRIBED: Final = "#444444"


@dataclass(frozen=True, slots=True, eq=False)
class DvhCurve:
    """The histogram of one structure.

    Parameters
    ----------
    name
        Shown in the legend.
    dose_gy
        Ascending from 0 or more, two or more, shape ``(n_doses,)`` [Gy].
    nominal_percent
        Volume with that dose or more, shape ``(n_doses,)`` [%].
    lowest_percent, highest_percent
        Of all scenarios, shape ``(n_doses,)`` each [%]; ``None``: no band.
    rgb
        Colour, 0 to 255 each.
    """

    name: str
    dose_gy: NDArray[np.float64]
    nominal_percent: NDArray[np.float64]
    lowest_percent: NDArray[np.float64] | None
    highest_percent: NDArray[np.float64] | None
    rgb: tuple[int, int, int]

    def __post_init__(self) -> None:
        dose = read_only(self.dose_gy, np.float64)
        ascends = dose.ndim == 1 and dose.size >= 2 and dose[0] >= 0 and bool((np.diff(dose) > 0).all())
        if not (ascends and np.isfinite(dose[-1])):
            raise InputError(
                f"dose_gy of {self.name!r} must ascend from >= 0, two or more, finite [Gy]; "
                f"got shape {dose.shape}, {np.array2string(dose, threshold=6)}"
            )
        object.__setattr__(self, "dose_gy", dose)
        if (self.lowest_percent is None) != (self.highest_percent is None):
            raise InputError(f"the band of {self.name!r} must have both edges; got only one")
        for name in ("nominal_percent", "lowest_percent", "highest_percent"):
            values = getattr(self, name)
            if values is None:
                continue
            values = read_only(values, np.float64)
            if values.shape != dose.shape or not ((values >= -1e-6) & (values <= 100 + 1e-6)).all():
                raise InputError(
                    f"{name} of {self.name!r} must be 0 to 100, one per dose ({dose.size}) [%]; "
                    f"got shape {values.shape}"
                )
            object.__setattr__(self, name, values)
        if self.lowest_percent is not None and self.highest_percent is not None:
            crossed = np.flatnonzero(self.lowest_percent > self.highest_percent)
            if crossed.size:
                raise InputError(
                    f"lowest_percent of {self.name!r} must be <= highest_percent at each dose [%]; "
                    f"got more at {dose[crossed[0]]:g} Gy"
                )


def dvh_plot(curves: Sequence[DvhCurve], *, prescribed_gy: float | None, dose_name: str = "Dose") -> bytes:
    """Return cumulative histograms: a line for the nominal plan, a band over all scenarios.

    Parameters
    ----------
    curves
        At least one.
    prescribed_gy
        Marked by a dashed line, > 0 [Gy]; ``None`` for none.
    dose_name
        Names the axis, e.g. ``"RBE-weighted dose"``.

    Returns
    -------
    bytes
        A PNG file; it grows with its legend, which stands beside the plot.

    Examples
    --------
    >>> ramp = DvhCurve("lung", [0.0, 10.0], [100.0, 0.0], None, None, (86, 190, 255))
    >>> dvh_plot([ramp], prescribed_gy=None)[1:4]
    b'PNG'
    """
    if not curves:
        raise InputError("curves must be at least one; got none")
    if prescribed_gy is not None and not (np.isfinite(prescribed_gy) and prescribed_gy > 0):
        raise InputError(f"prescribed_gy must be finite and > 0 [Gy], or None; got {prescribed_gy!r}")
    figure = new_figure(_LEFT_IN + _PLOT_IN, _HEIGHT_IN, dark=False)
    axes = figure.add_axes((0.0, _FOOT_IN / _HEIGHT_IN, 1.0, (_HEIGHT_IN - _FOOT_IN - 0.3) / _HEIGHT_IN))
    lines: list[Artist] = [
        _draw(axes, curve, style) for curve, style in zip(curves, _styles(curves), strict=True)
    ]
    if prescribed_gy is not None:
        axes.axvline(prescribed_gy, color=_PRESCRIBED, linestyle="--", linewidth=1.0)
        # Above the frame, where no curve can cross it.
        write(
            axes, prescribed_gy, 1.01, f"prescribed {prescribed_gy:.4g} Gy", fontsize=FONT_SIZE - 2,
            color=_PRESCRIBED, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
        )  # fmt: skip
    axes.set_xlim(0.0, max(1.04 * (prescribed_gy or 0.0), *(float(c.dose_gy[-1]) for c in curves)))
    axes.set_ylim(0.0, 102.0)
    axes.set_xlabel(f"{legible(dose_name)} [Gy]", fontsize=FONT_SIZE, parse_math=False)
    axes.set_ylabel("Volume [%]", fontsize=FONT_SIZE)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    names = [curve.name for curve in curves]
    if any(curve.lowest_percent is not None for curve in curves):
        lines.append(Patch(color="#888888", alpha=_BAND_OPACITY, lw=0))
        names.append("band: all scenarios")
    _draw_legend(figure, axes, lines, names)
    return to_png(figure)


def _styles(curves: Sequence[DvhCurve]) -> list[str]:
    """Return line styles that tell apart curves of one colour; the palette has but eleven."""
    used: Counter[tuple[int, int, int]] = Counter()
    styles = []
    for curve in curves:
        styles.append(_LINE_STYLES[used[curve.rgb] % len(_LINE_STYLES)])
        used[curve.rgb] += 1
    return styles


def _draw(axes: Axes, curve: DvhCurve, style: str) -> Line2D:
    # Darkened: the palette is made for grey images, and bright yellow on white is no line.
    colour = tuple(0.78 * v / 255 for v in curve.rgb)
    if curve.lowest_percent is not None and curve.highest_percent is not None:
        edges = (curve.lowest_percent, curve.highest_percent)
        axes.fill_between(curve.dose_gy, *edges, color=colour, alpha=_BAND_OPACITY, lw=0)
    return axes.plot(curve.dose_gy, curve.nominal_percent, style, color=colour, linewidth=1.8)[0]


def _draw_legend(figure: Figure, axes: Axes, lines: Sequence[Artist], names: Sequence[str]) -> None:
    """Name the curves beside the plot, and make the figure as wide as that takes."""
    # Names are set afterwards: matplotlib leaves labels with a leading underscore out of legends.
    legend = axes.legend(
        lines, [str(i) for i in range(len(names))], loc="upper left", bbox_to_anchor=(1.01, 1.0),
        fontsize=FONT_SIZE - 1, frameon=False, borderaxespad=0.0, handlelength=2.6,
        ncols=-(-len(names) // _LEGEND_ROWS),
    )  # fmt: skip
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(legible(name))
    figure.draw_without_rendering()
    total_in = _LEFT_IN + _PLOT_IN + legend.get_window_extent().width / figure.dpi + 0.25
    figure.set_size_inches(total_in, _HEIGHT_IN)
    box = axes.get_position()
    axes.set_position((_LEFT_IN / total_in, box.y0, _PLOT_IN / total_in, box.height))
