"""What protons meet in each material, tabulated for the transport kernel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.physics.materials import material as named
from tumorboard.physics.nuclear import (
    elastic_by_angle,
    hydrogen_elastic_cm2_g,
    inelastic_cm2_g,
    nuclear_elastic_cm2_g,
    nuclei,
)
from tumorboard.physics.proton_kinematics import beta_squared, largest_transfer_mev, momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev
from tumorboard.physics.scattering import scattering_length_g_cm2
from tumorboard.physics.stopping_power import (
    LOWEST_ENERGY_MEV,
    electronic_mass_stopping_power_mev_cm2_g,
    mass_stopping_power_mev_cm2_g,
)
from tumorboard.physics.straggling import energy_straggling_mev2_cm2_g

__all__ = ["HIGHEST_PROTON_MEV", "TABULATED_NUCLEI", "ProtonTables", "proton_tables"]

#: Nuclear tables end at 250 MeV and are held beyond; farther nothing is said.
HIGHEST_PROTON_MEV: Final = 300.0

#: Nuclei with tables of their own; others take the nearest one's, by size.
TABULATED_NUCLEI: Final = (6, 7, 8, 15, 20)

#: Nodes over the square root of residual range in water: of energy and LET, and of everything else.
_FINE: Final = 8192
_COARSE: Final = 1024
#: Slower protons meet nuclei only in passing: tables begin at 1 to 7 MeV.
_NUCLEAR_FROM_MEV: Final = 3.0
_SCATTERING_ENERGY_MEV: Final = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class ProtonTables:
    """All tables that depend on materials.

    The argument is x, the square root of the residual range in water over that of the highest energy, times
    the number of intervals. Other particles enter with the energy per nucleon.

    Parameters
    ----------
    range_g_cm2
        Residual range in water at the last node [g/cm2].
    energy_mev
        Kinetic energy, shape ``(n_fine + 1,)`` [MeV].
    let_energy_mev_kev_um
        Integral of the unrestricted electronic LET in water of 1 g/cm3 over the energy from 0, shape
        ``(n_fine + 1,)`` [MeV keV/um].
    rates
        Shape ``(n_materials, n_coarse, 4)``: scattering power without the single-scattering factor
        [rad2 cm2/g]; nuclear cross section [cm2/g]; stopping power over water's; electronic stopping power
        of water over the material's.
    straggling
        Shape ``(n_materials, n_coarse, 2)``: variance of the relative energy loss times thickness [g/cm2];
        skewness of the energy loss times the root of the thickness [(g/cm2)^(1/2)].
    speed
        Shape ``(n_coarse, 3)``: pv [MeV], and the two terms of the single-scattering factor.
    channels
        Cumulative shares of the reactions, shape ``(n_materials, n_coarse, 11)``: inelastic on each of
        :data:`TABULATED_NUCLEI`, elastic on each, and on hydrogen.
    """

    range_g_cm2: float
    energy_mev: NDArray[np.float64]
    let_energy_mev_kev_um: NDArray[np.float64]
    rates: NDArray[np.float64]
    straggling: NDArray[np.float64]
    speed: NDArray[np.float64]
    channels: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("energy_mev", "let_energy_mev_kev_um", "rates", "straggling", "speed", "channels"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def node_of(self, energy_mev: Any) -> NDArray[np.float64]:
        """Return x of energies [MeV], of their shape."""
        nodes = np.arange(self.energy_mev.size)
        return np.asarray(np.interp(energy_mev, self.energy_mev, nodes) / (self.energy_mev.size - 1))


def _water() -> Material:
    return named("water, liquid")


@lru_cache(maxsize=1)
def _fine() -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the range of the last node, and energies and LET at the fine nodes."""
    water = _water()
    largest = float(csda_range_g_cm2(water, HIGHEST_PROTON_MEV))
    ranges = largest * (np.arange(_FINE + 1) / _FINE) ** 2
    energy = energy_from_range_mev(water, ranges)
    energy[0] = 0.0
    inside = np.maximum(energy, LOWEST_ENERGY_MEV)
    each = 0.1 * electronic_mass_stopping_power_mev_cm2_g(water, inside)
    let = np.concatenate(([0.0], np.cumsum(0.5 * (each[1:] + each[:-1]) * np.diff(energy))))
    return largest, energy, let


