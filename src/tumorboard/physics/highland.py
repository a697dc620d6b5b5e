"""Radiation length, and Highland's formula for multiple scattering."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.elements import element
from tumorboard.physics.proton_kinematics import momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev, residual_energy_mev
from tumorboard.physics.scattering import ALPHA_NA_RE2_CM2_MOL

__all__ = ["highland_angle_rad", "radiation_length_g_cm2"]

_HIGHLAND_MEV = 14.1


@lru_cache(maxsize=256)
def radiation_length_g_cm2(material: Material) -> float:
    r"""Return the radiation length of a material, times its density, by Tsai's formula [1]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.

    Returns
    -------
    float
        [g/cm2].

    References
    ----------
    .. [1] tsai1974pair

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(radiation_length_g_cm2(material("water, liquid")), 2)
    36.08
    """
    small = {1: (5.31, 6.144), 2: (4.79, 5.621), 3: (4.74, 5.805), 4: (4.71, 5.924)}
    total = 0.0
    for z, fraction in material.mass_fractions:
        elastic, inelastic = small.get(
            z, (math.log(184.15 * z ** (-1.0 / 3.0)), math.log(1194.0 * z ** (-2.0 / 3.0)))
        )
        a2 = (7.2973525693e-3 * z) ** 2
        coulomb = a2 * (1.0 / (1.0 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)
        number = z**2 * (elastic - coulomb) + z * inelastic
        total += fraction / element(z).atomic_weight_g_mol * 4.0 * ALPHA_NA_RE2_CM2_MOL * number
    return 1.0 / total


def highland_angle_rad(material: Material, energy_mev: float, thickness_mm: float) -> float:
    r"""Return the projected angle behind a slab by Highland's formula, for comparison.

    :math:`\theta_0 = 14.1 (1 + \lg(\rho x/X_0)/9) [\int (pv)^{-2} \mathrm d(\rho x)/X_0]^{1/2}`, for
    thick slabs too [1]_.

    Parameters
    ----------
    material
        Of the slab.
    energy_mev
        Kinetic energy before it, > 0, up to 1000 [MeV].
    thickness_mm
        Of the slab, > 0 and less than the range [mm].

    Returns
    -------
    float
        Standard deviation of the projected angle [rad].

    Raises
    ------
    InputError
        When the beam does not come through, or a number is out of range.

    References
    ----------
    .. [1] gottschalk1993multiple

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(1e3 * highland_angle_rad(material("water, liquid"), 158.6, 10.0), 2)
    6.7
    """
    if not (thickness_mm > 0 and float(residual_energy_mev(material, energy_mev, thickness_mm)) > 0):
        raise InputError(
            f"thickness_mm must be > 0 and let the beam through [mm]; got {thickness_mm!r} of "
            f"{material.name} at {energy_mev!r} MeV"
        )
    # The end is fine, since protons may nearly stop there.
    edges = np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, 41))
    abscissa, weight = np.polynomial.legendre.leggauss(4)
    half = 0.5 * np.diff(edges)[:, None]
    points = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * abscissa
    left = csda_range_g_cm2(material, energy_mev) - 0.1 * material.density_g_cm3 * thickness_mm * points
    pv = momentum_speed_mev(energy_from_range_mev(material, left))
    lengths = 0.1 * thickness_mm * material.density_g_cm3 / radiation_length_g_cm2(material)
    integral = float((half * weight / pv**2).sum()) * lengths
    return _HIGHLAND_MEV * (1.0 + math.log10(lengths) / 9.0) * math.sqrt(integral)
