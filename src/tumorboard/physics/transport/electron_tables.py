"""What electrons and positrons meet in each material, tabulated for the transport kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.bremsstrahlung import bremsstrahlung_shape
from tumorboard.physics.electron_scattering import (
    hard_collisions_cm2_g,
    scattering_power_cm2_g,
    soft_straggling_mev2_cm2_g,
)
from tumorboard.physics.electron_stopping import (
    HIGHEST_ENERGY_MEV,
    LOWEST_ENERGY_MEV,
    collision_mass_stopping_power_mev_cm2_g,
    radiative_mass_stopping_power_mev_cm2_g,
)
from tumorboard.physics.transport._kernels.electron_data import (
    COLUMNS,
    ENERGY,
    ENERGY_FIRST,
    EVENTS,
    PHOTONS,
    RADIATIVE,
    RANGE_FIRST,
    RANGE_ROWS,
    REACH,
    SHAPE,
    STRENGTH,
    VARIANCE,
    ElectronSettings,
    ElectronTables,
)

__all__ = ["ElectronSteps", "electron_tables"]

#: From the first range on, as many factors of two as 30 MeV need in any material [g/cm2].
_RANGE_OCTAVES: Final = 26
_NODES_PER_DECADE: Final = 80
#: Rows of photon spectra stand at half octaves of energy; columns at even parts of the energy.
_SPECTRUM_ROWS: Final = 31
_SPECTRUM_PARTS: Final = 129


@dataclass(frozen=True, slots=True)
class ElectronSteps:
    """How electrons are followed.

    Parameters
    ----------
    cut_mev
        Kinetic energy at which they are given up and leave what they have [MeV].
    transfer_mev
        Collisions that transfer more are followed one by one, and so are the electrons knocked on [MeV].
    photon_cut_mev
        Photons radiated with more are handed on; the energy of those with less stays [MeV].
    share_of_range
        A step takes this share of what is left of the range.
    stop_within_voxel
        Whether electrons that cannot reach the nearest face of their voxel leave their energy in it at once,
        all but what they radiate: the energy in voxels is the same, the way there is not followed.

    Raises
    ------
    InputError
        When a number is out of range.
    """

    cut_mev: float = 0.01
    transfer_mev: float = 0.03
    photon_cut_mev: float = 0.005
    share_of_range: float = 0.2
    stop_within_voxel: bool = True

    def __post_init__(self) -> None:
        if not 1e-3 <= self.cut_mev <= 0.5:
            raise InputError(f"cut_mev must be 0.001 to 0.5 [MeV]; got {self.cut_mev!r}")
        if not self.cut_mev <= self.transfer_mev <= 5:
            raise InputError(
                f"transfer_mev must be at least cut_mev ({self.cut_mev:g}) and at most 5 [MeV]; "
                f"got {self.transfer_mev!r}"
            )
        if not 1e-3 <= self.photon_cut_mev <= 5:
            raise InputError(f"photon_cut_mev must be 0.001 to 5 [MeV]; got {self.photon_cut_mev!r}")
        if not 0 < self.share_of_range <= 0.5:
            raise InputError(f"share_of_range must be > 0 and at most 0.5; got {self.share_of_range!r}")

    def settings(self, seed: int) -> ElectronSettings:
        """Return what the kernels are given."""
        return ElectronSettings(
            seed,
            self.cut_mev,
            self.transfer_mev,
            self.photon_cut_mev,
            self.share_of_range,
            self.stop_within_voxel,
        )


@lru_cache(maxsize=1)
def _angles() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return quantiles and scales of the deflection, and ln(screening) of the table's columns."""
    path = files("tumorboard.physics") / "tables" / "electrons" / "multiple_scattering.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return data["quantiles"].astype(np.float64), data["scale"], np.log(data["screening"])


