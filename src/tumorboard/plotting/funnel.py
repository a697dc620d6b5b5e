"""Bars that say how many of many are left after each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["funnel"]

_BAR: Final = "#0b5c8a"
_LOST: Final = "#dbe6ec"
_INK: Final = "#1c2530"


def funnel(steps: Sequence[tuple[str, int]], *, title: str) -> bytes:
    """Return one bar for each step, as long as the share of the first step that is left.

    Parameters
    ----------
    steps
        What is counted and how many, the first the most.
    title
        Of the picture.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When there are no steps, or a count is negative or above the first.

    Examples
    --------
    >>> funnel([("Variants", 1470), ("change a protein", 380), ("bind", 120)], title="Variants")[1:4]
    b'PNG'
    """
    if not steps:
        raise InputError("steps of a funnel must be one at least; got none")
    most = steps[0][1]
    if any(not 0 <= count <= most for _, count in steps):
        raise InputError(f"counts of a funnel must be 0 to that of its first step, {most}; got {steps}")
    height = 0.75 + 0.36 * len(steps)
    figure = new_figure(7.2, height, dark=False)
    axes = figure.add_axes((0.36, 0.08 / height, 0.54, 1.0 - 0.55 / height))
    places = range(len(steps))
    axes.barh(places, [most] * len(steps), height=0.62, color=_LOST)
    axes.barh(places, [count for _, count in steps], height=0.62, color=_BAR)
    for place, (name, count) in enumerate(steps):
        style: dict[str, Any] = {"va": "center", "fontsize": FONT_SIZE, "color": _INK, "parse_math": False}
        axes.text(-0.02 * most, place, legible(name), ha="right", **style)
        axes.text(1.02 * most, place, f"{count}", ha="left", **style)
    axes.set_xlim(0, max(most, 1))
    axes.set_ylim(len(steps) - 0.5, -0.5)
    axes.set_axis_off()
    figure.text(0.02, 1.0 - 0.12 / height, legible(title), fontsize=FONT_SIZE + 1, va="top", parse_math=False)
    return to_png(figure)
