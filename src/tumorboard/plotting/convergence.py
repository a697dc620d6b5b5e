"""How an optimisation came to its end."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, new_figure, to_png

__all__ = ["convergence_plot"]


def convergence_plot(iterations: ArrayLike, values: ArrayLike, seconds: ArrayLike) -> bytes:
    """Return the objective against the iterations, with the time on a second axis.

    Parameters
    ----------
    iterations, values, seconds
        Number, objective and time since the start [s] of each iteration, finite, shape
        ``(n_iterations,)`` each. The objective's axis is logarithmic when all of it is > 0.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> convergence_plot([1, 2], [10.0, 1.0], [0.1, 0.2])[1:4]
    b'PNG'
    """
    n, value, time = (np.asarray(a, dtype=np.float64) for a in (iterations, values, seconds))
    if n.size < 1 or not n.shape == value.shape == time.shape or n.ndim != 1:
        raise InputError(
            "iterations, values and seconds must have one shape (n_iterations >= 1,); "
            f"got {n.shape}, {value.shape}, {time.shape}"
        )
    if not np.isfinite([n, value, time]).all():
        raise InputError(
            "iterations, values and seconds must be finite; got "
            f"{int((~np.isfinite([n, value, time])).any(axis=0).sum())} iterations that are not"
        )
    figure = new_figure(6.4, 3.6, dark=False)
    axes = figure.add_axes((0.13, 0.16, 0.74, 0.78))
    positive = value > 0
    draw = axes.semilogy if positive.all() else axes.plot
    # A line through one point is nothing to see.
    marker = "o" if n.size == 1 else None
    draw(n, value, color="#0b5c8a", linewidth=1.6, marker=marker)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Iteration", fontsize=FONT_SIZE)
    axes.set_ylabel("Objective", fontsize=FONT_SIZE)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    beside = axes.twinx()
    beside.plot(n, time, color="#b06000", linewidth=1.0, linestyle=":", marker=marker)
    beside.set_ylabel("Time [s] (dotted)", fontsize=FONT_SIZE, color="#b06000")
    beside.set_ylim(bottom=0.0)
    return to_png(figure)
