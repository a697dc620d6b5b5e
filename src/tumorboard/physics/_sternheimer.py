"""The density effect by Sternheimer's general recipe, from the shells of a material's atoms."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._tables import rows
from tumorboard.physics.elements import element
from tumorboard.physics.materials import electrons_g_mol, mean_excitation_energy_ev

__all__ = ["density_effect"]

#: Rest energy of the electron [MeV], and plasma energy of one mole of electrons per cm3 [eV].
_MASS_MEV = 0.51099895
_PLASMA_EV = 28.8159


@lru_cache(maxsize=1)
def _shells() -> dict[int, list[tuple[float, float, bool]]]:
    found: dict[int, list[tuple[float, float, bool]]] = {}
    for row in rows("electrons/shells.csv"):
        shell = (float(row["electrons"]), float(row["binding_ev"]), row["conducting"] == "1")
        found.setdefault(int(row["atomic_number"]), []).append(shell)
    return found


@lru_cache(maxsize=256)
def _oscillators(material: Material) -> tuple[NDArray[np.float64], NDArray[np.float64], float, bool]:
    """Return strengths and squared energies in plasma energies, and the effect's start.

    The energies are those of the shells times the factor that gives the material its I.
    """
    strengths, energies, free = [], [], []
    alone = len(material.mass_fractions) == 1
    total = electrons_g_mol(material)
    for z, fraction in material.mass_fractions:
        if z not in _shells():
            raise InputError(f"material must have elements 1 to 92; got {z} in {material.name!r}")
        per_electron = fraction / element(z).atomic_weight_g_mol / total
        own = sum(n for n, _, _ in _shells()[z])
        for electrons, binding_ev, conducting in _shells()[z]:
            # By itself the element conducts; its compounds do not.
            free.append(alone and conducting)
            strengths.append(electrons * z / own * per_electron)
            energies.append(0.0 if free[-1] else binding_ev)
    f = np.array(strengths) / sum(strengths)
    plasma_ev = _PLASMA_EV * math.sqrt(material.density_g_cm3 * total)
    e2 = (np.array(energies) / plasma_ev) ** 2
    # An oscillator that is bound is shifted by its neighbours (Lorentz and Lorenz), one that is free is not.
    shift = np.where(free, 1.0, 2.0 / 3.0) * f
    wanted = 2.0 * math.log(mean_excitation_energy_ev(material) / plasma_ev)

    def excess(log_factor2: float) -> float:
        return float(f @ np.log(math.exp(log_factor2) * e2 + shift)) - wanted

    if excess(-30.0) >= 0.0:
        raise InputError(
            f"density_g_cm3 of {material.name!r} must let its mean excitation energy exceed the plasma's; "
            f"got {material.density_g_cm3:g} [g/cm3]"
        )
    nu2 = math.exp(scipy.optimize.brentq(excess, -30.0, 30.0, xtol=1e-12)) * e2
    return f, nu2, 0.0 if any(free) else 1.0 / float((f / nu2).sum()), any(free)


def density_effect(material: Material, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return delta for electrons or positrons of ``energy_mev`` [MeV], by its shape [sternheimer1982density].

    It takes off the bracket of Bethe's formula what the medium's polarisation hides of distant collisions.
    """
    f, nu2, start, conductor = _oscillators(material)
    tau = energy_mev / _MASS_MEV
    y = (tau * (tau + 2.0)).ravel()  # (beta gamma)^2
    shift = np.where(nu2 == 0.0, 1.0, 2.0 / 3.0) * f
    # 1 / y = sum f / (nu2 + L2) has one root L2 below the largest y, and none below the start.
    high = np.maximum(y, 1e-12)
    low = np.zeros_like(high)
    for _ in range(80):
        middle = 0.5 * (low + high)
        value = (f / (nu2 + middle[:, None] + 1e-300)).sum(axis=1)
        above = value > 1.0 / np.maximum(y, 1e-300)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    l2 = 0.5 * (low + high)
    delta = (f * np.log1p(l2[:, None] / (nu2 + shift))).sum(axis=1) - l2 / (y + 1.0)
    if not conductor:
        delta = np.where(y > start, delta, 0.0)
    return np.asarray(np.maximum(delta, 0.0).reshape(energy_mev.shape))
