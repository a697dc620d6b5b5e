"""How protons make nuclei that emit positrons: production cross sections from measurements."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.physics._tables import rows
from tumorboard.physics.nuclear import nucleus_tables

__all__ = ["EMITTERS", "positron_emitter_yields", "production_b"]

#: Nuclides whose production is tabulated, in the order of :func:`positron_emitter_yields`.
EMITTERS: Final = ("C-11", "N-13", "O-15")

_MB_TO_B: Final = 1e-3


@lru_cache(maxsize=1)
def _curves() -> dict[tuple[int, str], NDArray[np.float64]]:
    """Return energies and cross sections, shape ``(2, n)`` [MeV], [b], by atomic number and nuclide."""
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for row in rows("positron_production/cross_sections.csv"):
        key = (int(row["atomic_number"]), row["nuclide"])
        point = (float(row["energy_mev"]), float(row["cross_section_mb"]) * _MB_TO_B)
        found.setdefault(key, []).append(point)
    return {key: read_only(np.array(points).T) for key, points in found.items()}


def production_b(atomic_number: int, nuclide: str, energy_mev: ArrayLike) -> NDArray[np.float64]:
    r"""Return the cross section of a proton making a nuclide of a nucleus of a natural element.

    Piecewise linear fits to measurements [1]_ [2]_ [3]_ [4]_ [5]_ [6]_, and for slow protons on nitrogen and
    oxygen TENDL-2024 [7]_, which follows the measured resonances; ``tables/positron_production/SOURCE.md``
    says which went where. Series of measurements differ from each other by 5 to 10 % (carbon), 15 % (oxygen)
    and 25 % (nitrogen).

    Parameters
    ----------
    atomic_number
        2 to 92. Carbon, nitrogen and oxygen make emitters here; all others, 0.
    nuclide
        One of :data:`EMITTERS`.
    energy_mev
        Kinetic energy, >= 0, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [b]; that of 250 MeV above 250 MeV.

    Raises
    ------
    InputError
        When the nuclide is not tabulated, or an energy is negative or not finite.

    References
    ----------
    .. [1] horst2019measurement
    .. [2] backer2019measurement
    .. [3] masuda2018measurement
    .. [4] matsushita2016measurement
    .. [5] kettern2004formation
    .. [6] valentin1965reactions
    .. [7] koning2019tendl

    Examples
    --------
    >>> production_b(8, "O-15", [16.0, 40.0, 150.0]).round(3)
    array([0.   , 0.072, 0.042])
    """
    if nuclide not in EMITTERS:
        raise InputError(f"nuclide must be one of {', '.join(EMITTERS)}; got {nuclide!r}")
    energies = np.asarray(energy_mev, dtype=np.float64)
    if not (np.isfinite(energies) & (energies >= 0)).all():
        raise InputError(f"energy_mev must be finite and >= 0 [MeV]; got {energies.min()!r}")
    curve = _curves().get((atomic_number, nuclide))
    if curve is None:
        return np.zeros_like(energies)
    return np.asarray(np.interp(energies, curve[0], curve[1], left=0.0))


def positron_emitter_yields(atomic_number: int, energy_mev: ArrayLike) -> NDArray[np.float64]:
    """Return how many C-11, N-13 and O-15 an inelastic reaction makes on average.

    The production cross section over that of all inelastic reactions
    (:func:`~tumorboard.physics.nuclear.nucleus_tables`), so that a transport that counts reactions arrives at
    the former; 0 where the tables have no reaction (oxygen below 7 MeV).

    Parameters
    ----------
    atomic_number
        2 to 92.
    energy_mev
        Kinetic energies, >= 0, shape ``(n,)`` [MeV].

    Returns
    -------
    ndarray
        Shape ``(n, 3)``, in the order of :data:`EMITTERS` [1/reaction].

    Raises
    ------
    InputError
        When energies are negative or not finite, or for hydrogen.

    Examples
    --------
    >>> positron_emitter_yields(6, [50.0, 150.0]).round(3)
    array([[0.25 , 0.   , 0.   ],
           [0.228, 0.   , 0.   ]])
    """
    energies = np.atleast_1d(np.asarray(energy_mev, dtype=np.float64))
    made = np.stack([production_b(atomic_number, nuclide, energies) for nuclide in EMITTERS], axis=-1)
    tables = nucleus_tables(atomic_number)
    all_b = np.interp(energies, tables.inelastic_energy_mev, tables.inelastic_b, left=0.0)
    return np.where(all_b[..., None] > 0, made / np.where(all_b > 0, all_b, 1.0)[..., None], 0.0)
