"""Where electrons and positrons come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.physics.transport.particles import ParticleKind, Particles

__all__ = ["ElectronSource"]

_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _numbers(seed: int, histories: NDArray[np.int64], which: int) -> NDArray[np.float64]:
    """Return numbers even in the open interval from 0 to 1 that depend on nothing but the arguments."""
    with np.errstate(over="ignore"):
        z = histories.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64((seed * _MIX_2 + which) % 2**64)
        for factor, shift in ((_MIX_1, 30), (_MIX_2, 27), (_MIX_1, 29)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)) * 2.0**-53 + 2.0**-54)


@dataclass(frozen=True, slots=True)
class ElectronSource:
    """Electrons or positrons of one energy from a point, one per history.

    Parameters
    ----------
    energy_mev
        Kinetic energy, 0 to 30 [MeV].
    position_mm
        Patient point (x, y, z) [mm].
    direction
        In which all go, of any length; ``None``: any direction is as likely.
    kind
        ELECTRON or POSITRON.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> source = ElectronSource(energy_mev=1.0, position_mm=(0.0, 0.0, 0.0), direction=(0.0, 0.0, 1.0))
    >>> source.particles(0, 3, seed=1).energy_mev
    array([1., 1., 1.])
    """

    energy_mev: float
    position_mm: tuple[float, float, float]
    direction: tuple[float, float, float] | None = None
    kind: ParticleKind = ParticleKind.ELECTRON

    def __post_init__(self) -> None:
        if not 0 <= self.energy_mev <= 30:
            raise InputError(f"energy_mev must be 0 to 30 [MeV]; got {self.energy_mev!r}; is it keV?")
        if len(self.position_mm) != 3 or not np.isfinite(self.position_mm).all():
            raise InputError(f"position_mm must be three finite numbers [mm]; got {self.position_mm!r}")
        along = self.direction
        if along is not None and not (len(along) == 3 and 0 < np.linalg.norm(along) < np.inf):
            raise InputError(f"direction must be three finite numbers, not all 0; got {along!r}")
        if self.kind not in (ParticleKind.ELECTRON, ParticleKind.POSITRON):
            raise InputError(f"kind must be ELECTRON or POSITRON; got {self.kind!r}")

    def particles(self, first: int, count: int, *, seed: int) -> Particles:
        """Return the particles of ``count`` histories from number ``first`` on."""
        histories = np.arange(first, first + count)
        if self.direction is None:
            w = 2.0 * _numbers(seed, histories, 1) - 1.0
            phi = 2.0 * np.pi * _numbers(seed, histories, 2)
            sine = np.sqrt(1.0 - w * w)
            direction = np.stack([sine * np.cos(phi), sine * np.sin(phi), w], axis=1)
        else:
            unit = np.asarray(self.direction, dtype=np.float64)
            direction = np.tile(unit / np.linalg.norm(unit), (count, 1))
        return Particles(
            np.full(count, int(self.kind), np.int8),
            np.tile(np.asarray(self.position_mm, dtype=np.float64), (count, 1)),
            direction,
            np.full(count, self.energy_mev),
            histories,
        )
