"""How strongly a material scatters electrons and positrons, and how its electrons take and give energy."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._tables import columns
from tumorboard.physics.electron_stopping import (
    COLLISION_MEV_CM2_MOL,
    ELECTRON_MASS_MEV,
    HIGHEST_ENERGY_MEV,
    LOWEST_ENERGY_MEV,
)
from tumorboard.physics.elements import element
from tumorboard.physics.materials import electrons_g_mol

__all__ = ["hard_collisions_cm2_g", "scattering_power_cm2_g", "soft_straggling_mev2_cm2_g"]

_AVOGADRO = 6.02214076e23
_FINE_STRUCTURE = 7.2973525693e-3
_HBAR_C_MEV_CM = 1.973269804e-11
#: Points of the integrals over energy transfers, in the logarithm.
_TRANSFERS = 64


@lru_cache(maxsize=1)
def _cross_sections() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies [MeV], and first and second transport cross sections by Z, energy and kind [cm2]."""
    _, numbers = columns("electrons/transport_cross_sections.csv")
    energies = np.unique(numbers[:, 1])
    return energies, numbers[:, 2:].reshape(-1, energies.size, 4)


@lru_cache(maxsize=1)
def _cloud_mev() -> NDArray[np.float64]:
    return 1e-3 * columns("electrons/electron_cloud.csv")[1][:, 1]


@lru_cache(maxsize=256)
def _spline(z: int, positrons: bool) -> scipy.interpolate.CubicSpline:
    """Return the logarithms of both cross sections times (p beta)^2 over ln(energy)."""
    energies, values = _cross_sections()
    tau = energies / ELECTRON_MASS_MEV
    p_beta = energies * (tau + 2.0) / (tau + 1.0)
    first = 2 if positrons else 0
    return scipy.interpolate.CubicSpline(
        np.log(energies), np.log(values[z - 1, :, first : first + 2] * p_beta[:, None] ** 2)
    )


def scattering_power_cm2_g(
    material: Material, energy_mev: ArrayLike, *, largest_transfer_mev: float, positrons: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the inverse first and second transport mean free paths over density.

    The first is the rate at which the mean cosine falls, the second that at which the mean of
    :math:`(3\cos^2\theta - 1)/2` does. Nuclei: Dirac partial waves in the field of the free atom up to
    0.1 MeV, above it Born's approximation for the atom with the exact Coulomb correction; within 1 % of
    ELSEPA [1]_ above 5 keV and 0.5 % above 0.1 MeV up to zinc. Electrons: collisions with free ones [2]_ up
    to the largest transfer, screened by what the cloud scatters as a whole.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0.001 to 30 [MeV], any shape.
    largest_transfer_mev
        Collisions that transfer more are not counted [MeV].
    positrons
        Whether positrons rather than electrons.

    Returns
    -------
    tuple of ndarray
        Both of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] salvat2005elsepa
    .. [2] fernandez1993inelastic

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> first, second = scattering_power_cm2_g(material("water, liquid"), 0.1, largest_transfer_mev=0.02)
    >>> round(float(first), 1)
    71.9
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    if not ((energies >= LOWEST_ENERGY_MEV) & (energies <= HIGHEST_ENERGY_MEV)).all():
        raise InputError(
            f"energy_mev must be {LOWEST_ENERGY_MEV:g} to {HIGHEST_ENERGY_MEV:g} [MeV]; "
            f"got {energies.min():.6g} to {energies.max():.6g}"
        )
    tau = energies / ELECTRON_MASS_MEV
    p2 = energies * (energies + 2.0 * ELECTRON_MASS_MEV)
    p_beta = energies * (tau + 2.0) / (tau + 1.0)
    most = np.minimum(largest_transfer_mev, energies if positrons else 0.5 * energies)
    recoil2 = most * (most + 2.0 * ELECTRON_MASS_MEV)
    rutherford = 2.0 * math.pi * (_FINE_STRUCTURE * _HBAR_C_MEV_CM / p_beta) ** 2
    first, second = np.zeros_like(energies), np.zeros_like(energies)
    for z, fraction in material.mass_fractions:
        if z > _cloud_mev().size:
            raise InputError(f"material must have elements 1 to 92; got {z} in {material.name!r}")
        atoms = fraction * _AVOGADRO / element(z).atomic_weight_g_mol
        nuclear = np.exp(_spline(z, positrons)(np.log(energies))) / p_beta[..., None] ** 2
        logarithm = np.log(np.maximum(recoil2 / _cloud_mev()[z - 1] ** 2, 1.0))
        first += atoms * (nuclear[..., 0] + rutherford * z * logarithm)
        second += atoms * (nuclear[..., 1] + rutherford * z * (3.0 * logarithm - 0.75 * recoil2 / p2))
    return first, second


