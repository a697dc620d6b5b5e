"""What beams make a patient emit, by depth, with the fall-off at the end of the range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["EmissionCurve", "emission_profile"]

_COLOURS: Final = ("#0b5c8a", "#b06000", "#2f7d32", "#8a1c6a", "#555555", "#a01420")


@dataclass(frozen=True, slots=True, eq=False)
class EmissionCurve:
    """One beam's emission by depth.

    Parameters
    ----------
    name
        Shown in the legend.
    edges_mm
        Ascending depths, shape ``(n + 1,)`` [mm].
    per_proton
        Emitted between them, >= 0, shape ``(n,)``.
    falloff_mm
        Marked by a line [mm]; ``None``: none.
    """

    name: str
    edges_mm: NDArray[np.float64]
    per_proton: NDArray[np.float64]
    falloff_mm: float | None

    def __post_init__(self) -> None:
        for name in ("edges_mm", "per_proton"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        edges, values = self.edges_mm, self.per_proton
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise InputError(f"edges_mm of {self.name!r} must be two or more, ascending [mm]; got {edges}")
        if values.shape != (edges.size - 1,) or not ((values >= 0) & np.isfinite(values)).all():
            raise InputError(
                f"per_proton of {self.name!r} must be finite, >= 0, one between each two edges "
                f"({edges.size - 1}); got shape {values.shape}"
            )


def emission_profile(curves: Sequence[EmissionCurve], *, emission_name: str, depth_name: str) -> bytes:
    """Return emission by depth, per proton and millimetre, with each fall-off marked.

    Parameters
    ----------
    curves
        At least one.
    emission_name
        Names the axis, e.g. ``"Prompt gammas, 3 to 6 MeV"``.
    depth_name
        Says from where depth counts, e.g. ``"Depth from the skin"``.

    Returns
    -------
    bytes
        A PNG file.

    Examples
    --------
    >>> curve = EmissionCurve("field 1", [0.0, 2.0, 4.0, 6.0], [1e-3, 2e-3, 0.0], 4.0)
    >>> emission_profile([curve], emission_name="Prompt gammas", depth_name="Depth")[1:4]
    b'PNG'
    """
    if not curves:
        raise InputError("curves must be at least one; got none")
    figure = new_figure(7.2, 3.6, dark=False)
    axes = figure.add_axes((0.13, 0.16, 0.84, 0.78))
    highest = 0.0
    lines = []
    for k, curve in enumerate(curves):
        colour = _COLOURS[k % len(_COLOURS)]
        per_mm = 1e3 * curve.per_proton / np.diff(curve.edges_mm)
        highest = max(highest, float(per_mm.max()))
        lines.append(axes.stairs(per_mm, curve.edges_mm, color=colour, linewidth=1.5))
        if curve.falloff_mm is not None:
            axes.axvline(curve.falloff_mm, color=colour, linewidth=1.0, linestyle="--")
    filled = [curve.edges_mm[:-1][curve.per_proton > 0] for curve in curves if (curve.per_proton > 0).any()]
    if filled:
        axes.set_xlim(min(f[0] for f in filled) - 5.0, max(f[-1] for f in filled) + 10.0)
    # Room for the names above the curves.
    axes.set_ylim(0.0, (1.12 + 0.08 * len(curves)) * highest or 1.0)
    axes.set_xlabel(f"{legible(depth_name)} [mm]", fontsize=FONT_SIZE, parse_math=False)
    axes.set_ylabel(
        f"{legible(emission_name)}\n[10⁻³ per proton and mm]", fontsize=FONT_SIZE, parse_math=False
    )
    axes.grid(True, color="#dddddd", linewidth=0.6)
    legend = axes.legend(
        lines, [str(k) for k in range(len(lines))], fontsize=FONT_SIZE - 1, frameon=False, loc="upper left"
    )
    for text, curve in zip(legend.get_texts(), curves, strict=True):
        text.set_parse_math(False)
        end = "" if curve.falloff_mm is None else f": half at {curve.falloff_mm:.1f} mm"
        text.set_text(legible(curve.name) + end)
    return to_png(figure)
