"""Samples of blood with the curves that stand for them, early and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png
from tumorboard.plotting.kinetic_fit import REGION_COLOURS, region_legend

__all__ = ["BloodLine", "blood_curves"]


@dataclass(frozen=True, slots=True, eq=False)
class BloodLine:
    """Samples of one quantity and the curve through or past them.

    Parameters
    ----------
    name
        E.g. ``"plasma"``.
    result
        Written beside the name, e.g. the formula's; may be empty.
    sampled_s, sampled_bq_ml
        Shape ``(n_samples,)``; may be empty [s], [Bq/mL].
    times_s, values_bq_ml
        Nodes of the curve, ascending, shape ``(n_nodes,)`` [s], [Bq/mL].
    """

    name: str
    result: str
    sampled_s: NDArray[np.float64]
    sampled_bq_ml: NDArray[np.float64]
    times_s: NDArray[np.float64]
    values_bq_ml: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("sampled_s", "sampled_bq_ml", "times_s", "values_bq_ml"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        if self.sampled_s.shape != self.sampled_bq_ml.shape or self.times_s.shape != self.values_bq_ml.shape:
            raise InputError(
                f"times and values of {self.name!r} must have one shape; got {self.sampled_s.shape}, "
                f"{self.sampled_bq_ml.shape}, {self.times_s.shape}, {self.values_bq_ml.shape}"
            )


def blood_curves(lines: Sequence[BloodLine], *, early_s: float, scan_end_s: float) -> bytes:
    """Return two pictures side by side: the bolus, and the whole scan on a logarithmic axis.

    Parameters
    ----------
    lines
        One to eight.
    early_s
        End of the left picture, > 0 [s].
    scan_end_s
        A grey line in the right one [s].

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When there are no lines or more than eight, or ``early_s`` is not above 0.

    Examples
    --------
    >>> times, values = [0.0, 30.0, 600.0], [0.0, 9e3, 1e3]
    >>> line = BloodLine("plasma", "", times, values, times, values)
    >>> blood_curves([line], early_s=60.0, scan_end_s=600.0)[1:4]
    b'PNG'
    """
    if not 1 <= len(lines) <= len(REGION_COLOURS):
        raise InputError(f"lines must be 1 to {len(REGION_COLOURS)}; got {len(lines)}")
    if not early_s > 0.0:
        raise InputError(f"early_s must be > 0 [s]; got {early_s:g}")
    figure = new_figure(9.0, 3.8, dark=False)
    early, whole = figure.add_axes((0.08, 0.15, 0.40, 0.78)), figure.add_axes((0.57, 0.15, 0.41, 0.78))
    for axes in (early, whole):
        _draw(axes, lines)
    early.set_xlim(0.0, early_s / 60.0)
    early.set_ylim(0.0, None)
    positive = [line.values_bq_ml[line.values_bq_ml > 0.0] for line in lines]
    largest = max((float(v.max()) for v in positive if v.size), default=1.0) / 1e3
    # The limits first: a logarithmic axis cannot find its own where nothing is above 0.
    whole.set_ylim(largest * 1e-4, largest * 1.5)
    whole.set_yscale("log")
    whole.axvline(scan_end_s / 60.0, color="#999999", linewidth=0.8)
    early.set_ylabel("Concentration [kBq/mL]", fontsize=FONT_SIZE)
    region_legend(early, [line.name for line in lines], [line.result for line in lines], "upper right")
    whole.set_title(legible("Whole scan; grey: its end"), fontsize=FONT_SIZE)
    early.set_title(legible("Bolus"), fontsize=FONT_SIZE)
    return to_png(figure)


def _draw(axes: Axes, lines: Sequence[BloodLine]) -> None:
    for line, colour in zip(lines, REGION_COLOURS, strict=False):
        axes.plot(line.times_s / 60.0, line.values_bq_ml / 1e3, color=colour, linewidth=1.5)
    for line, colour in zip(lines, REGION_COLOURS, strict=False):
        axes.plot(
            line.sampled_s / 60.0, line.sampled_bq_ml / 1e3, "o", color=colour, markersize=2.5, alpha=0.6
        )
    axes.set_xlabel("Time after injection [min]", fontsize=FONT_SIZE)
    axes.tick_params(labelsize=FONT_SIZE)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
