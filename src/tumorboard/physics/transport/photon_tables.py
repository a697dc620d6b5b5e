"""What photons meet in each material, tabulated for the transport kernels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.physics.photon_attenuation import (
    ELECTRON_MASS_MEV,
    HIGHEST_PHOTON_MEV,
    LOWEST_PHOTON_MEV,
    form_factor_squared_mol_g,
    k_shell_binding_mev,
    mass_energy_transfer_cm2_g,
    photon_interactions_cm2_g,
    scattering_function_mol_g,
)
from tumorboard.physics.transport._kernels.photon_data import NODES_PER_OCTAVE, Tables
from tumorboard.physics.transport._kernels.photon_sampling import (
    COMPTON_EVERY,
    COMPTON_QUANTILES,
    FIRST_EXPONENT,
    PAIR_EVERY,
    PAIR_FIRST_NODE,
    PAIR_QUANTILES,
    X_LOWEST,
    X_NODES_PER_OCTAVE,
    X_OCTAVES,
)
from tumorboard.physics.transport.medium import TransportMedium

__all__ = ["photon_tables"]

#: 2**-10 to 2**5 MeV: beyond the tables' ends, energies take the ends' values.
_OCTAVES: Final = 15
#: From cm2/g to 1/mm at 1 g/cm3.
_PER_MM: Final = 0.1
#: Float32 nodes may lie this much below what they stand for.
_ROUNDING: Final = 1e-6


def _log_nodes(first: float, octaves: int, per_octave: int) -> NDArray[np.float64]:
    """Return nodes at even parts of octaves."""
    steps = 1.0 + np.arange(per_octave) / per_octave
    nodes = (first * 2.0 ** np.arange(octaves)[:, None] * steps).ravel()
    return np.append(nodes, first * 2.0**octaves)


def energy_nodes_mev() -> NDArray[np.float64]:
    """Return the energies of the tables' rows [MeV]."""
    return _log_nodes(2.0 ** (FIRST_EXPONENT - 1), _OCTAVES, NODES_PER_OCTAVE)


def _squared_transfers() -> NDArray[np.float64]:
    return _log_nodes(X_LOWEST, X_OCTAVES, X_NODES_PER_OCTAVE)


@lru_cache(maxsize=1)
def _compton_quantiles() -> NDArray[np.float32]:
    """Return the part of the largest energy transfer, by energy and quantile, to free electrons at rest."""
    energies = energy_nodes_mev()[::COMPTON_EVERY, None]
    given = np.linspace(0.0, 1.0, 4097)
    twice = 2.0 * energies / ELECTRON_MASS_MEV
    left = 1.0 - given * twice / (1.0 + twice)
    half = given / (1.0 + twice * (1.0 - given))
    density = left + 1.0 / left - 4.0 * half * (1.0 - half)
    below = scipy.integrate.cumulative_trapezoid(density, given, axis=1, initial=0.0)
    below /= below[:, -1:]
    at = np.linspace(0.0, 1.0, COMPTON_QUANTILES + 1)
    return np.stack([np.interp(at, row, given) for row in below]).astype(np.float32)


