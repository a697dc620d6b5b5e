"""Dose and LET of a broad proton beam over depth in a homogeneous material, by deterministic transport."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tumorboard.core._arrays import read_only
from tumorboard.core.beam import EnergySpectrum
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._kernels.slowing_down import march
from tumorboard.physics._secondaries import COARSE_GROUPS_MEV, GROUPS_MEV, Channels, channels
from tumorboard.physics.nuclear import hydrogen_elastic_cm2_g, inelastic_cm2_g, nuclear_elastic_cm2_g
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev
from tumorboard.physics.scattering import scattering_power_rad2_mm
from tumorboard.physics.stopping_power import (
    HIGHEST_ENERGY_MEV,
    LOWEST_ENERGY_MEV,
    electronic_mass_stopping_power_mev_cm2_g,
    mass_stopping_power_mev_cm2_g,
)
from tumorboard.physics.straggling import energy_straggling_mev2_cm2_g, range_straggling_sigma_mm
from tumorboard.provenance import Record

__all__ = ["DepthDose", "depth_dose"]

#: Step of the primaries' residual range [g/cm2]; secondaries move ten of it at once.
_STEP_G_CM2: Final = 0.01
_STEPS_AT_ONCE: Final = 10

#: Nuclear tables end at 250 MeV and are held beyond.
_LARGEST_MEV: Final = 300.0

#: Where spectra are cut, in standard deviations.
_CUT: Final = 5.0

REFERENCES: Final = ("icru1993report49", "icru2000report63", "fippel2004monte", "tschalar1968straggling")


@dataclass(frozen=True, slots=True, eq=False)
class DepthDose:
    """What one proton of a broad beam does at each depth; edges are ``depth_mm``, all else between them.

    Parameters
    ----------
    depth_mm
        Edges, from 0, shape ``(n + 1,)`` [mm].
    primary_mev_mm
        Energy that primary protons leave per depth, shape ``(n,)`` [MeV/mm].
    local_mev_mm
        What alphas, recoils and backward particles of nuclear reactions leave, shape ``(n,)`` [MeV/mm].
    secondary_mev_mm
        What secondary protons and deuterons leave, shape ``(n,)`` [MeV/mm]; protons that scattered off a
        nucleus are among them.
    secondary_spread_mm2
        Mean square distance from their first proton's path, in one plane, of that, shape ``(n,)`` [mm2].
    primary_fluence
        Primaries that arrive, per proton of the beam, shape ``(n,)``.
    let_kev_um
        Dose-averaged unrestricted electronic LET in the material of all protons, primary and secondary, down
        to rest, shape ``(n,)`` [keV/um].
    primary_let_kev_um
        That of the primaries alone, shape ``(n,)`` [keV/um].
    track_let_kev_um
        Averaged over track length, all protons, shape ``(n,)`` [keV/um].
    initial_mev
        Mean energy of a proton of the beam [MeV].
    lost_mev
        What neutrons, gammas and the breaking of nuclei take of it [MeV].
    provenance
        How it was made.
    """

    depth_mm: NDArray[np.float64]
    primary_mev_mm: NDArray[np.float64]
    local_mev_mm: NDArray[np.float64]
    secondary_mev_mm: NDArray[np.float64]
    secondary_spread_mm2: NDArray[np.float64]
    primary_fluence: NDArray[np.float64]
    let_kev_um: NDArray[np.float64]
    primary_let_kev_um: NDArray[np.float64]
    track_let_kev_um: NDArray[np.float64]
    initial_mev: float
    lost_mev: float
    provenance: Record

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if isinstance(getattr(self, name), np.ndarray):
                object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def total_mev_mm(self) -> NDArray[np.float64]:
        """Energy per depth of all together, shape ``(n,)`` [MeV/mm]."""
        return self.primary_mev_mm + self.local_mev_mm + self.secondary_mev_mm


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """Tables over residual range, equally spaced from 0."""

    energy: NDArray[np.float64]
    survive: NDArray[np.float64]
    group: NDArray[np.int64]
    part: NDArray[np.float64]
    elastic: NDArray[np.float64]
    up: NDArray[np.float64]
    down: NDArray[np.float64]
    drop: NDArray[np.float64]
    let_drop: NDArray[np.float64]
    plain_drop: NDArray[np.float64]


@lru_cache(maxsize=16)
def _let_integral(material: Material) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies and the integral of the electronic stopping power up to each [MeV2 cm2/g]."""
    energy = np.geomspace(LOWEST_ENERGY_MEV, HIGHEST_ENERGY_MEV, 4000)
    stopping = electronic_mass_stopping_power_mev_cm2_g(material, energy)
    steps = 0.5 * (stopping[1:] + stopping[:-1]) * np.diff(energy)
    # Below the table stopping goes as the speed.
    first = 2.0 / 3.0 * stopping[0] * energy[0]
    return np.append(0.0, energy), np.concatenate(([0.0, first], first + np.cumsum(steps)))


