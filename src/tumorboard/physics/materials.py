"""Named materials: water, air, plastics, tissues, metals."""

from __future__ import annotations

import difflib
import math
from functools import lru_cache

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._tables import rows
from tumorboard.physics.elements import element, element_of

__all__ = ["electrons_g_mol", "material", "material_names", "mean_excitation_energy_ev"]

#: Below this density [g/cm3] the atoms of a compound are those of a gas; inflated lung is far above.
_GAS_BELOW_G_CM3 = 0.01


@lru_cache(maxsize=1)
def _materials() -> dict[str, Material]:
    found = {}
    for row in rows("materials/materials.csv"):
        parts = [part.split(":") for part in row["mass_fractions"].split()]
        fractions = tuple((element_of(symbol).atomic_number, float(f)) for symbol, f in parts)
        mean = row["mean_excitation_energy_ev"]
        name = row["name"]
        found[name] = Material(name, float(row["density_g_cm3"]), fractions, float(mean) if mean else None)
    return found


def material_names() -> tuple[str, ...]:
    """Return the names that :func:`material` knows.

    Returns
    -------
    tuple of str
        In the order of ``tables/materials/materials.csv``.

    Examples
    --------
    >>> material_names()[0]
    'water, liquid'
    """
    return tuple(_materials())


def material(name: str) -> Material:
    """Return a material by name.

    Mean excitation energies are those of ICRU 37 and 49 [1]_ [2]_, as in NIST's PSTAR: 75.0 eV for
    liquid water. With the 78.0 eV that ICRU 90 [3]_ recommends, and Geant4 takes, it is "water, liquid
    (ICRU 90)"; protons of 150 MeV go 0.8 mm farther in it.

    Parameters
    ----------
    name
        One of :func:`material_names`.

    Returns
    -------
    Material
        With density [g/cm3], mass fractions and mean excitation energy [eV].

    Raises
    ------
    InputError
        When there is none of this name; the message lists the nearest names.

    References
    ----------
    .. [1] icru1984report37
    .. [2] icru1993report49
    .. [3] icru2016report90

    Examples
    --------
    >>> material("PMMA").density_g_cm3
    1.19
    """
    found = _materials()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=3, cutoff=0.3) or list(found)
        raise InputError(
            f"name must be one of material_names(); got {name!r}; nearest: {', '.join(map(repr, near))}"
        )
    return found[name]


def electrons_g_mol(material: Material) -> float:
    """Return the electrons of a material, as the mean of Z/A by mass.

    Parameters
    ----------
    material
        Any.

    Returns
    -------
    float
        Moles of electrons in a gram [mol/g].

    Examples
    --------
    >>> round(electrons_g_mol(_materials()["water, liquid"]), 4)
    0.5551
    """
    return sum(f * z / element(z).atomic_weight_g_mol for z, f in material.mass_fractions)


def mean_excitation_energy_ev(material: Material) -> float:
    r"""Return I: the material's own, its element's, or by Bragg's rule.

    By Bragg's rule :math:`\ln I = \sum w_i (Z_i/A_i) \ln I_i / \sum w_i (Z_i/A_i)` with the values for
    atoms in compounds that ICRU 37 recommends [1]_: in condensed compounds H 19.2, C 81, N 82, O 106,
    F 112, Cl 180 eV, and 1.13 times the element's for the others; in gases (density below 0.01 g/cm3)
    H 19.2, C 70, N 82, O 97 eV, and the element's.

    Parameters
    ----------
    material
        Any.

    Returns
    -------
    float
        Mean excitation energy [eV].

    References
    ----------
    .. [1] icru1984report37

    Examples
    --------
    >>> water = Material("water", 1.0, ((1, 0.111894), (8, 0.888106)))
    >>> round(mean_excitation_energy_ev(water), 1)
    75.3
    """
    if material.mean_excitation_energy_ev is not None:
        return material.mean_excitation_energy_ev
    if len(material.mass_fractions) == 1:
        return element(material.mass_fractions[0][0]).mean_excitation_energy_ev
    gas = material.density_g_cm3 < _GAS_BELOW_G_CM3
    total = logs = 0.0
    for z, fraction in material.mass_fractions:
        atom = element(z)
        electrons = fraction * z / atom.atomic_weight_g_mol
        total += electrons
        logs += electrons * math.log(atom.in_gaseous_compound_ev if gas else atom.in_condensed_compound_ev)
    return math.exp(logs / total)
