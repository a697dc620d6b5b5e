"""Which residues a molecule holds, as letters whose height is information, with peptides below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.plotting._drawing import FONT_SIZE, legible, new_figure, to_png

__all__ = ["sequence_logo"]

# Of one width, and with an I that is no mere bar.
_LETTERS: Final = FontProperties(family="DejaVu Sans Mono", weight="bold")
_INK: Final = "#1c2530"
_NEW: Final = "#d11a2a"
#: By chemistry: acidic, basic, polar, small and special, hydrophobic.
_COLOURS: Final = {
    **dict.fromkeys("DE", "#a01420"),
    **dict.fromkeys("KRH", "#0b5c8a"),
    **dict.fromkeys("STNQCY", "#2f7d32"),
    **dict.fromkeys("GP", "#b06000"),
    **dict.fromkeys("AVILMFW", "#3a3a3a"),
}


def sequence_logo(
    frequencies: ArrayLike,
    letters: str,
    *,
    title: str,
    peptides: Sequence[tuple[str, str, Sequence[int]]] = (),
) -> bytes:
    """Return a logo: at each position letters as high as their part of the information there.

    Information is log2 of the number of letters less the entropy, as of Schneider and Stephens, without a
    correction for few sequences.

    Parameters
    ----------
    frequencies
        Of letters at each position, shape ``(n_positions, n_letters)``; rows sum to 1.
    letters
        One for each column.
    title
        Of the picture.
    peptides
        Written below, each with its name and the positions, counted from 0, that stand out.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        When shapes do not fit, or rows do not sum to 1.

    References
    ----------
    .. [1] schneider1990sequence

    Examples
    --------
    >>> flat = [[0.5, 0.5], [1.0, 0.0]]
    >>> sequence_logo(flat, "AL", title="motif", peptides=[("mutant", "LA", [0])])[1:4]
    b'PNG'
    """
    parts = np.asarray(frequencies, np.float64)
    if parts.ndim != 2 or parts.shape[1] != len(letters) or not len(parts):
        raise InputError(
            f"frequencies must have one row a position and one column for each of {len(letters)} letters; "
            f"got shape {parts.shape}"
        )
    if (parts < 0).any() or not np.allclose(parts.sum(axis=1), 1.0, atol=1e-6):
        raise InputError("frequencies must be 0 or more and sum to 1 at each position; they do not")
    for name, peptide, _ in peptides:
        if len(peptide) != len(parts):
            raise InputError(f"peptide {name!r} must have {len(parts)} residues as the logo; got {peptide!r}")
    heights = parts * information_bits(parts)[:, None]
    n, below = len(parts), 0.3 * len(peptides)
    width, height = 1.35 + 0.46 * n, 2.5 + below
    figure = new_figure(max(width, 4.6), height, dark=False)
    wide = max(width, 4.6)
    box = (1.15 / wide, (0.62 + below) / height, 0.46 * n / wide, 1.5 / height)
    axes = figure.add_axes(box)
    for position, column in enumerate(heights):
        _stack(axes, position, column, letters)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(0.0, max(1.0, float(heights.sum(axis=1).max()) * 1.05))
    axes.set_xticks(range(n), [str(k + 1) for k in range(n)], fontsize=FONT_SIZE - 1)
    axes.set_ylabel("Information [bit]", fontsize=FONT_SIZE - 1)
    axes.tick_params(axis="y", labelsize=FONT_SIZE - 2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for row, (name, peptide, new) in enumerate(peptides):
        y = (0.18 + 0.3 * (len(peptides) - 1 - row)) / height
        figure.text(
            1.0 / wide, y, legible(name), ha="right", fontsize=FONT_SIZE - 1, color=_INK, parse_math=False
        )
        for position, residue in enumerate(peptide):
            colour = _NEW if position in set(new) else _INK
            at = (1.15 + 0.46 * (position + 0.5)) / wide
            figure.text(at, y, residue, ha="center", fontsize=FONT_SIZE + 3, color=colour, fontweight="bold")
    figure.text(
        0.1 / wide, 1.0 - 0.1 / height, legible(title), fontsize=FONT_SIZE + 1, va="top", parse_math=False
    )
    return to_png(figure)


def information_bits(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the information at each position [bit], shape ``(n_positions,)``."""
    safe = np.where(frequencies > 0, frequencies, 1.0)
    entropy = -(frequencies * np.log2(safe)).sum(axis=1)
    return np.asarray(np.log2(frequencies.shape[1]) - entropy, np.float64)


def _stack(axes: Axes, position: int, heights: NDArray[np.float64], letters: str) -> None:
    """Put letters upon one another, the most frequent on top."""
    bottom = 0.0
    for k in np.argsort(heights, kind="stable"):
        tall = float(heights[k])
        if tall < 0.015:
            bottom += tall
            continue
        path = TextPath((0, 0), letters[k], size=1, prop=_LETTERS)
        box = path.get_extents()
        stretch = (
            Affine2D()
            .translate(-box.x0, -box.y0)
            .scale(0.9 / box.width, tall / box.height)
            .translate(position - 0.45, bottom)
        )
        colour = _COLOURS.get(letters[k], _INK)
        axes.add_patch(PathPatch(stretch.transform_path(path), facecolor=colour, edgecolor="none"))
        bottom += tall
