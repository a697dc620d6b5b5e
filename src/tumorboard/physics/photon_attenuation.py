"""How photons are attenuated, and how much of their energy stays: coefficients of any material."""

from __future__ import annotations

from dataclasses import dataclass
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
    "ELECTRON_MASS_MEV",
    "HIGHEST_PHOTON_MEV",
    "LOWEST_PHOTON_MEV",
    "PhotonInteractions",
    "form_factor_squared_mol_g",
    "mass_attenuation_cm2_g",
    "mass_energy_absorption_cm2_g",
    "mass_energy_transfer_cm2_g",
    "photon_interactions_cm2_g",
    "scattering_function_mol_g",
]

#: Energies for which there are cross sections [MeV].
LOWEST_PHOTON_MEV: Final = 1e-3
HIGHEST_PHOTON_MEV: Final = 20.0

#: Rest energy of an electron [MeV].
ELECTRON_MASS_MEV: Final = 0.51099895
#: Planck's constant times the speed of light [MeV angstrom].
PLANCK_MEV_ANGSTROM: Final = 0.01239841984

_BARN_TO_CM2_MOL: Final = 0.602214076
_PAIR_MEV: Final = 2.0 * ELECTRON_MASS_MEV
_TRIPLET_MEV: Final = 4.0 * ELECTRON_MASS_MEV


@dataclass(frozen=True, slots=True, eq=False)
class PhotonInteractions:
    """Macroscopic cross sections of photons per density, by what happens; arrays of one shape [cm2/g].

    Parameters
    ----------
    photoelectric, coherent, incoherent
        Absorption, Rayleigh and Compton scattering (with binding), shape ``(...)`` [cm2/g].
    pair
        Pair production in the field of nuclei and, from 2.044 MeV, of electrons, shape ``(...)`` [cm2/g].
    """

    photoelectric: NDArray[np.float64]
    coherent: NDArray[np.float64]
    incoherent: NDArray[np.float64]
    pair: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Attenuation coefficient, coherent scattering included, of their shape ``(...)`` [cm2/g]."""
        return self.photoelectric + self.coherent + self.incoherent + self.pair


@dataclass(frozen=True, slots=True, eq=False)
class _Atom:
    """Tables of one element; logarithms where they are interpolated."""

    log_e: NDArray[np.float64]
    log_barn: NDArray[np.float64]
    reduced_pair: NDArray[np.float64]
    transfer_share: NDArray[np.float64]
    nist_log_e: NDArray[np.float64]
    absorption_ratio: NDArray[np.float64]
    k_shell: NDArray[np.float64]


@lru_cache(maxsize=1)
def _file() -> dict[str, NDArray[np.float64]]:
    path = files("tumorboard.physics") / "tables" / "photons" / "photons.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return {name: read_only(data[name], np.float64) for name in data.files}


def _excess(energy: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return how pair production rises from its threshold, roughly: what is left of it is smooth."""
    cubed: NDArray[np.float64] = np.maximum(1.0 - threshold / energy, 0.0) ** 3
    return cubed


