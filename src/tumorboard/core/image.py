"""Values on a grid, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Image", "Quantity"]


class Quantity(Enum):
    """What the values of an image measure; :attr:`unit` says in which unit."""

    CT_NUMBER = "ct_number"
    MR_SIGNAL = "mr_signal"
    APPARENT_DIFFUSION = "apparent_diffusion"
    ACTIVITY_CONCENTRATION = "activity_concentration"
    COUNTS = "counts"
    SUV_BODY_WEIGHT = "suv_body_weight"
    SUV_LEAN_BODY_MASS_JAMES = "suv_lean_body_mass_james"
    SUV_LEAN_BODY_MASS_JANMAHASATIAN = "suv_lean_body_mass_janmahasatian"
    SUV_BODY_SURFACE_AREA = "suv_body_surface_area"
    SUV_IDEAL_BODY_WEIGHT = "suv_ideal_body_weight"
    DOSE = "dose"
    LET = "let"
    FLUENCE = "fluence"
    DENSITY = "density"
    RELATIVE_STOPPING_POWER = "relative_stopping_power"
    GAMMA_INDEX = "gamma_index"
    EMISSIONS_PER_PROTON = "emissions_per_proton"
    EMISSIONS = "emissions"
    DISTRIBUTION_VOLUME = "distribution_volume"
    BINDING_POTENTIAL = "binding_potential"
    UPTAKE_RATE = "uptake_rate"
    RATE_CONSTANT = "rate_constant"
    UPTAKE_RATIO = "uptake_ratio"
    FRACTION = "fraction"
    LABEL = "label"
    UNCALIBRATED = "uncalibrated"

    @property
    def unit(self) -> str:
        """UCUM-like unit of the values, ``"1"`` for none."""
        return _UNITS[self]

    @property
    def is_suv(self) -> bool:
        """Whether this is a standardised uptake value of any variant."""
        return self.name.startswith("SUV_")

    @property
    def is_extensive(self) -> bool:
        """Whether a voxel's value is an amount in the voxel, so that resampling must keep the sum."""
        return self in _EXTENSIVE


_EXTENSIVE = frozenset({Quantity.COUNTS, Quantity.EMISSIONS_PER_PROTON, Quantity.EMISSIONS})

_UNITS = {
    Quantity.CT_NUMBER: "HU",
    Quantity.MR_SIGNAL: "1",
    Quantity.APPARENT_DIFFUSION: "mm2/s",
    Quantity.ACTIVITY_CONCENTRATION: "Bq/mL",
    Quantity.COUNTS: "1",
    Quantity.SUV_BODY_WEIGHT: "g/mL",
    Quantity.SUV_LEAN_BODY_MASS_JAMES: "g/mL",
    Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN: "g/mL",
    Quantity.SUV_BODY_SURFACE_AREA: "cm2/mL",
    Quantity.SUV_IDEAL_BODY_WEIGHT: "g/mL",
    Quantity.DOSE: "Gy",
    Quantity.LET: "keV/um",
    Quantity.FLUENCE: "1/mm2",
    Quantity.DENSITY: "g/cm3",
    Quantity.RELATIVE_STOPPING_POWER: "1",
    Quantity.GAMMA_INDEX: "1",
    Quantity.EMISSIONS_PER_PROTON: "1",
    Quantity.EMISSIONS: "1",
    Quantity.DISTRIBUTION_VOLUME: "mL/cm3",
    Quantity.BINDING_POTENTIAL: "1",
    Quantity.UPTAKE_RATE: "mL/cm3/min",
    Quantity.RATE_CONSTANT: "1/min",
    Quantity.UPTAKE_RATIO: "1",
    Quantity.FRACTION: "1",
    Quantity.LABEL: "1",
    Quantity.UNCALIBRATED: "1",
}


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A volume: values, the grid they stand on, and what they measure.

    Parameters
    ----------
    values
        Shape ``grid.shape``, indexed ``[z, y, x]``; real numbers or booleans, in the unit of
        ``quantity``. Copied unless already read-only.
    grid
        Where the voxels are.
    quantity
        What the values measure, hence their unit.
    provenance
        How the values came about.

    Raises
    ------
    InputError
        When the shape does not fit the grid or the values are not real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 4, 4), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = Image(np.zeros(grid.shape), grid, Quantity.CT_NUMBER, Record("example"))
    >>> water.quantity.unit
    'HU'
    """

    values: NDArray[Any]
    grid: Grid
    quantity: Quantity
    provenance: Record

    def __post_init__(self) -> None:
        values = read_only(self.values)
        if values.dtype.kind not in "biuf":
            raise InputError(f"values must be real numbers or booleans; got dtype {values.dtype}")
        if values.shape != self.grid.shape:
            raise InputError(f"values must have the grid's shape {self.grid.shape}; got {values.shape}")
        object.__setattr__(self, "values", values)

    def crop(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Image:
        """Return ``values[start:stop]`` along each axis (z, y, x), on its own grid."""
        grid = self.grid.crop(start, stop)
        window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        # numpy's integers are as good as Python's here, but JSON does not know them.
        corners = {"start": [int(n) for n in start], "stop": [int(n) for n in stop]}
        record = Record("core.Image.crop", corners, (self.provenance,))
        return Image(self.values[window], grid, self.quantity, record)
