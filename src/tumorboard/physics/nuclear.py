"""What protons do to nuclei: cross sections, and the particles that come out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.elements import element

__all__ = [
    "NucleusTables",
    "SecondaryEnergy",
    "hydrogen_elastic_cm2_g",
    "inelastic_cm2_g",
    "nuclear_elastic_cm2_g",
    "nucleus_tables",
    "secondary_energy",
]

_TABULATED: Final = (6, 7, 8, 15, 20)
_BARN_TO_CM2_MOL: Final = 0.602214076

#: Grams of hydrogen in a gram of water, for which the elastic cross section of hydrogen was published.
_HYDROGEN_OF_WATER: Final = 0.1119
_HYDROGEN_LOWEST_MEV: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class NucleusTables:
    """What ICRU Report 63 says of protons on one element [1]_.

    Parameters
    ----------
    atomic_number
        6, 7, 8, 15 or 20.
    elastic_energy_mev, elastic_b
        Energies, shape ``(n,)`` [MeV], and cross sections of elastic scattering as tabulated [b]; more than
        the integral of those by angle.
    elastic_angle_deg, elastic_b_sr
        Angles in the centre of mass, shape ``(m,)`` [deg], and cross sections there, ``(n, m)`` [b/sr].
    inelastic_energy_mev, inelastic_b
        Energies, shape ``(k,)`` [MeV], and cross sections of all inelastic reactions [b].
    multiplicity
        Protons, deuterons and alpha particles of a reaction, shape ``(k, 3)``.
    recoil_energy_fraction
        Share of the proton's energy that heavier fragments get, shape ``(k,)``.
    out_energy_mev, out_b_mev
        Energies of the outgoing particles, shape ``(k, 3, 41)`` [MeV], and their spectra [b/MeV].
    angle_deg, out_b_mev_sr
        Laboratory angles, shape ``(13,)`` [deg], and spectra there, ``(k, 3, 41, 13)`` [b/(MeV sr)].
    gamma_incident_mev, gamma_multiplicity
        Energies of the protons, shape ``(g,)`` [MeV], and prompt gammas of a reaction.
    gamma_bin_mev, gamma_b_mev
        Width of the energy bins, shape ``(g,)`` [MeV], and spectra, ``(g, n_bins)`` [b/MeV]; bin ``i`` ends
        at ``i + 1`` widths.

    References
    ----------
    .. [1] icru2000report63
    """

    atomic_number: int
    elastic_energy_mev: NDArray[np.float64]
    elastic_b: NDArray[np.float64]
    elastic_angle_deg: NDArray[np.float64]
    elastic_b_sr: NDArray[np.float64]
    inelastic_energy_mev: NDArray[np.float64]
    inelastic_b: NDArray[np.float64]
    multiplicity: NDArray[np.float64]
    recoil_energy_fraction: NDArray[np.float64]
    out_energy_mev: NDArray[np.float64]
    out_b_mev: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    out_b_mev_sr: NDArray[np.float64]
    gamma_incident_mev: NDArray[np.float64]
    gamma_multiplicity: NDArray[np.float64]
    gamma_bin_mev: NDArray[np.float64]
    gamma_b_mev: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SecondaryEnergy:
    """Where the energy of a proton goes in an inelastic reaction, as fractions of it.

    Parameters
    ----------
    protons, deuterons, alphas, recoils
        Kinetic energy of these, of the energies' shape.
    rest
        Neutrons, gammas and what breaking nuclei costs, of the energies' shape.
    """

    protons: NDArray[np.float64]
    deuterons: NDArray[np.float64]
    alphas: NDArray[np.float64]
    recoils: NDArray[np.float64]
    rest: NDArray[np.float64]


@lru_cache(maxsize=1)
def _all_tables() -> dict[int, NucleusTables]:
    found = {}
    path = files("tumorboard.physics") / "tables" / "icru63" / "proton.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        for z in _TABULATED:
            names = [f.name for f in fields(NucleusTables) if f.name not in ("atomic_number", "angle_deg")]
            arrays = {name: read_only(data[f"z{z}_{name}"], np.float64) for name in names}
            found[z] = NucleusTables(
                atomic_number=z, angle_deg=read_only(data["angle_deg"], np.float64), **arrays
            )
    return found


def nucleus_tables(atomic_number: int) -> NucleusTables:
    """Return the tables of an element, or of the one nearest to it in the table of elements.

    Parameters
    ----------
    atomic_number
        2 to 92; 6 (carbon), 7, 8, 15 and 20 have tables of their own.

    Returns
    -------
    NucleusTables
        Check its ``atomic_number``: cross sections of a neighbour are to be scaled by its
        (atomic weight)^(2/3), as :func:`inelastic_cm2_g` does.

    Raises
    ------
    InputError
        For hydrogen, which has no inelastic reactions here, and beyond uranium.

    Examples
    --------
    >>> round(float(nucleus_tables(8).inelastic_b.max()), 2)  # oxygen [b]
    0.54
    """
    if not 2 <= atomic_number <= 92:
        raise InputError(
            f"atomic_number must be 2 to 92; got {atomic_number!r}; hydrogen: hydrogen_elastic_cm2_g"
        )
    return _all_tables()[min(_TABULATED, key=lambda z: (abs(z - atomic_number), z))]


def nuclei(material: Material) -> list[tuple[NucleusTables, float]]:
    """Return the tables of each nucleus but hydrogen, and the factor from barn to cm2/g of the material."""
    found = []
    for z, fraction in material.mass_fractions:
        if z > 1:
            tables, weight = nucleus_tables(z), element(z).atomic_weight_g_mol
            size = (weight / element(tables.atomic_number).atomic_weight_g_mol) ** (2.0 / 3.0)
            found.append((tables, fraction / weight * _BARN_TO_CM2_MOL * size))
    return found


@lru_cache(maxsize=8)
def elastic_by_angle(
    tables: NucleusTables,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return angles from 5 degrees on [rad], cross sections in bins about them [b], and their sums [b]."""
    width = np.deg2rad(0.5)
    angle = np.arange(np.deg2rad(5.0) + 0.5 * width, np.pi, width)
    nodes = np.deg2rad(tables.elastic_angle_deg)
    logs = np.log(np.maximum(tables.elastic_b_sr, 1e-12))
    each = np.exp(np.stack([np.interp(angle, nodes, row) for row in logs]))
    each *= 2.0 * np.pi * np.sin(angle) * width
    return angle, each, each.sum(axis=1)


