"""How well peptides suit each molecule, as a table of colours with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from numpy.typing import ArrayLike

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["percentile_map"]

_BEST: Final = 0.02
_WORST: Final = 50.0
_CMAP: Final = "YlGnBu_r"
_ROW_IN: Final = 0.27
_MOST_ROWS: Final = 40


def percentile_map(
    rows: Sequence[str], columns: Sequence[str], percentile: ArrayLike, *, title: str
) -> bytes:
    """Return a map of percentiles: rows of peptides, columns of molecules, dark the best.

    Parameters
    ----------
    rows, columns
        Names; 40 rows at most.
    percentile
        0 best to 100, shape ``(n_rows, n_columns)``; NaN is left blank.
    title
        Of the picture.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When shapes do not fit, or there are no rows, no columns or too many rows.

    Examples
    --------
    >>> percentile_map(["KRAS VVGAVGVGK"], ["HLA-A*11:01", "HLA-B*07:02"], [[0.1, 40.0]], title="Fit")[1:4]
    b'PNG'
    """
    values = np.asarray(percentile, np.float64)
    if not (1 <= len(rows) <= _MOST_ROWS and columns) or values.shape != (len(rows), len(columns)):
        raise InputError(
            f"percentile must be a table of 1 to {_MOST_ROWS} rows and 1 or more columns, one for each name; "
            f"got shape {values.shape} for {len(rows)} and {len(columns)} names"
        )
    longest = max(len(legible(name)) for name in rows)
    left_in, right_in, top_in = max(2.6, 0.15 + 0.083 * longest), 1.0, 0.45
    # Names lie askew below: the longest reaches down by its length times the sine.
    foot_in = 0.3 + 0.05 * max(len(legible(name.removeprefix("HLA-"))) for name in columns)
    column_in = min(1.0, max(0.55, 5.0 / len(columns)))
    width = left_in + column_in * len(columns) + right_in
    height = top_in + _ROW_IN * len(rows) + foot_in
    figure = new_figure(width, height, dark=False)
    box = (
        left_in / width,
        foot_in / height,
        column_in * len(columns) / width,
        _ROW_IN * len(rows) / height,
    )
    axes = figure.add_axes(box)
    norm = LogNorm(_BEST, _WORST)
    shown = np.ma.masked_invalid(np.clip(values, _BEST, _WORST))
    axes.imshow(shown, cmap=_CMAP, norm=norm, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = f"{value:.2f}" if value < 10 else f"{value:.0f}"
            ink = "white" if value < 1.0 else "#1c2530"
            axes.text(column, row, text, ha="center", va="center", fontsize=FONT_SIZE - 2, color=ink)
    axes.set_yticks(range(len(rows)), [legible(name) for name in rows], fontsize=FONT_SIZE - 1)
    short = [legible(name.removeprefix("HLA-")) for name in columns]
    axes.set_xticks(range(len(columns)), short, fontsize=FONT_SIZE - 1, rotation=35, ha="right")
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        label.set_parse_math(False)
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    tall = min(_ROW_IN * len(rows), 2.4)
    bar_at = (1 - (right_in - 0.15) / width, (foot_in + _ROW_IN * len(rows) - tall) / height)
    bar_axes = figure.add_axes((*bar_at, 0.14 / width, tall / height))
    bar = figure.colorbar(ScalarMappable(norm, _CMAP), cax=bar_axes)
    ticks = [0.1, 0.5, 2, 10] if tall > 1.0 else [0.1, 10]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    bar.ax.minorticks_off()
    bar.ax.invert_yaxis()
    bar.ax.tick_params(labelsize=FONT_SIZE - 2)
    bar.set_label("Percentile", fontsize=FONT_SIZE - 1)
    figure.text(
        0.15 / width, 1.0 - 0.12 / height, legible(title), fontsize=FONT_SIZE + 1, va="top", parse_math=False
    )
    return to_png(figure)
