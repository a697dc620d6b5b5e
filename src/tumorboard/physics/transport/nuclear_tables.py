"""Secondaries of nuclear reactions, ready for sampling: energies and directions as quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.physics.elements import element
from tumorboard.physics.nuclear import NucleusTables, elastic_by_angle, nucleus_tables
from tumorboard.physics.transport.proton_tables import TABULATED_NUCLEI

__all__ = ["NuclearTables", "nuclear_tables"]

_ENERGY_QUANTILES: Final = 128
_ANGLE_QUANTILES: Final = 32
_ATOMIC_MASS_MEV: Final = 931.49410242


@dataclass(frozen=True, slots=True, eq=False)
class NuclearTables:
    """Quantiles for each of the tabulated nuclei (5), incident energies (padded) and particles (3).

    Parameters
    ----------
    n_inelastic, n_elastic
        Incident energies in use, shape ``(5,)``.
    inelastic_mev, elastic_mev
        Incident energies, shapes ``(5, k)`` and ``(5, m)`` [MeV].
    multiplicity
        Protons, deuterons, alphas per reaction, shape ``(5, k, 3)``.
    recoil
        Share of the energy that heavier fragments get, shape ``(5, k)``.
    energy_quantile
        Emission energy over incident energy at equal steps of probability, shape ``(5, k, 3, q + 1)``.
    table_energy
        Emission energies of the spectra over incident energy, shape ``(5, k, 3, 41)``.
    cosine_quantile
        Cosine in the laboratory at equal steps of probability, shape ``(5, k, 3, 41, a + 1)``.
    elastic_angle_quantile
        Angle in the centre of mass, shape ``(5, m, a + 1)`` [rad].
    mass_mev
        Of the nuclei, shape ``(5,)`` [MeV].
    """

    n_inelastic: NDArray[np.int64]
    n_elastic: NDArray[np.int64]
    inelastic_mev: NDArray[np.float64]
    elastic_mev: NDArray[np.float64]
    multiplicity: NDArray[np.float64]
    recoil: NDArray[np.float64]
    energy_quantile: NDArray[np.float64]
    table_energy: NDArray[np.float64]
    cosine_quantile: NDArray[np.float64]
    elastic_angle_quantile: NDArray[np.float64]
    mass_mev: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            dtype = np.int64 if name.startswith("n_") else np.float64
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))


def _quantiles(edges: NDArray[np.float64], weight: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return ``n + 1`` points at equal steps of probability, of a density constant between edges."""
    cdf = np.concatenate(([0.0], np.cumsum(weight)))
    if cdf[-1] <= 0:
        return np.linspace(edges[0], edges[-1], n + 1)
    cdf /= cdf[-1]
    # Flat pieces carry no probability: of equal values, the last edge counts.
    keep = np.append(np.diff(cdf) > 0, True)
    keep[int(np.argmax(cdf >= 1.0))] = True
    return np.interp(np.linspace(0.0, 1.0, n + 1), cdf[keep], edges[keep])


def _energies(tables: NucleusTables, i: int, particle: int) -> NDArray[np.float64]:
    """Return quantiles of the emission energy over the incident energy.

    Spectra fall short of the tables' own multiplicities: what is lacking are evaporated particles, whose
    peak lies between 0 and the first energy, as in :mod:`tumorboard.physics.nuclear`.
    """
    energy, value = tables.out_energy_mev[i, particle], tables.out_b_mev[i, particle]
    fine = np.concatenate(
        [np.linspace(a, b, 8, endpoint=False) for a, b in zip(energy, energy[1:], strict=False)]
    )
    edges = np.append(fine, energy[-1])
    at = np.interp(0.5 * (edges[1:] + edges[:-1]), energy, value)
    weight = at * np.diff(edges) / tables.inelastic_b[i]
    lacking = tables.multiplicity[i, particle] - weight.sum()
    if lacking > 0:
        weight[:8] += lacking / 8.0
    return _quantiles(edges, weight, _ENERGY_QUANTILES) / tables.inelastic_energy_mev[i]


def _cosines(tables: NucleusTables, i: int, particle: int) -> NDArray[np.float64]:
    """Return quantiles of the cosine at each of the 41 emission energies."""
    angle = np.arange(0.5, 180.0, 1.0)
    edges = np.cos(np.deg2rad(np.arange(181.0)))
    out = []
    values = tables.out_b_mev_sr[i, particle]
    total = values.sum(axis=0)
    for row in values:
        # Where the spectrum is empty, directions are those of all energies.
        used = row if row.sum() > 0 else total
        weight = np.interp(angle, tables.angle_deg, used) * -np.diff(edges)
        out.append(_quantiles(edges[::-1], weight[::-1], _ANGLE_QUANTILES))
    return np.stack(out)


@lru_cache(maxsize=1)
def nuclear_tables() -> NuclearTables:
    """Return the quantiles of ICRU 63's reactions [1]_.

    Returns
    -------
    NuclearTables

    References
    ----------
    .. [1] icru2000report63

    Examples
    --------
    >>> nuclear_tables().multiplicity.shape
    (5, 47, 3)
    """
    every = [nucleus_tables(z) for z in TABULATED_NUCLEI]
    k = max(t.inelastic_energy_mev.size for t in every)
    m = max(t.elastic_energy_mev.size for t in every)
    inelastic, recoil = np.zeros((5, k)), np.zeros((5, k))
    elastic = np.zeros((5, m))
    multiplicity = np.zeros((5, k, 3))
    energies = np.zeros((5, k, 3, _ENERGY_QUANTILES + 1))
    nodes = np.zeros((5, k, 3, 41))
    cosines = np.zeros((5, k, 3, 41, _ANGLE_QUANTILES + 1))
    angles = np.zeros((5, m, _ANGLE_QUANTILES * 4 + 1))
    for n, t in enumerate(every):
        size = t.inelastic_energy_mev.size
        inelastic[n, :size], recoil[n, :size] = t.inelastic_energy_mev, t.recoil_energy_fraction
        multiplicity[n, :size] = t.multiplicity
        for i in range(size):
            for particle in range(3):
                energies[n, i, particle] = _energies(t, i, particle)
                nodes[n, i, particle] = t.out_energy_mev[i, particle] / t.inelastic_energy_mev[i]
                cosines[n, i, particle] = _cosines(t, i, particle)
        angle, each, _ = elastic_by_angle(t)
        half = 0.5 * (angle[1] - angle[0])
        edges = np.append(angle - half, angle[-1] + half)
        elastic[n, : t.elastic_energy_mev.size] = t.elastic_energy_mev
        for i, row in enumerate(each):
            angles[n, i] = _quantiles(edges, row, _ANGLE_QUANTILES * 4)
    return NuclearTables(
        n_inelastic=np.array([t.inelastic_energy_mev.size for t in every]),
        n_elastic=np.array([t.elastic_energy_mev.size for t in every]),
        inelastic_mev=inelastic,
        elastic_mev=elastic,
        multiplicity=multiplicity,
        recoil=recoil,
        energy_quantile=energies,
        table_energy=nodes,
        cosine_quantile=cosines,
        elastic_angle_quantile=angles,
        mass_mev=np.array([element(z).atomic_weight_g_mol * _ATOMIC_MASS_MEV for z in TABULATED_NUCLEI]),
    )
