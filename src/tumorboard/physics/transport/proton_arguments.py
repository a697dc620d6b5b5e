"""The proton kernel's arguments, made from nouns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.physics.emission_yields import emission_yields
from tumorboard.physics.transport._kernels.proton_data import Matter, Nuclei, Voxels, Yields
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.nuclear_tables import nuclear_tables
from tumorboard.physics.transport.proton_source import ProtonBeamlets
from tumorboard.physics.transport.proton_tables import (
    HIGHEST_PROTON_MEV,
    TABULATED_NUCLEI,
    ProtonTables,
    proton_tables,
)
from tumorboard.physics.transport.straggling_tables import straggling_table

__all__ = ["ProtonSteps", "arguments_of", "emission_tables"]

#: Energies of the emission yields are this far apart [MeV].
_YIELD_STEP_MEV: Final = 0.5
#: Standard deviations that a source's energy may be above its mean.
_SPREAD: Final = 6.0


@dataclass(frozen=True, slots=True)
class ProtonSteps:
    """How far a proton goes at once.

    Parameters
    ----------
    longest_g_cm2, shortest_g_cm2
        Of water, at most and at least [g/cm2].
    share_of_range
        A step takes this share of what is left of the range, between those limits.
    cut_mev
        Kinetic energy per nucleon at which particles are given up and leave what they have [MeV].

    Raises
    ------
    InputError
        When a number is out of range.
    """

    longest_g_cm2: float = 0.8
    shortest_g_cm2: float = 0.02
    share_of_range: float = 0.25
    cut_mev: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.shortest_g_cm2 <= self.longest_g_cm2 <= 5:
            raise InputError(
                "shortest_g_cm2 must be > 0, longest_g_cm2 at least that and at most 5 [g/cm2]; got "
                f"{self.shortest_g_cm2!r} and {self.longest_g_cm2!r}"
            )
        if not 0 < self.share_of_range <= 0.5:
            raise InputError(f"share_of_range must be > 0 and at most 0.5; got {self.share_of_range!r}")
        if not 0.05 <= self.cut_mev <= 5:
            raise InputError(f"cut_mev must be 0.05 to 5 [MeV per nucleon]; got {self.cut_mev!r}")


def emission_tables(gamma_edges_mev: tuple[float, ...], positron_emitters: bool) -> Yields:
    """Return yields per reaction of each nucleus: prompt gammas by energy, then positron emitters.

    Parameters
    ----------
    gamma_edges_mev
        Edges of the gammas' energies, empty for none [MeV].
    positron_emitters
        Whether to have those.
    """
    energies = np.arange(0.0, HIGHEST_PROTON_MEV + 2.0 * _YIELD_STEP_MEV, _YIELD_STEP_MEV)
    # Without gammas, edges are still needed to ask for the nuclei; their bin is left out again.
    edges = gamma_edges_mev if gamma_edges_mev else (3.0, 6.0)
    n_gammas = len(gamma_edges_mev) - 1 if gamma_edges_mev else 0
    rows = []
    for z in TABULATED_NUCLEI:
        every = emission_yields(z, energies, edges)
        nuclei = every[:, len(edges) - 1 :] if positron_emitters else every[:, :0]
        rows.append(np.concatenate([every[:, :n_gammas], nuclei], axis=1))
    return Yields(np.ascontiguousarray(np.stack(rows)), 1.0 / _YIELD_STEP_MEV)


def _require_energies(source: ProtonBeamlets) -> None:
    highest = float((source.energy_mev + _SPREAD * source.energy_sigma_mev).max())
    if highest > HIGHEST_PROTON_MEV:
        raise InputError(
            f"energy_mev of beamlets must stay within {HIGHEST_PROTON_MEV:g} MeV, {_SPREAD:g} standard "
            f"deviations above the mean included [MeV]; got {highest:.6g}; nuclear tables end there"
        )


def _rows(medium: TransportMedium, source: ProtonBeamlets) -> NDArray[np.float64]:
    """Return the beamlets' rows on the grid's own axes."""
    position, direction = medium.to_grid_axes(source.position_mm, source.direction)
    _, x = medium.to_grid_axes(source.position_mm, source.lateral_x)
    _, y = medium.to_grid_axes(source.position_mm, source.lateral_y)
    spread = (source.sigma_mm, source.divergence_rad, source.correlation)
    energy = np.stack([source.energy_mev, source.energy_sigma_mev], axis=1)
    return np.ascontiguousarray(np.concatenate([position, direction, x, y, *spread, energy], axis=1))


def _slabs(
    medium: TransportMedium, source: ProtonBeamlets
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.uint16]]:
    """Return the slabs' rows, densities and materials; the latter come after the medium's."""
    rows = np.zeros((len(source.slabs), 13))
    for n, slab in enumerate(source.slabs):
        point, axis = medium.to_grid_axes(slab.entrance_mm[None], slab.axis[None])
        x = np.cross(np.eye(3)[int(np.argmin(np.abs(axis[0])))], axis[0])
        x /= np.linalg.norm(x)
        rows[n] = [*point[0], *x, *np.cross(axis[0], x), *axis[0], slab.thickness_mm]
    density = np.array([slab.material.density_g_cm3 for slab in source.slabs], np.float32)
    material = np.arange(len(source.slabs), dtype=np.uint16) + np.uint16(len(medium.materials))
    # Read-only as the medium's are: numba compiles for one kind of array.
    return rows, read_only(density), read_only(material)


def _planned(tables: ProtonTables, steps: ProtonSteps) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the kernel's tables of steps, by the bin in which they begin."""
    n = tables.rates.shape[1]
    left = tables.range_g_cm2 * ((np.arange(n) + 0.5) / n) ** 2
    step = np.clip(steps.share_of_range * left, steps.shortest_g_cm2, steps.longest_g_cm2)
    step = np.minimum(step, left)
    # A step has the rates of its middle throughout.
    middle = (np.sqrt((left - 0.5 * step) / tables.range_g_cm2) * n).astype(np.int64)
    rates, straggling = tables.rates[:, middle], tables.straggling[:, middle]
    thickness = step / rates[:, :, 2]
    rows = straggling_table().skewness
    skewness = straggling[:, :, 1] / np.sqrt(thickness)
    # The first row is Gauss; the others' skewness grows by equal factors.
    row = 1.0 + np.log(skewness / rows[1]) / math.log(rows[2] / rows[1])
    planned = np.empty((*thickness.shape, 3))
    planned[:, :, 0] = rates[:, :, 0] * thickness
    planned[:, :, 1] = np.sqrt(straggling[:, :, 0] / thickness)
    planned[:, :, 2] = np.clip(np.floor(row + 0.5), 0, rows.size - 1)
    return middle, planned


