"""Where photons come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorboard.errors import InputError
from tumorboard.physics.photon_attenuation import HIGHEST_PHOTON_MEV
from tumorboard.physics.transport._kernels.photon_emission import emit
from tumorboard.physics.transport.particles import ParticleKind, Particles

__all__ = ["PhotonSource"]


@dataclass(frozen=True, slots=True)
class PhotonSource:
    """Photons from a point, one per history.

    Parameters
    ----------
    energies_mev
        Of the lines, 0 to 20 [MeV].
    position_mm
        Patient point (x, y, z) [mm].
    direction
        In which all go, of any length; ``None``: any direction is as likely.
    weights
        How often each line comes, > 0, in any unit; ``None``: all as often.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> source = PhotonSource((0.140511,), position_mm=(0.0, 0.0, 0.0))
    >>> source.particles(0, 2, seed=1).energy_mev
    array([0.140511, 0.140511])
    """

    energies_mev: tuple[float, ...]
    position_mm: tuple[float, float, float]
    direction: tuple[float, float, float] | None = None
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        energies = np.atleast_1d(np.asarray(self.energies_mev, dtype=np.float64))
        if (
            energies.ndim != 1
            or not energies.size
            or not ((energies >= 0) & (energies <= HIGHEST_PHOTON_MEV)).all()
        ):
            raise InputError(f"energies_mev must be 0 to 20 [MeV]; got {self.energies_mev!r}; are they keV?")
        object.__setattr__(self, "energies_mev", tuple(energies.tolist()))
        if len(self.position_mm) != 3 or not np.isfinite(self.position_mm).all():
            raise InputError(f"position_mm must be three finite numbers [mm]; got {self.position_mm!r}")
        along = self.direction
        if along is not None and not (len(along) == 3 and 0 < np.linalg.norm(along) < np.inf):
            raise InputError(f"direction must be three finite numbers, not all 0; got {along!r}")
        weights = self.weights
        if weights is not None and not (
            len(weights) == energies.size and all(0 < weight < np.inf for weight in weights)
        ):
            raise InputError(f"weights must be one for each energy, > 0; got {weights!r}")

    def particles(self, first: int, count: int, *, seed: int) -> Particles:
        """Return the photons of ``count`` histories from number ``first`` on."""
        weights = np.ones(len(self.energies_mev)) if self.weights is None else np.asarray(self.weights)
        fixed = np.zeros(3)
        if self.direction is not None:
            fixed = np.asarray(self.direction, dtype=np.float64) / np.linalg.norm(self.direction)
        direction, energy = np.empty((count, 3)), np.empty(count)
        below = np.cumsum(weights) / np.sum(weights)
        emit(first, seed, np.asarray(self.energies_mev), below, fixed, direction, energy)
        return Particles(
            np.full(count, int(ParticleKind.PHOTON), np.int8),
            np.tile(np.asarray(self.position_mm, dtype=np.float64), (count, 1)),
            direction,
            energy,
            np.arange(first, first + count),
        )
