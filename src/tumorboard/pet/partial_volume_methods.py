"""Ways to correct voxels for partial volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tumorboard.errors import InputError

__all__ = ["IterativeYang", "RegionVoxelwise", "VoxelCorrection"]


@dataclass(frozen=True, slots=True)
class RegionVoxelwise:
    """The region-based voxelwise correction: one step, with the means of the geometric transfer matrix."""

    def to_dict(self) -> dict[str, Any]:
        """Return the choices as JSON-serialisable values."""
        return {"method": "region_voxelwise"}


@dataclass(frozen=True, slots=True)
class IterativeYang:
    """Iterative Yang: several steps, each with the means of the one before.

    Parameters
    ----------
    iterations
        At most, >= 1.
    tolerance
        It stops when no mean changes by more than this part of the largest mean; ``None``: all iterations
        are done.
    """

    iterations: int
    tolerance: float | None

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise InputError(f"iterations must be >= 1; got {self.iterations!r}")
        if self.tolerance is not None and not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise InputError(f"tolerance must be > 0, or None; got {self.tolerance!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the choices as JSON-serialisable values."""
        return {"method": "iterative_yang", "iterations": self.iterations, "tolerance": self.tolerance}


VoxelCorrection = RegionVoxelwise | IterativeYang
