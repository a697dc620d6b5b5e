"""The nuclides of PET: their names as files spell them, and their half-lives.

The half-lives serve to notice a file that names one nuclide and decays like another; where a value is
computed, the file's own half-life is used, since the scanner corrected the image with it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["KNOWN_HALF_LIFE_S", "known_half_life_s", "positron_emitter"]

#: Half-life by symbol and mass number [s], ENSDF as in the NNDC's NuDat; three digits are enough here.
KNOWN_HALF_LIFE_S: Final = {
    "C-11": 1222.0,
    "N-13": 597.9,
    "O-15": 122.2,
    "F-18": 6586.0,
    "Cu-64": 45720.0,
    "Ga-68": 4063.0,
    "Rb-82": 75.45,
    "Zr-89": 282300.0,
    "I-124": 360800.0,
}

_NAMES: Final = {
    "C": ("C", "CARBON"),
    "N": ("N", "NITROGEN"),
    "O": ("O", "OXYGEN"),
    "F": ("F", "FLUORINE", "FLUOR"),
    "Cu": ("CU", "COPPER"),
    "Ga": ("GA", "GALLIUM"),
    "Rb": ("RB", "RUBIDIUM"),
    "Zr": ("ZR", "ZIRCONIUM"),
    "I": ("I", "IODINE"),
}


def positron_emitter(radionuclide: str) -> str | None:
    """Return the symbol and mass number of a nuclide written in any of the usual ways.

    Parameters
    ----------
    radionuclide
        Code Meaning of Radionuclide Code Sequence (0054,0300): ``"^18^Fluorine"``, ``"F-18"``, ``"18F"``.

    Returns
    -------
    str or None
        A key of :data:`KNOWN_HALF_LIFE_S`; ``None`` for any other nuclide.

    Examples
    --------
    >>> positron_emitter("^68^Gallium"), positron_emitter("F^18^"), positron_emitter("177 Lutetium")
    ('Ga-68', 'F-18', None)
    """
    masses = re.findall(r"\d+", radionuclide)
    words = [word.upper() for word in re.findall(r"[A-Za-z]+", radionuclide)]
    if len(masses) != 1 or len(words) != 1:
        return None
    for symbol, names in _NAMES.items():
        name = f"{symbol}-{masses[0]}"
        if words[0] in names and name in KNOWN_HALF_LIFE_S:
            return name
    return None


def known_half_life_s(radionuclide: str) -> float | None:
    """Return the half-life of a nuclide written in any of the usual ways [s], ``None`` when not listed.

    Parameters
    ----------
    radionuclide
        As for :func:`positron_emitter`.

    Examples
    --------
    >>> known_half_life_s("^68^Gallium"), known_half_life_s("F^18^"), known_half_life_s("Lutetium-177")
    (4063.0, 6586.0, None)
    """
    name = positron_emitter(radionuclide)
    return None if name is None else KNOWN_HALF_LIFE_S[name]
