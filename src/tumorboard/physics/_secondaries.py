"""What nuclear reactions send where: production of secondaries by energy group, direction and range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.material import Material
from tumorboard.physics.elements import element
from tumorboard.physics.nuclear import (
    NucleusTables,
    elastic_by_angle,
    hydrogen_elastic_cm2_g,
    inelastic_cm2_g,
    nuclei,
)
from tumorboard.physics.proton_kinematics import PROTON_MASS_MEV
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev

#: Directions are lumped between these angles to the beam [deg]; beyond the last they count as local.
_EDGES_DEG: Final = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 75.0, 90.0])
_ATOMIC_MASS_MEV: Final = 931.49410242

#: Energies of the groups of reacting primaries and of reacting secondaries [MeV].
GROUPS_MEV: Final = np.geomspace(3.0, 330.0, 181)
COARSE_GROUPS_MEV: Final = GROUPS_MEV[::3]


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """What the reactions of each energy group make.

    ``number[g, c, i]`` per reaction of group ``g`` in channel ``c`` at node ``i``, up to ``reach[g, c]``;
    ``local[g]`` and ``lost[g]`` [MeV] are what of the energy stays where it happened and what goes away.
    """

    number: NDArray[np.float64]
    reach: NDArray[np.int64]
    local: NDArray[np.float64]
    lost: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """Secondary protons, then deuterons, each in the directions of ``_EDGES_DEG``.

    ``energy`` [MeV] is that of each node of residual range; ``step`` [g/cm2] is the distance of the nodes,
    so long that one node is one step of depth. ``elastic_weight[g, b]`` and ``elastic_recoil_mev[g, b]`` say
    where protons go that scatter off nuclei, the last direction being backward.
    """

    cosine: NDArray[np.float64]
    is_proton: NDArray[np.bool_]
    step: NDArray[np.float64]
    last: NDArray[np.int64]
    energy: NDArray[np.float64]
    of_primaries: Products
    of_secondaries: Products
    elastic_weight: NDArray[np.float64]
    elastic_recoil_mev: NDArray[np.float64]


class _Ledger:
    """Sums what each group's reactions make."""

    def __init__(
        self, incident: NDArray[np.float64], energy: NDArray[np.float64], last: NDArray[np.int64]
    ) -> None:
        self.incident, self.energy, self.last = incident, energy, last
        self.products = np.zeros((incident.size, *energy.shape))
        self.local = np.zeros(incident.size)

    def add(
        self, groups: NDArray[np.int64], kind: int, energy: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> None:
        """Add ``weight[:, :, b]`` particles of ``energy`` in direction b; shapes (groups, n, 9)."""
        n_directions = _EDGES_DEG.size - 1
        for b in range(n_directions):
            c = kind * n_directions + b
            nodes = self.energy[c, : self.last[c] + 1]
            i = np.clip(np.searchsorted(nodes, energy, side="right") - 1, 0, nodes.size - 2)
            part = np.clip((energy - nodes[i]) / (nodes[i + 1] - nodes[i]), 0.0, 1.0)
            # Shares in two neighbouring nodes, such that number and energy stay what they are.
            flat = (groups[:, None] * nodes.size + i).ravel()
            size = self.incident.size * nodes.size
            number = np.bincount(flat, (weight[:, :, b] * (1.0 - part)).ravel(), size)
            number += np.bincount(flat + 1, (weight[:, :, b] * part).ravel(), size)
            self.products[:, c, : nodes.size] += number.reshape(-1, nodes.size)
        self.local[groups] += (weight[:, :, n_directions] * energy).sum(axis=1)


def _directions(angle_rad: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the direction of each angle; the number of directions for backward ones."""
    found = np.searchsorted(np.deg2rad(_EDGES_DEG), angle_rad, side="right") - 1
    return np.clip(found, 0, _EDGES_DEG.size - 1).astype(np.int64)


def _spread(angle_rad: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``weight`` in a further axis of 9 directions, the last of which is backward."""
    out = np.zeros((*weight.shape, _EDGES_DEG.size))
    np.put_along_axis(out, _directions(angle_rad)[..., None], weight[..., None], axis=-1)
    return out


def _emission(tables: NucleusTables, particle: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return emission energies over incident energy, (n, q), and numbers by direction, (n, q, 9).

    Between the 41 energies of the table there are three more.
    """
    fine_deg = np.arange(0.5, 180.0, 1.0)
    solid = 2.0 * np.pi * np.sin(np.deg2rad(fine_deg)) * np.deg2rad(1.0)
    bins = _spread(np.deg2rad(fine_deg), solid)
    # Linear between the tabulated angles: a matrix from these to the directions.
    hats = np.stack([np.interp(fine_deg, tables.angle_deg, row) for row in np.eye(tables.angle_deg.size)])
    by_direction = tables.out_b_mev_sr[:, particle] @ (hats @ bins)
    edges = np.linspace(0.0, 1.0, 5)
    middle = 0.5 * (edges[1:] + edges[:-1])
    low, high = tables.out_energy_mev[:, particle, :-1], tables.out_energy_mev[:, particle, 1:]
    energy = low[..., None] + (high - low)[..., None] * middle
    value = by_direction[:, :-1, None] * (1.0 - middle)[:, None] + by_direction[:, 1:, None] * middle[:, None]
    number = value * (((high - low) * 0.25) / tables.inelastic_b[:, None])[..., None, None]
    # What the table lacks of its own multiplicity is evaporated particles: their peak lies in the first
    # interval, between 0 and its first energy, and the lack grows with that. What it has too much, is scaled.
    total = number.sum(axis=(1, 2, 3))
    multiplicity = tables.multiplicity[:, particle]
    number *= np.minimum(multiplicity / np.where(total > 0, total, 1.0), 1.0)[:, None, None, None]
    slow = by_direction[:, 1] / np.maximum(by_direction[:, 1].sum(axis=1, keepdims=True), 1e-30)
    number[:, 0] += 0.25 * (np.maximum(multiplicity - total, 0.0)[:, None] * slow)[:, None, :]
    n = energy.shape[0]
    energy = energy.reshape(n, -1) / tables.inelastic_energy_mev[:, None]
    return energy, number.reshape(n, -1, _EDGES_DEG.size)


def _between(
    grid: NDArray[np.float64], energy: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the lower neighbour in the grid and the part of the upper; the ends hold beyond it."""
    i = np.clip(np.searchsorted(grid, energy, side="right") - 1, 0, grid.size - 2)
    return i, np.clip((energy - grid[i]) / (grid[i + 1] - grid[i]), 0.0, 1.0)


def _add_inelastic(ledger: _Ledger, tables: NucleusTables, share: NDArray[np.float64]) -> None:
    """Add the inelastic reactions of a nucleus, which are ``share`` of all reactions of each group."""
    groups = np.flatnonzero(share > 0)
    incident = ledger.incident[groups]
    lower, part = _between(tables.inelastic_energy_mev, incident)
    for index, fraction in ((lower, 1.0 - part), (lower + 1, part)):
        mine = share[groups] * fraction
        ledger.local[groups] += mine * incident * tables.recoil_energy_fraction[index]
        for particle in range(3):
            scaled, number = _emission(tables, particle)
            energy = scaled[index] * incident[:, None]
            weight = number[index] * mine[:, None, None]
            if particle < 2:
                ledger.add(groups, particle, energy, weight)
            else:
                ledger.local[groups] += (weight.sum(axis=2) * energy).sum(axis=1)


def _elastic(tables: NucleusTables) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each direction, and times it the energy of the recoil [MeV], by group."""
    incident = GROUPS_MEV
    mass = element(tables.atomic_number).atomic_weight_g_mol * _ATOMIC_MASS_MEV
    angle, each, _ = elastic_by_angle(tables)
    lower, part = _between(tables.elastic_energy_mev, incident)
    density = each[lower] * (1.0 - part)[:, None] + each[lower + 1] * part[:, None]
    density /= density.sum(axis=1, keepdims=True)
    total = incident + PROTON_MASS_MEV + mass
    beta2 = (incident * (incident + 2.0 * PROTON_MASS_MEV) / total**2)[:, None]
    gamma2 = 1.0 / (1.0 - beta2)
    recoil = np.minimum(gamma2 * beta2 * mass * (1.0 - np.cos(angle)), incident[:, None])
    ratio = np.sqrt((PROTON_MASS_MEV / mass) ** 2 * (1.0 - beta2) + beta2)
    laboratory = np.arctan2(np.sin(angle) / np.sqrt(gamma2), np.cos(angle) + ratio)
    weight = _spread(laboratory, density)
    return weight.sum(axis=1), (weight * recoil[..., None]).sum(axis=1)


def _add_hydrogen(ledger: _Ledger, share: NDArray[np.float64]) -> None:
    """Add proton-proton scattering, isotropic in the centre of mass: two protons."""
    groups = np.flatnonzero(share > 0)
    incident = ledger.incident[groups][:, None]
    cosine = np.linspace(-1.0, 1.0, 201)
    cosine = 0.5 * (cosine[1:] + cosine[:-1])
    energy = incident * (1.0 + cosine) / 2.0
    slower = np.sqrt(2.0 * PROTON_MASS_MEV / (incident + 2.0 * PROTON_MASS_MEV))
    laboratory = np.arctan2(np.sqrt(1.0 - cosine**2) * slower, 1.0 + cosine)
    weight = np.broadcast_to(2.0 * share[groups, None] / cosine.size, energy.shape)
    ledger.add(groups, 0, energy, _spread(laboratory, weight))


@lru_cache(maxsize=16)
def channels(material: Material, depth_step_g_cm2: float) -> Channels:
    """Return all tables of the secondaries in a material, for steps of depth [g/cm2]."""
    edges = np.cos(np.deg2rad(_EDGES_DEG))
    cosine = np.tile(0.5 * (edges[1:] + edges[:-1]), 2)
    is_proton = np.arange(cosine.size) < cosine.size // 2
    step = depth_step_g_cm2 / cosine
    reach = float(csda_range_g_cm2(material, GROUPS_MEV[-1]))
    # A deuteron goes twice as far as a proton of half its energy, and no farther than a proton of the whole.
    last = np.ceil(reach / step).astype(np.int64) + 1
    energy = np.zeros((cosine.size, int(last.max()) + 1))
    for c, n in enumerate(last):
        nodes = np.arange(n + 1) * step[c]
        mass = 1.0 if is_proton[c] else 2.0
        energy[c, : n + 1] = mass * energy_from_range_mev(material, nodes / mass)
    weight, recoil = np.zeros((2, GROUPS_MEV.size, _EDGES_DEG.size))
    for tables, factor in nuclei(material):
        _, _, beyond = elastic_by_angle(tables)
        share = factor * np.interp(GROUPS_MEV, tables.elastic_energy_mev, beyond, left=0.0)
        directions, energies = _elastic(tables)
        weight += share[:, None] * directions
        recoil += share[:, None] * energies
    total = weight.sum(axis=1, keepdims=True)
    return Channels(
        cosine=cosine,
        is_proton=is_proton,
        step=step,
        last=last,
        energy=energy,
        of_primaries=_products(material, GROUPS_MEV, energy, last),
        of_secondaries=_products(material, COARSE_GROUPS_MEV, energy, last),
        # Groups below the tables share what scatters just above them: next to none, in any direction.
        elastic_weight=np.where(total > 0, weight / np.where(total > 0, total, 1.0), 1.0 / _EDGES_DEG.size),
        elastic_recoil_mev=recoil / np.where(weight > 0, weight, 1.0),
    )


def _products(
    material: Material, incident: NDArray[np.float64], energy: NDArray[np.float64], last: NDArray[np.int64]
) -> Products:
    """Return what inelastic reactions and scattering off hydrogen make."""
    ledger = _Ledger(incident, energy, last)
    hydrogen = hydrogen_elastic_cm2_g(material, incident)
    total = hydrogen + inelastic_cm2_g(material, incident)
    total = np.where(total > 0, total, math.inf)
    for tables, factor in nuclei(material):
        share = factor * np.interp(incident, tables.inelastic_energy_mev, tables.inelastic_b, left=0.0)
        _add_inelastic(ledger, tables, share / total)
    _add_hydrogen(ledger, hydrogen / total)
    filled = ledger.products > 0
    reach = np.where(filled.any(axis=2), filled.shape[2] - 1 - filled[..., ::-1].argmax(axis=2), 0)
    # Below the tables nothing reacts; groups there take part of the reactions just above, whose energy stays.
    local = np.where(np.isfinite(total), ledger.local, incident)
    lost = incident - local - (ledger.products * energy).sum(axis=(1, 2))
    return Products(ledger.products, reach.astype(np.int64), local, lost)
