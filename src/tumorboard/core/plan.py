"""A proton plan: beams, energy layers and spots with their monitor units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["EnergyLayer", "IonBeam", "IonPlan"]


@dataclass(frozen=True, slots=True, eq=False)
class EnergyLayer:
    """The spots of one energy.

    Parameters
    ----------
    nominal_energy_mev
        As the machine names it, > 0 [MeV].
    positions_mm
        Where the spots cross the isocentre plane, (x, y) in the gantry system, shape ``(n_spots, 2)`` [mm].
    monitor_units
        Per fraction, >= 0, shape ``(n_spots,)``.
    spot_fwhm_mm
        Nominal spot size (x, y) at the isocentre in air, where the plan names it [mm].
    """

    nominal_energy_mev: float
    positions_mm: NDArray[np.float64]
    monitor_units: NDArray[np.float64]
    spot_fwhm_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        positions = read_only(self.positions_mm, np.float64)
        units = read_only(self.monitor_units, np.float64)
        if not (math.isfinite(self.nominal_energy_mev) and self.nominal_energy_mev > 0):
            raise InputError(f"nominal_energy_mev must be > 0 [MeV]; got {self.nominal_energy_mev!r}")
        if positions.ndim != 2 or positions.shape[1] != 2 or not np.isfinite(positions).all():
            raise InputError(f"positions_mm must be finite, shape (n_spots, 2) [mm]; got {positions.shape}")
        if units.shape != (len(positions),) or not np.isfinite(units).all() or (units < 0).any():
            raise InputError(
                f"monitor_units must be finite, >= 0, one per spot ({len(positions)}); got {units.shape}"
            )
        object.__setattr__(self, "positions_mm", positions)
        object.__setattr__(self, "monitor_units", units)


@dataclass(frozen=True, slots=True, eq=False)
class IonBeam:
    """One field.

    Parameters
    ----------
    name
        Not empty, unique in its plan.
    geometry
        Where it comes from.
    layers
        In order of delivery.
    range_shifter
        Identifier of the one in the beam; ``None``: none is.
    range_shifter_distance_mm
        From the isocentre to the range shifter's downstream face [mm]; needed with a range shifter.
    snout_position_mm
        Isocentre to the downstream side of the snout, where the plan names it [mm].
    range_shifter_water_equivalent_thickness_mm
        Of the range shifter in the beam, where the plan names it [mm].
    source_distance_mm
        Virtual sources of x and y upstream of the isocentre, where the plan names them [mm].
    """

    name: str
    geometry: BeamGeometry
    layers: tuple[EnergyLayer, ...]
    range_shifter: str | None = None
    range_shifter_distance_mm: float | None = None
    snout_position_mm: float | None = None
    range_shifter_water_equivalent_thickness_mm: float | None = None
    source_distance_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.name:
            raise InputError("name of a beam must not be empty")
        if self.range_shifter is not None and self.range_shifter_distance_mm is None:
            raise InputError(
                f"range_shifter_distance_mm of beam {self.name!r} must be given with range shifter "
                f"{self.range_shifter!r} [mm]; without it the broadening in the air gap would be a guess"
            )

    @property
    def n_spots(self) -> int:
        """Number of spots of all layers."""
        return sum(len(layer.positions_mm) for layer in self.layers)


@dataclass(frozen=True, slots=True, eq=False)
class IonPlan:
    """Fields of protons for one patient.

    Parameters
    ----------
    label
        For people.
    machine
        Name of the machine that it is for.
    beams
        At least one; names are unique.
    n_fractions
        >= 1.
    frame_of_reference
        DICOM UID that the isocentres are in; ``None`` where the plan's file does not say.
    provenance
        How it was made.
    """

    label: str
    machine: str
    beams: tuple[IonBeam, ...]
    n_fractions: int
    provenance: Record
    frame_of_reference: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "beams", tuple(self.beams))
        names = [b.name for b in self.beams]
        if not names or len(set(names)) != len(names):
            raise InputError(f"beams must be at least one, with unique names; got {names}")
        if self.n_fractions < 1:
            raise InputError(f"n_fractions must be >= 1; got {self.n_fractions!r}")

    @property
    def n_spots(self) -> int:
        """Number of spots of all beams."""
        return sum(beam.n_spots for beam in self.beams)
