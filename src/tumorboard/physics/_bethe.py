"""Stopping numbers: Bethe's and its corrections, and shell corrections from PSTAR's elements."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.physics._tables import columns
from tumorboard.physics.elements import DensityEffect, element
from tumorboard.physics.materials import electrons_g_mol
from tumorboard.physics.materials import material as named
from tumorboard.physics.proton_kinematics import ELECTRON_MASS_MEV, beta_squared, largest_transfer_mev

__all__ = ["BETHE_MEV_CM2_MOL", "slow_stopping_power", "stopping_number"]

#: 4 pi N_A r_e^2 m_e c^2 [MeV cm2/mol].
BETHE_MEV_CM2_MOL = 0.307075
_FINE_STRUCTURE = 7.2973525693e-3

#: Up to this energy [MeV], one of PSTAR's, shell corrections are read from its elements.
_LAST_SHELL_MEV = 250.0
#: Two compositions are the same when no mass fraction differs by more.
_SAME_FRACTION = 2e-3


def _bethe(energy_mev: NDArray[np.float64], mean_ev: float) -> NDArray[np.float64]:
    beta2 = beta_squared(energy_mev)
    maximum = largest_transfer_mev(energy_mev)
    product = 2.0 * ELECTRON_MASS_MEV * beta2 / (1.0 - beta2) * maximum
    return 0.5 * np.log(product / (mean_ev * 1e-6) ** 2) - beta2


def density_effect(energy_mev: NDArray[np.float64], effect: DensityEffect) -> NDArray[np.float64]:
    """Return delta at ``energy_mev`` [MeV], by Sternheimer's form; for conductors also below x0."""
    beta2 = beta_squared(energy_mev)
    x = 0.5 * np.log10(beta2 / (1.0 - beta2))
    tail = effect.a * np.clip(effect.x1 - x, 0.0, None) ** effect.m
    above = 2.0 * math.log(10.0) * x - effect.c + tail
    return np.where(x >= effect.x0, above, effect.delta0 * 10.0 ** (2.0 * (x - effect.x0)))


@lru_cache(maxsize=256)
def density_effect_of(material: Material, mean_ev: float) -> DensityEffect:
    """Return the parameters of an element as tabulated, of a compound by Sternheimer and Peierls's rule.

    Mean excitation energy in [eV].
    """
    if len(material.mass_fractions) == 1:
        own = element(material.mass_fractions[0][0])
        # For another density C changes with the plasma energy (Sternheimer 1984); so do x0 and x1.
        shift = math.log(own.density_g_cm3 / material.density_g_cm3)
        step = shift / (2.0 * math.log(10.0))
        e = own.density_effect
        return DensityEffect(e.c + shift, e.a, e.m, e.x0 + step, e.x1 + step, e.delta0)
    plasma_ev = 28.816 * math.sqrt(material.density_g_cm3 * electrons_g_mol(material))
    c = 2.0 * math.log(mean_ev / plasma_ev) + 1.0
    if material.density_g_cm3 < 0.01:
        x0, x1 = _gas_limits(c)
    else:
        x1 = 2.0 if mean_ev < 100.0 else 3.0
        threshold, offset = (3.681, 1.0) if mean_ev < 100.0 else (5.215, 1.5)
        x0 = 0.2 if c < threshold else 0.326 * c - offset
    a = (c - 2.0 * math.log(10.0) * x0) / (x1 - x0) ** 3
    return DensityEffect(c, a, 3.0, x0, x1, 0.0)


def _gas_limits(c: float) -> tuple[float, float]:
    """Return x0 and x1 of a gas (Sternheimer and Peierls 1971)."""
    for limit, x0 in ((10.0, 1.6), (10.5, 1.7), (11.0, 1.8), (11.5, 1.9)):
        if c < limit:
            return x0, 4.0
    if c < 12.25:
        return 2.0, 4.0
    return (2.0, 5.0) if c < 13.804 else (0.326 * c - 2.5, 5.0)


@lru_cache(maxsize=1)
def _barkas_function() -> tuple[NDArray[np.float64], float, float]:
    """Return a polynomial for ln F over ln w, and the ends of the table.

    The table was read from a figure: its points scatter by 7 % about the polynomial.
    """
    at, values = np.log(columns("stopping_power/barkas.csv")[1].T)
    return np.polyfit(at, values, 5), float(at[0]), float(at[-1])


def _barkas(energy_mev: NDArray[np.float64], z: int, *, alone: bool) -> NDArray[np.float64]:
    """Return L1 by Ashley, Ritchie and Brandt, with the impact parameters that ICRU 49 chose.

    Hydrogen has one as the molecule, ``alone``, and another in compounds.
    """
    choices = ((1, 0.6 if alone else 1.8), (2, 0.6), (10, 1.8), (17, 1.4), (18, 1.8), (25, 1.4), (50, 1.35))
    b = next((value for last, value in choices if z <= last), 1.3)
    x = beta_squared(energy_mev) / (_FINE_STRUCTURE**2 * z)
    polynomial, first, last = _barkas_function()
    logs = np.log(b / np.sqrt(x))
    # Slower than the table reaches, F falls as 1/w.
    f = np.exp(np.polyval(polynomial, np.clip(logs, first, last)) + np.minimum(0.0, last - logs))
    return np.asarray(f / (math.sqrt(z) * x**1.5))