def pair_energy_distribution(photon_mev: float, positron_part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each part of the kinetic energy is the positron's, by Bethe and Heitler [1]_.

    Without screening, in any unit; even in the two particles.

    References
    ----------
    .. [1] bethe1934
    """
    k = photon_mev / ELECTRON_MASS_MEV
    e1 = 1.0 + positron_part * (k - 2.0)
    e2 = k - e1
    p1, p2 = np.sqrt(e1**2 - 1.0), np.sqrt(e2**2 - 1.0)
    l1, l2 = 2.0 * np.log(e1 + p1), 2.0 * np.log(e2 + p2)
    both = 2.0 * np.log((e1 * e2 + p1 * p2 + 1.0) / k)
    first = -4.0 / 3.0 - 2.0 * e1 * e2 * (p1**2 + p2**2) / (p1 * p2) ** 2
    first += l1 * e2 / p1**3 + l2 * e1 / p2**3 - l1 * l2 / (p1 * p2)
    second = k**2 / (p1 * p2) ** 3 * ((e1 * e2) ** 2 + (p1 * p2) ** 2) - 8.0 / 3.0 * e1 * e2 / (p1 * p2)
    third = (e1 * e2 - p1**2) / p1**3 * l1 + (e1 * e2 - p2**2) / p2**3 * l2
    third += 2.0 * k * e1 * e2 / (p1 * p2) ** 2
    third *= k / (2.0 * p1 * p2)
    value: NDArray[np.float64] = p1 * p2 / k**3 * (first + both * (second - third))
    return np.maximum(value, 0.0)


@lru_cache(maxsize=1)
def _pair_quantiles() -> NDArray[np.float32]:
    part = np.linspace(0.0, 1.0, 2001)
    middle = 0.5 * (part[1:] + part[:-1])
    at = np.linspace(0.0, 1.0, PAIR_QUANTILES + 1)
    rows = []
    for energy in energy_nodes_mev()[PAIR_FIRST_NODE::PAIR_EVERY]:
        above = max(energy, 2.0 * ELECTRON_MASS_MEV * 1.02)
        below = np.append(0.0, np.cumsum(pair_energy_distribution(above, middle)))
        rows.append(np.interp(at, below / below[-1], part))
    return np.array(rows, np.float32)


@lru_cache(maxsize=256)
def _of_material(material: Material) -> tuple[NDArray[Any], ...]:
    """Return attenuation, transfer, shares and binding by energy; scattering and Rayleigh by transfer."""
    energies = np.clip(energy_nodes_mev(), LOWEST_PHOTON_MEV, HIGHEST_PHOTON_MEV)
    parts = photon_interactions_cm2_g(material, energies)
    total = parts.total
    shares = np.cumsum([parts.incoherent, parts.photoelectric, parts.coherent], axis=0) / total
    squared = _squared_transfers()
    x = np.sqrt(squared)
    bound = scattering_function_mol_g(material, x) / scattering_function_mol_g(material, 1e3)
    # Squared form factors bend between nodes: integrate on finer ones.
    fine = _log_nodes(X_LOWEST, X_OCTAVES, 8 * X_NODES_PER_OCTAVE)
    form = form_factor_squared_mol_g(material, np.sqrt(fine))
    start = X_LOWEST * form_factor_squared_mol_g(material, 0.0)
    area = start + scipy.integrate.cumulative_trapezoid(form, fine, initial=0.0)[::8]
    return (
        (total * _PER_MM).astype(np.float32),
        (mass_energy_transfer_cm2_g(material, energies) * _PER_MM).astype(np.float32),
        np.ascontiguousarray(shares.T, dtype=np.float32),
        k_shell_binding_mev(material, energies).astype(np.float32),
        np.minimum(bound, 1.0).astype(np.float32),
        area / area[-1],
    )


def photon_tables(medium: TransportMedium) -> Tables:
    """Return the tables of a medium's materials.

    Rows stand at 128 energies per octave, linear between: within 0.02 % of the coefficients they come from,
    but for edges, which become ramps of 0.5 % of their energy. The majorant is the largest attenuation of
    any voxel.

    Parameters
    ----------
    medium
        Density and materials.

    Returns
    -------
    Tables
        For the kernels.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((4, 4, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> tables = photon_tables(TransportMedium.homogeneous(grid, material("water, liquid")))
    >>> round(float(1 / np.interp(0.511, energy_nodes_mev(), tables.majorant)))  # free path in water [mm]
    104
    """
    found = [_of_material(material) for material in medium.materials]
    attenuation, transfer, shares, binding, scattering, area = (list(t) for t in zip(*found, strict=True))
    densest = np.zeros(len(found))
    np.maximum.at(densest, medium.material_index.ravel(), medium.density_g_cm3.ravel().astype(np.float64))
    by_energy = np.ascontiguousarray(np.stack(attenuation, axis=1))
    majorant = (by_energy.astype(np.float64) * densest).max(axis=1) * (1.0 + _ROUNDING)
    return Tables(
        by_energy,
        np.ascontiguousarray(np.stack(transfer, axis=1)),
        np.ascontiguousarray(np.stack(shares, axis=1)),
        np.ascontiguousarray(np.stack(binding, axis=1)),
        majorant,
        _compton_quantiles(),
        _pair_quantiles(),
        np.array(scattering),
        np.array(area),
    )