def _moments(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 - <P1> and 1 - <P2> of one collision off a screened nucleus."""
    logarithm = np.log1p(1.0 / eta)
    first = 2.0 * eta * ((1.0 + eta) * logarithm - 1.0)
    return first, 6.0 * eta * (1.0 + eta) * ((1.0 + 2.0 * eta) * logarithm - 2.0)


def _column_of(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the column of the table of angles whose second over first moment is ``ratio``."""
    logs = _angles()[2]
    fine = np.linspace(logs[0], logs[-1], 400)
    first, second = _moments(np.exp(fine))
    place = np.interp(ratio, (second / first)[::-1], fine[::-1])
    return np.asarray(np.interp(place, logs, np.arange(logs.size)))


def _integral(
    energies: NDArray[np.float64], values: NDArray[np.float64], first: float
) -> NDArray[np.float64]:
    """Return the integral of ``values`` over energy from 0, where up to the first energy it is ``first``."""
    spline = scipy.interpolate.CubicSpline(np.log(energies), values * energies)
    return np.asarray(first + spline.antiderivative()(np.log(energies)))


@lru_cache(maxsize=64)
def _spectrum(material: Material) -> NDArray[np.float64]:
    """Return the shape of photon spectra by energy and part of it, and the same for the kernel."""
    energies = np.exp2(ENERGY_FIRST + 0.5 * np.arange(_SPECTRUM_ROWS, dtype=np.float64))
    parts = np.linspace(0.0, 1.0, _SPECTRUM_PARTS)
    return bremsstrahlung_shape(material, energies, parts)


@lru_cache(maxsize=256)
def _of_material(
    material: Material, transfer_mev: float, photon_cut_mev: float, positrons: bool
) -> NDArray[np.float64]:
    """Return the rows of ``by_range`` of a material, shape ``(n, COLUMNS)``."""
    low, high = LOWEST_ENERGY_MEV, HIGHEST_ENERGY_MEV
    n = round(_NODES_PER_DECADE * np.log10(high / low)) + 1
    e = np.clip(np.geomspace(low, high, n), low, high)
    collision = collision_mass_stopping_power_mev_cm2_g(material, e, positrons=positrons)
    radiative = radiative_mass_stopping_power_mev_cm2_g(material, e, positrons=positrons)
    knocked, taken = hard_collisions_cm2_g(
        material, e, smallest_transfer_mev=transfer_mev, positrons=positrons
    )
    photons, hard_radiative = _photons(material, e, radiative, photon_cut_mev)
    total = collision + radiative
    soft = total - taken - hard_radiative
    first, second = scattering_power_cm2_g(
        material, e, largest_transfer_mev=transfer_mev, positrons=positrons
    )
    straggling = soft_straggling_mev2_cm2_g(
        material, e, largest_transfer_mev=transfer_mev, positrons=positrons
    )
    half = 0.5 * low
    columns = np.empty((n, COLUMNS))
    columns[:, ENERGY] = e
    columns[:, STRENGTH] = _integral(e, first / soft, first[0] / soft[0] * half)
    columns[:, EVENTS] = _integral(e, (knocked + photons) / soft, 0.0)
    columns[:, VARIANCE] = _integral(e, straggling / soft, straggling[0] / soft[0] * half)
    columns[:, SHAPE] = _column_of(second / first)
    columns[:, RADIATIVE] = np.divide(photons, knocked + photons, out=np.ones(n), where=knocked + photons > 0)
    columns[:, PHOTONS] = _integral(e, photons / total, 0.0)
    columns[:, REACH] = _integral(e, 1.0 / total, half / total[0])
    ranges = _integral(e, 1.0 / soft, half / soft[0])
    return _on_ranges(ranges, columns, soft)


def _on_ranges(
    ranges: NDArray[np.float64], columns: NDArray[np.float64], soft: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``columns`` at the ranges of the kernel's rows."""
    steps = 1.0 + np.arange(RANGE_ROWS) / RANGE_ROWS
    rows = (2.0 ** (RANGE_FIRST + np.arange(_RANGE_OCTAVES))[:, None] * steps).ravel()
    at, logs = np.log(rows), np.log(ranges)
    inside = np.clip(at, logs[0], logs[-1])
    energy = scipy.interpolate.CubicHermiteSpline(
        logs, np.log(columns[:, ENERGY]), ranges * soft / columns[:, ENERGY]
    )(inside)
    # Below the tables energy goes as the root of the range, beyond them it keeps rising so that it has an
    # inverse.
    found = np.empty((rows.size, columns.shape[1]))
    for column in range(columns.shape[1]):
        found[:, column] = np.interp(energy, np.log(columns[:, ENERGY]), columns[:, column])
    found[:, ENERGY] = np.exp(energy + np.where(at > inside, at - inside, 0.5 * (at - inside)))
    for column in (STRENGTH, VARIANCE, REACH):
        found[:, column] *= np.exp(np.minimum(at - inside, 0.0))
    return found


def _photons(
    material: Material, e: NDArray[np.float64], radiative: NDArray[np.float64], cut_mev: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return photons above the cut [cm2/g] and the energy they take [MeV cm2/g]."""
    parts = np.linspace(0.0, 1.0, _SPECTRUM_PARTS)
    shape = bremsstrahlung_shape(material, e, parts)
    below = np.concatenate(
        (np.zeros((e.size, 1)), np.cumsum(0.5 * (shape[:, 1:] + shape[:, :-1]), axis=1)), axis=1
    ) / (_SPECTRUM_PARTS - 1)
    number, energy = np.zeros_like(e), np.zeros_like(e)
    nodes, weights = np.polynomial.legendre.leggauss(32)
    for i in np.flatnonzero(e > cut_mev):
        first = cut_mev / e[i]
        x = first ** (0.5 * (1.0 - nodes))
        at = np.interp(x, parts, shape[i])
        number[i] = radiative[i] / e[i] * (at @ weights) * -0.5 * np.log(first) / below[i, -1]
        energy[i] = radiative[i] * (1.0 - np.interp(first, parts, below[i]) / below[i, -1])
    return number, energy


def electron_tables(materials: tuple[Material, ...], steps: ElectronSteps) -> ElectronTables:
    """Return the tables of materials.

    Rows stand at 16 ranges per factor of two, linear between. Losses, path straggling, scattering strength
    and numbers of hard events are integrals over the energy lost, so that a step knows them by two rows.

    Parameters
    ----------
    materials
        Any of elements 1 to 92.
    steps
        How electrons are followed.

    Returns
    -------
    ElectronTables
        For the kernels.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> tables = electron_tables((material("water, liquid"),), ElectronSteps())
    >>> tables.by_range.shape
    (2, 1, 416, 8)
    """
    every = [
        [_of_material(m, steps.transfer_mev, steps.photon_cut_mev, positrons) for m in materials]
        for positrons in (False, True)
    ]
    by_range = np.ascontiguousarray(every)
    quantiles, scale, _ = _angles()
    spectrum = np.stack([_spectrum(m) for m in materials])
    cut_range = np.array([[_range_at(rows, steps.cut_mev) for rows in kind] for kind in every])
    return ElectronTables(by_range, cut_range, quantiles, scale, spectrum)


def _range_at(rows: NDArray[np.float64], energy: float) -> float:
    """Return the range that belongs to an energy, linear between rows as in the kernel."""
    steps = 1.0 + np.arange(RANGE_ROWS) / RANGE_ROWS
    ranges = (2.0 ** (RANGE_FIRST + np.arange(_RANGE_OCTAVES))[:, None] * steps).ravel()
    return float(np.interp(energy, rows[:, ENERGY], ranges))
