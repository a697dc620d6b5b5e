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

_ENERGY_QUANTILES: Final = 512
_ANGLE_QUANTILES: Final = 32
#: So many that the last part, spread over all large angles, is one in a thousand.
_ELASTIC_QUANTILES: Final = 1024
#: Parts of each interval of a spectrum, which is linear between its energies.
_BETWEEN: Final = 8
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
    """Return ``n + 1`` points at equal steps of probability, of densities constant between edges.

    ``edges`` has shape (m + 1,) or (rows, m + 1), ``weight`` (rows, m); rows without weight become even.
    """
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
    cdf = np.concatenate((np.zeros((len(weight), 1)), np.cumsum(weight, axis=1)), axis=1)
    # A slight rise where there is no weight keeps the inverse defined.
    cdf = cdf / cdf[:, -1:] + 1e-12 * np.arange(cdf.shape[1])
    edges = np.broadcast_to(edges, cdf.shape)
    at = np.linspace(0.0, 1.0, n + 1)
    return np.stack([np.interp(at * c[-1], c, e) for c, e in zip(cdf, edges, strict=True)])


def _energies(tables: NucleusTables) -> NDArray[np.float64]:
    """Return quantiles of the emission energies over the incident energies, shape (k, 3, q + 1).

    Spectra fall short of the tables' own multiplicities: what is lacking are evaporated particles, whose
    peak lies between 0 and the first energy, as in :mod:`tumorboard.physics.nuclear`.
    """
    low, high = tables.out_energy_mev[..., :-1], tables.out_energy_mev[..., 1:]
    part = (np.arange(_BETWEEN) + 0.5) / _BETWEEN
    value = tables.out_b_mev[..., :-1, None] * (1.0 - part) + tables.out_b_mev[..., 1:, None] * part
    weight = value * ((high - low) / _BETWEEN)[..., None] / tables.inelastic_b[:, None, None, None]
    lacking = tables.multiplicity - weight.sum(axis=(2, 3))
    weight[:, :, 0] += np.maximum(lacking, 0.0)[..., None] / _BETWEEN
    edges = low[..., None] + (high - low)[..., None] * (np.arange(_BETWEEN) / _BETWEEN)
    rows = weight.reshape(-1, weight.shape[2] * _BETWEEN)
    all_edges = np.concatenate((edges.reshape(rows.shape), high[..., -1].reshape(-1, 1)), axis=1)
    found = _quantiles(all_edges, rows, _ENERGY_QUANTILES).reshape(*weight.shape[:2], -1)
    return np.asarray(found / tables.inelastic_energy_mev[:, None, None])


def _cosines(tables: NucleusTables) -> NDArray[np.float64]:
    """Return quantiles of the cosine at each of the 41 emission energies, shape (k, 3, 41, a + 1)."""
    angle = np.arange(1.0, 180.0, 2.0)
    edges = np.cos(np.deg2rad(np.arange(0.0, 181.0, 2.0)))[::-1]
    values = tables.out_b_mev_sr
    # Where the spectrum is empty, directions are those of all energies.
    values = np.where(values.sum(axis=3, keepdims=True) > 0, values, values.sum(axis=2, keepdims=True))
    hats = np.stack([np.interp(angle, tables.angle_deg, row) for row in np.eye(tables.angle_deg.size)])
    weight = (values @ hats)[..., ::-1] * np.diff(edges)
    found = _quantiles(edges, weight.reshape(-1, angle.size), _ANGLE_QUANTILES)
    return found.reshape(*values.shape[:3], -1)


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
    angles = np.zeros((5, m, _ELASTIC_QUANTILES + 1))
    for n, t in enumerate(every):
        size = t.inelastic_energy_mev.size
        inelastic[n, :size], recoil[n, :size] = t.inelastic_energy_mev, t.recoil_energy_fraction
        multiplicity[n, :size] = t.multiplicity
        energies[n, :size], cosines[n, :size] = _energies(t), _cosines(t)
        nodes[n, :size] = t.out_energy_mev / t.inelastic_energy_mev[:, None, None]
        angle, each, _ = elastic_by_angle(t)
        half = 0.5 * (angle[1] - angle[0])
        edges = np.append(angle - half, angle[-1] + half)
        elastic[n, : t.elastic_energy_mev.size] = t.elastic_energy_mev
        angles[n, : len(each)] = _quantiles(edges, each, _ELASTIC_QUANTILES)
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