@lru_cache(maxsize=256)
def _of_material(
    material: Material,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rates, (n_coarse, 4), straggling, (n_coarse, 2), and cumulative channels, (n_coarse, 11)."""
    largest, _, _ = _fine()
    middle = largest * ((np.arange(_COARSE) + 0.5) / _COARSE) ** 2
    energy = np.maximum(energy_from_range_mev(_water(), middle), LOWEST_ENERGY_MEV)
    pv = momentum_speed_mev(energy)
    stopping = mass_stopping_power_mev_cm2_g(material, energy)
    in_water = mass_stopping_power_mev_cm2_g(_water(), energy)
    variance = energy_straggling_mev2_cm2_g(material, energy)
    b2 = beta_squared(energy)
    third = largest_transfer_mev(energy) * (0.5 - b2 / 3.0) / (1.0 - 0.5 * b2)
    rates = np.empty((_COARSE, 4))
    rates[:, 0] = (_SCATTERING_ENERGY_MEV / pv) ** 2 / scattering_length_g_cm2(material)
    total = inelastic_cm2_g(material, energy) + nuclear_elastic_cm2_g(material, energy)
    total += hydrogen_elastic_cm2_g(material, energy)
    rates[:, 1] = np.where(energy >= _NUCLEAR_FROM_MEV, total, 0.0)
    rates[:, 2] = stopping / in_water
    rates[:, 3] = electronic_mass_stopping_power_mev_cm2_g(_water(), energy) / (
        electronic_mass_stopping_power_mev_cm2_g(material, energy)
    )
    straggling = np.stack([variance / stopping**2, third / np.sqrt(variance)], axis=1)
    channels = np.zeros((_COARSE, 11))
    for tables, factor in nuclei(material):
        n = TABULATED_NUCLEI.index(tables.atomic_number)
        channels[:, n] += factor * np.interp(
            energy, tables.inelastic_energy_mev, tables.inelastic_b, left=0.0
        )
        _, _, beyond = elastic_by_angle(tables)
        channels[:, 5 + n] += factor * np.interp(energy, tables.elastic_energy_mev, beyond, left=0.0)
    channels[:, 10] = hydrogen_elastic_cm2_g(material, energy)
    summed = np.cumsum(channels, axis=1)
    last = summed[:, -1:]
    return rates, straggling, np.where(last > 0, summed / np.where(last > 0, last, 1.0), 1.0)


@lru_cache(maxsize=8)
def proton_tables(materials: tuple[Material, ...]) -> ProtonTables:
    """Return the tables of some materials.

    Parameters
    ----------
    materials
        In the order of the medium's indices.

    Returns
    -------
    ProtonTables

    Examples
    --------
    >>> tables = proton_tables((named("water, liquid"),))
    >>> round(tables.range_g_cm2, 1)
    51.5
    """
    largest, energy, let = _fine()
    each = [_of_material(m) for m in materials]
    middle = largest * ((np.arange(_COARSE) + 0.5) / _COARSE) ** 2
    pv = momentum_speed_mev(np.maximum(energy_from_range_mev(_water(), middle), LOWEST_ENERGY_MEV))
    logs = np.log10(pv)
    # Gottschalk's factor is a + b log10(1 - (pv / pv at the start)^2).
    speed = np.stack([pv, 0.5244 + 0.2320 * logs, 0.1975 - 0.0098 * logs], axis=1)
    rates, straggling, channels = (np.stack(rows) for rows in zip(*each, strict=True))
    return ProtonTables(largest, energy, let, rates, straggling, speed, channels)