def _energies(energy_mev: ArrayLike) -> NDArray[np.float64]:
    energies = np.asarray(energy_mev, dtype=np.float64)
    if not (np.isfinite(energies) & (energies >= 0)).all():
        raise InputError(f"energy_mev must be finite and >= 0 [MeV]; got {energies.min()!r}")
    return energies


def inelastic_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the macroscopic cross section of inelastic reactions, per density [1]_.

    0 below the first energy of the tables (3 to 7 MeV), that of 250 MeV above; elements without a table have
    their neighbour's cross section times the ratio of atomic weights to the power 2/3.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, >= 0, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is negative or not finite.

    References
    ----------
    .. [1] icru2000report63

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(inelastic_cm2_g(material("water, liquid"), 150.0)), 5)
    0.00986
    """
    energies = _energies(energy_mev)
    total = np.zeros_like(energies)
    for tables, factor in nuclei(material):
        total += factor * np.interp(energies, tables.inelastic_energy_mev, tables.inelastic_b, left=0.0)
    return total


def nuclear_elastic_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the macroscopic cross section of elastic scattering off nuclei [1]_.

    By 5 degrees or more in the centre of mass, the integral of the tables by angle, and off all nuclei but
    hydrogen. Smaller angles are multiple scattering's.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        Kinetic energy, >= 0, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [cm2/g]; 0 below the first energy of the tables (1 to 7 MeV).

    Raises
    ------
    InputError
        When an energy is negative or not finite.

    References
    ----------
    .. [1] icru2000report63

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(nuclear_elastic_cm2_g(material("water, liquid"), 150.0)), 5)
    0.00339
    """
    energies = _energies(energy_mev)
    total = np.zeros_like(energies)
    for tables, factor in nuclei(material):
        _, _, beyond = elastic_by_angle(tables)
        total += factor * np.interp(energies, tables.elastic_energy_mev, beyond, left=0.0)
    return total


