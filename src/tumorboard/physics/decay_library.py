"""Which evaluation decay data are taken from."""

from __future__ import annotations

from enum import Enum

__all__ = ["DecayLibrary"]


class DecayLibrary(Enum):
    """An evaluated library of decay data."""

    ENDF_B_VIII_1 = "ENDF/B-VIII.1"
    JEFF_4_0 = "JEFF-4.0"
