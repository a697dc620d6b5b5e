"""The axes of a beam's spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.plan import IonBeam
from tumorboard.errors import InputError

#: Nominal energies of plan and machine are the same within this [MeV].
ENERGY_TOLERANCE_MEV: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The axes of a beam's spots, each position once, and the spots on each of them.

    ``order[n]`` is the plan's number of the spot that is the ``n``-th by ray, then by energy; ``used`` are
    the machine's numbers of the energies, and ``energy_of_spot`` counts in them. A ray has one spot of an
    energy at most: spots that are there twice are on a second ray.
    """

    origins: NDArray[np.float64]
    frames: NDArray[np.float64]
    first_spot: NDArray[np.int64]
    order: NDArray[np.int64]
    used: NDArray[np.int64]
    energy_of_spot: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of rays."""
        return len(self.origins)


def spots_of(beam: IonBeam, machine: ProtonMachine) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return positions, shape (n_spots, 2) [mm], and the index of the machine's energy of each spot."""
    known = machine.beam_model.nominal_energies_mev
    positions, energies = [np.empty((0, 2))], [np.empty(0, np.int64)]
    for layer in beam.layers:
        nearest = int(np.abs(known - layer.nominal_energy_mev).argmin())
        if abs(known[nearest] - layer.nominal_energy_mev) > ENERGY_TOLERANCE_MEV:
            raise InputError(
                f"nominal_energy_mev of beam {beam.name!r} must be one of {machine.beam_model.name!r} "
                f"(within {ENERGY_TOLERANCE_MEV} MeV); got {layer.nominal_energy_mev:g} MeV, the nearest is "
                f"{known[nearest]:g} MeV; choose the plan's machine or make one with these energies"
            )
        positions.append(layer.positions_mm)
        energies.append(np.full(len(layer.positions_mm), nearest))
    return np.concatenate(positions), np.concatenate(energies)


def make_rays(
    positions_mm: NDArray[np.float64], energies: NDArray[np.int64], source_mm: tuple[float, float]
) -> Rays:
    """Sort spots by ray; a ray leads from the virtual sources through the position on the isocentre plane."""
    used, energy = np.unique(energies, return_inverse=True)
    energy = energy.reshape(-1)
    _, place = np.unique(positions_mm, axis=0, return_inverse=True)
    order = np.lexsort((energy, place.reshape(-1)))
    same = np.flatnonzero((np.diff(place.reshape(-1)[order]) == 0) & (np.diff(energy[order]) == 0)) + 1
    repeat = np.zeros(len(order), np.int64)
    for n in same:
        repeat[order[n]] = repeat[order[n - 1]] + 1
    keyed = np.column_stack([positions_mm, repeat])
    unique, ray_of_spot = np.unique(keyed, axis=0, return_inverse=True)
    ray_of_spot, unique = ray_of_spot.reshape(-1), unique[:, :2]
    order = np.lexsort((energy, ray_of_spot))
    first = np.searchsorted(ray_of_spot[order], np.arange(len(unique) + 1))
    along = np.column_stack([unique / np.array(source_mm), np.full(len(unique), -1.0)])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    a = np.array([1.0, 0.0, 0.0]) - along[:, :1] * along
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    frames = np.stack([a, np.cross(along, a), along], axis=1)
    origins = np.column_stack([unique, np.zeros(len(unique))])
    return Rays(origins, np.ascontiguousarray(frames), first.astype(np.int64), order, used, energy[order])
