"""Send particles into a box of water and say in a few numbers what became of them."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.prompt_gammas import distal_falloff_mm
from tumorboard.physics.ranges import csda_range_g_cm2
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.electron import ElectronTransportResult, transport_electrons
from tumorboard.physics.transport.electron_source import ElectronSource
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.physics.transport.photon import PhotonTransportResult, transport_photons
from tumorboard.physics.transport.photon_source import PhotonSource
from tumorboard.physics.transport.proton import ProtonScores, ProtonTransportResult, transport_protons
from tumorboard.physics.transport.proton_source import ProtonBeamlets
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.transport.bragg_peak import r80_mm
from tumorboard.workflows.transport.config import WaterConfig

__all__ = ["WaterResult", "run"]

#: The box is deeper than the range by this share and so much more [mm]; photons have no range.
_DEEPER, _MORE_MM = 1.2, 20.0
_PHOTONS_MM: Final = 300.0
#: Electrons go no farther than this in water [mm/MeV].
_ELECTRONS_MM_MEV: Final = 6.0
_GAMMA_EDGES_MEV: Final = (3.0, 4.0, 5.0, 6.0)
#: Nobody needs the uncertainty here, so as few batches as there may be: adding them up takes time.
_BATCHES: Final = 10
_WARM_UP: Final = 100
#: Numbers that are kept of each voxel, the copies of them beside those of the threads, and what may be taken.
_NUMBERS, _COPIES, _MOST_GB = 12, 3, 6.0
#: Before the surface: in vacuum, on the axis [mm].
_START_MM, _ALONG = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)

_Found: TypeAlias = ProtonTransportResult | PhotonTransportResult | ElectronTransportResult


@dataclass(frozen=True, slots=True)
class WaterResult:
    """What became of particles in water; what only protons have is ``None`` for others.

    Parameters
    ----------
    histories_per_s
        Followed per second of wall time, tables and compiled code being ready [1/s].
    r80_mm
        Depth of 80 % beyond the Bragg peak, as :func:`tumorboard.workflows.transport.bragg_peak.r80_mm`
        interpolates it; ``None`` where the voxels are too few, too [mm].
    deposited_fraction
        Share of the brought energy that stays in the box.
    prompt_gamma_per_proton
        Gammas of 3 to 6 MeV.
    let_d_kev_um_at_entrance
        Dose-averaged LET of protons in the first layer of voxels [keV/um].
    prompt_gamma_falloff_50_mm
        Where gammas of 3 to 6 MeV have fallen below half of the most, for the last time; ``None`` where
        there are none [mm].
    mean_depth_mm
        Of the energy that stays in the box [mm].
    escaped_fraction
        Share of the brought energy that particles carry out.
    balance
        Energy per history [MeV].
    """

    histories_per_s: float
    r80_mm: float | None
    deposited_fraction: float
    prompt_gamma_per_proton: float | None
    let_d_kev_um_at_entrance: float | None
    prompt_gamma_falloff_50_mm: float | None
    mean_depth_mm: float
    escaped_fraction: float
    balance: EnergyBalance

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)


def run(config: WaterConfig, *, progress: Progress = silent) -> WaterResult:
    """Send a thin beam of one energy into a box of water.

    The box begins at the surface, is as wide as the config says and deeper than the range (photons: 30 cm);
    the beam enters in the middle of a voxel. Of protons, LET, prompt gammas and dose are all scored while the
    clock runs. Photons leave their electrons where they set them free, and electrons their photons.

    Parameters
    ----------
    config
        The choices.
    progress
        Told how far it is.

    Returns
    -------
    WaterResult
        Of all histories.

    Raises
    ------
    InputError
        When the voxels do not fit into memory.
    """
    water = replace(material("water, liquid"), mean_excitation_energy_ev=config.mean_excitation_ev)
    medium = TransportMedium.homogeneous(_box(config), water)
    # The first call loads compiled code and makes tables; the second is timed.
    _followed(config, medium, BatchPlan(_WARM_UP, config.seed, 1, batches=_BATCHES), silent)
    batches = BatchPlan(config.histories, config.seed, config.threads, batches=_BATCHES)
    started = time.perf_counter()
    found = _followed(config, medium, batches, progress)
    return _result(config, found, time.perf_counter() - started)


def _followed(config: WaterConfig, medium: TransportMedium, batches: BatchPlan, progress: Progress) -> _Found:
    if config.particle == "proton":
        beam = ProtonBeamlets.pencil(
            energy_mev=config.energy_mev, position_mm=_START_MM, direction=_ALONG, sigma_mm=0.0
        )
        scores = ProtonScores(let=True, gamma_edges_mev=_GAMMA_EDGES_MEV)
        return transport_protons(medium, beam, batches, scores=scores, progress=progress)
    if config.particle == "photon":
        photons = PhotonSource((config.energy_mev,), position_mm=_START_MM, direction=_ALONG)
        return transport_photons(medium, photons, batches, progress=progress)
    kind = ParticleKind.POSITRON if config.particle == "positron" else ParticleKind.ELECTRON
    electrons = ElectronSource(config.energy_mev, _START_MM, _ALONG, kind)
    return transport_electrons(medium, electrons, batches, progress=progress)


def _depth_mm(config: WaterConfig) -> float:
    if config.particle == "photon":
        return _PHOTONS_MM
    if config.particle == "proton":
        reach_mm = 10.0 * float(csda_range_g_cm2(material("water, liquid"), config.energy_mev))
    else:
        reach_mm = _ELECTRONS_MM_MEV * config.energy_mev
    return _DEEPER * reach_mm + _MORE_MM


def _box(config: WaterConfig) -> Grid:
    step = config.voxel_mm
    deep = max(2, math.ceil(_depth_mm(config) / step))
    wide = math.ceil(config.width_mm / step)
    # An odd number has a voxel in the middle.
    wide += 1 - wide % 2
    needed_gb = deep * wide**2 * _NUMBERS * (config.threads + _COPIES) * 8e-9
    if needed_gb > _MOST_GB:
        raise InputError(
            f"voxels of {step:g} mm must fit into {_MOST_GB:g} GB; {deep} x {wide} x {wide} of them and "
            f"{config.threads} thread(s) take {needed_gb:.0f} GB; choose larger ones or a smaller width_mm"
        )
    edge = -0.5 * (wide - 1) * step
    return Grid(
        (wide, wide, deep), (step, step, step), (0.5 * step, edge, edge), AXIAL, frame_of_reference="water"
    )


def _result(config: WaterConfig, found: _Found, wall_s: float) -> WaterResult:
    by_depth = found.dose.values.sum(axis=(0, 1), dtype=np.float64)
    edges = config.voxel_mm * np.arange(by_depth.size + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    balance = found.balance
    result = WaterResult(
        histories_per_s=found.histories / wall_s,
        r80_mm=None,
        deposited_fraction=balance.deposited_fraction,
        prompt_gamma_per_proton=None,
        let_d_kev_um_at_entrance=None,
        prompt_gamma_falloff_50_mm=None,
        mean_depth_mm=float(middles @ by_depth / by_depth.sum()) if by_depth.any() else 0.0,
        escaped_fraction=balance.escaped_mev / balance.brought_mev if balance.brought_mev > 0 else 0.0,
        balance=balance,
    )
    return _of_protons(config, found, result) if isinstance(found, ProtonTransportResult) else result


def _of_protons(config: WaterConfig, found: ProtonTransportResult, result: WaterResult) -> WaterResult:
    """Return the result with what only protons have."""
    if found.dose_averaged_let is None or found.prompt_gammas is None:
        raise TypeError("a transport returns all that it was asked to score")
    dose = found.dose.values
    edges = config.voxel_mm * np.arange(dose.shape[2] + 1)
    try:
        reach: float | None = r80_mm(edges, dose.sum(axis=(0, 1)), energy_mev=config.energy_mev)
    except InputError:
        reach = None
    first = dose[:, :, 0].astype(np.float64)
    gammas = found.prompt_gammas
    profile = gammas.values.sum(axis=(0, 1, 2), dtype=np.float64)
    falloff = None
    if profile.max() > 0 and profile[-1] < 0.5 * profile.max():
        falloff = distal_falloff_mm(0.5 * (edges[1:] + edges[:-1]), profile)
    return replace(
        result,
        r80_mm=reach,
        prompt_gamma_per_proton=gammas.total,
        let_d_kev_um_at_entrance=float((first * found.dose_averaged_let.values[:, :, 0]).sum() / first.sum()),
        prompt_gamma_falloff_50_mm=falloff,
    )
