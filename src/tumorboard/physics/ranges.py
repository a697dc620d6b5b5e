"""How far protons go: range, its inverse, and what is left after a thickness."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.stopping_power import (
    HIGHEST_ENERGY_MEV,
    LOWEST_ENERGY_MEV,
    mass_stopping_power_mev_cm2_g,
)

__all__ = ["csda_range_g_cm2", "energy_from_range_mev", "residual_energy_mev"]

#: Nodes a decade; the energy of a range returns to within 1e-8 of itself.
_NODES_PER_DECADE = 120

#: Below the table the range goes as this power of the energy: electronic stopping falls with it and nuclear
#: stopping rises, so that their sum hardly changes (PSTAR's range at 1 keV corresponds to 0.894).
_SLOW_POWER = 0.9


@lru_cache(maxsize=64)
def _tables(material: Material) -> tuple[CubicHermiteSpline, CubicHermiteSpline]:
    """Return ln(range) over ln(energy), and the inverse, [g/cm2] and [MeV]."""
    decades = np.log10(HIGHEST_ENERGY_MEV / LOWEST_ENERGY_MEV)
    nodes = np.linspace(
        np.log(LOWEST_ENERGY_MEV), np.log(HIGHEST_ENERGY_MEV), round(_NODES_PER_DECADE * decades) + 1
    )
    abscissa, weight = np.polynomial.legendre.leggauss(4)
    half = 0.5 * np.diff(nodes)
    points = 0.5 * (nodes[1:] + nodes[:-1])[:, None] + half[:, None] * abscissa
    energies = np.exp(np.clip(points, nodes[0], nodes[-1]))
    steps = half * ((energies / mass_stopping_power_mev_cm2_g(material, energies)) @ weight)
    ends = np.exp(np.clip(nodes, None, np.log(HIGHEST_ENERGY_MEV)))
    ends[0] = LOWEST_ENERGY_MEV
    stopping = mass_stopping_power_mev_cm2_g(material, ends)
    ranges = ends[0] / (_SLOW_POWER * stopping[0]) + np.concatenate(([0.0], np.cumsum(steps)))
    slopes = ends / (stopping * ranges)
    logs = np.log(ranges)
    return CubicHermiteSpline(nodes, logs, slopes), CubicHermiteSpline(logs, nodes, 1.0 / slopes)


def csda_range_g_cm2(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the range of protons in the continuous-slowing-down approximation.

    The mean path; the mean depth at which protons stop is 0.1 to 0.2 % less in water, because they scatter.
    Below 1 keV the range is taken to go as the energy to the power 0.9.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, 0 to 1000 [MeV], any shape.

    Returns
    -------
    ndarray
        Range times density, of that shape [g/cm2].

    Raises
    ------
    InputError
        When an energy is negative, not finite or beyond the table.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(csda_range_g_cm2(material("water, liquid"), 150.0)), 2)
    15.77
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    good = (energies >= 0) & (energies <= HIGHEST_ENERGY_MEV)
    if not good.all():
        raise InputError(
            f"energy_mev must be 0 to {HIGHEST_ENERGY_MEV:g} [MeV]; got {energies[~good].ravel()[0]:.6g}"
        )
    forward, _ = _tables(material)
    first = np.log(LOWEST_ENERGY_MEV)
    logs = np.log(np.maximum(energies, 1e-300))
    above: NDArray[np.float64] = np.exp(forward(np.maximum(logs, first)))
    return np.where(logs < first, above * (energies / LOWEST_ENERGY_MEV) ** _SLOW_POWER, above)


def energy_from_range_mev(material: Material, range_g_cm2: ArrayLike) -> NDArray[np.float64]:
    """Return the energy of protons that have a range: the inverse of :func:`csda_range_g_cm2`.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    range_g_cm2
        Range times density, 0 to that of 1000 MeV, any shape [g/cm2].

    Returns
    -------
    ndarray
        Kinetic energy, of that shape [MeV].

    Raises
    ------
    InputError
        When a range is negative, not finite or longer than that of 1000 MeV.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(energy_from_range_mev(material("water, liquid"), 32.95)), 1)
    230.0
    """
    ranges = np.asarray(range_g_cm2, dtype=np.float64)
    _, inverse = _tables(material)
    first, last = inverse.x[0], inverse.x[-1]
    good = (ranges >= 0) & (ranges <= np.exp(last) * (1.0 + 1e-12))
    if not good.all():
        raise InputError(
            f"range_g_cm2 must be 0 to {np.exp(last):.6g} [g/cm2] in {material.name!r}, the range at "
            f"{HIGHEST_ENERGY_MEV:g} MeV; got {ranges[~good].ravel()[0]:.6g}"
        )
    logs = np.log(np.maximum(ranges, 1e-300))
    above: NDArray[np.float64] = np.exp(inverse(np.clip(logs, first, last)))
    return np.where(logs < first, LOWEST_ENERGY_MEV * (ranges / np.exp(first)) ** (1.0 / _SLOW_POWER), above)


def residual_energy_mev(
    material: Material, energy_mev: ArrayLike, thickness_mm: ArrayLike
) -> NDArray[np.float64]:
    """Return the energy with which protons leave a slab, 0 where they stop in it.

    Parameters
    ----------
    material
        Of the slab.
    energy_mev
        Kinetic energy before it, 0 to 1000, any shape [MeV].
    thickness_mm
        Of the slab, >= 0, any shape that broadcasts against the energies' [mm].

    Returns
    -------
    ndarray
        Kinetic energy behind it, of the common shape [MeV].

    Raises
    ------
    InputError
        When an energy or thickness is out of range.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(residual_energy_mev(material("water, liquid"), 150.0, 100.0)), 1)
    85.0
    """
    thickness = np.asarray(thickness_mm, dtype=np.float64)
    if not (np.isfinite(thickness) & (thickness >= 0)).all():
        raise InputError(f"thickness_mm must be finite and >= 0 [mm]; got {thickness.min():.6g}")
    energies = np.asarray(energy_mev, dtype=np.float64)
    left = csda_range_g_cm2(material, energies) - thickness * (0.1 * material.density_g_cm3)
    after = energy_from_range_mev(material, np.maximum(left, 0.0))
    # No thickness, no loss: not even the spline's rounding.
    return np.where(thickness == 0, energies, np.minimum(after, energies))