def _bloch(energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    y2 = _FINE_STRUCTURE**2 / beta_squared(energy_mev)
    j = np.arange(1.0, 60.0).reshape(-1, *([1] * y2.ndim))
    # What the cut sum lacks is less than 3e-4 of it.
    return np.asarray(-y2 * (1.0 / (j * (j * j + y2))).sum(axis=0))


@lru_cache(maxsize=1)
def _pstar_elements() -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    names, numbers = columns("pstar/elements.csv")
    return numbers[:, 0], {int(name): numbers[:, i] for i, name in enumerate(names) if i}


@lru_cache(maxsize=128)
def _shell_nodes(z: int) -> NDArray[np.float64]:
    """Return C/Z at PSTAR's energies: what its stopping number lacks of the other terms.

    Elements that PSTAR lacks lie between their neighbours in it, linearly in Z.
    """
    energies, tables = _pstar_elements()
    if z not in tables:
        low, high = max(k for k in tables if k < z), min(k for k in tables if k > z)
        part = (z - low) / (high - low)
        return (1.0 - part) * _shell_nodes(low) + part * _shell_nodes(high)
    atom = element(z)
    number = tables[z] * beta_squared(energies) * atom.atomic_weight_g_mol / (z * BETHE_MEV_CM2_MOL)
    others = _bethe(energies, atom.mean_excitation_energy_ev) - 0.5 * density_effect(
        energies, atom.density_effect
    )
    shell = others + _barkas(energies, z, alone=True) + _bloch(energies) - number
    # Shell corrections go as 1/(beta gamma)^2 when fast. Beyond 250 MeV what is left is rather the density
    # effect of PSTAR's sample, which compounds of the element do not have.
    eta2 = beta_squared(energies) / (1.0 - beta_squared(energies))
    last = int(np.searchsorted(energies, _LAST_SHELL_MEV))
    return np.where(energies > _LAST_SHELL_MEV, shell[last] * eta2[last] / eta2, shell)


def stopping_number(
    material: Material, mean_ev: float, energy_mev: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return L times Z/A of a material [mol/g] at ``energy_mev`` [MeV], with ``mean_ev`` [eV]."""
    energies, _ = _pstar_elements()
    logs, at = np.log(energies), np.log(energy_mev)
    common = _bethe(energy_mev, mean_ev) + _bloch(energy_mev)
    common = common - 0.5 * density_effect(energy_mev, density_effect_of(material, mean_ev))
    total = np.zeros_like(energy_mev)
    alone = len(material.mass_fractions) == 1
    for z, fraction in material.mass_fractions:
        own = _barkas(energy_mev, z, alone=alone) - np.interp(at, logs, _shell_nodes(z))
        total += fraction * z / element(z).atomic_weight_g_mol * (common + own)
    return total


@lru_cache(maxsize=256)
def _pstar_compound(material: Material) -> NDArray[np.float64] | None:
    """Return PSTAR's slow stopping powers of the compound that has this composition, if there is one."""
    names, numbers = columns("pstar/compounds.csv")
    for column, name in enumerate(names[1:], start=1):
        known = named(name)
        every = {z for z, _ in (*known.mass_fractions, *material.mass_fractions)}
        # An element in one piece is graphite or not; a mixture is recognised by its composition.
        same = len(every) > 1 or known.name == material.name
        if same and all(abs(known.fraction(z) - material.fraction(z)) < _SAME_FRACTION for z in every):
            return np.log(numbers[:, [0, column]].T)
    return None


def slow_stopping_power(material: Material, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return PSTAR's electronic stopping power [MeV cm2/g] at ``energy_mev`` [MeV], up to 2 MeV.

    That of the compound itself where PSTAR has it, else Bragg's sum of its elements.
    """
    at = np.log(energy_mev)
    compound = _pstar_compound(material)
    if compound is not None:
        return np.exp(np.interp(at, *compound))
    energies, tables = _pstar_elements()
    logs = np.log(energies)
    total = np.zeros_like(energy_mev)
    for z, fraction in material.mass_fractions:
        weight = element(z).atomic_weight_g_mol
        if z in tables:
            values = tables[z]
        else:
            low, high = max(k for k in tables if k < z), min(k for k in tables if k > z)
            part = (z - low) / (high - low)
            per_atom = [tables[k] * element(k).atomic_weight_g_mol for k in (low, high)]
            values = per_atom[0] ** (1.0 - part) * per_atom[1] ** part / weight
        total += fraction * np.exp(np.interp(at, logs, np.log(values)))
    return total