def _groups(
    energy: NDArray[np.float64], grid: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    index = np.clip(np.searchsorted(grid, energy, side="right") - 1, 0, grid.size - 2)
    return index, np.clip((energy - grid[index]) / np.diff(grid)[index], 0.0, 1.0)


def _reactions(material: Material, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross section but for elastic scattering off nuclei; none below the groups."""
    total = inelastic_cm2_g(material, energy) + hydrogen_elastic_cm2_g(material, energy)
    return np.where(energy >= GROUPS_MEV[0], total, 0.0)


@lru_cache(maxsize=64)
def _step_g_cm2(material: Material) -> float:
    """Return the step: larger in metals, where straggling in a step would else be more than the step."""
    spread = energy_straggling_mev2_cm2_g(material, _LARGEST_MEV)
    stopping = mass_stopping_power_mev_cm2_g(material, _LARGEST_MEV)
    return max(_STEP_G_CM2, float(spread / stopping**2) / 0.98)


def _reach_g_cm2(material: Material, energy_mev: float) -> float:
    """Return the path that next to no proton exceeds."""
    spread = 0.1 * material.density_g_cm3 * float(range_straggling_sigma_mm(material, energy_mev))
    return float(csda_range_g_cm2(material, energy_mev)) + _CUT * spread


@lru_cache(maxsize=16)
def _primary_nodes(material: Material, straggling: bool, nuclear: bool) -> _Nodes:
    """Return the tables up to the highest energy; lower ones use their beginning."""
    h = _step_g_cm2(material)
    n = int(_reach_g_cm2(material, _LARGEST_MEV) / h) + 3 * _STEPS_AT_ONCE + 2
    energy = energy_from_range_mev(material, np.arange(n + 1) * h)
    inside = np.maximum(energy, LOWEST_ENERGY_MEV)
    stopping = mass_stopping_power_mev_cm2_g(material, inside)
    up, down = np.zeros(n + 1), np.zeros(n + 1)
    if straggling:
        spread = energy_straggling_mev2_cm2_g(material, inside) / stopping**2 / h
        # The mean of the range is not the range of the mean energy: half the curvature times the variance.
        drift = 0.5 * spread * h * stopping * np.gradient(1.0 / stopping, h)
        drift = np.clip(drift, -spread, spread)
        up, down = 0.5 * (spread + drift), 0.5 * (spread - drift)
        up[0] = down[0] = 0.0
    below, two_below = np.append(0.0, energy[:-1]), np.concatenate(([0.0, 0.0], energy[:-2]))
    drop = energy - up * energy - (1.0 - up - down) * below - down * two_below
    grid, integral = _let_integral(material)
    let = np.diff(np.interp(energy, grid, integral), prepend=0.0)
    scattering = np.where(energy >= GROUPS_MEV[0], nuclear_elastic_cm2_g(material, energy), 0.0)
    total = _reactions(material, energy) + scattering
    survive = np.exp(-total * h) if nuclear else np.ones(n + 1)
    elastic = scattering / np.where(total > 0, total, 1.0)
    group, part = _groups(energy, GROUPS_MEV)
    plain = np.diff(energy, prepend=0.0)
    return _Nodes(energy, survive, group, part, elastic, up, down, drop, let, plain)


@lru_cache(maxsize=16)
def _secondary_nodes(material: Material) -> tuple[Channels, _Nodes]:
    made = channels(material, _step_g_cm2(material) * _STEPS_AT_ONCE)
    energy = made.energy
    grid, integral = _let_integral(material)
    total = np.interp(energy, grid, integral)
    # Deuterons react as protons of half their energy would; what they do then is too rare to follow.
    survive = np.exp(-_reactions(material, energy) * made.step[:, None])
    survive[~made.is_proton] = 1.0
    group, part = _groups(energy, COARSE_GROUPS_MEV)
    none = np.zeros_like(energy)
    drop = np.diff(energy, axis=1, prepend=0.0)
    let_drop = np.diff(total, axis=1, prepend=0.0)
    return made, _Nodes(energy, survive, group, part, none, none, none, drop, let_drop, drop)


def _start(spectrum: EnergySpectrum, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the protons at each node: number and mean energy are exact."""
    n = np.zeros(energy.size)
    for mean, sigma, weight in zip(spectrum.mean_mev, spectrum.sigma_mev, spectrum.weights, strict=True):
        if weight == 0:
            continue
        at = np.linspace(-_CUT, _CUT, 2001) if sigma > 0 else np.zeros(1)
        share = np.exp(-0.5 * at**2)
        values = np.maximum(mean + sigma * at, 0.0)
        i = np.clip(np.searchsorted(energy, values, side="right") - 1, 0, energy.size - 2)
        part = (values - energy[i]) / (energy[i + 1] - energy[i])
        np.add.at(n, i, weight * share / share.sum() * (1.0 - part))
        np.add.at(n, i + 1, weight * share / share.sum() * part)
    return n


def _cosine(material: Material, energy: float, paths_g_cm2: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean cosine of the primaries' directions after each path."""
    left = np.maximum(float(csda_range_g_cm2(material, energy)) - paths_g_cm2, 0.0)
    middle = energy_from_range_mev(material, 0.5 * (left[1:] + left[:-1]))
    power = scattering_power_rad2_mm(material, np.maximum(middle, 0.01), initial_energy_mev=energy)
    # The last 0.03 mm of water turn protons round, for which small angles are no theory.
    power = np.where(middle > 1.0, power, 0.0)
    variance = np.cumsum(power * np.diff(paths_g_cm2) * 10.0 / material.density_g_cm3)
    cosine: NDArray[np.float64] = 1.0 / (1.0 + variance)
    return cosine


def depth_dose(
    spectrum: EnergySpectrum,
    material: Material,
    *,
    nuclear: bool = True,
    straggling: bool = True,
) -> DepthDose:
    r"""Follow a spectrum of protons, and what they make, until all have come to rest.

    Protons are counted by their residual range, which shrinks by the path in each step; straggling spreads it
    with :math:`\mathrm d\sigma_R^2/\mathrm dx = (\mathrm d\sigma_E^2/\mathrm dx)/S^2` [1]_. Depth is path
    times the mean cosine of multiple scattering. Inelastic reactions follow ICRU 63 [2]_, with elastic
    scattering off nuclei beyond 5 degrees; hydrogen scatters elastically [3]_. Secondary protons and
    deuterons go straight on in eight directions, and carry their distance from the axis along; these protons
    react again, but for elastic scattering off nuclei. Alphas, recoils and whatever goes backward stay where
    they are made; neutrons, gammas and binding energy are lost.

    Parameters
    ----------
    spectrum
        Energies up to 300 MeV, mean plus 5 standard deviations included.
    material
        Any of elements 1 to 92, homogeneous and deep enough.
    nuclear, straggling
        Switch the one or the other off, to see what it does.

    Returns
    -------
    DepthDose
        In bins of 0.01 g/cm2 of path, to beyond the last proton's range.

    Raises
    ------
    InputError
        When an energy is out of reach.

    References
    ----------
    .. [1] tschalar1968straggling
    .. [2] icru2000report63
    .. [3] fippel2004monte

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> dose = depth_dose(EnergySpectrum([150.0], [0.0], [1.0]), material("water, liquid"))
    >>> round(float(dose.depth_mm[dose.total_mev_mm.argmax()]))  # Bragg peak [mm]
    156
    """
    largest = float((spectrum.mean_mev + _CUT * spectrum.sigma_mev).max())
    if not largest <= _LARGEST_MEV:
        raise InputError(
            f"energies of spectrum must stay within {_LARGEST_MEV:g} MeV, {_CUT:g} standard deviations above "
            f"the mean included [MeV]; got {largest:.6g}; nuclear tables end there"
        )
    h = _step_g_cm2(material)
    reach = _reach_g_cm2(material, largest)
    n_coarse = int(np.ceil(reach / (h * _STEPS_AT_ONCE))) + 2
    n_fine = n_coarse * _STEPS_AT_ONCE
    nodes = _primary_nodes(material, straggling, nuclear)
    primary, secondary, lost_mev = _march(
        _start(spectrum, nodes.energy[: n_fine + 3]), nodes, material, n_coarse
    )
    mean = spectrum.total_mean_mev
    cosine = _cosine(material, mean, np.arange(n_fine + 1, dtype=np.float64) * h)
    width_mm = cosine * h * 10.0 / material.density_g_cm3
    coarse = _refined(secondary)
    to_kev_um = 0.1 * material.density_g_cm3
    to_mm2 = 0.5 * (10.0 / material.density_g_cm3) ** 2

    def ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.divide(a, b, out=np.zeros_like(a), where=b > 1e-12)

    track = primary[:, 0] * h + coarse[:, 4]
    return DepthDose(
        depth_mm=np.concatenate(([0.0], np.cumsum(width_mm))),
        primary_mev_mm=primary[:, 1] / width_mm,
        local_mev_mm=coarse[:, 5] / width_mm,
        secondary_mev_mm=coarse[:, 0] / width_mm,
        secondary_spread_mm2=to_mm2 * ratio(coarse[:, 1], coarse[:, 0]),
        primary_fluence=primary[:, 0],
        let_kev_um=to_kev_um * ratio(primary[:, 2] + coarse[:, 2], primary[:, 3] + coarse[:, 3]),
        primary_let_kev_um=to_kev_um * ratio(primary[:, 2], primary[:, 3]),
        track_let_kev_um=to_kev_um * ratio(primary[:, 3] + coarse[:, 3], track),
        initial_mev=mean,
        lost_mev=lost_mev,
        provenance=Record(
            "physics.depth_dose",
            {
                "material": material.name,
                "mean_mev": spectrum.mean_mev.tolist(),
                "sigma_mev": spectrum.sigma_mev.tolist(),
                "weights": spectrum.weights.tolist(),
                "nuclear": nuclear,
                "straggling": straggling,
            },
            references=REFERENCES,
        ),
    )


def _refined(coarse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what falls into each fine step: smooth, never negative, with the same sum in each coarse one."""
    edges = np.arange(len(coarse) + 1)
    summed = np.concatenate((np.zeros((1, coarse.shape[1])), np.cumsum(coarse, axis=0)))
    fine = np.linspace(0, len(coarse), len(coarse) * _STEPS_AT_ONCE + 1)
    return np.diff(PchipInterpolator(edges, summed)(fine), axis=0)


def _march(
    n: NDArray[np.float64], nodes: _Nodes, material: Material, n_coarse: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return what primaries do in fine steps, secondaries and local energy in coarse ones, and the lost."""
    made, table = _secondary_nodes(material)
    h = _step_g_cm2(material)
    first, second = made.of_primaries, made.of_secondaries
    primary, secondary = np.zeros((n_coarse * _STEPS_AT_ONCE, 4)), np.zeros((n_coarse, 6))
    rates, later_rates = (
        np.zeros((n_coarse + 1, GROUPS_MEV.size)),
        np.zeros((n_coarse, COARSE_GROUPS_MEV.size)),
    )
    filled = np.flatnonzero(n[1:] > 0) + 1
    of_nodes = tuple(getattr(nodes, name) for name in _Nodes.__dataclass_fields__)
    of_secondaries = (
        made.elastic_weight, made.elastic_recoil_mev, made.energy, made.step, made.last, table.survive,
        table.group, table.part, table.drop, table.let_drop, np.where(made.is_proton, made.step, 0.0),
        np.sqrt(made.step**2 - (h * _STEPS_AT_ONCE) ** 2), first.number, first.reach, second.number,
        second.reach,
    )  # fmt: skip
    march(
        n, np.array([filled[0], filled[-1]]), of_nodes, of_secondaries, _STEPS_AT_ONCE,
        h, np.zeros((2, n.size)), np.zeros((*made.energy.shape, 3)),
        np.zeros((COARSE_GROUPS_MEV.size, 2)), rates, later_rates, primary, secondary,
    )  # fmt: skip
    # Each reaction counts by half in its own step and by half in the next.
    secondary[:, 5] += 0.5 * (rates[:-1] + np.roll(rates, 1, axis=0)[:-1]) @ first.local
    secondary[:, 5] += later_rates @ second.local
    lost = float((rates @ first.lost).sum() + (later_rates @ second.lost).sum())
    return primary, secondary, lost
