"""What a kinetic model finds in every voxel of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from types import MappingProxyType
from typing import Final

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["ParametricMaps", "VoxelFlag", "quantity_of"]

_QUANTITIES: Final = {
    "mL/cm3": Quantity.DISTRIBUTION_VOLUME,
    "mL/cm3/min": Quantity.UPTAKE_RATE,
    "1/min": Quantity.RATE_CONSTANT,
}
_RATIOS: Final = {"BPND": Quantity.BINDING_POTENTIAL, "vB": Quantity.FRACTION}


class VoxelFlag(IntFlag):
    """Why a voxel's numbers should not be taken at their face value; a voxel may have several."""

    NO_FIT = 1
    """No finite result: the curve has NaN, is 0, or the columns are the same."""
    NO_POINT = 2
    """A frame from t* on has no positive concentration, so that Logan's plot lacks a point: no result."""
    AT_BOUND = 4
    """A parameter lies at the bound of what was searched."""
    NOT_CONVERGED = 8
    """The search ended before its tolerance."""
    NEGATIVE = 16
    """A parameter that cannot be negative is."""
    UNCERTAIN = 32
    """A parameter's standard error exceeds half of it; only where errors were asked for."""
    VT_WITHHELD = 64
    """VT's standard error exceeds the stated part of it, so VT is NaN."""


@dataclass(frozen=True, slots=True, eq=False)
class ParametricMaps:
    """Maps of a model's parameters.

    Parameters
    ----------
    model
        The configuration's name, e.g. ``"SRTM"``.
    maps
        By the parameter's name; float32, NaN where a voxel has no result.
    standard_errors
        By the same names, in the same units; empty where not asked for.
    flags
        LABEL image, sums of :class:`VoxelFlag`.
    residual
        Sum of weight times squared residual of what was fitted, as
        :attr:`.KineticFit.residual_sum`; UNCALIBRATED, for its unit is that of a square.
    n_voxels
        How many were fitted.
    provenance
        With the model's choices and citations.
    """

    model: str
    maps: Mapping[str, Image]
    standard_errors: Mapping[str, Image]
    flags: Image
    residual: Image
    n_voxels: int
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", MappingProxyType(dict(self.maps)))
        object.__setattr__(self, "standard_errors", MappingProxyType(dict(self.standard_errors)))

    def count(self, flag: VoxelFlag) -> int:
        """Return how many voxels have a flag."""
        return int(((self.flags.values & int(flag)) != 0).sum())


def quantity_of(name: str, unit: str) -> Quantity:
    """Return what a map of a parameter measures.

    Parameters
    ----------
    name
        E.g. ``"BPND"``.
    unit
        As the models state it.

    Raises
    ------
    InputError
        When no quantity has the unit.

    Examples
    --------
    >>> quantity_of("VT", "mL/cm3").name, quantity_of("BPND", "1").name, quantity_of("R1", "1").name
    ('DISTRIBUTION_VOLUME', 'BINDING_POTENTIAL', 'UPTAKE_RATIO')
    """
    if unit == "1":
        return _RATIOS.get(name, Quantity.UPTAKE_RATIO)
    if unit not in _QUANTITIES:
        raise InputError(f"unit of a map must be 1, {', '.join(_QUANTITIES)}; {name} has {unit}")
    return _QUANTITIES[unit]
