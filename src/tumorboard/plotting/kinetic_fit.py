"""Curves of regions with what a kinetic model makes of them, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["REGION_COLOURS", "FittedCurve", "kinetic_fit", "region_legend"]

#: One for each region of a plot, in order; as many as can be told apart.
REGION_COLOURS: Final = (
    "#0b5c8a",
    "#b06000",
    "#2f7d32",
    "#8a1c6a",
    "#555555",
    "#a01420",
    "#1a9c9c",
    "#7a6a00",
)


@dataclass(frozen=True, slots=True, eq=False)
class FittedCurve:
    """One region's curve and a model's.

    Parameters
    ----------
    name
        Of the region.
    result
        Written beside the name, e.g. ``"VT 3.32 ± 0.05 mL/cm3"``; may be empty.
    mid_s
        Middle of each frame, ascending, shape ``(n_frames,)`` [s].
    measured_bq_ml
        Shape ``(n_frames,)`` [Bq/mL].
    fitted_bq_ml
        Shape ``(n_frames,)``; NaN in frames that the model says nothing of [Bq/mL].
    weights
        0 for frames that were left out, shape ``(n_frames,)``.
    """

    name: str
    result: str
    mid_s: NDArray[np.float64]
    measured_bq_ml: NDArray[np.float64]
    fitted_bq_ml: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("mid_s", "measured_bq_ml", "fitted_bq_ml", "weights"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        shape = self.mid_s.shape
        if self.mid_s.ndim != 1 or any(
            getattr(self, n).shape != shape for n in ("measured_bq_ml", "fitted_bq_ml", "weights")
        ):
            raise InputError(
                f"arrays of {self.name!r} must have one shape (n_frames,); got {shape}, "
                f"{self.measured_bq_ml.shape}, {self.fitted_bq_ml.shape}, {self.weights.shape}"
            )


def region_legend(
    axes: Axes, names: Sequence[str], results: Sequence[str], place: Literal["upper left", "upper right"]
) -> None:
    """Name the regions of a plot in their colours, with a result each.

    Parameters
    ----------
    axes
        Where lines were drawn, one for each name, in order.
    names, results
        Of the regions; an empty result is left out.
    place
        A corner, as matplotlib names it.
    """
    legend = axes.legend(
        axes.get_lines()[: len(names)],
        [str(k) for k in range(len(names))],
        fontsize=FONT_SIZE - 1,
        frameon=True,
        edgecolor="none",
        framealpha=0.85,
        loc=place,
    )
    for text, name, result in zip(legend.get_texts(), names, results, strict=True):
        text.set_parse_math(False)
        text.set_text(legible(name) + (f": {legible(result)}" if result else ""))


def kinetic_fit(curves: Sequence[FittedCurve], *, model: str) -> bytes:
    """Return measured points and the model's lines over time, with the residuals below.

    Frames that a fit leaves out are open circles.

    Parameters
    ----------
    curves
        One to eight.
    model
        Its name, for the title.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When there are no curves or more than eight.

    Examples
    --------
    >>> curve = FittedCurve("thalamus", "", [30.0, 90.0], [1e3, 3e3], [1.1e3, 2.9e3], [1.0, 1.0])
    >>> kinetic_fit([curve], model="1TCM")[1:4]
    b'PNG'
    """
    if not 1 <= len(curves) <= len(REGION_COLOURS):
        raise InputError(
            f"curves must be 1 to {len(REGION_COLOURS)}; got {len(curves)}; draw several pictures"
        )
    figure = new_figure(7.2, 5.2, dark=False)
    above = figure.add_axes((0.12, 0.37, 0.85, 0.56))
    below = figure.add_axes((0.12, 0.11, 0.85, 0.23))
    for curve, colour in zip(curves, REGION_COLOURS, strict=False):
        above.plot(curve.mid_s / 60.0, curve.fitted_bq_ml / 1e3, color=colour, linewidth=1.5)
    largest = 0.0
    for curve, colour in zip(curves, REGION_COLOURS, strict=False):
        used = (curve.weights > 0) & np.isfinite(curve.fitted_bq_ml)
        minutes, measured = curve.mid_s / 60.0, curve.measured_bq_ml / 1e3
        above.plot(minutes[used], measured[used], "o", color=colour, markersize=4)
        above.plot(minutes[~used], measured[~used], "o", color=colour, markersize=4, fillstyle="none")
        left = measured - curve.fitted_bq_ml / 1e3
        below.plot(minutes[used], left[used], "o-", color=colour, markersize=3, linewidth=0.8)
        largest = max(largest, float(np.abs(left[used]).max(initial=0.0)))
    below.axhline(0.0, color="#222222", linewidth=0.8)
    below.set_ylim(-1.15 * largest or -1.0, 1.15 * largest or 1.0)
    above.set_title(legible(model), fontsize=FONT_SIZE + 1, loc="left", parse_math=False)
    above.set_ylabel("Concentration [kBq/mL]", fontsize=FONT_SIZE)
    below.set_ylabel("Measured −\nmodel [kBq/mL]", fontsize=FONT_SIZE)
    below.set_xlabel("Time after injection [min]", fontsize=FONT_SIZE)
    low, high = above.get_ylim()
    low = min(0.0, low)
    # Room for the names above the curves.
    above.set_ylim(low, high + (0.05 + 0.06 * len(curves)) * (high - low))
    for axes in (above, below):
        axes.set_xlim(0.0, max(float(c.mid_s[-1]) for c in curves) / 60.0 * 1.03)
        axes.grid(True, color="#dddddd", linewidth=0.6)
    above.set_xticklabels([])
    region_legend(above, [c.name for c in curves], [c.result for c in curves], "upper right")
    return to_png(figure)
