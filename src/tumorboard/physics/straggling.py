"""How much ranges and energies of protons scatter about their mean."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._bethe import BETHE_MEV_CM2_MOL
from tumorboard.physics.materials import electrons_g_mol
from tumorboard.physics.proton_kinematics import beta_squared, largest_transfer_mev
from tumorboard.physics.ranges import residual_energy_mev
from tumorboard.physics.stopping_power import (
    HIGHEST_ENERGY_MEV,
    LOWEST_ENERGY_MEV,
    mass_stopping_power_mev_cm2_g,
)

__all__ = ["energy_straggling_mev2_cm2_g", "energy_straggling_sigma_mev", "range_straggling_sigma_mm"]

_NODES = 500


def energy_straggling_mev2_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    r"""Return how fast the variance of the energy grows, in a thin layer.

    Bohr's straggling [1]_ with the exact largest transfer and Bhabha's cross section for free electrons:
    :math:`\mathrm d\sigma^2/\mathrm d(\rho x) = (K/2) (Z/A) T_\mathrm{max} (1 - \beta^2/2) / \beta^2`. The
    binding of the electrons, left out, would add some per cent below 10 MeV, where little of the
    straggling of the range comes from.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, > 0, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [MeV2 cm2/g].

    References
    ----------
    .. [1] bohr1915decrease

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(energy_straggling_mev2_cm2_g(material("water, liquid"), 150.0)), 4)
    0.102
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    beta2 = beta_squared(energies)
    strength = 0.5 * BETHE_MEV_CM2_MOL * electrons_g_mol(material)
    return np.asarray(strength * largest_transfer_mev(energies) * (1.0 - 0.5 * beta2) / beta2)


@lru_cache(maxsize=64)
def _range_variance(material: Material) -> CubicHermiteSpline:
    """Return the logarithm of the variance of the range [(g/cm2)2] over ln(energy)."""
    nodes = np.linspace(np.log(LOWEST_ENERGY_MEV), np.log(HIGHEST_ENERGY_MEV), _NODES)
    abscissa, weight = np.polynomial.legendre.leggauss(4)
    half = 0.5 * np.diff(nodes)
    points = 0.5 * (nodes[1:] + nodes[:-1])[:, None] + half[:, None] * abscissa

    def integrand(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        energies = np.exp(logs)
        stopping = mass_stopping_power_mev_cm2_g(
            material, np.clip(energies, LOWEST_ENERGY_MEV, HIGHEST_ENERGY_MEV)
        )
        # One power of the energy for d ln E.
        return np.asarray(energies * energy_straggling_mev2_cm2_g(material, energies) / stopping**3)

    ends = integrand(nodes)
    # Below the table the integrand goes as E^-1/2 times E: its integral is 1e-6 of that up to 1 MeV or less.
    variance = ends[0] + np.concatenate(([0.0], np.cumsum(half * (integrand(points) @ weight))))
    return CubicHermiteSpline(nodes, np.log(variance), ends / variance)


def _variance_g2_cm4(material: Material, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = (energies >= 0) & (energies <= HIGHEST_ENERGY_MEV)
    if not inside.all():
        raise InputError(
            f"energy_mev must be 0 to {HIGHEST_ENERGY_MEV:g} [MeV]; got {energies[~inside].ravel()[0]:.6g}"
        )
    logs = np.log(np.maximum(energies, LOWEST_ENERGY_MEV))
    value = np.exp(_range_variance(material)(logs))
    # Slower protons have next to no range left to scatter.
    return np.where(energies < LOWEST_ENERGY_MEV, 0.0, value)


def range_straggling_sigma_mm(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    r"""Return the standard deviation of the range of protons that begin with one energy.

    :math:`\sigma_R^2 = \int_0^E (\mathrm d\sigma_E^2/\mathrm dx) S^{-3} \mathrm dE` [1]_. An initial spread
    of the energy comes on top: its standard deviation over the stopping power, in quadrature.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0 to 1000, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [mm].

    Raises
    ------
    InputError
        When an energy is out of range.

    References
    ----------
    .. [1] tschalar1968straggling

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(range_straggling_sigma_mm(material("water, liquid"), 150.0)), 2)
    1.69
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    return np.asarray(10.0 * np.sqrt(_variance_g2_cm4(material, energies)) / material.density_g_cm3)


def energy_straggling_sigma_mev(
    material: Material, energy_mev: ArrayLike, thickness_mm: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the standard deviation of the energy behind a slab, thick ones included.

    Protons that lost more than the mean lose still more afterwards, as stopping power rises when they slow
    down [1]_: :math:`\sigma_E^2 = S^2(E_1) [\sigma_R^2(E_0) - \sigma_R^2(E_1)]`, with ranges in g/cm2, solves
    :math:`\mathrm d\sigma_E^2/\mathrm dx = \kappa - 2 \sigma_E^2 \mathrm dS/\mathrm dE`.
    Where the mean energy behind the slab is less than about five times the answer, the distribution is no
    Gaussian any more.

    Parameters
    ----------
    material
        Of the slab.
    energy_mev
        Kinetic energy before it, without spread, 0 to 1000, any shape [MeV].
    thickness_mm
        Of the slab, >= 0, any shape that broadcasts against the energies' [mm].

    Returns
    -------
    ndarray
        Of the common shape [MeV]; 0 where the mean proton stops in the slab.

    Raises
    ------
    InputError
        When an energy or thickness is out of range.

    References
    ----------
    .. [1] tschalar1968straggling

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(energy_straggling_sigma_mev(material("water, liquid"), 150.0, 100.0)), 2)
    1.29
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    after = residual_energy_mev(material, energies, thickness_mm)
    moving = after >= LOWEST_ENERGY_MEV
    stopping = mass_stopping_power_mev_cm2_g(material, np.where(moving, after, 1.0))
    left = _variance_g2_cm4(material, energies) - _variance_g2_cm4(material, after)
    return np.where(moving, stopping * np.sqrt(np.maximum(left, 0.0)), 0.0)