def _collision(
    energy: NDArray[np.float64], transfer: NDArray[np.float64], positrons: bool
) -> NDArray[np.float64]:
    """Return W^2 times the cross section for a transfer W, over 2 pi r_e^2 m c^2 / beta^2."""
    gamma = energy / ELECTRON_MASS_MEV + 1.0
    a = ((gamma - 1.0) / gamma) ** 2
    part = transfer / energy
    if positrons:
        g2 = (gamma + 1.0) ** 2
        b = (
            1.0,
            -a * (2.0 * g2 - 1.0) / (gamma * gamma - 1.0),
            a * (3.0 * g2 + 1.0) / g2,
            -a * 2.0 * gamma * (gamma - 1.0) / g2,
            a * (gamma - 1.0) ** 2 / g2,
        )
        return np.asarray(b[0] + part * (b[1] + part * (b[2] + part * (b[3] + part * b[4]))))
    rest = part / (1.0 - part)
    return np.asarray(1.0 + rest * rest - rest + a * (rest + part * part))


@lru_cache(maxsize=1)
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(_TRANSFERS)


def _moment(
    energy: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    power: int,
    positrons: bool,
) -> NDArray[np.float64]:
    """Return the integral of W^power times the cross section from ``low`` to ``high`` [MeV]."""
    nodes, weights = _nodes()
    low = np.minimum(low, high)
    logs = np.log(high / low)
    w = low[:, None] * np.exp(0.5 * logs[:, None] * (nodes + 1.0))
    shape = _collision(energy[:, None], w, positrons)
    return np.asarray((shape * w ** (power - 1)) @ weights * 0.5 * logs)


def hard_collisions_cm2_g(
    material: Material, energy_mev: ArrayLike, *, smallest_transfer_mev: float, positrons: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how often electrons are knocked on with more than an energy, and what that takes.

    Moeller's cross section, or Bhabha's for positrons [1]_, with free electrons at rest.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, shape ``(n,)`` [MeV].
    smallest_transfer_mev
        Of the collisions that count, > 0 [MeV].
    positrons
        Whether positrons rather than electrons.

    Returns
    -------
    tuple of ndarray
        Collisions [cm2/g] and the energy they take [MeV cm2/g], shape ``(n,)``.

    References
    ----------
    .. [1] salvat2019penelope

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> rate, _ = hard_collisions_cm2_g(material("water, liquid"), [1.0], smallest_transfer_mev=0.02)
    >>> rate.round(2)
    array([4.52])
    """
    energy = np.asarray(energy_mev, dtype=np.float64)
    low = np.full_like(energy, smallest_transfer_mev)
    high = energy if positrons else 0.5 * energy
    scale = _scale(material, energy)
    return (
        scale * _moment(energy, low, high, 0, positrons),
        scale * _moment(energy, low, high, 1, positrons),
    )


def soft_straggling_mev2_cm2_g(
    material: Material, energy_mev: ArrayLike, *, largest_transfer_mev: float, positrons: bool = False
) -> NDArray[np.float64]:
    """Return the variance of the energy lost in collisions that transfer at most an energy.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, shape ``(n,)`` [MeV].
    largest_transfer_mev
        Of the collisions that count, > 0 [MeV].
    positrons
        Whether positrons rather than electrons.

    Returns
    -------
    ndarray
        Over length and density, shape ``(n,)`` [MeV2 cm2/g].

    References
    ----------
    .. [1] salvat2019penelope

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> soft_straggling_mev2_cm2_g(material("water, liquid"), [1.0], largest_transfer_mev=0.02).round(5)
    array([0.00191])
    """
    energy = np.asarray(energy_mev, dtype=np.float64)
    high = np.minimum(largest_transfer_mev, energy if positrons else 0.5 * energy)
    return np.asarray(_scale(material, energy) * _moment(energy, 1e-6 * high, high, 2, positrons))


def _scale(material: Material, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    tau = energy / ELECTRON_MASS_MEV
    beta2 = tau * (tau + 2.0) / (tau + 1.0) ** 2
    return COLLISION_MEV_CM2_MOL * electrons_g_mol(material) / beta2
