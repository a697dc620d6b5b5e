"""How a head moved from frame to frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, new_figure, to_png

__all__ = ["motion_plot"]

_COLOURS: Final = ("#0b5c8a", "#b06000", "#2f7d32")


def motion_plot(
    frame_start_s: ArrayLike,
    frame_duration_s: ArrayLike,
    translations_mm: ArrayLike,
    rotations_deg: ArrayLike,
    max_displacements_mm: ArrayLike,
    residuals_mm: ArrayLike,
    registered: ArrayLike,
) -> bytes:
    """Return shifts, rotations and largest displacement of each frame over time.

    A frame is a line as long as it lasts, on an axis that gives early frames room (square root of time).
    Frames that took another one's transform have open circles.

    Parameters
    ----------
    frame_start_s, frame_duration_s
        Shape ``(n_frames,)`` [s].
    translations_mm, rotations_deg
        Along and about x (left), y (back), z (up), shape ``(n_frames, 3)`` [mm], [deg].
    max_displacements_mm
        Shape ``(n_frames,)`` [mm].
    residuals_mm
        What is left after the correction, shape ``(n_frames,)``; NaN where it was not measured [mm].
    registered
        Whether the transform is the frame's own, shape ``(n_frames,)``.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When shapes differ.

    Examples
    --------
    >>> still, none = np.zeros((2, 3)), [np.nan, np.nan]
    >>> motion_plot([0.0, 60.0], [60.0, 60.0], still, still, [0.0, 0.0], none, [True, True])[1:4]
    b'PNG'
    """
    start, duration, largest, left = (
        np.asarray(a, np.float64)
        for a in (frame_start_s, frame_duration_s, max_displacements_mm, residuals_mm)
    )
    shifts, turns = (np.asarray(a, np.float64) for a in (translations_mm, rotations_deg))
    own = np.asarray(registered, bool)
    n = start.size
    if n < 1 or any(a.shape != (n,) for a in (start, duration, largest, left, own)):
        raise InputError(f"arrays must have shape ({n},), one or more frames; they differ")
    if shifts.shape != (n, 3) or turns.shape != (n, 3):
        raise InputError(
            f"translations_mm and rotations_deg must have shape ({n}, 3); got {shifts.shape} and "
            f"{turns.shape}"
        )
    ends = np.stack([start, start + duration], axis=1) / 60.0
    figure = new_figure(7.2, 6.0, dark=False)
    panels = [figure.add_axes((0.11, bottom, 0.70, 0.26)) for bottom in (0.70, 0.40, 0.10)]
    for axes, values, names, label in (
        (panels[0], shifts, ("x, left", "y, back", "z, up"), "Shift [mm]"),
        (panels[1], turns, ("about x", "about y", "about z"), "Rotation [°]"),
    ):
        for column, name, colour in zip(values.T, names, _COLOURS, strict=True):
            _frames(axes, ends, column, own, name, colour)
        axes.axhline(0.0, color="#222222", linewidth=0.8, zorder=0)
        axes.set_ylabel(label, fontsize=FONT_SIZE)
    _frames(panels[2], ends, largest, own, "largest", "#555555")
    if np.isfinite(left).any():
        _frames(panels[2], ends, left, own, "rms left", "#a01420")
    panels[2].set_ylabel("Displacement [mm]", fontsize=FONT_SIZE)
    panels[2].set_ylim(bottom=0.0)
    panels[2].set_xlabel("Time after injection [min] (square root scale)", fontsize=FONT_SIZE)
    for axes in panels:
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_xlim(float(ends[0, 0]), float(ends[-1, 1]))
        axes.set_xticks(_ticks(float(ends[0, 0]), float(ends[-1, 1])))
        axes.grid(True, color="#dddddd", linewidth=0.6)
        axes.legend(
            fontsize=FONT_SIZE - 1,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.03),
            handlelength=1.2,
        )
    for axes in panels[:2]:
        axes.set_xticklabels([])
    if not own.all():
        figure.text(0.825, 0.14, "open circles:\ntransform of\nanother frame", fontsize=FONT_SIZE - 1)
    return to_png(figure)


def _frames(
    axes: Axes,
    ends: NDArray[np.float64],
    values: NDArray[np.float64],
    own: NDArray[np.bool_],
    name: str,
    colour: str,
) -> None:
    """Draw each frame as a line, with a mark at its middle on this axis."""
    middle = np.square(np.sqrt(ends).mean(axis=1))
    axes.plot(middle, values, color=colour, linewidth=0.6, alpha=0.6)
    axes.hlines(values, ends[:, 0], ends[:, 1], color=colour, linewidth=1.6)
    axes.plot(middle[own], values[own], "o", color=colour, markersize=4, label=name)
    axes.plot(middle[~own], values[~own], "o", color=colour, markersize=4, markerfacecolor="white")
    if not own.any():
        axes.plot([], [], "o", color=colour, markersize=4, markerfacecolor="white", label=name)


def _root(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(minutes, 0.0))


def _ticks(first: float, last: float) -> list[float]:
    chosen = [
        t for t in (0.0, 1.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 180.0, 240.0) if first <= t <= last
    ]
    return chosen if len(chosen) > 1 else [first, last]