def _compton_transfer(z: int, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean share of the energy that a bound electron of the element gets."""
    points, weights = np.polynomial.legendre.leggauss(64)
    # The root of (1 - cos)/2 resolves the forward peak at low and at high energies.
    root = 0.5 * (points + 1.0)
    half = root**2
    alpha = energies[:, None] / ELECTRON_MASS_MEV
    left = 1.0 / (1.0 + 2.0 * alpha * half)
    cross = left**2 * (left + 1.0 / left - 4.0 * half * (1.0 - half)) * root * weights
    cross *= _function("scattering_function", z, energies[:, None] / PLANCK_MEV_ANGSTROM * root)
    share: NDArray[np.float64] = (cross * (1.0 - left)).sum(axis=1) / cross.sum(axis=1)
    return share


def _function(name: str, z: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a form factor or scattering function over Z, at momentum transfers [1/angstrom]."""
    data = _file()
    logs, nodes = np.log(data["x_per_angstrom"]), np.log(np.maximum(data[name][z - 1], 1e-30))
    at = np.log(np.maximum(x, 1e-30))
    value = np.exp(np.interp(at, logs, nodes))
    if name == "scattering_function":
        value = np.where(at < logs[0], value * np.exp(2.0 * (at - logs[0])), value)
    return np.asarray(value)


@lru_cache(maxsize=92)
def _atom(z: int) -> _Atom:
    data, weight = _file(), element(z).atomic_weight_g_mol
    energy, barn = data[f"z{z}_energy_mev"], data[f"z{z}_barn"]
    above = [_excess(energy, threshold) for threshold in (_PAIR_MEV, _TRIPLET_MEV)]
    reduced = []
    for excess, row in zip(above, barn[3:], strict=True):
        smooth = np.divide(row, excess, out=np.zeros_like(row), where=excess > 1e-4)
        first = int(np.argmax(smooth > 0))
        smooth[:first] = smooth[first]
        reduced.append(smooth)
    share = _compton_transfer(z, energy)
    log_e, log_barn = np.log(energy), np.log(barn[:3])
    nist_e = data[f"z{z}_nist_energy_mev"]
    # Both sides of an edge stand at its energy: look a little to the left and to the right.
    side = np.zeros(nist_e.size)
    twice = np.flatnonzero(np.diff(nist_e) == 0)
    side[twice], side[twice + 1] = -2e-6, 2e-6
    plain = _Atom(
        log_e, log_barn, np.array(reduced), share, np.log(nist_e), np.ones(nist_e.size), _k_shell(z)
    )
    transfer = _transfer_barn(plain, nist_e * (1.0 + side)) * _BARN_TO_CM2_MOL / weight
    ratio = data[f"z{z}_nist_mu_en_cm2_g"] / transfer
    return _Atom(log_e, log_barn, np.array(reduced), share, np.log(nist_e) + side, ratio, _k_shell(z))


def _k_shell(z: int) -> NDArray[np.float64]:
    row: NDArray[np.float64] = _file()["k_shell"][z - 1]
    return row


def _barn(atom: _Atom, energy: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return photoelectric, coherent, incoherent, pair and triplet cross sections [b per atom]."""
    at = np.log(energy)
    slow = [np.exp(np.interp(at, atom.log_e, row)) for row in atom.log_barn]
    pairs = [
        np.interp(at, atom.log_e, row) * _excess(energy, threshold)
        for row, threshold in zip(atom.reduced_pair, (_PAIR_MEV, _TRIPLET_MEV), strict=True)
    ]
    return (*slow, *pairs)


def _transfer_barn(atom: _Atom, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    absorbed, _, scattered, pair, triplet = _barn(atom, energy)
    share = np.interp(np.log(energy), atom.log_e, atom.transfer_share)
    kinetic = np.maximum(1.0 - _PAIR_MEV / energy, 0.0)
    return np.asarray(absorbed + share * scattered + kinetic * (pair + triplet))


def _energies(energy_mev: ArrayLike) -> NDArray[np.float64]:
    energies = np.asarray(energy_mev, dtype=np.float64)
    inside = (energies >= LOWEST_PHOTON_MEV) & (energies <= HIGHEST_PHOTON_MEV)
    if not inside.all():
        worst = energies[~inside].ravel()[0]
        raise InputError(
            f"energy_mev must be {LOWEST_PHOTON_MEV:g} to {HIGHEST_PHOTON_MEV:g} [MeV]; got {worst:.6g}; "
            "this is the reach of the tables"
        )
    return energies


def _atoms(material: Material) -> list[tuple[int, float, _Atom]]:
    """Return atomic number, factor from barn per atom to cm2/g of the material, and tables."""
    return [
        (z, fraction / element(z).atomic_weight_g_mol * _BARN_TO_CM2_MOL, _atom(z))
        for z, fraction in material.mass_fractions
    ]


def photon_interactions_cm2_g(material: Material, energy_mev: ArrayLike) -> PhotonInteractions:
    """Return how likely each interaction of a photon is, per length and density.

    Those of free atoms, added by mass fraction: molecules and crystals change coherent scattering below
    about 30 keV, and photoelectric absorption beside edges.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        0.001 to 20 [MeV], any shape.

    Returns
    -------
    PhotonInteractions
        Arrays of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] elam2002
    .. [2] cullen1997epdl

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> found = photon_interactions_cm2_g(material("water, liquid"), [0.03, 0.511])
    >>> (found.incoherent / found.total).round(3)
    array([0.487, 0.998])
    """
    energies = _energies(energy_mev)
    sums = [np.zeros_like(energies) for _ in range(5)]
    for _, factor, atom in _atoms(material):
        for total, barn in zip(sums, _barn(atom, energies), strict=True):
            total += factor * barn
    return PhotonInteractions(sums[0], sums[1], sums[2], sums[3] + sums[4])


def mass_attenuation_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the mass attenuation coefficient, coherent scattering included: XCOM's within 0.5 % [1]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        0.001 to 20 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] hubbell1995

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(mass_attenuation_cm2_g(material("water, liquid"), 0.511)), 4)
    0.096
    """
    return photon_interactions_cm2_g(material, energy_mev).total


def mass_energy_transfer_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the mass energy-transfer coefficient where nothing radiates but annihilation.

    What a photon gives to electrons, and to the atoms they leave: fluorescence counts as given, unlike in
    tables of this coefficient. It is what photons leave in the transport when electrons stay where they are.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        0.001 to 20 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(mass_energy_transfer_cm2_g(material("water, liquid"), 0.511)), 5)
    0.03303
    """
    energies = _energies(energy_mev)
    total = np.zeros_like(energies)
    for _, factor, atom in _atoms(material):
        total += factor * _transfer_barn(atom, energies)
    return total


def mass_energy_absorption_cm2_g(material: Material, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return the mass energy-absorption coefficient: what stays of the energy, but for what is radiated [1]_.

    Fluorescence, bremsstrahlung and annihilation are taken as lost. Elements' coefficients are those of NIST,
    added by mass fraction; between NIST's energies the ratio to
    :func:`mass_energy_transfer_cm2_g` is interpolated.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    energy_mev
        0.001 to 20 [MeV], any shape.

    Returns
    -------
    ndarray
        Of that shape [cm2/g].

    Raises
    ------
    InputError
        When an energy is beyond the tables or the material has an element beyond uranium.

    References
    ----------
    .. [1] hubbell1995

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(mass_energy_absorption_cm2_g(material("water, liquid"), 0.5)), 4)
    0.033
    """
    energies = _energies(energy_mev)
    total = np.zeros_like(energies)
    for _, factor, atom in _atoms(material):
        ratio = np.interp(np.log(energies), atom.nist_log_e, atom.absorption_ratio)
        total += factor * ratio * _transfer_barn(atom, energies)
    return total


