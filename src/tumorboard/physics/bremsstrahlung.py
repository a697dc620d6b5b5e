"""The spectrum of the photons that electrons radiate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.physics.electron_stopping import ELECTRON_MASS_MEV
from tumorboard.physics.elements import element

__all__ = ["bremsstrahlung_shape"]

_FINE_STRUCTURE = 7.2973525693e-3
#: Softer photons than this part of the electron's energy, where screening bends the spectrum, and harder ones
#: than the second, where the formula has no limit, have these parts' values.
_SOFTEST, _HARDEST = 0.06, 0.9999


def bremsstrahlung_shape(
    material: Material, energy_mev: NDArray[np.float64], part: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return photon energy times the number of photons, by part of the electron's energy.

    Bethe and Heitler's formula without screening, Koch and Motz's 3BN [1]_, times Elwert's factor, for the
    nuclear charge that radiates in the mean; its size is left to the radiative stopping power.

    Parameters
    ----------
    material
        Any.
    energy_mev
        Kinetic energy of the electron, shape ``(n,)`` [MeV].
    part
        Photon energy over that, 0 to 1, shape ``(m,)``.

    Returns
    -------
    ndarray
        Relative to the largest of each energy, shape ``(n, m)``.

    References
    ----------
    .. [1] koch1959bremsstrahlung

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> bremsstrahlung_shape(material("water, liquid"), np.array([1.0]), np.array([0.1, 0.5, 0.9])).round(2)
    array([[1.  , 0.37, 0.11]])
    """
    moles = [(z, f / element(z).atomic_weight_g_mol) for z, f in material.mass_fractions]
    charge = math.sqrt(sum(n * z**4 for z, n in moles) / sum(n * z * z for z, n in moles))
    x = np.clip(part, _SOFTEST, _HARDEST)
    before = energy_mev[:, None] / ELECTRON_MASS_MEV + 1.0
    k = x * (before - 1.0)
    after = before - k
    p0, p = np.sqrt(before**2 - 1.0), np.sqrt(after**2 - 1.0)
    e0, e1 = 2.0 * np.arctanh(p0 / before), 2.0 * np.arctanh(p / after)
    big = 2.0 * np.log((before * after + p0 * p - 1.0) / k)
    first = 4.0 / 3.0 - 2.0 * before * after * (p**2 + p0**2) / (p * p0) ** 2
    first += e0 * after / p0**3 + e1 * before / p**3 - e0 * e1 / (p0 * p)
    second = 8.0 * before * after / (3.0 * p0 * p)
    second += k**2 * ((before * after) ** 2 + (p0 * p) ** 2) / (p0 * p) ** 3
    third = (before * after + p0**2) / p0**3 * e0 - (before * after + p**2) / p**3 * e1
    third += 2.0 * k * before * after / (p * p0) ** 2
    second += k / (2.0 * p0 * p) * third
    strength = 2.0 * math.pi * charge * _FINE_STRUCTURE
    b0, b1 = p0 / before, p / after
    elwert = b0 * -np.expm1(-strength / b0) / (b1 * -np.expm1(-strength / b1))
    value = np.maximum(elwert * p / p0 * (first + big * second), 0.0)
    return np.asarray(value / value.max(axis=1, keepdims=True))
