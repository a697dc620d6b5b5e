"""What a user can choose about particles in water."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tumorboard.errors import InputError

__all__ = ["PARTICLES", "WaterConfig"]

#: Particles that can be sent into water, with the highest kinetic energy of each [MeV].
PARTICLES = {"proton": 290.0, "photon": 20.0, "electron": 30.0, "positron": 30.0}

_LEAST_MEV = 0.001
_LEAST_HISTORIES = 100


@dataclass(frozen=True, slots=True)
class WaterConfig:
    """A thin beam along the axis of a box of water.

    Parameters
    ----------
    particle
        A key of :data:`PARTICLES`.
    energy_mev
        Kinetic energy, all of one [MeV].
    histories
        Particles to follow, at least 100.
    voxel_mm
        Edge of the cubic voxels, 0.25 to 20 [mm].
    threads
        At a time, >= 1; only the time depends on them.
    seed
        Of the random streams, >= 0.
    width_mm
        Of the box across the beam; at least that, in an odd number of voxels, 20 to 1000 [mm].
    mean_excitation_ev
        Of the water, 60 to 90 [eV]. ICRU Report 90 [1]_ recommends 78 +- 2; 77.7 is what MCsquare's stopping
        powers amount to, for comparisons with it; 75, ICRU Report 49's, makes ranges 0.5 % shorter.

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] icru2016report90
    """

    particle: str
    energy_mev: float
    histories: int
    voxel_mm: float
    threads: int
    seed: int
    width_mm: float
    mean_excitation_ev: float

    def __post_init__(self) -> None:
        if self.particle not in PARTICLES:
            raise InputError(f"particle must be one of {', '.join(PARTICLES)}; got {self.particle!r}")
        limits = {
            "energy_mev": ("MeV", _LEAST_MEV, PARTICLES[self.particle]),
            "voxel_mm": ("mm", 0.25, 20.0),
            "width_mm": ("mm", 20.0, 1000.0),
            "mean_excitation_ev": ("eV", 60.0, 90.0),
        }
        for name, (unit, low, high) in limits.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{name} must be {low:g} to {high:g} [{unit}]; got {value:g}")
        for name, least in (("histories", _LEAST_HISTORIES), ("threads", 1), ("seed", 0)):
            value = getattr(self, name)
            if not math.isfinite(value) or value != int(value) or value < least:
                raise InputError(f"{name} must be a whole number >= {least}; got {value:g}")
            object.__setattr__(self, name, int(value))