def arguments_of(
    medium: TransportMedium, source: ProtonBeamlets, steps: ProtonSteps
) -> tuple[tuple[Any, ...], tuple[Voxels, Matter, Nuclei, float]]:
    """Return what the kernel takes of the source, and of the medium with its tables.

    Parameters
    ----------
    medium, source, steps
        As in :func:`~tumorboard.physics.transport.proton.transport_protons`.

    Returns
    -------
    tuple, tuple
        Rows of the beamlets on the grid's axes, cumulative weights, the slab of each, rows of the slabs; and
        voxels, tables of matter, of nuclei, and the cut [MeV per nucleon].

    Raises
    ------
    InputError
        When an energy is beyond the tables.
    """
    _require_energies(source)
    tables = proton_tables((*medium.materials, *(slab.material for slab in source.slabs)))
    nuclear = nuclear_tables()
    middle, planned = _planned(tables, steps)
    matter = Matter(
        tables.range_g_cm2,
        tables.energy_mev,
        tables.let_energy_mev_kev_um,
        tables.rates,
        tables.speed,
        tables.channels,
        middle,
        planned,
        straggling_table().quantile,
    )
    nuclei = Nuclei(
        nuclear.n_inelastic,
        nuclear.inelastic_mev,
        nuclear.multiplicity,
        nuclear.recoil,
        nuclear.energy_quantile,
        nuclear.table_energy,
        nuclear.cosine_quantile,
        nuclear.n_elastic,
        nuclear.elastic_mev,
        nuclear.elastic_angle_quantile,
        nuclear.mass_mev,
    )
    cumulative = np.cumsum(source.weight) / source.weight.sum()
    cumulative[-1] = 1.0
    of_source = (_rows(medium, source), cumulative, source.slab_index, _slabs(medium, source))
    nz, ny, nx = medium.grid.shape
    hx, hy, hz = medium.spacing_xyz_mm.tolist()
    voxels = Voxels(
        nx,
        ny,
        nz,
        hx,
        hy,
        hz,
        medium.density_g_cm3.reshape(-1),
        medium.material_index.reshape(-1),
    )
    return of_source, (voxels, matter, nuclei, float(steps.cut_mev))
