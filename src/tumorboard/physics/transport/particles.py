"""Particles as sources hand them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError

__all__ = ["ParticleKind", "ParticleSource", "Particles"]


class ParticleKind(IntEnum):
    """What a particle is; the numbers are what kernels see."""

    PHOTON = 0
    ELECTRON = 1
    POSITRON = 2
    PROTON = 3


@dataclass(frozen=True, slots=True, eq=False)
class Particles:
    """Some particles of some histories, in the order of their histories.

    Parameters
    ----------
    kind
        Shape ``(n,)``, values of :class:`ParticleKind`.
    position_mm
        Patient points (x, y, z), shape ``(n, 3)`` [mm].
    direction
        Unit vectors, shape ``(n, 3)``.
    energy_mev
        Kinetic energies, >= 0, shape ``(n,)`` [MeV].
    history
        Number of the history each belongs to, ascending, shape ``(n,)``.

    Raises
    ------
    InputError
        When shapes do not fit, directions are no unit vectors, energies are negative or points not finite.
    """

    kind: NDArray[np.int8]
    position_mm: NDArray[np.float64]
    direction: NDArray[np.float64]
    energy_mev: NDArray[np.float64]
    history: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, dtype in (
            ("kind", np.int8),
            ("position_mm", np.float64),
            ("direction", np.float64),
            ("energy_mev", np.float64),
            ("history", np.int64),
        ):
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))
        n = self.energy_mev.size
        shapes = (self.kind.shape, self.position_mm.shape, self.direction.shape, self.history.shape)
        if shapes != ((n,), (n, 3), (n, 3), (n,)):
            raise InputError(f"particles must have one kind, point, direction, history each; got {shapes}")
        if not (np.isfinite(self.energy_mev).all() and (self.energy_mev >= 0).all()):
            raise InputError("energy_mev of particles must be finite and >= 0 [MeV]; got others")
        if not np.isfinite(self.position_mm).all():
            raise InputError("position_mm of particles must be finite [mm]; got others")
        if n and not (np.abs((self.direction**2).sum(axis=1) - 1.0) < 1e-9).all():
            raise InputError("direction of particles must be unit vectors within 1e-9; got others")
        if (np.diff(self.history) < 0).any():
            raise InputError("history of particles must ascend; got them out of order")


class ParticleSource(Protocol):
    """Hands out the particles of histories; the same ones whoever asks."""

    def particles(self, first: int, count: int, *, seed: int) -> Particles:
        """Return the particles of ``count`` histories from number ``first`` on."""
