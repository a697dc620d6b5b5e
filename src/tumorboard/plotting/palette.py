"""Colours of structures, the same in every picture and in the viewer."""

from __future__ import annotations

from typing import Final

__all__ = ["structure_rgb"]

#: Bright enough on grey-level images, and distinct for the colour-blind as far as eleven colours can be
#: (after Okabe and Ito's set, lightened for dark backgrounds).
_COLOURS: Final = (
    (86, 190, 255),
    (255, 176, 32),
    (64, 214, 150),
    (255, 120, 190),
    (250, 240, 90),
    (190, 150, 255),
    (255, 120, 80),
    (150, 230, 60),
    (110, 230, 230),
    (220, 180, 140),
    (240, 240, 240),
)


def structure_rgb(index: int) -> tuple[int, int, int]:
    """Return the colour of the structure with this index, 0 to 255 each; colours repeat after the eleventh.

    Parameters
    ----------
    index
        Position of the structure in its list, from 0.

    Returns
    -------
    tuple of int
        Red, green, blue.

    Examples
    --------
    >>> structure_rgb(0), structure_rgb(11) == structure_rgb(0)
    ((86, 190, 255), True)
    """
    return _COLOURS[index % len(_COLOURS)]
