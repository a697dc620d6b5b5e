"""Dose-volume histograms, with the band that scenarios span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["DvhCurve", "dvh_plot"]


@dataclass(frozen=True, slots=True, eq=False)
class DvhCurve:
    """The histogram of one structure.

    Parameters
    ----------
    name
        Shown in the legend.
    dose_gy
        Ascending, shape ``(n_doses,)`` [Gy].
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
        if dose.ndim != 1 or dose.size < 2 or (np.diff(dose) <= 0).any():
            raise InputError(
                f"dose_gy of {self.name!r} must ascend, two or more [Gy]; got shape {dose.shape}"
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


def dvh_plot(curves: Sequence[DvhCurve], *, prescribed_gy: float | None) -> bytes:
    """Return cumulative histograms: a line for the nominal plan, a band over all scenarios.

    Parameters
    ----------
    curves
        At least one.
    prescribed_gy
        Marked by a dashed line [Gy]; ``None`` for none.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> ramp = DvhCurve("lung", [0.0, 10.0], [100.0, 0.0], None, None, (86, 190, 255))
    >>> dvh_plot([ramp], prescribed_gy=None)[1:4]
    b'PNG'
    """
    if not curves:
        raise InputError("curves must be at least one; got none")
    figure = new_figure(9.2, 4.8, dark=False)
    axes = figure.add_axes((0.08, 0.13, 0.62, 0.83))
    for curve in curves:
        # Darkened: the palette is made for grey images, and bright yellow on white is no line.
        colour = tuple(0.78 * v / 255 for v in curve.rgb)
        if curve.lowest_percent is not None and curve.highest_percent is not None:
            axes.fill_between(
                curve.dose_gy, curve.lowest_percent, curve.highest_percent, color=colour, alpha=0.25, lw=0
            )
        label = legible(curve.name).replace("$", r"\$")
        axes.plot(curve.dose_gy, curve.nominal_percent, color=colour, linewidth=1.8, label=label)
    if prescribed_gy is not None:
        axes.axvline(prescribed_gy, color="#444444", linestyle="--", linewidth=1.0)
        axes.text(prescribed_gy, 101.5, "prescribed", ha="center", va="bottom", fontsize=FONT_SIZE - 2)
    axes.set_xlim(0.0, max(float(c.dose_gy[-1]) for c in curves))
    axes.set_ylim(0.0, 106.0)
    axes.set_xlabel("Dose [Gy]", fontsize=FONT_SIZE)
    axes.set_ylabel("Volume [%]", fontsize=FONT_SIZE)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=FONT_SIZE - 1, frameon=False)
    return to_png(figure)