def form_factor_squared_mol_g(material: Material, x_per_angstrom: ArrayLike) -> NDArray[np.float64]:
    """Return the squared form factors of a material's atoms, added up, over its mass [1]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    x_per_angstrom
        Momentum transfer, energy over Planck's constant and the speed of light times the sine of half the
        angle, >= 0, any shape [1/angstrom].

    Returns
    -------
    ndarray
        Of that shape [mol/g].

    References
    ----------
    .. [1] hubbell1979

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(form_factor_squared_mol_g(material("graphite"), 0.0)) * 12.011)
    36
    """
    x = np.asarray(x_per_angstrom, dtype=np.float64)
    total = np.zeros_like(x)
    for z, fraction in material.mass_fractions:
        total += fraction / element(z).atomic_weight_g_mol * (z * _function("form_factor", z, x)) ** 2
    return total


def scattering_function_mol_g(material: Material, x_per_angstrom: ArrayLike) -> NDArray[np.float64]:
    """Return the electrons that scatter incoherently, over a material's mass [1]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.
    x_per_angstrom
        Momentum transfer as in :func:`form_factor_squared_mol_g`, >= 0, any shape [1/angstrom].

    Returns
    -------
    ndarray
        Of that shape, from 0 to the number of electrons [mol/g].

    References
    ----------
    .. [1] hubbell1975

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(float(scattering_function_mol_g(material("water, liquid"), 50.0)), 4)
    0.5551
    """
    x = np.asarray(x_per_angstrom, dtype=np.float64)
    total = np.zeros_like(x)
    for z, fraction in material.mass_fractions:
        total += fraction / element(z).atomic_weight_g_mol * z * _function("scattering_function", z, x)
    return total


def k_shell_binding_mev(material: Material, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean energy that photoelectric absorption leaves in K shells' vacancies [MeV]."""
    absorbed = np.zeros_like(energy_mev)
    kept = np.zeros_like(energy_mev)
    for _, factor, atom in _atoms(material):
        own = factor * np.exp(np.interp(np.log(energy_mev), atom.log_e, atom.log_barn[0]))
        edge, share = atom.k_shell[:2]
        absorbed += own
        kept += own * np.where(energy_mev > edge, share * edge, 0.0)
    return np.asarray(kept / absorbed)
