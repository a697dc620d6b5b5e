"""Items of a case that hold what kinetics found in voxels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["KINETIC_MAP_ITEMS"]

# Named like their section, so that no other section counts them among what it is made from.
#: By model and parameter.
KINETIC_MAP_ITEMS: Final[Mapping[tuple[str, str], str]] = {
    ("Logan", "VT"): "section-kinetics-vt-logan",
    ("MA1", "VT"): "section-kinetics-vt-ma1",
    ("1TCM", "K1"): "section-kinetics-k1",
}
