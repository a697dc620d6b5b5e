"""Differences of two measurements against their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png, write

__all__ = ["AgreementLine", "bland_altman"]

_COLOURS: Final = {"bias": "#0b5c8a", "limit": "#b06000"}


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """A horizontal line with its confidence interval.

    Parameters
    ----------
    value, low, high
        In the unit of the measurements.
    """

    value: float
    low: float
    high: float


def bland_altman(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    bias: AgreementLine,
    lower_limit: AgreementLine,
    upper_limit: AgreementLine,
    title: str,
    unit: str,
) -> bytes:
    """Return the differences of two measurements over their mean, with bias and limits of agreement [1]_.

    Bands are the confidence intervals of the lines.

    Parameters
    ----------
    first, second
        Of the same subjects, shape ``(n,)``.
    bias, lower_limit, upper_limit
        The lines.
    title
        What was measured.
    unit
        Of it.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When shapes differ, or a value is not finite.

    References
    ----------
    .. [1] bland1986agreement

    Examples
    --------
    >>> line = AgreementLine(0.0, -0.1, 0.1)
    >>> bland_altman(
    ...     [4.0, 5.0], [4.2, 4.9], bias=line, lower_limit=AgreementLine(-0.5, -0.7, -0.3),
    ...     upper_limit=AgreementLine(0.5, 0.3, 0.7), title="VT", unit="mL/cm3",
    ... )[1:4]
    b'PNG'
    """
    a, b = read_only(first, np.float64), read_only(second, np.float64)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise InputError(f"first and second must be 1-D and equally long; got {a.shape} and {b.shape}")
    lines = (upper_limit, bias, lower_limit)
    numbers = [v for line in lines for v in (line.value, line.low, line.high)]
    if not (np.isfinite(a).all() and np.isfinite(b).all() and np.isfinite(numbers).all()):
        raise InputError("first, second and the lines must be finite")
    mean, difference = 0.5 * (a + b), b - a
    figure = new_figure(7.6, 4.6, dark=False)
    axes = figure.add_axes((0.11, 0.13, 0.57, 0.78))
    span = float(np.ptp(mean)) or 1.0
    left, right = float(mean.min()) - 0.08 * span, float(mean.max()) + 0.08 * span
    for line, name in zip(lines, ("limit", "bias", "limit"), strict=True):
        colour = _COLOURS[name]
        axes.fill_between([left, right], line.low, line.high, color=colour, alpha=0.13, linewidth=0)
        axes.axhline(line.value, color=colour, linewidth=1.4, linestyle="-" if name == "bias" else "--")
    axes.axhline(0.0, color="#888888", linewidth=0.7)
    axes.plot(mean, difference, "o", color="#222222", markersize=5)
    extremes = [*difference, *numbers]
    room = 0.06 * (max(extremes) - min(extremes)) or 1.0
    axes.set_xlim(left, right)
    axes.set_ylim(min(extremes) - room, max(extremes) + room)
    axes.set_title(legible(title), fontsize=FONT_SIZE + 1, loc="left", parse_math=False)
    axes.set_xlabel(legible(f"Mean of both [{unit}]"), fontsize=FONT_SIZE, parse_math=False)
    axes.set_ylabel(legible(f"Second − first [{unit}]"), fontsize=FONT_SIZE, parse_math=False)
    axes.grid(True, color="#eeeeee", linewidth=0.6)
    for line, name in zip(lines, ("upper limit", "bias", "lower limit"), strict=True):
        colour = _COLOURS["bias" if name == "bias" else "limit"]
        digits = f"{line.value:+.3g} ({line.low:+.3g}, {line.high:+.3g})".replace("-", "−")
        for text, align in ((name, "bottom"), (digits, "top")):
            place = axes.get_yaxis_transform()
            write(
                axes, 1.02, line.value, text, color=colour, va=align, fontsize=FONT_SIZE - 1, transform=place
            )
    return to_png(figure)