def hydrogen_elastic_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the macroscopic cross section of proton-proton scattering, per density [1]_.

    A fit for 10 to 300 MeV; 0 below 10 MeV, where multiple Coulomb scattering has it all.

    Parameters
    ----------
    material
        Any; only its hydrogen counts.
    energy_mev
        Kinetic energy, >= 0, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is negative or not finite.

    References
    ----------
    .. [1] fippel2004monte

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(hydrogen_elastic_cm2_g(material("water, liquid"), 150.0)), 5)
    0.00168
    """
    energies = _energies(energy_mev)
    water = 0.315 * np.maximum(energies, 1.0) ** -1.126 + 3.78e-6 * energies
    return np.where(energies < _HYDROGEN_LOWEST_MEV, 0.0, water * (material.fraction(1) / _HYDROGEN_OF_WATER))


def secondary_energy(material: Material, energy_mev: ArrayLike) -> SecondaryEnergy:
    """Return where the energy goes in an inelastic reaction.

    Spectra fall short of the tables' own multiplicities by up to 10 %, the more the coarser their 41 energies
    are: the peak of evaporated particles lies between the first two, and what is lacking is put there.

    Parameters
    ----------
    material
        With at least one element beside hydrogen.
    energy_mev
        Kinetic energy, within the tables (7 to 250 MeV for all), any shape [MeV].

    Returns
    -------
    SecondaryEnergy
        Means over the material's nuclei, weighted with their cross sections.

    Raises
    ------
    InputError
        When there is no reaction at an energy.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> shares = secondary_energy(material("water, liquid"), 150.0)
    >>> round(float(shares.protons), 2), round(float(shares.rest), 2)
    (0.46, 0.37)
    """
    energies = _energies(energy_mev)
    total = inelastic_cm2_g(material, energies)
    if not (total > 0).all():
        raise InputError(
            f"energy_mev must be where inelastic reactions happen in {material.name!r} [MeV]; got "
            f"{energies[total <= 0].ravel()[0]:g}; their tables begin at 3 to 7 MeV"
        )
    shares = np.zeros((4, *energies.shape))
    for tables, factor in nuclei(material):
        grid = tables.inelastic_energy_mev
        part = factor * np.interp(energies, grid, tables.inelastic_b, left=0.0) / total
        for k in range(3):
            shares[k] += part * np.interp(energies, grid, _energy_share(tables, k))
        shares[3] += part * np.interp(energies, grid, tables.recoil_energy_fraction)
    protons, deuterons, alphas, recoils = shares
    return SecondaryEnergy(protons, deuterons, alphas, recoils, 1.0 - shares.sum(axis=0))


def _energy_share(tables: NucleusTables, particle: int) -> NDArray[np.float64]:
    """Return the share of the energy that protons, deuterons or alphas get, at each tabulated energy."""
    energy = tables.out_energy_mev[:, particle]
    spectrum = tables.out_b_mev[:, particle] / tables.inelastic_b[:, None]
    number = np.trapezoid(spectrum, energy, axis=1)
    carried = np.trapezoid(spectrum * energy, energy, axis=1)
    multiplicity = tables.multiplicity[:, particle]
    carried *= np.minimum(multiplicity / np.where(number > 0, number, 1.0), 1.0)
    carried += np.maximum(multiplicity - number, 0.0) * 0.5 * energy[:, 1]
    share: NDArray[np.float64] = carried / tables.inelastic_energy_mev
    return share
