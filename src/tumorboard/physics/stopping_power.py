"""Stopping power of any material for protons."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._bethe import BETHE_MEV_CM2_MOL, slow_stopping_power, stopping_number
from tumorboard.physics._tables import columns
from tumorboard.physics.elements import element
from tumorboard.physics.materials import material as named
from tumorboard.physics.materials import mean_excitation_energy_ev
from tumorboard.physics.proton_kinematics import beta_squared

__all__ = [
    "HIGHEST_ENERGY_MEV",
    "LOWEST_ENERGY_MEV",
    "electronic_mass_stopping_power_mev_cm2_g",
    "mass_stopping_power_mev_cm2_g",
    "nuclear_mass_stopping_power_mev_cm2_g",
    "stopping_power_ratio",
]

#: Kinetic energies for which there is a stopping power [MeV].
LOWEST_ENERGY_MEV: Final = 1e-3
HIGHEST_ENERGY_MEV: Final = 1e3

#: Below the first [MeV] the low-energy table alone, above the second Bethe's formula alone.
_JOIN_MEV = (0.5, 2.0)
_PROTON_WEIGHT_G_MOL = 1.007276


def _energies(energy_mev: ArrayLike) -> NDArray[np.float64]:
    energies = np.asarray(energy_mev, dtype=np.float64)
    inside = (energies >= LOWEST_ENERGY_MEV) & (energies <= HIGHEST_ENERGY_MEV)
    if not inside.all():
        worst = energies[~inside].ravel()[0]
        raise InputError(
            f"energy_mev must be {LOWEST_ENERGY_MEV:g} to {HIGHEST_ENERGY_MEV:g} [MeV]; got {worst:.6g}; "
            "this is the reach of the tables"
        )
    return energies


def electronic_mass_stopping_power_mev_cm2_g(
    material: Material, energy_mev: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the energy that protons lose to electrons, per length and density.

    Above 2 MeV it is Bethe's formula,
    :math:`S/\rho = (K/\beta^2) \sum_i w_i (Z_i/A_i) (L_0 - C_i/Z_i - \delta/2 + L_{1,i} + L_2)`: the mean
    excitation energy and the density effect are the material's, shell and Barkas corrections its atoms' [1]_.
    Shell corrections are what PSTAR's elements [2]_ leave, between their neighbours in Z for elements that
    PSTAR lacks. Below 0.5 MeV it is PSTAR's table of the compound itself, or Bragg's sum of its elements
    where PSTAR has no compound of this composition, scaled to meet Bethe's formula at 1 MeV; between the
    two the logarithms are blended.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 1000 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [MeV cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] icru1993report49
    .. [2] berger2017pstar

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(electronic_mass_stopping_power_mev_cm2_g(material("water, liquid"), 150.0)), 3)
    5.443
    """
    energies = _energies(energy_mev)
    mean_ev = mean_excitation_energy_ev(material)
    low, high = (math.log(e) for e in _JOIN_MEV)
    part = np.clip((np.log(energies) - low) / (high - low), 0.0, 1.0)
    weight = part * part * (3.0 - 2.0 * part)
    fast, slow = energies.ravel()[(weight > 0).ravel()], energies.ravel()[(weight < 1).ravel()]
    logs = np.zeros(energies.size)
    if fast.size:
        number = stopping_number(material, mean_ev, fast)
        value = BETHE_MEV_CM2_MOL / beta_squared(fast) * number
        logs[(weight > 0).ravel()] = weight[weight > 0] * np.log(value)
    if slow.size:
        value = slow_stopping_power(material, slow) * _scale(material, mean_ev)
        logs[(weight < 1).ravel()] += (1.0 - weight[weight < 1]) * np.log(value)
    return np.exp(logs).reshape(energies.shape)


@lru_cache(maxsize=256)
def _scale(material: Material, mean_ev: float) -> float:
    """Return by how much the table must be scaled to meet Bethe's formula at 1 MeV; near 1."""
    one = np.array([1.0])
    bethe = BETHE_MEV_CM2_MOL / beta_squared(one) * stopping_number(material, mean_ev, one)
    return float(bethe[0] / slow_stopping_power(material, one)[0])


@lru_cache(maxsize=1)
def _reduced_nuclear() -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(columns("stopping_power/nuclear.csv")[1].T)
    return logs


def nuclear_mass_stopping_power_mev_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the energy that protons lose to recoiling nuclei in elastic Coulomb collisions [1]_.

    It is 0.1 % of the whole at 1 MeV and 0.05 % at 100 MeV.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 1000 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [MeV cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] icru1993report49

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(nuclear_mass_stopping_power_mev_cm2_g(material("water, liquid"), 1.0)), 2)
    0.22
    """
    energies = _energies(energy_mev)
    grid, values = _reduced_nuclear()
    total = np.zeros_like(energies)
    m1 = _PROTON_WEIGHT_G_MOL
    for z, fraction in material.mass_fractions:
        m2 = element(z).atomic_weight_g_mol
        screening = (m1 + m2) * z ** (1.0 / 3.0)
        reduced = 32.536 * m2 * energies * 1e3 / (z * screening)
        # 1e-15 eV cm2 per atom, times Avogadro's number over the atomic weight, is 602.2 MeV cm2/g / 1e6.
        per_atom = 8.462 * z * m1 / screening * np.exp(np.interp(np.log(reduced), grid, values))
        total += fraction * per_atom * 602.214076 / m2
    return total


def mass_stopping_power_mev_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the total mass stopping power for protons: electronic and nuclear.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 1000 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [MeV cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] icru1993report49

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(mass_stopping_power_mev_cm2_g(material("water, liquid"), 150.0)), 3)
    5.445
    """
    electronic = electronic_mass_stopping_power_mev_cm2_g(material, energy_mev)
    return electronic + nuclear_mass_stopping_power_mev_cm2_g(material, energy_mev)


def stopping_power_ratio(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the relative stopping power: what a length of the material does, in lengths of water.

    Water is ``material("water, liquid")``, 1.0 g/cm3 and 75.0 eV. Electronic stopping only.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 1000 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape, without unit.

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(stopping_power_ratio(material("PMMA"), 100.0)), 3)
    1.159
    """
    water = named("water, liquid")
    own = electronic_mass_stopping_power_mev_cm2_g(material, energy_mev) * material.density_g_cm3
    return own / electronic_mass_stopping_power_mev_cm2_g(water, energy_mev)
