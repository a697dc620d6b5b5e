"""Stopping powers and ranges of electrons and positrons in any material."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._sternheimer import density_effect
from tumorboard.physics._tables import columns
from tumorboard.physics.materials import electrons_g_mol, mean_excitation_energy_ev

__all__ = [
    "ELECTRON_MASS_MEV",
    "HIGHEST_ENERGY_MEV",
    "LOWEST_ENERGY_MEV",
    "collision_mass_stopping_power_mev_cm2_g",
    "electron_csda_range_g_cm2",
    "radiation_yield",
    "radiative_mass_stopping_power_mev_cm2_g",
]

#: Rest energy of the electron [MeV].
ELECTRON_MASS_MEV: Final = 0.51099895
#: Kinetic energies for which there is a stopping power [MeV].
LOWEST_ENERGY_MEV: Final = 1e-3
HIGHEST_ENERGY_MEV: Final = 30.0

#: 2 pi N_A r_e^2 m_e c^2 [MeV cm2/mol].
COLLISION_MEV_CM2_MOL: Final = 0.153537
#: Joy and Luo's number for how slow electrons spare the inner shells, faded in below the second [MeV].
_SLOW = 0.85
_SLOW_BELOW_MEV = 0.01
#: Ratio of positron to electron bremsstrahlung loss: exponents of ln(1 + 1e6 T / (Z^2 m c^2)).
_POSITRON_LOSS = (-1.2359e-1, 6.1274e-2, -3.1516e-2, 7.7446e-3, -1.0595e-3, 7.0568e-5, -1.8080e-6)
_NODES_PER_DECADE = 60


def _checked(energy_mev: ArrayLike) -> NDArray[np.float64]:
    energies = np.asarray(energy_mev, dtype=np.float64)
    inside = (energies >= LOWEST_ENERGY_MEV) & (energies <= HIGHEST_ENERGY_MEV)
    if not inside.all():
        raise InputError(
            f"energy_mev must be {LOWEST_ENERGY_MEV:g} to {HIGHEST_ENERGY_MEV:g} [MeV]; "
            f"got {energies[~inside].ravel()[0]:.6g}; this is the reach of the tables"
        )
    return energies


def collision_mass_stopping_power_mev_cm2_g(
    material: Material, energy_mev: ArrayLike, *, positrons: bool = False
) -> NDArray[np.float64]:
    r"""Return the energy that electrons or positrons lose to electrons, per length and density.

    Berger and Seltzer's formula, :math:`S/\rho = (2\pi N_A r_e^2 mc^2 / \beta^2) (Z/A) [\ln(\tau^2 (\tau+2)
    / 2 (I/mc^2)^2) + F^\mp(\tau) - \delta]` with Moeller's or Bhabha's cross section [1]_ and Sternheimer's
    density effect from the atoms' shells [2]_. Below 10 keV, where NIST's ESTAR ends, the mean excitation
    energy falls as Joy and Luo [3]_ have it.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 30 [MeV], any shape.
    positrons
        Whether positrons rather than electrons.

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
    .. [1] icru1984report37
    .. [2] sternheimer1982density
    .. [3] joy1989empirical

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(collision_mass_stopping_power_mev_cm2_g(material("water, liquid"), 1.0)), 3)
    1.849
    """
    energies = _checked(energy_mev)
    tau = energies / ELECTRON_MASS_MEV
    beta2 = tau * (tau + 2.0) / (tau + 1.0) ** 2
    mean_mev = 1e-6 * mean_excitation_energy_ev(material)
    slow = _SLOW * np.clip(1.0 - energies / _SLOW_BELOW_MEV, 0.0, None)
    mean = mean_mev / (1.0 + slow * mean_mev / energies) / ELECTRON_MASS_MEV
    if positrons:
        t = tau + 2.0
        f = 2.0 * math.log(2.0) - beta2 / 12.0 * (23.0 + 14.0 / t + 10.0 / t**2 + 4.0 / t**3)
    else:
        f = 1.0 - beta2 + (tau**2 / 8.0 - (2.0 * tau + 1.0) * math.log(2.0)) / (tau + 1.0) ** 2
    bracket = np.log(tau**2 * (tau + 2.0) / (2.0 * mean**2)) + f - density_effect(material, energies)
    return COLLISION_MEV_CM2_MOL * electrons_g_mol(material) / beta2 * bracket


@lru_cache(maxsize=1)
def _radiative_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, numbers = columns("electrons/radiative.csv")
    return np.log(numbers[:, 0]), np.log(numbers[:, 1:])


def radiative_mass_stopping_power_mev_cm2_g(
    material: Material, energy_mev: ArrayLike, *, positrons: bool = False
) -> NDArray[np.float64]:
    """Return the energy that electrons or positrons lose to bremsstrahlung, per length and density.

    NIST's values for the elements, which are Seltzer and Berger's [1]_, added by mass; for positrons times
    the ratio that Salvat fitted to Kim and others' [2]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 30 [MeV], any shape.
    positrons
        Whether positrons rather than electrons.

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
    .. [1] seltzer1986bremsstrahlung
    .. [2] salvat2019penelope

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(radiative_mass_stopping_power_mev_cm2_g(material("water, liquid"), 1.0)), 4)
    0.0128
    """
    energies = _checked(energy_mev)
    at, tables = _radiative_table()
    total = np.zeros_like(energies)
    for z, fraction in material.mass_fractions:
        if z > tables.shape[1]:
            raise InputError(f"material must have elements 1 to 92; got {z} in {material.name!r}")
        own = fraction * np.exp(scipy.interpolate.CubicSpline(at, tables[:, z - 1])(np.log(energies)))
        if positrons:
            t = np.log1p(1e6 * energies / (z * z * ELECTRON_MASS_MEV))
            own = own * -np.expm1(np.polyval([*_POSITRON_LOSS[::-1], 0.0], t))
        total += own
    return total


@lru_cache(maxsize=64)
def _tables(
    material: Material, positrons: bool
) -> tuple[scipy.interpolate.CubicHermiteSpline, scipy.interpolate.CubicHermiteSpline]:
    """Return ln(range) and ln(energy radiated) over ln(energy)."""
    first, last = math.log(LOWEST_ENERGY_MEV), math.log(HIGHEST_ENERGY_MEV)
    nodes = np.linspace(first, last, round(_NODES_PER_DECADE * (last - first) / math.log(10.0)) + 1)
    abscissa, weight = np.polynomial.legendre.leggauss(4)
    half = 0.5 * np.diff(nodes)
    points = (0.5 * (nodes[1:] + nodes[:-1])[:, None] + half[:, None] * abscissa).ravel()
    at = np.clip(np.exp(np.concatenate((nodes, points))), LOWEST_ENERGY_MEV, HIGHEST_ENERGY_MEV)
    radiative = radiative_mass_stopping_power_mev_cm2_g(material, at, positrons=positrons)
    collision = collision_mass_stopping_power_mev_cm2_g(material, at, positrons=positrons)
    n = nodes.size
    inverse = at / (radiative + collision)
    found = []
    for integrand in (inverse, radiative * inverse):
        steps = half * (integrand[n:].reshape(-1, 4) @ weight)
        # Slower than the tables, range goes as the energy squared, so that half of E/S is left.
        sums = 0.5 * integrand[0] + np.concatenate(([0.0], np.cumsum(steps)))
        found.append(scipy.interpolate.CubicHermiteSpline(nodes, np.log(sums), integrand[:n] / sums))
    return found[0], found[1]


def electron_csda_range_g_cm2(
    material: Material, energy_mev: ArrayLike, *, positrons: bool = False
) -> NDArray[np.float64]:
    """Return the range of electrons or positrons in the continuous-slowing-down approximation.

    The length of the path, not the depth, which scattering makes much less. Below 1 keV it is taken to go
    as the energy squared.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 30 [MeV], any shape.
    positrons
        Whether positrons rather than electrons.

    Returns
    -------
    ndarray
        Range times density, of that shape [g/cm2].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] icru1984report37

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(electron_csda_range_g_cm2(material("water, liquid"), 1.0)), 3)
    0.437
    """
    energies = _checked(energy_mev)
    return np.asarray(np.exp(_tables(material, positrons)[0](np.log(energies))))


def radiation_yield(
    material: Material, energy_mev: ArrayLike, *, positrons: bool = False
) -> NDArray[np.float64]:
    """Return the part of its energy that an electron or positron radiates until it stops.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 30 [MeV], any shape.
    positrons
        Whether positrons rather than electrons.

    Returns
    -------
    ndarray
        A fraction, of that shape; without unit.

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] icru1984report37

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(radiation_yield(material("water, liquid"), 1.0)), 4)
    0.0036
    """
    energies = _checked(energy_mev)
    return np.asarray(np.exp(_tables(material, positrons)[1](np.log(energies))) / energies)
